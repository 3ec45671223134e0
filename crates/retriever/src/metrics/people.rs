//! Distinct people: counted at read from activity rows, each anchor taken for the customer it is part of. Never added up
//! from smaller windows.

use super::{ask::Ask, window::Interval};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{Definitions, Micros, Node, definition::Formula};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
};

/// Who was active in a component, by window and over all.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub(crate) windows: BTreeMap<Micros, BTreeSet<Node>>,
    all: BTreeSet<Node>,
}

impl People {
    /// Who was active in a window, or in all.
    pub(crate) fn of(&self, window: Option<Micros>) -> Option<&BTreeSet<Node>> {
        match window {
            None => Some(&self.all),
            Some(window) => self.windows.get(&window),
        }
    }
}

/// The components whose distinct people a formula counts.
pub(crate) fn counted<'a>(definitions: &Definitions, formula: &'a Formula) -> Vec<&'a SmolStr> {
    let names: Vec<&SmolStr> = match formula {
        Formula::Distinct { of } | Formula::Frequency { of } => vec![of],
        Formula::Lifetime { of, .. } => of.iter().collect(),
        _ => Vec::new(),
    };
    names.into_iter().filter(|name| definitions.components.get(*name).is_some_and(|found| found.activity)).collect()
}

/// People are kept by local day of the company, uncut.
pub(crate) fn check(ask: &Ask) -> Result<(), ReadError> {
    let refuse = |path: &str, hint: &str| Err(kept_by_day(path, hint));
    if ask.interval == Some(Interval::Hour) {
        return refuse("interval", "day, week or month");
    }
    if ask.foreign_zone {
        return refuse("time_zone", "leave it out");
    }
    match ask.group_by.first().or(ask.filters.first().map(|(name, _)| name)) {
        Some(name) => refuse(name, "ask without group_by and filters"),
        None => Ok(()),
    }
}

/// The refusal of what does not fit days of the company.
pub(crate) fn kept_by_day(path: &str, hint: &str) -> ReadError {
    ReadError::invalid("not_by_people", path, "distinct people are kept by the company's local day", hint)
}

/// Reads who was active in a component.
pub(crate) fn active(read: &Read, company: &Company, ask: &Ask, component: &str) -> Result<People, ReadError> {
    let (mut people, mut customers) = (People::default(), Customers::new(read, company));
    let mut failed = None;
    let (from, to) = (ask.start().local_day(&company.zone), ask.end().local_day(&company.zone));
    let mut window = (None, Micros::MIN);
    read.snapshot.activity(&company.id, component, from, to, &mut |day, node, _| {
        let person = match customers.of(node) {
            Ok(person) => person,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        if ask.resolved && !person.is_customer() {
            return ControlFlow::Continue(());
        }
        if let Some(interval) = ask.interval {
            if window.0 != Some(day) {
                window = (Some(day), interval.start_of(day.start_in(&company.zone), &company.zone));
            }
            people.windows.entry(window.1).or_default().insert(person.clone());
        }
        people.all.insert(person);
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(people), Err)
}

/// Which customer an anchor is part of, told by the customer's first node, which is a known id when there is one.
pub(crate) struct Customers<'a> {
    read: &'a Read,
    company: &'a Company,
    known: HashMap<Node, Node>,
}

impl<'a> Customers<'a> {
    pub(crate) fn new(read: &'a Read, company: &'a Company) -> Self {
        Self { read, company, known: HashMap::new() }
    }

    pub(crate) fn of(&mut self, node: &Node) -> Result<Node, ReadError> {
        if let Some(person) = self.known.get(node) {
            return Ok(person.clone());
        }
        self.read.in_time()?;
        let together = self.read.snapshot.node(&self.company.id, node)?.map(|row| row.together).unwrap_or_default();
        let person = together.first().unwrap_or(node).clone();
        self.known.extend(together.into_iter().map(|node| (node, person.clone())));
        self.known.insert(node.clone(), person.clone());
        Ok(person)
    }
}
