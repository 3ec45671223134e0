//! The store of one data folder: queue and Central DB under one store id, with no gap between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cebe_central::{self as central, Central, EmbeddedSettings};
use cebe_engine::rows::Place;
use cebe_privacy::keys::MasterKey;
use cebe_queue::{self as queue, Lane, Queue};

use super::master_key;
use crate::failure::{DISK_FAILED, Failure};
use crate::settings::Settings;

/// What a data folder holds.
pub(crate) struct Store {
    /// The durable log.
    pub(crate) queue: Arc<queue::Embedded>,
    /// The Central DB.
    pub(crate) central: Arc<central::Embedded>,
    /// Wraps the companies' secrets.
    pub(crate) master: Arc<MasterKey>,
    /// The master key's file, when this start made it.
    pub(crate) made_master_key: Option<PathBuf>,
}

impl Store {
    /// Opens a folder, or makes a store there.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let data = Path::new(&settings.data);
        std::fs::create_dir_all(data)
            .map_err(|error| Failure::Store(format!("cannot make the data folder {}: {error}", data.display())))?;
        let (master, made) = master_key::load_or_make(&settings.master_key_file, data)
            .map_err(|error| Failure::Store(format!("{error:#}")))?;
        let (queue, central) = open_both(data, settings)?;
        master_key::opens_something(&master, &central).map_err(|error| Failure::Store(format!("{error:#}")))?;
        Ok(Self { queue: Arc::new(queue), central: Arc::new(central), master: Arc::new(master), made_master_key: made })
    }
}

/// Opens queue and Central DB of a folder, which need no master key.
pub(crate) fn open_both(data: &Path, settings: &Settings) -> Result<(queue::Embedded, central::Embedded), Failure> {
    let queue_settings = queue::Settings {
        segment_bytes: settings.queue_segment_bytes,
        waiting_bytes_max: usize::try_from(settings.queue_waiting_bytes_max).unwrap_or(usize::MAX),
        trim_age_ms: settings.queue_keep_s.saturating_mul(1_000),
        ..queue::Settings::default()
    };
    let parts = queue::Parts { on_fatal: Box::new(|_| disk_failed()), ..queue::Parts::default() };
    let queue = queue::Embedded::open_with(&data.join("queue"), queue_settings, parts).map_err(refused)?;
    for torn in queue.facts().torn {
        tracing::warn!(lane = %torn.lane, bytes = torn.bytes, "a torn end of the queue was cut; it was never acknowledged");
    }
    let central_settings = EmbeddedSettings { store_id: Some(queue.facts().store.0), ..EmbeddedSettings::default() };
    let central = central::Embedded::open(&data.join("central"), central_settings).map_err(refused)?;
    let positions = central.snapshot().and_then(|snapshot| snapshot.positions()).map_err(refused)?;
    no_gap(&queue, &positions)?;
    Ok((queue, central))
}

/// Ends the process: a write or flush failed, and nobody knows what is on the disk. A new start looks, and replays.
pub(crate) fn disk_failed() -> ! {
    tracing::error!(
        "the disk failed: the process ends, and the next start replays what was acknowledged from the queue"
    );
    std::process::exit(DISK_FAILED)
}

/// Whether a start could go on where the disk failed: while it is full, the door that says so is of more use.
pub(crate) fn has_room(queue: &dyn Queue) -> bool {
    queue.facts().used_share < queue::Settings::default().stop_share
}

/// Queue and store must meet: the next record to apply is there, or is the next to be written.
pub(super) fn no_gap(queue: &dyn Queue, positions: &[Place]) -> Result<(), Failure> {
    let facts = queue.facts();
    for lane in Lane::ALL {
        let applied = position_of(positions, lane);
        let (first, end) = (facts.lanes[lane].first.0, facts.lanes[lane].end.0);
        if applied > end {
            return Err(Failure::Store(format!(
                "the Central DB has applied the {lane} lane up to {applied}, the queue ends at {end}: the queue has lost \
                 records. Put back the queue folder that belongs to this store; if it is gone for good, take both \
                 folders from the same backup"
            )));
        }
        if applied < first {
            return Err(Failure::Store(format!(
                "the Central DB has applied the {lane} lane up to {applied}, the queue begins at {first}: the records \
                 between them are gone. Restore a newer backup of the central folder, one that reaches {first}"
            )));
        }
    }
    Ok(())
}

/// The next index to apply of a lane.
pub(crate) fn position_of(positions: &[Place], lane: Lane) -> u64 {
    positions.iter().find(|place| queue_lane(place.lane) == lane).map_or(0, |place| place.index)
}

/// The queue's name for a lane of the catalog.
pub(crate) fn queue_lane(lane: cebe_catalog::Lane) -> Lane {
    match lane {
        cebe_catalog::Lane::Live => Lane::Live,
        cebe_catalog::Lane::Backfill => Lane::Backfill,
    }
}

fn refused(error: impl std::error::Error) -> Failure {
    Failure::Store(error.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cebe_queue::{Memory, MemorySettings, Position, StoreId};

    use super::*;

    fn queue_of_three() -> Memory {
        let queue = Memory::new(MemorySettings::default(), StoreId([7; 16]), cebe_queue::system_clock());
        let records = vec![Bytes::from_static(b"r"); 3];
        let appended = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(queue.append(
            Lane::Live,
            Bytes::new(),
            records,
        ));
        appended.unwrap();
        queue
    }

    fn at(index: u64) -> Vec<Place> {
        vec![Place { lane: cebe_catalog::Lane::Live, index }]
    }

    #[test]
    fn a_store_that_meets_its_queue_is_opened_and_one_ahead_of_it_is_refused() {
        let queue = queue_of_three();
        assert!(no_gap(&queue, &[]).is_ok());
        assert!(no_gap(&queue, &at(3)).is_ok());
        let refused = no_gap(&queue, &at(4)).unwrap_err();
        assert!(refused.to_string().contains("Put back the queue folder"), "{refused}");
        assert_eq!(refused.exit_code(), 5);
    }

    #[test]
    fn a_store_whose_next_records_were_trimmed_is_refused() {
        let queue = queue_of_three();
        queue.trim(Lane::Live, Position(3)).unwrap();
        assert!(no_gap(&queue, &at(3)).is_ok());
        let refused = no_gap(&queue, &at(1)).unwrap_err();
        assert!(refused.to_string().contains("Restore a newer backup"), "{refused}");
    }
}
