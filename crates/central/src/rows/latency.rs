//! How long events took. Key: company, module, hour of receipt, as for outcome counts. Value: the engine's `Latencies`.

use crate::{
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_engine::{latency::Latencies, rows::OutcomeKey};

/// The key of outcome counts, in a table of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LatencyKey(pub(crate) OutcomeKey);

impl Stored for LatencyKey {
    const TABLE: Table = Table::Latency;
    type Row = Latencies;

    fn to_key(&self) -> Vec<u8> {
        self.0.to_key()
    }
}

impl ReadBack for LatencyKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        OutcomeKey::from_key(bytes).map(Self)
    }
}
