//! `store.json`: the identity of a store, written last at its first start; where it stands, nothing else may be missing.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::segment::FORMAT;
use crate::disk::{Disk, read_full_at, write_all_at};
use crate::error::OpenError;
use crate::facts::StoreId;

#[derive(Serialize, Deserialize)]
struct StoreFile {
    format: u32,
    store: StoreId,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// The file's name.
pub(super) const FILE: &str = "store.json";

/// The file's path.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// The identity kept in `dir`, `None` when there never was one.
pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<StoreId>, OpenError> {
    let path = path(dir);
    let bytes = match read(disk, &path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { action: "read", path, source }),
    };
    let damaged = |e: serde_json::Error| OpenError::Damaged {
        path: path.clone(),
        offset: 0,
        at: crate::Position::START,
        detail: e.to_string(),
    };
    // Another format may have other fields, so its number is read alone first.
    let found = serde_json::from_slice::<FormatOnly>(&bytes).map_err(damaged)?.format;
    if found != FORMAT {
        return Err(OpenError::UnknownFormat { path, found, known: FORMAT });
    }
    Ok(Some(serde_json::from_slice::<StoreFile>(&bytes).map_err(damaged)?.store))
}

/// Makes the identity durable, whole or not at all.
pub(super) fn save(disk: &dyn Disk, dir: &Path, store: StoreId) -> io::Result<()> {
    let bytes = serde_json::to_vec(&StoreFile { format: FORMAT, store }).map_err(io::Error::other)?;
    let unfinished = dir.join("store.json.new");
    let file = disk.create(&unfinished)?;
    write_all_at(&*file, &bytes, 0)?;
    file.sync()?;
    disk.rename(&unfinished, &path(dir))?;
    disk.sync_dir(dir)
}

fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    let read = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
