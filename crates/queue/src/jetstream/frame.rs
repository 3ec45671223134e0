//! A frame as one message of a stream: head and tag in its headers, so that heads can be read without bodies; the records
//! in its body, compressed when that helps. A position is the message's sequence and the record's index inside it.

use async_nats::HeaderMap;
use bytes::{Buf, BufMut, Bytes};

use crate::port::{APPEND_RECORDS_MAX, Frame, Position};

/// The low bits of a position that hold the index inside a frame.
const INDEX_BITS: u32 = APPEND_RECORDS_MAX.trailing_zeros();
/// Header: `<records> <raw bytes> <codec> <checksum of the body> <tag bytes in the body>`.
const HEAD: &str = "Cebe-Frame";
/// Header: the tag in hexadecimal digits, unless it stands in the body.
const TAG: &str = "Cebe-Tag";
/// Larger tags stand before the records: a server takes at most 64 KiB of headers.
const TAG_IN_HEADER_BYTES_MAX: usize = 16 << 10;
/// Less than this is not worth compressing.
const COMPRESS_BYTES_MIN: usize = 512;
const PLAIN: u32 = 0;
const LZ4: u32 = 1;

/// The position of the first record of the message with this sequence. Sequences begin at 1.
pub(super) fn first_of(sequence: u64) -> Position {
    Position(sequence.saturating_sub(1) << INDEX_BITS)
}

/// The sequence of the message in which a position lies.
pub(super) fn sequence_of(position: Position) -> u64 {
    (position.0 >> INDEX_BITS) + 1
}

/// Why a message is not a frame of this queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    #[error("it carries no head of a frame")]
    Head,
    #[error("its tag cannot be read")]
    Tag,
    #[error("the checksum of its records differs")]
    Checksum,
    #[error("its records contradict its head")]
    Shape,
}

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) count: u32,
    raw_bytes: usize,
    codec: u32,
    crc: u32,
    tag_bytes_in_body: usize,
    tag: Bytes,
}

/// A message as it is published.
pub(super) struct Encoded {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Packs a frame. `seed` is that of the store, so that no foreign message passes for one of it.
pub(super) fn encode(tag: &Bytes, records: &[Bytes], seed: u32) -> Encoded {
    let tag_bytes_in_body = if tag.len() > TAG_IN_HEADER_BYTES_MAX { tag.len() } else { 0 };
    let bytes: usize = records.iter().map(|record| record.len() + size_of::<u32>()).sum();
    let mut raw = Vec::with_capacity(tag_bytes_in_body + bytes);
    raw.extend_from_slice(&tag[..tag_bytes_in_body]);
    for record in records {
        raw.put_u32_le(u32::try_from(record.len()).unwrap_or(u32::MAX));
    }
    records.iter().for_each(|record| raw.extend_from_slice(record));
    let raw_bytes = raw.len();
    let packed = (raw_bytes >= COMPRESS_BYTES_MIN).then(|| lz4_flex::block::compress(&raw));
    let (codec, body) = match packed.filter(|packed| packed.len() < raw_bytes) {
        Some(packed) => (LZ4, packed),
        None => (PLAIN, raw),
    };
    let crc = crc32c::crc32c_append(seed, &body);
    let mut headers = HeaderMap::new();
    headers.insert(HEAD, format!("{} {raw_bytes} {codec} {crc} {tag_bytes_in_body}", records.len()));
    if tag_bytes_in_body == 0 && !tag.is_empty() {
        headers.insert(TAG, hex::encode(tag));
    }
    Encoded { headers, body: body.into() }
}

impl Head {
    /// Reads the headers of a message.
    pub(super) fn parse(headers: Option<&HeaderMap>) -> Result<Head, FrameFault> {
        let headers = headers.ok_or(FrameFault::Head)?;
        let head = headers.get(HEAD).ok_or(FrameFault::Head)?;
        let numbers: Vec<u64> = head.as_str().split(' ').map_while(|number| number.parse().ok()).collect();
        let [count, raw_bytes, codec, crc, tag_bytes] = numbers[..] else { return Err(FrameFault::Head) };
        let fits = |number: u64| u32::try_from(number).map_err(|_| FrameFault::Head);
        let size = |number: u64| fits(number).map(|number| number as usize);
        let tag = match headers.get(TAG) {
            Some(tag) => hex::decode(tag.as_str()).map_err(|_| FrameFault::Tag)?.into(),
            None => Bytes::new(),
        };
        let (count, codec, crc) = (fits(count)?, fits(codec)?, fits(crc)?);
        Ok(Head { count, raw_bytes: size(raw_bytes)?, codec, crc, tag_bytes_in_body: size(tag_bytes)?, tag })
    }

