//! Loading history from a file: what the queue is told on the way (steps) and what is known of each file (a row).
//! Progress travels in the same append as the events it speaks of, so that neither can be there without the other.

use crate::{ids::CompanyId, time::Micros};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Refused lines that a row names one by one.
pub const REFUSED_LINES_MAX: usize = 20;

/// What happens to a backfill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BackfillStep {
    /// Its file is stored.
    Created(Box<BackfillRow>),
    /// Its events were counted.
    Counted {
        /// Which.
        id: SmolStr,
        /// Events in the file.
        events: u64,
    },
    /// The records before this one, in the same append, are its next events.
    Chunk(BackfillChunk),
    /// It cannot go on.
    Failed {
        /// Which.
        id: SmolStr,
        /// Why: never a value of the file.
        message: SmolStr,
    },
    /// Its file was removed.
    Cleared {
        /// Which.
        id: SmolStr,
    },
}

/// How far a chunk reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillChunk {
    /// Which backfill.
    pub id: SmolStr,
    /// Events of the file before the chunk.
    pub from: u64,
    /// Events of the file up to its end.
    pub to: u64,
    /// Line of the file up to its end, empty ones included.
    pub line: u64,
    /// Bytes of the file up to its end, as they are unpacked.
    pub offset: u64,
    /// Modules the events belong to.
    pub modules: Vec<SmolStr>,
    /// Lines that were refused, the first few.
    pub refused: Vec<RefusedLine>,
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// From 1.
    pub line: u64,
    /// Why.
    pub code: SmolStr,
    /// Where in the event.
    pub path: Option<SmolStr>,
    /// Under which it is quarantined.
    pub receipt: SmolStr,
}

/// How a backfill is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillState {
    /// Its events are being loaded, or wait for their turn.
    #[default]
    Running,
    /// Every event has an outcome.
    Done,
    /// It stopped; what was loaded stays.
    Failed,
}

impl BackfillState {
    /// As answers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// What became of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillCounts {
    /// Applied.
    pub applied: u64,
    /// There already.
    pub duplicate: u64,
    /// There with other content.
    pub conflict: u64,
    /// Their source was switched off.
    pub ignored: u64,
    /// Refused and kept.
    pub quarantined: u64,
}

impl BackfillCounts {
    /// Events with an outcome.
    pub const fn total(&self) -> u64 {
        self.applied + self.duplicate + self.conflict + self.ignored + self.quarantined
    }

    /// Adds another's counts.
    pub const fn add(&mut self, other: &Self) {
        self.applied += other.applied;
        self.duplicate += other.duplicate;
        self.conflict += other.conflict;
        self.ignored += other.ignored;
        self.quarantined += other.quarantined;
    }

    /// Counts by name.
    pub const fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("applied", self.applied),
            ("duplicate", self.duplicate),
            ("conflict", self.conflict),
            ("ignored", self.ignored),
            ("quarantined", self.quarantined),
        ]
    }
}

/// What is known of one backfill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillRow {
    /// Its id, time-ordered.
    pub id: SmolStr,
    /// What people call it.
    pub name: SmolStr,
    /// Company of events that name none; also whose backfill it is.
    pub company: Option<CompanyId>,
    /// Module of events that name none.
    pub module: Option<SmolStr>,
    /// The key it is loaded under: its companies and modules bound the events.
    pub key_id: SmolStr,
    /// Size of the file as it arrived.
    pub bytes: u64,
    /// When it arrived.
    pub created_at: Micros,
    /// How it is doing.
    pub state: BackfillState,
    /// Why it failed.
    pub message: SmolStr,
    /// Events in the file, once they are counted.
    pub events_total: Option<u64>,
    /// Events that are loaded.
    pub events: u64,
    /// Line up to which it is loaded.
    pub line: u64,
    /// Unpacked bytes up to which it is loaded.
    pub offset: u64,
    /// What became of them, counted in the commits that decided it.
    pub counts: BackfillCounts,
    /// Modules they belong to.
    pub modules: Vec<SmolStr>,
    /// Lines that were refused, the first few.
    pub refused: Vec<RefusedLine>,
    /// When the last step was taken.
    pub changed_at: Micros,
    /// When it ended.
    pub finished_at: Option<Micros>,
    /// The file is gone.
    pub cleared: bool,
}

impl BackfillRow {
    /// 100 only when every event has an outcome in the store.
    pub fn percent_complete(&self) -> f64 {
        match self.events_total {
            None => 0.0,
            Some(_) if self.state == BackfillState::Done => 100.0,
            Some(total) => {
                let tenths = self.counts.total().saturating_mul(1_000) / total.max(1);
                (tenths as f64 / 10.0).min(99.9)
            }
        }
    }
}
