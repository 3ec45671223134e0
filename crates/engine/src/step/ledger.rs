//! Facts of a step: entries go in and out, and what the touched facts added before is compared with what they add now.
//! A fact's contribution is counted once per step, so a batch costs as much as the facts it touches.

use super::{
    context::{CompanyContext, Context},
    people::People,
    project::{self, Placed},
};
use crate::{
    change::Changes,
    component::{self, Contribution},
    entry::Entry,
    fold::{self, FoldInput, Folded},
    rows::{ActivityKey, FactKey, FactRow, HeldKey, NodeKey, Owner, Point, PointKey, Sum, TallyKey},
    want::Wants,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use cebe_catalog::{
    CompanyId, EventRecord, Micros, Node, Token, Value,
    definition::{FactDefinition, Whose},
    limits,
};
use smol_str::SmolStr;

/// The facts a step touches, before and after.
#[derive(Debug, Default)]
pub struct Ledger<'a> {
    placed: Vec<(Placed<'a>, bool)>,
    asked: Vec<FactKey>,
    asked_persons: Vec<NodeKey>,
    before: BTreeMap<FactKey, FactRow>,
    after: BTreeMap<FactKey, FactRow>,
    moved: BTreeSet<(CompanyId, Node)>,
}

/// Does what leaves the log stay in the numbers?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is taken back.
    No,
    /// It stays, and so does what is kept by anchor.
    Expiry,
    /// It stays, but nothing of the person does.
    Erasure,
}

/// What is folded as one: an entity's fact, or one customer's part of a customer fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    company: CompanyId,
    fact: SmolStr,
    key: SmolStr,
    /// The customer's nodes; empty for an entity.
    nodes: Vec<Node>,
}

/// What changes in points, activity and tallies.
#[derive(Default)]
struct Delta {
    points: BTreeMap<PointKey, Sum>,
    activity: BTreeMap<ActivityKey, i64>,
    tallies: BTreeMap<TallyKey, Sum>,
}

impl<'a> Ledger<'a> {
    /// Enters an event's entries, or takes them out.
    pub fn enter(&mut self, context: Context<'a>, people: &People, event: &EventRecord, add: bool) {
        let Some(company) = context.companies.get(event.company()) else { return };
        for placed in project::project(context.definitions, company, event) {
            self.asked.extend(self.reads(company, people, &placed));
            self.placed.push((placed, add));
        }
    }

    /// The facts that have to be there before an entry can go in: every part of the customer's fact.
    fn reads(&self, company: &CompanyContext, people: &People, placed: &Placed<'_>) -> Vec<FactKey> {
        let key = &placed.key;
        let Owner::Anchor(anchor) = &key.owner else {
            return if placed.fact.whose == Whose::Occurrence { Vec::new() } else { [key.clone()].into() };
        };
        let mut nodes: BTreeSet<Node> = people.before(&key.company, anchor).into_iter().collect();
        nodes.extend(people.after(&key.company, anchor));
        let keys = around(placed.fact, company, &key.key);
        let stored = nodes.into_iter().filter(|node| !people.is_fresh(&key.company, node));
        stored
            .flat_map(|node| keys.iter().map(move |key| (Owner::Anchor(node.clone()), key.clone())))
            .map(|(owner, name)| FactKey { owner, key: name, ..key.clone() })
            .collect()
    }

    /// Customers that changed: all they own is folded anew.
    pub fn moved(&mut self, people: &People) {
        self.moved = people.moved().map(|(company, node)| (company.clone(), node.clone())).collect();
        let stored = self.moved.iter().filter(|(company, node)| !people.is_fresh(company, node));
        self.asked_persons =
            stored.map(|(company, node)| NodeKey { company: company.clone(), node: node.clone() }).collect();
    }

    /// Facts to load.
    pub fn wants(&mut self) -> Wants {
        let moved = &self.moved;
        self.asked.retain(|key| match &key.owner {
            Owner::Anchor(anchor) => !moved.contains(&(key.company.clone(), anchor.clone())),
            Owner::Entity => true,
        });
        self.asked.sort();
        self.asked.dedup();
        Wants { facts: self.asked.clone(), persons: self.asked_persons.clone(), ..Wants::default() }
    }

    /// Answers [`Ledger::wants`].
    pub fn supply(&mut self, facts: Vec<Option<FactRow>>, persons: Vec<Vec<(FactKey, FactRow)>>) {
        let asked = core::mem::take(&mut self.asked);
        self.before = asked.into_iter().zip(facts).filter_map(|(key, row)| Some((key, row?))).collect();
        self.before.extend(persons.into_iter().flatten());
        self.after = self.before.clone();
    }

