//! Blocks of the event log: events of one company and month in one compressed value. The bytes are a format byte, a
//! revision (raised when an event is taken out), the unpacked length and zstd of the entries; an entry is slot, lane,
//! index, length and the event. Events keep their slot for ever, so that addresses stay true.

use crate::{Result, StoreError, port::Table, row::FORMAT};
use cebe_catalog::{EventRecord, Lane, bytes::append};
use cebe_engine::rows::Place;
use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

const LEVEL: i32 = 1;
const HEAD: usize = 9;
/// Far above 64 events of 64 KiB each; a longer claim is damage, not a block.
const UNPACKED_MAX: usize = 64 * 1024 * 1024;
const DAMAGED: StoreError = StoreError::Damaged(Table::Body);

/// An unpacked block.
#[derive(Debug)]
pub(crate) struct Block {
    revision: u32,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    slot: u8,
    place: Place,
    event: Range<usize>,
}

impl Block {
    /// The stored bytes of a new block; events get the slots 0, 1, 2 …
    pub(crate) fn pack<'a>(events: impl Iterator<Item = (Place, &'a EventRecord)>) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(16 * 1024);
        for (slot, (place, event)) in events.enumerate() {
            let slot = u8::try_from(slot).expect("a block holds at most 64 events");
            push_entry(&mut bytes, slot, place, |bytes| append(event, bytes));
        }
        seal(0, &bytes)
    }

    /// Reads stored bytes.
    pub(crate) fn unpack(stored: &[u8]) -> Result<Self> {
        let revision = revision_of(stored)?;
        let length = u32::from_le_bytes(*stored[5..].first_chunk().ok_or(DAMAGED)?) as usize;
        if length > UNPACKED_MAX {
            return Err(DAMAGED);
        }
        let bytes = zstd::bulk::decompress(&stored[HEAD..], length).map_err(|_| DAMAGED)?;
        let entries = read_entries(&bytes).ok_or(DAMAGED)?;
        Ok(Self { revision, entries, bytes })
    }

    /// The event in a slot.
    pub(crate) fn event(&self, slot: u8) -> Result<Option<EventRecord>> {
        let entry = self.entries.iter().find(|entry| entry.slot == slot);
        entry.map(|entry| self.read(entry)).transpose()
    }

    /// All events.
    pub(crate) fn events(&self) -> impl Iterator<Item = Result<(EventRecord, Place)>> + '_ {
        self.entries.iter().map(|entry| Ok((self.read(entry)?, entry.place)))
    }

    /// The stored bytes without the events of some slots; `None` when nothing is left.
    pub(crate) fn without(&self, slots: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for entry in self.entries.iter().filter(|entry| !slots.contains(&entry.slot)) {
            let event = &self.bytes[entry.event.clone()];
            push_entry(&mut bytes, entry.slot, entry.place, |bytes| bytes.extend_from_slice(event));
        }
        if bytes.is_empty() { Ok(None) } else { seal(self.revision + 1, &bytes).map(Some) }
    }

    fn read(&self, entry: &Entry) -> Result<EventRecord> {
        postcard::from_bytes(&self.bytes[entry.event.clone()]).map_err(|_| DAMAGED)
    }
}

fn push_entry(bytes: &mut Vec<u8>, slot: u8, place: Place, push_event: impl FnOnce(&mut Vec<u8>)) {
    bytes.extend_from_slice(&[slot, place.lane as u8]);
    bytes.extend_from_slice(&place.index.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let start = bytes.len();
    push_event(bytes);
    let length = u32::try_from(bytes.len() - start).expect("an event is far below 4 GiB");
    bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
}

fn read_entries(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let head: &[u8; 14] = bytes.get(at..)?.first_chunk()?;
        let lane = match head[1] {
            0 => Lane::Live,
            1 => Lane::Backfill,
            _ => return None,
        };
        let index = u64::from_le_bytes(*head[2..].first_chunk()?);
        let length = u32::from_le_bytes(*head[10..].first_chunk()?) as usize;
        let event = at + head.len()..at + head.len() + length;
        at = event.end;
        (at <= bytes.len()).then(|| entries.push(Entry { slot: head[0], place: Place { lane, index }, event }))?;
    }
    Some(entries)
}

fn seal(revision: u32, bytes: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).expect("a block is far below 4 GiB");
    let packed = zstd::bulk::compress(bytes, LEVEL).map_err(|_| DAMAGED)?;
    let mut stored = Vec::with_capacity(HEAD + packed.len());
    stored.push(FORMAT);
    stored.extend_from_slice(&revision.to_le_bytes());
    stored.extend_from_slice(&length.to_le_bytes());
    stored.extend_from_slice(&packed);
    Ok(stored)
}

fn revision_of(stored: &[u8]) -> Result<u32> {
    match stored {
        [] => Err(DAMAGED),
        [FORMAT, rest @ ..] if stored.len() >= HEAD => Ok(u32::from_le_bytes(*rest.first_chunk().ok_or(DAMAGED)?)),
        [FORMAT, ..] => Err(DAMAGED),
        [found, ..] => Err(StoreError::RowFormat { table: Table::Body, found: *found }),
    }
}

/// A few unpacked blocks, shared by all snapshots. A reader fetches the stored bytes first, so a block that was
/// rewritten since, or is older in the reader's view, is never taken from here: the revision tells them apart.
#[derive(Debug)]
pub(crate) struct BlockCache {
    blocks: Mutex<HashMap<Vec<u8>, Arc<Block>>>,
    blocks_max: usize,
}

impl BlockCache {
    pub(crate) fn new(blocks_max: usize) -> Self {
        Self { blocks: Mutex::default(), blocks_max }
    }

    /// The block under `key`, whose stored bytes are `stored`.
    pub(crate) fn unpack(&self, key: &[u8], stored: &[u8]) -> Result<Arc<Block>> {
        let revision = revision_of(stored)?;
        let known = self.lock().get(key).filter(|block| block.revision == revision).cloned();
        if let Some(block) = known {
            return Ok(block);
        }
        let block = Arc::new(Block::unpack(stored)?);
        let mut blocks = self.lock();
        if blocks.len() >= self.blocks_max {
            blocks.clear();
        }
        blocks.insert(key.to_vec(), Arc::clone(&block));
        Ok(block)
    }

    /// Drops rewritten blocks, so that erased events do not linger in memory.
    pub(crate) fn forget<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        let mut blocks = self.lock();
        keys.for_each(|key| drop(blocks.remove(key)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Arc<Block>>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
