//! A store in memory that tests fill by hand, and requests to the room over it.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test file uses its part")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use cebe_catalog::{
    CompanyId, CompanySettings, Definitions, EventId, EventName, EventRecord, Lane, Micros, Node, SourceModule, Token,
    Value, control::Operation, node::IdentifierKind, record::Header, time::Day,
};
use cebe_central::{Central, Memory, Snapshot, StoreError, StoreFacts};
use cebe_engine::{
    change::{Applied, Changes, CompanyRow, ControlChange, ControlKind, ControlRow},
    entry::{Entry, Rank},
    rows::{
        ActivityKey, Evidence, FactKey, FactRow, HeldKey, Marks, NodeKey, NodeRow, Owner, Place, Point, PointKey, Sum,
    },
};
use cebe_privacy::{
    access::{Grant, Role, Scope, TeamView},
    keys::{CompanyKeys, MasterKey},
    seal, token,
};
use cebe_retriever::{Freshness, ReadSettings, Reads, router_with};
use serde_json::Value as Json;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

/// When tests happen.
pub const NOW: &str = "2026-03-20T12:00:00Z";

pub fn at(text: &str) -> Micros {
    Micros::parse(text).unwrap()
}

pub fn master() -> MasterKey {
    MasterKey::new([7; 64])
}

pub fn company_keys() -> CompanyKeys {
    CompanyKeys::from_random([9; 128])
}

pub fn phone_node(e164: &str) -> Node {
    Node::Token(IdentifierKind::Phone, Token(token::token(&company_keys(), "phone", e164)))
}

pub fn customer(id: &str) -> Node {
    Node::Customer(id.into())
}

/// A store that can be made to block.
pub struct Store {
    pub memory: Memory,
    pub gate: Mutex<Option<std::sync::mpsc::Receiver<()>>>,
}

impl Central for Store {
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let gate = self.gate.lock().unwrap().take();
        if let Some(gate) = gate {
            // Ends when the test drops its end.
            let _ = gate.recv();
        }
        self.memory.snapshot()
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.memory.commit(changes)
    }

    fn persist(&self) -> Result<Vec<Place>, StoreError> {
        self.memory.persist()
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<(), StoreError> {
        self.memory.replace_derived(company, from)
    }

    fn facts(&self) -> StoreFacts {
        self.memory.facts()
    }
}

/// The room over a store.
pub struct World {
    pub store: Arc<Store>,
    pub audits: Arc<Mutex<Vec<(Operation, String)>>>,
    pub audit_fails: Arc<Mutex<bool>>,
    pub freshness: Arc<Mutex<Freshness>>,
    pub router: Router,
}

impl World {
    pub fn new() -> Self {
        Self::with_deadline(std::time::Duration::from_secs(30))
    }

    pub fn with_deadline(deadline: std::time::Duration) -> Self {
        let store = Arc::new(Store { memory: Memory::new(), gate: Mutex::default() });
        let audits = Arc::new(Mutex::new(Vec::new()));
        let audit_fails = Arc::new(Mutex::new(false));
        let fresh = Freshness { as_of: at(NOW), lag_ms: 0, stale: false };
        let freshness = Arc::new(Mutex::new(fresh));
        let (kept, fails, fresh) = (audits.clone(), audit_fails.clone(), freshness.clone());
        let reads = Reads {
            central: store.clone(),
            definitions: Arc::new(Definitions::standard().clone()),
            master: Arc::new(master()),
            clock: Arc::new(|| at(NOW)),
            freshness: Arc::new(move || *fresh.lock().unwrap()),
            audit: Arc::new(move |operation, by| {
                let (kept, fails) = (kept.clone(), fails.clone());
                Box::pin(async move {
                    if *fails.lock().unwrap() {
                        return Err("the queue is full".into());
                    }
                    kept.lock().unwrap().push((operation, by));
                    Ok(())
                })
            }),
        };
        let settings = ReadSettings { deadline, ..ReadSettings::default() };
        let router = router_with(reads, settings);
        let world = Self { store, audits, audit_fails, freshness, router };
        world.company("acme", CompanySettings { currency: "USD".into(), ..CompanySettings::default() });
        world
    }

    pub fn company(&self, id: &str, settings: CompanySettings) {
        let row = CompanyRow {
            settings,
            secrets: company_keys().wrap(&master()),
            created_at: at("2026-01-01T00:00:00Z"),
            rebuilding: false,
        };
        self.control(ControlKind::Company, id, ControlRow::Company(row));
    }

    pub fn control(&self, kind: ControlKind, id: &str, row: ControlRow) {
        self.commit(Changes {
            control: vec![ControlChange { kind, id: id.into(), row: Some(row) }],
            ..Changes::default()
        });
    }

    pub fn commit(&self, changes: Changes) {
        self.store.commit(&changes).unwrap();
    }

    /// Adds to a point of `acme`.
    pub fn point(&self, component: &str, bucket: &str, dimensions: &[&str], sum: i128, count: i64) {
        self.point_of("acme", component, bucket, dimensions, sum, count);
    }

    pub fn point_of(&self, company: &str, component: &str, bucket: &str, dimensions: &[&str], sum: i128, count: i64) {
        let key = PointKey {
            company: company.into(),
            component: component.into(),
            bucket: at(bucket),
            dimensions: dimensions.iter().map(|value| (*value).into()).collect(),
        };
        let point = Point { live: Sum { sum, count }, sealed: Sum::default() };
        self.commit(Changes { points: vec![(key, point)], ..Changes::default() });
    }

