//! Whose event it is: the anchor, other identifiers as tokens, and customers that the event refers to. Extraction only;
//! who is who is decided behind the queue. A placeholder or a malformed identifier is refused as identity, with a remark.

use crate::{
    check::{Work, ids},
    fault::{Fault, shown_key},
    json::Json,
};
use cebe_catalog::{
    IdentifierKind, Node, QuarantineCode,
    definition::{Concern, EventDefinition},
    limits::IDENTIFIERS_MAX,
    record::Reference,
};
use cebe_privacy::{mask, normalise};
use smol_str::{SmolStr, format_smolstr};

/// What an event says about people.
#[derive(Default)]
pub(crate) struct Identity {
    /// `qontak_customer_id`, unless it is a placeholder.
    pub(crate) customer: Option<SmolStr>,
    nodes: Vec<Node>,
    pub(crate) references: Vec<Reference>,
}

impl Identity {
    fn add(&mut self, node: Node) {
        if !self.nodes.contains(&node) {
            self.nodes.push(node);
        }
    }

    /// The anchor and the other identifiers, strongest first.
    pub(crate) fn settle(&mut self, concerns: Concern) -> Result<(Option<Node>, Vec<Node>), Fault> {
        if concerns == Concern::Nobody {
            return Ok((None, Vec::new()));
        }
        if self.nodes.len() > IDENTIFIERS_MAX {
            let hint = format!("send at most {IDENTIFIERS_MAX} identifiers in one event");
            return Err(Fault::at(QuarantineCode::TooMany, "identifiers").with_hint(hint));
        }
        Ok(anchor_of(self.customer.take(), std::mem::take(&mut self.nodes)))
    }
}

/// The customer id, else the strongest identifier; the rest in the order of nodes.
fn anchor_of(customer: Option<SmolStr>, mut nodes: Vec<Node>) -> (Option<Node>, Vec<Node>) {
    nodes.sort_unstable();
    nodes.dedup();
    if let Some(customer) = customer {
        return (Some(Node::Customer(customer)), nodes);
    }
    let anchor = (!nodes.is_empty()).then(|| nodes.remove(0));
    (anchor, nodes)
}

