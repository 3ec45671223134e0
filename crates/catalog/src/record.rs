//! What travels through the queue. The adapter writes records, the worker reads them; the bytes begin with a format
//! version, so that an older queue can always be read.

use crate::{
    code::QuarantineCode,
    control::ControlRecord,
    ids::{CompanyId, EventId, EventName, SourceModule, Token},
    lane::Lane,
    node::Node,
    time::Micros,
    value::Value,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// One record of the queue: every received event is one, whatever becomes of it, and so is every change of settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// A valid event, masked.
    Event(Box<EventRecord>, Vault),
    /// An event of a source that is switched off: its header only.
    Ignored(Header),
    /// An event that was refused.
    Quarantined(Box<QuarantineRecord>),
    /// A change of settings, keys, flags, definitions or links, an erasure, or the audit of a reveal.
    Control(Box<ControlRecord>),
    /// Time passing: what retention and timers run on.
    Tick(Micros),
}

/// Sealed values on their way to the vault: token and sealed bytes.
pub type Vault = Vec<(Token, Vec<u8>)>;

/// Where a received event is counted: company, source and hour of receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The company it is counted under.
    pub company: CompanyId,
    /// The canonical source module.
    pub module: SourceModule,
    /// When the adapter received it; never running backwards.
    pub received_at: Micros,
    /// The lane it came by.
    pub lane: Lane,
}

/// A valid event after normalisation and masking. It holds everything that facts and the timeline need, so the stored
/// copy is the log from which all else can be rebuilt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Company, module, receipt and lane.
    pub header: Header,
    /// The event's name.
    pub name: EventName,
    /// The publisher's id, or the derived one.
    pub id: EventId,
    /// The id was derived from the content and the place among equal rows.
    pub derived: bool,
    /// HMAC of the canonical envelope before masking: equal for equal content.
    pub content: [u8; 16],
    /// When it happened at the source, as sent.
    pub event_at: Micros,
    /// The publisher's clock when sending.
    pub sent_at: Option<Micros>,
    /// The anchor: whose event it is as sent. `None` when it names nobody.
    pub anchor: Option<Node>,
    /// Other identifiers of the event; each makes a link with the anchor.
    pub identifiers: Vec<Node>,
    /// Customers that attributes refer to; each links to its own identifiers only.
    pub references: Vec<Reference>,
    /// Who acted.
    pub actor: Option<Actor>,
    /// What set it off.
    pub trigger_from: Option<SmolStr>,
    /// The description, contact data replaced.
    pub description: Option<SmolStr>,
    /// Attributes, masked where they were PII, defaults filled in.
    pub attributes: Vec<(SmolStr, Value)>,
    /// What was accepted with a remark, such as a malformed phone dropped as identity.
    pub warnings: Vec<SmolStr>,
}

/// A customer that an attribute names (`customer_association`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its anchor: the `qontak_customer_id`, else its strongest identifier.
    pub anchor: Node,
    /// Its other identifiers.
    pub identifiers: Vec<Node>,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    /// customer, agent, bot, system, integration or unknown.
    pub kind: SmolStr,
    /// The id as sent (staff).
    pub id: Option<SmolStr>,
    /// The name, masked and sealed.
    pub name: Option<Value>,
}

/// A refused event: why, and its sealed body, to be corrected and replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuarantineRecord {
    /// Where it is counted: the named company, or the key's home company.
    pub header: Header,
    /// A number of its own within the company, time-ordered.
    pub receipt: SmolStr,
    /// The event's name when it was readable and known to be harmless.
    pub name: Option<EventName>,
    /// The event's id when it was readable.
    pub id: Option<EventId>,
    /// Why.
    pub code: QuarantineCode,
    /// Where in the event.
    pub path: Option<SmolStr>,
    /// What to do: rules, never values.
    pub hint: SmolStr,
    /// The body as received, sealed under the company's key.
    pub body: Vec<u8>,
    /// The key it came with.
    pub key_id: SmolStr,
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer CEBE.
    #[error("record format {0} is newer than this release reads; start the release that wrote it")]
    Version(u8),
    /// Not the bytes of a record.
    #[error("record bytes are damaged")]
    Damaged,
}

const FORMAT: u8 = 1;

impl Record {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(FORMAT);
        crate::bytes::append(self, &mut bytes);
        bytes
    }

    /// Reads stored bytes. Never panics, whatever they are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|_| RecordError::Damaged),
            Some((&version, _)) => Err(RecordError::Version(version)),
            None => Err(RecordError::Damaged),
        }
    }

    /// Where the record is counted, when it is a received event.
    pub fn header(&self) -> Option<&Header> {
        match self {
            Self::Event(event, _) => Some(&event.header),
            Self::Ignored(header) => Some(header),
            Self::Quarantined(quarantined) => Some(&quarantined.header),
            Self::Control(_) | Self::Tick(_) => None,
        }
    }
}

impl EventRecord {
    /// The company it belongs to.
    pub fn company(&self) -> &CompanyId {
        &self.header.company
    }

    /// A named attribute, unless it is absent or null.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        crate::value::field(&self.attributes, name)
    }

    /// Everybody the event is about: its own anchor, then the referenced ones, each once.
    pub fn anchors(&self) -> Vec<&Node> {
        let mut all: Vec<&Node> = self.anchor.iter().collect();
        for reference in &self.references {
            if !all.contains(&&reference.anchor) {
                all.push(&reference.anchor);
            }
        }
        all
    }
}
