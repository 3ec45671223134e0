//! A scene: one customer, a clock that moves as things happen, and the events that came of it.

use serde_json::{Map, Value, json};
use uuid::Builder;

use super::{Company, Dice, Person};

/// Where things happen to one customer.
pub struct Scene<'a> {
    /// Whose customer.
    pub company: &'a Company,
    /// Who.
    pub person: Person,
    /// Chance.
    pub dice: Dice,
    /// Seconds since 1970.
    pub now_s: u64,
    /// What happened, in order.
    pub events: Vec<Value>,
    times: Vec<u64>,
}

impl<'a> Scene<'a> {
    /// A scene that begins at a time.
    pub fn new(company: &'a Company, number: u64, now_s: u64, dice: Dice) -> Self {
        Self { company, person: Person::new(company, number), dice, now_s, events: Vec::new(), times: Vec::new() }
    }

    /// Lets up to so many seconds pass.
    pub fn pass(&mut self, seconds_max: u64) {
        self.now_s += self.dice.between(1, seconds_max.max(1));
    }

    /// The time as events carry it.
    pub fn now(&self) -> String {
        let now = i64::try_from(self.now_s).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        now.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
    }

    /// A new business id.
    pub fn id(&mut self, kind: &str) -> String {
        format!("{kind}-{:010x}", self.dice.draw() >> 24)
    }

    /// An amount that somebody might pay, as a decimal text.
    pub fn amount(&mut self, units_max: u64) -> String {
        let units = self.dice.between(1, units_max) * self.company.amount_unit;
        if self.company.amount_unit > 1 { units.to_string() } else { format!("{units}.{:02}", self.dice.below(100)) }
    }

    /// When each of the events happened, in seconds since 1970.
    pub fn times(&self) -> Vec<u64> {
        self.times.clone()
    }

    /// Something happens to the customer, who is known by id.
    pub fn emit(&mut self, module: &str, name: &str, attributes: Value) {
        let mut event = self.envelope(module, name, attributes);
        event.insert("qontak_customer_id".to_owned(), self.person.id.clone().into());
        self.push(event);
    }

    /// Something happens, and the customer is known by what the attributes and these identifiers say only.
    pub fn emit_anonymous(&mut self, module: &str, name: &str, attributes: Value, identifiers: Value) {
        let mut event = self.envelope(module, name, attributes);
        if identifiers.is_object() {
            event.insert("identifiers".to_owned(), identifiers);
        }
        self.push(event);
    }

    fn push(&mut self, event: Map<String, Value>) {
        self.times.push(self.now_s);
        self.events.push(Value::Object(event));
    }

    fn envelope(&mut self, module: &str, name: &str, attributes: Value) -> Map<String, Value> {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.dice.draw().to_le_bytes());
        random[8..].copy_from_slice(&self.dice.draw().to_le_bytes()[..2]);
        let id = Builder::from_unix_timestamp_millis(self.now_s * 1_000, &random).into_uuid();
        let event = json!({
            "event_id": id.to_string(),
            "company_id": self.company.id,
            "company_sso_id": format!("sso-{}", self.company.id),
            "actor": {"type": "system", "id": "made-up"},
            "event_timestamp": self.now(),
            "source_module": module,
            "trigger_from": "system",
            "event_name": name,
            "event_attributes": attributes,
        });
        match event {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}
