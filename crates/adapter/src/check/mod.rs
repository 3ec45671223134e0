//! Checks an event's attributes against its definition and conceals what is personal in the same pass: raw JSON in, stored
//! values out. One file per family of types.

mod changes;
mod currency;
mod enums;
pub(crate) mod ids;
mod lists;
mod numbers;
mod open;
mod plan;
pub(crate) mod texts;
pub(crate) mod times;

pub(crate) use currency::is_currency;

use crate::{conceal::Sealer, fault::Fault, identity::Identity, json::Json, view::CompanyView};
use cebe_catalog::{
    Definitions, PiiClass, Value,
    definition::{Attribute, AttributeType, EventDefinition},
};
use smol_str::{SmolStr, format_smolstr};
use std::borrow::Cow;

/// Fields of a JSON object.
pub(crate) type Fields<'t> = [(Cow<'t, str>, Json<'t>)];

/// The work on one event: what it is checked against, and what it leaves beside its attributes.
pub(crate) struct Work<'c> {
    pub(crate) company: &'c CompanyView,
    pub(crate) definitions: &'c Definitions,
    pub(crate) sealer: Sealer<'c>,
    pub(crate) identity: Identity,
    pub(crate) warnings: Vec<SmolStr>,
}

impl<'c> Work<'c> {
    pub(crate) fn new(company: &'c CompanyView, definitions: &'c Definitions) -> Self {
        let sealer = Sealer::new(&company.keys, &company.settings.phone_region);
        Self { company, definitions, sealer, identity: Identity::default(), warnings: Vec::new() }
    }

    /// Notes a remark, each once.
    pub(crate) fn warn(&mut self, remark: SmolStr) {
        if !self.warnings.contains(&remark) {
            self.warnings.push(remark);
        }
    }
}

/// Checks and conceals all attributes of an event.
pub(crate) fn attributes(
    work: &mut Work<'_>,
    event: &EventDefinition,
    given: &Fields<'_>,
) -> Result<Vec<(SmolStr, Value)>, Fault> {
    let mut stored = Vec::with_capacity(given.len() + 1);
    let mut rest: Vec<(&str, &Json<'_>)> = Vec::new();
    for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        match event.attributes.get_key_value(&**key) {
            Some((name, _)) if event.open_map.as_ref() == Some(name) => {}
            Some((name, attribute)) => {
                let checked = checked(work, event, given, name, attribute, value).map_err(|fault| fault.under(name))?;
                stored.push((name.clone(), checked));
            }
            None => rest.push((key, value)),
        }
    }
    open::take(work, event, given, &rest, &mut stored)?;
    plan::complete(work, event, &mut stored)?;
    Ok(stored)
}

/// Checks one declared attribute, and takes it in as identity where it is evidence about the person.
fn checked(
    work: &mut Work<'_>,
    event: &EventDefinition,
    given: &Fields<'_>,
    name: &SmolStr,
    attribute: &Attribute,
    value: &Json<'_>,
) -> Result<Value, Fault> {
    let stored = typed(work, attribute, value)?;
    if let Some(kind) = attribute.identifier {
        let scope = attribute.scope.as_ref().and_then(|scope| scope_text(event, given, scope));
        let scope = scope.as_deref().or(attribute.scope_default.as_deref());
        work.identify(kind, scope, value);
    } else if attribute.pii == PiiClass::UrlParams
        && let Json::Text(url) = value
    {
        work.identify_clicks(url);
    }
    if attribute.same_as.as_deref() == Some("qontak_customer_id") {
        work.same_customer(&stored, name)?;
    }
    Ok(stored)
}

/// The text of the attribute that scopes an identifier, as it will be stored.
fn scope_text(event: &EventDefinition, given: &Fields<'_>, scope: &str) -> Option<SmolStr> {
    let value = given.iter().find(|(key, value)| key == scope && !value.is_null()).map(|(_, value)| value)?;
    match event.attributes.get(scope).map(|attribute| attribute.kind) {
        Some(AttributeType::EnumOpen) => {
            texts::text(value, usize::MAX, false).ok().map(|text| text.to_lowercase().into())
        }
        _ => ids::id(value).ok(),
    }
}

fn typed(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    use AttributeType as Type;
    match attribute.kind {
        Type::Id => ids::attribute(work, attribute, value),
        Type::IdList => ids::list(work, attribute, value),
        Type::String | Type::Text => texts::attribute(work, attribute, value),
        Type::Url => texts::url(work, attribute, value),
        Type::Phone | Type::Email => texts::contact(work, attribute, value),
        Type::Enum => enums::closed(attribute, value),
        Type::EnumOpen => enums::open(work, attribute, value),
        Type::Currency => enums::currency(value),
        Type::Zone => enums::zone(value),
        Type::Int => numbers::int(attribute, value).map(|v| work.number(attribute, v)),
        Type::Number => numbers::number(attribute, value).map(|v| work.number(attribute, v)),
        Type::Money => numbers::money(attribute, value).map(|v| work.number(attribute, v)),
        Type::Score => numbers::score(&work.company.settings, value),
        Type::Bool => numbers::flag(value),
        Type::True => numbers::only_true(value),
        Type::Timestamp => times::instant(value).map(Value::Time),
        Type::Date => times::date(value),
        Type::DateOrTimestamp => times::date(value).or_else(|_| times::instant(value).map(Value::Time)),
        Type::Period => times::period(value),
        Type::CustomerRefs => lists::customers(work, value),
        Type::Items => lists::items(work, value, "item_id"),
        Type::ProductRefs => lists::items(work, value, "product_id"),
        Type::Fields => changes::fields(work, value),
        Type::Changes => changes::changes(work, value),
        Type::Map => open::map(work, attribute, value),
    }
}

impl Work<'_> {
    /// A number is hidden as a whole when its class is a sealed one.
    fn number(&mut self, attribute: &Attribute, value: Value) -> Value {
        if !attribute.pii.is_sealed() {
            return value;
        }
        let text = value.to_json();
        self.sealer.hidden(attribute.pii, &text.as_str().map_or_else(|| text.to_string(), str::to_owned))
    }
}

/// A remark that an advised attribute is absent.
fn advised(name: &str) -> SmolStr {
    format_smolstr!("advised:{name}")
}
