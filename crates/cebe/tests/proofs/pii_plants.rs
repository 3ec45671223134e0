//! Personal data made to be found again: every value carries one of two marks, a run of digits or a word, that a mask
//! never shows. And the events to plant it in.

use cebe_catalog::definition::{Attribute, AttributeType, EventDefinition};
use cebe_catalog::{Definitions, PiiClass, envelope};
use serde_json::{Map, Value, json};

/// In every planted phone and card number.
pub const DIGITS: &str = "81177705";
/// In every other planted value.
pub const WORD: &str = "zqleak";

/// Makes values, each of its own.
#[derive(Default)]
pub struct Plants {
    count: u32,
}

impl Plants {
    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// A phone number of Indonesia, in one of four spellings.
    pub fn phone(&mut self) -> String {
        let n = self.next();
        let tail = format!("{n:04}");
        match n % 4 {
            0 => format!("+62{DIGITS}{tail}"),
            1 => format!("0811-7770-5{tail}"),
            2 => format!("+62 811 7770 5{tail}"),
            _ => format!("(0{DIGITS}){tail}"),
        }
    }

    pub fn email(&mut self) -> String {
        let n = self.next();
        if n.is_multiple_of(2) { format!("P.{WORD}{n}@mail.example") } else { format!("p.ZqLeak{n}@Mail.example") }
    }

    pub fn name(&mut self) -> String {
        format!("Rina Zqleak{}", self.next())
    }

    pub fn address(&mut self) -> String {
        format!("Jalan {WORD} {}, Bandung", self.next())
    }

    /// A card number whose check digit is right.
    pub fn card(&mut self) -> String {
        let body = format!("400000{DIGITS}{}", self.next() % 10);
        let doubled = |place: usize, digit: u32| if place.is_multiple_of(2) { digit * 2 } else { digit };
        let sum: u32 = body
            .chars()
            .rev()
            .enumerate()
            .map(|(place, c)| {
                let digit = doubled(place, c.to_digit(10).expect("a digit"));
                digit / 10 + digit % 10
            })
            .sum();
        format!("{body}{}", (10 - sum % 10) % 10)
    }

    /// Free text. Names in it are no contact data, so it holds none.
    pub fn text(&mut self) -> String {
        let (phone, email, card) = (self.phone(), self.email(), self.card());
        format!("please call {phone}, or write to {email}; paid with {card}.")
    }

    /// An address of a page with personal data wherever there is room for it.
    pub fn url(&mut self) -> String {
        let (n, email) = (self.next(), self.email());
        format!(
            "https://{WORD}{n}:{WORD}@shop.example/u/{email}/0{DIGITS}{n:04}/x?token={WORD}{n}&phone=%2B62{DIGITS}{n:04}&utm_source=wa#{WORD}"
        )
    }

    fn fields(&mut self) -> Vec<(&'static str, Value)> {
        vec![
            ("full_name", self.name().into()),
            ("phone", self.phone().into()),
            ("email", self.email().into()),
            ("address", self.address().into()),
            ("birth_date", format!("{WORD}-1990").into()),
            ("nickname", self.name().into()),
            ("Phone_Number", self.phone().into()),
            ("favourite_shop", self.name().into()),
        ]
    }

    fn nested(&mut self) -> Value {
        let (phone, email) = (self.phone(), self.email());
        json!({"who": {"deep": {"phone": self.phone(), "list": [self.email(), {"name": self.name()}]}}, phone: 1, email: true})
    }

    /// A value of a sealed or mixed attribute; `None` for the others.
    fn value(&mut self, attribute: &Attribute) -> Option<Value> {
        use AttributeType as Type;
        let list = |fields: Vec<(&str, Value)>| -> Value {
            fields.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
        };
        Some(match (attribute.pii, attribute.kind) {
            (_, Type::Items) => {
                json!([{"item_id": "i-1", "name": "Cup", "price": "5", "gift_for": self.name(), "phone": self.phone()}])
            }
            (_, Type::ProductRefs) => json!([{"product_id": "p-1", "recipient": self.name(), "note": self.text()}]),
            (PiiClass::None | PiiClass::Staff | PiiClass::Pseudonym, _) => return None,
            (_, Type::Phone) => self.phone().into(),
            (_, Type::Email) => self.email().into(),
            (_, Type::Url) => self.url().into(),
            (_, Type::Fields) => list(self.fields()),
            (_, Type::Changes) => {
                let (before, mut changes) = (self.phone(), list(self.fields()));
                changes[1]["old_value"] = before.into();
                changes[0]["old_value"] = self.name().into();
                changes
            }
            (_, Type::CustomerRefs) => json!([
                {"qontak_customer_id": format!("ref-{}", self.next()), "phone": self.phone(), "email": self.email(),
                    "name": self.name(), "memo": self.nested()},
                {"phone": self.phone()}, {"email": self.email()}]),
            (_, Type::Map) => self.map(),
            _ => self.text().into(),
        })
    }

    fn map(&mut self) -> Value {
        let mut map: Map<String, Value> =
            self.fields().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        map.insert("more".into(), self.nested());
        map.insert("texts".into(), json!([self.text(), self.address()]));
        map.insert(self.phone(), json!(1));
        Value::Object(map)
    }

