//! Taking a backup of a store that works. The order makes it whole: nothing of the queue is trimmed from before the view
//! of the rows is taken until the queue's files are open, so that the queue begins where the rows end, or earlier; and the
//! files are opened after the view, so that they reach as far as the rows, or further. Everything acknowledged before the
//! backup was begun is in one or the other.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cebe_central::{self as central, Central, KeyRange, Order, Snapshot, Table};
use cebe_queue::{self as queue, PerLane, Position, Queue};

use super::format::{FORMAT, Kind, Writer};
use super::{End, HISTORY, Head, QUEUE};
use crate::serve::position_of;

/// Bytes gathered before a chunk is written.
const CHUNK_BYTES: usize = 1 << 20;

/// What is backed up.
#[derive(Clone)]
pub(crate) struct Source {
    /// The log.
    pub(crate) queue: Arc<queue::Embedded>,
    /// The Central DB.
    pub(crate) central: Arc<dyn Central>,
    /// The data folder.
    pub(crate) data: PathBuf,
}

/// Why no backup was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// The rows cannot be read.
    #[error("{0}")]
    Store(#[from] central::StoreError),
    /// The queue's files cannot be opened.
    #[error("{0}")]
    Queue(#[from] queue::OpenError),
    /// Nobody takes it, or the queue cannot be read.
    #[error("the backup cannot be written: {0}")]
    Written(#[from] io::Error),
}

/// Writes a backup.
pub(crate) fn take(source: &Source, to: impl Write) -> Result<(Head, End), TakeError> {
    let hold = source.queue.hold();
    let rows = source.central.snapshot()?;
    let head = head(source, &rows)?;
    let from = PerLane { live: Position(head.live_applied), backfill: Position(head.backfill_applied) };
    let files = source.queue.files_from(from)?;
    drop(hold);
    let mut writer = Writer::begin(to, &head)?;
    let mut end = End::default();
    write_rows(&rows, &mut writer, &mut end)?;
    drop(rows);
    for file in files {
        let (name, bytes) = (format!("{QUEUE}/{}", file.name), file.bytes);
        write_file(&name, file, bytes, &mut writer, &mut end)?;
    }
    // A file is there before its row is, and stays for days after it is loaded.
    for name in history(&source.data)? {
        let file = File::open(source.data.join(&name))?;
        let bytes = file.metadata()?.len();
        write_file(&name, file, bytes, &mut writer, &mut end)?;
    }
    writer.end(&end)?;
    Ok((head, end))
}

fn head(source: &Source, rows: &Snapshot) -> Result<Head, central::StoreError> {
    let positions = rows.positions()?;
    Ok(Head {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: jiff::Timestamp::now().to_string(),
        store: source.queue.facts().store.to_string(),
        rows_format: central::FORMAT_VERSION,
        commits: rows.commits()?,
        live_applied: position_of(&positions, queue::Lane::Live),
        backfill_applied: position_of(&positions, queue::Lane::Backfill),
    })
}

/// A row is its table (1 byte), the lengths of key and value (4 bytes each), key, value.
fn write_rows(rows: &Snapshot, writer: &mut Writer<impl Write>, end: &mut End) -> Result<(), TakeError> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    for table in Table::ALL {
        let mut failed = None;
        rows.view().scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
            let written = add_row(&mut chunk, table, key, value).and_then(|()| flush(&mut chunk, CHUNK_BYTES, writer));
            end.rows += 1;
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)?;
    }
    Ok(flush(&mut chunk, 1, writer)?)
}

fn add_row(chunk: &mut Vec<u8>, table: Table, key: &[u8], value: &[u8]) -> io::Result<()> {
    chunk.push(table as u8);
    for part in [key, value] {
        chunk.extend_from_slice(&u32::try_from(part.len()).map_err(io::Error::other)?.to_le_bytes());
    }
    chunk.extend_from_slice(key);
    chunk.extend_from_slice(value);
    Ok(())
}

/// Writes what was gathered, once it is this much.
fn flush(chunk: &mut Vec<u8>, bytes_min: usize, writer: &mut Writer<impl Write>) -> io::Result<()> {
    if chunk.len() < bytes_min {
        return Ok(());
    }
    writer.chunk(Kind::Rows, chunk)?;
    chunk.clear();
    Ok(())
}

/// The files of history that are whole, by their path in the data folder.
fn history(data: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let folders = match fs::read_dir(data.join(HISTORY)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        folders => folders?,
    };
    for folder in folders {
        let folder = folder?.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(data.join(HISTORY).join(&folder))? {
            let file = file?.file_name().to_string_lossy().into_owned();
            if !file.ends_with(".part") {
                found.push(format!("{HISTORY}/{folder}/{file}"));
            }
        }
    }
    Ok(found)
}

fn write_file(
    name: &str,
    mut file: impl Read,
    bytes: u64,
    writer: &mut Writer<impl Write>,
    end: &mut End,
) -> Result<(), TakeError> {
    writer.chunk(Kind::File, name.as_bytes())?;
    let mut left = bytes;
    let mut piece = vec![0; CHUNK_BYTES];
    while left > 0 {
        let size = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut piece[..size])?;
        writer.chunk(Kind::Bytes, &piece[..size])?;
        left -= size as u64;
    }
    end.files += 1;
    end.file_bytes += bytes;
    Ok(())
}
