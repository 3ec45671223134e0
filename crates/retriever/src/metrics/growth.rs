//! Growth: this period against the equal one before it; a period that still runs is compared with the same elapsed part.

use super::{
    answer::Evaluation,
    ask::Ask,
    figure::{Figure, Number},
    flow::Flow,
    gather::Group,
    window::{Interval, ceil},
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{Micros, definition::MetricDefinition, time::Day};
use jiff::ToSpan;
use std::collections::BTreeMap;

/// Evaluates growth of a component.
pub(crate) fn growth(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
    of: &str,
) -> Result<Evaluation, ReadError> {
    let period = (ask.start(), ask.end());
    let this = Flow::read(read, company, &metric.formula, ask, period)?;
    let (first, last) = this.span();
    let windows = ask.windows(first, last)?;
    let plain = Ask { interval: None, ..ask.clone() };
    let before = |period| Flow::read(read, company, &metric.formula, &plain, previous(ask, period));
    let mut earlier = BTreeMap::from([(None, before(period)?)]);
    for window in &windows {
        let interval = ask.interval.unwrap_or(Interval::Day);
        earlier.insert(Some(*window), before((*window, interval.next(*window, &ask.zone)))?);
    }
    let figure = |group: Option<&Group>, window: Option<Micros>| -> Figure {
        let now = this.cell(of, group, window).count();
        let before = earlier.get(&window).map_or(0, |flow| flow.cell(of, group, None).count());
        let value = (before != 0).then(|| Number { over: i128::from(now) - i128::from(before), under: before.into() });
        Figure::Plain { value, of: Some((Number::whole(now - before), Number::whole(before))) }
    };
    let groups = earlier.values().chain([&this]).flat_map(Flow::groups).collect();
    Evaluation::build(&this.group_by, groups, &windows, &figure)
}

/// The equal period before, in whole local months or days when the period is. Empty when the period has no beginning.
fn previous(ask: &Ask, (from, to): (Micros, Micros)) -> (Micros, Micros) {
    if from <= Micros::MIN {
        return (Micros::MIN, Micros::MIN);
    }
    let begins = ceil(ask.now, ask.bucket);
    // Without an end the period is what has elapsed.
    let ends = if to >= Micros::END { begins.max(from) } else { to };
    let start = earlier(ask, from, ends);
    let end = if begins > from && begins < ends { Micros(start.0 + (begins.0 - from.0)).min(from) } else { from };
    (start.max(Micros::MIN), end)
}

fn earlier(ask: &Ask, from: Micros, to: Micros) -> Micros {
    let (first, last) = (from.local_day(&ask.zone), to.local_day(&ask.zone));
    if first.start_in(&ask.zone) != from || last.start_in(&ask.zone) != to {
        return Micros(from.0 - (to.0 - from.0));
    }
    let (a, b) = (first.to_civil(), last.to_civil());
    if a.day() == 1 && b.day() == 1 && b > a {
        let months = i64::from(b.year() - a.year()) * 12 + i64::from(b.month() - a.month());
        return Day::from_civil(a.saturating_sub(months.months())).start_in(&ask.zone);
    }
    Day(first.0 - (last.0 - first.0)).start_in(&ask.zone)
}
