//! Law 3: the same records in another order, some of them twice, in other batches and without faults, give the same state.
//! What is not a question of order by design keeps its place: settings, corrections, erasures and ticks.

use super::records_of;
use crate::{Broken, dice::Dice, traffic::COMPANIES, world::World};
use bytes::Bytes;
use cebe_catalog::{Lane as RecordLane, Micros, Record, control::Change, record::Header};
use cebe_central::{Central, Memory, Snapshot};
use cebe_engine::rows::SeenKey;
use cebe_queue::{Lane, Memory as MemoryQueue, Queue};
use cebe_worker::{
    Worker, WorkerSettings,
    verify::{Rows, state},
};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::Arc,
    task::{Context, Waker},
};

pub(super) fn check(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    let mut dice = Dice::new(world.archive.live.len() as u64);
    let records = reordered(applied(world)?, &mut dice);
    let other = lived(world, records, 1 + dice.roll(60)).map_err(|what| Broken::new(3, what))?;
    same(snapshot, &other).map_err(|what| Broken::new(3, format!("another order gives another {what}")))
}

/// The store that these records give when nothing goes wrong.
pub(super) fn lived(world: &World, records: Vec<Record>, commit_records_max: usize) -> Result<Snapshot, String> {
    let (store, queue) = (Arc::new(Memory::new()), Arc::new(MemoryQueue::default()));
    append(&queue, records);
    let settings = WorkerSettings {
        commit_records_max,
        one_thread: true,
        ..WorkerSettings::new(Arc::new(|| Micros(0)), Arc::new(|_| {}))
    };
    let central = Arc::clone(&store) as Arc<dyn Central>;
    let worker = Worker::new(queue, central, Arc::clone(&world.outside.definitions), settings);
    let drained = worker.and_then(|mut worker| worker.drain());
    drained.map_err(|error| format!("the same records cannot be applied again: {error}"))?;
    store.snapshot().map_err(|error| error.to_string())
}

/// Both stores hold the same of every company; else what does not.
pub(super) fn same(one: &Snapshot, other: &Snapshot) -> Result<(), String> {
    for company in COMPANIES {
        let read = |snapshot| everything(snapshot, company).map_err(|error| error.to_string());
        compare(&read(one)?, &read(other)?)?;
    }
    Ok(())
}

/// Every record in the order in which the commits that are left applied them.
pub(super) fn applied(world: &World) -> Result<Vec<Record>, Broken> {
    let lanes = [(RecordLane::Live, Lane::Live), (RecordLane::Backfill, Lane::Backfill)];
    let mut left = BTreeMap::new();
    for (lane, queue_lane) in lanes {
        left.insert(lane, (0, records_of(world, queue_lane)?.into_iter()));
    }
    let mut applied = Vec::new();
    for place in world.outside.store.commits().into_iter().flatten() {
        let Some((at, records)) = left.get_mut(&place.lane) else { continue };
        let count = usize::try_from(place.index.saturating_sub(*at)).unwrap_or(0);
        applied.extend(records.by_ref().take(count));
        *at = place.index.max(*at);
    }
    Ok(applied)
}

/// Shuffles what lies between two records that keep their place, and repeats some of it.
fn reordered(records: Vec<Record>, dice: &mut Dice) -> Vec<Record> {
    let (mut all, mut loose) = (Vec::new(), Vec::new());
    for record in records {
        if keeps_its_place(&record) {
            dice.shuffle(&mut loose);
            all.append(&mut loose);
            all.push(record);
        } else {
            if matches!(record, Record::Event(..)) && dice.percent(10) {
                loose.push(record.clone());
            }
            loose.push(record);
        }
    }
    dice.shuffle(&mut loose);
    all.append(&mut loose);
    all
}

fn keeps_its_place(record: &Record) -> bool {
    match record {
        Record::Tick(_) => true,
        Record::Control(control) => matches!(
            control.change,
            Change::Company { .. } | Change::Unlink(_) | Change::Erase { .. } | Change::Rebuild { .. }
        ),
        Record::Event(..) | Record::Ignored(_) | Record::Quarantined(_) => false,
    }
}

fn append(queue: &MemoryQueue, records: Vec<Record>) {
    for record in records {
        let mut append = queue.append(Lane::Live, Bytes::new(), vec![record.to_bytes().into()]);
        // A queue in memory has done it when it answers, which is at once.
        let _ = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// The state of a company: what is derived, what answers show of every point, and which copy of each event is the event.
fn everything(snapshot: &Snapshot, company: &str) -> Result<BTreeMap<&'static str, Rows>, Broken> {
    let id = company.into();
    let mut all = state(snapshot, &id).map_err(|error| Broken::new(3, error.to_string()))?;
    let (mut totals, mut log, mut keys) = (Rows::new(), Rows::new(), Vec::new());
    snapshot.all_points(&id, &mut |key, point| {
        if !point.total().is_zero() {
            totals.insert(format!("{key:?}"), format!("{:?}", point.total()));
        }
        ControlFlow::Continue(())
    })?;
    snapshot.log(&id, &mut |event, _| {
        let Header { company, module, .. } = event.header;
        keys.push(SeenKey { company, module, name: event.name, id: event.id });
        ControlFlow::Continue(())
    })?;
    for key in keys {
        let seen = snapshot.seen(&key)?.map(|seen| (seen.content, seen.received_at));
        log.insert(format!("{key:?}"), format!("{seen:?}"));
    }
    all.insert("total", totals);
    all.insert("log", log);
    Ok(all)
}

fn compare(here: &BTreeMap<&'static str, Rows>, there: &BTreeMap<&'static str, Rows>) -> Result<(), String> {
    for (table, rows) in here {
        let others = there.get(table).cloned().unwrap_or_default();
        let all = rows.keys().chain(others.keys().filter(|key| !rows.contains_key(*key)));
        for key in all {
            let (one, other) = (rows.get(key), others.get(key));
            if one != other {
                return Err(format!("{table}: {key}\n  one: {one:?}\n  other: {other:?}"));
            }
        }
    }
    Ok(())
}
