//! Shards: companies are spread over a fixed number of them, and each shard has one writer at a time. What concerns the
//! whole installation (keys, teams, flags) has a shard of its own.

use crate::ids::CompanyId;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A part of the installation that one writer owns at a time. Numbers are stored, named in queue subjects, and never
/// change their meaning: a company's shard is `XXH3-64(company id, seed 0) mod 64`, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub struct Shard(u8);

impl Shard {
    /// How many shards companies are spread over.
    pub const COMPANY_SHARDS: u8 = 64;

    /// The shard of records that concern the whole installation.
    pub const CONTROL: Self = Self(Self::COMPANY_SHARDS);

    /// The shard of a company.
    pub fn of(company: &CompanyId) -> Self {
        let hash = xxh3_64(company.as_str().as_bytes());
        Self(u8::try_from(hash % u64::from(Self::COMPANY_SHARDS)).expect("a remainder of 64 fits"))
    }

    /// Every shard: those of companies, then the one of the installation.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
        (0..Self::COMPANY_SHARDS + 1).map(Self)
    }

    /// The shard with a number, when there is one.
    pub const fn numbered(number: u8) -> Option<Self> {
        if number <= Self::COMPANY_SHARDS { Some(Self(number)) } else { None }
    }

    /// Its number: what is stored and named.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Is it the one of the whole installation?
    pub fn is_control(self) -> bool {
        self == Self::CONTROL
    }
}

impl From<Shard> for u8 {
    fn from(shard: Shard) -> Self {
        shard.0
    }
}

impl TryFrom<u8> for Shard {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::numbered(number).ok_or("there is no shard of that number")
    }
}

/// `00` … `63`, or `control`.
impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.is_control() {
            true => f.pad("control"),
            false => f.pad(&format!("{:02}", self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and queue subjects lie by these numbers: a change here would lose what is stored.
    #[test]
    fn a_company_keeps_its_shard_for_ever() {
        let shard = |id: &str| Shard::of(&id.into()).number();
        assert_eq!(["", "acme", "acme-2", "toko-maju", "日本"].map(shard), [2, 33, 13, 40, 0]);
    }

    #[test]
    fn companies_are_spread() {
        let mut counts = [0_u32; Shard::COMPANY_SHARDS as usize];
        (0..6_400).for_each(|n| counts[usize::from(Shard::of(&format!("company-{n}").as_str().into()).number())] += 1);
        assert!(counts.iter().all(|count| (50..200).contains(count)), "{counts:?}");
    }

    #[test]
    fn numbers_and_names() {
        assert_eq!(Shard::all().len(), 65);
        assert!(Shard::all().all(|shard| Shard::numbered(shard.number()) == Some(shard)));
        assert_eq!(Shard::numbered(65), None);
        assert_eq!(Shard::all().map(|shard| shard.to_string()).next_back().as_deref(), Some("control"));
        assert_eq!(Shard::numbered(7).unwrap().to_string(), "07");
    }
}
