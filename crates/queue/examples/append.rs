//! Measures appending to an embedded queue: `append [appenders] [batch] [record bytes] [seconds]`, in a temporary folder
//! under the current one, so that the disk that is measured is the one that is meant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cebe_queue::{Embedded, Lane, Position, Queue, ReadLimit, Settings};

fn argument(place: usize, otherwise: usize) -> usize {
    std::env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Looks like an event: field names that repeat, values that do not.
fn event(n: u64, bytes: usize) -> Bytes {
    let mut event = String::from(r#"{"event_name":"message.delivered","company_id":"company-1""#);
    let mut state = n | 1;
    let mut field = 0;
    while event.len() + 2 < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        event.push_str(&format!(r#","attribute_{field}":"{:08x}""#, state >> 32));
        field += 1;
    }
    event.truncate(bytes - 1);
    event.push('}');
    event.into()
}

fn main() {
    let (appenders, batch) = (argument(1, 16), argument(2, 500));
    let (record_bytes, seconds) = (argument(3, 450), argument(4, 5));
    let dir = tempfile::tempdir_in(".").expect("the current folder can be written");
    let queue = Arc::new(Embedded::open(dir.path(), Settings::default()).expect("a new queue opens"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (started, refused) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let until = started + Duration::from_secs(seconds as u64);
    let tasks: Vec<_> = (0..appenders as u64)
        .map(|appender| {
            let (queue, refused) = (Arc::clone(&queue), Arc::clone(&refused));
            let records: Vec<Bytes> = (0..batch as u64).map(|n| event(appender << 32 | n << 8, record_bytes)).collect();
            runtime.spawn(async move {
                while Instant::now() < until {
                    if queue.append(Lane::Live, Bytes::new(), records.clone()).await.is_err() {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).expect("an appender ends");
    }
    let took = started.elapsed().as_secs_f64();
    let lane = queue.facts().lanes.live;
    let records = lane.end.0 as f64;
    println!("{appenders} appenders, batches of {batch}, records of {record_bytes} B, {took:.1} s");
    println!("append  {:>10.0} records/s  {:>7.1} MB/s", records / took, records * record_bytes as f64 / took / 1e6);
    println!(
        "flushes {:>10.0} /s  {:.1} appends each  {:.1} B a record on disk  {} refused",
        lane.syncs as f64 / took,
        lane.appends as f64 / lane.syncs.max(1) as f64,
        lane.bytes as f64 / records,
        refused.load(Ordering::Relaxed)
    );
    read_back(&*queue, lane.end);
    drop(queue);
    let started = Instant::now();
    Embedded::open(dir.path(), Settings::default()).expect("it opens again");
    println!("reopen  {:>10.1} ms for {} segments", started.elapsed().as_secs_f64() * 1e3, lane.segments);
}

fn read_back(queue: &dyn Queue, end: Position) {
    let (started, mut at) = (Instant::now(), Position::START);
    let limit = ReadLimit { records_max: 20_000, bytes_max: 16 << 20 };
    while at < end {
        let read = queue.read(Lane::Live, at, limit).expect("what was written can be read");
        at = read.last().map_or(end, |(position, _)| position.plus(1));
    }
    println!("read    {:>10.0} records/s", end.0 as f64 / started.elapsed().as_secs_f64());
}
