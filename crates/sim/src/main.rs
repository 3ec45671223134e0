//! `cebe-sim`: lives through seeds and gives one line of verdict for each that breaks a law.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    fs, io,
    path::{Path, PathBuf},
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
    /// Writes the first inputs of the fuzz targets into this folder, and simulates nothing.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Tries so many mutations of the corpus in `fuzz/corpus` on each fuzz target, and simulates nothing.
    #[arg(long)]
    mutations: Option<u64>,
}

/// What all threads count together.
#[derive(Default)]
struct Counts {
    failed: AtomicU64,
    taken: AtomicU64,
    crashes: AtomicU64,
    sealings: AtomicU64,
    outcomes: [AtomicU64; 5],
}

impl Counts {
    fn add(&self, lived: &cebe_sim::Lived) {
        self.taken.fetch_add(lived.taken, Ordering::Relaxed);
        self.crashes.fetch_add(lived.crashes, Ordering::Relaxed);
        self.sealings.fetch_add(lived.sealings, Ordering::Relaxed);
        for (sum, count) in self.outcomes.iter().zip(lived.outcomes) {
            sum.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    if let Some(folder) = &asked.corpus {
        return ended(write_corpus(folder));
    }
    if let Some(mutations) = asked.mutations {
        return ended(mutate(Path::new("fuzz/corpus"), asked.first, mutations));
    }
    let (first, seeds) = asked.seed.map_or((asked.first, asked.seeds), |seed| (seed, 1));
    let (begun, counts, bar) = (Instant::now(), Counts::default(), bar(seeds));
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for thread in 0..asked.threads.max(1) {
            let (asked, counts, bar) = (&asked, &counts, &bar);
            scope.spawn(move || {
                for seed in (first + thread..first + seeds).step_by(usize::try_from(asked.threads.max(1)).unwrap_or(1))
                {
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
        "{seeds} seeds from {first}: {failed} broke a law; {} events acknowledged, {} crashes, {:.1} s",
        count(&counts.taken),
        count(&counts.crashes),
        begun.elapsed().as_secs_f64(),
    );
    let [applied, duplicate, conflict, ignored, quarantined] = &counts.outcomes.each_ref().map(count);
    println!(
        "{applied} applied, {duplicate} duplicate, {conflict} conflict, {ignored} ignored, {quarantined} quarantined; \
         events left the log {} times",
        count(&counts.sealings)
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn ended(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_corpus(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for (number, (target, bytes)) in cebe_sim::outside::corpus(1)?.into_iter().enumerate() {
        let inside = folder.join(target);
        fs::create_dir_all(&inside)?;
        fs::write(inside.join(format!("made-{number:03}")), bytes)?;
    }
    Ok(())
}

/// What makes a target panic is written beside its corpus.
fn mutate(corpus: &Path, first: u64, mutations: u64) -> Result<(), Box<dyn std::error::Error>> {
    for (name, target) in cebe_sim::outside::TARGETS {
        let (folder, bar) = (corpus.join(name), bar(mutations));
        let inputs = fs::read_dir(&folder)?.map(|file| fs::read(file?.path())).collect::<io::Result<Vec<_>>>()?;
        let mut found = 0;
        for number in first..first + mutations {
            let input = cebe_sim::outside::mutated(&inputs, number);
            if std::panic::catch_unwind(|| target(&input)).is_err() {
                found += 1;
                fs::write(folder.join(format!("found-{number}")), input)?;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        println!("{name}: {mutations} mutations of {} inputs, {found} panicked", inputs.len());
    }
    Ok(())
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
            counts.add(&lived);
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
