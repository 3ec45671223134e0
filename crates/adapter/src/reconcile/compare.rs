//! Compares a claim with what arrived. Counts cost one small row a name and hour of the window; ids one look-up each;
//! only when there is more than was sent, and ids were given, is the company's log read for which ones those are.

use super::claim::{Claim, SentId};
use cebe_catalog::{CompanyId, EventRecord, Micros, SourceModule, record::QuarantineRecord, time::HOUR};
use cebe_central::{
    Snapshot, StoreError,
    engine_rows::{ArrivalTime, Arrivals, Outcomes, SeenKey},
};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

/// Ids listed of each kind and name.
const IDS_LISTED_MAX: usize = 1_000;
/// Refused events looked at.
const QUARANTINE_MAX: usize = 100_000;
/// How long after the end of the window an event of it may have been received and count as explained.
const LATE: i64 = 24 * HOUR;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Finding {
    names: BTreeMap<SmolStr, Name>,
    /// Events of the source that came while it was switched off.
    pub(crate) ignored: i64,
    /// Refused events of the source, with their ids.
    quarantined: Vec<QuarantineRecord>,
    /// What became of everything received in the window.
    received: Outcomes,
}

#[derive(Debug, Default)]
struct Name {
    sent: i64,
    by_event_timestamp: i64,
    by_received_at: i64,
    found: i64,
    missing: BTreeSet<SmolStr>,
    extra: BTreeSet<SmolStr>,
    altered: BTreeSet<SmolStr>,
    /// Refused events of the name, among those that were sent.
    refused: i64,
    /// Ids were given, so missing ones are known by name.
    by_id: bool,
    /// Hours with as many events as were sent, but others.
    altered_hours: usize,
    hours: Vec<Value>,
}

impl Name {
    /// Sent, neither applied nor refused.
    fn missing(&self) -> i64 {
        if self.by_id {
            return i64::try_from(self.missing.len()).unwrap_or(i64::MAX);
        }
        (self.sent - self.found - self.refused).max(0)
    }

    fn altered(&self) -> i64 {
        i64::try_from(self.altered.len() + self.altered_hours).unwrap_or(i64::MAX)
    }

    fn extra(&self) -> i64 {
        (self.found - self.sent).max(i64::try_from(self.extra.len()).unwrap_or(i64::MAX))
    }
}

impl Finding {
    pub(crate) fn missing(&self) -> i64 {
        self.names.values().map(Name::missing).sum()
    }

    pub(crate) fn extra(&self) -> i64 {
        self.names.values().map(Name::extra).sum()
    }

    pub(crate) fn altered(&self) -> i64 {
        self.names.values().map(Name::altered).sum()
    }

    pub(crate) fn quarantined_count(&self) -> usize {
        self.quarantined.len()
    }

    /// Nothing is missing but what came while the source was switched off, and nothing is extra or altered.
    pub(crate) fn matches(&self) -> bool {
        self.missing() <= self.ignored && self.extra() == 0 && self.altered() == 0
    }

    /// As answers show it.
    pub(crate) fn to_json(&self) -> Value {
        let names: Map<String, Value> =
            self.names.iter().map(|(name, found)| (name.to_string(), name_json(found))).collect();
        let outcomes = &self.received;
        json!({
            "matches": self.matches(), "missing": self.missing(), "extra": self.extra(), "altered": self.altered(),
            "ignored": self.ignored, "unexplained": (self.missing() - self.ignored).max(0), "names": names,
            "quarantined": self.quarantined.iter().take(IDS_LISTED_MAX).map(|record| json!({
                "id": record.receipt, "event_id": record.id, "event_name": record.name, "code": record.code.as_str(),
                "path": record.path})).collect::<Vec<_>>(),
            "quarantined_total": self.quarantined.len(),
            "received": {"received": outcomes.received, "applied": outcomes.applied, "duplicate": outcomes.duplicate,
                "conflict": outcomes.conflict, "ignored": outcomes.ignored, "quarantined": outcomes.quarantined},
        })
    }
}

fn name_json(name: &Name) -> Value {
    let listed = |ids: &BTreeSet<SmolStr>| ids.iter().take(IDS_LISTED_MAX).cloned().collect::<Vec<_>>();
    json!({
        "sent": name.sent, "found": name.found, "missing": name.missing(), "extra": name.extra(),
        "altered": name.altered(), "quarantined": name.refused,
        "by_event_timestamp": name.by_event_timestamp, "by_received_at": name.by_received_at,
        "missing_ids": listed(&name.missing), "extra_ids": listed(&name.extra), "altered_ids": listed(&name.altered),
        "hours": name.hours,
    })
}

/// Compares a claim about a module with a moment of the store.
pub(crate) fn compare(
    store: &Snapshot,
    company: &CompanyId,
    module: &str,
    claim: &Claim,
) -> Result<Finding, StoreError> {
    let source = (company, &SourceModule::new(module));
    let mut finding = Finding::default();
    for (name, sent) in &claim.counts {
        finding.names.insert(name.clone(), Name { sent: *sent, ..Name::default() });
    }
    count(store, source, claim, &mut finding)?;
    let window = (claim.from, Micros(claim.to.0.saturating_add(LATE)));
    receipts(store, source, window, &mut finding)?;
    refusals(store, source, window, &mut finding)?;
    for (name, ids) in &claim.ids {
        by_id(store, source, name, ids, claim, &mut finding)?;
    }
    hours(store, source, claim, &mut finding)?;
    Ok(finding)
}

type Source<'s> = (&'s CompanyId, &'s SourceModule);

