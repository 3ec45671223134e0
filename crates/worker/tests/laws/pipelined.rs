//! A history through the queue and the worker itself, in commits so small that many are under way beside a step.

use crate::histories::{COMPANY, History};
use cebe_catalog::{
    CompanyId, Definitions, Micros, Record,
    control::{Change, ControlRecord},
};
use cebe_central::{Central, Memory};
use cebe_queue::{Lane, Memory as MemoryQueue, Queue};
use cebe_worker::{
    Worker, WorkerError, WorkerSettings,
    verify::{self, Rows},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Rows that are kept in memory, for each record of a commit.
const ROWS_BYTES: u64 = 2_000;

/// Another company to which the same happens.
const TWIN: &str = "d";

/// The states of two companies to which the same happened, after a worker that steps them at the same time has drained
/// the queue.
pub fn states(history: &History, order: &[usize], commit_records_max: usize) -> [BTreeMap<&'static str, Rows>; 2] {
    let (queue, central) = (queue_of(&[COMPANY, TWIN], history, order), Arc::new(Memory::new()));
    let settings = WorkerSettings { step_threads: 2, ..settings(commit_records_max) };
    let definitions = Arc::new(Definitions::standard().clone());
    Worker::new(queue, central.clone(), definitions, settings).unwrap().drain().unwrap();
    let snapshot = central.snapshot().unwrap();
    [COMPANY, TWIN].map(|company| {
        assert_eq!(verify::wrong_owners(&snapshot, &company.into()).unwrap(), BTreeMap::new());
        let state = verify::state(&snapshot, &company.into()).unwrap();
        state.into_iter().map(|(table, rows)| (table, named(rows, company, COMPANY))).collect()
    })
}

/// Rows as if they were another company's.
fn named(rows: Rows, own: &str, other: &str) -> Rows {
    let [own, other] = [own, other].map(|company| format!("{:?}", CompanyId::from(company)));
    let of_other = |text: String| text.replace(&own, &other);
    rows.into_iter().map(|(key, row)| (of_other(key), of_other(row))).collect()
}

/// A queue that holds a history.
pub fn queue(history: &History, order: &[usize]) -> Arc<dyn Queue> {
    queue_of(&[COMPANY], history, order)
}

fn queue_of(companies: &[&str], history: &History, order: &[usize]) -> Arc<dyn Queue> {
    let queue = Arc::new(MemoryQueue::default());
    for company in companies {
        let (id, settings) = ((*company).into(), history.settings.clone());
        let change = Change::Company { id, settings, secrets: Some(Vec::new()) };
        let company = ControlRecord { received_at: Micros(0), by: "test".into(), change };
        append(&queue, &Record::Control(Box::new(company)));
    }
    for index in order {
        for company in companies {
            let mut copy = history.copies[*index].clone();
            copy.header.company = (*company).into();
            append(&queue, &Record::Event(Box::new(copy), Vec::new()));
        }
    }
    queue
}

/// A worker between a queue and a store.
pub fn worker(
    queue: Arc<dyn Queue>,
    central: Arc<dyn Central>,
    commit_records_max: usize,
) -> Result<Worker, WorkerError> {
    Worker::new(queue, central, Arc::new(Definitions::standard().clone()), settings(commit_records_max))
}

fn settings(commit_records_max: usize) -> WorkerSettings {
    // So few that rows come and go.
    let rows_bytes_max = commit_records_max as u64 * ROWS_BYTES;
    WorkerSettings {
        commit_records_max,
        rows_bytes_max,
        ..WorkerSettings::new(Arc::new(|| Micros(0)), Arc::new(|_| {}))
    }
}

fn append(queue: &MemoryQueue, record: &Record) {
    let mut append = queue.append(Lane::Live, Default::default(), vec![record.to_bytes().into()]);
    // A queue in memory answers at once.
    match append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(appended) => drop(appended.unwrap()),
        Poll::Pending => panic!("a queue in memory answers at once"),
    }
}
