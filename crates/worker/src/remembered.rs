//! What is known about people from events that are not in the log any more: expiry takes the events and keeps who is who.
//! A recomputation starts from it, or it would take apart whom only an expired event joined.

use crate::{apply::drive, retention::EXPIRY, run::WorkerError};
use cebe_catalog::{CompanyId, Node, control::Unlink};
use cebe_central::{Order, Snapshot};
use cebe_engine::{
    change::{Changes, ControlKind, ControlRow},
    rows::{Evidence, Link, NodeKey, NodeRow},
    step::{Context, Step},
};
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

/// What expired events said, beside what the log says.
#[derive(Debug)]
pub(crate) struct Remembered {
    company: CompanyId,
    nodes: BTreeMap<Node, NodeRow>,
    /// The pairs it links, rejected ones aside.
    links: Vec<(Node, Node)>,
}

impl Remembered {
    /// The evidence that is stored and that `replayed`, made from the log alone, does not have; nothing when nothing of the
    /// company expired. `corrections` are the rows that both begin with.
    pub(crate) fn of(
        stored: &Snapshot,
        replayed: &Snapshot,
        company: &CompanyId,
        corrections: &Changes,
    ) -> Result<Option<Self>, WorkerError> {
        if !has_expired(stored, company)? {
            return Ok(None);
        }
        let corrected =
            corrections.nodes.iter().filter_map(|(key, row)| Some((key.node.clone(), row.as_deref()?.clone())));
        let mut remembered = Self { company: company.clone(), nodes: corrected.collect(), links: Vec::new() };
        let mut failed = None;
        stored.nodes(company, &mut |node, row| match replayed.node(company, &node) {
            Ok(known) => {
                remembered.take(&node, &row, &known.unwrap_or_default());
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(Some(remembered)), |error| Err(error.into()))
    }

    fn take(&mut self, node: &Node, stored: &NodeRow, known: &NodeRow) {
        let (seen, created) = (beyond(&stored.seen, &known.seen), beyond(&stored.created, &known.created));
        if seen.count > 0 || created.count > 0 {
            let row = self.nodes.entry(node.clone()).or_default();
            (row.seen, row.created) = (seen, created);
        }
        for link in stored.links.iter().filter(|link| link.anchor) {
            let of_log = known.links.iter().find(|other| other.anchor && other.other == link.other);
            let evidence =
                of_log.map_or_else(|| link.evidence.clone(), |of_log| beyond(&link.evidence, &of_log.evidence));
            if evidence.count > 0 {
                self.link(node, link, evidence);
            }
        }
    }

    fn link(&mut self, anchor: &Node, link: &Link, evidence: Evidence) {
        put(self.nodes.entry(anchor.clone()).or_default(), Link { evidence, ..link.clone() });
        let back =
            Link { other: anchor.clone(), anchor: false, evidence: Evidence::default(), rejected: link.rejected };
        put(self.nodes.entry(link.other.clone()).or_default(), back);
        if !link.rejected {
            self.links.push((anchor.clone(), link.other.clone()));
        }
    }

    /// The rows to begin with.
    pub(crate) fn rows(&self) -> Changes {
        let key = |node: &Node| NodeKey { company: self.company.clone(), node: node.clone() };
        let nodes = self.nodes.iter().map(|(node, row)| (key(node), Some(Arc::new(row.clone()))));
        Changes { nodes: nodes.collect(), ..Changes::default() }
    }

    /// Who is together by those rows, worked out as ever: taking back a rejection that is none looks at each link anew.
    pub(crate) fn joined(self, context: Context<'_>, rows: &Snapshot) -> Result<Changes, WorkerError> {
        let reason = "kept by expiry".into();
        let looked_at = Unlink { company: self.company, links: self.links, apart: None, undo: true, reason };
        drive(Step::unlink(context, looked_at), rows)
    }
}

/// What one says beyond the other.
fn beyond(stored: &Evidence, of_log: &Evidence) -> Evidence {
    let count = stored.count.saturating_sub(of_log.count);
    if count == 0 {
        return Evidence::default();
    }
    let earliest = stored.earliest.iter().filter(|event| !of_log.earliest.contains(event));
    Evidence { count, earliest: Arc::new(earliest.cloned().collect()) }
}

/// Puts a link into its place, instead of the one that was there.
fn put(row: &mut NodeRow, link: Link) {
    match row.links.binary_search_by(|known| (&known.other, known.anchor).cmp(&(&link.other, link.anchor))) {
        Ok(place) => row.links[place] = link,
        Err(place) => row.links.insert(place, link),
    }
}

/// Has anything of the company's log expired?
pub(crate) fn has_expired(snapshot: &Snapshot, company: &CompanyId) -> Result<bool, WorkerError> {
    let mut expired = false;
    let prefix = format!("{company}\0");
    snapshot.control_all(ControlKind::Sealing, &prefix, Order::Forward, &mut |_, row| {
        let why = format!("\"why\":\"{EXPIRY}\"");
        expired |= matches!(&row, ControlRow::Sealing(json) if json.contains(&why));
        if expired { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(expired)
}
