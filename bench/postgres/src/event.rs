//! An event as the rival reads it: the columns it stores, and the first identifier beside the customer's id.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Identifiers of attributes that tell who somebody is.
const KINDS: [&str; 4] = ["phone", "email", "ad_click_id", "room_id"];

#[derive(Deserialize)]
struct Envelope<'a> {
    event_id: &'a str,
    company_id: &'a str,
    source_module: &'a str,
    event_name: &'a str,
    event_timestamp: &'a str,
    qontak_customer_id: Option<&'a str>,
    identifiers: Option<Map<String, Value>>,
    event_attributes: Value,
}

/// The columns of many events.
#[derive(Default)]
pub struct Columns<'a> {
    /// Tenants.
    pub companies: Vec<&'a str>,
    /// Sources.
    pub modules: Vec<&'a str>,
    /// Names.
    pub names: Vec<&'a str>,
    /// Ids.
    pub ids: Vec<Uuid>,
    /// Whose, when known.
    pub customers: Vec<Option<String>>,
    /// When, in microseconds since 1970.
    pub times_us: Vec<i64>,
    /// Everything else.
    pub attributes: Vec<Value>,
    /// Kind of the identifier.
    pub kinds: Vec<Option<&'static str>>,
    /// The identifier.
    pub values: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    /// Reads lines.
    pub fn read(lines: &[&'a str]) -> Result<Self> {
        let mut columns = Self::default();
        lines.iter().try_for_each(|line| columns.push(line))?;
        Ok(columns)
    }

    fn push(&mut self, line: &'a str) -> Result<()> {
        let event: Envelope<'a> = serde_json::from_str(line).context("an event does not read")?;
        let at: jiff::Timestamp = event.event_timestamp.parse().context("a time does not read")?;
        let (kind, value) = identifier(&event).unzip();
        let known = event.qontak_customer_id.map(str::to_owned);
        self.customers.push(known.or_else(|| value.clone()));
        self.companies.push(event.company_id);
        self.modules.push(event.source_module);
        self.names.push(event.event_name);
        self.ids.push(Uuid::parse_str(event.event_id).context("an id does not read")?);
        self.times_us.push(at.as_microsecond());
        self.attributes.push(event.event_attributes);
        self.kinds.push(kind);
        self.values.push(value);
        Ok(())
    }
}

fn identifier(event: &Envelope<'_>) -> Option<(&'static str, String)> {
    KINDS.into_iter().find_map(|kind| {
        let sent = event.identifiers.as_ref().and_then(|sent| sent.get(kind));
        let value = sent.or_else(|| event.event_attributes.get(kind))?.as_str()?;
        Some((kind, value.to_owned()))
    })
}
