//! Events that leave and enter the log: dedup rows, blocks and timeline rows together.

use super::Batch;
use crate::{
    Result, Snapshot, StoreError,
    blocks::Block,
    port::{EventRows, Table},
    row::{Stored, encode},
    rows::{Address, BodyKey, SeenRow, Spot, StrandKey, TimelineCursor, month_of},
};
use cebe_catalog::{CompanyId, EventRecord, limits::BLOCK_EVENTS_MAX};
use cebe_engine::{
    change::{Applied, Changes, Removed},
    rows::{Seen, SeenKey},
};
use std::collections::{BTreeMap, HashMap};

/// An event with the bytes of its dedup key and its number among those applied.
struct Keyed<'a> {
    key: Vec<u8>,
    number: usize,
    applied: &'a Applied,
}

pub(super) fn write(batch: &mut Batch, now: &Snapshot, changes: &Changes, commit: u64) -> Result<()> {
    let gone = remove(batch, now, &changes.removed)?;
    update(batch, now, &changes.seen)?;
    let in_blocks = now.view().event_rows().is_none();
    for (key, events) in placed(&changes.applied, &gone, commit) {
        match in_blocks {
            true => add_block(batch, &key, &events)?,
            false => add_rows(batch, &key, &events),
        }
        add_index(batch, &key, &events);
    }
    Ok(())
}

/// Dedup rows that change while their event stays where it is.
fn update(batch: &mut Batch, now: &Snapshot, changed: &[(SeenKey, Seen)]) -> Result<()> {
    let keys: Vec<SeenKey> = changed.iter().map(|(key, _)| key.clone()).collect();
    for ((key, seen), row) in changed.iter().zip(now.rows_for(&keys)?) {
        batch.put(key, &SeenRow { seen: seen.clone(), spot: row.and_then(|row| row.spot) });
    }
    Ok(())
}

/// Takes events out; gives the keys that stay retired whatever else the changes say.
fn remove(batch: &mut Batch, now: &Snapshot, removed: &[Removed]) -> Result<HashMap<Vec<u8>, Seen>> {
    let keys: Vec<SeenKey> = removed.iter().map(|removed| removed.key.clone()).collect();
    let mut slots: BTreeMap<BodyKey, Vec<u8>> = BTreeMap::new();
    let mut gone = HashMap::new();
    for (removed, row) in removed.iter().zip(now.rows_for(&keys)?) {
        if let Some(spot) = row.and_then(|row| row.spot) {
            let Spot { month, commit, block, slot } = spot;
            let key = BodyKey { company: removed.key.company.clone(), month, commit, block };
            slots.entry(key).or_default().push(slot);
        }
        if let Some(seen) = &removed.seen {
            batch.put(&removed.key, &SeenRow { seen: seen.clone(), spot: None });
            gone.insert(removed.key.to_key(), seen.clone());
        }
    }
    match now.view().event_rows() {
        Some(rows) => take_out(batch, rows, slots)?,
        None => slots.into_iter().try_for_each(|(key, slots)| shrink(batch, now, &key, &slots))?,
    }
    Ok(gone)
}

/// Deletes events of a log of rows, and their timeline rows.
fn take_out(batch: &mut Batch, rows: &dyn EventRows, slots: BTreeMap<BodyKey, Vec<u8>>) -> Result<()> {
    let spots =
        slots.iter().flat_map(|(key, slots)| slots.iter().map(|slot| Address::new(&key.company, key.spot(*slot))));
    let addresses: Vec<Address> = spots.collect();
    if addresses.is_empty() {
        return Ok(());
    }
    for (address, event) in addresses.iter().zip(rows.events(&addresses)?) {
        let event = event.ok_or_else(|| StoreError::Dangling(address.to_string()))?;
        strands(&event).for_each(|key| batch.delete(&key));
    }
    batch.gone.extend(addresses);
    Ok(())
}

