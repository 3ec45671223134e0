//! What the system tells of a process: processor time by stage, memory, bytes written.

use std::collections::BTreeMap;
use std::fs;

/// Clock ticks of a second, as Linux counts processor time for programs.
const TICKS_PER_S: f64 = 100.0;

/// Processor time in seconds by stage.
pub(super) type Stages = BTreeMap<&'static str, f64>;

/// Reads what the system tells of the process of an id. Nothing where there is no `/proc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process(pub(super) u32);

impl Process {
    /// Processor time of all threads that ever were, by what they do. Those that have ended were the door's: it lends
    /// threads to large bodies, and they go when nothing comes for a while.
    pub(super) fn stages(self) -> Option<Stages> {
        let total = cpu_s(&fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?)?;
        let mut stages = Stages::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).ok()?.flatten() {
            let Ok(stat) = fs::read_to_string(thread.path().join("stat")) else { continue };
            let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(name, _)| name);
            *stages.entry(stage(name)).or_default() += cpu_s(&stat)?;
        }
        let living: f64 = stages.values().sum();
        *stages.entry(stage("tokio")).or_default() += (total - living).max(0.0);
        Some(stages)
    }

    /// Resident memory now and at its highest, in MiB.
    pub(super) fn memory_mib(self) -> Option<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        Some((kib(&status, "VmRSS:")? / 1_024.0, kib(&status, "VmHWM:")? / 1_024.0))
    }

    /// Bytes sent to the disk.
    pub(super) fn written_bytes(self) -> Option<f64> {
        let io = fs::read_to_string(format!("/proc/{}/io", self.0)).ok()?;
        io.lines().find_map(|line| line.strip_prefix("write_bytes:")?.trim().parse().ok())
    }
}

/// What a thread of this name does.
fn stage(thread: &str) -> &'static str {
    match thread {
        name if name.starts_with("tokio") => "door and reads",
        "queue-writer" => "queue",
        "worker" | "stepper" => "load and step",
        "committer" => "commit",
        name if name.starts_with("fjall") => "merging tables",
        _ => "everything else",
    }
}

fn cpu_s(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_S)
}

fn kib(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// Processor time between two looks.
pub(super) fn since(before: &Stages, now: &Stages) -> Stages {
    now.iter().map(|(stage, s)| (*stage, (s - before.get(stage).unwrap_or(&0.0)).max(0.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_with_any_name_reads() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 99 1 1";
        assert_eq!(cpu_s(stat), Some(2.0));
        assert_eq!(kib("VmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n", "VmRSS:"), Some(1_024.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_known() {
        let own = Process(std::process::id());
        let (now, peak) = own.memory_mib().unwrap();
        assert!(now > 0.5 && peak >= now);
        assert!(own.stages().is_some() && own.written_bytes().is_some());
    }
}
