//! Why a command did not succeed, and the exit code that tells a script: 0 done, 1 the answer is no (or there are
//! differences), 2 wrong usage, 3 the server cannot be reached or does not serve now, 4 the key is missing or may not,
//! 5 the store cannot be opened, 6 the disk failed under a running server.

use serde_json::Value;

/// What a server ends with whose disk failed: start it again.
pub(crate) const DISK_FAILED: i32 = 6;

/// A command's failure: what to tell the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The question was answered, and the answer is no.
    #[error("{0}")]
    No(String),
    /// The command cannot be carried out as written.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers.
    #[error("{server} does not answer: {reason}; is `cebe serve` running there? (--server, CEBE_SERVER)")]
    Unreachable {
        /// Where it was tried.
        server: String,
        /// What the connection said.
        reason: String,
    },
    /// The server answered, and cannot serve now.
    #[error("the server answers {status}: {message}")]
    NotNow {
        /// HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// The key is missing, unknown, or has no right to this.
    #[error("{message} (the key is taken from CEBE_KEY)")]
    Denied {
        /// Its words.
        message: String,
    },
    /// The data folder cannot be used.
    #[error("{0}")]
    Store(String),
    /// Something of the machine failed.
    #[error("{0:#}")]
    Machine(#[from] anyhow::Error),
}

impl Failure {
    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::No(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } | Self::NotNow { .. } | Self::Machine(_) => 3,
            Self::Denied { .. } => 4,
            Self::Store(_) => 5,
        }
    }

    /// What an error answer of the server means to a command.
    pub(crate) fn from_answer(status: u16, body: &Value) -> Self {
        let message = words_of(status, body);
        match status {
            401 | 403 => Self::Denied { message },
            404 => Self::No(message),
            400..=499 => Self::Usage(message),
            _ => Self::NotNow { status, message },
        }
    }
}

fn words_of(status: u16, body: &Value) -> String {
    let error = &body["error"];
    let part = |name: &str| error[name].as_str().unwrap_or_default();
    let mut words = match part("message") {
        "" => format!("status {status}"),
        message => message.to_owned(),
    };
    for (name, before) in [("path", " at "), ("hint", "; ")] {
        if !part(name).is_empty() {
            words.push_str(before);
            words.push_str(part(name));
        }
    }
    words
}
