//! The vault values of an event: what an erasure has to delete.

use alloc::vec::Vec;
use cebe_catalog::{EventRecord, Node, Token, Value};

/// Tokens under which the vault keeps values of an event.
pub fn sealed_tokens(event: &EventRecord) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (_, value) in &event.attributes {
        collect_tokens(value, &mut tokens);
    }
    if let Some(name) = event.actor.as_ref().and_then(|actor| actor.name.as_ref()) {
        collect_tokens(name, &mut tokens);
    }
    for node in event.anchor.iter().chain(&event.identifiers) {
        if let Node::Token(_, token) = node {
            tokens.push(*token);
        }
    }
    tokens
}

fn collect_tokens(value: &Value, tokens: &mut Vec<Token>) {
    match value {
        Value::Sealed { token, .. } => tokens.push(*token),
        Value::List(items) => items.iter().for_each(|item| collect_tokens(item, tokens)),
        Value::Map(entries) => entries.iter().for_each(|(_, item)| collect_tokens(item, tokens)),
        _ => {}
    }
}
