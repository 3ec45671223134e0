//! Events that leave and enter the log: dedup rows, blocks and timeline rows together.

use super::Batch;
use crate::{
    Result, Snapshot, StoreError,
    blocks::Block,
    port::Table,
    row::{Stored, encode},
    rows::{BodyKey, SeenRow, Spot, StrandKey, TimelineCursor, month_of},
};
use cebe_catalog::{CompanyId, EventRecord, limits::BLOCK_EVENTS_MAX};
use cebe_engine::{
    change::{Applied, Changes, Removed},
    rows::{Seen, SeenKey},
};
use std::collections::{BTreeMap, HashMap};

/// An event with the bytes of its dedup key.
type Keyed<'a> = (Vec<u8>, &'a Applied);

pub(super) fn write(batch: &mut Batch, now: &Snapshot, changes: &Changes, commit: u64) -> Result<()> {
    let gone = remove(batch, now, &changes.removed)?;
    update(batch, now, &changes.seen)?;
    apply(batch, &changes.applied, &gone, commit)
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
    slots.into_iter().try_for_each(|(key, slots)| shrink(batch, now, &key, &slots))?;
    Ok(gone)
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

fn apply(batch: &mut Batch, applied: &[Applied], gone: &HashMap<Vec<u8>, Seen>, commit: u64) -> Result<()> {
    // Of two copies under one key the later one in step order is the event.
    let mut newest: HashMap<Vec<u8>, &Applied> = HashMap::with_capacity(applied.len());
    for applied in applied {
        newest.insert(seen_key(&applied.event).to_key(), applied);
    }
    let mut groups: BTreeMap<(&CompanyId, u32), Vec<Keyed<'_>>> = BTreeMap::new();
    for (key, applied) in newest.into_iter().filter(|(key, _)| !gone.contains_key(key)) {
        let header = &applied.event.header;
        groups.entry((&header.company, month_of(header.received_at))).or_default().push((key, applied));
    }
    for ((company, month), mut events) in groups {
        events.sort_unstable_by(|(a_key, a), (b_key, b)| {
            (&a.event.anchor, a.place, a_key).cmp(&(&b.event.anchor, b.place, b_key))
        });
        for (number, events) in events.chunks(BLOCK_EVENTS_MAX).enumerate() {
            let block = u32::try_from(number).expect("a commit holds far fewer than 2^32 blocks");
            add_block(batch, BodyKey { company: company.clone(), month, commit, block }, events)?;
        }
    }
    Ok(())
}

fn add_block(batch: &mut Batch, key: BodyKey, events: &[Keyed<'_>]) -> Result<()> {
    let body = Block::pack(events.iter().map(|(_, applied)| (applied.place, &applied.event)))?;
    batch.raw(BodyKey::TABLE, key.to_key(), Some(body));
    let BodyKey { month, commit, block, .. } = key;
    for (slot, (seen_key, applied)) in events.iter().enumerate() {
        let slot = u8::try_from(slot).expect("a block holds at most 64 events");
        let spot = Spot { month, commit, block, slot };
        let row = SeenRow { seen: seen_of(applied), spot: Some(spot) };
        batch.raw(Table::Seen, seen_key.clone(), Some(encode(&row)));
        strands(&applied.event).for_each(|key| batch.put(&key, &spot));
    }
    Ok(())
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
