//! Random histories: events of every definition in the catalog, with few customers, few business ids and few instants,
//! so that everything meets everything.

use cebe_catalog::{
    Amount, CompanySettings, Definitions, EventRecord, IdentifierKind, Lane, Micros, Node, Token, Value,
    definition::{Attribute, AttributeType, Concern},
    record::{Header, Reference},
    time::{DAY, HOUR},
};
use proptest::prelude::*;
use smol_str::SmolStr;

/// A history: copies of events, some of them conflicting.
#[derive(Clone, Debug)]
pub struct History {
    pub settings: CompanySettings,
    pub copies: Vec<EventRecord>,
}

/// The company of every history.
pub const COMPANY: &str = "c";

pub fn customer(n: usize) -> Node {
    Node::Customer(format!("cust-{n}").into())
}

fn token(kind: IdentifierKind, n: u8) -> Node {
    Node::Token(kind, Token([n; 16]))
}

/// Up to `events` events, with a tenth of conflicting copies.
pub fn history(events: usize) -> impl Strategy<Value = History> {
    let names: Vec<SmolStr> = Definitions::standard().events.keys().cloned().collect();
    let event = (prop::sample::select(names), any::<u64>(), any::<u64>()).prop_map(|(name, a, b)| make(&name, a, b));
    let limits = prop_oneof![Just(5u32), Just(2), Just(1)];
    (
        prop::collection::vec(event, 1..events),
        limits,
        prop::sample::select(vec!["UTC", "Asia/Kolkata", "America/New_York"]),
    )
        .prop_map(|(copies, limit, zone)| {
            let mut settings =
                CompanySettings { time_zone: zone.into(), attribute_deals: limit == 2, ..CompanySettings::default() };
            settings.identity_limits.insert(IdentifierKind::Phone, limit);
            let copies = distinct_receipts(copies);
            History { settings, copies }
        })
}

/// Copies of one key that differ in content are received at different instants or differ in content; equal ones repeat.
fn distinct_receipts(mut copies: Vec<EventRecord>) -> Vec<EventRecord> {
    for (index, copy) in copies.iter_mut().enumerate() {
        let jitter = i64::try_from(index % 7).unwrap_or(0);
        copy.header.received_at = Micros(2_000 * DAY + jitter);
    }
    copies
}

/// A small generator: deterministic choices from one number.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

fn make(name: &SmolStr, a: u64, b: u64) -> EventRecord {
    let definition = &Definitions::standard().events[name];
    let mut dice = Dice::new(a);
    let at = instant(&mut dice);
    let anchor = anchor(definition.concerns, &mut dice);
    let mut attributes: Vec<(SmolStr, Value)> = Vec::new();
    for (field, attribute) in &definition.attributes {
        if attribute.required || attribute.advised || dice.roll(3) > 0 {
            attributes.push((field.clone(), value(field, attribute, &mut dice)));
        }
    }
    let references = if attributes.iter().any(|(field, _)| field == "customer_association") {
        (0..dice.roll(3)).map(|_| reference(&mut dice)).collect()
    } else {
        Vec::new()
    };
    let mut event = EventRecord {
        header: Header {
            company: COMPANY.into(),
            module: definition.module.as_str().into(),
            received_at: Micros(0),
            lane: Lane::Live,
        },
        name: name.as_str().into(),
        // Few ids, so that some events are copies of one key with other content.
        id: format!("{name}-{}", b % 40).as_str().into(),
        derived: false,
        content: [0; 16],
        event_at: at,
        sent_at: None,
        identifiers: if anchor.is_some() { identifiers(&mut dice) } else { Vec::new() },
        anchor,
        references,
        actor: None,
        trigger_from: Some(["web", "api"][usize::try_from(dice.roll(2)).unwrap_or(0)].into()),
        description: None,
        attributes,
        warnings: Vec::new(),
    };
    event.content = fingerprint(&event);
    event
}

/// Equal content has an equal fingerprint; that is all that matters here.
fn fingerprint(event: &EventRecord) -> [u8; 16] {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in format!("{event:?}").bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash.to_be_bytes()
}

fn instant(dice: &mut Dice) -> Micros {
    let day = i64::try_from(dice.roll(50)).unwrap_or(0);
    let hour = i64::try_from(dice.roll(3)).unwrap_or(0);
    Micros(1_500 * DAY + day * DAY + hour * 9 * HOUR)
}

fn anchor(concerns: Concern, dice: &mut Dice) -> Option<Node> {
    match concerns {
        Concern::Nobody => None,
        Concern::Required => Some(customer(usize::try_from(dice.roll(4)).unwrap_or(0))),
        Concern::Customer | Concern::WhenResolvable => match dice.roll(8) {
            0 => None,
            1 => Some(token(IdentifierKind::Phone, 1)),
            2 => Some(token(IdentifierKind::AdClickId, 9)),
            n => Some(customer(usize::try_from(n % 4).unwrap_or(0))),
        },
    }
}

