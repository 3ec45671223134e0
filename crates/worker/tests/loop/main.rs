//! The loop between a real queue and a real store, both in memory: nothing is lost or doubled across restarts, control
//! records take effect in queue order, and a record the engine fails on does not stop the rest.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod frames;
mod noted;
mod rig;

use cebe_catalog::{
    CompanySettings, Lane, Micros, Record,
    control::{Change, ControlRecord, Operation},
};
use cebe_central::Order;
use cebe_engine::{
    change::{ControlKind, ControlRow},
    rows::Outcomes,
};
use rig::{Rig, event};
use std::ops::ControlFlow;

fn outcomes(rig: &Rig) -> Outcomes {
    let mut all = Outcomes::default();
    rig.snapshot()
        .outcomes(&mut |_, outcomes| {
            all.add(*outcomes);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    all
}

/// Requirements CORE-S01-AC2, CORE-B1-c: the same key a hundred times is one event and 99 duplicates.
#[test]
fn one_key_is_applied_once() {
    let rig = Rig::new(CompanySettings::default());
    let copy = event("customer.created", "e1", "cust-1");
    for _ in 0..10 {
        rig.push(Lane::Live, (0..10).map(|_| copy.clone()).collect());
        rig.drain();
    }
    let outcomes = outcomes(&rig);
    assert_eq!((outcomes.received, outcomes.applied, outcomes.duplicate), (100, 1, 99));
    assert!(outcomes.balanced());
}

/// Requirement IDEM-CONFLICT: other content under the same key is kept as a conflict, never applied.
#[test]
fn other_content_under_one_key_is_a_conflict() {
    let rig = Rig::new(CompanySettings::default());
    let first = event("customer.created", "e1", "cust-1");
    let mut second = first.clone();
    if let Record::Event(event, _) = &mut second {
        event.content = [9; 16];
        event.header.received_at = Micros(event.header.received_at.0 + 1);
    }
    rig.push(Lane::Live, vec![first, second]);
    rig.drain();
    assert_eq!((outcomes(&rig).applied, outcomes(&rig).conflict), (1, 1));
    assert_eq!(rig.snapshot().conflicts(&rig::company(), None, 10).unwrap().len(), 1);
}

/// Law 6 of the commit: position and rows move together, so a new worker goes on where the old one stopped.
#[test]
fn a_new_worker_goes_on_where_the_store_says() {
    let rig = Rig::new(CompanySettings::default());
    for round in 0..5 {
        let events = (0..7).map(|n| event("customer.created", &format!("e{round}-{n}"), "cust-1")).collect();
        rig.push(if round % 2 == 0 { Lane::Live } else { Lane::Backfill }, events);
        rig.turn();
    }
    rig.drain();
    rig.drain();
    assert_eq!((outcomes(&rig).received, outcomes(&rig).applied), (35, 35));
}

/// A record that the engine cannot bear ends as one `engine_fault`; its batch and its lane go on.
#[test]
fn a_poison_record_is_set_aside_alone() {
    let rig = Rig::poisoned(CompanySettings::default(), "poison");
    let names = ["a", "b", "poison", "c", "d", "e", "f"];
    rig.push(Lane::Live, names.iter().map(|id| event("customer.created", id, id)).collect());
    rig.drain();
    let outcomes = outcomes(&rig);
    assert_eq!((outcomes.received, outcomes.applied, outcomes.quarantined), (7, 6, 1));
    let refused = rig.snapshot().quarantine(&rig::company(), None, 10).unwrap();
    assert_eq!(refused[0].code, cebe_catalog::QuarantineCode::EngineFault);
    assert_eq!(refused[0].id.as_ref().unwrap().as_str(), "poison");
}

/// A record that the store refuses, in either lane, ends the same way; what stands before and behind it is applied.
#[test]
fn a_record_that_the_store_refuses_is_set_aside_alone() {
    for lane in [Lane::Live, Lane::Backfill] {
        let rig = Rig::refusing("poison");
        let names = ["a", "b", "poison", "c", "d", "e", "f"];
        rig.push(Lane::Live, vec![event("customer.created", "first", "first")]);
        rig.push(lane, names.iter().map(|id| event("customer.created", id, id)).collect());
        let error = rig.try_drain().unwrap_err();
        assert!(cebe_worker::refused::is_refused(&error), "{error}");
        let place = rig.set_aside().unwrap().unwrap();
        assert_eq!(place.lane, lane);
        rig.drain();
        let outcomes = outcomes(&rig);
        assert_eq!((outcomes.received, outcomes.applied, outcomes.quarantined), (8, 7, 1));
        let refused = rig.snapshot().quarantine(&rig::company(), None, 10).unwrap();
        assert_eq!((refused.len(), refused[0].code), (1, cebe_catalog::QuarantineCode::EngineFault));
        assert_eq!(refused[0].id.as_ref().unwrap().as_str(), "poison");
        assert_eq!(rig.set_aside().unwrap(), None, "nothing is left to refuse");
    }
}

/// Bytes that no release like this one wrote stop the worker; nothing is skipped.
#[test]
fn a_record_of_a_newer_release_stops_the_worker() {
    let rig = Rig::new(CompanySettings::default());
    rig.push_bytes(Lane::Live, vec![vec![200, 1, 2]]);
    let error = rig.try_drain().unwrap_err().to_string();
    assert!(error.contains("nothing was skipped"), "{error}");
}

/// Requirement CORE-LIFE-1, CORE-LIFE-3: expiry takes events out of the log and keeps lifetime numbers; a clock that
/// jumps ahead stops it until the next tick confirms.
#[test]
fn retention_seals_what_it_takes_out() {
    let rig = Rig::new(CompanySettings { retention_months: 1, ..CompanySettings::default() });
    rig.push(Lane::Live, (0..20).map(|n| event("customer.created", &format!("e{n}"), &format!("cust-{n}"))).collect());
    rig.drain();
    let before = rig.totals();
    assert!(!before.is_empty());
    let later = rig::at().plus(60 * cebe_catalog::time::DAY);
    rig.tick(rig::at());
    rig.tick(later);
    assert_eq!(rig.log_len(), 20, "a jump of sixty days is not believed at once");
    rig.tick(later.plus(cebe_catalog::time::HOUR));
    assert_eq!(rig.log_len(), 0);
    assert_eq!(rig.totals(), before);
    rig.push(Lane::Live, vec![event("customer.created", "e3", "cust-3")]);
    rig.drain();
    assert_eq!(outcomes(&rig).duplicate, 1, "a late copy of an expired event is still a duplicate");
}

/// Requirement CORE-LIFE-3: expiry keeps who is who, so a recomputation starts from that: two accounts that only an expired
/// event joined are one person who has a ticket, then as before, and after the company was rebuilt.
#[test]
fn a_recomputation_knows_who_is_who_from_events_that_expired() {
    let rig = Rig::new(CompanySettings { retention_months: 1, ..CompanySettings::default() });
    let later = rig::at().plus(60 * cebe_catalog::time::DAY);
    rig.push(Lane::Live, vec![rig::linked("customer.created", "e1", "a", "b")]);
    rig.push(Lane::Live, vec![rig::ticket("t1", "a", later), rig::ticket("t2", "b", later)]);
    rig.drain();
    let people = |rig: &Rig| rig.live("customers_with_ticket");
    assert_eq!(people(&rig), 1);
    rig.tick(rig::at());
    rig.tick(later);
    rig.tick(later.plus(cebe_catalog::time::HOUR));
    assert_eq!((rig.log_len(), people(&rig)), (2, 1));
    let report = rig.verify();
    assert!(report.is_clean(), "{:?}", report.differences);
    rig.rebuild();
    assert_eq!(people(&rig), 1);
    let report = rig.verify();
    assert!(report.is_clean(), "{:?}", report.differences);
}

/// Requirements CORE-LIFE-3, CORE-CON-LATE: what a worker keeps of rows in memory is what the store holds, also after events
/// expired and after a recomputation: one that lives through all of it leaves what workers leave that begin anew each time.
#[test]
fn a_worker_that_lives_on_knows_what_expiry_and_recomputation_change() {
    let lived = |anew: bool| {
        let settings = CompanySettings { retention_months: 1, ..CompanySettings::default() };
        let rig = Rig::new(settings.clone());
        let mut worker = rig.worker_at(rig::at());
        let mut push = |record: Record| {
            rig.push(Lane::Live, vec![record]);
            if anew { rig.drain() } else { worker.drain().unwrap() }
        };
        push(rig::ticket("t", "a", rig::at()));
        push(rig::called("call-1", "a", 1));
        push(rig::called("call-2", "a", 2));
        let later = rig::at().plus(60 * cebe_catalog::time::DAY);
        for at in [rig::at(), later, later.plus(cebe_catalog::time::HOUR)] {
            push(Record::Tick(at));
        }
        push(rig::under_another_id(rig::ticket("t", "a", later), "t again"));
        let state = || cebe_worker::verify::state(&rig.snapshot(), &rig::company()).unwrap();
        let after_expiry = state();
        let one_phone_each = CompanySettings { customer_values_max: 1, ..settings };
        let change = Change::Company { id: rig::company(), settings: one_phone_each, secrets: None };
        push(Record::Control(Box::new(ControlRecord { received_at: later, by: "test".into(), change })));
        push(rig::called("call-3", "a", 1));
        [after_expiry, state()]
    };
    assert_eq!(lived(false), lived(true));
}

/// Requirement RETN-VAULT (quarantine): a refused event is kept thirty days, and no longer.
#[test]
fn quarantine_is_forgotten_after_thirty_days() {
    let rig = Rig::new(CompanySettings { retention_months: 0, ..CompanySettings::default() });
    rig.push(Lane::Live, vec![rig::refused()]);
    rig.tick(rig::at());
    assert_eq!(rig.snapshot().quarantine(&rig::company(), None, 10).unwrap().len(), 1);
    for day in 1..=31 {
        rig.tick(rig::at().plus(day * cebe_catalog::time::DAY));
    }
    assert!(rig.snapshot().quarantine(&rig::company(), None, 10).unwrap().is_empty());
}

/// Requirement CORE-S01-AC3-a: live records are in the next commit, however much history waits; history is in it too.
#[test]
fn live_never_waits_behind_history() {
    let rig = Rig::new(CompanySettings::default());
    let history = |n: u64| event("customer.created", &format!("old-{n}"), &format!("old-{}", n % 50));
    rig.push(Lane::Backfill, (0..45_000).map(history).collect());
    rig.push(Lane::Live, (0..100).map(|n| event("customer.created", &format!("new-{n}"), "new")).collect());
    // The second batch is read while the first is committed.
    rig.turns(2);
    let seen = |id: &str| {
        let (company, module) = (rig::company(), "cdp".into());
        let key = cebe_engine::rows::SeenKey { company, module, name: "customer.created".into(), id: id.into() };
        rig.snapshot().seen(&key).unwrap().is_some()
    };
    assert!((0..100).all(|n| seen(&format!("new-{n}"))));
    assert!(seen("old-0") && !seen("old-44999"));
}

/// Requirement RETN-VAULT (conflicts, operating events, audits): each is kept for its time and goes with a tick.
#[test]
fn evidence_and_audits_are_forgotten_after_their_time() {
    let rig = Rig::new(CompanySettings { retention_months: 0, ..CompanySettings::default() });
    let operation = |kind: &str| {
        let operation = Operation { kind: kind.into(), company: Some(rig::company()), json: "{}".into() };
        let change = Change::Operation(operation);
        Record::Control(Box::new(ControlRecord { received_at: rig::at(), by: "k".into(), change }))
    };
    let mut other = rig::event("customer.created", "e1", "a");
    if let Record::Event(event, _) = &mut other {
        event.content = [2; 16];
    }
    rig.push(Lane::Live, vec![rig::event("customer.created", "e1", "a"), other]);
    rig.push(Lane::Live, vec![operation("cebe_propagation_slo_breach"), operation("pii_revealed")]);
    rig.tick(rig::at());
    let kept = |days: i64| {
        let then = rig::at().plus(days * cebe_catalog::time::DAY);
        // The first is a jump ahead, the second confirms it.
        rig.tick(then);
        rig.tick(then.plus(cebe_catalog::time::HOUR));
        let now = rig.snapshot();
        let mut operations = 0;
        now.control_all(ControlKind::Operation, "", Order::Forward, &mut |_, row| {
            // The company's making is an audit too.
            let counts = matches!(&row, ControlRow::Operation(record) if matches!(record.change, Change::Operation(_)));
            operations += usize::from(counts);
            ControlFlow::Continue(())
        })
        .unwrap();
        (now.conflicts(&rig::company(), None, 10).unwrap().len(), operations)
    };
    // The conflict is told as a rejection too.
    assert_eq!(kept(89), (1, 3));
    assert_eq!(kept(91), (0, 1), "evidence and operating events go, the audit stays");
    assert_eq!(kept(729), (0, 1));
    assert_eq!(kept(731), (0, 0));
    assert_eq!(rig.log_len(), 1);
}
