//! Recomputes a company from its log: into a store in memory, by the same engine. `verify` compares the two, a rebuild
//! puts the new one in place of the old.

use crate::{apply::drive, companies::Companies, remembered::Remembered, run::WorkerError};
use cebe_catalog::{CompanyId, Definitions, Record};
use cebe_central::{Central, Snapshot, memory::Memory};
use cebe_engine::{
    change::Changes,
    rows::{Evidence, NodeKey, NodeRow, Place},
    step::{Context, Step},
};
use std::{ops::ControlFlow, sync::Arc};

/// Events replayed in one step.
const REPLAY_EVENTS: usize = 5_000;

/// Replays a company's log into a store of its own. `progress` is told how many events were replayed so far.
pub fn replay(
    snapshot: &Snapshot,
    definitions: &Definitions,
    companies: &Companies,
    company: &CompanyId,
    progress: &mut dyn FnMut(u64),
) -> Result<Memory, WorkerError> {
    let context = Context { definitions, companies: companies.contexts() };
    let corrections = corrections(snapshot, company)?;
    let memory = Memory::new();
    memory.commit(&corrections)?;
    replay_into(&memory, context, snapshot, company, progress)?;
    let Some(remembered) = Remembered::of(snapshot, &memory.snapshot()?, company, &corrections)? else {
        return Ok(memory);
    };
    // Only now is it known what the log does not say. It is said first, and the log once more.
    let memory = Memory::new();
    memory.commit(&remembered.rows())?;
    memory.commit(&derived_only(remembered.joined(context, &memory.snapshot()?)?))?;
    replay_into(&memory, context, snapshot, company, progress)?;
    Ok(memory)
}

fn replay_into(
    memory: &Memory,
    context: Context<'_>,
    snapshot: &Snapshot,
    company: &CompanyId,
    progress: &mut dyn FnMut(u64),
) -> Result<(), WorkerError> {
    let (mut batch, mut replayed, mut failed) = (Vec::new(), 0, None);
    let mut flush = |batch: &mut Vec<(Place, Record)>| -> Result<(), WorkerError> {
        replayed += batch.len() as u64;
        let changes = drive(Step::records(context, std::mem::take(batch)), &memory.snapshot()?)?;
        memory.commit(&derived_only(changes))?;
        progress(replayed);
        Ok(())
    };
    snapshot.log(company, &mut |event, place| {
        batch.push((place, Record::Event(Box::new(event), Vec::new())));
        if batch.len() >= REPLAY_EVENTS {
            failed = flush(&mut batch).err();
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    flush(&mut batch)
}

/// The log itself and outcomes are not derived: a replay leaves them out, so it needs memory for facts only.
fn derived_only(mut changes: Changes) -> Changes {
    changes.applied.clear();
    changes.outcomes.clear();
    changes.arrivals.clear();
    changes.vault.clear();
    changes
}

/// What people corrected is not in the log: rejected links, ids kept apart, blocked and erased nodes.
fn corrections(snapshot: &Snapshot, company: &CompanyId) -> Result<Changes, WorkerError> {
    let mut changes = Changes::default();
    snapshot.nodes(company, &mut |node, row| {
        let kept = NodeRow {
            links: row.links.into_iter().filter(|link| link.rejected).map(rejected_only).collect(),
            apart: row.apart,
            blocked: row.blocked,
            erased: row.erased,
            ..NodeRow::default()
        };
        if kept != NodeRow::default() {
            changes.nodes.push((NodeKey { company: company.clone(), node }, Some(Arc::new(kept))));
        }
        ControlFlow::Continue(())
    })?;
    Ok(changes)
}

fn rejected_only(link: cebe_engine::rows::Link) -> cebe_engine::rows::Link {
    cebe_engine::rows::Link { evidence: Evidence::default(), ..link }
}

/// Puts what a company's log gives today in place of what is stored.
pub fn rebuild(
    central: &dyn Central,
    definitions: &Definitions,
    companies: &Companies,
    company: &CompanyId,
) -> Result<(), WorkerError> {
    let snapshot = central.snapshot()?;
    let memory = replay(&snapshot, definitions, companies, company, &mut |_| {})?;
    central.replace_derived(company, &memory.snapshot()?)?;
    Ok(())
}
