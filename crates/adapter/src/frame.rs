//! The records of one request that go to one queue together, and their delivery: every append is handed over before the
//! first is waited for, and what is too large for one is cut in two.

use crate::{log::Landing, log::Log, tag::Tag, wait::Delivered};
use bytes::Bytes;
use cebe_catalog::{Lane, Record, record::Header, sequence::SequenceSpan};
use cebe_queue::AppendError;

/// Records for one append.
#[derive(Default)]
pub(crate) struct Frame {
    /// Which queue they are for.
    pub(crate) branch: usize,
    pub(crate) tag: Tag,
    pub(crate) records: Vec<Bytes>,
    /// Which result each record has; what stands behind the events has none.
    pub(crate) results: Vec<usize>,
    /// Sequence numbers of its events.
    pub(crate) spans: Vec<SequenceSpan>,
}

impl Frame {
    /// The frame of a queue among those of a request.
    pub(crate) fn of(frames: &mut Vec<Frame>, branch: usize) -> &mut Frame {
        let known = frames.iter().rposition(|frame| frame.branch == branch);
        let at = known.unwrap_or_else(|| {
            frames.push(Frame { branch, ..Frame::default() });
            frames.len() - 1
        });
        &mut frames[at]
    }

    /// Adds an event.
    pub(crate) fn push(&mut self, header: &Header, record: Bytes, result: usize) {
        self.tag.count(header);
        self.records.push(record);
        self.results.push(result);
    }

    /// Two halves, with their own counts.
    fn halves(mut self) -> [Frame; 2] {
        let middle = self.records.len().div_ceil(2);
        let records = self.records.split_off(middle);
        let results = self.results.split_off(middle.min(self.results.len()));
        let second = Frame { branch: self.branch, tag: tag_of(&records), records, results, spans: Vec::new() };
        self.tag = tag_of(&self.records);
        [self, second]
    }
}

fn tag_of(records: &[Bytes]) -> Tag {
    let mut tag = Tag::default();
    for record in records.iter().filter_map(|record| Record::from_bytes(record).ok()) {
        if let Some(header) = record.header() {
            tag.count(header);
        }
    }
    tag
}

/// Where the frames of a request landed, and the last record of each.
#[derive(Default)]
pub(crate) struct Landed {
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) ends: Vec<Landing>,
}

/// Appends all frames; when one is refused, some of the others may be stored.
pub(crate) async fn deliver(log: &Log, lane: Lane, frames: Vec<Frame>) -> Result<Landed, AppendError> {
    let mut landed = Landed::default();
    let mut waiting = frames;
    while !waiting.is_empty() {
        let handed: Vec<_> = waiting.drain(..).map(|frame| (append(log, lane, &frame), frame)).collect();
        for (appended, frame) in handed {
            match appended.await {
                Ok(first) => {
                    landed.ends.push(first.plus(frame.records.len() as u64 - 1));
                    landed.delivered.push(Delivered { first, results: frame.results });
                }
                Err(AppendError::TooLarge { .. }) if frame.records.len() > 1 => waiting.extend(frame.halves()),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(landed)
}

fn append(log: &Log, lane: Lane, frame: &Frame) -> cebe_queue::BoxFuture<Result<Landing, AppendError>> {
    log.append(frame.branch, lane, frame.tag.to_bytes().into(), frame.records.clone())
}
