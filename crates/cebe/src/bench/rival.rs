//! The same events through somebody else's pipeline: a program that takes a file of events and answers how fast it was.
//! `bench/postgres` is one; this program holds nothing of it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::bars::RIVAL_RATIO;
use super::measure::Report;

/// Hands the bodies to the program; reports what it says beside our own rate and processor time.
pub(super) fn run(program: &Path, bodies: &[Vec<u8>], own: f64, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.ndjson");
    let mut file = BufWriter::new(File::create(&path)?);
    bodies.iter().try_for_each(|body| file.write_all(body))?;
    file.flush()?;
    let shown = || format!("{} does not run", program.display());
    let output = Command::new(program).arg(&path).stderr(Stdio::inherit()).output().with_context(shown)?;
    if !output.status.success() {
        bail!("{} failed: {}", program.display(), output.status);
    }
    let answer: Value = serde_json::from_slice(&output.stdout).context("the rival's answer does not read")?;
    let value = |name: &str| answer[name].as_f64().with_context(|| format!("the rival does not tell {name}"));
    let (rate, cpu_us) = (value("events_per_s")?, value("cpu_us_per_event")?);
    report.add("rival, rate", rate, "events/s");
    report.add("rival, processor time of an event", cpu_us, "µs");
    report.add("rival, disk per event", value("bytes_per_event")?, "B");
    report.add(RIVAL_RATIO, own / rate, "×");
    if let Some(own_us) = report.value("ingest, processor time of an event") {
        report.add("rival, processor time over ours", cpu_us / own_us, "×");
    }
    Ok(())
}
