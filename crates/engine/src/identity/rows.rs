//! The loaded rows of one company's nodes. A step asks for them many times an event, so they are found by hash; what can
//! be seen of them is in the order of the nodes, so that nothing depends on how they came.

use crate::{change::Counts, rows::NodeRow};
use alloc::{sync::Arc, vec::Vec};
use cebe_catalog::Node;
use core::ops::Index;
use hashbrown::HashTable;

/// The rows of one company's nodes, as far as they are loaded. A node that the store does not know is loaded as
/// [`NodeRow::default`]; a row that has become one need not be stored. A clone shares the rows that neither changes.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    rows: Vec<(Node, Arc<NodeRow>)>,
    /// Places in `rows`.
    places: HashTable<u32>,
}

impl Rows {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn place(&self, node: &Node) -> Option<usize> {
        let found = self.places.find(hash(node), |place| self.rows[*place as usize].0 == *node);
        found.map(|place| *place as usize)
    }

    /// The row of a node.
    pub fn get(&self, node: &Node) -> Option<&NodeRow> {
        self.place(node).map(|place| &*self.rows[place].1)
    }

    /// The row of a node, to change it.
    pub fn get_mut(&mut self, node: &Node) -> Option<&mut NodeRow> {
        let place = self.place(node)?;
        Some(Arc::make_mut(&mut self.rows[place].1))
    }

    /// The row of a node, made when there is none.
    pub fn row(&mut self, node: &Node) -> &mut NodeRow {
        let place = self.place(node).unwrap_or_else(|| self.push(node.clone(), Arc::default()));
        Arc::make_mut(&mut self.rows[place].1)
    }

    /// Puts a row in, in place of the one that is there.
    pub fn insert(&mut self, node: Node, row: NodeRow) {
        self.put(node, Arc::new(row));
    }

    fn put(&mut self, node: Node, row: Arc<NodeRow>) {
        match self.place(&node) {
            Some(place) => self.rows[place].1 = row,
            None => _ = self.push(node, row),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn push(&mut self, node: Node, row: Arc<NodeRow>) -> usize {
        let (place, hash_of) = (self.rows.len(), hash(&node));
        self.rows.push((node, row));
        let rows = &self.rows;
        let number = u32::try_from(place).expect("a step holds fewer rows than memory does");
        self.places.insert_unique(hash_of, number, |place| hash(&rows[*place as usize].0));
        place
    }

    /// Takes a row into both, which share it until one of them changes it; a node that is there stays as it is.
    pub fn share(before: &mut Self, after: &mut Self, node: Node, row: Arc<NodeRow>) {
        if before.place(&node).is_none() {
            after.put(node.clone(), Arc::clone(&row));
            before.push(node, row);
        }
    }

    /// Is the node's row loaded?
    pub fn contains_key(&self, node: &Node) -> bool {
        self.place(node).is_some()
    }

    /// Every node with its row, in the order of nodes.
    pub fn iter(&self) -> impl Iterator<Item = (&Node, &NodeRow)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(node, row)| (node, &**row)).collect();
        rows.sort_unstable_by_key(|(node, _)| *node);
        rows.into_iter()
    }

    /// Every node, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Node> {
        self.iter().map(|(node, _)| node)
    }

    /// Every row, in the order of nodes.
    pub fn values(&self) -> impl Iterator<Item = &NodeRow> {
        self.iter().map(|(_, row)| row)
    }

    /// What is not as it was, in the order of nodes, and what became of the numbers of busy ones.
    pub fn changed_since(self, before: &Self) -> Vec<(Node, Arc<NodeRow>, Option<Counts>)> {
        let change = |(node, row): (Node, Arc<NodeRow>)| {
            let old = before.place(&node).map(|place| &before.rows[place].1);
            if old.is_some_and(|old| Arc::ptr_eq(old, &row) || *old == row) {
                return None;
            }
            let counts = old.and_then(|old| Counts::between(old, &row));
            Some((node, row, counts))
        };
        let mut changed: Vec<_> = self.rows.into_iter().filter_map(change).collect();
        changed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        changed
    }
}

/// Tokens are as good as drawn by lot. Ids are mixed; whoever chose ids of one hash would slow down their own company by
/// a batch's comparisons, and change nothing else.
fn hash(node: &Node) -> u64 {
    match node {
        Node::Token(_, token) => {
            let (first, _) = token.0.split_first_chunk().expect("a token has sixteen bytes");
            u64::from_le_bytes(*first)
        }
        Node::Customer(id) => {
            let mix = |hash: u64, part: u64| (hash.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (words, rest) = id.as_bytes().as_chunks::<8>();
            let hash = words.iter().fold(0x243f_6a88_85a3_08d3, |hash, word| mix(hash, u64::from_le_bytes(*word)));
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            let hash = mix(hash, u64::from_le_bytes(last) ^ id.len() as u64);
            hash ^ (hash >> 29)
        }
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len() && self.rows.iter().all(|(node, row)| other.get(node) == Some(row))
    }
}

impl Index<&Node> for Rows {
    type Output = NodeRow;

    fn index(&self, node: &Node) -> &NodeRow {
        self.get(node).expect("the node's row is loaded")
    }
}

impl FromIterator<(Node, NodeRow)> for Rows {
    fn from_iter<I: IntoIterator<Item = (Node, NodeRow)>>(rows: I) -> Self {
        let mut all = Self::new();
        rows.into_iter().for_each(|(node, row)| all.insert(node, row));
        all
    }
}
