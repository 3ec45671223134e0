//! What is durable in one lane: its segments, a sparse index into them, and the removal of old ones.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::segment;
use crate::disk::Disk;
use crate::ends::locked;
use crate::error::TrimError;
use crate::facts::StoreId;
use crate::port::{Lane, Position};

/// One index entry stands for about this many bytes of a segment.
const MARK_BYTES: u64 = 128 << 10;

/// One segment, as far as it is durable.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: Arc<Path>,
    pub(super) first: Position,
    pub(super) created_ms: u64,
    /// The durable length.
    pub(super) bytes: u64,
    /// Where some blocks start, ascending.
    marks: Vec<(Position, u64)>,
}

impl Segment {
    /// A segment without blocks.
    pub(super) fn new(dir: &Path, first: Position, created_ms: u64) -> Segment {
        let path = segment::path(dir, first).into();
        let head = segment::HEAD_BYTES as u64;
        Segment { path, first, created_ms, bytes: head, marks: vec![(first, head)] }
    }

    /// Notes that a block starts there.
    pub(super) fn mark(&mut self, first: Position, offset: u64) {
        let due = self.marks.last().is_none_or(|(_, last)| offset >= last + MARK_BYTES);
        if due {
            self.marks.push((first, offset));
        }
    }
}

/// A place to start walking from.
pub(super) struct Place {
    pub(super) path: Arc<Path>,
    /// The start of a block at or before the one that is looked for.
    pub(super) offset: u64,
    /// The durable length of the file.
    pub(super) bytes: u64,
}

/// The durable segments of a lane.
pub(super) struct LaneLog {
    pub(super) lane: Lane,
    pub(super) dir: PathBuf,
    pub(super) seed: u32,
    pub(super) appends: AtomicU64,
    pub(super) syncs: AtomicU64,
    segments: Mutex<VecDeque<Segment>>,
    trimming: Mutex<()>,
}

impl LaneLog {
    /// Takes over what was found on disk: at least one segment.
    pub(super) fn new(lane: Lane, dir: PathBuf, store: StoreId, segments: VecDeque<Segment>) -> LaneLog {
        LaneLog {
            lane,
            dir,
            seed: segment::seed(store, lane),
            appends: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            segments: Mutex::new(segments),
            trimming: Mutex::new(()),
        }
    }

    /// The first position that is still there.
    pub(super) fn first(&self) -> Position {
        locked(&self.segments).front().map_or(Position::START, |segment| segment.first)
    }

    /// How many segments there are, and how many bytes in them.
    pub(super) fn extent(&self) -> (u64, u64) {
        let segments = locked(&self.segments);
        (segments.len() as u64, segments.iter().map(|segment| segment.bytes).sum())
    }

    /// The segments that hold what stands at and after `from`, and always the last.
    pub(super) fn segments_from(&self, from: Position) -> Vec<Segment> {
        let segments = locked(&self.segments);
        let after = segments.partition_point(|segment| segment.first <= from);
        segments.iter().skip(after.saturating_sub(1)).cloned().collect()
    }

    /// Where to start walking to reach `at`, `None` when that was trimmed.
    pub(super) fn locate(&self, at: Position) -> Option<Place> {
        let segments = locked(&self.segments);
        let after = segments.partition_point(|segment| segment.first <= at);
        let segment = segments.get(after.checked_sub(1)?)?;
        let after = segment.marks.partition_point(|(first, _)| *first <= at);
        let (_, offset) = segment.marks.get(after.checked_sub(1)?)?;
        Some(Place { path: Arc::clone(&segment.path), offset: *offset, bytes: segment.bytes })
    }

    /// A new segment is durable.
    pub(super) fn rolled(&self, segment: Segment) {
        locked(&self.segments).push_back(segment);
    }

    /// The last segment is durable up to `bytes`, with these further blocks.
    pub(super) fn grown(&self, bytes: u64, blocks: &[(Position, u64)]) {
        if let Some(last) = locked(&self.segments).back_mut() {
            blocks.iter().for_each(|&(first, offset)| last.mark(first, offset));
            last.bytes = bytes;
        }
    }

    /// Removes segments that lie wholly below `below` and were followed by another before `older_than_ms`. The oldest
    /// goes first, each durably before the next, so that a crash leaves no gap.
    pub(super) fn trim(&self, disk: &dyn Disk, below: Position, older_than_ms: u64) -> Result<Position, TrimError> {
        let _one_at_a_time = locked(&self.trimming);
        while let Some(path) = self.pop_removable(below, older_than_ms) {
            let removed = disk.remove(&path).and_then(|()| disk.sync_dir(&self.dir));
            removed.map_err(|source| TrimError { lane: self.lane, path: path.to_path_buf(), source })?;
        }
        Ok(self.first())
    }

    fn pop_removable(&self, below: Position, older_than_ms: u64) -> Option<Arc<Path>> {
        let mut segments = locked(&self.segments);
        // The last segment carries the position on; it always stays.
        let next = segments.get(1)?;
        let removable = next.first <= below && next.created_ms <= older_than_ms;
        removable.then(|| segments.pop_front().map(|segment| segment.path)).flatten()
    }

    pub(super) fn count(counter: &AtomicU64, more: usize) {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }
}
