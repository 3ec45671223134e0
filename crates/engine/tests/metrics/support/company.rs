//! A company's component sums over everything a test pushed, with a window and filters.

use super::World;
use cebe_catalog::{CompanySettings, Definitions, Micros, Node, time::SECOND};
use cebe_engine::{
    component::{Contribution, contributions},
    formula::{Answer, Cell, ComponentSums, Span, evaluate},
};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a company.
pub(crate) struct Company<'a> {
    pub(crate) definitions: &'a Definitions,
    pub(crate) settings: &'a CompanySettings,
    pub(crate) contributions: Vec<Contribution>,
    pub(crate) people_of: BTreeMap<Node, Node>,
    pub(crate) window: Option<(i64, i64)>,
    pub(crate) as_of: i64,
    pub(crate) filters: Vec<(&'static str, &'static str)>,
}

impl World {
    pub(crate) fn company(&self) -> Company<'_> {
        let facts = self.facts();
        let all = facts
            .iter()
            .flat_map(|fact| contributions(&self.definitions, &self.definitions.facts[&fact.name], &fact.folded));
        Company {
            definitions: &self.definitions,
            settings: &self.settings,
            contributions: all.collect(),
            people_of: self.same.clone(),
            window: None,
            as_of: i64::MAX / SECOND,
            filters: Vec::new(),
        }
    }
}

impl Company<'_> {
    pub(crate) fn metric(&self, name: &str) -> Answer {
        evaluate(self.definitions, &self.definitions.metrics[name], self)
    }

    /// The value as text; `null` for none.
    pub(crate) fn value(&self, name: &str) -> String {
        self.metric(name).value.to_text().unwrap_or_else(|| "null".into())
    }

    fn wanted(&self, component: &str, one: &Contribution) -> bool {
        let names = &self.definitions.components[component].dimensions;
        self.filters.iter().all(|(name, value)| {
            names.iter().position(|known| known == name).is_none_or(|place| one.dimensions[place] == *value)
        })
    }

    fn inside(&self, at: Micros, span: Span) -> bool {
        let (from, to) = self.window.map_or((i64::MIN, i64::MAX), |(from, to)| (from * SECOND, to * SECOND));
        match span {
            Span::Window => from <= at.0 && at.0 < to,
            Span::Previous => self.window.is_some() && from - (to - from) <= at.0 && at.0 < from,
            Span::UpTo => at.0 <= self.as_of.saturating_mul(SECOND),
        }
    }
}

impl ComponentSums for Company<'_> {
    fn cells(&self, component: &str, span: Span) -> Vec<Cell> {
        let mut cells: BTreeMap<Vec<SmolStr>, Cell> = BTreeMap::new();
        let mine = self.contributions.iter().filter(|one| one.component == component);
        for one in mine.filter(|one| self.inside(one.bucket_at, span) && self.wanted(component, one)) {
            let cell = cells.entry(one.dimensions.clone()).or_default();
            cell.dimensions = one.dimensions.clone();
            cell.sum += one.sum;
        }
        cells.into_values().collect()
    }

    fn people(&self, components: &[SmolStr]) -> Option<u64> {
        let mine = self.contributions.iter().filter(|one| components.contains(&one.component));
        let inside = mine.filter(|one| self.inside(one.day_at, Span::Window));
        let anchors = inside.filter_map(|one| one.anchor.as_ref());
        let people: BTreeSet<&Node> = anchors.map(|node| self.people_of.get(node).unwrap_or(node)).collect();
        Some(people.len() as u64)
    }

    fn asks(&self, dimension: &str) -> bool {
        self.filters.iter().any(|(name, _)| *name == dimension)
    }

    fn customer_as_of(&self) -> Option<Micros> {
        None
    }

    fn settings(&self) -> &CompanySettings {
        self.settings
    }
}
