//! Everything that the formulas of one question read, taken from one snapshot, and how the engine's formulas see it for
//! one group and one window.

use super::{
    ask::Ask,
    dimension,
    gather::{CURRENCY, Cut, Gathered, Group, gather},
    people::{self, People},
    period,
    window::Interval,
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    CompanySettings, Micros, Node,
    definition::{Formula, MetricDefinition},
};
use cebe_engine::formula::{Cell, ComponentSums, Span, components};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// Sums by component.
type Parts<'a> = BTreeMap<&'a str, Gathered<'a>>;

/// What one question needs.
pub(crate) struct Sums<'a> {
    company: &'a Company,
    metric: &'a MetricDefinition,
    pub(crate) ask: Ask,
    /// Dimensions of groups. Money is split by currency inside every answer, so currency is none of them.
    pub(crate) group_by: Vec<SmolStr>,
    /// Starts of the windows of the series.
    pub(crate) windows: Vec<Micros>,
    flows: Parts<'a>,
    levels: Parts<'a>,
    running: Parts<'a>,
    previous: BTreeMap<Option<Micros>, Parts<'a>>,
    people: BTreeMap<&'a str, People>,
}

impl<'a> Sums<'a> {
    /// Reads what a question needs.
    pub(crate) fn read(
        read: &Read,
        company: &'a Company,
        metric: &'a MetricDefinition,
        mut ask: Ask,
    ) -> Result<Self, ReadError> {
        let people = people_of(read, company, metric, &mut ask)?;
        let mut group_by = ask.group_by.clone();
        if dimension::is_money(&metric.formula) {
            group_by.retain(|name| name != CURRENCY);
        }
        let (flows, levels, running) = (Parts::new(), Parts::new(), Parts::new());
        let (windows, previous) = (Vec::new(), BTreeMap::new());
        let mut sums = Self { company, metric, ask, group_by, windows, flows, levels, running, previous, people };
        let (start, end) = (sums.ask.start(), sums.ask.end());
        sums.flows = sums.parts(read, false, (start, end), sums.ask.interval)?;
        sums.levels = sums.parts(read, true, (Micros::MIN, sums.level_end()), sums.ask.interval)?;
        sums.windows = sums.window_starts()?;
        let run = |(name, level): (&&'a str, &Gathered<'a>)| (*name, level.running(&sums.windows));
        sums.running = sums.levels.iter().map(run).collect();
        if matches!(metric.formula, Formula::Growth { .. }) {
            sums.previous = sums.read_previous(read)?;
        }
        Ok(sums)
    }

    /// Levels of a series are read up to its end.
    fn level_end(&self) -> Micros {
        self.ask.to.filter(|_| self.ask.interval.is_some()).unwrap_or_else(|| self.ask.level_at())
    }

