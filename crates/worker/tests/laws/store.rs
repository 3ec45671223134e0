//! A store, in memory as a rule, driven by the engine as the worker drives it.

use crate::histories::{COMPANY, History};
use cebe_catalog::{
    CompanyId, CompanySettings, Definitions, EventRecord, Lane, Micros, Node, Record,
    control::{Change, ControlRecord, Unlink},
};
use cebe_central::{Central, Memory, Snapshot};
use cebe_engine::{
    change::Changes,
    control,
    rows::{ActivityKey, Marks, Place, Tally, TallyKey},
    step::{Context, Step},
};
use cebe_worker::{
    VerifyReport, apply,
    companies::Companies,
    rebuild, retention,
    verify::{self, Rows},
};
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

pub struct Store {
    central: Arc<dyn Central>,
    companies: Companies,
    next: u64,
}

impl Store {
    pub fn new(settings: CompanySettings) -> Self {
        Self::over(Arc::new(Memory::new()), settings)
    }

    /// The same over any store that is empty.
    pub fn over(central: Arc<dyn Central>, settings: CompanySettings) -> Self {
        let change = Change::Company { id: COMPANY.into(), settings, secrets: Some(Vec::new()) };
        let record = ControlRecord { received_at: Micros(0), by: "test".into(), change };
        let control = control::rows(&record, Place::default(), None);
        central.commit(&Changes { control, ..Changes::default() }).unwrap();
        let companies = Companies::load(&central.snapshot().unwrap()).unwrap();
        Self { central, companies, next: 0 }
    }

