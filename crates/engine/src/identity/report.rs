//! What assembling gives: the customers, and for every link what became of it and why.

use alloc::vec::Vec;
use cebe_catalog::{Micros, Node, node::IdentifierKind};

/// Customers and the reasons for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembly {
    /// Every node given is in exactly one; in order of their first node.
    pub customers: Vec<CustomerParts>,
    /// One for each link whose anchor is among the nodes given; in order of (anchor, other).
    pub reports: Vec<LinkReport>,
}

impl Assembly {
    /// The customer that holds `node`.
    pub fn customer_of(&self, node: &Node) -> Option<&CustomerParts> {
        self.customers.iter().find(|customer| customer.nodes.binary_search(node).is_ok())
    }
}

/// The nodes that are one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerParts {
    /// Canonical id: the `qontak_customer_id` created (else seen) first; without one the strongest token, earliest seen.
    pub id: Node,
    /// Its other `qontak_customer_id`s, in the order in which each would be the canonical one.
    pub aliases: Vec<Node>,
    /// All its nodes, sorted.
    pub nodes: Vec<Node>,
    /// Does it hold a `qontak_customer_id`?
    pub resolved: bool,
}

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkReport {
    /// The event's own end.
    pub anchor: Node,
    /// The identifier's end.
    pub other: Node,
    /// Earliest time of its evidence.
    pub earliest: Micros,
    /// Number of events that show it.
    pub count: u64,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a link, in one word and a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It joined two parts.
    Joined,
    /// Its ends were together already.
    Redundant,
    /// It says nothing.
    Inert {
        /// Why.
        reason: Inert,
    },
    /// It says something, but was not followed.
    NotJoined {
        /// Why.
        reason: NotJoined,
        /// Canonical id of the customer that holds its identifier end instead.
        to: Node,
    },
}

/// Why a link says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inert {
    /// An end is on the block list.
    Blocked {
        /// Which.
        node: Node,
    },
    /// An unlink rejected it.
    Rejected,
    /// A value that too many known customers share identifies nobody.
    ValueShared {
        /// The value.
        value: Node,
        /// To how many `qontak_customer_id`s it is linked, blocked ones included.
        by: u64,
        /// How many its kind allows.
        limit: u32,
    },
    /// A known customer with too many values of a kind has none of that kind.
    TooManyValues {
        /// The `qontak_customer_id`.
        customer: Node,
        /// The kind.
        kind: IdentifierKind,
        /// How many it is linked to, blocked ones included.
        count: u64,
        /// How many it may have.
        limit: u32,
    },
}

/// Why a link was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotJoined {
    /// The result would hold two nodes that are kept apart.
    KeptApart {
        /// The smaller of the two.
        a: Node,
        /// The other.
        b: Node,
    },
    /// Links of its kind join no two known customers.
    LinkOnly,
    /// In a group of so many anchors no link joins two known customers.
    GroupTooLarge {
        /// How many.
        anchors: u64,
    },
}
