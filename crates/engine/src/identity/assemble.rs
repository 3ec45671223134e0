//! Rules 2 to 4: from the links of whole groups to customers, and what became of each link.

use super::{
    Assembly, CustomerParts, Edge, LinkReport, NotJoined, Rows, Verdict, canonical, edges_of, inert::Judge,
    parts::Parts,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use cebe_catalog::{Node, limits::GROUP_ANCHORS_MAX, settings::CompanySettings};

/// Whom to assemble from what.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The loaded rows: at least those that [`super::closure`] asked for.
    pub rows: &'a Rows,
    /// Whole groups, as [`super::closure`] gives them. Links that lead out of them are reported, never followed.
    pub nodes: &'a BTreeSet<Node>,
    /// The company's limits.
    pub settings: &'a CompanySettings,
}

/// Joins the nodes into customers.
pub fn assemble(input: &Input) -> Assembly {
    let nodes: Vec<&Node> = input.nodes.iter().collect();
    let links = judged(input, &nodes);
    let groups = Groups::of(input.rows, &nodes, &links);
    let (mut parts, verdicts) = Joining::new(input, &nodes, groups).run(&links);
    let (customers, holder) = customers(input.rows, &nodes, &mut parts);
    let report = |(link, step): (Judged, Step)| report(link, step, |node| customers[holder[node]].id.clone());
    let reports = links.into_iter().zip(verdicts).map(report).collect();
    Assembly { customers, reports }
}

/// A link whose inertness is decided. Ends are places in the sorted list of nodes.
struct Judged {
    edge: Edge,
    /// Its ends when it is to be followed, else why it says nothing.
    ends: Result<(usize, usize), super::Inert>,
}

/// What happened when it was a link's turn.
enum Step {
    Said(Verdict),
    Refused(NotJoined, usize),
}

fn judged(input: &Input, nodes: &[&Node]) -> Vec<Judged> {
    let mut judge = Judge::new(input.rows, input.settings);
    let place = |node: &Node| nodes.binary_search(&node);
    let edges = edges_of(input.rows, input.nodes).into_iter();
    let judged = edges.filter_map(|edge| {
        let ends = match judge.link(&edge) {
            Ok(Some(reason)) => Err(reason),
            // A group that is whole holds both ends of such a link, and every row that decides it.
            _ => Ok((place(&edge.anchor).ok()?, place(&edge.other).ok()?)),
        };
        Some(Judged { edge, ends })
    });
    judged.collect()
}

/// Rule 2: connected sets, and how many anchors each has.
struct Groups {
    group: Vec<usize>,
    anchors: Vec<usize>,
}

impl Groups {
    fn of(rows: &Rows, nodes: &[&Node], links: &[Judged]) -> Self {
        let mut connected = Parts::alone(vec![false; nodes.len()]);
        for (a, b) in links.iter().filter_map(|link| link.ends.as_ref().ok()) {
            let (a, b) = (connected.part(*a), connected.part(*b));
            if a != b {
                connected.join(a, b);
            }
        }
        let group: Vec<usize> = (0..nodes.len()).map(|node| connected.part(node)).collect();
        let mut anchors = vec![0; nodes.len()];
        for (node, group) in nodes.iter().zip(&group) {
            anchors[*group] += usize::from(is_anchor(rows, node));
        }
        Self { group, anchors }
    }

    /// The number of anchors of the node's group, when they are too many to join two known customers.
    fn too_large(&self, node: usize) -> Option<u64> {
        let anchors = self.anchors[self.group[node]];
        (anchors > GROUP_ANCHORS_MAX).then_some(anchors as u64)
    }
}

/// Links alone decide it, not the events seen: an event without a link never changes who is together.
fn is_anchor(rows: &Rows, node: &Node) -> bool {
    let shows = |row: &crate::rows::NodeRow| row.links.iter().any(|link| link.anchor && link.evidence.count > 0);
    node.is_customer() || rows.get(node).is_some_and(shows)
}

/// Rule 3: links in order, each joining two parts unless something forbids it.
struct Joining<'a> {
    nodes: &'a [&'a Node],
    groups: Groups,
    parts: Parts,
    apart: Vec<(usize, usize)>,
}

