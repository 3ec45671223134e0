//! `cebe verify`: is what is stored what the log gives? Replays a company's log and compares facts, links, points,
//! activity, tallies and indexes row by row; also that every received event has one outcome.

use crate::{companies::Companies, frames::ReceivedCheck, rebuild::replay, remembered::has_expired, run::WorkerError};
use cebe_catalog::{CompanyId, Definitions};
use cebe_central::{Central, Snapshot};
use cebe_engine::rows::{Point, Sum};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    ops::ControlFlow,
};

/// Most differences that are named.
const DIFFERENCES_MAX: usize = 100;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Companies compared.
    pub companies: u64,
    /// Events replayed.
    pub events: u64,
    /// Rows compared.
    pub rows: u64,
    /// How many rows differ.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// What counting the queue's frames gave, where the queue was at hand.
    #[serde(default)]
    pub received: Option<ReceivedCheck>,
}

/// One row that is not what the log gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Kind of row.
    pub table: String,
    /// Its key.
    pub key: String,
    /// What is stored.
    pub stored: Option<String>,
    /// What the log gives.
    pub recomputed: Option<String>,
}

/// Verifies one company, or all that have a log. `progress` is told the number of events replayed so far.
pub fn verify(
    central: &dyn Central,
    definitions: &Definitions,
    company: Option<&CompanyId>,
    progress: &dyn Fn(u64),
) -> Result<VerifyReport, WorkerError> {
    let snapshot = central.snapshot()?;
    let companies = Companies::load(&snapshot)?;
    let chosen = match company {
        Some(company) => vec![company.clone()],
        None => snapshot.companies_with_log()?,
    };
    let mut report = VerifyReport::default();
    for company in &chosen {
        let before = report.events;
        let mut events = before;
        let memory = replay(&snapshot, definitions, &companies, company, &mut |replayed| {
            events = before + replayed;
            progress(events);
        })?;
        report.companies += 1;
        report.events = events;
        compare(&snapshot, &memory.snapshot()?, company, &mut report)?;
    }
    outcomes(&snapshot, company, &mut report)?;
    Ok(report)
}

/// Rows of one table as text, by key.
pub type Rows = BTreeMap<String, String>;

type Read = fn(&Snapshot, &CompanyId) -> Result<Rows, WorkerError>;

/// What is derived from the log, and how it is read for comparison.
const TABLES: [(&str, Read); 6] =
    [("node", nodes), ("fact", facts), ("point", points), ("activity", activity), ("tally", tallies), ("held", held)];

/// Everything derived of a company, table by table, as text: equal texts are equal states.
pub fn state(snapshot: &Snapshot, company: &CompanyId) -> Result<BTreeMap<&'static str, Rows>, WorkerError> {
    TABLES.into_iter().map(|(table, read)| Ok((table, read(snapshot, company)?))).collect()
}

fn compare(
    stored: &Snapshot,
    recomputed: &Snapshot,
    company: &CompanyId,
    report: &mut VerifyReport,
) -> Result<(), WorkerError> {
    let expired = has_expired(stored, company)?;
    for (table, read) in TABLES {
        let (kept, fresh) = (read(stored, company)?, read(recomputed, company)?);
        // Expiry keeps who is who longer than the events that told it.
        let may_exceed = expired && matches!(table, "node" | "held");
        report.rows += kept.len() as u64;
        let all = kept.keys().chain(fresh.keys().filter(|key| !kept.contains_key(*key)));
        for key in all {
            let (kept, fresh) = (kept.get(key), fresh.get(key));
            let wrong = if may_exceed { fresh.is_some() && kept.is_none() } else { kept != fresh };
            if wrong {
                report.note(table, key, kept.cloned(), fresh.cloned());
            }
        }
    }
    for (node, [said, owners]) in wrong_owners(stored, company)? {
        report.note("node", &format!("{node} (who owns facts)"), Some(said), Some(owners));
    }
    Ok(())
}

impl VerifyReport {
    pub(crate) fn note(&mut self, table: &str, key: &str, stored: Option<String>, recomputed: Option<String>) {
        self.different += 1;
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(Difference { table: table.into(), key: key.into(), stored, recomputed });
        }
    }

    /// Is everything what it must be?
    pub fn is_clean(&self) -> bool {
        self.different == 0
    }
}

pub(crate) fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Links with the number and the first of their evidence, and the customer each node is part of.
fn nodes(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.nodes(company, &mut |node, row| {
        let links: Vec<_> = row
            .links
            .iter()
            .map(|l| (l.other.to_text(), l.anchor, l.rejected, l.evidence.count, l.evidence.first_at()))
            .collect();
        let seen = (row.created.count, row.created.first_at(), row.seen.count, row.seen.first_at());
        // Rows of earlier releases list everybody in the row of each.
        let listed = if row.together.first() == Some(&node) { row.together.len() } else { 1.min(row.together.len()) };
        rows.insert(
            node.to_text(),
            text(&(links, &row.together[..listed], seen, row.apart.len(), row.blocked, row.erased)),
        );
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// What first nodes say of who owns facts, where it is not so: they are held against the rows of the nodes themselves, for
/// a recomputation would make the same mistake.
pub fn wrong_owners(snapshot: &Snapshot, company: &CompanyId) -> Result<BTreeMap<String, [String; 2]>, WorkerError> {
    let (mut stored, mut said) = (BTreeSet::new(), Vec::new());
    snapshot.nodes(company, &mut |node, row| {
        if row.seen.count > 0 {
            stored.insert(node.clone());
        }
        said.extend(row.stored.map(|owners| (node, row.together, owners)));
        ControlFlow::Continue(())
    })?;
    let mut wrong = BTreeMap::new();
    for (node, together, said) in said {
        let owners: Vec<_> = together.into_iter().filter(|node| stored.contains(node)).collect();
        if said != owners {
            wrong.insert(node.to_text(), [text(&said), text(&owners)]);
        }
    }
    Ok(wrong)
}

fn facts(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.facts(company, &mut |key, row| {
        rows.insert(text(&key), text(&row));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Only the live part: what is sealed is not in the log any more.
fn points(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.all_points(company, &mut |key, point: &Point| {
        if point.live != Sum::default() {
            rows.insert(text(key), text(&point.live));
        }
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Only the live part, as with points.
fn activity(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.all_activity(company, &mut |key, marks| {
        if marks.live != 0 {
            rows.insert(text(key), text(&marks.live));
        }
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Only the live part, as with points.
fn tallies(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.all_tallies(company, &mut |key, tally| {
        if tally.live != Sum::default() {
            rows.insert(text(key), text(&tally.live));
        }
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn held(snapshot: &Snapshot, company: &CompanyId) -> Result<Rows, WorkerError> {
    let mut rows = Rows::new();
    snapshot.all_held(company, &mut |key| {
        rows.insert(text(&key), String::new());
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Law 2: received equals the sum of outcomes.
fn outcomes(snapshot: &Snapshot, company: Option<&CompanyId>, report: &mut VerifyReport) -> Result<(), WorkerError> {
    snapshot.outcomes(&mut |key, outcomes| {
        if company.is_some_and(|company| *company != key.company) {
            return ControlFlow::Continue(());
        }
        report.rows += 1;
        if !outcomes.balanced() {
            let what = Some("received = applied + duplicate + conflict + ignored + quarantined".to_owned());
            report.note("outcome", &text(key), Some(text(outcomes)), what);
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}
