//! Laws 2 and 4: every received record has one outcome, and what is live is what the log gives.

use super::{records_of, store_of};
use crate::{Broken, world::World};
use cebe_adapter::tag::Tag;
use cebe_central::Snapshot;
use cebe_engine::rows::OutcomeKey;
use cebe_queue::Lane;
use cebe_worker::{Applied, VerifyReport};
use std::ops::ControlFlow;

pub(super) fn check(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    let broken = |law, error: &dyn std::fmt::Display| Broken::new(law, error.to_string());
    let report = cebe_worker::verify(store_of(world), &world.outside.definitions, None, &|_| {});
    clean(4, &report.map_err(|error| broken(4, &error))?)?;
    received(world, snapshot)?;
    let Some(machine) = &world.machine else { return Ok(()) };
    let mut report = VerifyReport::default();
    let positions = snapshot.positions().map_err(|error| broken(2, &error))?;
    let applied = Applied { queue: machine.queue.clone(), positions };
    cebe_worker::verify_received(&[applied], snapshot, None, &read_tag, &mut report)
        .map_err(|error| broken(2, &error))?;
    clean(2, &report)
}

fn clean(law: u8, report: &VerifyReport) -> Result<(), Broken> {
    match report.differences.first() {
        None if report.is_clean() => Ok(()),
        first => Err(Broken::new(law, format!("{} rows differ, such as {first:?}", report.different))),
    }
}

/// Counted from every record that ever was in the queue, trimmed ones included.
fn received(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    let mut records = 0;
    for lane in Lane::ALL {
        records += records_of(world, lane)?.iter().filter(|record| record.header().is_some()).count();
    }
    let mut outcomes = 0;
    snapshot.outcomes(&mut |_, counts| {
        outcomes += counts.received;
        ControlFlow::Continue(())
    })?;
    if i64::try_from(records) == Ok(outcomes) {
        return Ok(());
    }
    Err(Broken::new(2, format!("{records} events were received, {outcomes} have an outcome")))
}

fn read_tag(bytes: &[u8]) -> Option<Vec<(OutcomeKey, u64)>> {
    let rows = Tag::from_bytes(bytes)?.0.into_iter();
    Some(
        rows.map(|row| {
            let key = OutcomeKey { company: row.company, module: row.module, hour: row.hour };
            (key, u64::from(row.received))
        })
        .collect(),
    )
}
