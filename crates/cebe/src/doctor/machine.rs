//! The machine: room on the disk, open files, the clock.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::Finding;
use crate::settings::Settings;

/// From here on somebody should do something.
const DISK_DOUBTFUL: f64 = 0.75;
/// From here on pushes are refused.
const DISK_BAD: f64 = 0.85;
/// Open files that are no connections: segments, trees, journals.
const OWN_FILES: u64 = 1_000;
/// Files may be a little newer than a clock that was just set right.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// The folder, or the nearest one above it that exists.
fn existing(data: &str) -> PathBuf {
    let path = std::path::absolute(data).unwrap_or_else(|_| PathBuf::from(data));
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_path_buf()
}

pub(super) fn disk(settings: &Settings) -> Finding {
    let folder = existing(&settings.data);
    match rustix::fs::statvfs(&folder) {
        Ok(facts) => {
            // As the queue counts: what is reserved for root is neither used nor free.
            let used = facts.f_blocks.saturating_sub(facts.f_bfree) as f64;
            let usable = (used + facts.f_bavail as f64).max(1.0);
            room(used / usable, facts.f_bavail as f64 * facts.f_frsize as f64 / f64::from(1 << 30))
        }
        Err(error) => Finding::bad(
            "disk",
            format!("{} cannot be looked at: {error}", folder.display()),
            "make the data folder readable",
        ),
    }
}

pub(super) fn room(used: f64, free_gib: f64) -> Finding {
    let found = format!("{:.0} % used, {free_gib:.1} GiB free", used * 100.0);
    let advice = "make room: shorten queue_keep_s or retention_months, or add disk; never delete files by hand";
    match used {
        used if used >= DISK_BAD => Finding::bad("disk", format!("{found}: pushes are refused"), advice),
        used if used >= DISK_DOUBTFUL => Finding::doubtful("disk", found, advice),
        _ => Finding::good("disk", found),
    }
}

pub(super) fn open_files(settings: &Settings) -> Finding {
    files(getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX), settings.connections_max)
}

pub(super) fn files(most: u64, connections: u64) -> Finding {
    let needed = connections.saturating_add(OWN_FILES);
    let found = format!("{most} may be open, {connections} connections are allowed");
    if most >= needed {
        return Finding::good("open files", found);
    }
    let advice = format!("set LimitNOFILE={needed} (systemd) or ulimit -n {needed}, or lower connections_max");
    Finding::doubtful("open files", found, advice)
}

pub(super) fn clock(settings: &Settings) -> Finding {
    let newest = newest_file(Path::new(&settings.data));
    let now = SystemTime::now();
    match newest.and_then(|newest| newest.duration_since(now).ok()) {
        Some(ahead) if ahead > CLOCK_TOLERANCE => Finding::bad(
            "clock",
            format!("the data was written {} s in the future", ahead.as_secs()),
            "set the clock right (NTP) before starting: latencies, retention and ids go by it",
        ),
        _ => Finding::good("clock", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    }
}

/// When the newest file of the data folder was written.
fn newest_file(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let times = entries.filter_map(|entry| {
        let facts = entry.metadata().ok()?;
        if facts.is_dir() { newest_file(&entry.path()) } else { facts.modified().ok() }
    });
    times.max()
}
