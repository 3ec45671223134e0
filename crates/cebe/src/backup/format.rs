//! The file of a backup: eight bytes that name it, then chunks. A chunk is its kind (1 byte), the length of what is packed
//! in it and of what is stored (4 bytes each), a checksum over its number, its head and what is stored (4 bytes), and the
//! stored bytes, zstd. Little-endian. Chunks are numbered, so that none can be missing or moved unnoticed.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{End, Head, Summary};

/// The format this release writes and reads.
pub(super) const FORMAT: u32 = 1;
const NAME: &[u8; 8] = b"CEBEBAK\n";
const HEAD_BYTES: usize = 13;
const LEVEL: i32 = 1;
/// Most bytes packed in one chunk; a row or a piece of a file is never cut.
const CHUNK_BYTES_MAX: u32 = 256 << 20;

/// What a chunk holds. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A [`Head`] as JSON: always the first.
    Head = 1,
    /// Rows, one behind the other.
    Rows = 2,
    /// The name of a file of the queue; its bytes follow.
    File = 3,
    /// Bytes of that file.
    Bytes = 4,
    /// An [`End`] as JSON: always the last.
    End = 5,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        [Self::Head, Self::Rows, Self::File, Self::Bytes, Self::End].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// Why a backup cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    /// Something else than a backup.
    #[error("this is no backup of CEBE")]
    NoBackup,
    /// It was cut.
    #[error("the backup ends early, at byte {0}: it was not taken or not copied to its end; use another copy")]
    Short(u64),
    /// Bytes changed.
    #[error("the backup is damaged at byte {at}: {what}; use another copy")]
    Wrong {
        /// Where the chunk begins.
        at: u64,
        /// What does not check out.
        what: &'static str,
    },
    /// Another release wrote it.
    #[error("the backup has format {0}, this release reads {FORMAT}; restore it with the release that took it")]
    Format(u32),
    /// The file or connection failed.
    #[error("the backup cannot be read: {0}")]
    Failed(#[from] io::Error),
}

/// Writes a backup.
pub(super) struct Writer<W> {
    to: W,
    number: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub(super) fn begin(mut to: W, head: &Head) -> io::Result<Self> {
        to.write_all(NAME)?;
        let mut writer = Self { to, number: 0 };
        writer.json(Kind::Head, head)?;
        Ok(writer)
    }

    /// Writes a chunk.
    pub(super) fn chunk(&mut self, kind: Kind, plain: &[u8]) -> io::Result<()> {
        let stored = zstd::bulk::compress(plain, LEVEL)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.push(kind as u8);
        head.extend_from_slice(&length(plain)?.to_le_bytes());
        head.extend_from_slice(&length(&stored)?.to_le_bytes());
        let sum = checksum(self.number, &head, &stored);
        head.extend_from_slice(&sum.to_le_bytes());
        self.to.write_all(&head)?;
        self.to.write_all(&stored)?;
        self.number += 1;
        Ok(())
    }

    fn json(&mut self, kind: Kind, value: &impl Serialize) -> io::Result<()> {
        self.chunk(kind, &serde_json::to_vec(value)?)
    }

    /// Ends the file.
    pub(super) fn end(mut self, end: &End) -> io::Result<()> {
        self.json(Kind::End, end)?;
        self.to.flush()
    }
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= CHUNK_BYTES_MAX);
    length.ok_or_else(|| io::Error::other("a chunk of a backup is too long"))
}

fn checksum(number: u64, head: &[u8], stored: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), head), stored)
}

/// Reads a backup and checks every byte of it.
pub(super) struct Reader<R> {
    from: R,
    number: u64,
    at: u64,
    /// What its first chunk says.
    pub(super) head: Head,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    pub(super) fn begin(from: R) -> Result<Self, Damage> {
        let mut reader = Self { from, number: 0, at: 0, head: Head::default() };
        let mut name = [0; NAME.len()];
        reader.fill(&mut name)?;
        if name != *NAME {
            return Err(Damage::NoBackup);
        }
        let (kind, plain) = reader.chunk()?;
        if kind != Kind::Head {
            return Err(Damage::Wrong { at: 0, what: "it does not begin with what it is" });
        }
        #[derive(serde::Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let FormatOnly { format } = parsed(&plain, 0)?;
        if format != FORMAT {
            return Err(Damage::Format(format));
        }
        reader.head = parsed(&plain, 0)?;
        Ok(reader)
    }

    /// The next chunk.
    pub(super) fn chunk(&mut self) -> Result<(Kind, Vec<u8>), Damage> {
        let at = self.at;
        let wrong = |what| Damage::Wrong { at, what };
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head)?;
        let four = |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
        let (plain, packed, sum) = (four(1), four(5), four(9));
        if plain > CHUNK_BYTES_MAX || packed > CHUNK_BYTES_MAX {
            return Err(wrong("a length is impossible"));
        }
        let mut stored = Vec::new();
        let read = self.from.by_ref().take(u64::from(packed)).read_to_end(&mut stored)?;
        self.at += read as u64;
        if read < packed as usize {
            return Err(Damage::Short(self.at));
        }
        if checksum(self.number, &head[..9], &stored) != sum {
            return Err(wrong("a checksum differs"));
        }
        let kind = Kind::of(head[0]).ok_or(wrong("a chunk is of no known kind"))?;
        let opened = zstd::bulk::decompress(&stored, plain as usize).map_err(|_| wrong("a chunk does not unpack"))?;
        self.number += 1;
        Ok((kind, opened))
    }

    /// Reads the end out of the last chunk, behind which there is nothing.
    pub(super) fn end(mut self, plain: &[u8]) -> Result<Summary, Damage> {
        let end: End = parsed(plain, self.at)?;
        match self.from.read(&mut [0])? {
            0 => Ok(Summary { head: self.head, end }),
            _ => Err(Damage::Wrong { at: self.at, what: "something follows its end" }),
        }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), Damage> {
        self.from.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Damage::Short(self.at),
            _ => Damage::Failed(error),
        })?;
        self.at += into.len() as u64;
        Ok(())
    }
}

fn parsed<T: DeserializeOwned>(plain: &[u8], at: u64) -> Result<T, Damage> {
    serde_json::from_slice(plain).map_err(|_| Damage::Wrong { at, what: "what it says of itself cannot be read" })
}

/// Reads a backup through without keeping it.
pub(crate) struct Check;

impl Check {
    /// Checks everything, and gives what the backup says of itself.
    pub(crate) fn whole(from: impl Read, progress: &dyn Fn(u64)) -> Result<Summary, Damage> {
        let mut reader = Reader::begin(from)?;
        loop {
            let (kind, plain) = reader.chunk()?;
            progress(reader.position());
            if kind == Kind::End {
                return reader.end(&plain);
            }
        }
    }
}
