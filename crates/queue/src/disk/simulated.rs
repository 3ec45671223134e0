//! A disk in memory that can fail at a chosen act, run full, hold its flushes back, stop at a chosen act, and lose what
//! was not flushed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::{Disk, DiskFile, DiskLock};
use crate::ends::locked;

/// What a power cut leaves of bytes that were written and not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// All of them are there.
    Kept,
    /// The first so many of each file are there; with 0 none is.
    First(usize),
    /// The length is there, but the first so many bytes of each file are zeros: pages were flushed out of order.
    Zeroed(usize),
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, Arc<Contents>>,
    durable_names: BTreeMap<PathBuf, Arc<Contents>>,
    locks: BTreeSet<PathBuf>,
    faults: Faults,
    syncs: u64,
}

#[derive(Default)]
struct Faults {
    writes_until_full: Option<u64>,
    syncs_until_failure: Option<u64>,
    write_bytes_max: Option<usize>,
    capacity_bytes: Option<u64>,
    syncs_until_held: Option<u64>,
    acts_until_cut: Option<u64>,
}

#[derive(Default)]
struct Contents {
    written: Mutex<Vec<u8>>,
    flushed: Mutex<Vec<u8>>,
}

impl SimulatedDisk {
    /// Makes an empty disk without faults.
    #[must_use]
    pub fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// Lets so many writes pass; every later one writes half of what it was given at most once, then reports no space.
    pub fn full_after_writes(&self, writes: Option<u64>) {
        locked(&self.0.state).faults.writes_until_full = writes;
    }

    /// Lets so many flushes of contents pass; every later one fails.
    pub fn fail_syncs_after(&self, syncs: Option<u64>) {
        locked(&self.0.state).faults.syncs_until_failure = syncs;
    }

    /// Writes at most so many bytes at a time.
    pub fn short_writes(&self, bytes_max: Option<usize>) {
        locked(&self.0.state).faults.write_bytes_max = bytes_max;
    }

    /// Gives the disk a size, which is what its used share refers to; writing beyond it still works.
    pub fn capacity(&self, bytes: Option<u64>) {
        locked(&self.0.state).faults.capacity_bytes = bytes;
    }

    /// Lets so many flushes of contents pass; every later one waits until this is called again.
    pub fn hold_syncs_after(&self, syncs: Option<u64>) {
        locked(&self.0.state).faults.syncs_until_held = syncs;
        self.0.released.notify_all();
    }

    /// Lets so many acts that change the disk pass, then cuts the power: every later one fails and changes nothing, so that
    /// what [`SimulatedDisk::after_power_cut`] gives is the disk at that moment.
    pub fn cut_after_acts(&self, acts: Option<u64>) {
        locked(&self.0.state).faults.acts_until_cut = acts;
    }

    /// Whether the power was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        locked(&self.0.state).faults.acts_until_cut == Some(0)
    }

    /// The disk as it is for the next process when this one is killed at this moment: nothing written is lost.
    #[must_use]
    pub fn after_kill(&self) -> SimulatedDisk {
        let state = locked(&self.0.state);
        // A file that has two names stays one file.
        let mut copies: BTreeMap<*const Contents, Arc<Contents>> = BTreeMap::new();
        let mut copied = |(path, contents): (&PathBuf, &Arc<Contents>)| {
            let copy = copies.entry(Arc::as_ptr(contents)).or_insert_with(|| Arc::new(contents.copied()));
            (path.clone(), Arc::clone(copy))
        };
        let names = state.names.iter().map(&mut copied).collect();
        let durable_names = state.durable_names.iter().map(&mut copied).collect();
        SimulatedDisk::of(State { names, durable_names, ..State::default() })
    }

    fn of(state: State) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Shared { state: Mutex::new(state), released: Condvar::new() }))
    }

    /// Counts an act that changes the disk; an error when the power is gone.
    fn act(&self) -> io::Result<()> {
        let faults = &mut locked(&self.0.state).faults;
        if passes(&mut faults.acts_until_cut) { Ok(()) } else { Err(io::Error::other("the power is cut")) }
    }

    /// How many flushes of contents were asked for.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        locked(&self.0.state).syncs
    }

    /// The disk as it is after a power cut at this moment; this one goes on unharmed.
    #[must_use]
    pub fn after_power_cut(&self, tear: Tear) -> SimulatedDisk {
        let state = locked(&self.0.state);
        let names: BTreeMap<_, _> =
            state.durable_names.iter().map(|(path, contents)| (path.clone(), Arc::new(contents.torn(tear)))).collect();
        SimulatedDisk::of(State { durable_names: names.clone(), names, ..State::default() })
    }

    /// The paths of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        locked(&self.0.state).names.keys().cloned().collect()
    }

    /// The bytes of a file, `None` when there is no such file.
    #[must_use]
    pub fn bytes_of(&self, path: &Path) -> Option<Vec<u8>> {
        let state = locked(&self.0.state);
        state.names.get(path).map(|contents| locked(&contents.written).clone())
    }

    /// Puts a file there, durably, behind the back of whoever uses the disk.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let contents = Arc::new(Contents { written: Mutex::new(bytes.clone()), flushed: Mutex::new(bytes) });
        let mut state = locked(&self.0.state);
        state.names.insert(path.to_owned(), Arc::clone(&contents));
        state.durable_names.insert(path.to_owned(), contents);
    }

    fn file(&self, contents: Arc<Contents>) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), contents })
    }
}

