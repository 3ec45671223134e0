//! The settings (plain values) and the parts (what is injected) of an embedded queue.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::disk::{Disk, RealDisk};
use crate::error::FatalError;
use crate::facts::StoreId;
use crate::port::{Clock, system_clock};

/// Called once, after every waiting append was failed, when nothing may be acknowledged any more.
pub type OnFatal = Box<dyn Fn(&FatalError) + Send + Sync>;

/// The settings of an embedded queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A segment that reached this size is followed by a new one.
    pub segment_bytes: u64,
    /// Most bytes of records that share one flush.
    pub commit_bytes_max: usize,
    /// Most bytes that may wait in each lane; beyond it an append is refused with `Busy`.
    pub waiting_bytes_max: usize,
    /// Most bytes of one append.
    pub append_bytes_max: usize,
    /// A segment stays at least this long after its last record.
    pub trim_age_ms: u64,
    /// Used share of the disk from which appends are refused with `Full`.
    pub full_share: f64,
    /// Used share of the disk from which what already waits is refused too.
    pub stop_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            segment_bytes: 64 << 20,
            commit_bytes_max: 4 << 20,
            waiting_bytes_max: 64 << 20,
            append_bytes_max: 32 << 20,
            trim_age_ms: 24 * 60 * 60 * 1_000,
            full_share: 0.85,
            stop_share: 0.95,
        }
    }
}

/// What an embedded queue works with.
pub struct Parts {
    /// The file system.
    pub disk: Arc<dyn Disk>,
    /// The time, for the age of segments and the pace of looking at the disk's fill.
    pub clock: Clock,
    /// What to do when a write or flush failed.
    pub on_fatal: OnFatal,
    /// The identity of a store that is made anew; drawn at random where none is given.
    pub first_store: Option<StoreId>,
}

impl Default for Parts {
    /// The machine's disk and clock; a failed write or flush aborts the process.
    fn default() -> Self {
        Parts {
            disk: Arc::new(RealDisk),
            clock: system_clock(),
            on_fatal: Box::new(|_| std::process::abort()),
            first_store: None,
        }
    }
}