    /// Whether the tag can only be known from the body.
    pub(super) fn lacks_tag(&self) -> bool {
        self.tag_bytes_in_body > 0
    }

    /// The frame, as far as the headers know it.
    pub(super) fn frame(&self, sequence: u64) -> Frame {
        Frame { first: first_of(sequence), count: self.count, tag: self.tag.clone() }
    }

    /// The tag, from the body where it stands there.
    pub(super) fn tag(&self, body: &[u8], seed: u32) -> Result<Bytes, FrameFault> {
        if !self.lacks_tag() {
            return Ok(self.tag.clone());
        }
        let raw = self.unpack(body, seed)?;
        raw.get(..self.tag_bytes_in_body).map(|tag| raw.slice_ref(tag)).ok_or(FrameFault::Shape)
    }

    /// The records in the body, sharing one allocation.
    pub(super) fn records(&self, body: &[u8], seed: u32) -> Result<Vec<Bytes>, FrameFault> {
        let raw = self.unpack(body, seed)?;
        self.split(&raw).ok_or(FrameFault::Shape)
    }

    fn unpack(&self, body: &[u8], seed: u32) -> Result<Bytes, FrameFault> {
        if crc32c::crc32c_append(seed, body) != self.crc {
            return Err(FrameFault::Checksum);
        }
        match self.codec {
            PLAIN => Ok(Bytes::copy_from_slice(body)),
            LZ4 => lz4_flex::block::decompress(body, self.raw_bytes).map(Bytes::from).map_err(|_| FrameFault::Shape),
            _ => Err(FrameFault::Shape),
        }
    }

    fn split(&self, raw: &Bytes) -> Option<Vec<Bytes>> {
        let table = (self.count as usize).checked_mul(size_of::<u32>())?;
        let mut at = self.tag_bytes_in_body.checked_add(table)?;
        let mut lengths = raw.get(self.tag_bytes_in_body..at)?;
        let mut records = Vec::with_capacity(self.count as usize);
        for _ in 0..self.count {
            let end = at.checked_add(lengths.get_u32_le() as usize)?;
            records.push(raw.slice_ref(raw.get(at..end)?));
            at = end;
        }
        (at == raw.len()).then_some(records)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_frame_comes_back_whole_and_a_changed_byte_is_seen(
            tag in prop::collection::vec(any::<u8>(), 0..40),
            records in prop::collection::vec(prop::collection::vec(0_u8..4, 0..600), 1..9),
            is_large in any::<bool>(), at in any::<prop::sample::Index>(),
        ) {
            let tag = Bytes::from(if is_large { tag.repeat(1 + TAG_IN_HEADER_BYTES_MAX) } else { tag });
            let records: Vec<Bytes> = records.into_iter().map(Bytes::from).collect();
            let Encoded { headers, body } = encode(&tag, &records, 7);
            let head = Head::parse(Some(&headers)).unwrap();
            prop_assert_eq!(head.records(&body, 7).unwrap(), records);
            prop_assert_eq!(head.tag(&body, 7).unwrap(), tag);
            prop_assert_eq!(head.records(&body, 8), Err(FrameFault::Checksum));
            let mut damaged = body.to_vec();
            damaged[at.index(body.len())] ^= 1;
            prop_assert_eq!(head.records(&damaged, 7), Err(FrameFault::Checksum));
        }
    }

    #[test]
    fn positions_and_sequences_belong_together() {
        assert_eq!((first_of(1), sequence_of(Position::START)), (Position::START, 1));
        let last = first_of(9).plus(APPEND_RECORDS_MAX as u64 - 1);
        assert_eq!((sequence_of(last), sequence_of(last.plus(1))), (9, 10));
    }
}
