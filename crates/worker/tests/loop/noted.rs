//! What the worker notes in the commit itself: latencies, last seen, rejections by cause.

use crate::rig::{Rig, at, company, event};
use cebe_catalog::{
    CompanySettings, Lane, Micros, QuarantineCode, Record,
    control::Change,
    record::{Header, QuarantineRecord},
    time::{HOUR, MINUTE},
};
use cebe_central::Order;
use cebe_engine::{
    change::{ControlKind, ControlRow},
    latency::Latencies,
    rows::LastSeen,
};
use cebe_worker::notes::REJECTED;
use serde_json::{Value, json};
use std::ops::ControlFlow::Continue;

const SECOND: i64 = 1_000_000;

fn changed(record: Record, change: impl Fn(&mut cebe_catalog::EventRecord)) -> Record {
    let mut record = record;
    if let Record::Event(event, _) = &mut record {
        change(event);
    }
    record
}

fn refused(receipt: &str, code: QuarantineCode) -> Record {
    let header = Header { company: company(), module: "cdp".into(), received_at: at(), lane: Lane::Live };
    Record::Quarantined(Box::new(QuarantineRecord {
        header,
        receipt: receipt.into(),
        name: None,
        id: None,
        code,
        path: None,
        hint: code.hint().into(),
        body: Vec::new(),
        key_id: "k".into(),
    }))
}

fn latencies(rig: &Rig) -> Vec<(Micros, Latencies)> {
    let mut rows = Vec::new();
    let visit = &mut |key: &cebe_engine::rows::OutcomeKey, row: &Latencies| {
        rows.push((key.hour, row.clone()));
        Continue(())
    };
    rig.snapshot().latencies_of(&company(), &"cdp".into(), Micros::MIN, Micros::END, visit).unwrap();
    rows
}

fn rejections(rig: &Rig) -> Vec<Value> {
    let mut rows = Vec::new();
    let visit = &mut |_: &str, row| {
        if let ControlRow::Operation(record) = row
            && let Change::Operation(operation) = &record.change
            && operation.kind == REJECTED
        {
            rows.push(serde_json::from_str(&operation.json).unwrap());
        }
        Continue(())
    };
    rig.snapshot().control_all(ControlKind::Operation, "", Order::Forward, visit).unwrap();
    rows
}

/// CORE-MET-1: from emission and from receipt apart, in the commit that applies the event, once; never for backfill.
#[test]
fn latencies_are_measured_from_emission_and_from_receipt() {
    let rig = Rig::new(CompanySettings::default());
    let sent = changed(event("customer.created", "e1", "cust-1"), |event| {
        event.sent_at = Some(Micros(event.header.received_at.0 - 3 * SECOND));
    });
    let ahead = changed(event("customer.created", "e2", "cust-2"), |event| {
        event.sent_at = Some(Micros(event.header.received_at.0 + HOUR));
    });
    rig.push(Lane::Live, vec![sent.clone(), ahead, sent]);
    let backfilled = changed(event("customer.created", "e3", "cust-3"), |event| event.header.lane = Lane::Backfill);
    rig.push(Lane::Backfill, vec![backfilled]);
    rig.worker_at(at().plus(SECOND)).drain().unwrap();
    let rows = latencies(&rig);
    let [(hour, row)] = &rows[..] else { panic!("one hour: {rows:?}") };
    assert_eq!(hour.0 % HOUR, 0);
    let within = |seconds| (row.emission.within(seconds * SECOND), row.receipt.within(seconds * SECOND));
    assert_eq!((row.emission.events(), row.receipt.events()), (2, 2), "a duplicate and backfill are not measured");
    assert_eq!((within(1), within(3), within(4)), ((1, 2), (1, 2), (2, 2)));
}

/// ANCHOR-MET-1: a name is seen when it arrives, and applied when it is applied; an ignored event has no name.
#[test]
fn names_are_last_seen_when_they_arrive() {
    let rig = Rig::new(CompanySettings::default());
    let later = |record, by| changed(record, |event| event.header.received_at = at().plus(by));
    let created = event("customer.created", "e1", "cust-1");
    rig.push(Lane::Live, vec![created.clone(), later(created, SECOND)]);
    let header = Header { company: company(), module: "cdp".into(), received_at: at().plus(9), lane: Lane::Live };
    rig.push(Lane::Live, vec![Record::Ignored(header)]);
    rig.drain();
    let rows = rig.snapshot().last_seen(&company(), &"cdp".into()).unwrap();
    let seen: Vec<(&str, LastSeen)> = rows.iter().map(|(key, row)| (key.name.as_str(), *row)).collect();
    let row = |received_at, applied_at| LastSeen { received_at: Some(received_at), applied_at };
    assert_eq!(seen[0], ("", row(at().plus(9), None)));
    assert_eq!(seen[1], ("customer.created", row(at().plus(SECOND), Some(at()))), "the later copy is a duplicate");
}

/// CORE-OBS-2, CORE-B1-b: rejections are operating events by cause, one row a company and minute; a duplicate has a reason
/// of its own.
#[test]
fn rejections_are_told_by_cause_once_a_minute() {
    let rig = Rig::new(CompanySettings::default());
    let mut worker = rig.worker_at(at());
    rig.push(Lane::Live, vec![refused("r1", QuarantineCode::InvalidEnum), refused("r2", QuarantineCode::InvalidEnum)]);
    worker.drain().unwrap();
    let created = event("customer.created", "e1", "cust-1");
    rig.push(Lane::Live, vec![refused("r3", QuarantineCode::UnknownEvent), created.clone(), created]);
    worker.drain().unwrap();
    let told = rejections(&rig);
    let cause = |reason: &str, events: u64| json!({ "source_module": "cdp", "reason": reason, "events": events });
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["events"], 4);
    let causes = json!([cause("duplicate", 1), cause("invalid_enum", 2), cause("unknown_event", 1)]);
    assert_eq!(told[0]["causes"], causes);
    rig.push(Lane::Live, vec![refused("r4", QuarantineCode::InvalidEnum)]);
    rig.worker_at(at().plus(MINUTE)).drain().unwrap();
    rig.push(Lane::Live, vec![refused("r5", QuarantineCode::InvalidEnum)]);
    rig.worker_at(at().plus(MINUTE)).drain().unwrap();
    let events: Vec<u64> = rejections(&rig).iter().filter_map(|row| row["events"].as_u64()).collect();
    assert_eq!(events, [4, 1, 1], "another minute, and another process in it, open rows of their own");
}
