//! Evaluates a metric's formula over a source of component sums.

use super::{Answer, Cell, ComponentSums, Figure, Row, Span, money};
use crate::rows::Sum;
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{
    Definitions, Micros,
    definition::{Formula, MetricDefinition},
    time::DAY,
};
use smol_str::SmolStr;

/// Millionths in a millisecond's worth of seconds, and in one unit.
const PER_MILLI: i128 = 1_000;
const PER_UNIT: i128 = 1_000_000;
/// Days that purchase frequency counts in.
const FREQUENCY_DAYS: i128 = 30;

/// Answers one metric, the numbers beside it included.
pub fn evaluate(definitions: &Definitions, metric: &MetricDefinition, source: &dyn ComponentSums) -> Answer {
    let mut answer = Sums { definitions, source }.formula(metric);
    for (name, of) in &metric.beside {
        let figure = match definitions.metrics.get(of).filter(|_| !definitions.components.contains_key(of)) {
            Some(other) => Sums { definitions, source }.formula(other).value,
            None => Figure::Whole(Sums { definitions, source }.beside(of)),
        };
        answer.beside.insert(name.clone(), figure);
    }
    if let Some((joined, all)) = &metric.joined {
        let sums = Sums { definitions, source };
        answer.joined_share = Some(Figure::ratio(sums.count(joined), sums.count(all)));
    }
    answer
}

/// Every component that a metric reads, for a source to load.
pub fn components(definitions: &Definitions, metric: &MetricDefinition) -> Vec<SmolStr> {
    let mut names = of_formula(&metric.formula);
    names.extend(metric.joined.iter().flat_map(|(joined, all)| [joined.clone(), all.clone()]));
    for of in metric.beside.values() {
        match definitions.metrics.get(of).filter(|_| !definitions.components.contains_key(of)) {
            Some(other) => names.extend(of_formula(&other.formula)),
            None => names.push(of.clone()),
        }
    }
    names.sort();
    names.dedup();
    names
}

fn of_formula(formula: &Formula) -> Vec<SmolStr> {
    let mut names = Vec::new();
    let mut add = |more: &[&SmolStr]| names.extend(more.iter().map(|name| (*name).clone()));
    match formula {
        Formula::Count { of }
        | Formula::Sum { of }
        | Formula::MoneyAverage { of }
        | Formula::Growth { of }
        | Formula::Level { of, .. }
        | Formula::LevelDistribution { of, .. }
        | Formula::Distribution { of, .. }
        | Formula::Distinct { of }
        | Formula::Frequency { of }
        | Formula::DistinctValues { of, .. } => add(&[of]),
        Formula::MoneySum { of } => add(&of.iter().collect::<Vec<_>>()),
        Formula::Ratio { numerator, denominator, numerator_by } => {
            add(&[numerator]);
            add(&denominator.iter().chain(numerator_by.values()).collect::<Vec<_>>());
        }
        Formula::Average { of, plus } => add(&core::iter::once(of).chain(plus).collect::<Vec<_>>()),
        Formula::MoneyPerCount { money, count } => add(&[money, count]),
        Formula::MoneyRatio { numerator, denominator } | Formula::LevelRatio { numerator, denominator } => {
            add(&[numerator, denominator]);
        }
        Formula::NetScore { promoters, detractors, all, plus } => {
            add(&[promoters, detractors, all]);
            add(&plus.iter().flatten().collect::<Vec<_>>());
        }
        Formula::StageHistory { of, entries } => add(&[of, entries]),
        Formula::View { company, plus, .. } => add(&company.iter().chain(plus).collect::<Vec<_>>()),
        Formula::Lifetime { of, people } => add(&of.iter().chain([people]).collect::<Vec<_>>()),
        Formula::Resolution { parts } => add(&parts.iter().flat_map(|part| &part.of).collect::<Vec<_>>()),
        // Read from other rows than points: `own.rs`.
        Formula::OutcomeCount { .. }
        | Formula::OutcomeRatio { .. }
        | Formula::Latency { .. }
        | Formula::Coverage { .. }
        | Formula::Process { .. } => {}
    }
    names
}

struct Sums<'a> {
    definitions: &'a Definitions,
    source: &'a dyn ComponentSums,
}