    /// Applies the entries and hands over rows and differences.
    pub fn finish(mut self, context: Context<'_>, people: &People, sealing: Sealing, changes: &mut Changes) {
        let mut delta = Delta::default();
        let (mut touched, mut held) = (BTreeSet::new(), BTreeSet::new());
        for (placed, add) in core::mem::take(&mut self.placed) {
            if placed.fact.whose == Whose::Occurrence {
                delta.occurrence(context, &placed, add);
                continue;
            }
            held.extend(held_keys(&placed));
            change_row(self.after.entry(placed.key.clone()).or_default(), placed.entry, add);
            touched.insert(placed.key);
        }
        self.hold(held, changes);
        let (before, after) = self.units(context, people, &touched);
        delta.fold_all(context, &self.before, &before, -1);
        delta.fold_all(context, &self.after, &after, 1);
        delta.finish(sealing, changes);
        let truncated = self.truncate(context, &after, &touched);
        truncated.finish(Sealing::Expiry, changes);
        self.rows(changes);
    }

    /// Index rows, by which a customer's tickets and orders are found: there while an entry names the anchor.
    fn hold(&self, held: BTreeSet<HeldKey>, changes: &mut Changes) {
        for key in held {
            let fact = FactKey {
                company: key.company.clone(),
                owner: Owner::Entity,
                fact: key.fact.clone(),
                key: key.key.clone(),
            };
            let named = self.after.get(&fact).is_some_and(|row| {
                row.truncated > 0 || row.entries.iter().any(|entry| named_by(entry).any(|node| *node == key.anchor))
            });
            if named { changes.held.push(key) } else { changes.held_removed.push(key) }
        }
    }

    /// What has to be folded, by the customers as they were and as they are.
    fn units(
        &self,
        context: Context<'_>,
        people: &People,
        touched: &BTreeSet<FactKey>,
    ) -> (BTreeSet<Unit>, BTreeSet<Unit>) {
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        let owned = |key: &&FactKey| match &key.owner {
            Owner::Anchor(node) => self.moved.contains(&(key.company.clone(), node.clone())),
            Owner::Entity => false,
        };
        let moved = self.after.keys().filter(owned).chain(self.before.keys().filter(owned));
        for key in touched.iter().chain(moved) {
            let Some(fact) = context.definitions.facts.get(&key.fact) else { continue };
            let Some(company) = context.companies.get(&key.company) else { continue };
            for period in following(fact, company, &key.key) {
                let unit =
                    |nodes| Unit { company: key.company.clone(), fact: key.fact.clone(), key: period.clone(), nodes };
                match &key.owner {
                    Owner::Entity => {
                        before.insert(unit(Vec::new()));
                        after.insert(unit(Vec::new()));
                    }
                    Owner::Anchor(node) => {
                        before.insert(unit(people.before(&key.company, node)));
                        after.insert(unit(people.after(&key.company, node)));
                    }
                }
            }
        }
        (before, after)
    }

    /// Facts keep their newest entries; what falls off moves what it added to sealed.
    fn truncate(&mut self, context: Context<'_>, units: &BTreeSet<Unit>, touched: &BTreeSet<FactKey>) -> Delta {
        let mut delta = Delta::default();
        let long: BTreeSet<&FactKey> = touched
            .iter()
            .filter(|key| self.after.get(*key).is_some_and(|row| row.entries.len() > limits::FACT_ENTRIES_MAX))
            .collect();
        if long.is_empty() {
            return delta;
        }
        let concerned: BTreeSet<Unit> =
            units.iter().filter(|unit| long.iter().any(|key| unit.holds(key))).cloned().collect();
        delta.fold_all(context, &self.after, &concerned, 1);
        for key in long {
            let Some(row) = self.after.get_mut(key) else { continue };
            let over = row.entries.len() - limits::FACT_ENTRIES_MAX;
            row.entries.drain(..over);
            row.truncated += u64::try_from(over).unwrap_or(0);
        }
        delta.fold_all(context, &self.after, &concerned, -1);
        delta.negate();
        delta
    }

    fn rows(self, changes: &mut Changes) {
        for (key, row) in self.after {
            if self.before.get(&key) == Some(&row) {
                continue;
            }
            let gone = row.entries.is_empty() && row.truncated == 0;
            changes.facts.push((key, (!gone).then_some(row)));
        }
    }
}

