//! The whole pipeline on one thread from one seed. A number goes in; publishers, network, the real rooms, a disk, a store
//! and a clock are simulated from it with faults between any two steps; what comes out is a verdict on the laws and a
//! digest of everything that happened. It never reads the machine's clock, chance or files. Read `world.rs` first.

mod client;
mod clock;
mod dice;
mod history;
mod laws;
mod machine;
mod network;
pub mod outside;
mod plan;
mod store;
mod temper;
mod trace;
mod traffic;
mod world;

use cebe_central::{Central, KeyRange, Order, StoreError, Table};
use cebe_engine::change::ControlKind;
use cebe_queue::Lane;
use std::ops::ControlFlow;
use world::World;

/// A law that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("law {law}: {what}")]
pub struct Broken {
    /// Its number in ARCHITECTURE.md.
    pub law: u8,
    /// What was seen.
    pub what: String,
}

impl Broken {
    pub(crate) fn new(law: u8, what: String) -> Self {
        Self { law, what }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::new(1, format!("the store cannot be read: {error}"))
    }
}

/// What a seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lived {
    /// Records of both lanes.
    pub records: u64,
    /// Events that publishers were told are taken, repetitions included.
    pub taken: u64,
    /// Crashes on the way.
    pub crashes: u64,
    /// Events by outcome: applied, duplicate, conflict, ignored, quarantined.
    pub outcomes: [i64; 5],
    /// How often events left the log, by expiry or erasure.
    pub sealings: u64,
    /// Hash of every step, of the disk and of the store.
    pub digest: String,
}

/// Lives through a seed and holds the laws against what is left.
pub fn run(seed: u64) -> Result<Lived, Broken> {
    // Time limits of the rooms never run out here: nothing ever turns this runtime's clock.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Broken::new(1, format!("no runtime: {error}")))?;
    let _inside = runtime.enter();
    let mut world = World::new(seed)?;
    world.live()?;
    laws::check(&world)?;
    Ok(lived(world)?)
}

/// Lives through a seed twice: the second time must be the first, byte for byte.
pub fn run_twice(seed: u64) -> Result<Lived, Broken> {
    let (first, second) = (run(seed)?, run(seed)?);
    if first == second {
        Ok(first)
    } else {
        Err(Broken::new(3, "the same seed gave other bytes the second time".into()))
    }
}

fn lived(mut world: World) -> Result<Lived, StoreError> {
    let disk = world.outside.disk.clone();
    for path in disk.paths() {
        world.trace.bytes(path.to_string_lossy().as_bytes());
        world.trace.bytes(&disk.bytes_of(&path).unwrap_or_default());
    }
    let snapshot = world.outside.store.snapshot()?;
    for table in Table::ALL {
        snapshot.view().scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
            world.trace.bytes(key);
            world.trace.bytes(value);
            ControlFlow::Continue(())
        })?;
    }
    let (mut outcomes, mut sealings) = ([0; 5], 0);
    snapshot.outcomes(&mut |_, of| {
        let counts = [of.applied, of.duplicate, of.conflict, of.ignored, of.quarantined];
        outcomes.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        ControlFlow::Continue(())
    })?;
    snapshot.control_all(ControlKind::Sealing, "", Order::Forward, &mut |_, _| {
        sealings += 1;
        ControlFlow::Continue(())
    })?;
    let records = Lane::ALL.iter().map(|lane| world.archive[*lane].len() as u64).sum();
    let taken = world.clients.iter().map(|client| client.told.taken.len() as u64).sum();
    Ok(Lived { records, taken, crashes: world.crashes, outcomes, sealings, digest: world.trace.digest() })
}
