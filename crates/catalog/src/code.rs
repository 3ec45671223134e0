//! Why an event was refused: the closed list of quarantine codes.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $hint:literal;)*) => {
        /// A reason for quarantine. Ordinals are stored and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum QuarantineCode { $($(#[$doc])* $variant,)* }

        impl QuarantineCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it is written in replies.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the publisher can do about it, in general; names rules, never values.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }
    };
}

codes! {
    /// Not one JSON value.
    MalformedJson => "malformed_json", "send one JSON object per event; check quotes, commas and the encoding (UTF-8)";
    /// A key stands twice in one object.
    DuplicateKey => "duplicate_key", "give every key of an object once";
    /// A required field is absent or null.
    MissingField => "missing_field", "add the field; GET /v1/catalog/events/{name} lists what is required";
    /// A value of the wrong JSON type.
    InvalidType => "invalid_type", "send the type that the event's schema names";
    /// A value outside a closed list.
    InvalidEnum => "invalid_enum", "use one of the values that the event's schema lists";
    /// A value that breaks a rule of its attribute.
    InvalidAttribute => "invalid_attribute", "see the attribute's rule in the event's schema";
    /// A number outside its range.
    OutOfRange => "out_of_range", "send a number inside the range that the event's schema names";
    /// Text with NUL, a lone surrogate or control characters, or too long.
    InvalidText => "invalid_text", "send valid Unicode text without NUL, lone surrogates or control characters, within its length";
    /// One event over 64 KiB.
    TooLarge => "too_large", "keep one event under 64 KiB";
    /// Nested deeper than 8.
    TooDeep => "too_deep", "nest attributes at most 8 deep";
    /// More attributes or list items than the limit.
    TooMany => "too_many", "send at most 256 attributes and 1,000 list items in one event, and 10,000 events in one request";
    /// No definition has this name.
    UnknownEvent => "unknown_event", "use a name of GET /v1/catalog, or register it with PUT /v1/catalog/events/{name}";
    /// The company was never created.
    UnknownCompany => "unknown_company", "create the company with PUT /v1/companies/{id} first";
    /// Neither the event nor the request names a company.
    CompanyRequired => "company_required", "set company_id in the event or the X-Company-Id header";
    /// The key does not serve this company.
    CompanyNotAllowed => "company_not_allowed", "use a key that serves this company";
    /// `company_sso_id` belongs to another company.
    CompanyMismatch => "company_mismatch", "send the company_sso_id that the company was registered with";
    /// The key does not serve this source module, or the event belongs to another one.
    ModuleNotAllowed => "module_not_allowed", "use a key that serves this source_module, and the module that owns the event";
    /// Too far ahead of the receiving clock.
    FutureTimestamp => "future_timestamp", "event_timestamp may be at most 10 minutes ahead; check the publisher's clock or send sent_at";
    /// Older than the company keeps events.
    TooOld => "too_old", "the event is older than the company's retention; raise retention_months or leave it out";
    /// Outside 1970–2199.
    TimeOutOfRange => "time_out_of_range", "times must lie between 1970 and 2199; epoch times are in milliseconds";
    /// An id that is an e-mail address or a phone number.
    ContactInId => "contact_in_id", "ids must not be contact data; send it under identifiers.email or identifiers.phone";
    /// The engine could not apply it.
    EngineFault => "engine_fault", "this is a fault of CEBE: the event is kept and can be replayed after the next release";
}

impl QuarantineCode {
    /// Reads what [`QuarantineCode::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl std::fmt::Display for QuarantineCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
