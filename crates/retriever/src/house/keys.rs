//! Keys: what each is for; never the key, never its hash.

use crate::{
    http::{Asked, Read, ReadError, read},
    reads::Shared,
};
use axum::{extract::State, response::Response};
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};
use std::ops::ControlFlow;

/// Every key.
#[utoipa::path(get, path = "/v1/keys", tag = "settings",
    responses((status = 200, description = "Keys, without what would let one in", body = Object)))]
pub(crate) async fn keys(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadKeys, answer).await
}

fn answer(read: &mut Read) -> Result<Json, ReadError> {
    read.parameters.finish("company_id")?;
    let mut keys = Vec::new();
    read.snapshot.control_all(ControlKind::Key, "", Order::Forward, &mut |_, row| {
        if let ControlRow::Key(key) = row {
            keys.push(json!({
                "id": key.id,
                "name": key.name,
                "role": key.role,
                "companies": key.companies,
                "modules": key.modules,
                "teams": key.teams,
                "reveal": key.reveal,
                "created_at": key.created_at.to_rfc3339(),
            }));
        }
        ControlFlow::Continue(())
    })?;
    Ok(json!({ "keys": keys, "freshness": read.freshness.to_json() }))
}
