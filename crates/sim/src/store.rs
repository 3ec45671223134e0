//! The Central DB of the simulation: the one in memory, with what a crash may take. Commits become durable in their
//! order, so after a crash the store stands at what was persisted last, or at any commit after it.

use crate::dice::Dice;
use cebe_catalog::CompanyId;
use cebe_central::{Central, Memory, Saved, Snapshot, StoreError, StoreFacts, Table};
use cebe_engine::{change::Changes, rows::Place};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store that can fail and crash.
pub(crate) struct SimulatedStore {
    memory: Memory,
    state: Mutex<State>,
}

struct State {
    /// What a crash may go back to, oldest first: the store, and how many commits had been made.
    kept: Vec<(Saved, usize)>,
    /// Positions that each commit moved.
    commits: Vec<Vec<Place>>,
    writes_until_cut: Option<u64>,
}

impl SimulatedStore {
    pub(crate) fn new() -> Self {
        Self::at(Memory::new(), Vec::new())
    }

    fn at(memory: Memory, commits: Vec<Vec<Place>>) -> Self {
        let kept = vec![(memory.saved(), commits.len())];
        Self { memory, state: Mutex::new(State { kept, commits, writes_until_cut: None }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets so many writes pass; every later one fails and changes nothing.
    pub(crate) fn cut_after_writes(&self, writes: Option<u64>) {
        self.state().writes_until_cut = writes;
    }

    /// Whether writes fail.
    pub(crate) fn is_cut(&self) -> bool {
        self.state().writes_until_cut == Some(0)
    }

    /// The store that the next process finds.
    pub(crate) fn after_crash(&self, dice: &mut Dice) -> Self {
        let mut state = self.state();
        let place = dice.roll(state.kept.len());
        let (saved, commits) = state.kept.swap_remove(place);
        let commits = state.commits[..commits].to_vec();
        Self::at(Memory::restored(saved), commits)
    }

    /// Positions that each commit moved, in the order of the commits that are still there.
    pub(crate) fn commits(&self) -> Vec<Vec<Place>> {
        self.state().commits.clone()
    }

    fn write(
        &self,
        positions: &[Place],
        write: impl FnOnce(&Memory) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        match &mut state.writes_until_cut {
            Some(0) => return Err(StoreError::Damaged(Table::Meta)),
            Some(left) => *left -= 1,
            None => {}
        }
        write(&self.memory)?;
        state.commits.push(positions.to_vec());
        let commits = state.commits.len();
        state.kept.push((self.memory.saved(), commits));
        Ok(())
    }
}

impl Central for SimulatedStore {
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.memory.snapshot()
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.write(&changes.positions, |memory| memory.commit(changes))
    }

    fn persist(&self) -> Result<Vec<Place>, StoreError> {
        let mut state = self.state();
        if state.writes_until_cut == Some(0) {
            return Err(StoreError::Damaged(Table::Meta));
        }
        let newest = state.kept.len() - 1;
        state.kept.drain(..newest);
        self.memory.persist()
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<(), StoreError> {
        self.write(&[], |memory| memory.replace_derived(company, from))
    }

    fn facts(&self) -> StoreFacts {
        self.memory.facts()
    }
}
