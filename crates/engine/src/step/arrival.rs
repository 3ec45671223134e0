//! Counting which events arrived, by name and hour, so that a source can compare. A losing copy that was applied first
//! is taken back; expiry and erasure take nothing back, for the source did send what left.

use super::{Incoming, Leaving};
use crate::rows::{ArrivalKey, ArrivalTime, Arrivals, id_digest};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{EventRecord, Micros, time::HOUR};

/// Arrivals that a step adds or takes back.
pub(super) fn counted(added: &[Incoming], removed: &[EventRecord], leaving: Leaving) -> Vec<(ArrivalKey, Arrivals)> {
    let mut rows = BTreeMap::new();
    for (event, ..) in added {
        count(&mut rows, event, Arrivals { count: 1, digest: id_digest(event.id.as_str()) });
    }
    if leaving == Leaving::Superseded {
        for event in removed {
            count(&mut rows, event, Arrivals { count: -1, digest: id_digest(event.id.as_str()).wrapping_neg() });
        }
    }
    rows.retain(|_, counts: &mut Arrivals| *counts != Arrivals::default());
    rows.into_iter().collect()
}

fn count(rows: &mut BTreeMap<ArrivalKey, Arrivals>, event: &EventRecord, counts: Arrivals) {
    for (by, at) in [(ArrivalTime::EventTimestamp, event.event_at), (ArrivalTime::ReceivedAt, event.header.received_at)]
    {
        let header = &event.header;
        let key = ArrivalKey {
            company: header.company.clone(),
            module: header.module.clone(),
            by,
            name: event.name.clone(),
            hour: Micros(at.0.div_euclid(HOUR) * HOUR),
        };
        rows.entry(key).or_default().add(counts);
    }
}
