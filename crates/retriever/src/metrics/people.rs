//! Distinct people: counted at read from activity rows, each anchor taken for the customer it is part of. Never added up
//! from smaller windows.

use super::{
    answer::Evaluation,
    ask::Ask,
    cell::Cell,
    figure::{self, Figure, MoneyPart},
    flow::Flow,
    gather::Group,
    window::Interval,
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    Micros, Node,
    definition::{Formula, MetricDefinition},
};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
};

/// Who was active, by window and over all.
#[derive(Default)]
struct People {
    windows: BTreeMap<Micros, BTreeSet<Node>>,
    all: BTreeSet<Node>,
}

impl People {
    fn count(&self, window: Option<Micros>) -> i64 {
        let count = match window {
            None => self.all.len(),
            Some(window) => self.windows.get(&window).map_or(0, BTreeSet::len),
        };
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

/// Evaluates a formula that counts people of component `people`.
pub(crate) fn people(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
    people: &str,
) -> Result<Evaluation, ReadError> {
    check(ask)?;
    let mut ask = ask.clone();
    ask.widen_to_days();
    let active = active(read, company, &ask, people)?;
    let flow = Flow::read(read, company, &metric.formula, &ask, (ask.start(), ask.end()))?;
    let (first, last) = flow.span();
    let active_span = (active.windows.keys().next().copied(), active.windows.keys().next_back().copied());
    let windows = ask.windows(first.into_iter().chain(active_span.0).min(), last.max(active_span.1))?;
    let figure = |_: Option<&Group>, window: Option<Micros>| -> Figure {
        let count = active.count(window);
        match &metric.formula {
            Formula::Frequency { of } => figure::ratio(flow.cell(of, None, window).count(), count),
            Formula::Lifetime { of, .. } => lifetime(of.iter().map(|name| flow.cell(name, None, window)), count),
            _ => figure::count(count),
        }
    };
    Evaluation::build(&[], BTreeSet::new(), &windows, &figure)
}

/// Mean money per person, by currency.
fn lifetime(cells: impl Iterator<Item = Cell>, people: i64) -> Figure {
    let mut sums: BTreeMap<SmolStr, i128> = BTreeMap::new();
    for (currency, sum) in cells.flat_map(|cell| cell.by_currency) {
        *sums.entry(currency).or_default() += sum.sum;
    }
    let part = |(currency, sum): (SmolStr, i128)| -> (SmolStr, MoneyPart) { (currency, figure::per(sum, people)) };
    Figure::Money(sums.into_iter().filter(|(_, sum)| *sum != 0).map(part).collect())
}

/// People are kept by local day of the company, uncut.
fn check(ask: &Ask) -> Result<(), ReadError> {
    let refuse = |path: &str, hint: &str| {
        Err(ReadError::invalid("not_by_people", path, "distinct people are kept by the company's local day", hint))
    };
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

fn active(read: &Read, company: &Company, ask: &Ask, component: &str) -> Result<People, ReadError> {
    let (mut people, mut customers) = (People::default(), Customers::new(read, company));
    let mut failed = None;
    let (from, to) = (ask.start().local_day(&company.zone), ask.end().local_day(&company.zone));
    let mut window = (None, None);
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
                window = (Some(day), Some(interval.start_of(day.start_in(&company.zone), &company.zone)));
            }
            people.windows.entry(window.1.unwrap_or_default()).or_default().insert(person.clone());
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

    fn of(&mut self, node: &Node) -> Result<Node, ReadError> {
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