fn identifiers(dice: &mut Dice) -> Vec<Node> {
    let kinds = [IdentifierKind::Phone, IdentifierKind::Email, IdentifierKind::AdClickId, IdentifierKind::RoomId];
    (0..dice.roll(3))
        .map(|_| {
            let kind = kinds[usize::try_from(dice.roll(4)).unwrap_or(0)];
            token(kind, if kind == IdentifierKind::AdClickId { 9 } else { u8::try_from(dice.roll(3)).unwrap_or(0) })
        })
        .collect()
}

fn reference(dice: &mut Dice) -> Reference {
    Reference { anchor: customer(usize::try_from(dice.roll(5)).unwrap_or(0)), identifiers: identifiers(dice) }
}

fn value(field: &str, attribute: &Attribute, dice: &mut Dice) -> Value {
    let pick = |dice: &mut Dice, options: &[&str]| -> Value {
        Value::Text(options[usize::try_from(dice.roll(options.len() as u64)).unwrap_or(0)].into())
    };
    match attribute.kind {
        AttributeType::Id => Value::Text(format!("{field}-{}", dice.roll(3)).into()),
        AttributeType::IdList => Value::List(vec![Value::Text(format!("{field}-{}", dice.roll(3)).into())]),
        AttributeType::Int => Value::Int(i64::try_from(dice.roll(11)).unwrap_or(0)),
        AttributeType::Number | AttributeType::Money | AttributeType::Score => {
            Value::Decimal(Amount(i64::try_from(1 + dice.roll(5)).unwrap_or(1) * 1_250_000))
        }
        AttributeType::Bool => Value::Bool(dice.roll(2) == 0),
        AttributeType::True => Value::Bool(true),
        AttributeType::Currency => pick(dice, &["USD", "IDR"]),
        AttributeType::Timestamp => Value::Time(instant(dice)),
        AttributeType::Date | AttributeType::DateOrTimestamp => Value::Date(instant(dice).utc_day()),
        AttributeType::Period => pick(dice, &["1974-03-01", "1974-03-01/1974-03-07", "1974-03-02T10", "1974-03-02"]),
        AttributeType::Enum | AttributeType::EnumOpen if !attribute.values.is_empty() => {
            let values: Vec<&str> = attribute.values.iter().map(SmolStr::as_str).collect();
            pick(dice, &values)
        }
        AttributeType::Fields | AttributeType::Changes => Value::Map(vec![
            ("full_name".into(), pick(dice, &["a", "b"])),
            ("city".into(), if dice.roll(3) == 0 { Value::Null } else { pick(dice, &["x", "y"]) }),
        ]),
        _ => pick(dice, &["one", "two", "three"]),
    }
}

/// Every index once, in a random order, with some of them again.
pub fn shuffled_with_repeats(copies: usize, seed: u64) -> Vec<usize> {
    let mut dice = Dice::new(seed);
    let mut order: Vec<usize> = (0..copies).collect();
    for _ in 0..copies / 2 {
        order.push(usize::try_from(dice.roll(copies as u64)).unwrap_or(0));
    }
    for place in (1..order.len()).rev() {
        order.swap(place, usize::try_from(dice.roll(place as u64 + 1)).unwrap_or(0));
    }
    order
}

impl History {
    /// Every pair that some event links.
    pub fn all_links(&self) -> Vec<(Node, Node)> {
        let mut links = Vec::new();
        for event in &self.copies {
            let own = event.anchor.iter().flat_map(|a| event.identifiers.iter().map(move |o| (a.clone(), o.clone())));
            let referenced =
                event.references.iter().flat_map(|r| r.identifiers.iter().map(move |o| (r.anchor.clone(), o.clone())));
            links.extend(own.chain(referenced).filter(|(a, b)| a != b));
        }
        links.sort();
        links.dedup();
        links
    }

    /// The same history, in which no event says who is who.
    pub fn without_identifiers(&self) -> Self {
        let mut bare = self.clone();
        for event in &mut bare.copies {
            event.identifiers.clear();
            event.references.iter_mut().for_each(|reference| reference.identifiers.clear());
        }
        bare
    }
}

/// Sends of one campaign to one customer, an hour apart.
pub fn sends(count: u64) -> Vec<EventRecord> {
    let send = |n: u64| {
        let mut event = make(&"campaign.sent".into(), 7, 0);
        event.id = format!("send-{n}").as_str().into();
        event.anchor = Some(customer(0));
        event.identifiers.clear();
        event.event_at = Micros(1_500 * DAY + i64::try_from(n).unwrap_or(0) * HOUR);
        event.attributes =
            vec![("campaign_id".into(), Value::Text("c".into())), ("channel".into(), Value::Text("whatsapp".into()))];
        event.content = fingerprint(&event);
        event
    };
    (0..count).map(send).collect()
}
