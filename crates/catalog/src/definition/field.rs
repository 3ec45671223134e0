//! What a profile field is when no event declares it: the PII class and identifier kind that its name stands for.

use crate::{node::IdentifierKind, pii::PiiClass};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A field known by name, in field lists, customer references and open maps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldDefinition {
    /// PII class.
    #[serde(default)]
    pub pii: PiiClass,
    /// The value is evidence about the person.
    #[serde(default)]
    pub identifier: Option<IdentifierKind>,
    /// Name of the field or attribute that scopes the identifier.
    #[serde(default)]
    pub scope: Option<SmolStr>,
}
