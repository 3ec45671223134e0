//! From changes to one batch of puts and deletes, the same for every implementation that stores bytes by key. Removals
//! are written first, then what is applied, then rows, then deltas, then the store's own rows.

mod batch;
mod deltas;
mod derived;
mod log;
mod nodes;
mod noted;

pub(crate) use batch::{Batch, KEY_BYTES_MAX, Write};
use deltas::PointCache;

use crate::{
    Result, Snapshot,
    rows::{ConflictKey, ControlKey, MetaKey, QuarantineKey, VaultKey},
};
use cebe_catalog::CompanyId;
use cebe_engine::{change::Changes, rows::Place};

/// What the one writer remembers from commit to commit.
#[derive(Debug)]
pub(crate) struct Planner {
    commits: u64,
    control_version: u64,
    positions: Vec<Place>,
    newest_id: Option<[u8; 16]>,
    points: PointCache,
}

/// What will be true once a planned batch is committed.
#[derive(Debug)]
pub(crate) struct Next {
    commits: u64,
    control_version: u64,
    positions: Vec<Place>,
    newest_id: Option<[u8; 16]>,
}

impl Next {
    /// The number of the commit that is planned.
    pub(crate) fn commits(&self) -> u64 {
        self.commits
    }

    /// How many commits changed settings by then.
    pub(crate) fn control_version(&self) -> u64 {
        self.control_version
    }

    /// Where the queue is read next by then.
    pub(crate) fn positions(&self) -> &[Place] {
        &self.positions
    }

    /// The greatest time-ordered id by then.
    pub(crate) fn newest_id(&self) -> Option<[u8; 16]> {
        self.newest_id
    }
}

impl Planner {
    /// Takes up where a store stands.
    pub(crate) fn new(now: &Snapshot, points_max: usize) -> Result<Self> {
        Ok(Self {
            commits: now.commits()?,
            control_version: now.control_version()?,
            positions: now.positions()?,
            newest_id: now.meta(MetaKey::NewestId)?,
            points: PointCache::new(points_max),
        })
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits
    }

    /// Where the queue is read next, as of the last commit.
    pub(crate) fn positions(&self) -> &[Place] {
        &self.positions
    }

    /// What a commit writes. `now` is the state it is added to.
    pub(crate) fn plan(&mut self, now: &Snapshot, changes: &Changes) -> Result<(Batch, Next)> {
        let mut next = self.next(changes);
        let mut batch = Batch::default();
        log::write(&mut batch, now, changes, next.commits)?;
        next.newest_id = next.newest_id.max(batch.newest_id());
        nodes::write(&mut batch, changes, now.view().counts_lie_apart());
        rows(&mut batch, changes);
        deltas::write(&mut batch, now, changes, &mut self.points)?;
        noted::write(&mut batch, now, changes)?;
        self.meta(&mut batch, &next);
        batch.settle()?;
        Ok((batch, next))
    }

    /// What replacing a company's derived rows writes.
    pub(crate) fn plan_derived(&self, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<(Batch, Next)> {
        let next = self.next(&Changes::default());
        let mut batch = Batch::default();
        derived::write(&mut batch, now, company, from)?;
        self.meta(&mut batch, &next);
        batch.settle()?;
        Ok((batch, next))
    }

    /// The batch is committed.
    pub(crate) fn advance(&mut self, next: Next) {
        self.commits = next.commits;
        self.control_version = next.control_version;
        self.positions = next.positions;
        self.newest_id = next.newest_id;
    }

    /// Rows were changed past the caches, or a commit failed: nothing remembered of rows may be trusted.
    pub(crate) fn forget(&mut self) {
        self.points.clear();
    }

    fn next(&self, changes: &Changes) -> Next {
        let mut positions = self.positions.clone();
        for moved in &changes.positions {
            match positions.iter_mut().find(|place| place.lane == moved.lane) {
                Some(place) => *place = *moved,
                None => positions.push(*moved),
            }
        }
        positions.sort_unstable();
        let control_version =
            self.control_version + u64::from(changes.control.iter().any(|change| change.kind.is_setting()));
        Next { commits: self.commits + 1, control_version, positions, newest_id: self.newest_id }
    }

    fn meta(&self, batch: &mut Batch, next: &Next) {
        batch.put_meta(MetaKey::Commits, &next.commits);
        if next.control_version != self.control_version {
            batch.put_meta(MetaKey::ControlVersion, &next.control_version);
        }
        if let Some(newest) = next.newest_id.filter(|_| next.newest_id != self.newest_id) {
            batch.put_meta(MetaKey::NewestId, &newest);
        }
        for place in next.positions.iter().filter(|place| !self.positions.contains(place)) {
            batch.put_meta(MetaKey::Position(place.lane), &place.index);
        }
    }
}

/// Rows that replace what was there.
fn rows(batch: &mut Batch, changes: &Changes) {
    for (key, row) in &changes.facts {
        batch.set(key, row.as_deref());
    }
    for key in &changes.held {
        batch.put(key, &());
    }
    for key in &changes.held_removed {
        batch.delete(key);
    }
    for (company, token) in &changes.vault_removed {
        batch.delete(&VaultKey { company: company.clone(), token: *token });
    }
    for (company, token, sealed) in &changes.vault {
        batch.put(&VaultKey { company: company.clone(), token: *token }, sealed);
    }
    for record in &changes.quarantined {
        let key = QuarantineKey { company: record.header.company.clone(), receipt: record.receipt.clone() };
        batch.put(&key, record);
    }
    for (company, receipt) in &changes.quarantine_removed {
        batch.delete(&QuarantineKey { company: company.clone(), receipt: receipt.clone() });
    }
    for conflict in &changes.conflicts {
        batch.put(&ConflictKey::of(conflict), conflict);
    }
    for (company, id) in &changes.conflicts_removed {
        batch.delete(&ConflictKey { company: company.clone(), id: id.clone() });
    }
    for change in &changes.control {
        batch.set(&ControlKey::new(change.kind, &change.id), change.row.as_ref());
    }
}
