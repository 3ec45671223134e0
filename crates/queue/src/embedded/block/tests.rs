//! Blocks read back what was written, are refused when a bit differs, and keep the format that is on people's disks.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn encoded(seed: u32, first: u64, frames: &[(Vec<u8>, Vec<Bytes>)]) -> Vec<u8> {
    let parts: Vec<FrameParts<'_>> = frames.iter().map(|(tag, records)| (&tag[..], &records[..])).collect();
    let mut out = Vec::new();
    encode(&mut out, seed, Position(first), Position(first), &parts);
    out
}

fn frames() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<Bytes>)>> {
    let record = prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..80).prop_map(Bytes::from);
    let frame = (prop::collection::vec(any::<u8>(), 0..9), prop::collection::vec(record, 1..9));
    prop::collection::vec(frame, 1..6)
}

proptest! {
    #[test]
    fn a_block_reads_back(seed: u32, first in 0..u64::MAX / 2, frames in frames()) {
        let bytes = encoded(seed, first, &frames);
        let block = Block::parse(&bytes, seed).unwrap();
        prop_assert_eq!(block.bytes(), bytes.len() as u64);
        let records: Vec<Bytes> = frames.iter().flat_map(|(_, records)| records.clone()).collect();
        prop_assert_eq!(block.records(&bytes[block.body_at()..], seed).unwrap(), records);
        let mut at = Position(first);
        for (frame, (tag, records)) in block.frames.iter().zip(&frames) {
            prop_assert_eq!((frame.first, frame.count as usize, &frame.tag[..]), (at, records.len(), &tag[..]));
            at = frame.end();
        }
        prop_assert_eq!(block.end(), at);
    }

    #[test]
    fn a_block_with_a_flipped_bit_is_refused(frames in frames(), at: prop::sample::Index, bit in 0..8_u32) {
        let mut bytes = encoded(1, 5, &frames);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let read = Block::parse(&bytes, 1).and_then(|block| block.records(&bytes[block.body_at()..], 1));
        prop_assert!(read.is_err());
    }

    #[test]
    fn any_bytes_are_refused_calmly(mut bytes in prop::collection::vec(any::<u8>(), 0..200), seed: u32) {
        for (byte, magic) in bytes.iter_mut().zip(MAGIC) {
            *byte = magic;
        }
        prop_assert!(Block::parse(&bytes, seed).is_err());
    }
}

#[test]
fn a_block_of_another_store_or_lane_is_refused() {
    let bytes = encoded(1, 0, &[(vec![], vec![Bytes::from_static(b"x")])]);
    assert_eq!(Block::parse(&bytes, 2), Err(BlockFault::HeadChecksum));
}

/// Checksums do not make a claim true: a block may not ask for more memory than its bytes can unpack to.
#[test]
fn a_block_that_claims_to_unpack_to_more_than_it_can_is_refused() {
    let mut bytes = encoded(1, 0, &[(vec![], vec![Bytes::from(vec![b'a'; 10_000])])]);
    let block = Block::parse(&bytes, 1).unwrap();
    assert_eq!(block.codec, LZ4, "it is compressed");
    bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let checksum = crc32c::crc32c_append(1, &bytes[..HEAD_CRC_AT]);
    bytes[HEAD_CRC_AT..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(Block::parse(&bytes, 1), Err(BlockFault::Shape));
}

/// Written by format 1, byte for byte: when this changes, the format number must too.
#[test]
fn the_format_stands() {
    let bytes = encoded(7, 3, &[(b"t".to_vec(), vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")])]);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "43424c4b090000000e0000000e00000003000000000000000300000000000000020000000100000000000000\
        66d0071fac329287a06e0d2b02000000010000007403000000030000006f6e6574776f";
    assert_eq!(hex, expected);
}
