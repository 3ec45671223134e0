//! The equal period before a period, for growth: in whole local months or days when the period is. A period that still
//! runs is compared with the same elapsed part.

use super::{ask::Ask, window::ceil};
use cebe_catalog::{Micros, time::Day};
use jiff::ToSpan;

/// The period before. Empty when the period has no beginning.
pub(crate) fn previous(ask: &Ask, (from, to): (Micros, Micros)) -> (Micros, Micros) {
    if from <= Micros::MIN {
        return (Micros::MIN, Micros::MIN);
    }
    let now = ceil(ask.now, ask.bucket);
    // Without an end the period is what has elapsed.
    let ends = if to >= Micros::END { now.max(from) } else { to };
    let start = equally_earlier(ask, from, ends);
    let end = if from < now && now < ends { start.plus(now.0 - from.0).min(from) } else { from };
    (start.max(Micros::MIN), end)
}

fn equally_earlier(ask: &Ask, from: Micros, to: Micros) -> Micros {
    let (first, last) = (from.local_day(&ask.zone), to.local_day(&ask.zone));
    if first.start_in(&ask.zone) != from || last.start_in(&ask.zone) != to {
        return from.plus(from.0 - to.0);
    }
    let (a, b) = (first.to_civil(), last.to_civil());
    if a.day() == 1 && b.day() == 1 && b > a {
        let months = i64::from(b.year() - a.year()) * 12 + i64::from(b.month() - a.month());
        return Day::from_civil(a.saturating_sub(months.months())).start_in(&ask.zone);
    }
    Day(first.0 - (last.0 - first.0)).start_in(&ask.zone)
}
