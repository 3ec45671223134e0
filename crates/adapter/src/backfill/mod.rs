//! Loading history: a file comes in whole and is kept, then a job reads it in chunks and appends them to the backfill
//! lane through the same door as everything else. Read `job.rs` first, then `governor.rs` for how it yields to live
//! traffic.

mod artifact;
mod governor;
mod job;
mod lines;
#[cfg(test)]
pub(crate) mod rig;
mod sealed;
#[cfg(test)]
mod tests;

pub(crate) use artifact::{Artifacts, Upload};
pub(crate) use lines::Lines;

use crate::desk::{Desk, DoorError};
use cebe_catalog::{
    Micros,
    backfill::{BackfillRow, BackfillState, BackfillStep},
    control::Change,
    time::DAY,
};
use cebe_central::{
    Order, Snapshot, StoreError,
    change::{ControlKind, ControlRow},
};
use job::{Job, JobError};
use std::{ops::ControlFlow, time::Duration};

/// How long a file is kept after its backfill ended, so that it can be looked at.
const KEPT: i64 = 7 * DAY;
/// Pause between two looks for work.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pause after a failure of the machine.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Runs backfills one after another, in the order they were posted.
pub struct Backfills {
    desk: Desk,
    artifacts: Artifacts,
    /// The tick at which files were last looked through.
    swept: Option<Micros>,
}

impl Backfills {
    /// Backfills of this door; `None` when it has no folder for them.
    pub fn new(desk: Desk) -> Option<Self> {
        let artifacts = artifacts(&desk)?;
        Some(Self { desk, artifacts, swept: None })
    }

    /// Works for ever. Dropping the future at any moment loses nothing: a new run goes on where the store says.
    pub async fn run(mut self) {
        job::lane_applied(&self.desk).await;
        self.remove_orphans();
        loop {
            if let Err(error) = self.turn().await {
                tracing::error!(%error, "a backfill could not go on; it is tried again");
                tokio::time::sleep(FAILURE_PAUSE).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs the next backfill to its end, if there is one, and removes files whose time is over.
    async fn turn(&mut self) -> Result<(), JobError> {
        let mut rows = rows(&self.desk.snapshot()?)?;
        if self.desk.log().is_sharded() {
            // The others' files are with the nodes that took them.
            rows.retain(|row| self.artifacts.has(&row.id));
        }
        rows.iter().for_each(gauge);
        if let Some(row) = rows.iter().find(|row| row.state == BackfillState::Running) {
            Job::resume(&self.desk, &self.artifacts, &row.id).await?.run().await?;
        }
        self.sweep(&rows).await
    }

    /// Removes files a week after their backfill ended, by the clock that ticks carry.
    async fn sweep(&mut self, rows: &[BackfillRow]) -> Result<(), JobError> {
        let Some(now) = ticked(&self.desk.snapshot()?)?.filter(|tick| self.swept != Some(*tick)) else { return Ok(()) };
        let is_over = |row: &&BackfillRow| !row.cleared && row.finished_at.is_some_and(|end| end.plus(KEPT) <= now);
        for row in rows.iter().filter(is_over) {
            self.artifacts.remove(&row.id)?;
            let cleared = BackfillStep::Cleared { id: row.id.clone() };
            let branch = self.desk.log().branch_of(row.company.as_ref());
            self.desk.change_on(branch, "system", Change::Backfill(cleared)).await?;
        }
        self.swept = Some(now);
        Ok(())
    }

    /// Files that arrived, but whose backfill was never recorded: their sender was told nothing.
    fn remove_orphans(&self) {
        let known = self.desk.snapshot().and_then(|snapshot| rows(&snapshot));
        let removed = known.map_err(JobError::from).and_then(|known| {
            let is_known = |id: &str| known.iter().any(|row| row.id == id);
            Ok(self.artifacts.retain(&is_known)?)
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "left-over files of backfills stay for now");
        }
    }
}

/// The files of this door; `None` when it has no folder for them.
pub(crate) fn artifacts(desk: &Desk) -> Option<Artifacts> {
    let folder = desk.0.door.settings.backfills.clone()?;
    Some(Artifacts::new(folder, desk.0.door.master.clone()))
}

/// Every backfill, oldest first.
fn rows(snapshot: &Snapshot) -> Result<Vec<BackfillRow>, StoreError> {
    let mut rows = Vec::new();
    snapshot.control_all(ControlKind::Backfill, "", Order::Forward, &mut |_, row| {
        if let ControlRow::Backfill(row) = row {
            rows.push(row);
        }
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// One backfill.
fn row(snapshot: &Snapshot, id: &str) -> Result<Option<BackfillRow>, StoreError> {
    match snapshot.control(ControlKind::Backfill, id)? {
        Some(ControlRow::Backfill(row)) => Ok(Some(row)),
        _ => Ok(None),
    }
}

/// The last tick, unless the clock jumped and is not believed yet.
fn ticked(snapshot: &Snapshot) -> Result<Option<Micros>, StoreError> {
    match snapshot.control(ControlKind::Tick, "")? {
        Some(ControlRow::Tick { at, paused: false }) => Ok(Some(at)),
        _ => Ok(None),
    }
}

fn gauge(row: &BackfillRow) {
    if !row.cleared {
        let module = row.module.as_deref().unwrap_or("any").to_owned();
        metrics::gauge!("cebe_backfill_progress", "backfill" => row.id.to_string(), "source_module" => module)
            .set(row.percent_complete());
    }
}

/// Starts a backfill whose file is stored.
pub(crate) async fn create(desk: &Desk, row: BackfillRow) -> Result<(), DoorError> {
    let by = row.key_id.clone();
    desk.change(&by, Change::Backfill(BackfillStep::Created(Box::new(row)))).await.map(drop)
}
