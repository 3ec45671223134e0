//! Identity over random histories (`properties`), against a naive reading of the rules (`naive`), and in named cases.

mod cases;
mod graph;
mod naive;
mod properties;
