//! Over outcomes and latencies, which are kept by company, source and hour of receipt.

use super::{
    super::{answer::Evaluation, ask::Ask},
    cube::{Cube, Part},
    modules,
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    Micros, SourceModule,
    definition::{Formula, MetricDefinition},
};
use cebe_engine::formula::{Answer, Figure, Received, evaluate_own};
use std::ops::ControlFlow;

impl Part for Received {
    fn join(&mut self, other: &Self) {
        self.outcomes.add(other.outcomes);
        self.latencies.add(&other.latencies);
    }
}

/// Answers the metric and the numbers beside it.
pub(super) fn evaluate(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Evaluation, ReadError> {
    let mut cube = Cube::new();
    for module in modules(read, company)? {
        read.in_time()?;
        let module = SourceModule(module);
        let mut add = |hour: Micros, part: &Received| {
            cube.add(ask, hour, &[("source_module", module.as_str())], part);
            ControlFlow::Continue(())
        };
        let (from, to) = (ask.start(), ask.end());
        if matches!(metric.formula, Formula::Latency { .. }) {
            read.snapshot.latencies_of(&company.id, &module, from, to, &mut |key, latencies| {
                add(key.hour, &Received { latencies: latencies.clone(), ..Received::default() })
            })?;
        } else {
            read.snapshot.outcomes_of(&company.id, &module, from, to, &mut |key, outcomes| {
                add(key.hour, &Received { outcomes: *outcomes, ..Received::default() })
            })?;
        }
    }
    cube.evaluate(ask, |part| answer(company, metric, part))
}

fn answer(company: &Company, metric: &MetricDefinition, part: &Received) -> Answer {
    let mut answer = evaluate_own(&metric.formula, part);
    for (label, name) in &metric.beside {
        let other = company.definitions.metrics.get(name);
        let figure = other.map_or(Figure::Null, |other| evaluate_own(&other.formula, part).value);
        answer.beside.insert(label.clone(), figure);
    }
    answer
}
