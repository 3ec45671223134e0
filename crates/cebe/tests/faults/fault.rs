//! Faults in a running server: a clock that is set, flushes that fail or take their time, a disk without room. The server
//! is started with a small library before the system's own, which reads from a file what is to go wrong.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::support::Server;

/// The numbers of the file, by place.
const CLOCK_S: u64 = 0;
const SYNC_FAILS: u64 = 1;
const NO_ROOM: u64 = 2;
const SYNC_MS: u64 = 3;
const PASSES: u64 = 4;
const HITS: u64 = 5;
const LIST_SYNCS: u64 = 6;

/// The queue's folder.
pub const QUEUE: i64 = 1;
/// The store's folder.
pub const CENTRAL: i64 = 2;
/// The folder of files of history.
pub const BACKFILLS: i64 = 4;

/// What goes wrong.
pub struct Faults {
    folder: TempDir,
    library: PathBuf,
}

impl Faults {
    /// Nothing goes wrong yet.
    pub fn none() -> Self {
        let folder = tempfile::tempdir().expect("a folder for what goes wrong");
        fs::write(folder.path().join("faults"), [0; 64]).expect("the file of faults");
        Self { folder, library: library().to_owned() }
    }

    /// A server that these faults reach, on an empty store.
    pub fn server(&self, settings: &[(&str, &str)]) -> Server {
        Server::start_with(&self.with(settings), Stdio::inherit())
    }

    /// The same after it ended, on the same store.
    pub fn restart(&self, server: &mut Server, settings: &[(&str, &str)]) {
        server.restart_with(&self.with(settings));
    }

    /// These settings and what makes the faults reach.
    pub fn with<'a>(&'a self, settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let file = Box::leak(self.file().display().to_string().into_boxed_str());
        let mut all = vec![("LD_PRELOAD", self.library.to_str().expect("a path")), ("FAULTS", &*file)];
        all.extend_from_slice(settings);
        all
    }

    /// Sets the wall clock off by so much.
    pub fn clock_s(&self, seconds: i64) {
        self.set(CLOCK_S, seconds);
    }

    /// Flushes in these places fail, after so many.
    pub fn fail_syncs(&self, places: i64, after: i64) {
        self.set(PASSES, after);
        self.set(SYNC_FAILS, places);
    }

    /// Nothing can be written in these places, after so many writes.
    pub fn no_room(&self, places: i64, after: i64) {
        self.set(PASSES, after);
        self.set(NO_ROOM, places);
    }

    /// Each flush takes so long.
    pub fn slow_syncs(&self, milliseconds: i64) {
        self.set(SYNC_MS, milliseconds);
    }

    /// Keeps a list of what was flushed.
    pub fn list_syncs(&self) {
        self.set(LIST_SYNCS, 1);
    }

    /// How many calls failed so far.
    pub fn hits(&self) -> i64 {
        let mut bytes = [0; 8];
        self.open().read_exact_at(&mut bytes, HITS * 8).expect("the file of faults is read");
        i64::from_le_bytes(bytes)
    }

    /// What a power cut would have taken goes: bytes of the queue's segments and the store's journals that were written
    /// and not flushed. Gives how many bytes that were.
    pub fn drop_unflushed(&self, data: &Path) -> u64 {
        let list = fs::read_to_string(self.folder.path().join("faults.syncs")).expect("flushes were listed");
        let mut dropped = 0;
        for path in files_in(data) {
            let name = path.display().to_string();
            let (is_segment, is_journal) = (name.ends_with(".seg"), name.ends_with(".jnl"));
            let Some((size, at)) = last_flush(&list, &name).filter(|_| is_segment || is_journal) else { continue };
            let there = fs::metadata(&path).expect("it is there").len();
            if is_segment && there > size {
                dropped += there - size;
                OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(size)).expect("it can be cut");
            }
            // A journal is made long first and then written from its start: what lies behind the flush is zeros again.
            if is_journal && there > at {
                let bytes = fs::read(&path).expect("a journal");
                let start = usize::try_from(at).expect("it fits");
                dropped += bytes[start..].iter().filter(|byte| **byte != 0).count() as u64;
                let zeros = vec![0; bytes.len() - start];
                let file = OpenOptions::new().write(true).open(&path).expect("it can be written");
                file.write_all_at(&zeros, at).expect("it is written");
            }
        }
        dropped
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("faults")
    }

    fn open(&self) -> fs::File {
        OpenOptions::new().read(true).write(true).open(self.file()).expect("the file of faults")
    }

    fn set(&self, place: u64, value: i64) {
        self.open().write_all_at(&value.to_le_bytes(), place * 8).expect("the file of faults is written");
    }
}

fn last_flush(list: &str, name: &str) -> Option<(u64, u64)> {
    let line = list.lines().rev().find(|line| line.split('\t').next() == Some(name))?;
    let mut numbers = line.split('\t').skip(1).map(|number| number.parse().expect("a number"));
    Some((numbers.next()?, numbers.next()?))
}

/// Every file below a folder.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(files_in(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The library, compiled once; a C compiler is there wherever this project is built.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let own = format!("cebe-faults-{}.so", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/faults.c");
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&path).arg(source).status();
        assert!(compiled.expect("cc runs").success(), "the faults do not compile");
        path
    })
}