/// Everybody an entry names.
fn named_by(entry: &Entry) -> impl Iterator<Item = &Node> {
    entry.anchor.iter().chain(&entry.customers)
}

fn held_keys(placed: &Placed<'_>) -> Vec<HeldKey> {
    if placed.fact.whose != Whose::Entity {
        return Vec::new();
    }
    let key = |anchor: &Node| HeldKey {
        company: placed.key.company.clone(),
        anchor: anchor.clone(),
        fact: placed.key.fact.clone(),
        key: placed.key.key.clone(),
    };
    named_by(&placed.entry).map(key).collect()
}

/// Puts an entry into a fact, or takes it out. Union by event: putting it twice changes nothing.
fn change_row(row: &mut FactRow, entry: Entry, add: bool) {
    let place = row.entries.binary_search_by(|kept| kept.order().cmp(&entry.order()));
    match (place, add) {
        (Err(place), true) => row.entries.insert(place, entry),
        (Ok(place), false) => {
            row.entries.remove(place);
        }
        (Ok(_), true) | (Err(_), false) => {}
    }
}

/// The keys whose entries bear on a window fact's period: the one before, itself, the one after.
fn around(fact: &FactDefinition, company: &CompanyContext, key: &SmolStr) -> Vec<SmolStr> {
    match period(fact, key) {
        Some(period) => (period - 1..=period + 1).map(|p| numbered(company, fact, p)).collect(),
        None => [key.clone()].into(),
    }
}

/// The periods whose marks an entry of this one can change: itself and the next.
fn following(fact: &FactDefinition, company: &CompanyContext, key: &SmolStr) -> Vec<SmolStr> {
    match period(fact, key) {
        Some(period) => (period..=period + 1).map(|p| numbered(company, fact, p)).collect(),
        None => [key.clone()].into(),
    }
}

fn period(fact: &FactDefinition, key: &SmolStr) -> Option<i64> {
    if fact.whose == Whose::Window { key.split('\u{1f}').next()?.parse().ok() } else { None }
}

fn numbered(company: &CompanyContext, fact: &FactDefinition, period: i64) -> SmolStr {
    let window = company.window_micros(fact.window.as_deref());
    project::period_key(Micros(period.saturating_mul(window)), window)
}

impl Unit {
    /// Is the row of this key part of the unit?
    fn holds(&self, key: &FactKey) -> bool {
        let owner = match &key.owner {
            Owner::Entity => self.nodes.is_empty(),
            Owner::Anchor(node) => self.nodes.contains(node),
        };
        owner && self.company == key.company && self.fact == key.fact && self.key == key.key
    }

    /// Folds what the rows hold of it.
    fn fold(&self, context: Context<'_>, rows: &BTreeMap<FactKey, FactRow>) -> Option<Folded> {
        let fact = context.definitions.facts.get(&self.fact)?;
        let company = context.companies.get(&self.company)?;
        let own = period(fact, &self.key);
        let mut keys = Vec::new();
        if let Some(own) = own {
            keys.push(numbered(company, fact, own - 1));
        }
        keys.push(self.key.clone());
        let entries = self.entries(rows, &keys);
        let own_from = own.map(|own| Micros(own.saturating_mul(company.window_micros(fact.window.as_deref()))));
        fold_entries(fact, company, &self.key, entries, own_from)
    }

    fn entries<'r>(&self, rows: &'r BTreeMap<FactKey, FactRow>, keys: &[SmolStr]) -> Vec<&'r Entry> {
        let owners: Vec<Owner> = match self.nodes.as_slice() {
            [] => [Owner::Entity].into(),
            nodes => nodes.iter().cloned().map(Owner::Anchor).collect(),
        };
        let mut entries = Vec::new();
        for owner in owners {
            for key in keys {
                let key = FactKey {
                    company: self.company.clone(),
                    owner: owner.clone(),
                    fact: self.fact.clone(),
                    key: key.clone(),
                };
                entries.extend(rows.get(&key).into_iter().flat_map(|row| &row.entries));
            }
        }
        entries
    }
}

/// Folds entries of one fact: sorted by rank, each event once. `None` when there is nothing to fold.
pub fn fold_entries(
    fact: &FactDefinition,
    company: &CompanyContext,
    key: &str,
    mut entries: Vec<&Entry>,
    own_from: Option<Micros>,
) -> Option<Folded> {
    if entries.is_empty() {
        return None;
    }
    entries.sort_by(|a, b| a.order().cmp(&b.order()));
    entries.dedup_by(|a, b| a.order() == b.order());
    let input = FoldInput { key, entries: &entries, settings: &company.settings, zone: &company.zone, own_from };
    Some(fold::by_name(&fact.fold)?(&input))
}

