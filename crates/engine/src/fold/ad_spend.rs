//! `ad_spend`: what one ad cost in one calendar month. A restated row replaces; of rows whose periods overlap the finer
//! counts, day by day; an amount of several days is spread evenly over them.

use super::{FoldInput, Folded, Mark, dimension_text, period::Period};
use crate::entry::Entry;
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{
    Value,
    time::{Day, Zone},
};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["spend", "overlap"];

/// The newest word on one period.
struct Row<'a> {
    period: Period,
    entry: &'a Entry,
    amount: i64,
    /// Place among all entries: later is newer.
    place: usize,
}

/// Folds the spend rows of one ad and month.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["ad_platform", "campaign_id", "ad_id"] {
        folded.set(name, input.latest(name));
    }
    let rows = rows(input);
    let zone = input.latest("timezone").and_then(Value::as_text).and_then(Zone::named);
    let zone = zone.as_ref().unwrap_or(input.zone);
    for day in days(input, &rows) {
        mark_day(input, &mut folded, &rows, day, zone);
    }
    folded
}

/// Periods with their newest amounts.
fn rows<'a>(input: &FoldInput<'a>) -> Vec<Row<'a>> {
    let mut rows: BTreeMap<(Period, SmolStr), Row<'a>> = BTreeMap::new();
    for (place, entry) in input.entries.iter().copied().enumerate() {
        let period = entry.field("period").and_then(Period::parse);
        let amount = entry.field("amount").and_then(Value::as_amount);
        if let (Some(period), Some(amount)) = (period, amount) {
            rows.insert((period, input.currency(entry)), Row { period, entry, amount: amount.0, place });
        }
    }
    rows.into_values().collect()
}

/// The days of the fact's own month (the end of its key) that rows cover.
fn days(input: &FoldInput<'_>, rows: &[Row<'_>]) -> Vec<Day> {
    let own = input.key.char_indices().rev().nth(6).map_or("", |(at, _)| &input.key[at..]);
    let mut days: Vec<Day> = Vec::new();
    for day in rows.iter().flat_map(|row| own_days(row.period, own)) {
        if !days.contains(&day) {
            days.push(day);
        }
    }
    days.sort();
    days
}

/// The days of a period that lie in the month `YYYY-MM`.
fn own_days(period: Period, own: &str) -> impl Iterator<Item = Day> {
    let start = Day::parse(&alloc::format!("{own}-01"));
    let (first, last) = period.days();
    let range = start.map(|start| {
        let end = start.0 + i32::from(start.to_civil().days_in_month()) - 1;
        first.0.max(start.0)..=last.0.min(end)
    });
    range.into_iter().flatten().map(Day)
}

fn mark_day(input: &FoldInput<'_>, folded: &mut Folded, rows: &[Row<'_>], day: Day, zone: &Zone) {
    let covering: Vec<&Row<'_>> = rows.iter().filter(|row| row.period.covers(day)).collect();
    let Some(finest) = covering.iter().map(|row| row.period.length()).min() else { return };
    let mut chosen: Vec<&Row<'_>> = covering.iter().copied().filter(|row| row.period.length() == finest).collect();
    if finest > 1 {
        // Two ranges of equal length that overlap: the newer.
        chosen.sort_by_key(|row| row.place);
        let newest = chosen.last().map(|row| row.period);
        chosen.retain(|row| Some(row.period) == newest);
    }
    let periods = |rows: &[&Row<'_>]| rows.iter().filter(|row| row.period.length() != 0).count();
    if covering.len() > chosen.len() && periods(&covering) > 0 {
        folded.marks.push(Mark::new("overlap", day.start_in(zone)));
    }
    for row in chosen {
        let mark = Mark::new("spend", row.period.starts(day, zone)).sum(row.period.share(row.amount, day));
        let currency = row.entry.field("currency").map_or_else(|| input.currency(row.entry), dimension_text);
        folded.marks.push(mark.with("currency", currency));
    }
}
