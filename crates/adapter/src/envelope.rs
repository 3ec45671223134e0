//! The envelope of one event: its fields found in one pass over the object, null ones left out, and the ones that are not
//! part of a customer's identity read into their types.

use crate::{
    check::{ids, times},
    conceal::Sealer,
    fault::Fault,
    json::Json,
};
use cebe_catalog::{Micros, PiiClass, QuarantineCode, limits, record::Actor};
use smol_str::SmolStr;
use std::borrow::Cow;

/// Kinds of actors; a bare text is of kind `unknown`.
const ACTOR_KINDS: [&str; 6] = ["customer", "agent", "bot", "system", "integration", "unknown"];
/// Longest `trigger_from`.
const TRIGGER_CHARS_MAX: usize = 64;

/// Fields as sent.
#[derive(Default)]
pub(crate) struct Envelope<'t> {
    pub(crate) company_id: Option<&'t Json<'t>>,
    pub(crate) company_sso_id: Option<&'t Json<'t>>,
    pub(crate) customer: Option<&'t Json<'t>>,
    pub(crate) actor: Option<&'t Json<'t>>,
    pub(crate) event_timestamp: Option<&'t Json<'t>>,
    pub(crate) source_module: Option<&'t Json<'t>>,
    pub(crate) trigger_from: Option<&'t Json<'t>>,
    pub(crate) event_name: Option<&'t Json<'t>>,
    pub(crate) description: Option<&'t Json<'t>>,
    pub(crate) attributes: Option<&'t Json<'t>>,
    pub(crate) event_id: Option<&'t Json<'t>>,
    pub(crate) identifiers: Option<&'t Json<'t>>,
    pub(crate) sent_at: Option<&'t Json<'t>>,
    pub(crate) schema_version: Option<&'t Json<'t>>,
    pub(crate) producer: Option<&'t Json<'t>>,
    /// A field that no envelope has.
    pub(crate) unknown: bool,
}

impl<'t> Envelope<'t> {
    /// Finds the fields of an event.
    pub(crate) fn of(tree: &'t Json<'t>) -> Result<Self, Fault> {
        let Json::Map(fields) = tree else {
            return Err(Fault::new(QuarantineCode::InvalidType).with_hint("an event is one JSON object"));
        };
        let mut envelope = Self::default();
        for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match envelope.slot(key) {
                Some(slot) => *slot = Some(value),
                None => envelope.unknown |= &**key != "backfill",
            }
        }
        Ok(envelope)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<&'t Json<'t>>> {
        Some(match key {
            "company_id" => &mut self.company_id,
            "company_sso_id" => &mut self.company_sso_id,
            "qontak_customer_id" => &mut self.customer,
            "actor" => &mut self.actor,
            "event_timestamp" => &mut self.event_timestamp,
            "source_module" => &mut self.source_module,
            "trigger_from" => &mut self.trigger_from,
            "event_name" => &mut self.event_name,
            "event_description" => &mut self.description,
            "event_attributes" => &mut self.attributes,
            "event_id" => &mut self.event_id,
            "identifiers" => &mut self.identifiers,
            "sent_at" => &mut self.sent_at,
            "schema_version" => &mut self.schema_version,
            "producer" => &mut self.producer,
            _ => return None,
        })
    }

    /// `event_attributes`, which must be an object.
    pub(crate) fn attribute_fields(&self) -> Result<&'t [(Cow<'t, str>, Json<'t>)], Fault> {
        match self.attributes {
            None => Err(Fault::at(QuarantineCode::MissingField, "event_attributes")),
            Some(Json::Map(fields)) => Ok(fields),
            Some(_) => Err(Fault::at(QuarantineCode::InvalidType, "event_attributes")),
        }
    }

    /// When it happened, checked against the receiving clock and the company's retention.
    pub(crate) fn happened(
        &self,
        received_at: Micros,
        retention_months: u32,
    ) -> Result<(Micros, Option<Micros>), Fault> {
        let at = self.event_timestamp.ok_or_else(|| Fault::at(QuarantineCode::MissingField, "event_timestamp"))?;
        let at = times::instant(at).map_err(|fault| fault.under("event_timestamp"))?;
        let sent_at = self.sent_at.map(times::instant).transpose().map_err(|fault| fault.under("sent_at"))?;
        times::is_acceptable(at, sent_at, received_at, retention_months)
            .map_err(|fault| fault.under("event_timestamp"))?;
        Ok((at, sent_at))
    }

    /// The publisher's id of the event.
    pub(crate) fn id(&self) -> Result<Option<SmolStr>, Fault> {
        self.event_id.map(ids::id).transpose().map_err(|fault| fault.under("event_id"))
    }

    /// Is the version of the definition, when it is named, a number that there can be?
    pub(crate) fn check_version(&self) -> Result<(), Fault> {
        match self.schema_version {
            None => Ok(()),
            Some(Json::Number(text)) if text.parse::<u32>().is_ok_and(|version| version > 0) => Ok(()),
            Some(Json::Number(_)) => Err(Fault::at(QuarantineCode::OutOfRange, "schema_version")),
            Some(_) => Err(Fault::at(QuarantineCode::InvalidType, "schema_version")),
        }
    }

    /// What set it off, lower-cased; contact data replaced.
    pub(crate) fn trigger(&self) -> Result<Option<SmolStr>, Fault> {
        let text = self.trigger_from.map(|value| text_of(value, TRIGGER_CHARS_MAX, "trigger_from")).transpose()?;
        Ok(text.map(|text| cebe_privacy::detect::scrub(&text.to_lowercase()).text.into()))
    }

    /// The description, contact data replaced.
    pub(crate) fn described(&self) -> Result<Option<SmolStr>, Fault> {
        let limit = limits::DESCRIPTION_CHARS_MAX;
        let text = self.description.map(|value| text_of(value, limit, "event_description")).transpose()?;
        Ok(text.map(|text| cebe_privacy::detect::scrub(text).text.into()))
    }

    /// Who acted; the name is masked and sealed.
    pub(crate) fn acted(&self, sealer: &mut Sealer<'_>) -> Result<Option<Actor>, Fault> {
        let Some(actor) = self.actor else { return Ok(None) };
        if !matches!(actor, Json::Map(_)) {
            let id = ids::id(actor).map_err(|fault| fault.under("actor"))?;
            return Ok(Some(Actor { kind: "unknown".into(), id: Some(id), name: None }));
        }
        let kind = match actor.field("type") {
            None => "unknown".into(),
            Some(Json::Text(kind)) => actor_kind(kind)?,
            Some(_) => return Err(Fault::at(QuarantineCode::InvalidType, "actor.type")),
        };
        let id = actor.field("id").map(ids::id).transpose().map_err(|fault| fault.under("actor.id"))?;
        let name = actor.field("name").map(|name| text_of(name, limits::STRING_CHARS_MAX, "actor.name")).transpose()?;
        Ok(Some(Actor { kind, id, name: name.map(|name| sealer.text(PiiClass::Name, name)) }))
    }
}

fn actor_kind(kind: &str) -> Result<SmolStr, Fault> {
    let known = ACTOR_KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind));
    known.map(|known| SmolStr::new_static(known)).ok_or_else(|| {
        Fault::at(QuarantineCode::InvalidEnum, "actor.type").with_hint(format!("use one of {}", ACTOR_KINDS.join(", ")))
    })
}

fn text_of<'v>(value: &'v Json<'_>, chars_max: usize, path: &str) -> Result<&'v str, Fault> {
    crate::check::texts::text(value, chars_max, true).map_err(|fault| fault.under(path))
}
