//! Events and changes that tests are made of.

use cebe_catalog::{
    CompanyId, EventId, EventName, EventRecord, Lane, Micros, Node, SourceModule, Token,
    node::IdentifierKind,
    record::{Header, Reference},
};
use cebe_engine::{
    change::{Applied, Changes, Removed},
    rows::{Place, Seen, SeenKey},
};

/// 2026-01-15T00:00:00Z.
pub(crate) const JANUARY: Micros = Micros(1_768_435_200_000_000);

pub(crate) fn company() -> CompanyId {
    "acme".into()
}

pub(crate) fn customer(id: &str) -> Node {
    Node::Customer(id.into())
}

pub(crate) fn phone(byte: u8) -> Node {
    Node::Token(IdentifierKind::Phone, Token([byte; 16]))
}

pub(crate) fn place(index: u64) -> Place {
    Place { lane: Lane::Live, index }
}

pub(crate) fn event(company: &CompanyId, id: &str, anchor: Option<Node>, at: i64) -> EventRecord {
    let module = SourceModule::new("ticketing");
    EventRecord {
        header: Header { company: company.clone(), module, received_at: JANUARY, lane: Lane::Live },
        name: EventName::new("ticket.created"),
        id: EventId::new(id),
        derived: false,
        content: [7; 16],
        event_at: Micros(at),
        sent_at: None,
        anchor,
        identifiers: vec![phone(9)],
        references: Vec::new(),
        actor: None,
        trigger_from: None,
        description: Some(format!("words of {id}").into()),
        attributes: Vec::new(),
        warnings: Vec::new(),
    }
}

pub(crate) fn reference(anchor: Node) -> Reference {
    Reference { anchor, identifiers: Vec::new() }
}

pub(crate) fn seen_key(event: &EventRecord) -> SeenKey {
    let (company, module) = (event.header.company.clone(), event.header.module.clone());
    SeenKey { company, module, name: event.name.clone(), id: event.id.clone() }
}

pub(crate) fn seen(event: &EventRecord, place: Place, retired: bool) -> Seen {
    let (received_at, event_at) = (event.header.received_at, event.event_at);
    Seen { content: event.content, received_at, event_at, place, retired }
}

/// Applies events in one commit, at the places 0, 1, 2 … behind `first`.
pub(crate) fn applying(first: u64, events: &[EventRecord]) -> Changes {
    let places = (first..).map(place);
    let applied = events.iter().zip(places).map(|(event, place)| Applied { event: event.clone(), place }).collect();
    Changes { applied, positions: vec![place(first + events.len() as u64)], ..Changes::default() }
}

/// Takes an event out for ever.
pub(crate) fn retiring(event: &EventRecord) -> Removed {
    Removed { key: seen_key(event), seen: Some(seen(event, place(0), true)) }
}
