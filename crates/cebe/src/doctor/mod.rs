//! The place a server is to run in, looked at: settings come in, findings go out, each with what to do. Changes nothing.

mod machine;
mod store;

use serde::Serialize;

use crate::client::Client;
use crate::settings::Settings;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Nothing to do.
    Good,
    /// Better changed.
    Doubtful,
    /// It does not work like this, or soon will not.
    Bad,
}

/// What one look found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    /// How good it is.
    pub(crate) state: State,
    /// What is the case.
    pub(crate) found: String,
    /// What to do; empty when there is nothing.
    pub(crate) advice: String,
}

impl Finding {
    fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Good, found: found.into(), advice: String::new() }
    }

    fn doubtful(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Doubtful, found: found.into(), advice: advice.into() }
    }

    fn bad(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Bad, found: found.into(), advice: advice.into() }
    }
}

/// Looks at everything.
pub(crate) fn examine(settings: &Settings) -> Vec<Finding> {
    vec![
        machine::disk(settings),
        machine::open_files(settings),
        machine::clock(settings),
        store::folder(settings),
        store::master_key(settings),
        server(&Client::new(settings)),
    ]
}

/// Whether the server that commands talk to is of this release.
fn server(client: &Client) -> Finding {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    let Ok(description) = client.get("/openapi.json", &[]) else {
        return Finding::good("versions", format!("this is {OWN}; no server answers at {}", client.server()));
    };
    match description["info"]["version"].as_str() {
        Some(OWN) => Finding::good("versions", format!("this and the server are {OWN}")),
        other => Finding::doubtful(
            "versions",
            format!("this is {OWN}, the server at {} is {}", client.server(), other.unwrap_or("something else")),
            "use the same release for commands and server",
        ),
    }
}

#[cfg(test)]
mod tests;
