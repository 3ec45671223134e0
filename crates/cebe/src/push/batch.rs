//! Batches: as many lines as one request may hold.

use std::io::Write;

use anyhow::Context as _;
use flate2::{Compression, write::GzEncoder};

use super::read::Lines;
use crate::failure::Failure;

/// Most bytes of one request before compression, well under what the door takes.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Events of one request.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// How many.
    pub(crate) events: u64,
    text: Vec<u8>,
}

impl Batch {
    fn add(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.events += 1;
    }

    /// The bytes to send.
    pub(crate) fn body(&self, gzip: bool) -> Result<Vec<u8>, Failure> {
        if !gzip {
            return Ok(self.text.clone());
        }
        let mut packed = GzEncoder::new(Vec::with_capacity(self.text.len() / 6), Compression::fast());
        packed.write_all(&self.text).context("cannot compress a batch")?;
        Ok(packed.finish().context("cannot compress a batch")?)
    }
}

/// Gathers lines into batches and hands each over, until there are no more or nobody takes them.
pub(crate) fn gather(lines: Lines, events_max: usize, mut hand_over: impl FnMut(Batch) -> bool) -> Result<(), Failure> {
    let mut batch = Batch::default();
    for line in lines {
        let line = line.context("cannot read on")?;
        let is_full = batch.events as usize >= events_max || batch.text.len() + line.len() > BATCH_BYTES_MAX;
        if is_full && batch.events > 0 && !hand_over(std::mem::take(&mut batch)) {
            return Ok(());
        }
        batch.add(&line);
    }
    if batch.events > 0 {
        hand_over(batch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_what_they_may_and_nothing_is_left_over() {
        let lines = (0..7).map(|n| Ok(format!("{{\"n\":{n}}}").into_bytes()));
        let mut sizes = Vec::new();
        gather(Box::new(lines), 3, |batch| {
            sizes.push(batch.events);
            true
        })
        .unwrap();
        assert_eq!(sizes, [3, 3, 1]);
    }
}
