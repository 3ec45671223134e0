//! A company in miniature for tests: events enter facts by the real definitions, facts are folded, and metrics are
//! answered for the company or one customer. No store, no order of arrival: everything is computed at once.

pub(crate) mod company;
pub(crate) mod definitions;

use cebe_catalog::{
    Amount, CompanySettings, Definitions, EventId, Micros, Node, Value,
    definition::{FactDefinition, Projection, Whose},
    time::{HOUR, SECOND, Zone},
};
use cebe_engine::{
    customer::{Customer, FoldedFact, customer_answers},
    entry::{Entry, Rank},
    fold::{self, FoldInput, Folded, period},
    formula::Answer,
    rows::Sum,
};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// An event as a test tells it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: SmolStr,
    pub(crate) at: Micros,
    pub(crate) who: Option<Node>,
    pub(crate) references: Vec<Node>,
    pub(crate) attributes: Vec<(SmolStr, Value)>,
    pub(crate) id: SmolStr,
}

/// A folded fact and whom it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) name: SmolStr,
    pub(crate) key: String,
    pub(crate) folded: Folded,
    pub(crate) customers: Vec<Node>,
}

pub(crate) struct World {
    pub(crate) definitions: Definitions,
    pub(crate) settings: CompanySettings,
    pub(crate) zone: Zone,
    pub(crate) events: Vec<Event>,
    /// Who is who: anchors that are another person's.
    pub(crate) same: BTreeMap<Node, Node>,
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub(crate) fn number(text: &str) -> Value {
    Value::Decimal(Amount::parse(text).expect("a decimal"))
}

pub(crate) fn whole(whole: i64) -> Value {
    Value::Int(whole)
}

pub(crate) fn time(seconds: i64) -> Value {
    Value::Time(Micros(seconds * SECOND))
}

pub(crate) fn person(id: &str) -> Node {
    Node::Customer(id.into())
}

pub(crate) const DAY: i64 = 86_400;

impl World {
    pub(crate) fn new() -> Self {
        let definitions = definitions::definitions();
        let zone = Zone::utc();
        Self { definitions, settings: CompanySettings::default(), zone, events: Vec::new(), same: BTreeMap::new() }
    }

    /// Adds an event of a person (empty: nobody) at a second.
    pub(crate) fn push(&mut self, name: &str, who: &str, second: i64, attributes: &[(&str, Value)]) -> &mut Event {
        let id = format!("e{:05}", self.events.len()).into();
        let attributes = attributes.iter().map(|(name, value)| (SmolStr::new(name), value.clone())).collect();
        let who = (!who.is_empty()).then(|| person(who));
        let at = Micros(second * SECOND);
        self.events.push(Event { name: name.into(), at, who, references: Vec::new(), attributes, id });
        self.events.last_mut().expect("just pushed")
    }

    fn person_of(&self, node: &Node) -> Node {
        self.same.get(node).unwrap_or(node).clone()
    }

    /// Every fact, folded.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let mut found: BTreeMap<(SmolStr, Option<Node>, String), Vec<Entry>> = BTreeMap::new();
        for event in &self.events {
            for (fact, projection) in self.definitions.projections(&event.name) {
                for (owner, key, entry) in self.project(event, fact, projection) {
                    found.entry((fact.name.clone(), owner, key)).or_default().push(entry);
                }
            }
        }
        for entries in found.values_mut() {
            entries.sort_by(|a, b| a.order().cmp(&b.order()));
            entries.dedup_by(|a, b| a.order() == b.order());
        }
        found.iter().map(|(key, entries)| self.fold(key, entries, &found)).collect()
    }

    fn project(&self, event: &Event, fact: &FactDefinition, how: &Projection) -> Vec<(Option<Node>, String, Entry)> {
        let own = event.who.as_ref().map(|who| self.person_of(who));
        let mut owners = vec![None];
        if matches!(fact.whose, Whose::Customer | Whose::Window) {
            owners = own.iter().cloned().map(Some).collect();
            if how.for_references {
                owners.extend(event.references.iter().map(|node| Some(self.person_of(node))));
                owners.sort();
                owners.dedup();
            }
        }
        let mut projected = Vec::new();
        for owner in owners {
            for (key, fields) in self.keys(event, fact, how) {
                let rank = Rank { at: event.at, order: order(&event.name), version: 0, id: EventId(event.id.clone()) };
                let (name, step) = (event.name.clone(), how.step.clone());
                let customers = event.references.clone();
                let entry = Entry { rank, event: name, step, anchor: event.who.clone(), customers, fields };
                projected.push((owner.clone(), key, entry));
            }
        }
        projected
    }