impl Delta {
    fn fold_all(&mut self, context: Context<'_>, rows: &BTreeMap<FactKey, FactRow>, units: &BTreeSet<Unit>, sign: i64) {
        for unit in units {
            let Some(folded) = unit.fold(context, rows) else { continue };
            let Some(fact) = context.definitions.facts.get(&unit.fact) else { continue };
            for contribution in component::contributions(context.definitions, fact, &folded) {
                self.add(context, &unit.company, contribution, sign);
            }
        }
    }

    fn occurrence(&mut self, context: Context<'_>, placed: &Placed<'_>, add: bool) {
        let Some(company) = context.companies.get(&placed.key.company) else { return };
        let Some(folded) = fold_entries(placed.fact, company, &placed.key.key, [&placed.entry].into(), None) else {
            return;
        };
        let sign = if add { 1 } else { -1 };
        for contribution in component::contributions(context.definitions, placed.fact, &folded) {
            for anchor in placed.entry.anchor.iter().chain(&placed.entry.customers) {
                let key = TallyKey {
                    company: placed.key.company.clone(),
                    anchor: anchor.clone(),
                    component: contribution.component.clone(),
                };
                *self.tallies.entry(key).or_default() += signed(contribution.sum, sign);
            }
            self.add(context, &placed.key.company, contribution, sign);
        }
    }

    fn add(&mut self, context: Context<'_>, id: &CompanyId, contribution: Contribution, sign: i64) {
        let Some(company) = context.companies.get(id) else { return };
        let active = context.definitions.components.get(&contribution.component).is_some_and(|c| c.activity);
        if let Some(anchor) = contribution.anchor.clone().filter(|_| active) {
            let day = contribution.day_at.local_day(&company.zone);
            let component = contribution.component.clone();
            *self.activity.entry(ActivityKey { company: id.clone(), component, day, anchor }).or_default() += sign;
        }
        let bucket = Micros(contribution.bucket_at.0.div_euclid(company.bucket_micros) * company.bucket_micros);
        let key = PointKey {
            company: id.clone(),
            component: contribution.component,
            bucket,
            dimensions: contribution.dimensions,
        };
        *self.points.entry(key).or_default() += signed(contribution.sum, sign);
    }

    fn negate(&mut self) {
        self.points.values_mut().for_each(|sum| *sum = -*sum);
        self.activity.values_mut().for_each(|count| *count = -*count);
        self.tallies.values_mut().for_each(|sum| *sum = -*sum);
    }

    /// Hands the differences over. What is sealed stays in the points, apart; what is kept by anchor stays with expiry
    /// and goes with erasure.
    fn finish(self, sealing: Sealing, changes: &mut Changes) {
        for (key, sum) in self.points.into_iter().filter(|(_, sum)| !sum.is_zero()) {
            let sealed = if sealing == Sealing::No { Sum::default() } else { -sum };
            changes.points.push((key, Point { live: sum, sealed }));
        }
        if sealing != Sealing::Expiry {
            changes.activity.extend(self.activity.into_iter().filter(|(_, count)| *count != 0));
            changes.tallies.extend(self.tallies.into_iter().filter(|(_, sum)| !sum.is_zero()));
        }
    }
}

fn signed(sum: Sum, sign: i64) -> Sum {
    if sign < 0 { -sum } else { sum }
}

/// Tokens under which the vault keeps values of an event.
pub fn sealed_tokens(event: &EventRecord) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (_, value) in &event.attributes {
        collect_tokens(value, &mut tokens);
    }
    if let Some(name) = event.actor.as_ref().and_then(|actor| actor.name.as_ref()) {
        collect_tokens(name, &mut tokens);
    }
    for node in event.anchor.iter().chain(&event.identifiers) {
        if let Node::Token(_, token) = node {
            tokens.push(*token);
        }
    }
    tokens
}

fn collect_tokens(value: &Value, tokens: &mut Vec<Token>) {
    match value {
        Value::Sealed { token, .. } => tokens.push(*token),
        Value::List(items) => items.iter().for_each(|item| collect_tokens(item, tokens)),
        Value::Map(entries) => entries.iter().for_each(|(_, item)| collect_tokens(item, tokens)),
        _ => {}
    }
}
