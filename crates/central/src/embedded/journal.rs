//! Mending the journal before the trees open. After a power cut its end may hold half a batch, or whole pages of it may
//! be missing; the trees below refuse some of that and silently take some for the end. Here every batch is checked, what
//! lies behind the last whole one is set aside, said aloud, and cut off.
//!
//! A journal file is a run of batches and then zeros. A batch is 1, item count (u32), sequence number (u64); items; 3,
//! the XXH3 of the items' bytes (u64), `FJL` 3. An item is 2, kind, compression, tree (u64), key length (u16), value
//! length (u32), stored length (u32), key, value; or 4, tree (u64), when a tree is cleared. All little-endian. The hash
//! does not cover the sequence number, by which the newest value of a key is told: numbers must rise from batch to batch.

use super::opening::at;
use crate::OpenError;
use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";
/// A sequence number further ahead of the last was never given.
const SEQUENCE_STEP_MAX: u64 = 1 << 32;

/// What lies behind the last whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Clean,
    /// The beginning of a batch and nothing more: what a killed process leaves.
    Torn,
    /// Something else: bytes that were written never reached the disk, or changed on it.
    Damaged,
}

/// What a journal file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Bytes up to the end of the last whole batch.
    pub(super) whole: u64,
    /// What comes then.
    pub(super) tail: Tail,
    /// Sequence number of the last whole batch, of this journal or an earlier one.
    pub(super) sequence: Option<u64>,
}

/// Cuts the journals in `trees` at the last whole batch. Once one is cut, later ones are moved away: commits must not
/// be missing in the middle.
pub(super) fn mend(trees: &Path, set_aside: &Path) -> Result<(), OpenError> {
    let mut journals = journals(trees)?.into_iter().peekable();
    let mut sequence = None;
    while let Some(journal) = journals.next() {
        let last = journals.peek().is_none();
        let found = inspect(&journal, sequence).map_err(at(&journal))?;
        sequence = found.sequence;
        match found.tail {
            Tail::Clean => continue,
            Tail::Torn if last => tracing::info!(bytes = found.whole, "the journal ends in half a batch, which is cut"),
            Tail::Torn | Tail::Damaged => {
                keep(&journal, set_aside, |from, to| fs::copy(from, to).map(drop))?;
                tracing::error!(
                    journal = %journal.display(), bytes = found.whole, set_aside = %set_aside.display(),
                    "the journal is damaged behind these bytes: a copy is set aside, it is cut there and the queue replays the rest"
                );
            }
        }
        cut(&journal, found.whole).map_err(at(&journal))?;
        for later in journals.by_ref() {
            tracing::error!(journal = %later.display(), "a journal behind the damage is set aside");
            keep(&later, set_aside, |from, to| fs::rename(from, to))?;
        }
    }
    Ok(())
}

/// Journal files by number.
pub(super) fn journals(trees: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    let entries = match fs::read_dir(trees) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(trees)(error)),
    };
    for entry in entries {
        let path = entry.map_err(at(trees))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|end| end == "jnl")) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn keep(journal: &Path, set_aside: &Path, carry: impl FnOnce(&Path, &Path) -> io::Result<()>) -> Result<(), OpenError> {
    fs::create_dir_all(set_aside).map_err(at(set_aside))?;
    let name = journal.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..).map(|n: u32| set_aside.join(format!("{name}.{n}"))).find(|path| !path.exists());
    let kept = free.expect("there is always another number");
    carry(journal, &kept).map_err(at(&kept))
}

fn cut(journal: &Path, bytes: u64) -> io::Result<()> {
    let file = File::options().write(true).open(journal)?;
    file.set_len(bytes)?;
    file.sync_all()
}

