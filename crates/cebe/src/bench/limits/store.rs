//! The store alone: events that touch a node, a fact's worth of points and a day of activity each, committed as the
//! worker commits, without anything being read or decided.

use anyhow::{Context, Result};
use cebe_catalog::{
    EventId, EventName, EventRecord, Lane, Micros, Node, SourceModule, Value, record::Header, time::HOUR,
};
use cebe_central::{Central, Embedded, EmbeddedSettings};
use cebe_engine::{
    change::{Applied, Changes},
    rows::{ActivityKey, Marks, NodeKey, OutcomeKey, Outcomes, Place, Point, PointKey, Sum},
};
use std::sync::Arc;
use uuid::Builder;

const COMMIT_EVENTS: u64 = 20_000;
const CUSTOMERS: u64 = 2_500;
const START_MS: u64 = 1_768_435_200_000;

/// Commits so many events to a store in a temporary folder, and makes them durable.
pub(super) fn commit_all(events: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Embedded::open(folder.path(), EmbeddedSettings::default()).context("a new store does not open")?;
    for first in (0..events).step_by(COMMIT_EVENTS as usize) {
        store.commit(&changes(first..(first + COMMIT_EVENTS).min(events)))?;
    }
    store.persist()?;
    Ok(())
}

fn changes(numbers: std::ops::Range<u64>) -> Changes {
    let mut changes = Changes::default();
    let count = i64::try_from(numbers.end - numbers.start).unwrap_or_default();
    for number in numbers.clone() {
        let anchor = Node::Customer(format!("cust-{:07}", number.wrapping_mul(7_919) % CUSTOMERS).into());
        let at = Micros(i64::try_from((START_MS + number) * 1_000).unwrap_or_default());
        changes.nodes.push((NodeKey { company: "shop".into(), node: anchor.clone() }, Some(Arc::default())));
        let (component, day) = ("messages".into(), at.utc_day());
        changes
            .activity
            .push((ActivityKey { company: "shop".into(), component, day, anchor: anchor.clone() }, Marks::of_log(1)));
        let dimensions = vec![format!("campaign-{}", number % 40).into()];
        let bucket = Micros(at.0.div_euclid(HOUR) * HOUR);
        let key = PointKey { company: "shop".into(), component: "sent".into(), bucket, dimensions };
        changes.points.push((key, Point { live: Sum { sum: 1_000_000, count: 1 }, sealed: Sum::default() }));
        changes
            .applied
            .push(Applied { event: event(number, at, anchor), place: Place { lane: Lane::Live, index: number } });
    }
    let hour = Micros(i64::try_from(START_MS * 1_000).unwrap_or_default());
    let key = OutcomeKey { company: "shop".into(), module: "marketing".into(), hour };
    changes.outcomes.push((key, Outcomes { received: count, applied: count, ..Outcomes::default() }));
    changes.positions.push(Place { lane: Lane::Live, index: numbers.end });
    changes
}

fn event(number: u64, at: Micros, anchor: Node) -> EventRecord {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&mixed.to_le_bytes());
    let id = Builder::from_unix_timestamp_millis(START_MS + number, &random).into_uuid();
    let mut content = [0; 16];
    content[..8].copy_from_slice(&mixed.to_be_bytes());
    let text = |name: &str, value: String| (name.into(), Value::Text(value.into()));
    EventRecord {
        header: Header {
            company: "shop".into(),
            module: SourceModule::new("marketing"),
            received_at: at,
            lane: Lane::Live,
        },
        name: EventName::new("campaign.sent"),
        id: EventId::new(id.to_string()),
        derived: false,
        content,
        event_at: at,
        sent_at: None,
        anchor: Some(anchor),
        identifiers: Vec::new(),
        references: Vec::new(),
        actor: None,
        trigger_from: Some("system".into()),
        description: None,
        attributes: vec![
            text("campaign_id", format!("campaign-{}", number % 40)),
            text("channel", "whatsapp".to_owned()),
            text("broadcast_message_id", format!("broadcast-{mixed:x}")),
        ],
        warnings: Vec::new(),
    }
}
