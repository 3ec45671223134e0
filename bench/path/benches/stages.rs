//! Micro-benchmarks of an event's stages: `cargo bench -p cebe-bench-path`. Numbers for comparing before and after on one
//! machine; none is asserted anywhere.
#![allow(missing_docs)]

use cebe_bench_path::{House, traffic};
use cebe_catalog::Record;
use divan::{Bencher, counter::ItemsCount};

/// What the binary uses too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// Reading, checking, concealing and appending a body of events.
#[divan::bench(args = [1, 100])]
fn receive(bencher: Bencher<'_, '_>, events: usize) {
    let mut traffic = traffic();
    let house = House::in_memory(traffic.companies());
    bencher.counter(ItemsCount::new(events)).with_inputs(|| traffic.body(events)).bench_local_values(|body| {
        house.receive(body);
    });
}

/// Loading, stepping and committing what was taken in.
#[divan::bench(args = [100, 5_000], sample_count = 10)]
fn apply(bencher: Bencher<'_, '_>, events: usize) {
    let bodies = traffic().bodies(events as u64, 100);
    let fill = || {
        let house = House::in_memory(traffic().companies());
        bodies.iter().for_each(|body| house.receive(body.clone()));
        house
    };
    bencher.counter(ItemsCount::new(events)).with_inputs(fill).bench_local_values(|mut house| {
        house.apply();
        house
    });
}

fn records() -> Vec<Record> {
    let mut traffic = traffic();
    let house = House::in_memory(traffic.companies());
    house.receive(traffic.body(200));
    house.records().iter().map(|bytes| Record::from_bytes(bytes).expect("it was just written")).collect()
}

/// Writing records as the queue holds them.
#[divan::bench]
fn record_to_bytes(bencher: Bencher<'_, '_>) {
    let records = records();
    bencher
        .counter(ItemsCount::new(records.len()))
        .bench(|| records.iter().map(|record| record.to_bytes().len()).sum::<usize>());
}

/// Reading them back.
#[divan::bench]
fn record_from_bytes(bencher: Bencher<'_, '_>) {
    let bytes: Vec<Vec<u8>> = records().iter().map(Record::to_bytes).collect();
    bencher
        .counter(ItemsCount::new(bytes.len()))
        .bench(|| bytes.iter().filter(|bytes| Record::from_bytes(bytes).is_ok()).count());
}

/// Making traffic: what a load generator costs.
#[divan::bench]
fn traffic_event(bencher: Bencher<'_, '_>) {
    let mut traffic = traffic();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| traffic.event());
}
