//! Adds up the points of one component: by window, and by the values of the asked dimensions. Nothing but the
//! component's points of the asked time is read, however many events there were.

use super::window::Interval;
use crate::http::{Read, ReadError};
use cebe_catalog::{CompanyId, Micros, definition::ComponentDefinition, limits, time::Zone};
use cebe_engine::rows::Sum;
use smol_str::SmolStr;
use std::{collections::BTreeMap, ops::ControlFlow};

/// Values of the asked dimensions that a component is cut by; empty text for none.
pub(crate) type Group = Vec<SmolStr>;

/// Sums by a component's dimensions, those that no formula needs left blank.
pub(crate) type Cells = BTreeMap<Vec<SmolStr>, Sum>;

/// The name of the dimension that money is cut by.
pub(crate) const CURRENCY: &str = "currency";

/// Which points, and how they are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) company: &'a CompanyId,
    pub(crate) zone: &'a Zone,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
    pub(crate) interval: Option<Interval>,
    pub(crate) group_by: &'a [SmolStr],
    pub(crate) filters: &'a [(SmolStr, SmolStr)],
    /// Dimensions that formulas look at inside one answer: the currency, what a distribution lists.
    pub(crate) kept: &'a [SmolStr],
}

/// Sums of one component by window (its start), over everything and by group.
#[derive(Clone, Debug)]
pub(crate) struct Gathered<'a> {
    component: &'a ComponentDefinition,
    pub(crate) windows: BTreeMap<Micros, Cells>,
    groups: BTreeMap<Group, BTreeMap<Micros, Cells>>,
}

impl<'a> Gathered<'a> {
    fn new(component: &'a ComponentDefinition) -> Self {
        Self { component, windows: BTreeMap::new(), groups: BTreeMap::new() }
    }

    /// The sums of a group (or of all) in a window (or in all).
    pub(crate) fn cells(&self, group: Option<(&Group, &[SmolStr])>, window: Option<Micros>) -> Cells {
        let group = group.map(|(group, group_by)| self.project(group, group_by));
        // A component that is cut by none of the asked dimensions is the same whole in each group.
        let windows = match group.filter(|group| !group.is_empty()) {
            None => Some(&self.windows),
            Some(group) => self.groups.get(&group),
        };
        let Some(windows) = windows else { return Cells::new() };
        match window {
            Some(window) => windows.get(&window).cloned().unwrap_or_default(),
            None => windows.values().fold(Cells::new(), added),
        }
    }

    /// The part of a group's values that the component is cut by, which is how its own groups are keyed.
    fn project(&self, group: &Group, group_by: &[SmolStr]) -> Group {
        let pairs = group_by.iter().zip(group);
        pairs.filter(|(name, _)| self.component.dimensions.contains(name)).map(|(_, value)| value.clone()).collect()
    }

    /// The groups, when the component is cut by all asked dimensions.
    pub(crate) fn groups(&self, group_by: &[SmolStr]) -> impl Iterator<Item = &Group> {
        let whole = group_by.iter().all(|name| self.component.dimensions.contains(name));
        self.groups.keys().filter(move |_| whole)
    }

    /// For levels: the running sums at the end of each of these windows (in order).
    pub(crate) fn running(&self, windows: &[Micros]) -> Self {
        let run = |cells: &BTreeMap<Micros, Cells>| {
            let (mut sum, mut later) = (Cells::new(), cells.iter().peekable());
            let each = windows.iter().map(|window| {
                while let Some((_, more)) = later.next_if(|(at, _)| *at <= window) {
                    sum = added(std::mem::take(&mut sum), more);
                }
                (*window, sum.clone())
            });
            each.collect()
        };
        let groups = self.groups.iter().map(|(group, cells)| (group.clone(), run(cells))).collect();
        Self { component: self.component, windows: run(&self.windows), groups }
    }

