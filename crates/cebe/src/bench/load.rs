//! Where events come from: made-up traffic, or a file of somebody's own. Bodies are made before a clock starts.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use cebe_traffic::{Company, Shape, Stream};
use serde_json::Value;

use super::Plan;

/// Density of the traffic: about a million events a day.
const LIVES_PER_HOUR: u64 = 16_000;
/// Events of a life.
const LIFE_EVENTS: u64 = 2;

/// Events without end.
pub(super) enum Load {
    /// Made up.
    Made(Box<Stream>),
    /// From a file, again from its start when it ends (then they are duplicates).
    File(Vec<String>, usize),
}

impl Load {
    /// The plan's traffic, ending about now. Each part of a run has its own seed, and so its own events.
    pub(super) fn new(plan: &Plan, seed: u64, events: u64) -> Result<Self> {
        match &plan.file {
            Some(file) => Self::of_file(file),
            None => Ok(Self::made(plan, seed, hours(events, LIVES_PER_HOUR), LIVES_PER_HOUR)),
        }
    }

    /// The plan's customers over the year before the last month.
    pub(super) fn past(plan: &Plan, seed: u64, events: u64) -> Self {
        const HOURS: u64 = 365 * 24;
        let lives_per_hour = (events / LIFE_EVENTS / HOURS).max(1);
        Self::made(plan, seed, HOURS + 30 * 24, lives_per_hour)
    }

    fn made(plan: &Plan, seed: u64, hours_ago: u64, lives_per_hour: u64) -> Self {
        let begin_s = now_s().saturating_sub((hours_ago + 24) * 3_600);
        let Plan { companies, customers, .. } = *plan;
        Self::Made(Box::new(Stream::new(Shape { seed, companies, customers, begin_s, lives_per_hour })))
    }

    fn of_file(file: &Path) -> Result<Self> {
        let shown = || format!("cannot read {}", file.display());
        let lines = BufReader::new(File::open(file).with_context(shown)?).lines();
        let lines: Vec<String> = lines.collect::<Result<_, _>>().with_context(shown)?;
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        lines.first().with_context(|| format!("{} holds no events", file.display()))?;
        Ok(Self::File(lines, 0))
    }

    /// The companies of its events.
    pub(super) fn companies(&self) -> Vec<Company> {
        match self {
            Self::Made(stream) => stream.companies().to_vec(),
            Self::File(lines, _) => {
                let id = |line: &String| {
                    let event: Value = serde_json::from_str(line).ok()?;
                    Some(event["company_id"].as_str()?.to_owned())
                };
                let ids: BTreeSet<String> = lines.iter().filter_map(id).collect();
                ids.into_iter().map(Company::named).collect()
            }
        }
    }

    /// One body of so many events, as lines.
    pub(super) fn body(&mut self, events: usize) -> Vec<u8> {
        match self {
            Self::Made(stream) => stream.body(events),
            Self::File(lines, next) => {
                let mut body = Vec::new();
                for _ in 0..events {
                    body.extend_from_slice(lines[*next].as_bytes());
                    body.push(b'\n');
                    *next = (*next + 1) % lines.len();
                }
                body
            }
        }
    }

    /// Bodies of so many events together, so many in each.
    pub(super) fn bodies(&mut self, events: u64, batch: usize) -> Vec<Vec<u8>> {
        let mut left = usize::try_from(events).unwrap_or(usize::MAX);
        let mut bodies = Vec::with_capacity(left.div_ceil(batch));
        while left > 0 {
            let size = left.min(batch);
            bodies.push(self.body(size));
            left -= size;
        }
        bodies
    }
}

fn hours(events: u64, lives_per_hour: u64) -> u64 {
    events / LIFE_EVENTS / lives_per_hour + 1
}

fn now_s() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}
