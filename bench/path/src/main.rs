//! Runs a fixed workload through the path once, for callgrind to count: `cebe-bench-path [EVENTS [FOLDER]]`. The
//! stages are `House::receive` and `House::apply`; what comes before them is not part of the count.

use cebe_bench_path::{House, traffic};

/// What the binary uses too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events in one body, and events of which one commit is made.
const BODY_EVENTS: usize = 100;
const COMMIT_EVENTS: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let events: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let folder = arguments.next();
    let mut traffic = traffic();
    let bodies = traffic.bodies(events as u64, BODY_EVENTS);
    let mut house = match &folder {
        Some(folder) => House::in_folder(folder.as_ref(), traffic.companies()),
        None => House::in_memory(traffic.companies()),
    };
    for (number, body) in bodies.into_iter().enumerate() {
        house.receive(body);
        if ((number + 1) * BODY_EVENTS).is_multiple_of(COMMIT_EVENTS) {
            house.apply();
        }
    }
    house.apply();
    let (applied, refused) = house.outcomes();
    println!("{events} events: {applied} applied, {refused} refused");
}
