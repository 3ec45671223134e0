//! Cursor paging: how many items a page holds, and what it looks like.

use super::{Parameters, ReadError};
use crate::freshness::Freshness;
use cebe_catalog::limits;
use serde_json::{Value as Json, json};

/// The asked size of a page.
pub(crate) fn limit(parameters: &mut Parameters, default: usize) -> Result<usize, ReadError> {
    let Some(text) = parameters.take("limit")? else { return Ok(default) };
    text.parse().ok().filter(|limit| (1..=limits::PAGE_ITEMS_MAX).contains(limit)).ok_or_else(|| {
        ReadError::invalid(
            "invalid_parameter",
            "limit",
            "not a page size",
            format!("a number from 1 to {}", limits::PAGE_ITEMS_MAX),
        )
    })
}

/// A page of items under their name, with the cursor of the next one.
pub(crate) fn page(name: &str, items: Vec<Json>, next: Option<String>, freshness: Freshness) -> Json {
    json!({ name: items, "next": next, "freshness": freshness.to_json() })
}
