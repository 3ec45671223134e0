//! The typed reads of a snapshot, one file per kind of question. A visitor says whether to go on; without one a read
//! gives everything it was asked for.

mod control;
mod load;
mod log;
mod noted;
mod numbers;
mod people;
mod refused;
mod timeline;
