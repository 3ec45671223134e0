//! Disjoint sets of nodes by number, each knowing whether it holds a known customer.

use alloc::vec::Vec;

/// Parts that only ever join.
pub(super) struct Parts {
    parent: Vec<usize>,
    size: Vec<usize>,
    known: Vec<bool>,
}

impl Parts {
    /// Every node alone; `known` says which are a `qontak_customer_id`.
    pub(super) fn alone(known: Vec<bool>) -> Self {
        Self { parent: (0..known.len()).collect(), size: known.iter().map(|_| 1).collect(), known }
    }

    /// The part that holds `node`, named by one of its nodes.
    pub(super) fn part(&mut self, mut node: usize) -> usize {
        while self.parent[node] != node {
            self.parent[node] = self.parent[self.parent[node]];
            node = self.parent[node];
        }
        node
    }

    /// Does this part hold a `qontak_customer_id`?
    pub(super) fn knows(&self, part: usize) -> bool {
        self.known[part]
    }

    /// Makes two parts one.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (small, large) = if self.size[a] < self.size[b] { (a, b) } else { (b, a) };
        self.parent[small] = large;
        self.size[large] += self.size[small];
        self.known[large] |= self.known[small];
    }
}
