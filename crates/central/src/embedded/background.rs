//! Threads that write tables and merge them go behind those that apply and answer: a merge takes seconds, and an event
//! that waits for it would be late.

/// How much nicer than the thread that opens the store: about a third of the processor when there is not enough for all.
#[cfg(target_os = "linux")]
const NICER_BY: i32 = 5;

/// Does something whose threads go behind all others: a thread is as nice as the one that started it.
pub(super) fn behind<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    let start = || {
        be_nice();
        start()
    };
    std::thread::scope(|scope| scope.spawn(start).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// On Linux it is a thread that is nice, elsewhere the whole process.
#[cfg(target_os = "linux")]
fn be_nice() {
    if let Err(error) = rustix::process::nice(NICER_BY) {
        tracing::debug!(%error, "merging tables is as urgent as everything else");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_nice() {}
