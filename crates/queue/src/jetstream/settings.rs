//! The settings (plain values) of a queue on JetStream.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The settings of a queue on JetStream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JetStreamSettings {
    /// The servers, as `nats://host:port`, separated by commas; `user:password@` or `token@` before the host says who we
    /// are, `tls://` insists on encryption.
    pub url: String,
    /// A file of credentials (JWT and seed), which says who we are instead.
    pub credentials_file: Option<PathBuf>,
    /// Certificate authorities (PEM) to trust instead of the machine's; then TLS is insisted on.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key (PEM), for servers that ask for one.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// What the names of streams and subjects begin with; several queues may share a cluster under different ones.
    pub prefix: String,
    /// On how many servers each record is kept.
    pub replicas: usize,
    /// Most bytes each lane may keep on a server; beyond it an append is refused with `Full`. 0: the server's own limit.
    pub lane_bytes_max: u64,
    /// Most bytes that may wait for an acknowledgement in each lane; beyond it an append is refused with `Busy`.
    pub waiting_bytes_max: usize,
    /// Records younger than this are not trimmed.
    pub trim_age_ms: u64,
    /// How long a start waits for the servers to answer.
    pub open_max: Duration,
    /// How long one answer of the servers may take before it is asked for again.
    pub answer_max: Duration,
}

impl Default for JetStreamSettings {
    fn default() -> Self {
        JetStreamSettings {
            url: "nats://127.0.0.1:4222".to_owned(),
            credentials_file: None,
            ca_file: None,
            client_certificate: None,
            prefix: "cebe".to_owned(),
            replicas: 1,
            lane_bytes_max: 0,
            waiting_bytes_max: 64 << 20,
            trim_age_ms: 24 * 60 * 60 * 1_000,
            open_max: Duration::from_secs(30),
            answer_max: Duration::from_secs(4),
        }
    }
}