    fn context(&self) -> Context<'_> {
        Context { definitions: Definitions::standard(), companies: self.companies.contexts() }
    }

    fn step(&self, step: Step<'_>) {
        let changes = apply::drive(step, &self.central.snapshot().unwrap()).unwrap();
        self.central.commit(&changes).unwrap();
    }

    pub fn apply(&mut self, events: Vec<EventRecord>) {
        let mut records = Vec::new();
        for event in events {
            records.push((Place { lane: Lane::Live, index: self.next }, Record::Event(Box::new(event), Vec::new())));
            self.next += 1;
        }
        self.step(Step::records(self.context(), records));
    }

    pub fn apply_all(&mut self, history: &History, order: &[usize]) {
        for index in order {
            self.apply(vec![history.copies[*index].clone()]);
        }
    }

    pub fn unlink(&mut self, links: &[(Node, Node)], undo: bool) {
        let unlink =
            Unlink { company: COMPANY.into(), links: links.to_vec(), apart: None, undo, reason: "test".into() };
        self.step(Step::unlink(self.context(), unlink));
    }

    pub fn erase(&mut self, customer: &Node) {
        self.step(Step::erase(self.context(), COMPANY.into(), customer.clone(), "receipt"));
    }

    /// Its rows, for comparison with another store.
    pub fn snapshot(&self) -> Snapshot {
        self.central.snapshot().unwrap()
    }

    pub fn state(&self) -> BTreeMap<&'static str, Rows> {
        let snapshot = self.central.snapshot().unwrap();
        assert_eq!(verify::wrong_owners(&snapshot, &company()).unwrap(), BTreeMap::new());
        verify::state(&snapshot, &company()).unwrap()
    }

    /// Everything but the links themselves.
    pub fn numbers(&self) -> BTreeMap<&'static str, Rows> {
        let mut state = self.state();
        state.remove("node");
        state
    }

    /// The events of the log: which copy of each key is the event.
    pub fn log(&self) -> BTreeMap<String, [u8; 16]> {
        let mut log = BTreeMap::new();
        let snapshot = self.central.snapshot().unwrap();
        let visit = &mut |event: EventRecord, _| {
            log.insert(format!("{}/{}", event.name, event.id), event.content);
            ControlFlow::Continue(())
        };
        snapshot.log(&company(), visit).unwrap();
        log
    }

    /// Takes what happened before an instant out of the log, as retention does.
    pub fn expire(&mut self, before: Micros) {
        let mut events = Vec::new();
        let snapshot = self.central.snapshot().unwrap();
        let visit = &mut |event: EventRecord, _| {
            events.extend((event.event_at < before).then_some(event));
            ControlFlow::Continue(())
        };
        snapshot.log(&company(), visit).unwrap();
        let mut changes = apply::drive(Step::retire(self.context(), events), &snapshot).unwrap();
        retention::seal(&mut changes, &company(), before, retention::EXPIRY);
        self.central.commit(&changes).unwrap();
    }

    /// Puts what the log gives in place of what is stored.
    pub fn rebuild(&mut self) {
        rebuild::rebuild(&*self.central, Definitions::standard(), &self.companies, &company()).unwrap();
    }

    /// What answers about the company show, in the log or sealed: points, and marks by day.
    pub fn totals(&self) -> BTreeMap<&'static str, Rows> {
        let (mut totals, mut days) = (Rows::new(), BTreeMap::<String, i64>::new());
        let snapshot = self.central.snapshot().unwrap();
        let visit = &mut |key: &_, point: &cebe_engine::rows::Point| {
            if !point.total().is_zero() {
                totals.insert(format!("{key:?}"), format!("{:?}", point.total()));
            }
            ControlFlow::Continue(())
        };
        snapshot.all_points(&company(), visit).unwrap();
        let visit = &mut |key: &ActivityKey, marks: Marks| {
            *days.entry(format!("{} {:?}", key.component, key.day)).or_default() += marks.total();
            ControlFlow::Continue(())
        };
        snapshot.all_activity(&company(), visit).unwrap();
        let days = days.into_iter().filter(|(_, marks)| *marks != 0).map(|(day, marks)| (day, marks.to_string()));
        [("point", totals), ("activity", days.collect())].into()
    }

    /// What answers about people show, in the log or sealed: who was active on which day, and what theirs adds up to.
    pub fn people(&self) -> BTreeMap<&'static str, Rows> {
        let (mut active, mut tallies) = (Rows::new(), Rows::new());
        let snapshot = self.central.snapshot().unwrap();
        let visit = &mut |key: &ActivityKey, marks: Marks| {
            if marks.total() > 0 {
                active.insert(format!("{key:?}"), String::new());
            }
            ControlFlow::Continue(())
        };
        snapshot.all_activity(&company(), visit).unwrap();
        let visit = &mut |key: &TallyKey, tally: Tally| {
            if !tally.total().is_zero() {
                tallies.insert(format!("{key:?}"), format!("{:?}", tally.total()));
            }
            ControlFlow::Continue(())
        };
        snapshot.all_tallies(&company(), visit).unwrap();
        [("active", active), ("tally", tallies)].into()
    }

    /// What one component counts, over everything.
    pub fn count_of(&self, component: &str) -> i64 {
        let mut count = 0;
        let snapshot = self.central.snapshot().unwrap();
        let visit = &mut |key: &cebe_engine::rows::PointKey, point: &cebe_engine::rows::Point| {
            if key.component == component {
                count += point.total().count;
            }
            ControlFlow::Continue(())
        };
        snapshot.all_points(&company(), visit).unwrap();
        count
    }

    /// Does any derived row or event of the log still hold the node as anchor?
    pub fn mentions(&self, node: &Node) -> bool {
        let snapshot = self.central.snapshot().unwrap();
        let facts = snapshot.facts_of(&company(), node).unwrap();
        let mut timeline = 0;
        let visit = &mut |_: &_| {
            timeline += 1;
            ControlFlow::Continue(())
        };
        snapshot.timeline(&company(), node, None, visit).unwrap();
        let mut active = false;
        let visit = &mut |key: &ActivityKey, _| {
            active |= key.anchor == *node;
            ControlFlow::Continue(())
        };
        snapshot.all_activity(&company(), visit).unwrap();
        let tallied = !snapshot.tallies(&company(), node).unwrap().is_empty();
        let held = !snapshot.held(&company(), node).unwrap().is_empty();
        !facts.is_empty() || timeline > 0 || active || tallied || held
    }

    pub fn verify(&self) -> VerifyReport {
        verify::verify(&*self.central, Definitions::standard(), None, &|_| {}).unwrap()
    }
}

fn company() -> CompanyId {
    COMPANY.into()
}

/// The rows in which two states differ, short enough to read.
pub fn differences(a: &BTreeMap<&'static str, Rows>, b: &BTreeMap<&'static str, Rows>) -> Vec<String> {
    let mut found = Vec::new();
    for (table, rows) in a {
        let others = b.get(table).cloned().unwrap_or_default();
        for key in rows.keys().chain(others.keys().filter(|key| !rows.contains_key(*key))) {
            if rows.get(key) != others.get(key) {
                found.push(format!("{table} {key}\n  a: {:?}\n  b: {:?}", rows.get(key), others.get(key)));
            }
        }
    }
    found
}
