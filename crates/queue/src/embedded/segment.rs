//! A segment file: its name, its head, and the walk over its blocks.

use std::io;
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut};

use super::block::{self, Block, BlockFault};
use crate::disk::{DiskFile, read_full_at};
use crate::facts::StoreId;
use crate::port::{Lane, Position};

/// The format of segments and store file that this release reads and writes.
pub(super) const FORMAT: u32 = 1;
/// Bytes of a segment's head.
pub(super) const HEAD_BYTES: usize = 64;
const MAGIC: [u8; 8] = *b"CEBEQSEG";
const CRC_AT: usize = 60;
/// How much is read ahead when walking from block to block.
const WINDOW_BYTES: usize = 16 << 10;

/// The head of a segment: magic 8, format 4, lane 4, store 16, first 8, created 8, zeros 12, checksum 4. Little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) lane: Lane,
    pub(super) store: StoreId,
    pub(super) first: Position,
    pub(super) created_ms: u64,
}

/// Why bytes are not a segment's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeadFault {
    #[error("the file is shorter than a segment's head")]
    Short,
    #[error("this is not a segment of a queue")]
    Magic,
    #[error("the segment has format {0}")]
    Format(u32),
    #[error("the checksum of the segment's head differs")]
    Checksum,
    #[error("the segment is of no known lane")]
    Lane,
}

impl SegmentHead {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES);
        out.put_slice(&MAGIC);
        out.put_u32_le(FORMAT);
        out.put_u32_le(lane_number(self.lane));
        out.put_slice(&self.store.0);
        out.put_u64_le(self.first.0);
        out.put_u64_le(self.created_ms);
        out.put_bytes(0, CRC_AT - out.len());
        out.put_u32_le(crc32c::crc32c(&out));
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<SegmentHead, HeadFault> {
        let bytes = bytes.get(..HEAD_BYTES).ok_or(HeadFault::Short)?;
        if bytes[..8] != MAGIC {
            return Err(HeadFault::Magic);
        }
        let mut at = &bytes[8..];
        // The format comes before the checksum: another format may check itself in another way.
        let format = at.get_u32_le();
        if format != FORMAT {
            return Err(HeadFault::Format(format));
        }
        if crc32c::crc32c(&bytes[..CRC_AT]).to_le_bytes() != bytes[CRC_AT..] {
            return Err(HeadFault::Checksum);
        }
        let lane = at.get_u32_le();
        let lane = Lane::ALL.into_iter().find(|&known| lane_number(known) == lane).ok_or(HeadFault::Lane)?;
        let mut store = [0; 16];
        at.copy_to_slice(&mut store);
        Ok(SegmentHead { lane, store: StoreId(store), first: Position(at.get_u64_le()), created_ms: at.get_u64_le() })
    }
}

/// Written in segment heads: never give a number another meaning.
const fn lane_number(lane: Lane) -> u32 {
    match lane {
        Lane::Live => 0,
        Lane::Backfill => 1,
    }
}

/// What every block checksum of this store and lane starts from.
pub(super) fn seed(store: StoreId, lane: Lane) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&store.0), &lane_number(lane).to_le_bytes())
}

/// The path of the segment that starts at `first`.
pub(super) fn path(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:020}.seg", first.0))
}

/// The first position a file name speaks of, `None` for other files.
pub(super) fn position_of(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(".seg")?;
    let is_ours = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    is_ours.then(|| digits.parse().ok().map(Position)).flatten()
}

/// Walks over the blocks of a file, reading ahead a little and no body that is not asked for.
pub(super) struct Walk<'a> {
    file: &'a dyn DiskFile,
    /// Where the blocks end.
    bytes: u64,
    seed: u32,
    /// Where the next block starts.
    pub(super) offset: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// A fault of the storage, or of what is stored.
#[derive(Debug)]
pub(super) enum WalkFault {
    Io(io::Error),
    Block(BlockFault),
}

impl From<io::Error> for WalkFault {
    fn from(e: io::Error) -> Self {
        WalkFault::Io(e)
    }
}

impl From<BlockFault> for WalkFault {
    fn from(fault: BlockFault) -> Self {
        WalkFault::Block(fault)
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a dyn DiskFile, bytes: u64, seed: u32, offset: u64) -> Walk<'a> {
        Walk { file, bytes, seed, offset, window: Vec::new(), window_at: 0 }
    }

    /// The head of the block at `offset`, `None` at the end. Does not move.
    pub(super) fn head(&mut self) -> Result<Option<Block>, WalkFault> {
        if self.offset >= self.bytes {
            return Ok(None);
        }
        let needed = block::head_bytes(self.slice(self.offset, block::HEAD_BYTES)?)?;
        let seed = self.seed;
        let block = Block::parse(self.slice(self.offset, needed)?, seed)?;
        if self.offset + block.bytes() > self.bytes {
            return Err(BlockFault::Short.into());
        }
        Ok(Some(block))
    }

    /// Moves behind this block, which is the one at `offset`.
    pub(super) fn pass(&mut self, block: &Block) {
        self.offset += block.bytes();
    }

    /// The body of this block, which is the one at `offset`.
    pub(super) fn body(&mut self, block: &Block) -> Result<&[u8], WalkFault> {
        self.slice(self.offset + block.body_at() as u64, block.body_bytes())
    }

    fn slice(&mut self, at: u64, len: usize) -> Result<&[u8], WalkFault> {
        if at + len as u64 > self.bytes {
            return Err(BlockFault::Short.into());
        }
        let inside = at >= self.window_at && at + len as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            let left = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
            self.window.resize(len.max(WINDOW_BYTES).min(left), 0);
            self.window_at = at;
            let read = read_full_at(self.file, &mut self.window, at)?;
            self.window.truncate(read);
        }
        let start = usize::try_from(at - self.window_at).unwrap_or(usize::MAX);
        self.window.get(start..start + len).ok_or_else(|| BlockFault::Short.into())
    }
}
