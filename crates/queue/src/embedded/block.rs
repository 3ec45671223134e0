//! A block is what one commit writes at a time: a head, a table of its frames, and their records, compressed when that
//! helps. Checksums are seeded with store and lane, so that no foreign byte passes for a block of this one.

use bytes::{Buf, BufMut, Bytes};

use crate::port::{Frame, Position};

/// Bytes of the head, before the table.
pub(super) const HEAD_BYTES: usize = 56;
/// The first four bytes of a block.
pub(super) const MAGIC: [u8; 4] = *b"CBLK";
/// Where the head checksum stands; it covers what is before it, the checksums of table and body included.
const HEAD_CRC_AT: usize = 52;
/// Bytes of a table entry without its tag.
const ENTRY_BYTES: usize = 8;

const PLAIN: u32 = 0;
const LZ4: u32 = 1;
/// A byte of LZ4 stands for at most 255 bytes.
const LZ4_GROWTH_MAX: usize = 256;

/// The head of a block:
/// magic 4, table bytes 4, body bytes 4, raw bytes 4, first 8, flushed below 8, records 4, frames 4, codec 4,
/// table checksum 4, body checksum 4, head checksum 4; then the table: per frame count 4, tag bytes 4, tag. Little endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: Position,
    /// Everything below this had been flushed before this block was written.
    pub(super) flushed_below: Position,
    pub(super) records: u32,
    pub(super) frames: Vec<Frame>,
    head_bytes: usize,
    body_bytes: usize,
    raw_bytes: usize,
    codec: u32,
    body_crc: u32,
}

/// Why bytes are not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BlockFault {
    #[error("the file ends inside a block")]
    Short,
    #[error("no block starts here")]
    Magic,
    #[error("the checksum of the block's head differs")]
    HeadChecksum,
    #[error("the checksum of the block's records differs")]
    BodyChecksum,
    #[error("the block contradicts itself")]
    Shape,
    #[error("the block does not follow the one before it")]
    Order,
}

/// What parsing the fixed part says about how much more is needed.
pub(super) fn head_bytes(fixed: &[u8]) -> Result<usize, BlockFault> {
    let mut at = fixed.get(..HEAD_BYTES).ok_or(BlockFault::Short)?;
    if at[..4] != MAGIC {
        return Err(BlockFault::Magic);
    }
    at.advance(4);
    Ok(HEAD_BYTES + at.get_u32_le() as usize)
}

impl Block {
    /// Reads a head with its table.
    pub(super) fn parse(head: &[u8], seed: u32) -> Result<Block, BlockFault> {
        let head_bytes = head_bytes(head)?;
        // The fixed part is checked by itself first, so that telling garbage from blocks costs the same everywhere.
        if crc32c::crc32c_append(seed, &head[..HEAD_CRC_AT]).to_le_bytes() != head[HEAD_CRC_AT..HEAD_BYTES] {
            return Err(BlockFault::HeadChecksum);
        }
        let table = head.get(HEAD_BYTES..head_bytes).ok_or(BlockFault::Short)?;
        let mut at = &head[8..HEAD_BYTES];
        let (body_bytes, raw_bytes) = (at.get_u32_le() as usize, at.get_u32_le() as usize);
        let (first, flushed_below) = (Position(at.get_u64_le()), Position(at.get_u64_le()));
        let (records, frame_count, codec) = (at.get_u32_le(), at.get_u32_le(), at.get_u32_le());
        let (table_crc, body_crc) = (at.get_u32_le(), at.get_u32_le());
        if crc32c::crc32c_append(seed, table) != table_crc {
            return Err(BlockFault::HeadChecksum);
        }
        let frames = parse_table(table, first, frame_count).ok_or(BlockFault::Shape)?;
        let block = Block { first, flushed_below, records, frames, head_bytes, body_bytes, raw_bytes, codec, body_crc };
        if block.is_sound() { Ok(block) } else { Err(BlockFault::Shape) }
    }

    fn is_sound(&self) -> bool {
        let counted: u64 = self.frames.iter().map(|frame| u64::from(frame.count)).sum();
        // What a claim costs is bounded by what is there: nothing unpacks to more than this.
        let fits = self.raw_bytes <= self.body_bytes.saturating_mul(LZ4_GROWTH_MAX);
        counted == u64::from(self.records) && self.records > 0 && self.flushed_below <= self.first && fits
    }

    /// The position after the last record.
    pub(super) fn end(&self) -> Position {
        self.first.plus(u64::from(self.records))
    }

    /// Where the body starts in the block.
    pub(super) fn body_at(&self) -> usize {
        self.head_bytes
    }

    /// How long the body is.
    pub(super) fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    /// How long the block is.
    pub(super) fn bytes(&self) -> u64 {
        (self.head_bytes + self.body_bytes) as u64
    }

