//! Opening a lane: every head is checked, the last segment to its last byte; a torn end is cut, anything else refused.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Block, BlockFault};
use super::lane::Segment;
use super::segment::{self, FORMAT, HEAD_BYTES, HeadFault, SegmentHead, Walk, WalkFault};
use crate::disk::{Disk, DiskFile, read_full_at, write_all_at};
use crate::error::OpenError;
use crate::facts::{StoreId, TornTail};
use crate::port::{Lane, Position};

/// A lane as it was found, ready to be continued.
pub(super) struct Recovered {
    pub(super) segments: VecDeque<Segment>,
    /// The last segment's file, durable as it is.
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) end: Position,
    pub(super) torn: Option<TornTail>,
}

/// Opens one lane of one store.
pub(super) struct Recovery<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) dir: &'a Path,
    pub(super) lane: Lane,
    pub(super) store: StoreId,
}

/// Makes a segment and its name durable.
pub(super) fn create(disk: &dyn Disk, dir: &Path, head: SegmentHead) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(&segment::path(dir, head.first))?;
    write_all_at(&*file, &head.encode(), 0)?;
    file.sync()?;
    disk.sync_dir(dir)?;
    Ok(file)
}

/// Whether nothing was ever appended in this folder: at most the beginning of a first segment.
pub(super) fn is_unused(disk: &dyn Disk, dir: &Path) -> Result<bool, OpenError> {
    let firsts = match list(disk, dir) {
        Err(OpenError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(true),
        listed => listed?,
    };
    let Some(&first) = firsts.first() else { return Ok(true) };
    let path = segment::path(dir, first);
    let bytes = disk.open(&path).and_then(|file| file.len());
    let bytes = bytes.map_err(|source| OpenError::Io { action: "open", path, source })?;
    Ok(firsts == [Position::START] && bytes <= HEAD_BYTES as u64)
}

fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<Position>, OpenError> {
    let names = disk.list(dir).map_err(|source| OpenError::Io { action: "list", path: dir.to_owned(), source })?;
    let mut firsts: Vec<Position> = names.iter().filter_map(|name| segment::position_of(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// One segment while it is looked at.
struct Opened {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    bytes: u64,
    segment: Segment,
}

impl Opened {
    fn io(&self, action: &'static str) -> impl FnOnce(io::Error) -> OpenError + use<> {
        let path = self.path.clone();
        move |source| OpenError::Io { action, path, source }
    }

    fn damaged(&self, offset: u64, at: Position, detail: impl ToString) -> OpenError {
        OpenError::Damaged { path: self.path.clone(), offset, at, detail: detail.to_string() }
    }
}

/// How far the blocks of a segment check out.
struct Scanned {
    /// The end of the good part, in positions and in bytes.
    end: Position,
    offset: u64,
    fault: Option<BlockFault>,
}

impl Recovery<'_> {
    /// Checks the lane and cuts a torn end.
    pub(super) fn run(&self) -> Result<Recovered, OpenError> {
        let mut firsts = list(self.disk, self.dir)?;
        let unfinished = self.drop_unfinished(&mut firsts)?;
        let Some((&last, sealed)) = firsts.split_last() else {
            return Err(OpenError::Missing { path: self.dir.to_owned() });
        };
        let mut segments = VecDeque::with_capacity(firsts.len());
        for (&first, &next) in sealed.iter().zip(&firsts[1..]) {
            segments.push_back(self.sealed(first, next)?);
        }
        let (opened, end, torn) = self.last(last)?;
        // What a killed process wrote may stand in the page cache alone; readers are shown only what is flushed.
        opened.file.sync().map_err(opened.io("flush"))?;
        self.disk.sync_dir(self.dir).map_err(opened.io("flush the folder of"))?;
        segments.push_back(opened.segment);
        Ok(Recovered { segments, file: opened.file, end, torn: torn.or(unfinished.map(|bytes| self.torn(end, bytes))) })
    }

    fn torn(&self, end: Position, bytes: u64) -> TornTail {
        tracing::warn!(lane = %self.lane, %end, bytes, "cut a torn end of the queue: written, never acknowledged");
        TornTail { lane: self.lane, end, bytes }
    }

    /// Removes a last segment whose making was cut short: its head is flushed before any block is written, so a file
    /// that is not longer than a head holds nothing.
    fn drop_unfinished(&self, firsts: &mut Vec<Position>) -> Result<Option<u64>, OpenError> {
        let &[.., _, last] = firsts.as_slice() else { return Ok(None) };
        let path = segment::path(self.dir, last);
        let io = |source| OpenError::Io { action: "open", path: path.clone(), source };
        let file = self.disk.open(&path).map_err(io)?;
        let bytes = file.len().map_err(io)?;
        let mut head = vec![0; HEAD_BYTES];
        let read = read_full_at(&*file, &mut head, 0).map_err(io)?;
        let whole = match SegmentHead::parse(&head[..read]) {
            Ok(_) | Err(HeadFault::Format(_)) => true,
            Err(_) => bytes > HEAD_BYTES as u64,
        };
        if whole {
            return Ok(None);
        }
        self.disk.remove(&path).and_then(|()| self.disk.sync_dir(self.dir)).map_err(io)?;
        firsts.pop();
        Ok(Some(bytes))
    }

    fn open(&self, first: Position) -> Result<Opened, OpenError> {
        let path = segment::path(self.dir, first);
        let io = |source| OpenError::Io { action: "open", path: path.clone(), source };
        let file = self.disk.open(&path).map_err(io)?;
        let bytes = file.len().map_err(io)?;
        let mut head = vec![0; HEAD_BYTES];
        let read = read_full_at(&*file, &mut head, 0).map_err(io)?;
        let head = SegmentHead::parse(&head[..read]);
        let created_ms = head.map_or(0, |head| head.created_ms);
        let opened = Opened { path, file, bytes, segment: Segment::new(self.dir, first, created_ms) };
        self.check_head(&opened, head)?;
        Ok(opened)
    }

    fn check_head(&self, opened: &Opened, head: Result<SegmentHead, HeadFault>) -> Result<(), OpenError> {
        let path = opened.path.clone();
        let head = match head {
            Ok(head) => head,
            Err(HeadFault::Format(found)) => return Err(OpenError::UnknownFormat { path, found, known: FORMAT }),
            Err(fault) => return Err(opened.damaged(0, opened.segment.first, fault)),
        };
        if head.store != self.store {
            return Err(OpenError::Foreign { path, found: head.store, expected: self.store });
        }
        if head.lane != self.lane || head.first != opened.segment.first {
            let detail = format!("its head says lane {} and position {}, its name does not", head.lane, head.first);
            return Err(opened.damaged(0, opened.segment.first, detail));
        }
        Ok(())
    }

    /// A segment that another one follows must be whole and end where that one begins. Bodies are checked when read.
    fn sealed(&self, first: Position, next: Position) -> Result<Segment, OpenError> {
        let mut opened = self.open(first)?;
        let scanned = self.scan(&mut opened, false)?;
        if let Some(fault) = scanned.fault {
            return Err(opened.damaged(scanned.offset, scanned.end, fault));
        }
        if scanned.end != next {
            let path = segment::path(self.dir, next);
            return Err(OpenError::Gap { path, expected: scanned.end, found: next });
        }
        opened.segment.bytes = scanned.offset;
        Ok(opened.segment)
    }

    fn last(&self, first: Position) -> Result<(Opened, Position, Option<TornTail>), OpenError> {
        let mut opened = self.open(first)?;
        let scanned = self.scan(&mut opened, true)?;
        opened.segment.bytes = scanned.offset;
        let Some(fault) = scanned.fault else { return Ok((opened, scanned.end, None)) };
        if self.was_flushed(&opened, &scanned)? {
            return Err(opened.damaged(scanned.offset, scanned.end, fault));
        }
        opened.file.truncate(scanned.offset).map_err(opened.io("cut"))?;
        let torn = self.torn(scanned.end, opened.bytes - scanned.offset);
        Ok((opened, scanned.end, Some(torn)))
    }

    fn scan(&self, opened: &mut Opened, bodies: bool) -> Result<Scanned, OpenError> {
        let seed = segment::seed(self.store, self.lane);
        let file = Arc::clone(&opened.file);
        let mut walk = Walk::new(&*file, opened.bytes, seed, HEAD_BYTES as u64);
        let mut end = opened.segment.first;
        let fault = loop {
            match checked(&mut walk, seed, end, bodies) {
                Ok(Some(block)) => {
                    opened.segment.mark(block.first, walk.offset);
                    end = block.end();
                    walk.pass(&block);
                }
                Ok(None) => break None,
                Err(WalkFault::Block(fault)) => break Some(fault),
                Err(WalkFault::Io(source)) => return Err(opened.io("read")(source)),
            }
        };
        Ok(Scanned { end, offset: walk.offset, fault })
    }

    /// Whether a later block proves that what does not check out had been flushed: each block says what was flushed
    /// before it was written. Without such a witness the fault is in the last commit, and that is a torn end.
    fn was_flushed(&self, opened: &Opened, scanned: &Scanned) -> Result<bool, OpenError> {
        let len = usize::try_from(opened.bytes - scanned.offset).unwrap_or(usize::MAX);
        let mut rest = vec![0; len];
        let read = read_full_at(&*opened.file, &mut rest, scanned.offset).map_err(opened.io("read"))?;
        let seed = segment::seed(self.store, self.lane);
        let starts = rest[..read].windows(block::MAGIC.len()).enumerate().filter(|(_, four)| *four == block::MAGIC);
        let mut blocks = starts.filter_map(|(at, _)| Block::parse(&rest[at..read], seed).ok());
        Ok(blocks.any(|block| block.flushed_below > scanned.end))
    }
}

fn checked(walk: &mut Walk<'_>, seed: u32, expected: Position, body: bool) -> Result<Option<Block>, WalkFault> {
    let Some(block) = walk.head()? else { return Ok(None) };
    if block.first != expected {
        return Err(BlockFault::Order.into());
    }
    if body {
        block.check(walk.body(&block)?, seed)?;
    }
    Ok(Some(block))
}
