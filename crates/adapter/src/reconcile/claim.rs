//! What a source says it sent: a window, and by event name a count, the ids, or a digest of each hour. The more it says,
//! the more exactly it is answered.

use crate::settings::{SettingError, object, take};
use cebe_catalog::{Micros, time::HOUR};
use cebe_central::engine_rows::ArrivalTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Fields of a posted claim.
const FIELDS: [&str; 8] = ["company_id", "source_module", "from", "to", "by", "counts", "ids", "digests"];

/// A source's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// Start of the window: a whole hour.
    pub(crate) from: Micros,
    /// Its end: a whole hour, not in it.
    pub(crate) to: Micros,
    /// The time that lies in the window.
    pub(crate) by: ArrivalTime,
    /// Events sent, by name.
    pub(crate) counts: BTreeMap<SmolStr, i64>,
    /// Ids of those events, by name, where the source gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) ids: BTreeMap<SmolStr, Vec<SentId>>,
    /// Count and digest of single hours, where the source gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) digests: Vec<HourDigest>,
}

/// An event that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum SentId {
    /// Its id.
    Plain(SmolStr),
    /// Its id and when it happened: told altered when it arrived with another time.
    Timed {
        /// Its id.
        id: SmolStr,
        /// RFC 3339.
        event_timestamp: SmolStr,
    },
}

impl SentId {
    pub(crate) fn id(&self) -> &SmolStr {
        match self {
            Self::Plain(id) | Self::Timed { id, .. } => id,
        }
    }

    pub(crate) fn at(&self) -> Option<Micros> {
        match self {
            Self::Plain(_) => None,
            Self::Timed { event_timestamp, .. } => Micros::parse(event_timestamp),
        }
    }
}

/// What was sent in one hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HourDigest {
    /// Of which name.
    pub(crate) event_name: SmolStr,
    /// Start of the hour, RFC 3339.
    pub(crate) hour: SmolStr,
    /// How many.
    pub(crate) count: i64,
    /// Sum of the ids' FNV-1a 64 hashes modulo 2^64, 16 hex digits.
    pub(crate) digest: SmolStr,
}

/// A body as it is posted.
pub(crate) struct Posted {
    pub(crate) module: Option<SmolStr>,
    pub(crate) company: Option<String>,
    pub(crate) claim: Claim,
}

impl Claim {
    /// Reads a posted body.
    pub(crate) fn parse(body: &[u8]) -> Result<Posted, SettingError> {
        let mut fields = object(body, &FIELDS)?;
        let company = take(&mut fields, "company_id", "a text")?;
        let module = take(&mut fields, "source_module", "a text")?;
        let by: Option<ArrivalTime> = take(&mut fields, "by", "event_timestamp or received_at")?;
        let (from, to) = (hour(&mut fields, "from")?, hour(&mut fields, "to")?);
        if from >= to {
            return Err(SettingError::invalid("to", "it must be later than from"));
        }
        let counts: Option<BTreeMap<SmolStr, i64>> = take(&mut fields, "counts", "{event name: count}")?;
        let mut counts = counts.unwrap_or_default();
        let ids = take(&mut fields, "ids", "{event name: [id or {id, event_timestamp}]}")?;
        let ids: BTreeMap<SmolStr, Vec<SentId>> = ids.unwrap_or_default();
        let digests: Option<Vec<HourDigest>> =
            take(&mut fields, "digests", "[{event_name, hour, count, digest}], hours in RFC 3339, digests in hex")?;
        let digests = digests.unwrap_or_default();
        add_counts(&mut counts, &ids, &digests);
        check(&counts, &digests)?;
        let by = by.unwrap_or(ArrivalTime::EventTimestamp);
        Ok(Posted { module, company, claim: Self { from, to, by, counts, ids, digests } })
    }

    /// What is kept of it: ids beyond a bound are compared once and kept as counts.
    pub(crate) fn kept(&self, ids_max: usize) -> Self {
        let ids =
            if self.ids.values().map(Vec::len).sum::<usize>() > ids_max { BTreeMap::new() } else { self.ids.clone() };
        Self { ids, ..self.clone() }
    }
}

fn check(counts: &BTreeMap<SmolStr, i64>, digests: &[HourDigest]) -> Result<(), SettingError> {
    if counts.is_empty() {
        return Err(SettingError::invalid("counts", "give counts, ids or digests by event name"));
    }
    if counts.values().any(|count| *count < 0) {
        return Err(SettingError::invalid("counts", "counts are not negative"));
    }
    let is_read = |row: &HourDigest| {
        Micros::parse(&row.hour).is_some() && row.digest.len() == 16 && u64::from_str_radix(&row.digest, 16).is_ok()
    };
    if !digests.iter().all(is_read) {
        return Err(SettingError::invalid("digests", "hours in RFC 3339, digests of 16 hex digits"));
    }
    Ok(())
}

/// Names that are only given as ids or digests have as many events as those say.
fn add_counts(counts: &mut BTreeMap<SmolStr, i64>, ids: &BTreeMap<SmolStr, Vec<SentId>>, digests: &[HourDigest]) {
    for (name, ids) in ids {
        let different: std::collections::BTreeSet<&SmolStr> = ids.iter().map(SentId::id).collect();
        counts.entry(name.clone()).or_insert_with(|| i64::try_from(different.len()).unwrap_or(i64::MAX));
    }
    let mut summed: BTreeMap<&SmolStr, i64> = BTreeMap::new();
    digests.iter().for_each(|row| *summed.entry(&row.event_name).or_default() += row.count);
    for (name, count) in summed {
        counts.entry(name.clone()).or_insert(count);
    }
}

fn hour(fields: &mut Map<String, Value>, name: &str) -> Result<Micros, SettingError> {
    let form = "a whole hour in RFC 3339, such as 2026-11-02T09:00:00Z";
    let text: Option<String> = take(fields, name, form)?;
    let at = text.and_then(|text| Micros::parse(&text)).filter(|at| at.0.rem_euclid(HOUR) == 0);
    at.ok_or_else(|| SettingError::invalid(name, form))
}
