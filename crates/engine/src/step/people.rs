//! Links of a step: what the batch says about who is who, and which customers that changes.

use super::context::Context;
use crate::{
    change::Changes,
    identity::{self, Closure, Input, Rows, affected, assemble},
    rows::{NodeKey, NodeRow},
};
use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use cebe_catalog::{CompanyId, EventRecord, IdentifierKind, Node, Token, control::Unlink};

/// The nodes of a step, as they were and as they become.
#[derive(Debug, Default)]
pub struct People {
    companies: BTreeMap<CompanyId, Company>,
    /// The batch's links are in.
    pub learned: bool,
}

/// Changes what is said of a pair.
type Correction = fn(&mut Rows, &Node, &Node) -> bool;

#[derive(Debug, Default)]
struct Company {
    before: Rows,
    after: Rows,
    /// Ends of links that came, went or changed their order.
    touched: BTreeSet<Node>,
    /// Nodes whose customer has other facts than it had.
    moved: BTreeSet<Node>,
    /// Whole groups that the touched nodes reach, before or after.
    reached: Closure,
    /// First nodes of customers whose rows are not loaded, although those of others of them are.
    firsts: BTreeSet<Node>,
}

impl Company {
    /// Are the facts of a customer folded over others than before? Most nodes that join are mere identifiers under which
    /// nothing is or was stored: whoever they join has the same facts as before.
    fn moves_facts(&self, before: &[Node], after: &[Node]) -> bool {
        let stored = |rows: &Rows, node: &Node| rows.get(node).is_some_and(|row| row.seen.count > 0);
        let owns = |node: &&Node| stored(&self.before, node) || stored(&self.after, node);
        let mut before = before.iter().filter(owns).peekable();
        before.peek().is_some() && before.ne(after.iter().filter(owns))
    }
}

impl People {
    /// A node's row as stored.
    pub fn supply(&mut self, key: NodeKey, row: Option<Arc<NodeRow>>) {
        let company = self.companies.entry(key.company).or_default();
        let row = row.unwrap_or_default();
        company.firsts.remove(&key.node);
        company
            .firsts
            .extend(row.first_elsewhere(&key.node).filter(|first| !company.before.contains_key(first)).cloned());
        Rows::share(&mut company.before, &mut company.after, key.node, row);
    }

    /// Has the node been loaded?
    pub fn knows(&self, key: &NodeKey) -> bool {
        self.companies.get(&key.company).is_some_and(|company| company.before.contains_key(&key.node))
    }

    /// The nodes of the customer that a node was part of.
    pub fn before<'s>(&'s self, company: &CompanyId, node: &'s Node) -> &'s [Node] {
        together(self.companies.get(company).map(|company| &company.before), node)
    }

    /// The nodes of the customer that a node is part of now.
    pub fn after<'s>(&'s self, company: &CompanyId, node: &'s Node) -> &'s [Node] {
        together(self.companies.get(company).map(|company| &company.after), node)
    }

    /// Was no event ever stored under the node as an anchor? Then it owns no fact, and none has to be looked for: most
    /// nodes of a customer are mere identifiers.
    pub fn owned_nothing(&self, company: &CompanyId, node: &Node) -> bool {
        let row = self.companies.get(company).and_then(|company| company.before.get(node));
        row.is_some_and(|row| row.seen.count == 0)
    }

    /// The nodes that the customer of a node had or has, as far as they may own facts. Rows of most of them are not loaded:
    /// the first one's says who it is.
    pub fn owners(&self, company: &CompanyId, node: &Node) -> Vec<Node> {
        let (before, after) = (self.before(company, node), self.after(company, node));
        let rows = self.companies.get(company).map(|company| &company.before);
        let said = row_of_customer(rows, node).and_then(|row| row.stored.as_deref());
        let joined = if before == after { &[] } else { after };
        let all = said.unwrap_or(before).iter().chain(joined.iter().filter(|node| !before.contains(node)));
        all.filter(|node| !self.owned_nothing(company, node)).cloned().collect()
    }

