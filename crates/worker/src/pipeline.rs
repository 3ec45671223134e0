//! A commit and the next step at the same time: the store is written on a second thread while the engine goes on, which
//! reads what is being written beside what is there. Each commit is whole, and they come one after the other.

use crate::{
    ahead::Ahead,
    committer::{Commit, Committer},
    run::WorkerError,
};
use cebe_central::{Central, Snapshot};
use cebe_engine::{
    change::Changes,
    want::{Loaded, Wants},
};
use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

const TAKEN: &str = "a step that goes on has a snapshot";

/// Reads for one step.
pub struct Reads<'c> {
    central: &'c dyn Central,
    /// `None` only while the next one is taken: two at a time could wait for each other where connections are few.
    snapshot: RefCell<Option<Snapshot>>,
    /// What is being written, to be read over the snapshot.
    ahead: Option<Ahead<'c>>,
    begun: Cell<Option<Begun<'c>>>,
    /// A commit that was begun is committed, and the snapshot is a later one.
    finished: Cell<bool>,
}

/// A commit that was begun.
enum Begun<'c> {
    /// On a second thread.
    Beside(&'c Committer),
    /// Not before somebody waits for it: one thread has to do both.
    Later(Commit),
}

impl<'c> Reads<'c> {
    /// Starts to commit what is pending, if anything is, and reads over it. `tell` is called once it is committed.
    /// Without a second thread it is committed when somebody has to wait for it.
    pub fn start(
        central: &'c Arc<dyn Central>,
        pending: Option<&'c Arc<Changes>>,
        committer: Option<&'c Committer>,
        tell: impl FnOnce() + Send + 'static,
    ) -> Result<Self, WorkerError> {
        let snapshot = RefCell::new(Some(central.snapshot()?));
        let begun = pending.map(|changes| {
            let (central, changes) = (Arc::clone(central), Arc::clone(changes));
            let commit: Commit = Box::new(move || central.commit(&changes).map(|()| tell()));
            match committer {
                Some(committer) => {
                    committer.begin(commit);
                    Begun::Beside(committer)
                }
                None => Begun::Later(commit),
            }
        });
        let finished = Cell::new(begun.is_none());
        let ahead = pending.and_then(|changes| Ahead::over(changes));
        Ok(Self { central: central.as_ref(), snapshot, ahead, begun: Cell::new(begun), finished })
    }

    /// Answers one round of reading.
    pub fn load(&self, wants: &Wants) -> Result<Loaded, WorkerError> {
        if !self.finished.get()
            && let Some(ahead) = self.ahead.as_ref().filter(|ahead| ahead.answers(wants))
        {
            return ahead.load(self.snapshot.borrow().as_ref().expect(TAKEN), wants);
        }
        self.finish()?;
        Ok(self.snapshot.borrow().as_ref().expect(TAKEN).load(wants)?)
    }

    /// Waits until what was pending is committed.
    pub fn finish(&self) -> Result<(), WorkerError> {
        match self.begun.take() {
            None => return Ok(()),
            Some(Begun::Beside(committer)) => committer.wait()?,
            Some(Begun::Later(commit)) => commit()?,
        }
        self.finished.set(true);
        drop(self.snapshot.borrow_mut().take());
        self.snapshot.replace(Some(self.central.snapshot()?));
        Ok(())
    }
}
