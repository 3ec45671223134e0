//! Parts of an answer by window and by group, each joined from rows as they are read.

use super::super::{
    answer::{Evaluation, GroupAnswer, Series},
    ask::Ask,
    gather::{Group, too_many_rows},
};
use crate::http::ReadError;
use cebe_catalog::{Micros, limits};
use cebe_engine::formula::Answer;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// What rows are joined to.
pub(super) trait Part: Default {
    /// Takes in another's rows.
    fn join(&mut self, other: &Self);
}

/// Parts over everything, by window, by group, and by both.
#[derive(Debug)]
pub(super) struct Cube<T> {
    all: T,
    windows: BTreeMap<Micros, T>,
    groups: BTreeMap<Group, (T, BTreeMap<Micros, T>)>,
}

impl<T: Part> Cube<T> {
    pub(super) fn new() -> Self {
        Self { all: T::default(), windows: BTreeMap::new(), groups: BTreeMap::new() }
    }

    /// Takes in what happened at an instant, with the dimension values it has, if the question's filters let it through.
    pub(super) fn add(&mut self, ask: &Ask, at: Micros, dimensions: &[(&str, &str)], part: &T) {
        let value = |name: &SmolStr| {
            let found = dimensions.iter().find(|(dimension, _)| dimension == name);
            found.map_or_else(SmolStr::default, |(_, value)| SmolStr::new(value))
        };
        if ask.filters.iter().any(|(name, wanted)| value(name) != *wanted) {
            return;
        }
        self.all.join(part);
        let window = ask.interval.map(|interval| interval.start_of(at, &ask.zone));
        if let Some(window) = window {
            self.windows.entry(window).or_default().join(part);
        }
        if !ask.group_by.is_empty() {
            let group = self.groups.entry(ask.group_by.iter().map(value).collect()).or_default();
            group.0.join(part);
            if let Some(window) = window {
                group.1.entry(window).or_default().join(part);
            }
        }
    }

    /// Answers every part; windows in which nothing happened are answered too.
    pub(super) fn evaluate(self, ask: &Ask, answer: impl Fn(&T) -> Answer) -> Result<Evaluation, ReadError> {
        let (first, last) = (self.windows.keys().next(), self.windows.keys().next_back());
        let windows = ask.windows(first.copied(), last.copied())?;
        if (self.groups.len() + 1).saturating_mul(windows.len().max(1)) > limits::METRIC_ROWS_MAX {
            return Err(too_many_rows());
        }
        let nothing = T::default();
        let series = |parts: &BTreeMap<Micros, T>| -> Series {
            windows.iter().map(|window| (*window, answer(parts.get(window).unwrap_or(&nothing)))).collect()
        };
        let group = |(key, (part, parts)): (Group, (T, BTreeMap<Micros, T>))| GroupAnswer {
            key,
            answer: answer(&part),
            series: series(&parts),
        };
        let (overall, all) = (answer(&self.all), series(&self.windows));
        let groups = self.groups.into_iter().map(group).collect();
        Ok(Evaluation::assembled(overall, all, ask.group_by.clone(), groups))
    }
}