    /// Checks the body without decoding it.
    pub(super) fn check(&self, body: &[u8], seed: u32) -> Result<(), BlockFault> {
        if body.len() < self.body_bytes {
            return Err(BlockFault::Short);
        }
        let crc = crc32c::crc32c_append(seed, &body[..self.body_bytes]);
        if crc == self.body_crc { Ok(()) } else { Err(BlockFault::BodyChecksum) }
    }

    /// The records in the body, sharing one allocation.
    pub(super) fn records(&self, body: &[u8], seed: u32) -> Result<Vec<Bytes>, BlockFault> {
        self.check(body, seed)?;
        let raw = match self.codec {
            PLAIN => Bytes::copy_from_slice(body),
            LZ4 => lz4_flex::block::decompress(body, self.raw_bytes).map_err(|_| BlockFault::Shape)?.into(),
            _ => return Err(BlockFault::Shape),
        };
        split(&raw, self.records as usize).ok_or(BlockFault::Shape)
    }
}

/// Raw body: the length of each record, then their bytes.
fn split(raw: &Bytes, records: usize) -> Option<Vec<Bytes>> {
    let mut lengths = raw.get(..records.checked_mul(size_of::<u32>())?)?;
    let mut at = lengths.len();
    let mut split = Vec::with_capacity(records);
    for _ in 0..records {
        let end = at.checked_add(lengths.get_u32_le() as usize)?;
        raw.get(at..end)?;
        split.push(raw.slice(at..end));
        at = end;
    }
    (at == raw.len()).then_some(split)
}

fn parse_table(mut table: &[u8], mut first: Position, frame_count: u32) -> Option<Vec<Frame>> {
    let mut frames = Vec::with_capacity((frame_count as usize).min(table.len() / ENTRY_BYTES));
    for _ in 0..frame_count {
        let mut entry = table.get(..ENTRY_BYTES)?;
        let (count, tag_bytes) = (entry.get_u32_le(), entry.get_u32_le() as usize);
        let tag = Bytes::copy_from_slice(table.get(ENTRY_BYTES..ENTRY_BYTES.checked_add(tag_bytes)?)?);
        table = &table[ENTRY_BYTES + tag_bytes..];
        let frame = Frame { first, count, tag };
        first = frame.end();
        frames.push(frame);
    }
    table.is_empty().then_some(frames)
}

/// One frame to write: its tag and its records.
pub(super) type FrameParts<'a> = (&'a [u8], &'a [Bytes]);

/// Writes one block of these frames behind `out`, and returns the position after it.
pub(super) fn encode(
    out: &mut Vec<u8>,
    seed: u32,
    first: Position,
    flushed_below: Position,
    frames: &[FrameParts<'_>],
) -> Position {
    let raw = join(frames);
    let records: usize = frames.iter().map(|(_, records)| records.len()).sum();
    let packed = lz4_flex::block::compress(&raw);
    // Less than a sixteenth saved is not worth unpacking it on every read.
    let (codec, body) = if packed.len() < raw.len() - raw.len() / 16 { (LZ4, &packed) } else { (PLAIN, &raw) };
    let table = encode_table(frames);
    let start = out.len();
    out.put_slice(&MAGIC);
    out.put_u32_le(len_u32(table.len()));
    out.put_u32_le(len_u32(body.len()));
    out.put_u32_le(len_u32(raw.len()));
    out.put_u64_le(first.0);
    out.put_u64_le(flushed_below.0);
    out.put_u32_le(len_u32(records));
    out.put_u32_le(len_u32(frames.len()));
    out.put_u32_le(codec);
    out.put_u32_le(crc32c::crc32c_append(seed, &table));
    out.put_u32_le(crc32c::crc32c_append(seed, body));
    out.put_u32_le(crc32c::crc32c_append(seed, &out[start..]));
    out.put_slice(&table);
    out.put_slice(body);
    first.plus(records as u64)
}

fn encode_table(frames: &[FrameParts<'_>]) -> Vec<u8> {
    let mut table = Vec::with_capacity(frames.len() * ENTRY_BYTES);
    for (tag, records) in frames {
        table.put_u32_le(len_u32(records.len()));
        table.put_u32_le(len_u32(tag.len()));
        table.put_slice(tag);
    }
    table
}

fn join(frames: &[FrameParts<'_>]) -> Vec<u8> {
    let records = || frames.iter().flat_map(|(_, records)| records.iter());
    let bytes: usize = records().map(|record| record.len() + size_of::<u32>()).sum();
    let mut raw = Vec::with_capacity(bytes);
    records().for_each(|record| raw.put_u32_le(len_u32(record.len())));
    records().for_each(|record| raw.put_slice(record));
    raw
}

fn len_u32(len: usize) -> u32 {
    u32::try_from(len).expect("an append is bounded far below 4 GiB")
}

#[cfg(test)]
mod tests;
