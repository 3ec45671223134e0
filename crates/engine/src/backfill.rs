//! What a step of a backfill makes of its row. A chunk counts only when it begins where the row stands, so a chunk that
//! is there twice counts once.

use alloc::format;
use cebe_catalog::{
    Micros,
    backfill::{BackfillChunk, BackfillCounts, BackfillRow, BackfillState, BackfillStep, REFUSED_LINES_MAX},
};
use smol_str::SmolStr;

/// Modules that a row names.
const MODULES_MAX: usize = 16;

/// Whose step it is.
pub fn id_of(step: &BackfillStep) -> &SmolStr {
    match step {
        BackfillStep::Created(row) => &row.id,
        BackfillStep::Counted { id, .. } | BackfillStep::Failed { id, .. } | BackfillStep::Cleared { id } => id,
        BackfillStep::Chunk(chunk) => &chunk.id,
    }
}

/// The row after a step at `at`. `counts` are the outcomes of the records before it. `None` when nothing changes.
pub fn after(
    row: Option<&BackfillRow>,
    step: &BackfillStep,
    counts: &BackfillCounts,
    at: Micros,
) -> Option<BackfillRow> {
    if let BackfillStep::Created(created) = step {
        return row.is_none().then(|| BackfillRow { changed_at: at, ..(**created).clone() });
    }
    let mut row = row?.clone();
    row.changed_at = at;
    match step {
        BackfillStep::Cleared { .. } => row.cleared = true,
        _ if row.state != BackfillState::Running => return None,
        BackfillStep::Counted { events, .. } => row.events_total = Some(*events),
        BackfillStep::Chunk(chunk) if chunk.from == row.events => load(&mut row, chunk, counts),
        BackfillStep::Chunk(_) | BackfillStep::Created(_) => return None,
        BackfillStep::Failed { message, .. } => {
            row.state = BackfillState::Failed;
            row.message = message.clone();
            row.finished_at = Some(at);
        }
    }
    if row.state == BackfillState::Running && row.events_total == Some(row.events) {
        end(&mut row, at);
    }
    Some(row)
}

fn load(row: &mut BackfillRow, chunk: &BackfillChunk, counts: &BackfillCounts) {
    (row.events, row.line, row.offset) = (chunk.to, chunk.line, chunk.offset);
    row.counts.add(counts);
    for module in &chunk.modules {
        if !row.modules.contains(module) && row.modules.len() < MODULES_MAX {
            row.modules.push(module.clone());
        }
    }
    let room = REFUSED_LINES_MAX.saturating_sub(row.refused.len());
    row.refused.extend(chunk.refused.iter().take(room).cloned());
}

/// Every event was loaded; each must have an outcome.
fn end(row: &mut BackfillRow, at: Micros) {
    let lost = row.events.abs_diff(row.counts.total());
    row.finished_at = Some(at);
    if lost == 0 {
        row.state = BackfillState::Done;
    } else {
        row.state = BackfillState::Failed;
        row.message = format!("{lost} events have no outcome; send the file again").into();
    }
}
