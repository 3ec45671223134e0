//! The thread that commits while the engine steps. One for as long as the worker lives: a thread for each commit would
//! begin with memory that has to be cleared first.

use cebe_central::StoreError;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

/// What there is to do.
pub(crate) type Commit = Box<dyn FnOnce() -> Result<(), StoreError> + Send>;
/// How it went; a panic goes on in whoever waits.
type Outcome = Result<Result<(), StoreError>, Box<dyn Any + Send>>;

const ENDED: &str = "the committing thread lives as long as its worker";

/// Takes one commit at a time.
#[derive(Debug)]
pub(crate) struct Committer {
    commits: Option<SyncSender<Commit>>,
    outcomes: Mutex<Receiver<Outcome>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (commits, waiting) = sync_channel::<Commit>(1);
        let (tell, outcomes) = sync_channel(1);
        let work = move || {
            for commit in waiting {
                if tell.send(catch_unwind(AssertUnwindSafe(commit))).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("committer".into()).spawn(work)?;
        Ok(Self { commits: Some(commits), outcomes: Mutex::new(outcomes), thread: Some(thread) })
    }

    /// Begins a commit. The one before must have been waited for.
    pub(crate) fn begin(&self, commit: Commit) {
        let commits = self.commits.as_ref().expect(ENDED);
        commits.send(commit).expect(ENDED);
    }

    /// Waits for the commit that was begun.
    pub(crate) fn wait(&self) -> Result<(), StoreError> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.recv().expect(ENDED).unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.commits.take());
        // What it panicked with was handed on.
        self.thread.take().map(JoinHandle::join);
    }
}
