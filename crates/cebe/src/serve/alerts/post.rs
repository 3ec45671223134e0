//! Posts notices one after the other, each again and again with longer pauses until it is taken or too old.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ureq::Agent;

use super::Notice;

/// Notices that may wait.
const WAITING_MAX: usize = 256;
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A notice that could not be posted for so long tells nobody anything any more.
const AGE_MAX: Duration = Duration::from_secs(60 * 60);

/// Starts posting to an address.
pub(super) fn start(url: String) -> Result<SyncSender<Notice>> {
    let (tell, told) = sync_channel(WAITING_MAX);
    let run = move || post_all(&url, &told);
    thread::Builder::new().name("alerts-post".to_owned()).spawn(run).context("cannot start posting alerts")?;
    Ok(tell)
}

fn post_all(url: &str, told: &Receiver<Notice>) {
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).max_redirects(0);
    let agent: Agent = config.build().into();
    for notice in told {
        post(&agent, url, &notice);
    }
}

/// The address is a secret: neither it nor what the client says of it is logged.
fn post(agent: &Agent, url: &str, notice: &Notice) {
    let (begun, mut pause) = (Instant::now(), PAUSE_FIRST);
    while agent.post(url).send_json(notice).is_err() {
        count("failed");
        if begun.elapsed() > AGE_MAX {
            tracing::error!(alert = notice.alert, "an alert could not be posted for an hour and is given up");
            return count("dropped");
        }
        tracing::warn!(alert = notice.alert, "an alert could not be posted; it is tried again");
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
    count("sent");
}

/// Counts what became of a post.
pub(super) fn count(outcome: &'static str) {
    metrics::counter!("cebe_alert_posts_total", "outcome" => outcome).increment(1);
}
