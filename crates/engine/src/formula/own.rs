//! Formulas about the engine itself: over what became of received events, and over how long they took.

use super::{Answer, Figure};
use crate::{
    latency::{Latencies, Spread},
    rows::Outcomes,
};
use alloc::{collections::BTreeMap, format};
use cebe_catalog::{
    definition::{Formula, LatencyStart, Outcome},
    limits::PROPAGATION_SLO_MILLIS,
};
use smol_str::SmolStr;

/// Percentiles that stand beside the first, as (name, thousandths).
const PERCENTILES: [(&str, u16); 3] = [("p50", 500), ("p95", 950), ("p99", 990)];
/// The percentile that is the value.
const VALUE: u16 = 990;

/// What is known of the events received in a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// What became of them.
    pub outcomes: Outcomes,
    /// How long they took.
    pub latencies: Latencies,
}

/// Answers a formula over outcomes or latencies; any other has no answer here.
pub fn evaluate_own(formula: &Formula, of: &Received) -> Answer {
    let count = |outcomes: &[Outcome]| outcomes.iter().map(|outcome| i128::from(counted(&of.outcomes, *outcome))).sum();
    match formula {
        Formula::OutcomeCount { outcomes } => Answer::of(Figure::Whole(count(outcomes))),
        Formula::OutcomeRatio { outcomes, of_outcomes } => Answer::ratio(count(outcomes), count(of_outcomes)),
        Formula::Latency { starts } => latency(starts, &of.latencies),
        _ => Answer::default(),
    }
}

fn counted(outcomes: &Outcomes, outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Received => outcomes.received,
        Outcome::Applied => outcomes.applied,
        Outcome::Duplicate => outcomes.duplicate,
        Outcome::DuplicateDerived => outcomes.duplicate_derived,
        Outcome::Conflict => outcomes.conflict,
        Outcome::Ignored => outcomes.ignored,
        Outcome::Quarantined => outcomes.quarantined,
        Outcome::NoIdentity => outcomes.no_identity,
        Outcome::Warnings => outcomes.warnings,
    }
}

fn latency(starts: &[LatencyStart], latencies: &Latencies) -> Answer {
    let spread = |start: &LatencyStart| match start {
        LatencyStart::Emission => ("emission", &latencies.emission),
        LatencyStart::Receipt => ("receipt", &latencies.receipt),
    };
    let value = starts.first().map_or(Figure::Null, |first| seconds(spread(first).1, VALUE));
    let beside = starts.iter().map(spread).flat_map(|(name, spread)| beside(name, spread)).collect();
    Answer { value, beside, ..Answer::default() }
}

/// Percentiles of a spread and the number of events behind them.
pub fn percentiles(spread: &Spread) -> BTreeMap<SmolStr, Figure> {
    let mut all: BTreeMap<SmolStr, Figure> = PERCENTILES
        .into_iter()
        .map(|(name, permille)| (SmolStr::new_static(name), seconds(spread, permille)))
        .collect();
    all.insert("events".into(), Figure::Whole(spread.events().into()));
    all
}

/// A spread's own value: its 99th percentile.
pub fn slowest(spread: &Spread) -> Figure {
    seconds(spread, VALUE)
}

fn beside(start: &str, spread: &Spread) -> impl Iterator<Item = (SmolStr, Figure)> {
    let kept = Figure::ratio(spread.within(PROPAGATION_SLO_MILLIS * 1_000).into(), spread.events().into());
    let all = percentiles(spread).into_iter().chain([("promise_kept".into(), kept)]);
    all.map(move |(name, figure)| (format!("{start}_{name}").into(), figure))
}

/// Microseconds are millionths of seconds.
fn seconds(spread: &Spread, permille: u16) -> Figure {
    spread.quantile(permille).map_or(Figure::Null, |micros| Figure::Decimal(micros.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CORE-ALERT-2: rejections are over all that was received; duplicates are none of them.
    #[test]
    fn duplicates_are_no_rejections() {
        let outcomes =
            Outcomes { received: 10, applied: 3, duplicate: 5, conflict: 1, quarantined: 1, ..Outcomes::default() };
        let of = Received { outcomes, ..Received::default() };
        let (outcomes, of_outcomes) = ([Outcome::Quarantined, Outcome::Conflict].into(), [Outcome::Received].into());
        let answer = evaluate_own(&Formula::OutcomeRatio { outcomes, of_outcomes }, &of);
        assert_eq!(answer.value, Figure::ratio(2, 10));
    }

    /// CORE-MET-1: emission and receipt stand beside each other, and nothing measured is no number.
    #[test]
    fn emission_and_receipt_stand_apart() {
        let mut of = Received::default();
        let formula = Formula::Latency { starts: [LatencyStart::Emission, LatencyStart::Receipt].into() };
        assert_eq!(evaluate_own(&formula, &of).value, Figure::Null);
        (0..3).for_each(|_| of.latencies.emission.note(6_000_000));
        of.latencies.emission.note(1_000_000);
        (0..4).for_each(|_| of.latencies.receipt.note(1_000));
        let answer = evaluate_own(&formula, &of);
        assert_eq!(answer.beside["emission_promise_kept"], Figure::ratio(1, 4));
        assert_eq!(answer.beside["receipt_promise_kept"], Figure::ratio(4, 4));
        assert_eq!(answer.beside["receipt_p99"], Figure::Decimal(1_000));
        assert_eq!(answer.value, answer.beside["emission_p99"]);
    }
}
