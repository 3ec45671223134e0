//! Each condition fires when it lasted long enough, once, and clears; what it tells arrives, even when the other side
//! fails at first.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// Long after 1970, so that a sync at second 1 is long ago.
const NOW: Duration = Duration::from_secs(1_800_000_000);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Looks every 15 seconds from `from` up to `to`; gives (alert, status, about, second).
fn run(
    alerts: &mut Alerts,
    from: u64,
    to: u64,
    text: impl Fn(u64) -> String,
) -> Vec<(&'static str, &'static str, String, u64)> {
    let looks = (from..to).step_by(15);
    let told = looks.flat_map(|at| {
        let notices = alerts.look(&text(at), secs(at), NOW + secs(at));
        notices.into_iter().map(move |notice| (notice.alert, notice.status, notice.about, at)).collect::<Vec<_>>()
    });
    told.collect()
}

/// CORE-ALERT-1: five minutes of slow events fire, not four; five minutes without clear.
#[test]
fn slow_propagation_fires_after_five_minutes_and_clears() {
    let buckets = |fast: u64, all: u64| {
        let series = "cebe_propagation_seconds_bucket{source_module=\"deals\",from=\"emission\"";
        format!("{series},le=\"5\"}} {fast}\n{series},le=\"10\"}} {all}\n{series},le=\"+Inf\"}} {all}")
    };
    let mut alerts = Alerts::default();
    assert_eq!(run(&mut alerts, 0, 600, |at| buckets(at, at)), []);
    let slow = run(&mut alerts, 600, 1_200, |at| buckets(600, at));
    let [(alert, status, about, at)] = &slow[..] else { panic!("one notice, not {slow:?}") };
    assert_eq!((*alert, *status, about.as_str()), ("CebePropagationSlow", "firing", "deals"));
    assert!((600 + 300..600 + 360).contains(at), "{at}");
    let fast = run(&mut alerts, 1_200, 2_400, |at| buckets(at - 600, at));
    assert_eq!(fast.iter().map(|told| told.1).collect::<Vec<_>>(), ["resolved"]);
}

/// CORE-ALERT-2: a duplicate storm does not fire, two rejected in a hundred do, one bad event alone does not.
#[test]
fn rejections_fire_and_clear_and_duplicates_do_not() {
    let text = |applied: u64, bad: u64, duplicates: u64| {
        let line = |outcome, n| format!("cebe_events_total{{source_module=\"deals\",outcome=\"{outcome}\"}} {n}\n");
        line("applied", applied) + &line("quarantined", bad) + &line("duplicate", duplicates)
    };
    let mut alerts = Alerts::default();
    assert_eq!(run(&mut alerts, 0, 900, |at| text(at, at / 300, at * 1_000)), []);
    let one_bad = run(&mut alerts, 900, 1_800, |at| text(900, 3 + u64::from(at > 1_500), 900_000));
    assert_eq!(one_bad, []);
    let bad = run(&mut alerts, 1_800, 2_400, |at| text(at - 900, (at - 1_800) / 30 + 4, 900_000));
    assert_eq!(bad.iter().map(|told| (told.0, told.1)).collect::<Vec<_>>(), [("CebeRejections", "firing")]);
    let good = run(&mut alerts, 2_400, 3_600, |at| text(at - 900, 23, 900_000));
    assert_eq!(good.iter().map(|told| told.1).collect::<Vec<_>>(), ["resolved"]);
}

