//! Built-in alerts for those who run neither Prometheus nor Alertmanager: a thread looks at the process's own numbers
//! and posts JSON when a condition begins and when it ends. It never holds anything up; what cannot be posted is tried
//! again, and dropped when too much waits.

mod conditions;
mod post;
mod reading;

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::Serialize;

use super::telemetry::Telemetry;
use crate::settings::Settings;
use conditions::{NAMES, RULES, Rule};
use reading::Readings;

/// Where each alert is explained.
const GUIDE: &str = "docs/guide/operate.md";

/// What is posted.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Notice {
    alert: &'static str,
    /// `firing` or `resolved`.
    status: &'static str,
    severity: &'static str,
    /// Whom it is about: a source module, a lane, a platform; empty for the process.
    about: String,
    summary: &'static str,
    /// The number that is too high; absent when it is without bound, or over.
    value: Option<f64>,
    /// When the condition began, in seconds since 1970.
    since: u64,
    runbook: String,
    /// One line for chats that show `text`.
    text: String,
}

/// Starts looking, when there is somebody to tell. The threads end with the process.
pub(crate) fn start(settings: &Settings, telemetry: Telemetry) -> Result<()> {
    if settings.alerts_webhook_url.is_empty() {
        return Ok(());
    }
    let every = Duration::from_secs(settings.alerts_every_s.max(1));
    let tell = post::start(settings.alerts_webhook_url.clone())?;
    let look = move || {
        let (begun, mut alerts) = (Instant::now(), Alerts::default());
        loop {
            thread::sleep(every);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            for notice in alerts.look(&telemetry.render(), begun.elapsed(), now) {
                hand_over(&tell, notice);
            }
        }
    };
    thread::Builder::new().name("alerts".to_owned()).spawn(look).context("cannot start looking for alerts")?;
    Ok(())
}

fn hand_over(tell: &SyncSender<Notice>, notice: Notice) {
    tracing::warn!(alert = notice.alert, about = notice.about, status = notice.status, "{}", notice.summary);
    let firing = if notice.status == "firing" { 1.0 } else { 0.0 };
    metrics::gauge!("cebe_alert_firing", "alert" => notice.alert, "about" => notice.about.clone()).set(firing);
    if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = tell.try_send(notice) {
        post::count("dropped");
    }
}

/// Which conditions are met since when.
#[derive(Default)]
struct Alerts {
    readings: Readings,
    met: BTreeMap<(usize, String), Since>,
}

struct Since {
    /// Since the process started.
    began: Duration,
    /// Since 1970.
    at: Duration,
    fires: bool,
}

impl Alerts {
    /// Looks at the measurements of one moment; gives what began or ended with it.
    fn look(&mut self, text: &str, elapsed: Duration, now: Duration) -> Vec<Notice> {
        self.readings.take(elapsed, text, &NAMES);
        let mut notices = Vec::new();
        for (place, rule) in RULES.iter().enumerate() {
            let met = (rule.met)(&self.readings, now);
            let is_met = |about: &String| met.iter().any(|met| met.about == *about);
            for ((_, about), since) in self.met.extract_if(.., |(rule, about), _| *rule == place && !is_met(about)) {
                if since.fires {
                    notices.push(rule.notice("resolved", about, None, since.at));
                }
            }
            for met in met {
                let fresh = Since { began: elapsed, at: now, fires: false };
                let since = self.met.entry((place, met.about.clone())).or_insert(fresh);
                if !since.fires && elapsed - since.began >= rule.lasts {
                    since.fires = true;
                    notices.push(rule.notice("firing", met.about, Some(met.value), since.at));
                }
            }
        }
        notices
    }
}

impl Rule {
    fn notice(&self, status: &'static str, about: String, value: Option<f64>, since: Duration) -> Notice {
        let whom = if about.is_empty() { String::new() } else { format!(" ({about})") };
        Notice {
            alert: self.name,
            status,
            severity: self.severity,
            summary: self.summary,
            value: value.filter(|value| value.is_finite()),
            since: since.as_secs(),
            runbook: format!("{GUIDE}#{}", self.name.to_lowercase()),
            text: format!("[{status}] {}{whom}: {}", self.name, self.summary),
            about,
        }
    }
}

#[cfg(test)]
mod tests;