    /// The nodes of a customer that is the same as before, as far as rows of theirs may be there before the step or after.
    pub fn holders<'s>(&'s self, company: &CompanyId, node: &'s Node) -> Cow<'s, [Node]> {
        let company = self.companies.get(company);
        let said = |rows| row_of_customer(rows, node).and_then(|row| row.stored.as_deref());
        let (before, after) = (company.map(|company| &company.before), company.map(|company| &company.after));
        match (said(before), said(after)) {
            (Some(before), Some(after)) if before == after => Cow::Borrowed(after),
            (Some(before), Some(after)) => {
                before.iter().chain(after).cloned().collect::<BTreeSet<_>>().into_iter().collect()
            }
            _ => Cow::Borrowed(together(before, node)),
        }
    }

    /// Nodes whose customer changed.
    pub fn moved(&self) -> impl Iterator<Item = (&CompanyId, &Node)> {
        self.companies.iter().flat_map(|(id, company)| company.moved.iter().map(move |node| (id, node)))
    }

    /// Takes in what an event says.
    pub fn learn(&mut self, context: Context<'_>, event: &EventRecord) {
        let created = is_creation(context, event);
        let company = self.companies.entry(event.company().clone()).or_default();
        // Whoever an event is stored under has a row, so that nobody takes them for new.
        for anchor in event.anchors() {
            let row = company.after.row(anchor);
            if row.seen.count == 0 && !row.links.is_empty() {
                company.touched.insert(anchor.clone());
            }
            row.seen.add(event.event_at, &event.name, &event.id);
            row.erased = false;
        }
        if let (Some(anchor), Some(at)) = (&event.anchor, created) {
            company.after.row(anchor).created.add(at, &event.name, &event.id);
        }
        for (anchor, other) in pairs(event) {
            if identity::add_link(&mut company.after, anchor, other, event.event_at, &event.name, &event.id) {
                company.touched.extend([anchor.clone(), other.clone()]);
            }
        }
    }

    /// Takes back what an event said.
    pub fn unlearn(&mut self, context: Context<'_>, event: &EventRecord) {
        let created = is_creation(context, event);
        let company = self.companies.entry(event.company().clone()).or_default();
        for (anchor, other) in pairs(event) {
            if identity::remove_evidence(&mut company.after, anchor, other, (event.event_at, &event.name, &event.id)) {
                company.touched.extend([anchor.clone(), other.clone()]);
            }
        }
        for anchor in event.anchors() {
            if let Some(row) = company.after.get_mut(anchor) {
                row.seen.remove(event.event_at, &event.name, &event.id);
                if row.seen.count == 0 && !row.links.is_empty() {
                    company.touched.insert(anchor.clone());
                }
            }
        }
        if let (Some(row), Some(at)) = (event.anchor.as_ref().and_then(|anchor| company.after.get_mut(anchor)), created)
        {
            row.created.remove(at, &event.name, &event.id);
        }
    }

    /// Rejects links and keeps ids apart, or takes that back.
    pub fn correct(&mut self, unlink: &Unlink) {
        let company = self.companies.entry(unlink.company.clone()).or_default();
        let (link, apart): (Correction, Correction) =
            if unlink.undo { (identity::unreject, identity::rejoin) } else { (identity::reject, identity::keep_apart) };
        for (a, b) in &unlink.links {
            link(&mut company.after, a, b);
            company.touched.extend([a.clone(), b.clone()]);
        }
        if let Some((a, b)) = &unlink.apart {
            apart(&mut company.after, a, b);
            company.touched.extend([a.clone(), b.clone()]);
        }
    }

    /// Marks every node of a person as erased; its links went with its events. So is the node that stands for them in
    /// what is counted by person: nothing is known of it.
    pub fn erase(&mut self, company: &CompanyId, node: &Node, nobody: Option<&Node>) {
        let nodes = self.before(company, node).to_vec();
        let company = self.companies.entry(company.clone()).or_default();
        if let Some(nobody) = nobody {
            company.after.insert(nobody.clone(), NodeRow { erased: true, ..NodeRow::default() });
        }
        for node in nodes {
            // A value that other people share keeps their links; everything else of the person is gone.
            if let Some(row) = company.after.get_mut(&node).filter(|row| row.links.is_empty()) {
                *row = NodeRow { erased: true, ..NodeRow::default() };
            }
            company.touched.insert(node);
        }
    }

