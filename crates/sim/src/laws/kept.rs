//! Law 5: nothing is rewritten. Every event of the log is what was received, under the identity it came with, whatever was
//! linked, kept apart, expired or rebuilt since; and what was kept apart and let go again was never apart.

use super::{
    order::{applied, lived, same},
    records_of,
};
use crate::{Broken, world::World};
use cebe_catalog::{EventRecord, Lane as RecordLane, Micros, Record, control::Change};
use cebe_central::Snapshot;
use cebe_engine::rows::{Place, SeenKey};
use cebe_queue::Lane;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

/// Events by their place in the queue, and the receipts of all copies that say the same.
#[derive(Default)]
struct Received {
    at: BTreeMap<(u8, u64), EventRecord>,
    receipts: BTreeSet<(SeenKey, [u8; 16], Micros)>,
}

pub(super) fn check(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    as_received(&Received::of(world)?, snapshot)?;
    undone(world)
}

impl Received {
    fn of(world: &World) -> Result<Self, Broken> {
        let mut received = Self::default();
        for (lane, queue_lane) in [(RecordLane::Live, Lane::Live), (RecordLane::Backfill, Lane::Backfill)] {
            for (place, record) in (0..).zip(records_of(world, queue_lane)?) {
                if let Record::Event(event, _) = record {
                    received.receipts.insert((key(&event), event.content, event.header.received_at));
                    received.at.insert((lane as u8, place), *event);
                }
            }
        }
        Ok(received)
    }

    /// Whether the event is what was received at its place. A copy that says the same may only make its receipt earlier.
    fn holds(&self, event: &EventRecord, place: Place) -> bool {
        let Some(came) = self.at.get(&(place.lane as u8, place.index)) else { return false };
        let receipt = event.header.received_at;
        let mut came = came.clone();
        let is_of_a_copy = self.receipts.contains(&(key(&came), came.content, receipt));
        let is_no_later = receipt <= came.header.received_at;
        came.header.received_at = receipt;
        is_of_a_copy && is_no_later && came == *event
    }
}

fn key(event: &EventRecord) -> SeenKey {
    let (company, module) = (event.header.company.clone(), event.header.module.clone());
    SeenKey { company, module, name: event.name.clone(), id: event.id.clone() }
}

fn as_received(received: &Received, snapshot: &Snapshot) -> Result<(), Broken> {
    let mut rewritten = None;
    for company in snapshot.companies_with_log()? {
        snapshot.log(&company, &mut |event, place| match received.holds(&event, place) {
            true => ControlFlow::Continue(()),
            false => {
                rewritten = Some(format!("what stands in the log is not what came at {place:?}: {event:?}"));
                ControlFlow::Break(())
            }
        })?;
    }
    rewritten.map_or(Ok(()), |what| Err(Broken::new(5, what)))
}

/// Keeping apart, then letting go at the end, is as if nobody had ever been kept apart. What expired or was erased in
/// between was counted by who was who then, and cannot be counted again.
fn undone(world: &World) -> Result<(), Broken> {
    let mut records = applied(world)?;
    let takes_out = |record: &Record| match record {
        Record::Tick(_) => world.temper.days_pass,
        Record::Control(control) => matches!(control.change, Change::Erase { .. }),
        _ => false,
    };
    let kept_apart: Vec<Record> = records.iter().filter_map(letting_go).collect();
    if kept_apart.is_empty() || records.iter().any(takes_out) {
        return Ok(());
    }
    let never: Vec<Record> = records.iter().filter(|record| letting_go(record).is_none()).cloned().collect();
    records.extend(kept_apart);
    let live = |records| lived(world, records, 20_000).map_err(|what| Broken::new(5, what));
    let held = same(&live(records)?, &live(never)?);
    held.map_err(|what| Broken::new(5, format!("kept apart and let go again is not never kept apart, in {what}")))
}

/// The record that takes such a correction back; none for others.
fn letting_go(record: &Record) -> Option<Record> {
    let Record::Control(control) = record else { return None };
    let Change::Unlink(unlink) = &control.change else { return None };
    let mut control = control.clone();
    let mut unlink = unlink.clone();
    unlink.undo = true;
    control.change = Change::Unlink(unlink);
    Some(Record::Control(control))
}