impl<'a> Joining<'a> {
    fn new(input: &Input, nodes: &'a [&'a Node], groups: Groups) -> Self {
        let place = |node: &Node| nodes.binary_search(&node).ok();
        let mut apart = BTreeSet::new();
        for (a, node) in nodes.iter().enumerate() {
            let kept = input.rows.get(node).map_or(&[][..], |row| &row.apart);
            apart.extend(kept.iter().filter_map(place).map(|b| (a.min(b), a.max(b))));
        }
        let parts = Parts::alone(nodes.iter().map(|node| node.is_customer()).collect());
        Self { nodes, groups, parts, apart: apart.into_iter().collect() }
    }

    /// The parts, and the outcome of each link in the order given.
    fn run(mut self, links: &[Judged]) -> (Parts, Vec<Step>) {
        let mut turns: Vec<usize> = (0..links.len()).collect();
        turns.sort_by(|a, b| links[*a].edge.turn().cmp(&links[*b].edge.turn()));
        let mut steps: Vec<Option<Step>> = links.iter().map(|_| None).collect();
        for turn in turns {
            steps[turn] = Some(self.step(&links[turn]));
        }
        (self.parts, steps.into_iter().flatten().collect())
    }

    fn step(&mut self, link: &Judged) -> Step {
        let (anchor, other) = match &link.ends {
            Ok(ends) => *ends,
            Err(reason) => return Step::Said(Verdict::Inert { reason: reason.clone() }),
        };
        let (a, b) = (self.parts.part(anchor), self.parts.part(other));
        if a == b {
            return Step::Said(Verdict::Redundant);
        }
        match self.forbids(&link.edge, anchor, a, b) {
            Some(reason) => Step::Refused(reason, other),
            None => {
                self.parts.join(a, b);
                Step::Said(Verdict::Joined)
            }
        }
    }

    fn forbids(&mut self, edge: &Edge, anchor: usize, a: usize, b: usize) -> Option<NotJoined> {
        if let Some((a, b)) = self.kept_apart(a, b) {
            return Some(NotJoined::KeptApart { a: self.nodes[a].clone(), b: self.nodes[b].clone() });
        }
        if !(self.parts.knows(a) && self.parts.knows(b)) {
            return None;
        }
        if edge.link_only() {
            return Some(NotJoined::LinkOnly);
        }
        self.groups.too_large(anchor).map(|anchors| NotJoined::GroupTooLarge { anchors })
    }

    /// The first pair kept apart that would come together if these parts did.
    fn kept_apart(&mut self, a: usize, b: usize) -> Option<(usize, usize)> {
        let parts = &mut self.parts;
        let meets = |(x, y): &&(usize, usize)| {
            let ends = (parts.part(*x), parts.part(*y));
            ends == (a, b) || ends == (b, a)
        };
        self.apart.iter().find(meets).copied()
    }
}

/// The customers in order of their first node, and for each node which one holds it.
fn customers(rows: &Rows, nodes: &[&Node], parts: &mut Parts) -> (Vec<CustomerParts>, Vec<usize>) {
    let mut number = BTreeMap::new();
    let mut members: Vec<Vec<Node>> = Vec::new();
    let mut holder = Vec::with_capacity(nodes.len());
    for (place, node) in nodes.iter().enumerate() {
        let customer = *number.entry(parts.part(place)).or_insert(members.len());
        if customer == members.len() {
            members.push(Vec::new());
        }
        members[customer].push((*node).clone());
        holder.push(customer);
    }
    (members.into_iter().map(|nodes| canonical::customer(rows, nodes)).collect(), holder)
}

fn report(link: Judged, step: Step, id_of: impl Fn(usize) -> Node) -> LinkReport {
    let verdict = match step {
        Step::Said(verdict) => verdict,
        Step::Refused(reason, other) => Verdict::NotJoined { reason, to: id_of(other) },
    };
    let Edge { anchor, other, earliest, count, .. } = link.edge;
    LinkReport { anchor, other, earliest, count, verdict }
}
