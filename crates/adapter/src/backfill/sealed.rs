//! Files of history lie sealed on the disk, for they hold personal data in clear until the door has looked at each
//! event. A file is a row of sealed pieces; each is bound to its file and its place, and the last says that it is.

use cebe_privacy::{
    keys::MasterKey,
    seal::{Piece, seal_piece, unseal_piece},
};
use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read, Write},
    sync::Arc,
};

/// Bytes of a piece, before it is sealed.
const PIECE_BYTES: usize = 256 * 1024;
/// A sealed piece is this much longer than what is in it, at most.
const SEAL_BYTES_MAX: usize = 64;
/// Marks the length of the last piece.
const LAST: u32 = 1 << 31;

/// Seals what is written to it.
#[derive(Debug)]
pub(super) struct Sealing {
    file: File,
    master: Arc<MasterKey>,
    id: String,
    number: u64,
    waiting: Vec<u8>,
}

impl Sealing {
    pub(super) fn new(file: File, master: Arc<MasterKey>, id: &str) -> Self {
        Self { file, master, id: id.to_owned(), number: 0, waiting: Vec::with_capacity(PIECE_BYTES) }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = bytes.len().min(PIECE_BYTES - self.waiting.len());
            self.waiting.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.waiting.len() == PIECE_BYTES {
                self.put(false)?;
            }
        }
        Ok(())
    }

    /// Writes the last piece and makes the file durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.put(true)?;
        self.file.sync_all()
    }

    fn put(&mut self, is_last: bool) -> io::Result<()> {
        let piece = Piece { file: &self.id, number: self.number, is_last };
        let sealed = seal_piece(&self.master, &piece, &self.waiting);
        let length = u32::try_from(sealed.len()).expect("a piece is small") | if is_last { LAST } else { 0 };
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(&sealed)?;
        self.number += 1;
        self.waiting.clear();
        Ok(())
    }
}

/// Reads what was sealed; a piece that is not the one that was written is an error.
pub(super) struct Unsealing {
    file: BufReader<File>,
    master: Arc<MasterKey>,
    id: String,
    number: u64,
    is_over: bool,
    piece: Vec<u8>,
    at: usize,
}

impl Unsealing {
    pub(super) fn new(file: File, master: Arc<MasterKey>, id: &str) -> Self {
        let file = BufReader::with_capacity(PIECE_BYTES, file);
        Self { file, master, id: id.to_owned(), number: 0, is_over: false, piece: Vec::new(), at: 0 }
    }

    fn next(&mut self) -> io::Result<()> {
        let mut head = [0; 4];
        self.file.read_exact(&mut head)?;
        let head = u32::from_be_bytes(head);
        let (length, is_last) = ((head & !LAST) as usize, head & LAST != 0);
        if length > PIECE_BYTES + SEAL_BYTES_MAX {
            return Err(damaged());
        }
        let mut sealed = vec![0; length];
        self.file.read_exact(&mut sealed)?;
        let piece = Piece { file: &self.id, number: self.number, is_last };
        self.piece = unseal_piece(&self.master, &piece, &sealed).map_err(|_| damaged())?;
        (self.at, self.number, self.is_over) = (0, self.number + 1, is_last);
        Ok(())
    }
}

impl Read for Unsealing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.is_over {
            self.next()?;
        }
        let taken = buffer.len().min(self.piece.len() - self.at);
        buffer[..taken].copy_from_slice(&self.piece[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a piece of it does not open: it is damaged, or not of this server's key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    fn key(byte: u8) -> Arc<MasterKey> {
        Arc::new(MasterKey::new([byte; 64]))
    }

    fn write(path: &Path, bytes: &[u8]) {
        let mut sealing = Sealing::new(File::create(path).unwrap(), key(7), "b-1");
        bytes.chunks(100_000).for_each(|part| sealing.write(part).unwrap());
        sealing.finish().unwrap();
    }

    fn read(path: &Path, key: Arc<MasterKey>, id: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Unsealing::new(File::open(path)?, key, id).read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Law 6: nothing of a file of history lies on the disk in clear.
    #[test]
    fn what_is_sealed_comes_back_and_cannot_be_read_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 5] {
            let bytes: Vec<u8> = b"ayu@example.com ".iter().copied().cycle().take(length).collect();
            write(&path, &bytes);
            assert_eq!(read(&path, key(7), "b-1").unwrap(), bytes);
            assert!(!fs::read(&path).unwrap().windows(11).any(|part| part == b"example.com"));
        }
    }

    #[test]
    fn another_key_another_file_a_changed_byte_and_a_cut_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        write(&path, &vec![b'x'; 2 * PIECE_BYTES]);
        assert!(read(&path, key(8), "b-1").is_err());
        assert!(read(&path, key(7), "b-2").is_err());
        let whole = fs::read(&path).unwrap();
        let piece = whole.len() / 2;
        for changed in [0, 4, 40, piece, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[changed] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(read(&path, key(7), "b-1").is_err(), "byte {changed}");
        }
        for length in [0, 3, 100, piece, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path, key(7), "b-1").is_err(), "{length} bytes");
        }
    }
}
