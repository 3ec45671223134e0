//! How full the disk is, looked at no more than once a second.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::disk::Disk;
use crate::ends::locked;
use crate::error::AppendError;
use crate::port::Clock;

/// How long one look is good for.
const LOOK_MS: u64 = 1_000;
/// When to try again after `Full`: room is made by people or by trimming, not by the moment.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The refusal that says the disk is full.
pub(super) fn full() -> AppendError {
    AppendError::Full { retry_after: FULL_RETRY_AFTER }
}

/// The fill of the disk under one folder.
pub(super) struct Pressure {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    clock: Clock,
    seen: Mutex<Option<Look>>,
}

#[derive(Clone, Copy)]
struct Look {
    at_ms: u64,
    used_share: f64,
}

impl Pressure {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf, clock: Clock) -> Pressure {
        Pressure { disk, dir, clock, seen: Mutex::new(None) }
    }

    /// The used share of the disk, 0 to 1, at most a second old.
    pub(super) fn used_share(&self) -> f64 {
        let now_ms = (self.clock)();
        let mut seen = locked(&self.seen);
        if let Some(look) = seen.filter(|look| now_ms.abs_diff(look.at_ms) < LOOK_MS) {
            return look.used_share;
        }
        let used_share = self.disk.used_share(&self.dir).unwrap_or_else(|e| {
            // A disk that cannot be asked still refuses by itself when it is full.
            tracing::warn!(error = %e, "cannot ask the disk how full it is");
            0.0
        });
        *seen = Some(Look { at_ms: now_ms, used_share });
        used_share
    }
}
