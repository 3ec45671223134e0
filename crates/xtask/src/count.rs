//! Counts the instructions of a fixed workload with callgrind and holds them against the committed figures: unlike times,
//! they do not depend on what else the machine does. A rise is refused until the figure is changed in the same commit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where the committed figures stand, from the workspace's folder.
const FIGURES: &str = "bench/path/instructions.txt";
/// Events of the workload.
const EVENTS: u64 = 2_000;
/// The stages that are counted: functions of the workload, with everything they call.
const STAGES: [&str; 2] = ["receive", "apply"];
/// A figure may be missed by this many of a hundred in either direction before anybody is told.
const PERCENT_MAX: f64 = 5.0;
const HEAD: &str = "# Instructions of an event, by stage, as `cargo run -p xtask -- count` counts them in a debug build: \
2,000 events\n# on one thread, queue and store in memory. A rise above 5 % fails; change the figure in the same commit and \
say why.\n# `cargo run -p xtask -- count --update` writes this file.\n";

/// Instructions of an event by stage.
type Figures = BTreeMap<String, u64>;

/// Counts; says of each stage how it stands. With `update` the figures are written instead.
pub(crate) fn run(root: &Path, update: bool) -> Result<bool> {
    let counted = count(root)?;
    if update {
        let lines: String = counted.iter().map(|(stage, figure)| format!("{stage} {figure}\n")).collect();
        fs::write(root.join(FIGURES), format!("{HEAD}{lines}")).context("the figures cannot be written")?;
    }
    let text = fs::read_to_string(root.join(FIGURES)).with_context(|| format!("cannot read {FIGURES}"))?;
    let committed = read_figures(&text);
    let mut holds = true;
    for (stage, now) in &counted {
        let Some(then) = committed.get(stage) else { bail!("{FIGURES} has no figure for {stage}") };
        let percent = (*now as f64 / *then as f64 - 1.0) * 100.0;
        println!("{stage}: {now} instructions an event, {percent:+.1} % of the committed {then}");
        if percent > PERCENT_MAX {
            holds = false;
            println!("  a rise: find its cause, or change the figure with `cargo run -p xtask -- count --update`");
        } else if percent < -PERCENT_MAX {
            println!("  a fall: hold on to it with `cargo run -p xtask -- count --update`");
        }
    }
    Ok(holds)
}

fn count(root: &Path) -> Result<Figures> {
    let built = Command::new("cargo").args(["build", "--quiet", "-p", "cebe-bench-path"]).current_dir(root).status();
    if !built.context("cargo does not run")?.success() {
        bail!("the workload does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let out = target.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(target.join("debug/cebe-bench-path")).arg(EVENTS.to_string());
    let ran = command.output().context("valgrind is not there: apt-get install -y valgrind")?;
    if !ran.status.success() {
        bail!("the workload failed under valgrind: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let text = fs::read_to_string(&out).context("callgrind wrote no file")?;
    let stages = STAGES.iter().map(|stage| Ok(((*stage).to_owned(), inclusive(&text, stage)? / EVENTS)));
    stages.collect()
}

/// What all calls of a function from outside of it cost, everything below included. Names are written once and then
/// meant by their number.
fn inclusive(text: &str, function: &str) -> Result<u64> {
    let (mut numbers, mut callee, mut is_cost, mut sum) = (Vec::new(), "", false, 0);
    let suffix = format!("House::{function}");
    for line in text.lines() {
        if is_cost {
            is_cost = false;
            let cost = line.split_whitespace().nth(1).and_then(|cost| cost.parse::<u64>().ok());
            sum += cost.filter(|_| numbers.contains(&callee)).unwrap_or_default();
        } else if let Some(named) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn=")) {
            let (number, name) = named.split_once(' ').unwrap_or((named, ""));
            if name.ends_with(&suffix) {
                numbers.push(number);
            }
            callee = number;
        } else {
            is_cost = line.starts_with("calls=");
        }
    }
    if sum == 0 { bail!("callgrind saw no call of {suffix}") } else { Ok(sum) }
}

fn read_figures(text: &str) -> Figures {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' ').and_then(|(stage, n)| Some((stage.to_owned(), n.parse().ok()?))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "fn=(1) bench::main\n16 5\ncfn=(2) bench::House::receive\ncalls=3 40\n17 300\ncfn=(3) bench::House::apply\n\
        calls=1 50\n18 70\nfn=(2)\n40 30\ncfn=(4) other::receive\ncalls=1 9\n41 270\nfn=(5) more\ncfn=(2)\ncalls=1 40\n2 25\n";

    #[test]
    fn calls_are_summed_by_the_function_they_call() {
        assert_eq!(inclusive(OUT, "receive").unwrap(), 325);
        assert_eq!(inclusive(OUT, "apply").unwrap(), 70);
        assert!(inclusive(OUT, "absent").is_err());
    }

    #[test]
    fn figures_read_past_their_head() {
        assert_eq!(
            read_figures(&format!("{HEAD}apply 12\nreceive 7\n")),
            [("apply".into(), 12), ("receive".into(), 7)].into()
        );
    }
}
