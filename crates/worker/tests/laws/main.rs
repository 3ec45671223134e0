//! The laws over random histories of all modules: order, repetition and batches do not matter (law 3), what is live
//! equals what is recomputed (law 4), links come and go without a trace (law 5), every event has one outcome (law 2).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod histories;
#[path = "../../../central/tests/support/postgres.rs"]
mod pg_server;
mod pipelined;
mod postgres;
mod store;

use histories::{History, history};
use proptest::prelude::*;
use store::{Store, differences};

/// Delivers a history in batches of the given sizes, and gives the state that results.
fn deliver(history: &History, order: &[usize], batches: &[usize]) -> Store {
    deliver_to(Store::new(history.settings.clone()), history, order, batches)
}

fn deliver_to(mut store: Store, history: &History, order: &[usize], batches: &[usize]) -> Store {
    let mut rest = order;
    let mut sizes = batches.iter().copied().cycle();
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        store.apply(batch.iter().map(|index| history.copies[*index].clone()).collect());
        rest = later;
    }
    store
}

/// So many cases, or as many as `CEBE_LAW_CASES` says.
fn config(usual: u32) -> ProptestConfig {
    let cases = std::env::var("CEBE_LAW_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    ProptestConfig { cases, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(48))]

    /// Requirements CORE-CON-LATE, ANCHOR-RISK-8, ANCHOR-TP-4, IDEM-CONFLICT, CORE-RISK-6: whatever the order, however
    /// often each copy comes and however they are batched, the state is the same.
    #[test]
    fn order_repetition_and_batches_do_not_matter(
        history in history(60),
        seed in any::<u64>(),
        sizes in prop::collection::vec(1usize..20, 1..5),
    ) {
        let straight: Vec<usize> = (0..history.copies.len()).collect();
        let once = deliver(&history, &straight, &[1]);
        let order = histories::shuffled_with_repeats(history.copies.len(), seed);
        let again = deliver(&history, &order, &sizes);
        let found = differences(&once.state(), &again.state());
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
        prop_assert_eq!(once.log(), again.log());
    }

    /// Requirement VERIFY: incremental equals recomputed, after every history, and every received event has an outcome.
    #[test]
    fn live_equals_recomputed(history in history(60), seed in any::<u64>(), sizes in prop::collection::vec(1usize..20, 1..5)) {
        let order = histories::shuffled_with_repeats(history.copies.len(), seed);
        let store = deliver(&history, &order, &sizes);
        let report = store.verify();
        prop_assert!(report.is_clean(), "{:#?}", report);
    }

    /// Requirements ID-PERSON-FACT, ID-EXPLAIN, SEG-MERGE: links that are rejected leave facts and points as if they had
    /// never been; taking the correction back restores them. It does not matter when the correction comes.
    #[test]
    fn link_then_unlink_is_never_linked(history in history(40), cut in any::<prop::sample::Index>()) {
        let straight: Vec<usize> = (0..history.copies.len()).collect();
        let whole = deliver(&history, &straight, &[7]);
        let mut linked = deliver(&history, &straight, &[7]);
        linked.unlink(&history.all_links(), false);
        let mut early = deliver(&history, &straight[..cut.index(straight.len())], &[3]);
        early.unlink(&history.all_links(), false);
        early.apply_all(&history, &straight[cut.index(straight.len())..]);
        let without = history.without_identifiers();
        let never = deliver(&without, &straight, &[7]);
        let found = differences(&linked.numbers(), &never.numbers());
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
        let found = differences(&early.numbers(), &never.numbers());
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
        prop_assert!(linked.verify().is_clean());
        linked.unlink(&history.all_links(), true);
        let found = differences(&linked.state(), &whole.state());
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// Requirement PII-ERASE: an erasure keeps company totals, leaves nothing of the person, also not of what had expired,
    /// and verifies.
    #[test]
    fn erasure_keeps_totals(history in history(40), who in 0usize..4, cut in any::<prop::sample::Index>()) {
        let straight: Vec<usize> = (0..history.copies.len()).collect();
        let mut store = deliver(&history, &straight, &[9]);
        store.expire(history.copies[cut.index(history.copies.len())].event_at);
        let before = store.totals();
        store.erase(&histories::customer(who));
        let found = differences(&store.totals(), &before);
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
        prop_assert!(!store.mentions(&histories::customer(who)));
        let report = store.verify();
        prop_assert!(report.is_clean(), "{:#?}", report);
    }
}

// What is read while it is written, and what is left of half a fact, shows in few histories: more of them are tried.
proptest! {
    #![proptest_config(config(128))]

    /// Requirements CORE-LIFE-3, VERIFY: what expires changes no answer, neither about the company nor about its people,
    /// also when the company is rebuilt afterwards; and what comes later is counted as if nothing had been rebuilt.
    #[test]
    fn expiry_keeps_every_number(history in history(60), seed in any::<u64>(), cut in any::<prop::sample::Index>()) {
        let order = histories::shuffled_with_repeats(history.copies.len(), seed);
        let (first, rest) = order.split_at(cut.index(order.len()));
        let mut store = deliver(&history, first, &[9]);
        let before = (store.totals(), store.people());
        let mut rebuilt = deliver(&history, first, &[9]);
        let old = history.copies[cut.index(history.copies.len())].event_at;
        store.expire(old);
        rebuilt.expire(old);
        rebuilt.rebuild();
        for store in [&mut store, &mut rebuilt] {
            let found = [differences(&store.totals(), &before.0), differences(&store.people(), &before.1)].concat();
            prop_assert!(found.is_empty(), "{}", found.join("\n"));
            let report = store.verify();
            prop_assert!(report.is_clean(), "{:#?}", report);
            store.apply_all(&history, rest);
            let report = store.verify();
            prop_assert!(report.is_clean(), "{:#?}", report);
        }
        let found = [differences(&rebuilt.totals(), &store.totals()), differences(&rebuilt.people(), &store.people())];
        prop_assert!(found.concat().is_empty(), "{}", found.concat().join("\n"));
    }

    /// Requirements VERIFY, CORE-CON-LATE: the worker, which goes on with the next batch while the last is committed and
    /// steps companies side by side, ends where one event after the other does.
    #[test]
    fn commits_beside_steps_read_what_they_write(history in history(60), seed in any::<u64>(), size in 1usize..40) {
        let straight: Vec<usize> = (0..history.copies.len()).collect();
        let once = deliver(&history, &straight, &[1]);
        let order = histories::shuffled_with_repeats(history.copies.len(), seed);
        for state in pipelined::states(&history, &order, size) {
            let found = differences(&once.state(), &state);
            prop_assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }
}

/// A fact keeps its newest thousand entries; what falls off is sealed, whichever came first, and the numbers stay.
#[test]
fn a_long_fact_keeps_its_numbers() {
    let copies = histories::sends(1_300);
    let history = History { settings: cebe_catalog::CompanySettings::default(), copies };
    let forward: Vec<usize> = (0..history.copies.len()).collect();
    let backward: Vec<usize> = forward.iter().rev().copied().collect();
    let first = deliver(&history, &forward, &[500]);
    let second = deliver(&history, &backward, &[170]);
    assert_eq!(first.count_of("sends"), 1_300);
    assert_eq!(second.count_of("sends"), 1_300);
    assert_eq!(first.totals(), second.totals());
    assert!(first.verify().is_clean(), "{:#?}", first.verify());
    assert!(second.verify().is_clean(), "{:#?}", second.verify());
}
