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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Reads for one step, or for several at a time that have no row in common.
pub struct Reads<'c> {
    central: &'c dyn Central,
    /// What is being written, to be read over the snapshot.
    ahead: Option<Ahead<'c>>,
    state: Mutex<State<'c>>,
}

struct State<'c> {
    /// `None` only while the next one is taken, or when that failed: two at a time could wait for each other where
    /// connections are few.
    snapshot: Option<Snapshot>,
    begun: Option<Begun<'c>>,
    /// Nothing is being written any more, and the snapshot is a later one.
    finished: bool,
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
        let snapshot = Some(central.snapshot()?);
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
        let state = Mutex::new(State { snapshot, finished: begun.is_none(), begun });
        let ahead = pending.and_then(|changes| Ahead::over(changes));
        Ok(Self { central: central.as_ref(), ahead, state })
    }

    /// Answers one round of reading.
    pub fn load(&self, wants: &Wants) -> Result<Loaded, WorkerError> {
        if let Some(ahead) = self.ahead.as_ref().filter(|ahead| ahead.answers(wants)) {
            let before = Some(self.state()).filter(|state| !state.finished).and_then(|state| state.snapshot.clone());
            if let Some(before) = before {
                return ahead.load(&before, wants);
            }
        }
        let snapshot = self.finish()?;
        Ok(snapshot.load(wants)?)
    }

    /// Waits until what was pending is committed. Gives what is there then.
    pub fn finish(&self) -> Result<Snapshot, WorkerError> {
        let mut state = self.state();
        match state.begun.take() {
            None => {}
            Some(Begun::Beside(committer)) => committer.wait()?,
            Some(Begun::Later(commit)) => commit()?,
        }
        if !state.finished {
            state.snapshot = None;
            state.snapshot = Some(self.central.snapshot()?);
            state.finished = true;
        }
        Ok(state.snapshot.clone().expect("a finished state has a snapshot"))
    }

    fn state(&self) -> MutexGuard<'_, State<'c>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
