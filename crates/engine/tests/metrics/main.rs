//! The catalog's metrics over the engine's folds and formulas: definitions fit the folds, each requirement's check gives
//! the number it asks for, and no history of entries upsets a fold.

mod ads;
mod cdp_loyalty;
mod commerce;
mod communication;
mod deals;
mod definitions;
mod marketing;
mod properties;
mod support;
mod ticketing;