/// Counts by both times. Names that the source does not speak of are extra when it gave counts for others.
fn count(
    store: &Snapshot,
    (company, module): Source<'_>,
    claim: &Claim,
    finding: &mut Finding,
) -> Result<(), StoreError> {
    for by in [ArrivalTime::EventTimestamp, ArrivalTime::ReceivedAt] {
        store.arrivals(company, module, by, &mut |key, counts| {
            let is_claimed = by == claim.by;
            let is_in = key.hour >= claim.from && key.hour < claim.to;
            if is_in && (is_claimed || finding.names.contains_key(&key.name.0)) {
                let name = finding.names.entry(key.name.0.clone()).or_default();
                match by {
                    ArrivalTime::EventTimestamp => name.by_event_timestamp += counts.count,
                    ArrivalTime::ReceivedAt => name.by_received_at += counts.count,
                }
                name.found += if is_claimed { counts.count } else { 0 };
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(())
}

/// What became of what was received in the window.
fn receipts(
    store: &Snapshot,
    (company, module): Source<'_>,
    (from, to): (Micros, Micros),
    finding: &mut Finding,
) -> Result<(), StoreError> {
    store.outcomes_of(company, module, from, to, &mut |_, counts| {
        finding.received.add(*counts);
        ControlFlow::Continue(())
    })?;
    finding.ignored = finding.received.ignored;
    Ok(())
}

/// Refused events of the source that were not sent again since.
fn refusals(
    store: &Snapshot,
    (company, module): Source<'_>,
    (from, to): (Micros, Micros),
    finding: &mut Finding,
) -> Result<(), StoreError> {
    // Receipts are times of 20 digits, so the page begins right at the window's end.
    let newest = format!("{:020}", to.0);
    for record in store.quarantine(company, Some(&newest), QUARANTINE_MAX)? {
        if record.header.received_at < from {
            break;
        }
        if record.header.module != *module || was_replayed(store, company, &record)? {
            continue;
        }
        if let Some(name) = record.name.as_ref().and_then(|name| finding.names.get_mut(&name.0)) {
            name.refused += 1;
        }
        finding.quarantined.push(record);
    }
    Ok(())
}

fn was_replayed(store: &Snapshot, company: &CompanyId, record: &QuarantineRecord) -> Result<bool, StoreError> {
    use cebe_central::change::ControlKind;
    Ok(store.control(ControlKind::Replayed, &format!("{company}\0{}", record.receipt))?.is_some())
}

/// Looks every id up.
fn by_id(
    store: &Snapshot,
    (company, module): Source<'_>,
    name: &SmolStr,
    ids: &[SentId],
    claim: &Claim,
    finding: &mut Finding,
) -> Result<(), StoreError> {
    let refused: BTreeSet<&str> =
        finding.quarantined.iter().filter_map(|record| Some(record.id.as_ref()?.as_str())).collect();
    let (mut missing, mut altered, mut sent) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for id in ids {
        sent.insert(id.id().clone());
        let key = SeenKey {
            company: company.clone(),
            module: module.clone(),
            name: cebe_catalog::EventName(name.clone()),
            id: cebe_catalog::EventId(id.id().clone()),
        };
        match store.seen(&key)? {
            None if refused.contains(id.id().as_str()) => {}
            None => drop(missing.insert(id.id().clone())),
            Some(seen) if id.at().is_some_and(|at| at != seen.event_at) => drop(altered.insert(id.id().clone())),
            Some(_) => {}
        }
    }
    let Some(found) = finding.names.get_mut(name) else { return Ok(()) };
    let there = i64::try_from(sent.len() - missing.len()).unwrap_or(i64::MAX);
    found.by_id = true;
    if found.found > there - found.refused {
        found.extra = extra(store, (company, module), name, &sent, claim)?;
    }
    (found.missing, found.altered) = (missing, altered);
    Ok(())
}

/// Which events of the window were not sent: the log is read for them.
fn extra(
    store: &Snapshot,
    (company, module): Source<'_>,
    name: &SmolStr,
    sent: &BTreeSet<SmolStr>,
    claim: &Claim,
) -> Result<BTreeSet<SmolStr>, StoreError> {
    let mut extra = BTreeSet::new();
    let at = |event: &EventRecord| match claim.by {
        ArrivalTime::EventTimestamp => event.event_at,
        ArrivalTime::ReceivedAt => event.header.received_at,
    };
    store.log(company, &mut |event, _| {
        let is_in = (claim.from..claim.to).contains(&at(&event));
        if is_in && event.header.module == *module && event.name.0 == *name && !sent.contains(&event.id.0) {
            extra.insert(event.id.0);
        }
        ControlFlow::Continue(())
    })?;
    Ok(extra)
}

/// Compares single hours by count and digest.
fn hours(store: &Snapshot, source: Source<'_>, claim: &Claim, finding: &mut Finding) -> Result<(), StoreError> {
    for sent in &claim.digests {
        let Some(hour) = Micros::parse(&sent.hour) else { continue };
        let hour = Micros(hour.0.div_euclid(HOUR) * HOUR);
        let mut found = Arrivals::default();
        store.arrivals_of(source, claim.by, &sent.event_name, (hour, hour.plus(HOUR)), &mut |_, counts| {
            found.add(counts);
            ControlFlow::Continue(())
        })?;
        let digest = format!("{:016x}", found.digest);
        let Some(name) = finding.names.get_mut(&sent.event_name) else { continue };
        let is_same = found.count == sent.count && digest == sent.digest.to_lowercase();
        // As many, but others: some are missing and as many are extra.
        if found.count == sent.count && !is_same {
            name.altered_hours += 1;
        }
        if !is_same {
            name.hours.push(json!({"hour": hour.to_rfc3339(), "sent": sent.count, "found": found.count,
                "missing": (sent.count - found.count).max(0), "extra": (found.count - sent.count).max(0),
                "sent_digest": sent.digest, "found_digest": digest}));
        }
    }
    Ok(())
}
