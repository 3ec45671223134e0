//! The rows that a view of settings is made of, read from the store or from the file where the last ones are remembered,
//! so that a door opens while the store is away. Secrets in it are wrapped and keys are hashed, as in the store.

use cebe_central::{
    Order, Snapshot, StoreError,
    change::{ControlKind, ControlRow},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    ops::ControlFlow,
    path::Path,
};

/// Kinds of rows that a door must know.
const KINDS: [ControlKind; 6] = [
    ControlKind::Company,
    ControlKind::Fields,
    ControlKind::EventDefinition,
    ControlKind::Source,
    ControlKind::Team,
    ControlKind::Key,
];

/// Rows of settings at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ControlRows {
    pub(crate) version: u64,
    rows: Vec<(ControlKind, String, ControlRow)>,
}

impl ControlRows {
    /// All of a store's.
    pub(crate) fn read(from: &Snapshot) -> Result<Self, StoreError> {
        let mut rows = Vec::new();
        for kind in KINDS {
            from.control_all(kind, "", Order::Forward, &mut |id, row| {
                rows.push((kind, id.to_owned(), row));
                ControlFlow::Continue(())
            })?;
        }
        Ok(Self { version: from.control_version()?, rows })
    }

    /// Those of one kind, by id.
    pub(crate) fn of(&self, kind: ControlKind) -> impl Iterator<Item = (&str, &ControlRow)> {
        self.rows.iter().filter(move |(of, ..)| *of == kind).map(|(_, id, row)| (id.as_str(), row))
    }

    /// The ones remembered in a file; `None` when there are none that can be read.
    pub(crate) fn recall(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let rows = serde_json::from_slice(&bytes);
        rows.map_err(|error| tracing::error!(%error, "the remembered settings cannot be read")).ok()
    }

    /// Remembers them: the file holds the old ones or these, never a part.
    pub(crate) fn remember(&self, path: &Path) -> io::Result<()> {
        let part = path.with_extension("part");
        let mut file = private(&part)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(part, path)
    }
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::create(path)
}
