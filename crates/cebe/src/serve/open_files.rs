//! How many files and connections the process may have open: as many as the system lets it.

/// Raises the limit to what is allowed. Where that fails the old one stays, and `connections_max` is bounded by it.
#[cfg(unix)]
pub(crate) fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
}

/// There is no such limit.
#[cfg(not(unix))]
pub(crate) fn raise() {}
