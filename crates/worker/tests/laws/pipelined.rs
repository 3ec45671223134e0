//! A history through the queue and the worker itself, in commits so small that many are under way beside a step.

use crate::histories::{COMPANY, History};
use cebe_catalog::{
    Definitions, Micros, Record,
    control::{Change, ControlRecord},
};
use cebe_central::{Central, Memory};
use cebe_queue::{Lane, Memory as MemoryQueue, Queue};
use cebe_worker::{
    Worker, WorkerSettings,
    verify::{self, Rows},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// The state after the worker has drained the queue.
pub fn state(history: &History, order: &[usize], commit_records_max: usize) -> BTreeMap<&'static str, Rows> {
    let change = Change::Company { id: COMPANY.into(), settings: history.settings.clone(), secrets: Some(Vec::new()) };
    let company = ControlRecord { received_at: Micros(0), by: "test".into(), change };
    let queue = Arc::new(MemoryQueue::default());
    append(&queue, &Record::Control(Box::new(company)));
    for index in order {
        append(&queue, &Record::Event(Box::new(history.copies[*index].clone()), Vec::new()));
    }
    let central = Arc::new(Memory::new());
    let settings =
        WorkerSettings { commit_records_max, ..WorkerSettings::new(Arc::new(|| Micros(0)), Arc::new(|_| {})) };
    let definitions = Arc::new(Definitions::standard().clone());
    Worker::new(queue, central.clone(), definitions, settings).unwrap().drain().unwrap();
    verify::state(&central.snapshot().unwrap(), &COMPANY.into()).unwrap()
}

fn append(queue: &MemoryQueue, record: &Record) {
    let mut append = queue.append(Lane::Live, Default::default(), vec![record.to_bytes().into()]);
    // A queue in memory answers at once.
    match append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(appended) => drop(appended.unwrap()),
        Poll::Pending => panic!("a queue in memory answers at once"),
    }
}
