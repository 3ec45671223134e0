//! Reading a lane through the page cache: only what is durable, decoding each block once when read in order.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::block::{Block, BlockFault};
use super::lane::{LaneLog, Place};
use super::segment::{Walk, WalkFault};
use crate::disk::{Disk, DiskFile};
use crate::ends::{Ends, locked};
use crate::error::ReadError;
use crate::limits::Taking;
use crate::port::{Frame, Position, ReadLimit};

/// Reads one lane.
pub(super) struct Reader {
    disk: Arc<dyn Disk>,
    log: Arc<LaneLog>,
    ends: Arc<Ends>,
    /// The block decoded last, and where to go on behind it.
    last: Mutex<Option<Arc<Decoded>>>,
}

struct Decoded {
    path: Arc<Path>,
    file: Arc<dyn DiskFile>,
    first: Position,
    records: Vec<Bytes>,
    next_offset: u64,
}

impl Decoded {
    fn end(&self) -> Position {
        self.first.plus(self.records.len() as u64)
    }

    fn from(&self, at: Position) -> impl Iterator<Item = (Position, &Bytes)> {
        let skipped = usize::try_from(at.0 - self.first.0).unwrap_or(usize::MAX);
        (at.0..).map(Position).zip(self.records.iter().skip(skipped))
    }
}

impl Reader {
    pub(super) fn new(disk: Arc<dyn Disk>, log: Arc<LaneLog>, ends: Arc<Ends>) -> Reader {
        Reader { disk, log, ends, last: Mutex::new(None) }
    }

    pub(super) fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let end = self.end_for(from)?;
        let mut taking = Taking::new(limit);
        let mut at = from;
        while at < end && taking.has_room() {
            let decoded = self.decoded_at(at)?;
            for (position, record) in decoded.from(at) {
                if !taking.take(position, record) {
                    return Ok(taking.taken);
                }
            }
            at = decoded.end();
        }
        Ok(taking.taken)
    }

    pub(super) fn frames(&self, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        let end = self.end_for(from)?;
        let mut frames = Vec::new();
        let mut at = from;
        while at < end && frames.len() < frames_max {
            let place = self.place(at)?;
            let file = self.open(&place, at)?;
            let mut walk = Walk::new(&*file, place.bytes, self.log.seed, place.offset);
            while at < end && frames.len() < frames_max {
                let Some(block) = self.head(&mut walk, &place, at)? else { break };
                walk.pass(&block);
                frames.extend(block.frames.iter().filter(|frame| frame.end() > at).cloned());
                at = at.max(block.end());
            }
        }
        frames.truncate(frames_max);
        Ok(frames)
    }

    fn end_for(&self, at: Position) -> Result<Position, ReadError> {
        let (lane, end) = (self.log.lane, self.ends.get(self.log.lane));
        if at > end {
            return Err(ReadError::Beyond { lane, at, end });
        }
        if at < self.log.first() { Err(self.trimmed(at)) } else { Ok(end) }
    }

    fn trimmed(&self, at: Position) -> ReadError {
        ReadError::Trimmed { lane: self.log.lane, at, first: self.log.first() }
    }

    fn place(&self, at: Position) -> Result<Place, ReadError> {
        self.log.locate(at).ok_or_else(|| self.trimmed(at))
    }

    fn open(&self, place: &Place, at: Position) -> Result<Arc<dyn DiskFile>, ReadError> {
        self.disk.open(&place.path).map_err(|source| match source.kind() {
            // Trimmed between the look-up and now.
            io::ErrorKind::NotFound if at < self.log.first() => self.trimmed(at),
            _ => ReadError::Io { lane: self.log.lane, path: place.path.to_path_buf(), source },
        })
    }

    /// The block that holds `at`: the one decoded last, the one behind it, or one found through the index.
    fn decoded_at(&self, at: Position) -> Result<Arc<Decoded>, ReadError> {
        let last = locked(&self.last).clone();
        let place = self.place(at)?;
        let near = last.filter(|last| last.path == place.path && last.first <= at);
        let (file, offset) = match near {
            Some(last) if at < last.end() => return Ok(last),
            Some(last) if last.next_offset >= place.offset => (Arc::clone(&last.file), last.next_offset),
            _ => (self.open(&place, at)?, place.offset),
        };
        let decoded = Arc::new(self.decode(at, &place, file, offset)?);
        *locked(&self.last) = Some(Arc::clone(&decoded));
        Ok(decoded)
    }

    fn decode(&self, at: Position, place: &Place, file: Arc<dyn DiskFile>, offset: u64) -> Result<Decoded, ReadError> {
        let shared = Arc::clone(&file);
        let mut walk = Walk::new(&*shared, place.bytes, self.log.seed, offset);
        loop {
            let Some(block) = self.head(&mut walk, place, at)? else {
                return Err(self.fault(BlockFault::Short.into(), place, walk.offset, at));
            };
            if block.end() <= at {
                walk.pass(&block);
                continue;
            }
            let offset = walk.offset;
            let records = walk.body(&block).and_then(|body| Ok(block.records(body, self.log.seed)?));
            let records = records.map_err(|fault| self.fault(fault, place, offset, at))?;
            walk.pass(&block);
            let path = Arc::clone(&place.path);
            return Ok(Decoded { path, file, first: block.first, records, next_offset: walk.offset });
        }
    }

    fn head(&self, walk: &mut Walk<'_>, place: &Place, at: Position) -> Result<Option<Block>, ReadError> {
        let head = walk.head().and_then(|block| match block {
            Some(block) if block.first > at => Err(BlockFault::Order.into()),
            block => Ok(block),
        });
        head.map_err(|fault| self.fault(fault, place, walk.offset, at))
    }

    fn fault(&self, fault: WalkFault, place: &Place, offset: u64, at: Position) -> ReadError {
        let (lane, path) = (self.log.lane, place.path.to_path_buf());
        match fault {
            WalkFault::Io(source) => ReadError::Io { lane, path, source },
            WalkFault::Block(fault) => ReadError::Damaged { lane, at, path, offset, detail: fault.to_string() },
        }
    }
}