/// CORE-MON-2, MKT-ALERT-2 and the state of the process: each at its bound, after its time, once, and over again.
#[test]
fn gauges_fire_at_their_bound_and_clear() {
    let synced = |ago: u64| {
        format!("cebe_ads_spend_last_sync_timestamp_seconds{{ad_platform=\"meta\"}} {}", NOW.as_secs() - ago)
    };
    let cases = [
        ("CebeDiskFull", 60, "cebe_disk_used_share 0.85".to_owned(), "cebe_disk_used_share 0.86".to_owned()),
        (
            "CebeBehind",
            300,
            "cebe_lag_seconds{lane=\"backfill\"} 99".into(),
            "cebe_lag_seconds{lane=\"live\"} 6".into(),
        ),
        ("CebeWorkerStopped", 60, "cebe_worker_alive 1".into(), "cebe_worker_alive 0".into()),
        (
            "CebeReconciliationMissing",
            0,
            "cebe_reconciliation_missing_events{source_module=\"deals\"} 0".into(),
            "cebe_reconciliation_missing_events{source_module=\"deals\"} 1".into(),
        ),
        ("AdsSpendSyncMissing", 0, synced(3_600), synced(86_401)),
        (
            "AdsSpendSyncMissing",
            86_400,
            format!("cebe_ads_spend_last_sync_timestamp_seconds{{ad_platform=\"meta\"}} {}", NOW.as_secs() + 86_400),
            "cebe_ads_spend_last_sync_timestamp_seconds{ad_platform=\"meta\"} 0".into(),
        ),
        ("CebeFlushFailed", 0, "cebe_persist_failures_total 0".into(), "cebe_persist_failures_total 1".into()),
        (
            "CebeEngineFault",
            0,
            "cebe_event_rejected{source_module=\"deals\",reason=\"engine_fault\"} 0".into(),
            "cebe_event_rejected{source_module=\"deals\",reason=\"engine_fault\"} 1".into(),
        ),
    ];
    for (name, lasts, good, bad) in cases {
        let mut alerts = Alerts::default();
        assert_eq!(run(&mut alerts, 0, 60, |_| good.clone()), [], "{name}");
        let fired = run(&mut alerts, 60, 60 + lasts + 30, |_| bad.clone());
        let told: Vec<_> = fired.iter().map(|told| (told.0, told.1, told.3)).collect();
        assert_eq!(told, [(name, "firing", 60 + lasts)], "{name}");
        // What rises is over when the window is: a counter that stands still at its new height clears too.
        let after = if name.ends_with("Failed") || name.ends_with("Fault") { bad } else { good };
        let over = run(&mut alerts, 90 + lasts, 90 + lasts + 900, |_| after.clone());
        assert_eq!(over.iter().map(|told| (told.0, told.1)).collect::<Vec<_>>(), [(name, "resolved")], "{name}");
    }
}

/// The same names stand in the rules for Prometheus.
#[test]
fn the_rules_for_prometheus_know_every_built_in_alert() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/alerts.yml");
    let rules = std::fs::read_to_string(path).unwrap();
    let known: BTreeSet<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    for rule in RULES {
        assert!(known.contains(rule.name), "{}", rule.name);
    }
}

fn body_of(stream: &TcpStream) -> serde_json::Value {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A hook that breaks off and then answers 500 gets the notice a third time, and then the next one.
#[test]
fn a_notice_is_posted_until_it_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tell = post::start(format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    let mut alerts = Alerts::default();
    let mut notices = alerts.look("cebe_reconciliation_missing_events{source_module=\"deals\"} 1", secs(0), NOW);
    notices.extend(alerts.look("cebe_reconciliation_missing_events{source_module=\"deals\"} 0", secs(15), NOW));
    assert_eq!(notices.len(), 2);
    for notice in notices {
        hand_over(&tell, notice);
    }
    drop(listener.accept().unwrap());
    let mut told = Vec::new();
    for status in ["500 No", "200 OK", "200 OK"] {
        let (mut stream, _) = listener.accept().unwrap();
        told.push(body_of(&stream));
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    }
    let status: Vec<_> = told.iter().map(|body| body["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["firing", "firing", "resolved"]);
    assert_eq!((&told[0]["alert"], &told[0]["about"]), (&"CebeReconciliationMissing".into(), &"deals".into()));
    assert_eq!(told[0]["runbook"], "docs/guide/operate.md#cebereconciliationmissing");
}
