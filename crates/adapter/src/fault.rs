//! Why one event is refused: a code of the closed list, where in the event, and a hint that names rules, never values.

use cebe_catalog::QuarantineCode;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

/// Longest part of a path that comes from the publisher.
const PART_CHARS_MAX: usize = 64;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Why.
    pub(crate) code: QuarantineCode,
    /// Where, once it is known.
    pub(crate) path: Option<SmolStr>,
    /// What to do, when there is more to say than the code does.
    pub(crate) hint: Option<SmolStr>,
}

impl Fault {
    /// A refusal whose place the caller adds.
    pub(crate) fn new(code: QuarantineCode) -> Self {
        Self { code, path: None, hint: None }
    }

    /// A refusal at a place.
    pub(crate) fn at(code: QuarantineCode, path: &str) -> Self {
        Self { code, path: Some(path.into()), hint: None }
    }

    /// With words of its own.
    pub(crate) fn with_hint(mut self, hint: impl Into<SmolStr>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same refusal, seen from the object that holds its place under `part`.
    pub(crate) fn under(mut self, part: &str) -> Self {
        self.path = Some(match &self.path {
            None => part.into(),
            Some(inner) if inner.starts_with('[') => format_smolstr!("{part}{inner}"),
            Some(inner) => format_smolstr!("{part}.{inner}"),
        });
        self
    }

    /// The same refusal, seen from the list that holds its place.
    pub(crate) fn item(self, index: usize) -> Self {
        self.under(&format_smolstr!("[{index}]"))
    }

    /// What the reply and the quarantine row say.
    pub(crate) fn hint_text(&self) -> SmolStr {
        self.hint.clone().unwrap_or_else(|| self.code.hint().into())
    }
}

impl From<QuarantineCode> for Fault {
    fn from(code: QuarantineCode) -> Self {
        Self::new(code)
    }
}

/// A key that a publisher chose, fit for a path or a stored name: contact data replaced, control characters gone,
/// and cut. The same text when it is harmless.
pub(crate) fn shown_key(key: &str) -> SmolStr {
    let plain = key.len() <= PART_CHARS_MAX && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if plain {
        return key.to_smolstr();
    }
    let scrubbed = cebe_privacy::detect::scrub(key).text;
    scrubbed.chars().filter(|c| !c.is_control()).take(PART_CHARS_MAX).collect()
}