impl Work<'_> {
    /// Takes the customer's id from the envelope, else from the attribute that says the same.
    pub(crate) fn take_customer(
        &mut self,
        event: &EventDefinition,
        envelope: Option<&Json<'_>>,
        given: &super::check::Fields<'_>,
    ) -> Result<(), Fault> {
        let same = || {
            let name = event.attributes.iter().find(|(_, a)| a.same_as.as_deref() == Some("qontak_customer_id"))?.0;
            let value = given.iter().find(|(key, value)| **key == **name && !value.is_null())?;
            Some((format_smolstr!("event_attributes.{name}"), &value.1))
        };
        let Some((path, value)) = envelope.map(|value| ("qontak_customer_id".into(), value)).or_else(same) else {
            return match event.concerns {
                Concern::Required => Err(Fault::at(QuarantineCode::MissingField, "qontak_customer_id")),
                _ => Ok(()),
            };
        };
        let text = ids::raw(value).map_err(|fault| fault.under(&path))?;
        if normalise::is_placeholder(text) {
            self.warn("placeholder_identity".into());
            return Ok(());
        }
        self.identity.customer = Some(ids::id(value).map_err(|fault| fault.under(&path))?);
        Ok(())
    }

    /// Takes the envelope's `identifiers` in; their values go to the vault, because no attribute holds them.
    pub(crate) fn take_identifiers(
        &mut self,
        given: Option<&Json<'_>>,
        event: &EventDefinition,
        attributes: &super::check::Fields<'_>,
    ) -> Result<(), Fault> {
        let Some(given) = given else { return Ok(()) };
        let Json::Map(fields) = given else { return Err(Fault::at(QuarantineCode::InvalidType, "identifiers")) };
        for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let Some(kind) = IdentifierKind::parse(key) else {
                let known = IdentifierKind::ALL.map(IdentifierKind::as_str).join(", ");
                let path = format_smolstr!("identifiers.{}", shown_key(key));
                return Err(Fault::at(QuarantineCode::InvalidEnum, &path).with_hint(format!("kinds are {known}")));
            };
            let scope = scope_of(kind, event, attributes);
            let values = match value {
                Json::List(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            for value in values {
                self.take_identifier(kind, scope.as_deref(), value)
                    .map_err(|fault| fault.under(key).under("identifiers"))?;
            }
        }
        Ok(())
    }

    fn take_identifier(&mut self, kind: IdentifierKind, scope: Option<&str>, value: &Json<'_>) -> Result<(), Fault> {
        let text = ids::raw(value)?;
        let contact = matches!(kind, IdentifierKind::Phone | IdentifierKind::Email);
        if !contact && ids::is_contact(text) {
            return Err(QuarantineCode::ContactInId.into());
        }
        if let Some((domain, normalised)) = self.normalised(kind, scope, text) {
            let token = self.sealer.keep(&domain, &normalised);
            self.identity.add(Node::Token(kind, token));
        }
        Ok(())
    }

    /// Takes a value in as identity of the event's own anchor, if it is one.
    pub(crate) fn identify(&mut self, kind: IdentifierKind, scope: Option<&str>, value: &Json<'_>) {
        if let Some(node) = self.node(kind, scope, value) {
            self.identity.add(node);
        }
    }

    /// The node of a value, unless it is a placeholder or malformed, which is remarked.
    pub(crate) fn node(&mut self, kind: IdentifierKind, scope: Option<&str>, value: &Json<'_>) -> Option<Node> {
        let text = ids::raw(value).ok()?;
        let (domain, normalised) = self.normalised(kind, scope, text)?;
        Some(Node::Token(kind, self.sealer.token(&domain, &normalised)))
    }

    /// Lifts click ids out of the query of an address.
    pub(crate) fn identify_clicks(&mut self, url: &str) {
        for (parameter, id) in mask::lift_click_ids(url) {
            let platform = match parameter {
                "gclid" | "gbraid" | "wbraid" => "google",
                "ttclid" => "tiktok",
                _ => "meta",
            };
            let kind = IdentifierKind::AdClickId;
            let token = self.sealer.token(&domain_of(kind, Some(platform)), &id);
            self.identity.add(Node::Token(kind, token));
        }
    }

    /// Takes a customer in that the event refers to; one that names nobody is left out.
    pub(crate) fn refer(&mut self, customer: Option<SmolStr>, nodes: Vec<Node>) {
        if let (Some(anchor), identifiers) = anchor_of(customer, nodes) {
            self.identity.references.push(Reference { anchor, identifiers });
        }
    }

    fn normalised(&mut self, kind: IdentifierKind, scope: Option<&str>, text: &str) -> Option<(SmolStr, String)> {
        if normalise::is_placeholder(text) {
            self.warn("placeholder_identity".into());
            return None;
        }
        let normalised = match kind {
            IdentifierKind::Phone => self.sealer.normal_phone(text),
            IdentifierKind::Email => normalise::email(text),
            _ => normalise::opaque(text),
        };
        if normalised.is_none() {
            self.warn(format_smolstr!("malformed_{}", kind.as_str()));
        }
        Some((domain_of(kind, scope), normalised?))
    }
}

/// The domain of an identifier's tokens: its kind, and the scope in which its values are unique.
fn domain_of(kind: IdentifierKind, scope: Option<&str>) -> SmolStr {
    match scope {
        Some(scope) if !scope.is_empty() => format_smolstr!("{}:{scope}", kind.as_str()),
        _ => SmolStr::new_static(kind.as_str()),
    }
}

/// The scope of an envelope identifier: that of the event's own attribute of this kind, else the attribute that usually
/// scopes the kind.
fn scope_of(kind: IdentifierKind, event: &EventDefinition, attributes: &super::check::Fields<'_>) -> Option<SmolStr> {
    let own = event.attributes.values().find(|attribute| attribute.identifier == Some(kind));
    let usual = match kind {
        IdentifierKind::Bsuid => Some("channel"),
        IdentifierKind::MemberId => Some("program_id"),
        IdentifierKind::AdClickId | IdentifierKind::PlatformUserId => Some("ad_platform"),
        _ => None,
    };
    let name = own.and_then(|attribute| attribute.scope.as_deref()).or(usual)?;
    let value = attributes.iter().find(|(key, value)| key == name && !value.is_null());
    let sent = value.and_then(|(_, value)| ids::raw(value).ok()).map(|text| match kind {
        IdentifierKind::MemberId => text.into(),
        _ => text.to_lowercase().into(),
    });
    sent.or_else(|| own.and_then(|attribute| attribute.scope_default.clone()))
}
