//! Adds up the points of one component: by window, and by the values of the asked dimensions. Nothing but the
//! component's points of the asked time is read, however many events there were.

use super::{cell::Cell, window::Interval};
use crate::http::{Read, ReadError};
use cebe_catalog::{CompanyId, Micros, definition::ComponentDefinition, limits, time::Zone};
use cebe_engine::rows::Sum;
use smol_str::SmolStr;
use std::{collections::BTreeMap, ops::ControlFlow};

/// Values of the asked dimensions; empty text for none.
pub(crate) type Group = Vec<SmolStr>;

/// The name of the dimension that money is cut by.
pub(crate) const CURRENCY: &str = "currency";

/// Which points, and how they are cut.
#[derive(Clone, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) company: &'a CompanyId,
    pub(crate) zone: &'a Zone,
    pub(crate) from: Micros,
    pub(crate) to: Micros,
    pub(crate) interval: Option<Interval>,
    pub(crate) group_by: &'a [SmolStr],
    pub(crate) filters: &'a [(SmolStr, SmolStr)],
}

/// Sums by window (its start), over everything and by group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) windows: BTreeMap<Micros, Cell>,
    pub(crate) groups: BTreeMap<Group, BTreeMap<Micros, Cell>>,
}

impl Gathered {
    /// The sum of a group (or of all) in a window (or in all).
    pub(crate) fn cell(&self, group: Option<&Group>, window: Option<Micros>) -> Cell {
        let windows = match group {
            None => Some(&self.windows),
            Some(group) => self.groups.get(group),
        };
        let Some(windows) = windows else { return Cell::default() };
        match window {
            Some(window) => windows.get(&window).cloned().unwrap_or_default(),
            None => windows.values().fold(Cell::default(), |mut sum, cell| {
                sum.add(cell);
                sum
            }),
        }
    }

    /// For levels: the running sums at the end of each of these windows (in order).
    pub(crate) fn running(&self, windows: &[Micros]) -> Self {
        let run = |cells: &BTreeMap<Micros, Cell>| {
            let (mut sum, mut later) = (Cell::default(), cells.iter().peekable());
            let each = windows.iter().map(|window| {
                while let Some((_, cell)) = later.next_if(|(at, _)| *at <= window) {
                    sum.add(cell);
                }
                (*window, sum.clone())
            });
            each.collect()
        };
        let groups = self.groups.iter().map(|(group, cells)| (group.clone(), run(cells))).collect();
        Self { windows: run(&self.windows), groups }
    }

    /// Adds a point. The group is empty when nothing is grouped by.
    fn add(&mut self, window: Micros, group: Group, sum: Sum, currency: Option<&SmolStr>) {
        self.windows.entry(window).or_default().add_point(sum, currency);
        if !group.is_empty() {
            self.groups.entry(group).or_default().entry(window).or_default().add_point(sum, currency);
        }
    }

    fn rows(&self) -> usize {
        self.windows.len() + self.groups.values().map(BTreeMap::len).sum::<usize>()
    }
}

/// Where in a point's dimensions the asked ones stand. A component that lacks one is taken whole.
struct Places {
    group: Vec<usize>,
    filters: Vec<(usize, SmolStr)>,
    currency: Option<usize>,
}

impl Places {
    fn of(cut: &Cut, component: &ComponentDefinition) -> Self {
        let place = |name: &SmolStr| component.dimensions.iter().position(|dimension| dimension == name);
        let filter = |(name, value): &(SmolStr, SmolStr)| Some((place(name)?, value.clone()));
        Self {
            group: cut.group_by.iter().filter_map(place).collect(),
            filters: cut.filters.iter().filter_map(filter).collect(),
            currency: place(&CURRENCY.into()),
        }
    }
}

/// The part of a group's values that a component is cut by, which is how its own groups are keyed.
pub(crate) fn project(group: &Group, group_by: &[SmolStr], component: &ComponentDefinition) -> Group {
    let pairs = group_by.iter().zip(group);
    pairs.filter(|(name, _)| component.dimensions.contains(name)).map(|(_, value)| value.clone()).collect()
}

/// Adds a component up.
pub(crate) fn gather(read: &Read, cut: &Cut, component: &ComponentDefinition) -> Result<Gathered, ReadError> {
    let places = Places::of(cut, component);
    let mut all = Gathered::default();
    let mut window = Window { start: Micros(i64::MIN), end: Micros(i64::MIN) };
    let (mut scanned, mut stopped) = (0_u32, false);
    let none = SmolStr::default();
    read.snapshot.points(cut.company, &component.name, cut.from, cut.to, &mut |key, point| {
        scanned = scanned.wrapping_add(1);
        stopped =
            all.groups.len() > limits::METRIC_ROWS_MAX || (scanned.is_multiple_of(4_096) && read.in_time().is_err());
        if stopped {
            return ControlFlow::Break(());
        }
        let value = |place: usize| key.dimensions.get(place).unwrap_or(&none);
        if places.filters.iter().all(|(place, wanted)| value(*place) == wanted) {
            window.move_to(key.bucket, cut);
            let group = places.group.iter().map(|place| value(*place).clone()).collect();
            all.add(window.start, group, point.total(), places.currency.map(value));
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