impl Contents {
    fn copied(&self) -> Contents {
        let (written, flushed) = (locked(&self.written).clone(), locked(&self.flushed).clone());
        Contents { written: Mutex::new(written), flushed: Mutex::new(flushed) }
    }

    fn torn(&self, tear: Tear) -> Contents {
        let (written, flushed) = (locked(&self.written), locked(&self.flushed));
        let mut left = written.clone();
        let unflushed_from = flushed.len().min(written.len());
        match tear {
            Tear::Kept => {}
            Tear::First(bytes) => left.truncate(unflushed_from + bytes),
            Tear::Zeroed(bytes) => left.iter_mut().skip(unflushed_from).take(bytes).for_each(|byte| *byte = 0),
        }
        Contents { written: Mutex::new(left.clone()), flushed: Mutex::new(left) }
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = locked(&self.0.state);
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.act()?;
        let contents = Arc::new(Contents::default());
        locked(&self.0.state).names.insert(path.to_owned(), Arc::clone(&contents));
        Ok(self.file(contents))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let contents = locked(&self.0.state).names.get(path).cloned().ok_or_else(not_found)?;
        Ok(self.file(contents))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act()?;
        let mut state = locked(&self.0.state);
        let contents = state.names.remove(from).ok_or_else(not_found)?;
        state.names.insert(to.to_owned(), contents);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act()?;
        locked(&self.0.state).names.remove(path).map(|_| ()).ok_or_else(not_found)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.act()?;
        let state = &mut *locked(&self.0.state);
        state.durable_names.retain(|path, _| path.parent() != Some(dir));
        let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        state.durable_names.extend(inside.map(|(path, contents)| (path.clone(), Arc::clone(contents))));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        let taken = locked(&self.0.state).locks.insert(path.to_owned());
        let lock = SimulatedLock { disk: self.clone(), path: path.to_owned() };
        Ok(taken.then(|| Box::new(lock) as DiskLock))
    }

    fn used_share(&self, _dir: &Path) -> io::Result<f64> {
        let state = locked(&self.0.state);
        let used: usize = state.names.values().map(|contents| locked(&contents.written).len()).sum();
        Ok(state.faults.capacity_bytes.map_or(0.0, |capacity| used as f64 / capacity.max(1) as f64))
    }
}

struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        locked(&self.disk.0.state).locks.remove(&self.path);
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    contents: Arc<Contents>,
}

/// Counts one act down: false when it is the one that fails.
fn passes(countdown: &mut Option<u64>) -> bool {
    match countdown {
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
        None => true,
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        Ok(locked(&self.contents.written).len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let written = locked(&self.contents.written);
        let there = written.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or(&[]);
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.act()?;
        let faults = &mut locked(&self.disk.0.state).faults;
        if !passes(&mut faults.writes_until_full) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut count = bytes.len().min(faults.write_bytes_max.unwrap_or(usize::MAX));
        if faults.writes_until_full == Some(0) {
            // The last write that passes falls short, as the last one before a full disk does.
            count = count.div_ceil(2);
        }
        let mut written = locked(&self.contents.written);
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        if written.len() < offset + count {
            written.resize(offset + count, 0);
        }
        written[offset..offset + count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.disk.act()?;
        locked(&self.contents.written).truncate(usize::try_from(bytes).map_err(io::Error::other)?);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.act()?;
        let mut state = locked(&self.disk.0.state);
        state.syncs += 1;
        state = self
            .disk
            .0
            .released
            .wait_while(state, |state| !passes(&mut state.faults.syncs_until_held))
            .unwrap_or_else(PoisonError::into_inner);
        if !passes(&mut state.faults.syncs_until_failure) {
            return Err(io::Error::other("the flush failed"));
        }
        let written = locked(&self.contents.written).clone();
        *locked(&self.contents.flushed) = written;
        Ok(())
    }
}
