//! Backfills between a real queue, worker and store in memory: killed at every chunk boundary, re-sent, damaged.

use super::{
    rig::{ADMIN, House, NOW},
    *,
};
use axum::{Router, body::Body, http::Request};
use cebe_catalog::backfill::BackfillCounts;
use cebe_central::Central;
use cebe_worker::backfill::PROGRESS;
use serde_json::{Value, json};
use tower::ServiceExt;

impl House {
    async fn send(&self, file: impl Into<Body>) -> String {
        let answer = self.ask("POST", "/v1/backfills?company_id=demo&module=conversion&name=history", file).await;
        answer["id"].as_str().unwrap().to_owned()
    }

    fn row(&self, id: &str) -> BackfillRow {
        row(&self.store.snapshot().unwrap(), id).unwrap().unwrap()
    }

    fn artifacts(&self) -> Artifacts {
        super::artifacts(&self.desk).unwrap()
    }

    async fn job(&self, id: &str) -> Job {
        Job::resume(&self.desk, &self.artifacts(), id).await.unwrap()
    }

    async fn load(&self, id: &str) -> BackfillRow {
        self.job(id).await.run().await.unwrap();
        self.row(id)
    }

    fn events(&self) -> usize {
        let mut events = 0;
        let visit = &mut |_, _| {
            events += 1;
            ControlFlow::Continue(())
        };
        self.store.snapshot().unwrap().log(&"demo".into(), visit).unwrap();
        events
    }
}

/// A payment without an id of its own; some are equal to each other on purpose.
fn line(number: u64) -> String {
    let payment = number % 700;
    let event = json!({"qontak_customer_id": format!("c-{}", payment % 9), "event_timestamp": "2025-02-03T04:05:06Z",
        "event_name": "order.paid", "event_attributes":
        {"payment_type": "full", "paid_amount": "1.25", "payment_id": format!("p-{payment}")}});
    event.to_string()
}

/// Lines of every kind: good without an id, good with one, broken, of a module that is off.
fn file(lines: u64) -> String {
    let line = |number: u64| match number % 500 {
        77 => "{\"broken\":".to_owned(),
        78 => json!({"source_module": "ticketing", "event_name": "ticket.created"}).to_string(),
        79 => line(number).replace("\"event_name\"", &format!("\"event_id\":\"id-{number}\",\"event_name\"")),
        _ => line(number),
    };
    (0..lines).map(|number| line(number) + "\n").collect()
}

/// Requirements BF-RESUME, CORE-S01-AC3-b, CORE-MET-2: killed behind any chunk, with any part of it applied, a backfill
/// goes on where it was; every line has one outcome, and equal rows keep their numbers.
#[tokio::test]
async fn killed_at_every_chunk_boundary_nothing_is_lost_or_doubled() {
    let whole = file(6_000);
    let expected = {
        let house = House::open().await;
        let _worker = house.work();
        let id = house.send(whole.clone()).await;
        let row = house.load(&id).await;
        assert_eq!((row.state, row.events, row.percent_complete()), (BackfillState::Done, 6_000, 100.0));
        assert_eq!((row.counts.quarantined, row.counts.ignored, row.counts.total()), (12, 12, 6_000));
        assert_eq!((row.counts.applied, row.counts.duplicate), (6_000 - 24, 0));
        assert_eq!((row.refused[0].line, row.refused[0].code.as_str()), (78, "malformed_json"));
        (row.counts, house.events())
    };
    for chunks in 0..=3 {
        for applied in [false, true] {
            let house = House::open().await;
            let id = {
                let _worker = house.work();
                house.send(whole.clone()).await
            };
            {
                let _worker = house.work();
                let mut job = house.job(&id).await;
                // Counting needs the worker; the chunks behind it do not.
                assert!(job.is_counted().await.unwrap());
                let worker = (!applied).then_some(_worker);
                drop(worker);
                for _ in 0..chunks {
                    assert!(job.turn().await.unwrap());
                }
            }
            if !applied && chunks > 1 {
                // A part of what was appended is applied, then the worker dies too.
                house.worker().turn().unwrap();
            }
            let house = house.crash();
            let _worker = house.work();
            let row = house.load(&id).await;
            assert_eq!((row.state, row.percent_complete()), (BackfillState::Done, 100.0), "{chunks} {applied}");
            assert_eq!((row.counts, house.events()), expected, "{chunks} {applied}");
        }
    }
}

/// Requirements BF-RESUME, MKT-MIG: a file that is sent again is all duplicates, its real repeats too.
#[tokio::test]
async fn a_file_sent_again_is_all_duplicates() {
    let house = House::open().await;
    let _worker = house.work();
    let text: String = (0..3_000).map(|number| line(number) + "\n").collect();
    let first = house.send(text.clone()).await;
    let first = house.load(&first).await;
    assert_eq!(first.counts, BackfillCounts { applied: 3_000, ..BackfillCounts::default() });
    let again = house.send(zstd::encode_all(text.as_bytes(), 1).unwrap()).await;
    let again = house.load(&again).await;
    assert_eq!(again.counts, BackfillCounts { duplicate: 3_000, ..BackfillCounts::default() });
    assert_eq!(house.events(), 3_000);
    // One row by itself is the first of its equals, through whichever door.
    let pushed = house.ask("POST", "/v1/events?wait=true&company_id=demo", with_module(&line(5))).await;
    assert_eq!(pushed["duplicate"], 1, "{pushed}");
}

fn with_module(line: &str) -> String {
    line.replacen('{', "{\"source_module\":\"conversion\",", 1)
}