/// Writes a block anew without some of its events, so that no byte of them is left, and deletes their timeline rows.
fn shrink(batch: &mut Batch, now: &Snapshot, key: &BodyKey, slots: &[u8]) -> Result<()> {
    let stored_key = key.to_key();
    let dangling = || StoreError::Dangling(format!("{key:?}"));
    let stored = now.view().get(BodyKey::TABLE, &stored_key)?.ok_or_else(dangling)?;
    let block = Block::unpack(&stored)?;
    for slot in slots {
        let event = block.event(*slot)?.ok_or_else(dangling)?;
        strands(&event).for_each(|key| batch.delete(&key));
    }
    batch.raw(BodyKey::TABLE, stored_key, block.without(slots)?);
    Ok(())
}

/// Where the events of a commit go: company by company and month by month, in groups of a block's size.
fn placed<'a>(applied: &'a [Applied], gone: &HashMap<Vec<u8>, Seen>, commit: u64) -> Vec<(BodyKey, Vec<Keyed<'a>>)> {
    // Of two copies under one key the later one in step order is the event.
    let mut newest: HashMap<Vec<u8>, usize> = HashMap::with_capacity(applied.len());
    for (number, applied) in applied.iter().enumerate() {
        newest.insert(seen_key(&applied.event).to_key(), number);
    }
    let mut groups: BTreeMap<(&CompanyId, u32), Vec<Keyed<'a>>> = BTreeMap::new();
    for (key, number) in newest.into_iter().filter(|(key, _)| !gone.contains_key(key)) {
        let applied = &applied[number];
        let header = &applied.event.header;
        let group = groups.entry((&header.company, month_of(header.received_at))).or_default();
        group.push(Keyed { key, number, applied });
    }
    let mut placed = Vec::new();
    for ((company, month), mut events) in groups {
        events.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let mut events = events.into_iter().peekable();
        for block in 0.. {
            if events.peek().is_none() {
                break;
            }
            let key = BodyKey { company: company.clone(), month, commit, block };
            placed.push((key, events.by_ref().take(BLOCK_EVENTS_MAX).collect()));
        }
    }
    placed
}

impl Keyed<'_> {
    fn order(&self) -> impl Ord + '_ {
        (&self.applied.event.anchor, self.applied.place, &self.key)
    }
}

fn add_block(batch: &mut Batch, key: &BodyKey, events: &[Keyed<'_>]) -> Result<()> {
    let body = Block::pack(events.iter().map(|event| (event.applied.place, &event.applied.event)))?;
    batch.raw(BodyKey::TABLE, key.to_key(), Some(body));
    Ok(())
}

fn add_rows(batch: &mut Batch, key: &BodyKey, events: &[Keyed<'_>]) {
    let address = |(slot, event): (u8, &Keyed<'_>)| (Address::new(&key.company, key.spot(slot)), event.number);
    batch.added.extend((0..).zip(events).map(address));
}

/// Dedup and timeline rows.
fn add_index(batch: &mut Batch, key: &BodyKey, events: &[Keyed<'_>]) {
    for (slot, event) in (0..).zip(events) {
        let spot = key.spot(slot);
        let row = SeenRow { seen: seen_of(event.applied), spot: Some(spot) };
        batch.raw(Table::Seen, event.key.clone(), Some(encode(&row)));
        strands(&event.applied.event).for_each(|key| batch.put(&key, &spot));
    }
}

fn seen_of(applied: &Applied) -> Seen {
    let event = &applied.event;
    Seen {
        content: event.content,
        received_at: event.header.received_at,
        event_at: event.event_at,
        place: applied.place,
        retired: false,
    }
}

fn seen_key(event: &EventRecord) -> SeenKey {
    let header = &event.header;
    SeenKey {
        company: header.company.clone(),
        module: header.module.clone(),
        name: event.name.clone(),
        id: event.id.clone(),
    }
}

/// The timeline rows of an event: one under each of its anchors.
fn strands(event: &EventRecord) -> impl Iterator<Item = StrandKey> + '_ {
    event.anchors().into_iter().map(|anchor| StrandKey {
        company: event.header.company.clone(),
        anchor: anchor.clone(),
        cursor: TimelineCursor::of(event),
    })
}
