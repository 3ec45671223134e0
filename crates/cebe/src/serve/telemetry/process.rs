//! What the operating system says of this process, under the names every Prometheus user knows. Where there is no
//! `/proc`, there is nothing to say.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ticks of processor time in a second, as Linux shows them to every program.
const TICKS_PER_SECOND: f64 = 100.0;

/// Notes when the process started and which release it is.
pub(super) fn started() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    metrics::gauge!("process_start_time_seconds").set(now.as_secs_f64());
    metrics::gauge!("cebe_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Notes memory, open files and processor time.
pub(super) fn measure() {
    if let Some(kilobytes) = field_of("/proc/self/status", "VmRSS:", 0) {
        metrics::gauge!("process_resident_memory_bytes").set(kilobytes * 1_024.0);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(open.count() as f64);
    }
    if let Some(most) = open_files_max() {
        metrics::gauge!("process_max_fds").set(most);
    }
    if let Some(ticks) = processor_ticks() {
        metrics::counter!("process_cpu_seconds_total").absolute((ticks / TICKS_PER_SECOND) as u64);
    }
}

/// How many files this process may have open.
pub(crate) fn open_files_max() -> Option<f64> {
    field_of("/proc/self/limits", "Max open files", 0)
}

/// The number at this place behind a line's label.
fn field_of(path: &str, label: &str, place: usize) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().nth(place)?.parse().ok()
}

/// User and system time. The second field is a name in brackets that may hold blanks; they are 14 and 15 of all.
fn processor_ticks() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map(|field| field.parse::<f64>().ok());
    Some(ticks.next()?? + ticks.next()??)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_knows_itself() {
        assert!(field_of("/proc/self/status", "VmRSS:", 0).unwrap() > 1_000.0);
        assert!(open_files_max().unwrap() >= 64.0);
        assert!(processor_ticks().unwrap() >= 0.0);
    }
}
