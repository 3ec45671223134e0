//! `/v1/cluster`: the nodes, which of them holds which shard, how far behind each shard is; and draining a node.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use cebe_central::postgres::{LeaseRow, Leases};
use cebe_privacy::access::{Action, Grant};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::fault;
use crate::serve::cluster::{HEARD_MAX, Shards};

/// Who there is.
#[derive(Clone)]
pub(crate) enum Nodes {
    /// This process alone.
    Alone,
    /// A node among others.
    Cluster {
        /// Every shard, as this node sees it.
        shards: Arc<Shards>,
        /// The leases.
        leases: Leases,
    },
}

/// Whether to drain.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Draining {
    draining: bool,
}

/// The two routes.
pub(super) fn router(nodes: Nodes) -> Router {
    let routes = Router::new().route("/v1/cluster", get(look)).route("/v1/cluster/nodes/{node}", post(drain));
    routes.with_state(nodes)
}

/// Who holds which shard, and how far behind each is.
#[utoipa::path(get, path = "/v1/cluster", tag = "operate", responses(
    (status = 200, description = "nodes, and shards with holder, epoch and lag"),
    (status = 403, description = "this key may not")))]
pub(super) async fn look(State(nodes): State<Nodes>, Extension(grant): Extension<Grant>) -> Response {
    if !grant.may(Action::Verify) {
        return forbidden();
    }
    let Nodes::Cluster { shards, leases } = nodes else {
        return Json(json!({"cluster": false, "nodes": [], "shards": []})).into_response();
    };
    let Some(seen) = shards.seen() else {
        return fault(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the database has not answered yet", "try again");
    };
    let shown = |row: &LeaseRow| {
        json!({"shard": row.shard.to_string(), "node": row.node.as_ref().filter(|_| !row.expired),
            "epoch": row.epoch, "commits": row.commits, "lag_ms": shards.lag_ms(row.shard),
            "live_position": row.live_position, "backfill_position": row.backfill_position})
    };
    let nodes: Vec<Value> = seen
        .nodes
        .iter()
        .map(|node| {
            let held = seen.leases.iter().filter(|row| !row.expired && row.node.as_ref() == Some(&node.node)).count();
            json!({"node": node.node, "alive": node.alive, "draining": node.draining, "shards": held,
            "seen_at": node.seen_at.to_rfc3339(), "this": node.node == leases.node()})
        })
        .collect();
    let rows: Vec<Value> = seen.leases.iter().map(shown).collect();
    let age = seen.at.elapsed();
    Json(json!({"cluster": true, "nodes": nodes, "shards": rows, "heard_ms": age.as_millis() as u64,
        "stale": age > HEARD_MAX}))
    .into_response()
}

/// Asks a node to give its shards away, or to take some again.
#[utoipa::path(post, path = "/v1/cluster/nodes/{node}", tag = "operate", params(("node" = String, Path)),
    request_body = Draining, responses((status = 200, description = "asked: it takes a few seconds"),
    (status = 400, description = "the body cannot be read"), (status = 404, description = "no such node"),
    (status = 409, description = "this is no cluster")))]
pub(super) async fn drain(
    State(nodes): State<Nodes>,
    Extension(grant): Extension<Grant>,
    Path(node): Path<String>,
    body: Bytes,
) -> Response {
    if !grant.may(Action::WriteKeys) {
        return forbidden();
    }
    let Ok(asked) = serde_json::from_slice::<Draining>(&body) else {
        return fault(StatusCode::BAD_REQUEST, "invalid_body", "the body cannot be read", r#"send {"draining": true}"#);
    };
    let Nodes::Cluster { shards, leases } = nodes else {
        return fault(StatusCode::CONFLICT, "no_cluster", "this server is not a node of a cluster", "");
    };
    let is_it = |name: &str| name == node || name.split('/').next() == Some(&node);
    let known = shards.seen().and_then(|seen| {
        let alive = seen.nodes.into_iter().filter(|row| row.alive);
        alive.map(|row| row.node).find(|name| is_it(name))
    });
    let Some(name) = known else {
        return fault(StatusCode::NOT_FOUND, "not_found", "there is no such node", "GET /v1/cluster lists them");
    };
    let asking = name.clone();
    let told = tokio::task::spawn_blocking(move || leases.drain(&asking, asked.draining)).await;
    match told {
        Ok(Ok(())) => Json(json!({"node": name, "draining": asked.draining})).into_response(),
        Ok(Err(error)) => {
            let message = error.to_string();
            fault(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &message, "try again")
        }
        Err(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request failed", ""),
    }
}

fn forbidden() -> Response {
    let hint = "use a key whose role allows this call";
    fault(StatusCode::FORBIDDEN, "forbidden", "this key may not", hint)
}
