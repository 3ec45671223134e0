//! The laws of ARCHITECTURE.md, held against what is left when a seed has come to rest.

mod fresh;
mod kept;
mod order;
mod personal;
mod present;
mod sums;

use crate::{Broken, world::World};
use cebe_central::{Central, Snapshot};

/// Checks them all.
pub(crate) fn check(world: &World) -> Result<(), Broken> {
    let snapshot = world.outside.store.snapshot()?;
    present::check(world, &snapshot)?;
    sums::check(world, &snapshot)?;
    order::check(world, &snapshot)?;
    kept::check(world, &snapshot)?;
    personal::check(world, &snapshot)?;
    fresh::check(world)
}

fn store_of(world: &World) -> &dyn Central {
    world.outside.store.as_ref()
}

fn records_of(world: &World, lane: cebe_queue::Lane) -> Result<Vec<cebe_catalog::Record>, Broken> {
    let read = |bytes: &bytes::Bytes| {
        cebe_catalog::Record::from_bytes(bytes).map_err(|error| Broken::new(1, format!("{lane}: {error}")))
    };
    world.archive[lane].iter().map(read).collect()
}

fn is_in(snapshot: &Snapshot, company: &str, receipt: &str) -> Result<Option<&'static str>, Broken> {
    let found = snapshot.quarantined(&company.into(), receipt)?;
    Ok(found.map(|record| record.code.as_str()))
}
