//! What the binary hands to the room: the store, the definitions, the master key, a clock, how fresh the store is, and
//! the callback that makes the audit of a reveal durable.

use crate::{company::KeyRing, freshness::Freshness, http::LastAnswers, metrics::Computed};
use cebe_catalog::{Definitions, Micros, control::Operation};
use cebe_central::Central;
use cebe_privacy::keys::MasterKey;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// Appends an operation in the name of a key; resolves when it is durable and applied.
pub type Audit =
    Arc<dyn Fn(Operation, String) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Everything a read needs.
#[derive(Clone)]
pub struct Reads {
    /// The store, read only.
    pub central: Arc<dyn Central>,
    /// The catalog.
    pub definitions: Arc<Definitions>,
    /// Opens the companies' keys.
    pub master: Arc<MasterKey>,
    /// Wall clock.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// How fresh the store is.
    pub freshness: Arc<dyn Fn() -> Freshness + Send + Sync>,
    /// Makes the audit of a reveal durable.
    pub audit: Audit,
}

/// Bounds of reading.
#[derive(Clone, Copy, Debug)]
pub struct ReadSettings {
    /// A read that takes longer is answered with the last value, labelled stale, or `503`.
    pub deadline: Duration,
    /// Company metric answers that are remembered for that.
    pub answers_kept: usize,
    /// Reads on the thread that asks, however long it takes. For simulation.
    pub one_thread: bool,
}

impl Default for ReadSettings {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), answers_kept: 1_024, one_thread: false }
    }
}

/// The room's state behind every handler.
pub(crate) struct House {
    pub(crate) reads: Reads,
    pub(crate) settings: ReadSettings,
    pub(crate) keys: KeyRing,
    pub(crate) last: LastAnswers,
    pub(crate) computed: Computed,
}

/// A shared [`House`].
pub(crate) type Shared = Arc<House>;

impl House {
    pub(crate) fn new(reads: Reads, settings: ReadSettings) -> Shared {
        let last = LastAnswers::new(settings.answers_kept);
        Arc::new(Self { reads, settings, keys: KeyRing::default(), last, computed: Computed::default() })
    }
}