    pub fn active(&self, component: &str, day: &str, anchor: &Node) {
        let key = ActivityKey {
            company: "acme".into(),
            component: component.into(),
            day: Day::parse(day).unwrap(),
            anchor: anchor.clone(),
        };
        self.commit(Changes { activity: vec![(key, Marks::of_log(1))], ..Changes::default() });
    }

    /// Makes nodes one customer.
    pub fn together(&self, nodes: &[Node]) {
        let mut sorted = nodes.to_vec();
        sorted.sort();
        let row = |node: &Node| {
            let together = if sorted.len() > 1 { together(&sorted, node) } else { Vec::new() };
            (
                NodeKey { company: "acme".into(), node: node.clone() },
                Some(NodeRow { together, seen: stored(), ..NodeRow::default() }.into()),
            )
        };
        self.commit(Changes { nodes: nodes.iter().map(row).collect(), ..Changes::default() });
    }

    pub fn event(&self, event: EventRecord, index: u64) {
        let place = Place { lane: Lane::Live, index };
        self.commit(Changes { applied: vec![Applied { event, place }], ..Changes::default() });
    }

    /// Gives a customer a sealed profile field.
    pub fn sealed_field(&self, anchor: &Node, name: &str, mask: &str, class: cebe_catalog::PiiClass, plain: &str) {
        let keys = company_keys();
        let token = Token(token::token(&keys, class.as_str(), plain));
        let sealed = seal::seal(&keys, &token.0, plain.as_bytes());
        let value = Value::Sealed { mask: mask.into(), token, class };
        let key = FactKey {
            company: "acme".into(),
            owner: Owner::Anchor(anchor.clone()),
            fact: "field".into(),
            key: name.into(),
        };
        let entry = Entry {
            rank: Rank { at: at("2026-01-05T00:00:00Z"), order: 0, version: 0, id: EventId::new("e") },
            event: "customer.created".into(),
            step: "set".into(),
            anchor: Some(anchor.clone()),
            customers: Vec::new(),
            fields: vec![("name".into(), Value::Text(name.into())), ("value".into(), value)],
        };
        self.commit(Changes {
            facts: vec![(key, Some(FactRow { entries: vec![entry], truncated: 0 }.into()))],
            vault: vec![("acme".into(), token, sealed)],
            ..Changes::default()
        });
    }

    /// Payments of 10.00 each on 1 March that concern a node.
    pub fn payments(&self, anchor: &Node, ids: &[&str]) {
        for id in ids {
            let (company, fact, key) = (CompanyId::new("acme"), "payment".into(), (*id).into());
            let held = HeldKey { company: company.clone(), anchor: anchor.clone(), fact, key };
            let key = FactKey { company, owner: Owner::Entity, fact: held.fact.clone(), key: held.key.clone() };
            let entry = Entry {
                rank: Rank { at: at("2026-03-01T00:00:00Z"), order: 3, version: 0, id: EventId::new(id) },
                event: "order.paid".into(),
                step: "paid".into(),
                anchor: Some(anchor.clone()),
                customers: Vec::new(),
                fields: vec![("amount".into(), Value::Decimal(cebe_catalog::Amount(10_000_000)))],
            };
            let row = FactRow { entries: vec![entry], truncated: 0 };
            self.commit(Changes { facts: vec![(key, Some(row.into()))], held: vec![held], ..Changes::default() });
        }
    }

    /// Puts the value of an identifier in the vault.
    pub fn identifier(&self, node: &Node, plain: &str) {
        let Node::Token(_, token) = node else { panic!("a customer id has no vault value") };
        let sealed = seal::seal(&company_keys(), &token.0, plain.as_bytes());
        self.commit(Changes { vault: vec![("acme".into(), *token, sealed)], ..Changes::default() });
    }

    pub fn get(&self, grant: &Grant, uri: &str) -> (StatusCode, Json) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let request = Request::get(uri).extension(grant.clone()).body(Body::empty()).unwrap();
        let reply = runtime.block_on(async {
            let reply = self.router.clone().oneshot(request).await.unwrap();
            let status = reply.status();
            (status, to_bytes(reply.into_body(), usize::MAX).await.unwrap())
        });
        runtime.shutdown_background();
        (reply.0, serde_json::from_slice(&reply.1).unwrap_or(Json::Null))
    }

    /// An answer that must be there.
    pub fn ok(&self, uri: &str) -> Json {
        let (status, json) = self.get(&reader(), uri);
        assert_eq!(status, StatusCode::OK, "{uri}: {json}");
        json
    }
}

/// That an event was stored under a node.
pub fn stored() -> Evidence {
    Evidence { count: 1, ..Evidence::default() }
}

/// What the row of one of a customer's nodes says of the others, as the engine writes it; `all` are sorted.
pub fn together(all: &[Node], node: &Node) -> Vec<Node> {
    if all[0] == *node { all.to_vec() } else { vec![all[0].clone()] }
}

pub fn reader() -> Grant {
    Grant {
        key_id: "k-reader".into(),
        role: Role::Reader,
        companies: Scope::Only(vec!["acme".into()]),
        modules: Scope::All,
        teams: vec![TeamView::everything()],
        reveal: false,
    }
}

/// An event of `acme`.
pub fn event(id: &str, name: &str, module: &str, when: Micros, anchor: Node) -> EventRecord {
    EventRecord {
        header: Header {
            company: CompanyId::new("acme"),
            module: SourceModule::new(module),
            received_at: when,
            lane: Lane::Live,
        },
        name: EventName::new(name),
        id: EventId::new(id),
        derived: false,
        content: [0; 16],
        event_at: when,
        sent_at: None,
        anchor: Some(anchor),
        identifiers: Vec::new(),
        references: Vec::new(),
        actor: None,
        trigger_from: None,
        description: None,
        attributes: Vec::new(),
        warnings: Vec::new(),
    }
}