/// Requirement CORE-S01-AC3-b: progress is kept as operating events, and is 100 only at the end.
#[tokio::test]
async fn progress_is_an_operating_event_at_each_tenth() {
    let house = House::open().await;
    let _worker = house.work();
    let id = house.send(file(9_000)).await;
    let mut job = house.job(&id).await;
    while job.turn().await.unwrap() {
        assert!(house.row(&id).percent_complete() <= 100.0);
    }
    job.run().await.unwrap();
    let told: Vec<Value> =
        house.operations().into_iter().filter(|(kind, _)| kind == PROGRESS).map(|(_, told)| told).collect();
    let percents: Vec<f64> = told.iter().map(|told| told["percent_complete"].as_f64().unwrap()).collect();
    assert!(percents.is_sorted() && percents.len() > 3, "{percents:?}");
    assert_eq!(percents.iter().filter(|percent| **percent == 100.0).count(), 1);
    assert_eq!(told.last().unwrap()["state"], "done");
}

/// As in a cluster, where an append is one message: what is too large for one is loaded in smaller chunks, once each, and a
/// line that fits in none ends the backfill instead of being tried for ever.
#[tokio::test]
async fn chunks_that_are_too_large_for_the_queue_are_cut() {
    let settings = cebe_queue::MemorySettings { append_bytes_max: 16 << 10, ..Default::default() };
    let queue = cebe_queue::Memory::new(settings, cebe_queue::StoreId([7; 16]), cebe_queue::system_clock());
    let house = House::open_on(queue).await;
    let _worker = house.work();
    let id = house.send(file(2_000)).await;
    let row = house.load(&id).await;
    assert_eq!((row.state, row.events), (BackfillState::Done, 2_000), "{}", row.message);
    assert_eq!((row.counts.total(), row.counts.duplicate), (2_000, 0), "{:?}", row.counts);
    let mut with_one_too_large = file(100);
    with_one_too_large += &format!("{{\"note\":\"{}\"}}\n{}\n", "x".repeat(20 << 10), line(7));
    let id = house.send(with_one_too_large).await;
    let row = house.load(&id).await;
    assert_eq!((row.state, row.events, row.counts.total()), (BackfillState::Failed, 100, 100), "{}", row.message);
    assert!(row.message.contains("line 101 cannot be stored"), "{}", row.message);
}

#[tokio::test]
async fn a_damaged_file_fails_before_anything_is_loaded() {
    let house = House::open().await;
    let _worker = house.work();
    let mut packed = zstd::encode_all(file(2_000).as_bytes(), 1).unwrap();
    packed.truncate(packed.len() / 2);
    let id = house.send(packed).await;
    let row = house.load(&id).await;
    assert_eq!((row.state, row.events, house.events()), (BackfillState::Failed, 0, 0));
    assert!(row.message.contains("nothing of it was loaded"), "{}", row.message);
}

/// A connection that breaks off leaves nothing behind.
#[tokio::test]
async fn an_upload_that_breaks_off_is_gone() {
    let house = House::open().await;
    let (send, body) = http_body_util::channel::Channel::<bytes::Bytes, std::io::Error>::new(4);
    let mut send = send;
    send.send_data("{\"a\":1}\n".into()).await.unwrap();
    send.abort(std::io::Error::other("cut"));
    let router: Router =
        house.desk.router().layer(axum::middleware::from_fn_with_state(house.desk.clone(), crate::guard));
    let request = Request::builder().method("POST").uri("/v1/backfills?company_id=demo");
    let request = request.header("authorization", format!("Bearer {ADMIN}")).body(Body::new(body)).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 400);
    assert_eq!(std::fs::read_dir(house.folder.path()).unwrap().count(), 0);
}

/// Requirement CORE-LIFE-2: a week of ticks later the file is gone and the summary is kept.
#[tokio::test]
async fn files_go_after_seven_days_and_summaries_stay() {
    let house = House::open().await;
    let _worker = house.work();
    let id = house.send(file(10)).await;
    let mut backfills = Backfills::new(house.desk.clone()).unwrap();
    backfills.turn().await.unwrap();
    // Day by day, or the clock is not believed.
    for days in 0..=7 {
        let tick = cebe_catalog::Record::Tick(NOW.plus(days * DAY + 1_000_000)).to_bytes();
        let place =
            house.desk.append(0, cebe_catalog::Lane::Live, Default::default(), vec![tick.into()]).await.unwrap();
        house.desk.log().until_applied(place, Duration::MAX).await;
        backfills.turn().await.unwrap();
        assert_eq!(house.artifacts().file(&id).exists(), days < 7, "after {days} days");
    }
    let row = house.row(&id);
    assert!(row.cleared && row.state == BackfillState::Done && row.counts.total() == 10);
}

/// Requirement BF-DOMAIN: what happened five years ago is taken with its own time.
#[tokio::test]
async fn history_keeps_its_own_time() {
    let house = House::open().await;
    let _worker = house.work();
    let event = json!({"source_module": "cdp", "event_name": "customer.created", "qontak_customer_id": "old-1",
        "event_timestamp": "2020-10-01T00:00:00Z", "event_attributes": {"created_at": "2020-09-30T23:00:00Z",
        "acquisition_source": "web"}});
    let id = house.send(event.to_string()).await;
    assert_eq!(house.load(&id).await.counts.applied, 1);
    let mut months = Vec::new();
    let visit = &mut |key: &cebe_central::engine_rows::PointKey, _: &cebe_central::engine_rows::Point| {
        months.push(key.bucket.to_rfc3339()[..7].to_owned());
        ControlFlow::Continue(())
    };
    house.store.snapshot().unwrap().all_points(&"demo".into(), visit).unwrap();
    assert!(!months.is_empty() && months.iter().all(|month| month == "2020-09"), "{months:?}");
}
