//! Known customers over all people who were active, each person told by what is linked now.

use super::{
    super::{answer::Evaluation, ask::Ask, people, window::Interval},
    cube::{Cube, Part},
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{Node, definition::ResolutionPart};
use cebe_engine::formula::Answer;
use std::{collections::BTreeSet, ops::ControlFlow};

/// Distinct people, and those of them who are known customers.
#[derive(Debug, Default)]
struct People {
    all: BTreeSet<Node>,
    known: BTreeSet<Node>,
}

impl Part for People {
    fn join(&mut self, other: &Self) {
        self.all.extend(other.all.iter().cloned());
        self.known.extend(other.known.iter().cloned());
    }
}

impl People {
    fn one(person: Node) -> Self {
        let all = BTreeSet::from([person]);
        Self { known: all.iter().filter(|person| person.is_customer()).cloned().collect(), all }
    }
}

/// Reads the activity of every part, a local day at a time.
pub(super) fn evaluate(
    read: &Read,
    company: &Company,
    parts: &[ResolutionPart],
    ask: &mut Ask,
) -> Result<Evaluation, ReadError> {
    if ask.interval == Some(Interval::Hour) {
        return Err(people::kept_by_day("interval", "day, week or month"));
    }
    if ask.foreign_zone {
        return Err(people::kept_by_day("time_zone", "leave it out"));
    }
    ask.widen_to_days();
    let (from, to) = (ask.start().local_day(&company.zone), ask.end().local_day(&company.zone));
    let (mut cube, mut customers) = (Cube::new(), people::Customers::new(read, company));
    let visible = parts
        .iter()
        .filter(|part| part.dimensions.get("source_module").is_none_or(|module| read.grant.may_read_module(module)));
    for part in visible {
        let dimensions: Vec<(&str, &str)> =
            part.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for component in &part.of {
            let mut failed = None;
            read.snapshot.activity(&company.id, component, from, to, &mut |day, node, _| match customers.of(node) {
                Ok(person) => {
                    cube.add(ask, day.start_in(&company.zone), &dimensions, &People::one(person));
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            })?;
            failed.map_or(Ok(()), Err)?;
        }
    }
    let whole = |people: &BTreeSet<Node>| i128::try_from(people.len()).unwrap_or(i128::MAX);
    cube.evaluate(ask, |part: &People| Answer::ratio(whole(&part.known), whole(&part.all)))
}
