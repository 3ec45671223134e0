//! What an event is: its module, whom it concerns, its times, and each attribute with type, need and PII class.

use crate::{amount::Amount, node::IdentifierKind, pii::PiiClass};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A source module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleDefinition {
    /// Canonical name.
    pub name: SmolStr,
    /// What people call it.
    pub title: SmolStr,
    /// Other names under which publishers may send it.
    #[serde(default)]
    pub aliases: Vec<SmolStr>,
    /// Delivery phase in the product documents.
    #[serde(default)]
    pub phase: u8,
    /// What it feeds CEBE.
    #[serde(default)]
    pub about: String,
}

/// Whom an event is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// A customer; without an identity it is counted as unresolved.
    #[default]
    Customer,
    /// A customer when one can be told.
    WhenResolvable,
    /// The envelope must carry `qontak_customer_id`.
    Required,
    /// Nobody.
    Nobody,
}

/// One event of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventDefinition {
    /// Registered name.
    pub name: SmolStr,
    /// Owning module; filled in from the file.
    #[serde(default)]
    pub module: SmolStr,
    /// What sets it off, in the documents' words.
    #[serde(default)]
    pub trigger: String,
    /// Whom it is about.
    #[serde(default)]
    pub concerns: Concern,
    /// Attributes that may hold the domain time, tried in order; none present: `event_timestamp`.
    #[serde(default)]
    pub at: Vec<SmolStr>,
    /// Place among events of equal time: 0 opens, 1 changes, 2 answers, 3 closes.
    #[serde(default = "order_default")]
    pub order: u8,
    /// Attribute whose time orders restatements; `@event_timestamp` and `@sent_at` are the envelope's.
    #[serde(default)]
    pub version: Option<SmolStr>,
    /// It creates its customer: the earliest one names the customer.
    #[serde(default)]
    pub creates: bool,
    /// Name of the open map: any undeclared key belongs to it.
    #[serde(default)]
    pub open_map: Option<SmolStr>,
    /// At least one attribute of each group must be there.
    #[serde(default)]
    pub one_of: Vec<Vec<SmolStr>>,
    /// Version of this definition, raised with every additive change.
    #[serde(default = "version_default")]
    pub schema_version: u32,
    /// Attributes by name.
    #[serde(default)]
    pub attributes: BTreeMap<SmolStr, Attribute>,
    /// Anything else worth knowing.
    #[serde(default)]
    pub note: String,
    /// Examples that are applied.
    #[serde(default)]
    pub valid: Vec<ValidExample>,
    /// Examples that are quarantined.
    #[serde(default)]
    pub invalid: Vec<InvalidExample>,
}

fn order_default() -> u8 {
    1
}

fn version_default() -> u32 {
    1
}

/// One attribute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Must be there and not null.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Not required, but its absence is counted as a catalog warning, because a fact cannot be joined without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub advised: bool,
    /// Proposed by CEBE; the product documents do not list it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub extension: bool,
    /// Values of a closed list, or the documented ones of an open one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<SmolStr>,
    /// Smallest number, as decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// The smallest number itself is refused (`> min`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub above_min: bool,
    /// Longest text in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chars_max: Option<usize>,
    /// PII class.
    #[serde(default, skip_serializing_if = "is_none_class")]
    pub pii: PiiClass,
    /// The value is evidence about the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<IdentifierKind>,
    /// Attribute that scopes the identifier (an ad platform, a program, a channel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<SmolStr>,
    /// The scope when no attribute gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_default: Option<SmolStr>,
    /// Envelope field that says the same: given once, it counts for both; given twice, the two must be equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<SmolStr>,
    /// Filled in when absent: `company_currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<SmolStr>,
    /// Required when another attribute has one of these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub required_when: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// Anything else worth knowing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_none_class(class: &PiiClass) -> bool {
    *class == PiiClass::None
}

/// A bound of a number, written in files as a whole number or decimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "BoundText", into = "String")]
pub struct Bound(pub Amount);

#[derive(Deserialize)]
#[serde(untagged)]
enum BoundText {
    Whole(i64),
    Text(String),
}

impl TryFrom<BoundText> for Bound {
    type Error = &'static str;

    fn try_from(text: BoundText) -> Result<Self, Self::Error> {
        let text = match text {
            BoundText::Whole(whole) => whole.to_string(),
            BoundText::Text(text) => text,
        };
        Amount::parse(&text).map(Bound).map_err(|_| "a bound is a decimal number")
    }
}

impl From<Bound> for String {
    fn from(bound: Bound) -> Self {
        bound.0.to_text(0)
    }
}

/// Types of attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    /// 1–128 characters, no control characters; a JSON number becomes its text.
    Id,
    /// An id or a list of ids, kept as a list.
    IdList,
    /// Text of at most `chars_max` (256).
    #[default]
    String,
    /// Free text of at most `chars_max`.
    Text,
    /// Whole number.
    Int,
    /// Decimal number, at most six fraction digits.
    Number,
    /// True or false.
    Bool,
    /// Only `true`.
    True,
    /// Exact decimal, number or text.
    Money,
    /// ISO 4217 code.
    Currency,
    /// RFC 3339 with zone, or epoch milliseconds.
    Timestamp,
    /// `YYYY-MM-DD`, or a timestamp.
    DateOrTimestamp,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM-DD`, `YYYY-MM-DD/YYYY-MM-DD` inclusive, or an hour `YYYY-MM-DDTHH`.
    Period,
    /// IANA zone name.
    Zone,
    /// Absolute URI of any scheme, at most 2,048 characters.
    Url,
    /// Phone number.
    Phone,
    /// E-mail address.
    Email,
    /// One of `values`.
    Enum,
    /// Lower-cased; `values` are the known ones.
    EnumOpen,
    /// A CSAT score on the company's scale.
    Score,
    /// List of customer references (an id, or an object with `qontak_customer_id`, `phone`, `email`).
    CustomerRefs,
    /// List of order items.
    Items,
    /// List of product references.
    ProductRefs,
    /// Profile fields: a list of {name, value} or an object.
    Fields,
    /// Changed fields: a list of {name, value, old_value}.
    Changes,
    /// A nested object of scalars or lists.
    Map,
}

fn json_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<serde_json::Value, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => serde_json::from_str(&text).map_err(D::Error::custom),
        value => Ok(value),
    }
}

fn object_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<serde_json::Map<String, serde_json::Value>, D::Error> {
    match json_or_text(from)? {
        serde_json::Value::Object(object) => Ok(object),
        _ => Err(D::Error::custom("not a JSON object")),
    }
}

/// An example that is applied: attributes beside a usual envelope, and envelope fields that differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidExample {
    /// What it shows.
    #[serde(default)]
    pub why: String,
    /// `event_attributes`; in files as JSON text.
    #[serde(deserialize_with = "json_or_text")]
    pub attributes: serde_json::Value,
    /// Envelope fields beside the usual ones; `null` takes one away.
    #[serde(default, deserialize_with = "object_or_text")]
    pub envelope: serde_json::Map<String, serde_json::Value>,
}

/// An example that is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvalidExample {
    /// What it shows.
    #[serde(default)]
    pub why: String,
    /// `event_attributes`; in files as JSON text.
    #[serde(deserialize_with = "json_or_text")]
    pub attributes: serde_json::Value,
    /// Envelope fields beside the usual ones; `null` takes one away.
    #[serde(default, deserialize_with = "object_or_text")]
    pub envelope: serde_json::Map<String, serde_json::Value>,
    /// The quarantine code it gets.
    pub code: crate::code::QuarantineCode,
    /// The path it names.
    #[serde(default)]
    pub path: Option<SmolStr>,
}
