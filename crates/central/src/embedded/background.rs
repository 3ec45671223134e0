//! Threads that write tables and merge them go behind those that apply and answer: a merge takes seconds, and an event
//! that waits for it would be late.

/// How much nicer than the rest of the process they are: about a third of the processor when there is not enough for all.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Does something whose threads go behind all others: a thread is as nice as the one that started it.
pub(super) fn behind<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    let start = || {
        be_nice();
        start()
    };
    std::thread::scope(|scope| scope.spawn(start).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(target_os = "linux")]
fn be_nice() {
    use rustix::{process::setpriority_process, thread::gettid};
    if let Err(error) = setpriority_process(Some(gettid()), NICE) {
        tracing::debug!(%error, "merging tables is as urgent as everything else");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_nice() {}
