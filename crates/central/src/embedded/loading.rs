//! Making a store of rows that were read from another one: written as tables at once, past journal and memory.

use super::{
    EmbeddedSettings,
    opening::{at, database, lock},
    trees::Trees,
};
use crate::{OpenError, port::Table};
use fjall::PersistMode;
use std::path::Path;

/// One row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Its table.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// Makes a store in `dir` of `rows`, which come table by table in the order of [`Table::ALL`], each by ascending key:
/// as a snapshot shows them. `commits` is the number of commits behind them. Durable when it returns.
pub fn load<E: From<OpenError>>(
    dir: &Path,
    settings: &EmbeddedSettings,
    commits: u64,
    mut rows: impl FnMut() -> Result<Option<StoredRow>, E>,
) -> Result<(), E> {
    std::fs::create_dir_all(dir).map_err(at(dir))?;
    let _lock = lock(dir)?;
    let database = database(&super::opening::trees_in(dir), settings).map_err(OpenError::from)?;
    let trees = Trees::open(&database, settings).map_err(OpenError::from)?;
    trees.load(commits, &mut rows)?;
    database.persist(PersistMode::SyncAll).map_err(OpenError::from)?;
    Ok(())
}
