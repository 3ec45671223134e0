//! Prints how many events a second the embedded store takes: synthetic commits, persisted every second as the worker
//! does. Arguments: events in all (default 200,000), events per commit (default 5,000).

use cebe_catalog::{
    EventId, EventName, EventRecord, Lane, Micros, Node, SourceModule, Token, Value, node::IdentifierKind,
    record::Header, time::HOUR,
};
use cebe_central::{Central, Embedded, EmbeddedSettings};
use cebe_engine::{
    change::{Applied, Changes},
    rows::{ActivityKey, Marks, NodeKey, OutcomeKey, Outcomes, Place, Point, PointKey, Sum},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const START: i64 = 1_768_435_200_000_000;
const CUSTOMERS: u64 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: u64 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let per_commit: u64 = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let store = Embedded::open(dir.path(), EmbeddedSettings::default())?;
    let (started, mut persisted, mut writing) = (Instant::now(), Instant::now(), Duration::ZERO);
    for first in (0..events).step_by(usize::try_from(per_commit)?) {
        let changes = changes(first..(first + per_commit).min(events));
        let before = Instant::now();
        store.commit(&changes)?;
        if persisted.elapsed() > Duration::from_secs(1) {
            store.persist()?;
            persisted = Instant::now();
        }
        writing += before.elapsed();
    }
    store.persist()?;
    let (facts, seconds) = (store.facts(), writing.as_secs_f64());
    println!("commits/s      {:.1}", facts.commits as f64 / seconds);
    println!("events/s       {:.0}", events as f64 / seconds);
    println!("bytes an event {:.0}", facts.bytes_on_disk as f64 / events as f64);
    println!("in all         {:.1} s", started.elapsed().as_secs_f64());
    drop(store);
    let opening = Instant::now();
    Embedded::open(dir.path(), EmbeddedSettings::default())?;
    println!("opening again  {:.2} s", opening.elapsed().as_secs_f64());
    Ok(())
}

/// A commit of one company: events of many customers, a node and an activity row for each, a few points.
fn changes(numbers: std::ops::Range<u64>) -> Changes {
    let mut changes = Changes::default();
    let count = (numbers.end - numbers.start).cast_signed();
    for number in numbers.clone() {
        let anchor = Node::Customer(format!("customer-{:06}", scattered(number) % CUSTOMERS).into());
        let day = Micros(START).utc_day();
        let key = NodeKey { company: "demo".into(), node: anchor.clone() };
        changes.nodes.push((key, Some(Arc::default())));
        let activity = ActivityKey { company: "demo".into(), component: "seen".into(), day, anchor: anchor.clone() };
        changes.activity.push((activity, Marks::of_log(1)));
        let dimensions = vec![format!("campaign-{}", number % 40).into()];
        let bucket = Micros(START + (number % 3) as i64 * HOUR);
        let point = PointKey { company: "demo".into(), component: "sent".into(), bucket, dimensions };
        changes.points.push((point, Point { live: Sum { sum: 1_000_000, count: 1 }, sealed: Sum::default() }));
        changes
            .applied
            .push(Applied { event: event(number, anchor), place: Place { lane: Lane::Live, index: number } });
    }
    let hour = OutcomeKey { company: "demo".into(), module: "campaign".into(), hour: Micros(START) };
    changes.outcomes.push((hour, Outcomes { received: count, applied: count, ..Outcomes::default() }));
    changes.positions.push(Place { lane: Lane::Live, index: numbers.end });
    changes
}

fn event(number: u64, anchor: Node) -> EventRecord {
    let at = Micros(START + number as i64 * 1_000);
    let text = |text: String| Value::Text(text.into());
    let mut content = [0; 16];
    content[..8].copy_from_slice(&scattered(number).to_le_bytes());
    content[8..].copy_from_slice(&scattered(number + 7).to_le_bytes());
    EventRecord {
        header: Header {
            company: "demo".into(),
            module: SourceModule::new("campaign"),
            received_at: at,
            lane: Lane::Live,
        },
        name: EventName::new("broadcast.sent"),
        id: EventId::new(uuid(number)),
        derived: false,
        content,
        event_at: at,
        sent_at: Some(at),
        anchor: Some(anchor),
        identifiers: vec![Node::Token(IdentifierKind::Phone, Token(content))],
        references: Vec::new(),
        actor: None,
        trigger_from: Some("broadcast".into()),
        description: None,
        attributes: vec![
            ("campaign_id".into(), text(format!("campaign-{}", number % 40))),
            ("channel".into(), text("whatsapp".into())),
            ("message_id".into(), text(format!("message-{:x}", scattered(number)))),
            ("template".into(), text(format!("template-{}", number % 7))),
        ],
        warnings: Vec::new(),
    }
}

/// The text of a UUIDv7 whose time rises with the number.
fn uuid(number: u64) -> String {
    let (millis, tail) = (START as u64 / 1_000 + number, scattered(number));
    format!("{:08x}-{:04x}-7000-8{:03x}-{:012x}", millis >> 16, millis & 0xffff, tail & 0xfff, tail >> 16)
}

/// Numbers that look random and come out the same on every run.
fn scattered(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
