//! A small store backed up and restored: every byte of the file that changes is noticed, and so is a file that ends early.

use std::io::Write;
use std::path::Path;

use super::format::Damage;
use super::*;
use crate::serve::open_both;
use crate::settings::Settings;

fn settings(folder: &Path) -> Settings {
    Settings { data: folder.display().to_string(), ..Settings::default() }
}

/// A backup of a store without events: its own rows, and the beginnings of both lanes.
fn backup() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (queue, central) = open_both(folder.path(), &settings(folder.path())).unwrap();
    let source = Source {
        queue: std::sync::Arc::new(queue),
        central: std::sync::Arc::new(central),
        data: folder.path().to_owned(),
    };
    let mut bytes = Vec::new();
    take(&source, &mut bytes).unwrap();
    bytes
}

fn restored(bytes: &[u8], folder: &Path) -> Result<Summary, String> {
    restore(bytes, &settings(folder), &|_| {}).map_err(|error| error.to_string())
}

#[test]
fn every_changed_byte_is_noticed_and_nothing_is_restored() {
    let whole = backup();
    let folder = tempfile::tempdir().unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        let checked = Check::whole(bytes.as_slice(), &|_| {});
        assert!(checked.is_err(), "byte {at} changed unnoticed");
        // Building a store takes a while: a few places of each part will do.
        if at % 41 == 0 {
            let refused = restored(&bytes, folder.path()).unwrap_err();
            assert!(refused.contains("backup") || refused.contains("release"), "{refused}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
        }
    }
}

#[test]
fn a_backup_that_ends_early_is_refused_wherever_it_ends() {
    let whole = backup();
    for end in 0..whole.len() {
        let refused = Check::whole(&whole[..end], &|_| {}).unwrap_err();
        assert!(matches!(refused, Damage::Short(_)), "{end}: {refused}");
    }
    let folder = tempfile::tempdir().unwrap();
    let refused = restored(&whole[..whole.len() - 1], folder.path()).unwrap_err();
    assert!(refused.contains("ends early") && refused.contains("nothing was restored"), "{refused}");
    let mut longer = whole;
    longer.write_all(b"x").unwrap();
    assert!(Check::whole(longer.as_slice(), &|_| {}).unwrap_err().to_string().contains("follows its end"));
}

#[test]
fn what_is_there_is_never_replaced() {
    let (bytes, folder) = (backup(), tempfile::tempdir().unwrap());
    let summary = restored(&bytes, folder.path()).unwrap();
    assert_eq!((summary.end.files, summary.head.format), (3, 1));
    open_both(folder.path(), &settings(folder.path())).unwrap();
    for gone in ["central", "queue"] {
        assert!(restored(&bytes, folder.path()).unwrap_err().contains("is not replaced"));
        std::fs::remove_dir_all(folder.path().join(gone)).unwrap();
    }
    restored(&bytes, folder.path()).unwrap();
}
