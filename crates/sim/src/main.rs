//! `cebe-sim`: lives through seeds and gives one line of verdict for each that breaks a law.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Simulates the whole pipeline from seeds and checks the laws.
#[derive(Parser)]
struct Asked {
    /// One seed only, told in full with SIM_LOG=1.
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// How many seeds.
    #[arg(long, env = "SEEDS", default_value_t = 300)]
    seeds: u64,
    /// The first of them.
    #[arg(long, env = "SEED_FIRST", default_value_t = 0)]
    first: u64,
    /// Seeds at a time, each on one thread of its own.
    #[arg(long, env = "SIM_THREADS", default_value_t = 1)]
    threads: u64,
    /// Of so many seeds one is lived through twice, to see that it gives the same bytes.
    #[arg(long, default_value_t = 10)]
    twice_every: u64,
}

/// What all threads count together.
#[derive(Default)]
struct Counts {
    failed: AtomicU64,
    records: AtomicU64,
    taken: AtomicU64,
    crashes: AtomicU64,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    let (first, seeds) = asked.seed.map_or((asked.first, asked.seeds), |seed| (seed, 1));
    let (begun, counts, bar) = (Instant::now(), Counts::default(), bar(seeds));
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for thread in 0..asked.threads.max(1) {
            let (asked, counts, bar) = (&asked, &counts, &bar);
            scope.spawn(move || {
                for seed in (first + thread..first + seeds).step_by(usize::try_from(asked.threads.max(1)).unwrap_or(1)) {
                    one(seed, asked, counts, bar);
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let failed = count(&counts.failed);
    println!(
        "{seeds} seeds from {first}: {failed} broke a law; {} records, {} events acknowledged, {} crashes, {:.1} s",
        count(&counts.records),
        count(&counts.taken),
        count(&counts.crashes),
        begun.elapsed().as_secs_f64(),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bar(seeds: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left");
    ProgressBar::new(seeds).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn one(seed: u64, asked: &Asked, counts: &Counts, bar: &ProgressBar) {
    let twice = asked.twice_every > 0 && seed.is_multiple_of(asked.twice_every);
    let lived = std::panic::catch_unwind(|| if twice { cebe_sim::run_twice(seed) } else { cebe_sim::run(seed) });
    let failure = match lived {
        Ok(Ok(lived)) => {
            counts.records.fetch_add(lived.records, Ordering::Relaxed);
            counts.taken.fetch_add(lived.taken, Ordering::Relaxed);
            counts.crashes.fetch_add(lived.crashes, Ordering::Relaxed);
            return;
        }
        Ok(Err(broken)) => broken.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            format!("it panicked: {}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?"))
        }
    };
    counts.failed.fetch_add(1, Ordering::Relaxed);
    bar.suspend(|| println!("seed {seed}: {failure}; run it again with SEED={seed}"));
}
