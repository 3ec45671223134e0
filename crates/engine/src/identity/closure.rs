//! Which nodes are in one group with others, and which rows have to be loaded to know.

use super::{Rows, inert::Judge};
use crate::rows::Link;
use alloc::{collections::BTreeSet, vec::Vec};
use cebe_catalog::{Node, settings::CompanySettings};

/// Groups as far as the loaded rows show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The nodes reached.
    pub nodes: BTreeSet<Node>,
    /// Rows to load before asking again. When there are none, `nodes` are whole groups and can be assembled.
    pub missing: BTreeSet<Node>,
}

/// The groups of `start` over the links that are not inert. The caller loads what is `missing` and asks again.
pub fn closure(rows: &Rows, start: &BTreeSet<Node>, settings: &CompanySettings) -> Closure {
    let mut judge = Judge::new(rows, settings);
    let mut found = Closure { nodes: start.clone(), missing: BTreeSet::new() };
    let mut ahead: Vec<Node> = start.iter().cloned().collect();
    while let Some(node) = ahead.pop() {
        let Some(row) = rows.get(&node) else {
            found.missing.insert(node);
            continue;
        };
        for link in row.links.iter().filter(|link| !found.nodes.contains(&link.other)).collect::<Vec<_>>() {
            match crosses(&mut judge, &node, link) {
                Ok(true) if found.nodes.insert(link.other.clone()) => ahead.push(link.other.clone()),
                Ok(_) => {}
                Err(missing) => found.missing.extend(missing),
            }
        }
    }
    found
}

/// Does the link lead from `node` into its group? When `node` itself forbids it, the far row is not asked for.
fn crosses(judge: &mut Judge, node: &Node, link: &Link) -> Result<bool, Vec<Node>> {
    if link.rejected || judge.end(node, &link.other)?.is_some() {
        return Ok(false);
    }
    Ok(judge.end(&link.other, node)?.is_none())
}

/// The groups that a change of rows may concern: every node whose group before or after holds one of the `touched`,
/// both ends of a changed link and nodes whose block changed among them. Both maps must hold what is `missing`; what
/// it gives is whole groups before and whole groups after.
pub fn affected(before: &Rows, after: &Rows, touched: &BTreeSet<Node>, settings: &CompanySettings) -> Closure {
    let mut start = touched.clone();
    for node in touched {
        start.extend(neighbours_of_block(before, after, node));
    }
    // One pass each way is enough: a link that is live on one side only has changed, or an end of it has, so both its
    // ends are within reach of `start` on the side where it lives.
    let then = closure(before, &start, settings);
    let mut now = closure(after, &then.nodes, settings);
    now.missing.extend(then.missing);
    now
}

/// A node that is blocked or released no longer counts, or counts again, towards the limits of all it is linked to.
fn neighbours_of_block(before: &Rows, after: &Rows, node: &Node) -> BTreeSet<Node> {
    let blocked = |rows: &Rows| rows.get(node).is_some_and(|row| row.blocked);
    if blocked(before) == blocked(after) {
        return BTreeSet::new();
    }
    let rows = [before.get(node), after.get(node)];
    rows.into_iter().flatten().flat_map(|row| &row.links).map(|link| link.other.clone()).collect()
}
