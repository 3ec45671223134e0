//! Equal rows without an id are told apart by how many came before, in the same request or the same file. Eight bytes of
//! the content's HMAC are kept a row: should two contents ever share them, numbers skip, and are still the same the next
//! time the file comes.

use std::collections::{HashMap, HashSet};

/// Contents met so far.
#[derive(Debug, Default)]
pub(crate) struct EqualRows {
    once: HashSet<u64>,
    repeated: HashMap<u64, u64>,
}

impl EqualRows {
    /// How many rows of this content came before; the row counts from now on.
    pub(crate) fn before(&mut self, content: [u8; 16]) -> u64 {
        let (mark, _) = content.split_first_chunk::<8>().expect("a content has 16 bytes");
        let mark = u64::from_be_bytes(*mark);
        if self.once.insert(mark) {
            return 0;
        }
        let repeated = self.repeated.entry(mark).or_default();
        *repeated += 1;
        *repeated
    }
}
