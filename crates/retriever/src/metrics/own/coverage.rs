//! Which modules are heard, and by module, which of its event names ever were.

use super::{
    super::{answer::Evaluation, ask::Ask},
    cube::{Cube, Part},
    no_window,
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{CompanyId, Micros, SourceModule, definition::CompanyCatalog, time::HOUR};
use cebe_central::Snapshot;
use cebe_engine::formula::Answer;
use smol_str::SmolStr;
use std::{collections::BTreeSet, ops::ControlFlow};

/// What there is, and what of it was heard.
#[derive(Debug, Default)]
struct Heard {
    all: BTreeSet<SmolStr>,
    heard: BTreeSet<SmolStr>,
}

impl Part for Heard {
    fn join(&mut self, other: &Self) {
        self.all.extend(other.all.iter().cloned());
        self.heard.extend(other.heard.iter().cloned());
    }
}

/// Modules over modules; names over names where it is grouped.
pub(super) fn evaluate(read: &Read, company: &Company, hours: u16, ask: &mut Ask) -> Result<Evaluation, ReadError> {
    let modules: Vec<SmolStr> = targets(read, company, ask);
    if !ask.group_by.is_empty() {
        no_window(ask, "by module, event names are told for all time: of each is kept when it was last seen")?;
        let overall = recent(read, company, hours, &modules, ask)?.evaluate(ask, ratio_of(modules.len()))?.overall;
        let mut named = names(read, company, &modules, ask)?.evaluate(ask, |part| ratio(part, part.all.len()))?;
        named.overall = overall;
        return Ok(named);
    }
    if let Some(at) = ask.at.take() {
        (ask.from, ask.to) = (Some(at.plus(-i64::from(hours) * HOUR)), Some(at));
    }
    let windowed = ask.from.is_some() || ask.to.is_some() || ask.interval.is_some();
    let cube =
        if windowed { within(read, company, &modules, ask)? } else { recent(read, company, hours, &modules, ask)? };
    cube.evaluate(ask, ratio_of(modules.len()))
}

/// The modules that should be heard: those of the catalog that the key reads and the question does not leave out.
fn targets(read: &Read, company: &Company, ask: &Ask) -> Vec<SmolStr> {
    let asked = |module: &&SmolStr| ask.filters.iter().all(|(_, wanted)| wanted == *module);
    let all = company.definitions.modules.keys().filter(|module| read.grant.may_read_module(module));
    all.filter(asked).cloned().collect()
}

fn ratio(part: &Heard, all: usize) -> Answer {
    let whole = |n: usize| i128::try_from(n).unwrap_or(i128::MAX);
    Answer::ratio(whole(part.heard.len()), whole(all))
}

fn ratio_of(all: usize) -> impl Fn(&Heard) -> Answer {
    move |part| ratio(part, all)
}

/// Modules with an applied event in the last hours: by when their names were last applied, which is exact.
fn recent(
    read: &Read,
    company: &Company,
    hours: u16,
    modules: &[SmolStr],
    ask: &Ask,
) -> Result<Cube<Heard>, ReadError> {
    let since = read.now.plus(-i64::from(hours) * HOUR);
    let mut cube = Cube::new();
    for module in modules {
        let rows = read.snapshot.last_seen(&company.id, &SourceModule(module.clone()))?;
        if let Some(at) = rows.iter().filter_map(|(_, row)| row.applied_at).max().filter(|at| *at >= since) {
            cube.add(ask, at, &[("source_module", module)], &heard(module));
        }
    }
    Ok(cube)
}

/// Modules with an applied event in the window asked, by hours of receipt.
fn within(read: &Read, company: &Company, modules: &[SmolStr], ask: &Ask) -> Result<Cube<Heard>, ReadError> {
    let mut cube = Cube::new();
    for module in modules {
        read.in_time()?;
        let source = SourceModule(module.clone());
        read.snapshot.outcomes_of(&company.id, &source, ask.start(), ask.end(), &mut |key, outcomes| {
            if outcomes.applied > 0 {
                cube.add(ask, key.hour, &[("source_module", module)], &heard(module));
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(cube)
}

fn heard(module: &SmolStr) -> Heard {
    Heard { heard: BTreeSet::from([module.clone()]), ..Heard::default() }
}

/// By module: the event names of the catalog, and those of them that were applied.
fn names(read: &Read, company: &Company, modules: &[SmolStr], ask: &Ask) -> Result<Cube<Heard>, ReadError> {
    let catalog = company.catalog(&read.snapshot)?;
    let mut cube = Cube::new();
    for module in modules {
        let all = names_of(&catalog, module);
        let heard = applied_names(&read.snapshot, &company.id, module)?.into_iter().filter(|name| all.contains(name));
        let part = Heard { heard: heard.collect(), all: all.clone() };
        cube.add(ask, Micros::MIN, &[("source_module", module)], &part);
    }
    Ok(cube)
}

/// The event names of a module.
pub(crate) fn names_of(catalog: &CompanyCatalog<'_>, module: &str) -> BTreeSet<SmolStr> {
    catalog.events().filter(|event| event.module == module).map(|event| event.name.clone()).collect()
}

fn applied_names(snapshot: &Snapshot, company: &CompanyId, module: &SmolStr) -> Result<Vec<SmolStr>, ReadError> {
    let rows = snapshot.last_seen(company, &SourceModule(module.clone()))?;
    Ok(rows.into_iter().filter(|(_, row)| row.applied_at.is_some()).map(|(key, _)| key.name.0).collect())
}