    /// Keys of an event in a fact, each with the fields of its entry.
    fn keys(&self, event: &Event, fact: &FactDefinition, how: &Projection) -> Vec<(String, Vec<(SmolStr, Value)>)> {
        let attribute = |name: &str| cebe_catalog::value::field(&event.attributes, name).cloned();
        if let Some(list) = &how.each {
            let Some(Value::List(items)) = attribute(list) else { return Vec::new() };
            let maps = items.into_iter().filter_map(|item| if let Value::Map(map) = item { Some(map) } else { None });
            return maps
                .filter_map(|map| Some((fold::dimension_text(cebe_catalog::value::field(&map, "name")?).into(), map)))
                .collect();
        }
        let mut fields: Vec<(SmolStr, Value)> =
            how.fields.iter().filter_map(|name| Some((name.clone(), attribute(name)?))).collect();
        fields.extend(how.renamed.iter().filter_map(|(name, from)| Some((name.clone(), attribute(from)?))));
        let period_number = || {
            let hours = i64::from(self.settings.attribution_touch_hours);
            format!("{:010}", event.at.0.div_euclid(hours * HOUR))
        };
        let keys = match fact.whose {
            Whose::Occurrence => vec![event.id.to_string()],
            Whose::Window => vec![period_number()],
            _ if how.key.is_empty() => vec![String::new()],
            _ => how.key.iter().find_map(|names| key(event, names)).unwrap_or_default(),
        };
        keys.into_iter().map(|key| (key, fields.clone())).collect()
    }

    fn fold(
        &self,
        (name, owner, key): &(SmolStr, Option<Node>, String),
        entries: &[Entry],
        all: &BTreeMap<(SmolStr, Option<Node>, String), Vec<Entry>>,
    ) -> Fact {
        let definition = &self.definitions.facts[name];
        let mut context: Vec<&Entry> = Vec::new();
        let mut own_from = None;
        if definition.whose == Whose::Window {
            let number: i64 = key.parse().expect("a period number");
            own_from = Some(Micros(number * i64::from(self.settings.attribution_touch_hours) * HOUR));
            let before = (name.clone(), owner.clone(), format!("{:010}", number - 1));
            context.extend(all.get(&before).into_iter().flatten());
        }
        context.extend(entries);
        let input = FoldInput { key, entries: &context, settings: &self.settings, zone: &self.zone, own_from };
        let folded = fold::by_name(&definition.fold).expect("a known fold")(&input);
        let customers = match owner {
            Some(owner) => vec![owner.clone()],
            None => {
                let mut people: Vec<Node> = fold::customers(&context).iter().map(|node| self.person_of(node)).collect();
                people.sort();
                people.dedup();
                people
            }
        };
        Fact { name: name.clone(), key: key.clone(), folded, customers }
    }

    /// A customer's answer to every metric, as of a second.
    pub(crate) fn customer(&self, who: &str, as_of: i64) -> BTreeMap<SmolStr, Answer> {
        let who = self.person_of(&person(who));
        let all = self.facts();
        let mut tallies: BTreeMap<SmolStr, Sum> = BTreeMap::new();
        let mut facts: Vec<FoldedFact<'_>> = Vec::new();
        for fact in all.iter().filter(|fact| fact.customers.contains(&who)) {
            let definition = &self.definitions.facts[&fact.name];
            if definition.whose == Whose::Occurrence {
                for one in cebe_engine::component::contributions(&self.definitions, definition, &fact.folded) {
                    *tallies.entry(one.component).or_default() += one.sum;
                }
            } else {
                facts.push(FoldedFact { definition, key: &fact.key, folded: &fact.folded });
            }
        }
        let tallies: Vec<(SmolStr, Sum)> = tallies.into_iter().collect();
        let as_of = Micros(as_of * SECOND);
        let (definitions, settings) = (&self.definitions, &self.settings);
        customer_answers(&Customer { definitions, settings, facts: &facts, tallies: &tallies, as_of, window: None })
    }
}

/// The key that one alternative gives: one text, or one per month.
fn key(event: &Event, names: &[SmolStr]) -> Option<Vec<String>> {
    let mut keys = vec![String::new()];
    for name in names {
        let parts: Vec<String> = match name.as_str() {
            "@event" => vec![format!("{} {}", event.name, event.id)],
            "@months" => {
                let period = cebe_catalog::value::field(&event.attributes, "period")?;
                period::months(period).iter().map(ToString::to_string).collect()
            }
            name => vec![fold::dimension_text(cebe_catalog::value::field(&event.attributes, name)?).to_string()],
        };
        keys = keys.iter().flat_map(|key| parts.iter().map(move |part| format!("{key}\u{1f}{part}"))).collect();
    }
    Some(keys)
}

/// Places of equal time, as the event definitions give them.
fn order(name: &str) -> u8 {
    match name {
        "conversation.started"
        | "call.started"
        | "ticket.created"
        | "deal.created"
        | "campaign.sent"
        | "booking.created"
        | "order.created"
        | "customer.created"
        | "membership.enrolled"
        | "segment.entered" => 0,
        "campaign.replied" | "campaign.clicked" | "ad.clicked" | "message.received" => 2,
        "order.paid" | "ticket.resolved" | "deal.won" | "deal.lost" | "ad.converted" | "conversation.resolved" => 3,
        _ => 1,
    }
}
