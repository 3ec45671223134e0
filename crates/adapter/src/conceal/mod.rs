//! Turns personal values into masks and tokens; the values themselves are sealed for the vault. A vault entry is sealed
//! with its token as associated data; its plain text is the text of a text value, else the value's JSON. Identifiers are
//! sealed as normalised and under the token of their kind, so that an identity and its value have one address.

use crate::{
    check::ids,
    json::{Json, to_text},
};
use cebe_catalog::{IdentifierKind, PiiClass, Token, Value, limits, record::Vault};
use cebe_privacy::{detect, keys::CompanyKeys, mask, normalise, seal, token};
use smol_str::SmolStr;
use std::cell::RefCell;

mod kept;

/// Query parameters that tell where somebody came from, not who it is.
const URL_PARAMETERS_KEPT: [&str; 6] =
    ["utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "utm_id"];
/// Longest preview of a free text.
const PREVIEW_CHARS_MAX: usize = 200;

/// Seals values of one event.
pub(crate) struct Sealer<'c> {
    keys: &'c CompanyKeys,
    region: &'c str,
    vault: Vault,
    /// The phone that was read last: an event's phone is its identity too, and reading one costs more than all else.
    phone: RefCell<Option<(SmolStr, Option<String>)>>,
}

impl<'c> Sealer<'c> {
    /// A sealer under a company's keys; `region` reads phone numbers without a country code.
    pub(crate) fn new(keys: &'c CompanyKeys, region: &'c str) -> Self {
        Self { keys, region, vault: Vec::new(), phone: RefCell::default() }
    }

    /// What goes to the vault.
    pub(crate) fn into_vault(self) -> Vault {
        self.vault
    }

    /// The token of a normalised identifier.
    pub(crate) fn token(&self, domain: &str, normalised: &str) -> Token {
        Token(token::token(self.keys, domain, normalised))
    }

    /// A phone number in E.164.
    pub(crate) fn normal_phone(&self, text: &str) -> Option<String> {
        let mut last = self.phone.borrow_mut();
        if let Some((known, number)) = &*last
            && known == text
        {
            return number.clone();
        }
        let number = normalise::phone(text, (!self.region.is_empty()).then_some(self.region));
        *last = Some((text.into(), number.clone()));
        number
    }

    /// Seals `plain` for the vault under the token of (`domain`, `plain`).
    pub(crate) fn keep(&mut self, domain: &str, plain: &str) -> Token {
        let token = self.token(domain, plain);
        if !self.vault.iter().any(|(other, _)| *other == token) {
            self.vault.push((token, seal::seal(self.keys, &token.0, plain.as_bytes())));
        }
        token
    }

    fn sealed(&mut self, domain: &str, plain: &str, mask: impl Into<SmolStr>, class: PiiClass) -> Value {
        Value::Sealed { mask: mask.into(), token: self.keep(domain, plain), class }
    }

    /// A value that is hidden whole.
    pub(crate) fn hidden(&mut self, class: PiiClass, plain: &str) -> Value {
        self.sealed(class.as_str(), plain, mask::HIDDEN, class)
    }

    /// A phone number; one that cannot be read is hidden whole.
    pub(crate) fn phone(&mut self, text: &str) -> Value {
        match self.normal_phone(text) {
            Some(number) => {
                self.sealed(IdentifierKind::Phone.as_str(), &number, mask::phone(&number), PiiClass::Contact)
            }
            None => self.hidden(PiiClass::Contact, text),
        }
    }

    /// An e-mail address; one that cannot be read is hidden whole.
    pub(crate) fn email(&mut self, text: &str) -> Value {
        match normalise::email(text) {
            Some(address) => {
                self.sealed(IdentifierKind::Email.as_str(), &address, mask::email(&address), PiiClass::Contact)
            }
            None => self.hidden(PiiClass::Contact, text),
        }
    }

    /// Contact data of whatever kind it looks like.
    fn contact(&mut self, text: &str) -> Value {
        match detect::classify(text) {
            Some(detect::Kind::Email) => self.email(text),
            Some(detect::Kind::Phone) => self.phone(text),
            _ => self.hidden(PiiClass::Contact, text),
        }
    }

    /// A text of a class that is sealed.
    pub(crate) fn text(&mut self, class: PiiClass, text: &str) -> Value {
        match class {
            PiiClass::Contact => self.contact(text),
            PiiClass::Name => self.sealed(class.as_str(), text, mask::name(text), class),
            PiiClass::FreeText => self.sealed(class.as_str(), text, preview(text), class),
            PiiClass::UrlParams => {
                let shown = mask::url_without_params(text, &URL_PARAMETERS_KEPT);
                self.sealed(class.as_str(), text, shown, class)
            }
            _ => self.hidden(class, text),
        }
    }

    /// A text of any class: sealed where the class says so or the text is contact data all the same, else kept.
    pub(crate) fn text_or_kept(&mut self, class: PiiClass, text: SmolStr) -> Value {
        if class.is_sealed() {
            self.text(class, &text)
        } else if ids::is_contact(&text) {
            self.contact(&text)
        } else {
            Value::Text(text)
        }
    }

    /// A text that people may have written: as [`Self::text_or_kept`], but contact data inside it is replaced too.
    pub(crate) fn text_or_scrubbed(&mut self, class: PiiClass, text: &str) -> Value {
        let scrubbed =
            if class.is_sealed() { None } else { Some(detect::scrub(text)).filter(|scrubbed| scrubbed.found) };
        match scrubbed {
            Some(scrubbed) => self.sealed(PiiClass::FreeText.as_str(), text, scrubbed.text, PiiClass::FreeText),
            None => self.text_or_kept(class, text.into()),
        }
    }

    /// A value of a known class.
    pub(crate) fn classed(&mut self, class: PiiClass, value: &Json<'_>) -> Value {
        match value {
            Json::Null => Value::Null,
            _ if !class.is_sealed() => kept::kept(self, value),
            Json::Text(text) => self.text(class, text.trim()),
            Json::Number(text) => self.text(class, text),
            Json::List(items) => Value::List(items.iter().map(|item| self.classed(class, item)).collect()),
            Json::Bool(_) | Json::Map(_) => self.hidden(class, &to_text(value)),
        }
    }

    /// A value of which nothing is known but what the detector sees: contact data, or hidden until a registry says more.
    pub(crate) fn unknown(&mut self, value: &Json<'_>) -> Value {
        let text = match value {
            Json::Null => return Value::Null,
            Json::Text(text) => Some(text.trim()),
            Json::Number(text) => Some(*text),
            Json::List(items) => return Value::List(items.iter().map(|item| self.unknown(item)).collect()),
            Json::Bool(_) | Json::Map(_) => None,
        };
        match text {
            Some(text) if detect::classify(text).is_some() => self.contact(text),
            Some(text) => self.hidden(PiiClass::Unclassified, text),
            None => self.hidden(PiiClass::Unclassified, &to_text(value)),
        }
    }
}

/// The beginning of a free text, contact data replaced.
fn preview(text: &str) -> SmolStr {
    let scrubbed = detect::scrub(text).text;
    if scrubbed.len() <= PREVIEW_CHARS_MAX {
        return scrubbed.into();
    }
    match scrubbed.char_indices().nth(PREVIEW_CHARS_MAX) {
        None => scrubbed.into(),
        Some((end, _)) => SmolStr::from_iter([&scrubbed[..end], "…"]),
    }
}

const _: () = assert!(PREVIEW_CHARS_MAX <= limits::DESCRIPTION_CHARS_MAX);
