//! Making a store of a backup. Everything is built beside its place and checked before any of it gets its name, and
//! nothing that is there is ever replaced.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use cebe_central::{EmbeddedSettings, FORMAT_VERSION, OpenError, Table, embedded};
use embedded::StoredRow;

use super::format::{Damage, Kind, Reader};
use super::{CENTRAL, End, HISTORY, QUEUE, Summary};
use crate::serve::open_both;
use crate::settings::Settings;

/// Where a store is built until it is whole.
const BUILDING: &str = "restoring";

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// Something is there already.
    #[error("{0} is there already and is not replaced: choose an empty folder, or move it away first")]
    Occupied(PathBuf),
    /// The backup does not check out.
    #[error("{0}; nothing was restored")]
    Damage(#[from] Damage),
    /// The counts at its end are not those of what it holds.
    #[error("the backup holds {found:?}, its end says {told:?}; use another copy; nothing was restored")]
    Counts {
        /// What was read.
        found: End,
        /// What it says.
        told: End,
    },
    /// Rows of another layout.
    #[error("the backup's rows have format {0}, this release reads {FORMAT_VERSION}: restore it with release {1}")]
    Rows(u32, String),
    /// The store could not be made.
    #[error("{0}; nothing was restored")]
    Store(#[from] OpenError),
    /// What was built does not open.
    #[error("what was restored does not open: {0}")]
    Refused(String),
    /// The disk failed.
    #[error("cannot write {path}: {source}; nothing was restored")]
    Disk {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes a store in the data folder of these settings, whole or not at all.
pub(crate) fn restore(from: impl Read, settings: &Settings, progress: &dyn Fn(u64)) -> Result<Summary, RestoreError> {
    let data = Path::new(&settings.data);
    for part in [QUEUE, CENTRAL, HISTORY] {
        if data.join(part).exists() {
            return Err(RestoreError::Occupied(data.join(part)));
        }
    }
    let building = data.join(BUILDING);
    remove(&building)?;
    let built = build(from, &building, progress).and_then(|summary| {
        let place = Settings { data: building.display().to_string(), ..settings.clone() };
        open_both(&building, &place).map_err(|error| RestoreError::Refused(error.to_string()))?;
        Ok(summary)
    });
    let summary = match built {
        Ok(summary) => summary,
        Err(error) => {
            remove(&building)?;
            return Err(error);
        }
    };
    // The queue last: without it a start is refused, because a new queue would not be the one of these rows.
    for part in [HISTORY, CENTRAL, QUEUE].into_iter().filter(|part| building.join(part).exists()) {
        fs::rename(building.join(part), data.join(part)).map_err(at(&data.join(part)))?;
    }
    sync(data)?;
    remove(&building)?;
    Ok(summary)
}

fn remove(building: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(building) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(building)(error)),
        _ => Ok(()),
    }
}

fn build(from: impl Read, building: &Path, progress: &dyn Fn(u64)) -> Result<Summary, RestoreError> {
    let mut reader = Reader::begin(from)?;
    if reader.head.rows_format != FORMAT_VERSION {
        return Err(RestoreError::Rows(reader.head.rows_format, reader.head.version.clone()));
    }
    fs::create_dir_all(building).map_err(at(building))?;
    let mut rows = Rows { reader: &mut reader, progress, chunk: Vec::new(), used: 0, behind: None, read: 0 };
    let commits = rows.reader.head.commits;
    embedded::load(&building.join(CENTRAL), &EmbeddedSettings::default(), commits, || rows.next())?;
    let (mut next, read) = (rows.behind, rows.read);
    let mut found = End { rows: read, ..End::default() };
    let mut file = None;
    loop {
        let (kind, plain) = match next.take() {
            Some(chunk) => chunk,
            None => reader.chunk()?,
        };
        progress(reader.position());
        match kind {
            Kind::File => {
                finish(file.take())?;
                file = Some(create(building, &plain, reader.position())?);
                found.files += 1;
            }
            Kind::Bytes => {
                let Some((path, file)) = &mut file else { return Err(wrong(reader.position())) };
                file.write_all(&plain).map_err(at(path))?;
                found.file_bytes += plain.len() as u64;
            }
            Kind::End => {
                finish(file.take())?;
                let summary = reader.end(&plain)?;
                return if summary.end == found {
                    Ok(summary)
                } else {
                    Err(RestoreError::Counts { found, told: summary.end })
                };
            }
            Kind::Head | Kind::Rows => return Err(wrong(reader.position())),
        }
    }
}

/// A file below the folder: a name that leads nowhere else.
fn create(building: &Path, name: &[u8], position: u64) -> Result<(PathBuf, File), RestoreError> {
    let name = std::str::from_utf8(name).map_err(|_| wrong(position))?;
    let relative = Path::new(name);
    let is_below = [QUEUE, HISTORY].iter().any(|part| relative.starts_with(part));
    if !is_below || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(wrong(position));
    }
    let path = building.join(relative);
    let folder = path.parent().unwrap_or(building);
    fs::create_dir_all(folder).map_err(at(folder))?;
    let file = File::create_new(&path).map_err(at(&path))?;
    Ok((path, file))
}

fn finish(file: Option<(PathBuf, File)>) -> Result<(), RestoreError> {
    let Some((path, file)) = file else { return Ok(()) };
    file.sync_all().map_err(at(&path))?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

fn sync(folder: &Path) -> Result<(), RestoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RestoreError + use<> {
    let path = path.to_path_buf();
    move |source| RestoreError::Disk { path, source }
}

fn wrong(at: u64) -> RestoreError {
    Damage::Wrong { at, what: "its parts do not follow each other" }.into()
}

/// The rows of a backup, one by one, and the first chunk behind them.
struct Rows<'a, R> {
    reader: &'a mut Reader<R>,
    progress: &'a dyn Fn(u64),
    chunk: Vec<u8>,
    used: usize,
    behind: Option<(Kind, Vec<u8>)>,
    read: u64,
}

impl<R: Read> Rows<'_, R> {
    fn next(&mut self) -> Result<Option<StoredRow>, RestoreError> {
        if self.behind.is_some() {
            return Ok(None);
        }
        if self.used == self.chunk.len() {
            match self.reader.chunk()? {
                (Kind::Rows, chunk) => (self.chunk, self.used) = (chunk, 0),
                other => {
                    self.behind = Some(other);
                    return Ok(None);
                }
            }
            (self.progress)(self.reader.position());
        }
        let row = self.row().ok_or_else(|| wrong(self.reader.position()))?;
        self.read += 1;
        Ok(Some(row))
    }

    fn row(&mut self) -> Option<StoredRow> {
        let table = Table::of_ordinal(self.bytes(1)?[0])?;
        let (key, value) = (self.length()?, self.length()?);
        Some(StoredRow { table, key: self.bytes(key)?.to_vec(), value: self.bytes(value)?.to_vec() })
    }

    fn length(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(*self.bytes(4)?.first_chunk()?) as usize)
    }

    fn bytes(&mut self, count: usize) -> Option<&[u8]> {
        let start = self.used;
        self.used = start.checked_add(count)?;
        self.chunk.get(start..self.used)
    }
}
