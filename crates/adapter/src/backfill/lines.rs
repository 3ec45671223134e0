//! The events of a file, one a line; gzip and zstd are told by their first bytes. A line may be longer than an event may
//! be, but not without bound.

use cebe_catalog::limits::REFUSED_BYTES_MAX;
use std::io::{self, BufRead, BufReader, Read};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
const BUFFER_BYTES: usize = 256 * 1024;
/// The largest window that a zstd file may ask for: 128 MiB.
const WINDOW_LOG_MAX: u32 = 27;

/// A line that holds something.
#[derive(Debug)]
pub(crate) struct Line {
    /// From 1, empty lines counted.
    pub(crate) number: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Reads lines.
pub(crate) struct Lines {
    from: Box<dyn BufRead + Send>,
    /// Lines read, empty ones included.
    pub(crate) line: u64,
    /// Unpacked bytes read.
    pub(crate) offset: u64,
}

impl Lines {
    /// Reads the lines of a file as it arrived.
    pub(crate) fn of(stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        let head = stream.fill_buf()?;
        let from: Box<dyn BufRead + Send> = if head.starts_with(&GZIP) {
            let plain = flate2::bufread::MultiGzDecoder::new(stream);
            Box::new(BufReader::with_capacity(BUFFER_BYTES, plain))
        } else if head.starts_with(&ZSTD) {
            let mut plain = zstd::Decoder::with_buffer(stream)?;
            plain.window_log_max(WINDOW_LOG_MAX)?;
            Box::new(BufReader::with_capacity(BUFFER_BYTES, plain))
        } else {
            Box::new(stream)
        };
        Ok(Self { from, line: 0, offset: 0 })
    }

    /// The next line that is not empty.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let Some(mut bytes) = self.read()? else { return Ok(None) };
            if self.line == 1 && bytes.starts_with(&MARK) {
                bytes.drain(..MARK.len());
            }
            let trimmed = bytes.trim_ascii();
            if !trimmed.is_empty() {
                let bytes = if trimmed.len() == bytes.len() { bytes } else { trimmed.to_vec() };
                return Ok(Some(Line { number: self.line, bytes }));
            }
        }
    }

    /// A line with what it ends in; of a very long one the beginning, which shows that it is too large.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (mut line, mut any) = (Vec::new(), false);
        loop {
            let buffer = self.from.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            let room = REFUSED_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(&buffer[..taken.min(room)]);
            self.from.consume(taken);
            self.offset += taken as u64;
            if end.is_some() {
                break;
            }
        }
        self.line += u64::from(any);
        Ok(any.then_some(line))
    }

    /// How many lines there are that hold something: reads to the end.
    pub(crate) fn count(mut self) -> io::Result<u64> {
        let mut events = 0;
        while self.next()?.is_some() {
            events += 1;
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn read(bytes: Vec<u8>) -> Vec<(u64, String)> {
        let mut lines = Lines::of(Box::new(Cursor::new(bytes))).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.number, String::from_utf8(line.bytes).unwrap()));
        }
        found
    }

    #[test]
    fn packed_or_not_the_lines_are_the_same() {
        let plain = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\":3}".to_vec();
        let expected: Vec<(u64, String)> =
            [(1, "{\"a\":1}"), (4, "{\"b\":2}"), (5, "{\"c\":3}")].map(|(n, text)| (n, text.to_owned())).into();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        assert_eq!(read(gzip.finish().unwrap()), expected);
        // Two frames behind one another are one file.
        let zstd = [zstd::encode_all(&plain[..20], 1).unwrap(), zstd::encode_all(&plain[20..], 1).unwrap()].concat();
        assert_eq!(read(zstd), expected);
        assert_eq!(read(plain), expected);
        assert_eq!(read(Vec::new()), []);
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_next_is_whole() {
        let long = [vec![b'x'; REFUSED_BYTES_MAX + BUFFER_BYTES], b"\nnext\n".to_vec()].concat();
        let lines = read(long);
        assert_eq!((lines[0].1.len(), lines[1].1.as_str(), lines.len()), (REFUSED_BYTES_MAX, "next", 2));
    }

    #[test]
    fn a_damaged_file_is_told() {
        let mut packed = zstd::encode_all(&b"{\"a\":1}\n".repeat(1_000)[..], 1).unwrap();
        packed.truncate(packed.len() - 5);
        assert!(Lines::of(Box::new(Cursor::new(packed))).unwrap().count().is_err());
    }
}
