//! `producer: {id, epoch, seq}`: the numbers that a publisher gives its events. They are no content and never a reason to
//! refuse an event; what a request brought is one small record behind its events.

use crate::{check::ids, json::Json};
use cebe_catalog::{
    CompanyId,
    sequence::{SequenceSpan, add_range},
};

/// The number of one event; `None` when it cannot be read.
pub(crate) fn read(producer: &Json<'_>, company: &CompanyId, module: &str) -> Option<SequenceSpan> {
    let id = ids::id(producer.field("id")?).ok()?;
    let epoch = match producer.field("epoch") {
        None => "".into(),
        Some(epoch) => ids::id(epoch).ok()?,
    };
    let Json::Number(seq) = producer.field("seq")? else { return None };
    let seq: u64 = seq.parse().ok()?;
    Some(SequenceSpan {
        company: company.clone(),
        module: module.into(),
        producer: id,
        epoch,
        ranges: vec![(seq, seq)],
    })
}

/// Adds one event's number to those of its request.
pub(crate) fn gather(spans: &mut Vec<SequenceSpan>, span: SequenceSpan) {
    let same = |known: &&mut SequenceSpan| {
        known.epoch == span.epoch
            && known.producer == span.producer
            && known.module == span.module
            && known.company == span.company
    };
    match spans.iter_mut().rev().find(same) {
        Some(known) => span.ranges.iter().for_each(|(first, last)| add_range(&mut known.ranges, *first, *last)),
        None => spans.push(span),
    }
}
