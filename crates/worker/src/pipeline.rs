//! A commit and the next step at the same time: the store is written on a second thread while the engine goes on, which
//! reads what is being written beside what is there. Each commit is whole, and they come one after the other.

use crate::{ahead::Ahead, run::WorkerError};
use cebe_central::{Central, Snapshot, StoreError};
use cebe_engine::{
    change::Changes,
    want::{Loaded, Wants},
};
use std::{
    cell::RefCell,
    thread::{Scope, ScopedJoinHandle},
};

const TAKEN: &str = "a step that goes on has a snapshot";

/// Reads for one step.
pub struct Reads<'scope, 'env> {
    central: &'env dyn Central,
    /// `None` only while the next one is taken: two at a time could wait for each other where connections are few.
    snapshot: RefCell<Option<Snapshot>>,
    writing: RefCell<Option<Writing<'scope, 'env>>>,
}

struct Writing<'scope, 'env> {
    ahead: Option<Ahead<'env>>,
    commit: Commit<'scope>,
}

/// A commit that was begun.
enum Commit<'scope> {
    /// On a second thread.
    Beside(ScopedJoinHandle<'scope, Result<(), StoreError>>),
    /// Not before somebody waits for it: one thread has to do both.
    Later(Box<dyn FnOnce() -> Result<(), StoreError> + 'scope>),
}

impl<'scope, 'env> Reads<'scope, 'env> {
    /// Starts to commit what is pending, if anything is, and reads over it. `tell` is called once it is committed.
    pub fn start(
        scope: &'scope Scope<'scope, 'env>,
        central: &'env dyn Central,
        pending: Option<&'env Changes>,
        one_thread: bool,
        tell: impl FnOnce() + Send + 'scope,
    ) -> Result<Self, WorkerError> {
        let snapshot = RefCell::new(Some(central.snapshot()?));
        let writing = pending.map(|changes| {
            let commit = move || central.commit(changes).map(|()| tell());
            let commit = if one_thread { Commit::Later(Box::new(commit)) } else { Commit::Beside(scope.spawn(commit)) };
            Writing { commit, ahead: Ahead::over(changes) }
        });
        Ok(Self { central, snapshot, writing: RefCell::new(writing) })
    }

    /// Answers one round of reading.
    pub fn load(&self, wants: &Wants) -> Result<Loaded, WorkerError> {
        if let Some(writing) = &*self.writing.borrow()
            && let Some(ahead) = writing.ahead.as_ref().filter(|ahead| ahead.answers(wants))
        {
            return ahead.load(self.snapshot.borrow().as_ref().expect(TAKEN), wants);
        }
        self.finish()?;
        Ok(self.snapshot.borrow().as_ref().expect(TAKEN).load(wants)?)
    }

    /// Waits until what was pending is committed.
    pub fn finish(&self) -> Result<(), WorkerError> {
        let Some(writing) = self.writing.borrow_mut().take() else { return Ok(()) };
        match writing.commit {
            Commit::Later(commit) => commit()?,
            Commit::Beside(thread) => match thread.join() {
                Ok(committed) => committed?,
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
        drop(self.snapshot.borrow_mut().take());
        self.snapshot.replace(Some(self.central.snapshot()?));
        Ok(())
    }
}
