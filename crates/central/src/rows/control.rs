//! Settings, keys, flags, audits. Key: kind, id. Value: the engine's `ControlRow`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_engine::change::{ControlKind, ControlRow};
use smol_str::SmolStr;

/// Key of a control row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControlKey {
    pub(crate) kind: u8,
    pub(crate) id: SmolStr,
}

impl ControlKey {
    pub(crate) fn new(kind: ControlKind, id: &str) -> Self {
        Self { kind: kind as u8, id: SmolStr::new(id) }
    }
}

impl Stored for ControlKey {
    const TABLE: Table = Table::Control;
    type Row = ControlRow;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::new().byte(self.kind).raw(self.id.as_bytes()).finish()
    }
}

impl ReadBack for ControlKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { kind: key.byte()?, id: key.rest_text()? })
    }
}