/// Reads a journal file through and checks every batch; `sequence` is that of the last batch before it.
pub(super) fn inspect(journal: &Path, mut sequence: Option<u64>) -> io::Result<Finding> {
    let mut reader = Batches { file: BufReader::with_capacity(1 << 20, File::open(journal)?), read: 0 };
    let mut whole = 0;
    let tail = loop {
        match reader.batch() {
            Ok(next) if follows(sequence, next) => (whole, sequence) = (reader.read, Some(next)),
            Ok(_) => break Tail::Damaged,
            Err(Break::Failed(error)) => return Err(error),
            Err(Break::Ended { inside }) => break if inside { Tail::Torn } else { Tail::Clean },
            Err(Break::Zero { inside }) => break reader.behind_zero(inside)?,
            Err(Break::Wrong) => break Tail::Damaged,
        }
    };
    Ok(Finding { whole, tail, sequence })
}

fn follows(before: Option<u64>, next: u64) -> bool {
    before.is_none_or(|before| next > before && next - before <= SEQUENCE_STEP_MAX)
}

/// Why reading batches stopped.
enum Break {
    /// The file ended.
    Ended { inside: bool },
    /// A zero stood where a mark should.
    Zero { inside: bool },
    /// These bytes were never written so.
    Wrong,
    /// The file could not be read.
    Failed(io::Error),
}

struct Batches {
    file: BufReader<File>,
    read: u64,
}

impl Batches {
    /// Reads a batch; its sequence number.
    fn batch(&mut self) -> Result<u64, Break> {
        let mut items = match self.bytes::<1>().map_err(|stop| stop.inside(false))? {
            [START] => u32::from_le_bytes(self.bytes()?),
            [0] => return Err(Break::Zero { inside: false }),
            _ => return Err(Break::Wrong),
        };
        let sequence = u64::from_le_bytes(self.bytes()?);
        let mut hash = Xxh3::new();
        loop {
            match self.bytes::<1>()? {
                [END] if items == 0 => return self.end(hash.digest()).map(|()| sequence),
                [mark @ (ITEM | CLEAR)] if items > 0 => self.item(mark, &mut hash)?,
                [0] => return Err(Break::Zero { inside: true }),
                _ => return Err(Break::Wrong),
            }
            items -= 1;
        }
    }

    fn end(&mut self, hash: u64) -> Result<(), Break> {
        let written = u64::from_le_bytes(self.bytes()?);
        let trailer: [u8; 4] = self.bytes()?;
        if written == hash && trailer == TRAILER { Ok(()) } else { Err(Break::Wrong) }
    }

    fn item(&mut self, mark: u8, hash: &mut Xxh3) -> Result<(), Break> {
        hash.update(&[mark]);
        if mark == CLEAR {
            hash.update(&self.bytes::<8>()?);
            return Ok(());
        }
        let head: [u8; 20] = self.bytes()?;
        hash.update(&head);
        let key = u64::from(u16::from_le_bytes([head[10], head[11]]));
        let stored = u64::from(u32::from_le_bytes([head[16], head[17], head[18], head[19]]));
        self.hashed(key + stored, hash)
    }

    fn hashed(&mut self, length: u64, hash: &mut Xxh3) -> Result<(), Break> {
        let mut left = length;
        let mut piece = [0; 4096];
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            self.fill(&mut piece[..size])?;
            hash.update(&piece[..size]);
            left -= size as u64;
        }
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Break> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Break> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Break::Ended { inside: true },
            _ => Break::Failed(error),
        })?;
        self.read += bytes.len() as u64;
        Ok(())
    }

    /// Files are made long and zero; a zero is the end only when nothing but zeros follows.
    fn behind_zero(&mut self, inside: bool) -> io::Result<Tail> {
        let mut piece = [0; 4096];
        loop {
            let size = self.file.read(&mut piece)?;
            if size == 0 {
                return Ok(if inside { Tail::Torn } else { Tail::Clean });
            }
            if piece[..size].iter().any(|byte| *byte != 0) {
                return Ok(Tail::Damaged);
            }
        }
    }
}

impl Break {
    fn inside(self, inside: bool) -> Self {
        match self {
            Self::Ended { .. } => Self::Ended { inside },
            other => other,
        }
    }
}
