//! A history through the queue and the worker itself, in commits so small that many are under way beside a step.

use crate::histories::{COMPANY, History};
use cebe_catalog::{
    Definitions, Micros, Record,
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

/// The state after the worker has drained the queue.
pub fn state(history: &History, order: &[usize], commit_records_max: usize) -> BTreeMap<&'static str, Rows> {
    let (queue, central) = (queue(history, order), Arc::new(Memory::new()));
    worker(queue, central.clone(), commit_records_max).unwrap().drain().unwrap();
    verify::state(&central.snapshot().unwrap(), &COMPANY.into()).unwrap()
}

/// A queue that holds a history.
pub fn queue(history: &History, order: &[usize]) -> Arc<dyn Queue> {
    let change = Change::Company { id: COMPANY.into(), settings: history.settings.clone(), secrets: Some(Vec::new()) };
    let company = ControlRecord { received_at: Micros(0), by: "test".into(), change };
    let queue = Arc::new(MemoryQueue::default());
    append(&queue, &Record::Control(Box::new(company)));
    for index in order {
        append(&queue, &Record::Event(Box::new(history.copies[*index].clone()), Vec::new()));
    }
    queue
}

/// A worker between a queue and a store.
pub fn worker(
    queue: Arc<dyn Queue>,
    central: Arc<dyn Central>,
    commit_records_max: usize,
) -> Result<Worker, WorkerError> {
    let settings =
        WorkerSettings { commit_records_max, ..WorkerSettings::new(Arc::new(|| Micros(0)), Arc::new(|_| {})) };
    Worker::new(queue, central, Arc::new(Definitions::standard().clone()), settings)
}

fn append(queue: &MemoryQueue, record: &Record) {
    let mut append = queue.append(Lane::Live, Default::default(), vec![record.to_bytes().into()]);
    // A queue in memory answers at once.
    match append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(appended) => drop(appended.unwrap()),
        Poll::Pending => panic!("a queue in memory answers at once"),
    }
}
