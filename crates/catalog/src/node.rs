//! The ends of identity links: a customer id as a module knows it, or the token of an identifier.

use crate::ids::Token;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Kinds of identifiers, strongest first. Ordinals are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// E.164 phone number.
    Phone,
    /// E-mail address.
    Email,
    /// Business-scoped user id of a channel.
    Bsuid,
    /// Loyalty member id, scoped per program.
    MemberId,
    /// An ad platform's own person or lead id.
    PlatformUserId,
    /// gclid, fbclid, ttclid, ctwa_clid.
    AdClickId,
    /// A chat or call room.
    RoomId,
    /// A device.
    DeviceId,
    /// A visitor without a name.
    AnonymousId,
}

impl IdentifierKind {
    /// Every kind, in the order of its ordinal.
    pub const ALL: [Self; 9] = [
        Self::Phone,
        Self::Email,
        Self::Bsuid,
        Self::MemberId,
        Self::PlatformUserId,
        Self::AdClickId,
        Self::RoomId,
        Self::DeviceId,
        Self::AnonymousId,
    ];

    /// Strength as evidence, 2 strongest (1 is `qontak_customer_id` itself).
    pub fn strength(self) -> u8 {
        match self {
            Self::Phone => 2,
            Self::Email => 3,
            Self::Bsuid => 4,
            Self::MemberId => 5,
            Self::PlatformUserId | Self::AdClickId => 6,
            Self::RoomId => 7,
            Self::DeviceId | Self::AnonymousId => 8,
        }
    }

    /// A link of such a kind never joins two parts that both hold a `qontak_customer_id`.
    pub fn link_only(self) -> bool {
        self.strength() >= 5
    }

    /// To how many distinct `qontak_customer_id`s a value may be linked before it identifies nobody (a setting).
    pub fn limit_default(self) -> u32 {
        match self {
            Self::RoomId | Self::DeviceId => 1,
            _ => 5,
        }
    }

    /// The name used in files, on the wire and as the domain of its tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Bsuid => "bsuid",
            Self::MemberId => "member_id",
            Self::PlatformUserId => "platform_user_id",
            Self::AdClickId => "ad_click_id",
            Self::RoomId => "room_id",
            Self::DeviceId => "device_id",
            Self::AnonymousId => "anonymous_id",
        }
    }

    /// Reads what [`IdentifierKind::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One end of a link; the anchor under which an event is stored is one too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Node {
    /// A `qontak_customer_id` as sent.
    Customer(SmolStr),
    /// An identifier's kind and token.
    Token(IdentifierKind, Token),
}

impl Node {
    /// Order-preserving bytes, unique per node: the form stored in keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Customer(id) => [&[0][..], id.as_bytes()].concat(),
            Self::Token(kind, token) => [&[1 + *kind as u8][..], &token.0].concat(),
        }
    }

    /// Reads what [`Node::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, id) => std::str::from_utf8(id).ok().map(|id| Self::Customer(id.into())),
            (tag, token) => {
                let kind = *IdentifierKind::ALL.get(usize::from(tag - 1))?;
                Some(Self::Token(kind, Token(token.try_into().ok()?)))
            }
        }
    }

    /// Is it a `qontak_customer_id`?
    pub fn is_customer(&self) -> bool {
        matches!(self, Self::Customer(_))
    }

    /// How people and addresses name it: the customer id itself, or `kind:hex`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Customer(id) => id.to_string(),
            Self::Token(kind, token) => format!("{}:{}", kind.as_str(), token.to_hex()),
        }
    }

    /// Reads what [`Node::to_text`] wrote; anything that is not `kind:hex` is a customer id.
    pub fn parse(text: &str) -> Self {
        let token = text
            .split_once(':')
            .and_then(|(kind, hex)| Some(Self::Token(IdentifierKind::parse(kind)?, Token::from_hex(hex)?)));
        token.unwrap_or_else(|| Self::Customer(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_round_trip() {
        let token = Node::Token(IdentifierKind::RoomId, Token([7; 16]));
        for node in [Node::Customer("c:1".into()), token] {
            assert_eq!(Node::from_bytes(&node.to_bytes()), Some(node.clone()));
            assert_eq!(Node::parse(&node.to_text()), node);
        }
    }

    #[test]
    fn ordinals_are_what_is_stored() {
        let names: Vec<_> = IdentifierKind::ALL.iter().enumerate().map(|(i, k)| (i, *k as usize)).collect();
        assert!(names.iter().all(|(i, ordinal)| i == ordinal));
    }
}
