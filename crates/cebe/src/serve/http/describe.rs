//! `/openapi.json`: what adapter, retriever and this binary say of their own routes, in one description, completed with
//! what holds for all of them: the key, the company, the answers of the middleware, the bounds of pages.

use axum::Json;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa::openapi::InfoBuilder;

#[derive(OpenApi)]
#[openapi(paths(
    super::probes::livez,
    super::probes::readyz,
    super::probes::measurements,
    super::cluster::look,
    super::cluster::drain,
    super::backup::take,
    super::verify::start,
    super::verify::look,
))]
struct Own;

/// The whole description.
pub(super) async fn openapi() -> Json<Value> {
    let mut all = cebe_adapter::openapi().merge_from(cebe_retriever::openapi()).merge_from(Own::openapi());
    let about = "Customer events in; who the customer is, what happened and how you are doing out.";
    all.info = InfoBuilder::new().title("CEBE").version(env!("CARGO_PKG_VERSION")).description(Some(about)).build();
    let mut described = json!(all);
    complete(&mut described);
    Json(described)
}

/// Calls whose body is read line by line.
const BY_LINE: [&str; 2] = ["/v1/events", "/v1/backfills"];

/// What holds for every route, whoever serves it.
fn complete(described: &mut Value) {
    described["components"]["securitySchemes"] = json!({"key": {"type": "http", "scheme": "bearer"}});
    let Some(paths) = described["paths"].as_object_mut() else { return };
    for (path, calls) in paths.iter_mut().filter(|(path, _)| path.starts_with("/v1/")) {
        for call in calls.as_object_mut().into_iter().flat_map(Map::values_mut) {
            call["security"] = json!([{"key": []}]);
            company(call);
            parameters(call);
            let has_body = body(path, call);
            answers(call, has_body);
        }
    }
}

/// A key of several companies names one.
fn company(call: &mut Value) {
    let about = "the company, for keys that serve several";
    let header = json!({"name": "X-Company-Id", "in": "header", "required": false, "description": about,
        "schema": {"type": "string"}});
    match call["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(header),
        None => call["parameters"] = json!([header]),
    }
}

/// Bounds that the types do not say.
fn parameters(call: &mut Value) {
    for parameter in call["parameters"].as_array_mut().into_iter().flatten() {
        let schema = match parameter["name"].as_str() {
            Some("limit") => json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            Some("from" | "to" | "at") => json!({"type": "string", "format": "date-time"}),
            _ => continue,
        };
        parameter["schema"] = schema;
    }
}

/// Bodies are JSON objects; where they are read line by line, lines of JSON. Says whether there is one.
fn body(path: &str, call: &mut Value) -> bool {
    let Some(body) = call.get_mut("requestBody") else { return false };
    body["content"] = match BY_LINE.contains(&path) {
        true => json!({"application/x-ndjson": {"schema": {"type": "string"}}, "application/json": {"schema": {}}}),
        false => json!({"application/json": {"schema": {"type": "object"}}}),
    };
    true
}

/// What the middleware and the reading of parameters and bodies may answer.
fn answers(call: &mut Value, has_body: bool) {
    let always = [
        ("400", "a parameter, header or body cannot be used"),
        ("401", "no key, or an unknown one"),
        ("403", "the key may not"),
        ("404", "there is no such thing, or the company was never created"),
        ("429", "the key makes more requests than it may"),
        ("503", "not now: see Retry-After"),
    ];
    let of_bodies = [
        ("202", "stored, and not applied yet"),
        ("408", "the body took too long"),
        ("413", "the body is too large"),
        ("415", "the body is of another type"),
    ];
    let error = json!({"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}});
    let Some(known) = call["responses"].as_object_mut() else { return };
    for (status, about) in always.iter().chain(of_bodies.iter().filter(|_| has_body)) {
        known.entry(*status).or_insert_with(|| json!({"description": about, "content": error}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_call_says_what_may_be_answered_and_how_it_is_asked() {
        let Json(described) = openapi().await;
        let paths = described["paths"].as_object().unwrap();
        assert!(paths.len() > 25 && described["components"]["schemas"]["ErrorBody"].is_object());
        for (path, calls) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
            for (verb, call) in calls.as_object().unwrap() {
                for status in ["400", "401", "403", "429", "503"] {
                    assert!(call["responses"][status].is_object(), "{verb} {path} does not document {status}");
                }
                assert!(call["security"].is_array(), "{verb} {path}");
                let body = &call["requestBody"]["content"];
                assert!(body.is_null() || body["application/json"].is_object(), "{verb} {path}: {body}");
            }
        }
    }
}
