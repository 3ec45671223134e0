//! Copying a queue while it goes on: nothing is trimmed while it is held, and files that are open stay readable after
//! they were. A copy of the files is a queue: put back, it opens at the positions it had.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Embedded, store};
use crate::disk::DiskFile;
use crate::error::OpenError;
use crate::port::{Lane, PerLane, Position};

/// While it lives nothing of the queue is trimmed.
#[derive(Debug)]
pub struct Hold(Arc<AtomicUsize>);

impl Hold {
    pub(super) fn new(holds: &Arc<AtomicUsize>) -> Hold {
        holds.fetch_add(1, Ordering::SeqCst);
        Hold(Arc::clone(holds))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A file of a queue, as far as it was durable when it was opened. Reads from its start.
pub struct QueueFile {
    /// Its path inside the queue's folder.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    file: Arc<dyn DiskFile>,
    read: u64,
}

impl QueueFile {
    fn open(queue: &Embedded, path: PathBuf, name: String, bytes: Option<u64>) -> Result<QueueFile, OpenError> {
        let opened = queue.core.disk.open(&path).and_then(|file| Ok((bytes.map_or_else(|| file.len(), Ok)?, file)));
        let (bytes, file) = opened.map_err(|source| OpenError::Io { action: "open", path, source })?;
        Ok(QueueFile { name, bytes, file, read: 0 })
    }
}

impl io::Read for QueueFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes - self.read).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let read = self.file.read_at(&mut into[..wanted], self.read)?;
        self.read += read as u64;
        Ok(read)
    }
}

impl Embedded {
    /// Keeps all that is there, whatever may be trimmed, until the hold is dropped.
    pub fn hold(&self) -> Hold {
        Hold::new(&self.core.holds)
    }

    /// Opens the files that a copy needs to go on from these positions. Take a [`Hold`] before you learn the positions,
    /// and keep it until this has returned.
    pub fn files_from(&self, from: PerLane<Position>) -> Result<Vec<QueueFile>, OpenError> {
        let mut files = Vec::new();
        for lane in Lane::ALL {
            for segment in self.core.logs[lane].segments_from(from[lane]) {
                let name = segment.path.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{}/{name}", lane.name());
                files.push(QueueFile::open(self, segment.path.to_path_buf(), name, Some(segment.bytes))?);
            }
        }
        let path = store::path(&self.core.dir);
        files.push(QueueFile::open(self, path, store::FILE.to_owned(), None)?);
        Ok(files)
    }
}