    fn parts(
        &self,
        read: &Read,
        level: bool,
        (from, to): (Micros, Micros),
        interval: Option<Interval>,
    ) -> Result<Parts<'a>, ReadError> {
        let definitions = &self.company.definitions;
        let kept = dimension::kept(self.company, self.metric);
        let (group_by, filters) = (&self.group_by, &self.ask.filters);
        let cut =
            Cut { company: &self.company.id, zone: &self.ask.zone, from, to, interval, group_by, filters, kept: &kept };
        let mut parts = Parts::new();
        for name in components(definitions, self.metric) {
            if let Some(component) = definitions.components.get(&name).filter(|component| component.level == level) {
                parts.insert(component.name.as_str(), gather(read, &cut, component)?);
            }
        }
        Ok(parts)
    }

    fn read_previous(&self, read: &Read) -> Result<BTreeMap<Option<Micros>, Parts<'a>>, ReadError> {
        let before = |period| self.parts(read, false, period::previous(&self.ask, period), None);
        let mut previous = BTreeMap::from([(None, before((self.ask.start(), self.ask.end()))?)]);
        for window in &self.windows {
            let next = self.ask.interval.map_or(*window, |interval| interval.next(*window, &self.ask.zone));
            previous.insert(Some(*window), before((*window, next))?);
        }
        Ok(previous)
    }

    /// The windows of the series; where the question sets no bounds, data does.
    fn window_starts(&self) -> Result<Vec<Micros>, ReadError> {
        let formula: BTreeSet<SmolStr> = self.metric.formula.components().into_iter().collect();
        let own = self.flows.iter().chain(&self.levels).filter(|(name, _)| formula.iter().any(|own| own == *name));
        let sums = own.flat_map(|(_, gathered)| gathered.windows.keys());
        let people = self.people.values().flat_map(|people| people.windows.keys());
        let all: BTreeSet<Micros> = sums.chain(people).copied().collect();
        self.ask.windows(all.first().copied(), all.last().copied())
    }

    /// The groups that occur in the components of the formula.
    pub(crate) fn groups(&self) -> BTreeSet<Group> {
        if self.group_by.is_empty() {
            return BTreeSet::new();
        }
        let formula = self.metric.formula.components();
        let parts = self.previous.values().chain([&self.flows, &self.levels]);
        let own = parts.flatten().filter(|(name, _)| formula.iter().any(|own| own == *name));
        own.flat_map(|(_, gathered)| gathered.groups(&self.group_by)).cloned().collect()
    }

    /// The sums of one group and one window.
    pub(crate) fn of<'b>(&'b self, group: Option<&'b Group>, window: Option<Micros>) -> Part<'b> {
        Part { sums: self, group, window }
    }
}

/// Reads the people that the metric or a number beside it counts.
fn people_of<'a>(
    read: &Read,
    company: &'a Company,
    metric: &'a MetricDefinition,
    ask: &mut Ask,
) -> Result<BTreeMap<&'a str, People>, ReadError> {
    let definitions = &company.definitions;
    let own = people::counted(definitions, &metric.formula);
    if !own.is_empty() {
        people::check(ask)?;
        ask.widen_to_days();
    }
    let mut names: BTreeSet<&SmolStr> = own.into_iter().collect();
    if people::check(ask).is_ok() {
        let beside = metric.beside.values().filter_map(|name| definitions.metrics.get(name));
        names.extend(beside.flat_map(|metric| people::counted(definitions, &metric.formula)));
    }
    names.into_iter().map(|name| Ok((name.as_str(), people::active(read, company, ask, name)?))).collect()
}

/// What formulas see: one group and one window.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    sums: &'a Sums<'a>,
    group: Option<&'a Group>,
    window: Option<Micros>,
}

impl ComponentSums for Part<'_> {
    fn cells(&self, component: &str, span: Span) -> Vec<Cell> {
        let sums = self.sums;
        let (parts, window) = match (span, self.window) {
            (Span::Window, window) => (Some(&sums.flows), window),
            (Span::Previous, window) => (sums.previous.get(&window), None),
            (Span::UpTo, None) => (Some(&sums.levels), None),
            (Span::UpTo, window) => (Some(&sums.running), window),
        };
        let Some(gathered) = parts.and_then(|parts| parts.get(component)) else { return Vec::new() };
        let cells = gathered.cells(self.group.map(|group| (group, sums.group_by.as_slice())), window);
        cells.into_iter().map(|(dimensions, sum)| Cell { dimensions, sum, latest: None, first: None }).collect()
    }

    fn people(&self, components: &[SmolStr]) -> Option<u64> {
        let mut all: BTreeSet<&Node> = BTreeSet::new();
        let mut counted = false;
        for people in components.iter().filter_map(|name| self.sums.people.get(name.as_str())) {
            counted = true;
            all.extend(people.of(self.window).into_iter().flatten());
        }
        counted.then(|| u64::try_from(all.len()).unwrap_or(u64::MAX))
    }

    fn asks(&self, dimension: &str) -> bool {
        let ask = &self.sums.ask;
        ask.group_by.iter().chain(ask.filters.iter().map(|(name, _)| name)).any(|name| name == dimension)
    }

    fn customer_as_of(&self) -> Option<Micros> {
        None
    }

    fn settings(&self) -> &CompanySettings {
        &self.sums.company.row.settings
    }
}
