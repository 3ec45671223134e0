//! The tag of an append: how many received events it holds per company, module and hour of receipt. Summed over the
//! queue's frames it is `received`, without reading a record. Form: one version byte (1), then the rows in postcard.

use cebe_catalog::{CompanyId, Micros, SourceModule, record::Header, time::HOUR};
use serde::{Deserialize, Serialize};

const FORMAT: u8 = 1;

/// Received events of one company, module and hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRow {
    /// Tenant.
    pub company: CompanyId,
    /// Canonical module, or `unknown`.
    pub module: SourceModule,
    /// Start of the hour of receipt.
    pub hour: Micros,
    /// How many.
    pub received: u32,
}

/// All counts of one append. Control records are not received events and not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag(pub Vec<TagRow>);

impl Tag {
    /// Counts one received event.
    pub(crate) fn count(&mut self, header: &Header) {
        let hour = Micros(header.received_at.0.div_euclid(HOUR) * HOUR);
        let same = |row: &&mut TagRow| row.hour == hour && row.module == header.module && row.company == header.company;
        match self.0.iter_mut().rev().find(same) {
            Some(row) => row.received += 1,
            None => {
                let (company, module) = (header.company.clone(), header.module.clone());
                self.0.push(TagRow { company, module, hour, received: 1 });
            }
        }
    }

    /// The tag's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(&self.0, vec![FORMAT]).expect("rows hold only types that postcard can write")
    }

    /// Reads what [`Tag::to_bytes`] wrote; an empty tag counts nothing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first() {
            None => Some(Self::default()),
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).ok().map(Self),
            Some(_) => None,
        }
    }
}
