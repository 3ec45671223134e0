//! Events from a file or a pipe as lines of JSON: NDJSON as it is, an array or a single object taken apart; gzip and
//! zstd are noticed by their first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde_json::value::RawValue;

use crate::failure::Failure;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BUFFER_BYTES: usize = 256 * 1024;

/// Lines, each one event.
pub(crate) type Lines = Box<dyn Iterator<Item = io::Result<Vec<u8>>>>;

/// Opens a file, or stdin for `-`.
pub(crate) fn open(path: &Path) -> Result<Lines, Failure> {
    let opened = match path.to_str() {
        Some("-") => Ok(Box::new(io::stdin()) as Box<dyn Read>),
        _ => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
    };
    let lines = opened.and_then(lines_of);
    lines.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))
}

/// The lines of a stream.
pub(crate) fn lines_of(stream: Box<dyn Read>) -> io::Result<Lines> {
    let mut plain = inflated(stream)?;
    // White space before the first value is no line; an array is told by its first character.
    loop {
        let (blank, first) = {
            let bytes = plain.fill_buf()?;
            let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            (blank, bytes.get(blank).copied())
        };
        plain.consume(blank);
        match first {
            Some(b'[') => return whole_array(plain),
            None if blank > 0 => {}
            _ => return Ok(Box::new(split_lines(plain))),
        }
    }
}

/// The stream as it was before it was packed.
pub(crate) fn inflated(stream: Box<dyn Read>) -> io::Result<Box<dyn BufRead>> {
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    if stream.fill_buf()?.starts_with(&GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(stream))));
    }
    if stream.fill_buf()?.starts_with(&ZSTD) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, zstd::Decoder::with_buffer(stream)?)));
    }
    Ok(Box::new(stream))
}

fn split_lines(mut stream: Box<dyn BufRead>) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match stream.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            let end = line.len() - line.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
            line.truncate(end);
            if !line.is_empty() {
                return Some(Ok(line));
            }
        }
    })
}

fn whole_array(mut stream: Box<dyn BufRead>) -> io::Result<Lines> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let events: Vec<Box<RawValue>> = serde_json::from_slice(&text)?;
    // Line breaks between tokens would cut an event in two.
    Ok(Box::new(events.into_iter().map(|event| Ok(event.get().replace(['\n', '\r'], " ").into_bytes()))))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<String> {
        let stream = Box::new(io::Cursor::new(bytes.to_vec()));
        let lines = lines_of(stream).unwrap();
        lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect()
    }

    #[test]
    fn lines_arrays_and_gzip_give_the_same_events() {
        let expected = vec![r#"{"a":1}"#, r#"{"b":2}"#];
        assert_eq!(read(b"{\"a\":1}\n\n{\"b\":2}\r\n"), expected);
        assert_eq!(read(b"  \n[{\"a\":1},\n {\"b\":2}]"), expected);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"{\"a\":1}\n{\"b\":2}").unwrap();
        assert_eq!(read(&packed.finish().unwrap()), expected);
    }

    #[test]
    fn an_event_over_several_lines_of_an_array_stays_one() {
        assert_eq!(read(b"[{\"a\":\n1}]"), vec!["{\"a\": 1}"]);
        assert!(read(b"   ").is_empty());
    }
}
