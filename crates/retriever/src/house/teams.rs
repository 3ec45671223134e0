//! Teams: which modules each reads and which PII classes it may see in clear.

use crate::{
    http::{Asked, ErrorBody, ReadError, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::control::TeamRow;
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};
use std::ops::ControlFlow;

/// Every team.
#[utoipa::path(get, path = "/v1/teams", tag = "settings",
    responses((status = 200, description = "Teams", body = Object)))]
pub(crate) async fn teams(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadTeams, |read| {
        read.parameters.finish("company_id")?;
        let mut teams = Vec::new();
        read.snapshot.control_all(ControlKind::Team, "", Order::Forward, &mut |_, row| {
            if let ControlRow::Team(team) = row {
                teams.push(team_json(&team));
            }
            ControlFlow::Continue(())
        })?;
        Ok(json!({ "teams": teams, "freshness": read.freshness.to_json() }))
    })
    .await
}

/// One team.
#[utoipa::path(get, path = "/v1/teams/{id}", tag = "settings",
    params(("id" = String, Path, description = "Team id")),
    responses(
        (status = 200, description = "The team", body = Object),
        (status = 404, description = "No such team", body = ErrorBody),
    ))]
pub(crate) async fn team(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::ReadTeams, move |read| {
        read.parameters.finish("company_id")?;
        let Some(ControlRow::Team(team)) = read.snapshot.control(ControlKind::Team, &id)? else {
            return Err(ReadError::NotFound("team"));
        };
        let mut json = team_json(&team);
        json["freshness"] = read.freshness.to_json();
        Ok(json)
    })
    .await
}

fn team_json(team: &TeamRow) -> Json {
    json!({ "id": team.id, "modules": team.modules, "pii_classes": team.pii_classes })
}