    /// Adds a point. The group is empty when nothing is grouped by.
    fn add(&mut self, window: Micros, group: Group, dimensions: Vec<SmolStr>, sum: Sum) {
        if !group.is_empty() {
            let cells = self.groups.entry(group).or_default().entry(window).or_default();
            *cells.entry(dimensions.clone()).or_default() += sum;
        }
        *self.windows.entry(window).or_default().entry(dimensions).or_default() += sum;
    }

    fn rows(&self) -> usize {
        let cells = self.windows.values().chain(self.groups.values().flat_map(BTreeMap::values));
        cells.map(BTreeMap::len).sum()
    }
}

fn added(mut sum: Cells, more: &Cells) -> Cells {
    for (dimensions, part) in more {
        *sum.entry(dimensions.clone()).or_default() += *part;
    }
    sum
}

/// Where in a point's dimensions the asked ones stand. A component that lacks one is taken whole.
struct Places {
    group: Vec<usize>,
    filters: Vec<(usize, SmolStr)>,
    kept: Vec<bool>,
}

impl Places {
    fn of(cut: &Cut, component: &ComponentDefinition) -> Self {
        let place = |name: &SmolStr| component.dimensions.iter().position(|dimension| dimension == name);
        let filter = |(name, value): &(SmolStr, SmolStr)| Some((place(name)?, value.clone()));
        Self {
            group: cut.group_by.iter().filter_map(place).collect(),
            filters: cut.filters.iter().filter_map(filter).collect(),
            kept: component.dimensions.iter().map(|name| cut.kept.contains(name)).collect(),
        }
    }

    fn group(&self, values: &[SmolStr]) -> Group {
        self.group.iter().map(|place| values.get(*place).cloned().unwrap_or_default()).collect()
    }

    fn kept(&self, values: &[SmolStr]) -> Vec<SmolStr> {
        let value = |(place, kept): (usize, &bool)| values.get(place).filter(|_| *kept).cloned().unwrap_or_default();
        self.kept.iter().enumerate().map(value).collect()
    }

    fn pass(&self, values: &[SmolStr]) -> bool {
        self.filters.iter().all(|(place, wanted)| values.get(*place).map_or("", SmolStr::as_str) == wanted)
    }
}

/// Adds a component up.
pub(crate) fn gather<'a>(
    read: &Read,
    cut: &Cut<'_>,
    component: &'a ComponentDefinition,
) -> Result<Gathered<'a>, ReadError> {
    let places = Places::of(cut, component);
    let mut all = Gathered::new(component);
    let mut window = Window { start: Micros(i64::MIN), end: Micros(i64::MIN) };
    let mut scanned = 0_u32;
    read.snapshot.points(cut.company, &component.name, cut.from, cut.to, &mut |key, point| {
        scanned = scanned.wrapping_add(1);
        let late = scanned.is_multiple_of(4_096) && read.in_time().is_err();
        if late || all.groups.len() > limits::METRIC_ROWS_MAX {
            return ControlFlow::Break(());
        }
        if places.pass(&key.dimensions) {
            window.move_to(key.bucket, cut);
            let group = places.group(&key.dimensions);
            all.add(window.start, group, places.kept(&key.dimensions), point.total());
        }
        ControlFlow::Continue(())
    })?;
    read.in_time()?;
    if all.rows() > limits::METRIC_ROWS_MAX {
        return Err(too_many_rows());
    }
    Ok(all)
}

/// The window in which the scan stands; points come in order of time.
struct Window {
    start: Micros,
    end: Micros,
}

impl Window {
    fn move_to(&mut self, bucket: Micros, cut: &Cut) {
        if self.start <= bucket && bucket < self.end {
            return;
        }
        (self.start, self.end) = match cut.interval {
            None => (cut.from, cut.to),
            Some(interval) => {
                let start = interval.start_of(bucket, cut.zone);
                (start, interval.next(start, cut.zone))
            }
        };
    }
}

/// An answer would be too long.
pub(crate) fn too_many_rows() -> ReadError {
    ReadError::invalid(
        "too_many_rows",
        "",
        "the answer would hold too many windows or groups",
        format!("at most {}: ask for a longer interval, fewer dimensions, or filter", limits::METRIC_ROWS_MAX),
    )
}