    /// An event of the catalog with personal data in every place that can hold some.
    pub fn event(&mut self, definition: &EventDefinition) -> Value {
        let example = &definition.valid[0];
        let mut whole = envelope::example(definition, &example.attributes, &example.envelope);
        let n = self.next();
        whole["event_id"] = format!("planted-{n}").into();
        let customer = format!("who-{n}");
        if whole["qontak_customer_id"].is_string() {
            whole["qontak_customer_id"] = customer.as_str().into();
            whole["identifiers"] = json!({"phone": [self.phone()], "email": self.email()});
        }
        for (name, attribute) in &definition.attributes {
            if name == "qontak_customer_id" {
                whole["event_attributes"][name.as_str()] = customer.as_str().into();
            } else if let Some(value) = self.value(attribute) {
                whole["event_attributes"][name.as_str()] = value;
            }
        }
        let attributes = whole["event_attributes"].as_object_mut().expect("attributes");
        attributes.insert("undeclared".into(), self.name().into());
        attributes.insert("undeclared_text".into(), self.text().into());
        attributes.insert("undeclared_map".into(), self.nested());
        attributes.insert("undeclared_list".into(), json!([self.phone(), self.email(), [self.name()]]));
        attributes.insert(self.phone(), json!("x"));
        attributes.insert(self.email(), json!(["x"]));
        whole["actor"] = json!({"type": "agent", "id": "a-1", "name": self.name()});
        whole["event_description"] = self.text().into();
        whole["trigger_from"] = self.phone().into();
        whole["memo"] = self.text().into();
        whole
    }

    /// One of each event of the catalog.
    pub fn events(&mut self) -> Vec<Value> {
        Definitions::standard().events.values().map(|definition| self.event(definition)).collect()
    }

    /// Lines that are refused, each for a reason of its own, with personal data in the place that is wrong too.
    pub fn refused(&mut self) -> Vec<String> {
        let created = Definitions::standard().event("customer.created").expect("of the catalog").clone();
        let deal = Definitions::standard().event("deal.created").expect("of the catalog").clone();
        let mut lines: Vec<String> = Vec::new();
        for (name, value) in [
            ("event_name", json!(self.email())),
            ("event_name", json!(self.name())),
            ("event_name", json!({"a": self.phone()})),
            ("source_module", json!(self.name())),
            ("company_id", json!(self.email())),
            ("company_sso_id", json!(self.name())),
            ("event_timestamp", json!(self.text())),
            ("event_id", json!(self.email())),
            ("schema_version", json!(self.name())),
            ("qontak_customer_id", json!(format!("+62{DIGITS}0001"))),
            ("event_attributes", json!(self.text())),
            ("trigger_from", json!(self.text().repeat(9))),
            ("event_description", json!(self.text().repeat(30))),
            ("actor", json!({"type": self.name(), "id": "x"})),
            ("actor", json!({"type": "agent", "id": self.email()})),
            ("identifiers", json!({self.email(): "x"})),
            ("identifiers", json!({"room_id": self.email()})),
            ("identifiers", json!([self.phone()])),
            ("sent_at", json!(self.name())),
        ] {
            let mut event = self.event(&created);
            event[name] = value;
            lines.push(event.to_string());
        }
        for (name, value) in [
            ("default_fields", json!({self.email(): {"in": self.name()}})),
            ("default_fields", json!([{"name": self.phone(), "value": [self.name()]}])),
            ("default_fields", json!(self.text())),
            ("custom_fields", json!([self.email()])),
            ("created_at", json!(self.phone())),
            ("qontak_customer_id", json!(self.email())),
            ("created_by", json!(format!("+62{DIGITS}0002"))),
            ("acquisition_source", json!(self.text().repeat(4))),
        ] {
            let mut event = self.event(&created);
            event["event_attributes"][name] = value;
            lines.push(event.to_string());
        }
        for (name, value) in [
            ("customer_association", json!([{"phone": [self.name()]}])),
            ("customer_association", json!([[self.phone()]])),
            ("currency", json!(self.name())),
            ("deal_size", json!(self.phone())),
            ("other_fields", json!(self.text())),
            ("stage_id", json!("a\u{0}b")),
            (&*self.email(), (0..12).fold(json!(self.name()), |inner, _| json!({self.phone(): inner}))),
        ] {
            let mut event = self.event(&deal);
            event["event_attributes"][name] = value;
            lines.push(event.to_string());
        }
        let (phone, email, name, whole) = (self.phone(), self.email(), self.name(), self.event(&created).to_string());
        lines.push(whole.replacen('{', &format!("{{\"{email}\":1,\"{email}\":2,"), 1));
        lines.push(whole.replacen('{', &format!("{{\"memo\":\"{}\",", "zqleak ".repeat(10_000)), 1));
        lines.push(whole[..whole.len() - 2].to_owned());
        lines.push(format!("{{\"event_name\": \"{name}\", {phone} {email}"));
        lines.push(format!("\"{email}\""));
        lines.push(format!("[\"{name}\", \"{phone}\"]"));
        lines
    }
}