impl Sums<'_> {
    fn sum(&self, component: &str, span: Span) -> Sum {
        self.source.cells(component, span).iter().fold(Sum::default(), |sum, cell| sum + cell.sum)
    }

    fn count(&self, component: &str) -> i128 {
        self.sum(component, Span::Window).count.into()
    }

    /// A component shown beside a metric: its count, a level as of the time asked.
    fn beside(&self, component: &str) -> i128 {
        let level = self.definitions.components.get(component).is_some_and(|component| component.level);
        self.sum(component, if level { Span::UpTo } else { Span::Window }).count.into()
    }

    fn counts<'b>(&self, components: impl IntoIterator<Item = &'b SmolStr>) -> i128 {
        components.into_iter().map(|component| self.count(component)).sum()
    }

    fn formula(&self, metric: &MetricDefinition) -> Answer {
        match &metric.formula {
            Formula::Count { of } => Answer::of(Figure::Whole(self.count(of))),
            Formula::Sum { of } => Answer::of(total(&metric.unit, self.sum(of, Span::Window).sum)),
            Formula::Ratio { numerator, denominator, numerator_by } => {
                let asked = numerator_by.iter().find(|(dimension, _)| self.source.asks(dimension));
                let numerator = asked.map_or(numerator, |(_, component)| component);
                Answer::ratio(self.count(numerator), self.counts(denominator))
            }
            Formula::Average { of, plus } => self.average(&metric.unit, of, plus),
            Formula::NetScore { promoters, detractors, all, plus } => {
                let sides = |place: usize| plus.iter().map(move |triple| &triple[place]);
                let above = self.counts([promoters].into_iter().chain(sides(0)));
                let below = self.counts([detractors].into_iter().chain(sides(1)));
                Answer::ratio(100 * (above - below), self.counts([all].into_iter().chain(sides(2))))
            }
            Formula::Growth { of } => {
                let previous = i128::from(self.sum(of, Span::Previous).count);
                Answer::ratio(self.count(of) - previous, previous)
            }
            Formula::Distinct { of } => self.people(core::slice::from_ref(of)),
            Formula::Frequency { of } => self.frequency(of),
            Formula::DistinctValues { of, by } => {
                let values = self.by_value(&[of], by, Span::Window);
                Answer::of(Figure::Whole(i128::try_from(values.len()).unwrap_or(i128::MAX)))
            }
            other => self.money_or_level(metric, other),
        }
    }

    fn money_or_level(&self, metric: &MetricDefinition, formula: &Formula) -> Answer {
        let currencies = |component: &str| money::currencies(self.definitions, component, self.source);
        let company = &self.source.settings().currency;
        match formula {
            Formula::MoneySum { of } => money::sum(&money::added(self.definitions, of, self.source), company),
            Formula::MoneyAverage { of } => money::per(&currencies(of), company, |sum| sum.count.into()),
            Formula::MoneyPerCount { money, count } => {
                let count = self.count(count);
                money::per(&currencies(money), company, |_| count)
            }
            Formula::MoneyRatio { numerator, denominator } => {
                money::over(&currencies(numerator), &currencies(denominator))
            }
            Formula::Lifetime { of, .. } => self.lifetime(of),
            Formula::Level { of, sum } => {
                let level = self.sum(of, Span::UpTo);
                let whole = Figure::Whole(level.count.into());
                Answer::of(if *sum { total(&metric.unit, level.sum) } else { whole })
            }
            Formula::LevelRatio { numerator, denominator } => {
                let level = |component: &str| i128::from(self.sum(component, Span::UpTo).count);
                Answer::ratio(level(numerator), level(denominator))
            }
            Formula::LevelDistribution { of, by } => self.distribution(&[of], by, Span::UpTo),
            Formula::Distribution { of, by } => self.distribution(&[of], by, Span::Window),
            Formula::StageHistory { of, entries } => self.stages(of, entries),
            Formula::View { company, plus, by, .. } => self.view(company.as_ref(), plus, by.as_deref()),
            _ => Answer::default(),
        }
    }

    /// Seconds are kept as milliseconds, scores as millionths; the mean is rounded half to even to six digits.
    fn average(&self, unit: &str, of: &SmolStr, plus: &[SmolStr]) -> Answer {
        let sum = core::iter::once(of).chain(plus).fold(Sum::default(), |sum, c| sum + self.sum(c, Span::Window));
        let millionths = if unit == "seconds" { sum.sum * PER_MILLI } else { sum.sum };
        Answer::mean(millionths, sum.count.into())
    }

    fn people(&self, components: &[SmolStr]) -> Answer {
        Answer::of(self.source.people(components).map_or(Figure::Null, |people| Figure::Whole(people.into())))
    }

    fn frequency(&self, of: &SmolStr) -> Answer {
        let count = self.count(of);
        let Some(as_of) = self.source.customer_as_of() else {
            let people = self.source.people(core::slice::from_ref(of)).unwrap_or(0);
            return Answer::ratio(count, people.into());
        };
        let first = self.source.cells(of, Span::Window).iter().filter_map(|cell| cell.first).min();
        let Some(first) = first.filter(|_| count >= 2) else {
            return Answer { numerator: Some(Figure::Whole(count)), ..Answer::default() };
        };
        let span: i128 = (as_of.0 - first.0).max(DAY).into();
        Answer {
            value: Figure::ratio(count * FREQUENCY_DAYS * i128::from(DAY), span),
            numerator: Some(Figure::Whole(count)),
            denominator: Some(Figure::Decimal(super::half_even(span * PER_UNIT, FREQUENCY_DAYS * i128::from(DAY)))),
            ..Answer::default()
        }
    }

    /// A customer's sum; for a company the mean over the people who have any of it. Only the first component counts
    /// where the company leaves deals out.
    fn lifetime(&self, of: &[SmolStr]) -> Answer {
        let settings = self.source.settings();
        let of = if settings.ltv_deals { of } else { &of[..of.len().min(1)] };
        let sums = money::added(self.definitions, of, self.source);
        if self.source.customer_as_of().is_some() {
            return money::sum(&sums, &settings.currency);
        }
        let people = self.source.people(of).unwrap_or(0);
        money::per(&sums, &settings.currency, |_| people.into())
    }

    fn view(&self, company: Option<&SmolStr>, plus: &[SmolStr], by: Option<&str>) -> Answer {
        // What a customer's view shows is put in by `customer.rs`.
        let (Some(company), None) = (company, self.source.customer_as_of()) else { return Answer::default() };
        let names: Vec<&SmolStr> = core::iter::once(company).chain(plus).collect();
        let level = self.definitions.components.get(company).is_some_and(|component| component.level);
        let span = if level { Span::UpTo } else { Span::Window };
        match by {
            Some(by) => self.distribution(&names, by, span),
            None => Answer::of(Figure::Whole(names.iter().map(|name| i128::from(self.sum(name, span).count)).sum())),
        }
    }

    /// Cells added per value of one dimension.
    fn by_value(&self, components: &[&SmolStr], by: &str, span: Span) -> BTreeMap<SmolStr, Cell> {
        let mut values: BTreeMap<SmolStr, Cell> = BTreeMap::new();
        for component in components {
            let definition = self.definitions.components.get(*component);
            let place = definition.and_then(|found| found.dimensions.iter().position(|name| name == by));
            for cell in self.source.cells(component, span) {
                let value = place.and_then(|place| cell.dimensions.get(place)).cloned().unwrap_or_default();
                let known = values.entry(value).or_default();
                known.sum += cell.sum;
                known.latest = known.latest.max(cell.latest);
            }
        }
        values.retain(|_, cell| cell.sum.count != 0);
        values
    }

    fn distribution(&self, components: &[&SmolStr], by: &str, span: Span) -> Answer {
        let values = self.by_value(components, by, span);
        let all: i128 = values.values().map(|cell| i128::from(cell.sum.count)).sum();
        let row = |(key, cell): (&SmolStr, &Cell)| {
            let count = i128::from(cell.sum.count);
            Row { key: key.clone(), count, share: Figure::ratio(count, all), mean_seconds: None }
        };
        let value = match self.source.customer_as_of() {
            Some(_) => most_frequent(&values),
            None => Figure::Whole(all),
        };
        Answer { value, rows: values.iter().map(row).collect(), ..Answer::default() }
    }

    fn stages(&self, stays: &SmolStr, entries: &SmolStr) -> Answer {
        let finished = self.by_value(&[stays], "stage", Span::Window);
        let mut answer = self.distribution(&[entries], "stage", Span::Window);
        answer.value = Figure::Whole(answer.rows.iter().map(|row| row.count).sum());
        for row in &mut answer.rows {
            let sum = finished.get(&row.key).map_or(Sum::default(), |cell| cell.sum);
            row.mean_seconds = Some(Figure::mean(sum.sum * PER_MILLI, sum.count.into()));
        }
        answer
    }
}

/// The value with most marks; tie to the one marked last.
fn most_frequent(values: &BTreeMap<SmolStr, Cell>) -> Figure {
    let named = values.iter().filter(|(key, _)| !key.is_empty());
    let most = named.max_by_key(|(_, cell)| -> (i64, Option<Micros>) { (cell.sum.count, cell.latest) });
    most.map_or(Figure::Null, |(key, _)| Figure::Text(key.clone()))
}

/// A sum in the unit of its metric: points and scores are millionths, seconds milliseconds, counts themselves.
fn total(unit: &str, sum: i128) -> Figure {
    match unit {
        "seconds" => Figure::Decimal(sum * PER_MILLI),
        "points" | "score" => Figure::Decimal(sum),
        _ => Figure::Whole(sum),
    }
}
