//! Blocks of the event log. Key: company, receipt month, commit number, block number. Value: see `blocks.rs`; up to 64
//! events of one company and month, sorted by anchor.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
};
use cebe_catalog::{CompanyId, Micros};
use serde::{Deserialize, Serialize};

/// Key of a block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BodyKey {
    pub(crate) company: CompanyId,
    /// Months since year 0.
    pub(crate) month: u32,
    pub(crate) commit: u64,
    pub(crate) block: u32,
}

impl BodyKey {
    pub(crate) const TABLE: Table = Table::Body;

    /// Where the event in one of its slots is.
    pub(crate) fn spot(&self, slot: u8) -> Spot {
        Spot { month: self.month, commit: self.commit, block: self.block, slot }
    }

    pub(crate) fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).u32(self.month).u64(self.commit).u32(self.block).finish()
    }

    pub(crate) fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let read = Self { company: key.company()?, month: key.u32()?, commit: key.u64()?, block: key.u32()? };
        key.is_empty().then_some(read)
    }
}

/// Where an event is in its company's log: what seen and timeline rows hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) month: u32,
    pub(crate) commit: u64,
    pub(crate) block: u32,
    pub(crate) slot: u8,
}

/// Where an event is in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub(crate) company: CompanyId,
    pub(crate) spot: Spot,
}

impl Address {
    pub(crate) fn new(company: &CompanyId, spot: Spot) -> Self {
        Self { company: company.clone(), spot }
    }

    pub(crate) fn block(&self) -> BodyKey {
        let Spot { month, commit, block, .. } = self.spot;
        BodyKey { company: self.company.clone(), month, commit, block }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Spot { month, commit, block, slot } = self.spot;
        write!(f, "{}/{month}/{commit}/{block}/{slot}", self.company)
    }
}

/// The receipt month of an instant, in UTC.
pub(crate) fn month_of(at: Micros) -> u32 {
    let date = at.utc_day().to_civil();
    let months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
    u32::try_from(months).unwrap_or(0)
}
