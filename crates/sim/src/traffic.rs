//! What publishers send: events of the whole catalog about few people, with copies, conflicting copies, late ones and bad
//! ones among them, and contact data planted wherever somebody might put some.

use crate::dice::Dice;
use cebe_catalog::{
    Definitions, Micros,
    definition::{Attribute, AttributeType, EventDefinition},
    envelope::example,
    pii::PiiClass,
    time::{DAY, HOUR},
};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

/// Companies of every simulation.
pub(crate) const COMPANIES: [&str; 2] = ["acme", "beta"];
/// People of each company.
const PEOPLE: usize = 5;

/// Contact data of one person, and the parts of it that must be found nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    phone: String,
    email: String,
    name: String,
}

impl Person {
    fn new(number: usize, dice: &mut Dice) -> Self {
        let tag = dice.roll(9_000_000) + 1_000_000;
        Self {
            id: format!("cust-{number}"),
            phone: format!("+62812{tag}{number}"),
            email: format!("planted{tag}x{number}@example.org"),
            name: format!("Zorbla{tag}x{number}"),
        }
    }

    /// What must not be found in anything that is kept.
    pub(crate) fn needles(&self) -> [String; 3] {
        let local = self.email.split('@').next().unwrap_or_default().to_owned();
        [self.phone.trim_start_matches("+62").to_owned(), local, self.name.to_lowercase()]
    }

    fn words(&self) -> String {
        format!("call {} or write to {}", self.phone, self.email)
    }
}

/// One event of a batch: its bytes, and by what it is known when it is taken.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) text: String,
    pub(crate) company: SmolStr,
    pub(crate) module: SmolStr,
    pub(crate) name: SmolStr,
}

/// Makes events.
pub(crate) struct Traffic {
    dice: Dice,
    pub(crate) people: Vec<Person>,
    /// Days that events may lie back.
    days_back: i64,
    made: Vec<(Value, Sent)>,
    numbers: u64,
}

impl Traffic {
    pub(crate) fn new(mut dice: Dice, days_back: i64) -> Self {
        let people = (0..PEOPLE).map(|number| Person::new(number, &mut dice)).collect();
        Self { dice, people, days_back, made: Vec::new(), numbers: 0 }
    }

    /// A batch of events of one publisher.
    pub(crate) fn batch(&mut self, events: usize, company: &str, now: Micros) -> Vec<Sent> {
        (0..events).map(|_| self.one(company, now)).collect()
    }

    fn one(&mut self, company: &str, now: Micros) -> Sent {
        let copies = !self.made.is_empty();
        match self.dice.roll(100) {
            0..=7 if copies => self.dice.pick(&self.made).1.clone(),
            8..=13 if copies => self.conflicting(),
            14..=19 => self.bad(company, now),
            _ => self.good(company, now),
        }
    }

    /// Another event under an id that was used before.
    fn conflicting(&mut self) -> Sent {
        let (mut value, sent) = self.dice.pick(&self.made).clone();
        value["trigger_from"] = (*self.dice.pick(&["web", "mobile", "import", "automation"])).into();
        Sent { text: value.to_string(), ..sent }
    }

    fn good(&mut self, company: &str, now: Micros) -> Sent {
        let definitions = Definitions::standard();
        let names: Vec<&SmolStr> = definitions.events.keys().collect();
        let definition = &definitions.events[*self.dice.pick(&names)];
        let shown = self.dice.pick(&definition.valid).clone();
        let person = self.dice.pick(&self.people).clone();
        let mut attributes = shown.attributes;
        if let Value::Object(fields) = &mut attributes {
            for (name, value) in fields.iter_mut() {
                if let Some(attribute) = definition.attributes.get(name.as_str()) {
                    self.vary(name, attribute, value, &person, now);
                }
            }
            if self.dice.percent(15) {
                fields.insert("note_of_the_shop".into(), json!({"deep": [person.words(), person.name]}));
            }
        }
        let mut envelope = self.envelope(company, &person, now);
        envelope.extend(shown.envelope);
        let value = example(definition, &attributes, &envelope);
        let sent = sent(definition, company, value.to_string());
        if value.get("event_id").is_some() {
            self.made.push((value, sent.clone()));
        }
        sent
    }

