//! Metrics of the engine itself: over outcomes and latencies (`received`), modules that are heard (`coverage`), people who
//! are known (`resolution`), and what this process knows of itself (`process`). `cube` cuts them by window and group.

mod coverage;
mod cube;
mod process;
mod received;
mod resolution;

use super::{
    answer::Evaluation,
    ask::{Ask, PARAMETERS},
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::definition::{Formula, MetricDefinition};
use smol_str::SmolStr;

/// The module under which events are counted whose module is not known.
const UNKNOWN_MODULE: &str = "unknown";

/// Answers a metric of the engine itself.
pub(super) fn evaluate(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &mut Ask,
) -> Result<Evaluation, ReadError> {
    match &metric.formula {
        Formula::Coverage { hours } => coverage::evaluate(read, company, *hours, ask),
        Formula::Resolution { parts } => resolution::evaluate(read, company, parts, ask),
        Formula::Process { measure } => process::evaluate(read, *measure, ask),
        _ => received::evaluate(read, company, metric, ask),
    }
}

/// The modules under which events of the company may be counted, as far as the key reads them: those of the catalog,
/// those of its registered events, and the one for events whose module is not known.
fn modules(read: &Read, company: &Company) -> Result<Vec<SmolStr>, ReadError> {
    let catalog = company.catalog(&read.snapshot)?;
    let named = company.definitions.modules.keys().chain(catalog.events().map(|event| &event.module));
    let mut modules: Vec<SmolStr> = named.cloned().chain([SmolStr::new_static(UNKNOWN_MODULE)]).collect();
    modules.sort_unstable();
    modules.dedup();
    modules.retain(|module| read.grant.may_read_module(module));
    Ok(modules)
}

/// Refuses a part of the question that this metric cannot answer.
fn refuse(asked: bool, path: &str, why: &str) -> Result<(), ReadError> {
    match asked {
        true => Err(ReadError::invalid("not_by_window", path, why, format!("leave it out; parameters: {PARAMETERS}"))),
        false => Ok(()),
    }
}

/// Refuses every kind of window.
fn no_window(ask: &Ask, why: &str) -> Result<(), ReadError> {
    refuse(ask.from.is_some(), "from", why)?;
    refuse(ask.to.is_some(), "to", why)?;
    refuse(ask.at.is_some(), "at", why)?;
    refuse(ask.interval.is_some(), "interval", why)
}