    /// Follows the groups of what is touched as far as the loaded rows show them.
    pub fn reach(&mut self, context: Context<'_>) {
        for (id, company) in &mut self.companies {
            let Some(settings) = context.companies.get(id).filter(|_| !company.touched.is_empty()) else { continue };
            company.reached = affected(&company.before, &company.after, &company.touched, &settings.settings);
        }
    }

    /// Nodes that must be loaded before customers and groups can be told, as far as [`People::reach`] came.
    pub fn missing(&self) -> Vec<NodeKey> {
        let key = |id: &CompanyId, node: &Node| NodeKey { company: id.clone(), node: node.clone() };
        let of = |(id, company): (_, &Company)| {
            company.firsts.iter().chain(&company.reached.missing).map(move |n| key(id, n)).collect::<Vec<_>>()
        };
        self.companies.iter().flat_map(of).collect()
    }

    /// Works out the customers anew wherever links changed.
    pub fn regroup(&mut self, context: Context<'_>) {
        for (id, company) in &mut self.companies {
            let Some(settings) = context.companies.get(id).filter(|_| !company.touched.is_empty()) else { continue };
            let input = Input { rows: &company.after, nodes: &company.reached.nodes, settings: &settings.settings };
            let assembly = assemble(&input);
            for node in identity::write_together(&mut company.after, &assembly) {
                let before = together(Some(&company.before), &node);
                let after = together(Some(&company.after), &node);
                if company.moves_facts(before, after) {
                    company.moved.extend(before.iter().chain(after).cloned().collect::<Vec<_>>());
                }
            }
        }
    }

    /// Hands changed rows over.
    pub fn finish(self, changes: &mut Changes) {
        for (id, company) in self.companies {
            for (node, row, counts) in company.after.changed_since(&company.before) {
                let (key, gone) = (NodeKey { company: id.clone(), node }, *row == NodeRow::default());
                changes.node_counts.extend(counts.map(|counts| (key.clone(), counts)));
                changes.nodes.push((key, (!gone).then_some(row)));
            }
        }
    }
}

/// What an event says of who is who: each pair (anchor, identifier) once.
fn pairs(event: &EventRecord) -> BTreeSet<(&Node, &Node)> {
    let own = event.anchor.iter().flat_map(|anchor| event.identifiers.iter().map(move |other| (anchor, other)));
    let referenced = event.references.iter().flat_map(|r| r.identifiers.iter().map(move |other| (&r.anchor, other)));
    own.chain(referenced).filter(|(anchor, other)| anchor != other).collect()
}

fn together<'s>(rows: Option<&'s Rows>, node: &'s Node) -> &'s [Node] {
    match row_of_customer(rows, node) {
        Some(row) if !row.together.is_empty() => &row.together,
        _ => core::slice::from_ref(node),
    }
}

/// The row that tells whom a node is together with: its own or the first one's.
fn row_of_customer<'s>(rows: Option<&'s Rows>, node: &Node) -> Option<&'s NodeRow> {
    let rows = rows?;
    let row = rows.get(node)?;
    Some(row.first_elsewhere(node).map_or(row, |first| &rows[first]))
}

/// The domain time of an event that creates its customer.
fn is_creation(context: Context<'_>, event: &EventRecord) -> Option<cebe_catalog::Micros> {
    let definition = context.definitions.events.get(&event.name.0).filter(|definition| definition.creates)?;
    let company = context.companies.get(event.company())?;
    Some(super::project::rank(Some(definition), company, event).at)
}

/// A node that stands for an erased person: made from the receipt alone, so that it leads to nobody.
pub fn nobody(receipt: &str) -> Node {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in receipt.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    Node::Token(IdentifierKind::AnonymousId, Token(hash.to_be_bytes()))
}