    fn envelope(&mut self, company: &str, person: &Person, now: Micros) -> Map<String, Value> {
        self.numbers += 1;
        let mut fields = Map::new();
        fields.insert("company_id".into(), company.into());
        fields.insert("company_sso_id".into(), Value::Null);
        let id = if self.dice.percent(8) { Value::Null } else { format!("e-{}", self.numbers).into() };
        fields.insert("event_id".into(), id);
        fields.insert("event_timestamp".into(), self.instant(now).into());
        if self.dice.percent(80) {
            fields.insert("qontak_customer_id".into(), person.id.as_str().into());
        }
        if self.dice.percent(40) {
            fields.insert("identifiers".into(), self.identifiers(person));
        }
        if self.dice.percent(30) {
            fields.insert("event_description".into(), person.words().into());
        }
        if self.dice.percent(20) {
            fields.insert("producer".into(), json!({"id": "shop", "epoch": 1, "seq": self.numbers}));
        }
        if self.dice.percent(30) {
            fields.insert("sent_at".into(), now.to_rfc3339().into());
        }
        fields
    }

    fn identifiers(&mut self, person: &Person) -> Value {
        match self.dice.roll(4) {
            0 => json!({"phone": person.phone}),
            1 => json!({"email": person.email}),
            2 => json!({"phone": person.phone, "email": person.email}),
            _ => json!({"device_id": format!("device-{}", self.dice.roll(3))}),
        }
    }

    fn instant(&mut self, now: Micros) -> String {
        let back = self.dice.span(self.days_back * DAY / HOUR) * HOUR;
        now.plus(-back).to_rfc3339()
    }

    /// Few business ids, so that events meet in facts; contact data where people may type.
    fn vary(&mut self, name: &str, attribute: &Attribute, value: &mut Value, person: &Person, now: Micros) {
        let is_text = matches!(attribute.kind, AttributeType::String | AttributeType::Text);
        let fits = attribute.chars_max.unwrap_or(256) >= 80;
        match (attribute.pii, attribute.kind) {
            (_, AttributeType::Id)
                if attribute.same_as.is_none() && attribute.identifier.is_none() && self.dice.percent(80) =>
            {
                *value = format!("{name}-{}", self.dice.roll(3)).into();
            }
            (_, AttributeType::Timestamp) if self.dice.percent(50) => *value = self.instant(now).into(),
            (_, AttributeType::Phone) => *value = person.phone.as_str().into(),
            (_, AttributeType::Email) => *value = person.email.as_str().into(),
            (PiiClass::FreeText, _) if is_text && fits => *value = person.words().into(),
            (PiiClass::Name | PiiClass::Contact, _) if is_text => *value = person.name.as_str().into(),
            (PiiClass::UrlParams, AttributeType::Url) => {
                *value = format!("https://shop.example/a?email={}&utm_source=x", person.email).into();
            }
            _ => {}
        }
    }

    /// Refused, whatever the state: with contact data in it, because bad events have some too.
    fn bad(&mut self, company: &str, now: Micros) -> Sent {
        let person = self.dice.pick(&self.people).clone();
        let definitions = Definitions::standard();
        let refused: Vec<&EventDefinition> =
            definitions.events.values().filter(|event| !event.invalid.is_empty()).collect();
        let definition = *self.dice.pick(&refused);
        let mut envelope = self.envelope(company, &person, now);
        let broken = match self.dice.roll(4) {
            0 => format!("{{\"event_name\": \"{}\", \"note\": \"{}", definition.name, person.words()),
            1 => {
                envelope.insert("event_name".into(), "nobody.knows".into());
                example(definition, &json!({"note": person.words()}), &envelope).to_string()
            }
            2 => {
                envelope.insert("company_id".into(), "nowhere".into());
                example(definition, &json!({"note": person.words()}), &envelope).to_string()
            }
            _ => {
                let shown = self.dice.pick(&definition.invalid).clone();
                envelope.extend(shown.envelope);
                example(definition, &shown.attributes, &envelope).to_string()
            }
        };
        sent(definition, company, broken)
    }
}

fn sent(definition: &EventDefinition, company: &str, text: String) -> Sent {
    Sent { text, company: company.into(), module: definition.module.clone(), name: definition.name.clone() }
}
