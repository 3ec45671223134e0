//! Keys as bytes that sort like their parts. A part that others follow is escaped and ends in NUL, so that no id can
//! reach into its neighbour: NUL becomes 1 1, and 1 becomes 1 2.

use cebe_catalog::{CompanyId, Node};
use smol_str::SmolStr;

/// Writes the parts of a key.
#[derive(Debug, Default)]
pub(crate) struct KeyWriter(Vec<u8>);

impl KeyWriter {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(64))
    }

    /// Company first: every tenant's rows lie together.
    pub(crate) fn company(company: &CompanyId) -> Self {
        Self::new().text(company.as_str())
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        escape(bytes, &mut self.0);
        self
    }

    pub(crate) fn node(self, node: &Node) -> Self {
        self.bytes(&node.to_bytes())
    }

    /// The same, but sorting the other way round.
    pub(crate) fn bytes_descending(mut self, bytes: &[u8]) -> Self {
        let start = self.0.len();
        escape(bytes, &mut self.0);
        self.0[start..].iter_mut().for_each(|byte| *byte = !*byte);
        self
    }

    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Bytes as they are: of a fixed length, or the last part.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u32(self, number: u32) -> Self {
        self.raw(&number.to_be_bytes())
    }

    pub(crate) fn u64(self, number: u64) -> Self {
        self.raw(&number.to_be_bytes())
    }

    pub(crate) fn i32(self, number: i32) -> Self {
        self.u32(number.cast_unsigned() ^ (1 << 31))
    }

    pub(crate) fn i64(self, number: i64) -> Self {
        self.u64(number.cast_unsigned() ^ (1 << 63))
    }

    pub(crate) fn i64_descending(self, number: i64) -> Self {
        self.u64(!(number.cast_unsigned() ^ (1 << 63)))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            0 | 1 => out.extend_from_slice(&[1, byte + 1]),
            _ => out.push(*byte),
        }
    }
    out.push(0);
}

/// Reads the parts of a key in the order they were written. `None` when the bytes are not such a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn company(&mut self) -> Option<CompanyId> {
        self.text().map(CompanyId)
    }

    pub(crate) fn text(&mut self) -> Option<SmolStr> {
        let bytes = self.bytes()?;
        std::str::from_utf8(&bytes).ok().map(SmolStr::new)
    }

    pub(crate) fn bytes(&mut self) -> Option<Vec<u8>> {
        self.unescape(0)
    }

    pub(crate) fn bytes_descending(&mut self) -> Option<Vec<u8>> {
        self.unescape(u8::MAX)
    }

    fn unescape(&mut self, mask: u8) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.byte()? ^ mask {
                0 => return Some(out),
                1 => out.push((self.byte()? ^ mask).checked_sub(1).filter(|byte| *byte <= 1)?),
                byte => out.push(byte),
            }
        }
    }

    pub(crate) fn node(&mut self) -> Option<Node> {
        Node::from_bytes(&self.bytes()?)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.u32().map(|number| (number ^ (1 << 31)).cast_signed())
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.u64().map(|number| (number ^ (1 << 63)).cast_signed())
    }

    pub(crate) fn i64_descending(&mut self) -> Option<i64> {
        self.u64().map(|number| (!number ^ (1 << 63)).cast_signed())
    }

    /// What is left, as text: the last part.
    pub(crate) fn rest_text(&mut self) -> Option<SmolStr> {
        std::str::from_utf8(self.rest()).ok().map(SmolStr::new)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
