//! A segment of the queue with any bytes behind its head. Checksums are put right first where the first byte is odd, or
//! nothing but the checksums would ever be tried.

use bytes::Bytes;
use cebe_queue::{
    Embedded, Lane, Parts, Position, Queue, ReadLimit, Settings, StoreId,
    disk::{Disk, SimulatedDisk},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Waker},
};

const FOLDER: &str = "/queue";
const STORE: StoreId = StoreId([7; 16]);
/// Bytes of a segment's head.
const HEAD: usize = 64;
/// Bytes of a block's head.
const BLOCK_HEAD: usize = 56;

fn first_segment() -> PathBuf {
    Path::new(FOLDER).join("live").join(format!("{:020}.seg", 0))
}

fn open(disk: &SimulatedDisk) -> Option<(Embedded, cebe_queue::ByHand)> {
    let parts = Parts {
        disk: Arc::new(disk.clone()) as Arc<dyn Disk>,
        clock: Arc::new(|| 1_762_225_200_000),
        on_fatal: Box::new(|_| {}),
        first_store: Some(STORE),
    };
    Embedded::open_by_hand(Path::new(FOLDER), Settings::default(), parts).ok()
}

/// Opens a queue over the bytes, reads all there is, and goes on writing.
pub(super) fn segment(bytes: &[u8]) {
    let Some((mode, content)) = bytes.split_first() else { return };
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    let path = first_segment();
    let mut file = disk.bytes_of(&path).unwrap_or_default();
    file.extend_from_slice(content);
    if mode % 2 == 1 {
        put_right(&mut file);
    }
    disk.put(&path, file);
    let Some((queue, mut writer)) = open(&disk) else { return };
    let end = queue.end(Lane::Live);
    let limit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
    let read = queue.read(Lane::Live, Position::START, limit);
    let heads = queue.frames(Lane::Live, Position::START, usize::MAX);
    if let (Ok(read), Ok(heads)) = (&read, &heads) {
        assert_eq!(read.len() as u64, end.0, "every record below the end is read");
        assert_eq!(heads.iter().map(|frame| u64::from(frame.count)).sum::<u64>(), end.0, "frames hold every record");
    }
    let mut append = queue.append(Lane::Live, Bytes::new(), vec![Bytes::from_static(b"next")]);
    writer.write();
    let appended = append.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(appended.is_ready(), "what opens can be written to");
    assert!(queue.read(Lane::Live, end, limit).is_ok_and(|next| next.len() == 1), "what was appended is read");
}

/// Writes the checksums of block after block, as far as their lengths lead.
fn put_right(file: &mut [u8]) {
    let seed = crc32c::crc32c_append(crc32c::crc32c(&STORE.0), &0_u32.to_le_bytes());
    let mut at = HEAD;
    while let Some(block) = file.get_mut(at..).filter(|block| block.len() >= BLOCK_HEAD) {
        let length = |from: usize| block[from..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four) as usize);
        let (table, body) = (length(4), length(8));
        let whole = BLOCK_HEAD.saturating_add(table).saturating_add(body);
        if whole > block.len() {
            return;
        }
        let (table_crc, body_crc) = (
            crc32c::crc32c_append(seed, &block[BLOCK_HEAD..BLOCK_HEAD + table]),
            crc32c::crc32c_append(seed, &block[BLOCK_HEAD + table..whole]),
        );
        block[44..48].copy_from_slice(&table_crc.to_le_bytes());
        block[48..52].copy_from_slice(&body_crc.to_le_bytes());
        let head_crc = crc32c::crc32c_append(seed, &block[..52]);
        block[52..56].copy_from_slice(&head_crc.to_le_bytes());
        at += whole;
    }
}

/// The bytes that [`segment`] reads as these appends.
pub(super) fn segment_bytes(appends: &[(Vec<u8>, Vec<Bytes>)]) -> Vec<u8> {
    let disk = SimulatedDisk::new();
    if let Some((queue, mut writer)) = open(&disk) {
        for (tag, records) in appends {
            drop(queue.append(Lane::Live, tag.clone().into(), records.clone()));
            writer.write();
        }
    }
    let file = disk.bytes_of(&first_segment()).unwrap_or_default();
    [&[1], file.get(HEAD..).unwrap_or_default()].concat()
}
