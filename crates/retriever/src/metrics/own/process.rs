//! What the answering process knows of itself.

use super::{
    super::{answer::Evaluation, ask::Ask},
    cube::{Cube, Part},
    no_window,
};
use crate::http::{Read, ReadError};
use cebe_catalog::{Micros, definition::ProcessMeasure};
use cebe_engine::{
    formula::{Answer, Figure, percentiles, slowest},
    latency::Spread,
};

impl Part for Spread {
    fn join(&mut self, other: &Self) {
        self.add(other);
    }
}

/// Answers from memory.
pub(super) fn evaluate(read: &Read, measure: ProcessMeasure, ask: &Ask) -> Result<Evaluation, ReadError> {
    no_window(ask, "no history of it is kept")?;
    match measure {
        ProcessMeasure::Staleness => {
            let seconds = Figure::Decimal(i128::from(read.freshness.lag_ms.max(0)) * 1_000);
            Ok(Evaluation::assembled(Answer::of(seconds), Vec::new(), Vec::new(), Vec::new()))
        }
        ProcessMeasure::Compute => {
            let mut cube = Cube::new();
            for (metric, spread) in read.house.computed.spreads() {
                cube.add(ask, Micros::MIN, &[("metric_name", &metric)], &spread);
            }
            cube.evaluate(ask, |spread| Answer { beside: percentiles(spread), ..Answer::of(slowest(spread)) })
        }
    }
}
