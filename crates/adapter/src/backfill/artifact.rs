//! The files of backfills: one folder each, with the file as it arrived, sealed (`sealed.rs`). A file gets its name only when it is whole and
//! flushed, so a broken upload leaves nothing that could be taken for one.

use super::sealed::{Sealing, Unsealing};
use cebe_privacy::keys::MasterKey;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

const FILE: &str = "events";
const PART: &str = "events.part";

/// Where the files lie, and what they are sealed with.
#[derive(Clone, Debug)]
pub(crate) struct Artifacts {
    folder: PathBuf,
    master: Arc<MasterKey>,
}

impl Artifacts {
    pub(crate) fn new(folder: PathBuf, master: Arc<MasterKey>) -> Self {
        Self { folder, master }
    }

    /// The file of a backfill.
    #[cfg(test)]
    pub(crate) fn file(&self, id: &str) -> PathBuf {
        self.folder.join(id).join(FILE)
    }

    /// Reads a file as it arrived.
    pub(crate) fn open(&self, id: &str) -> io::Result<impl Read + Send + use<>> {
        let file = File::open(self.folder.join(id).join(FILE))?;
        Ok(Unsealing::new(file, Arc::clone(&self.master), id))
    }

    /// Is the file here?
    pub(super) fn has(&self, id: &str) -> bool {
        self.folder.join(id).join(FILE).exists()
    }

    /// Begins to receive a file.
    pub(crate) fn receive(&self, id: &str) -> io::Result<Upload> {
        let folder = self.folder.join(id);
        fs::create_dir_all(&folder)?;
        let file = Sealing::new(File::create(folder.join(PART))?, Arc::clone(&self.master), id);
        Ok(Upload { folder, file, bytes: 0, whole: false })
    }

    /// Removes a backfill's folder, when it is there.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.folder.join(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the folders of backfills that nobody knows.
    pub(super) fn retain(&self, is_known: &dyn Fn(&str) -> bool) -> io::Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_unknown = entry.file_name().to_str().is_some_and(|id| !is_known(id));
            if is_unknown && entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A file on its way in. Dropped before it is whole, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Upload {
    folder: PathBuf,
    file: Sealing,
    bytes: u64,
    whole: bool,
}

impl Upload {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// How much arrived so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file is whole: it is made durable and stays.
    pub(crate) fn keep(mut self) -> io::Result<u64> {
        self.file.finish()?;
        fs::rename(self.folder.join(PART), self.folder.join(FILE))?;
        sync_folder(&self.folder)?;
        if let Some(parent) = self.folder.parent() {
            sync_folder(parent)?;
        }
        self.whole = true;
        Ok(self.bytes)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.whole
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, "a broken upload stays until the next start");
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
