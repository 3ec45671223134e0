//! PII classes: what may be shown of a value, and to whom.

use serde::{Deserialize, Serialize};

/// How a value is treated when it enters and when it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PiiClass {
    /// Kept and shown as it is.
    #[default]
    None,
    /// An identifier that is not contact data: kept and shown.
    Pseudonym,
    /// Phone, e-mail, address: token and mask in the event, the value sealed in the vault.
    Contact,
    /// A person's name: masked to its first letter, the value sealed.
    Name,
    /// Birth date, gender and the like: hidden behind a mask, the value sealed.
    Profile,
    /// A preview in which contact data is replaced; the full value sealed.
    FreeText,
    /// Vault only, a placeholder is shown.
    SecretLink,
    /// Query string dropped but for allowed keys; the full value sealed.
    UrlParams,
    /// An agent's or admin's id: kept, hidden from keys without staff scope.
    Staff,
    /// Decided per key inside (field lists, open maps, customer references).
    Mixed,
    /// Nobody declared it: sealed and hidden until the company's field registry says otherwise.
    Unclassified,
}

impl PiiClass {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Pseudonym,
        Self::Contact,
        Self::Name,
        Self::Profile,
        Self::FreeText,
        Self::SecretLink,
        Self::UrlParams,
        Self::Staff,
        Self::Mixed,
        Self::Unclassified,
    ];

    /// Does a value of this class leave the event for the vault?
    pub fn is_sealed(self) -> bool {
        matches!(
            self,
            Self::Contact
                | Self::Name
                | Self::Profile
                | Self::FreeText
                | Self::SecretLink
                | Self::UrlParams
                | Self::Unclassified
        )
    }

    /// The name used in files and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pseudonym => "pseudonym",
            Self::Contact => "contact",
            Self::Name => "name",
            Self::Profile => "profile",
            Self::FreeText => "free_text",
            Self::SecretLink => "secret_link",
            Self::UrlParams => "url_params",
            Self::Staff => "staff",
            Self::Mixed => "mixed",
            Self::Unclassified => "unclassified",
        }
    }
}
