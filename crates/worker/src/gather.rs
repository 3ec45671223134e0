//! Gathers the next batch from both lanes: live first, backfill never below a tenth, a control record that changes what
//! a step knows always alone.

use crate::run::WorkerError;
use cebe_catalog::{Record, control::Change, record::RecordError};
use cebe_engine::rows::Place;
use cebe_queue::{Lane, PerLane, Position, Queue, ReadLimit};
use std::collections::VecDeque;

/// What the worker does next.
#[derive(Debug)]
pub enum Batch {
    /// Events and plain rows, in queue order within each lane.
    Records(Vec<(Place, Record)>),
    /// One control record that must stand alone.
    Alone(Place, Box<cebe_catalog::control::ControlRecord>),
    /// Time passed.
    Tick(Place, cebe_catalog::Micros),
}

/// Reads ahead of the worker.
#[derive(Debug)]
pub struct Gather {
    next: PerLane<Position>,
    waiting: PerLane<VecDeque<(Place, Record)>>,
    records_max: usize,
    /// Records that could not be read: place and why.
    pub damaged: Vec<(Place, RecordError)>,
}

impl Gather {
    /// Starts at the given positions.
    pub fn new(next: PerLane<Position>, records_max: usize) -> Self {
        Self { next, waiting: PerLane::default(), records_max, damaged: Vec::new() }
    }

    /// Goes back to batches of the usual size.
    pub fn resize(&mut self, records_max: usize) {
        self.records_max = records_max;
    }

    /// Where reading has come to.
    pub fn next(&self) -> PerLane<Position> {
        self.next
    }

    /// Is nothing read that has not been handed out?
    pub fn is_empty(&self) -> bool {
        Lane::ALL.into_iter().all(|lane| self.waiting[lane].is_empty())
    }

    /// Reads what is there, up to the batch size per lane.
    pub fn fill(&mut self, queue: &dyn Queue) -> Result<(), WorkerError> {
        for lane in Lane::ALL {
            let room = self.records_max.saturating_sub(self.waiting[lane].len());
            if room == 0 {
                continue;
            }
            let limit = ReadLimit { records_max: room, bytes_max: 64 << 20 };
            for (position, bytes) in queue.read(lane, self.next[lane], limit)? {
                self.next[lane] = position.plus(1);
                let place = Place { lane: catalog_lane(lane), index: position.0 };
                match Record::from_bytes(&bytes) {
                    Ok(record) => self.waiting[lane].push_back((place, record)),
                    Err(error) => self.damaged.push((place, error)),
                }
            }
        }
        Ok(())
    }

    /// The next batch, if there is anything.
    pub fn take(&mut self) -> Option<Batch> {
        let backfill_min = self.records_max / 10;
        let live = self.take_lane(Lane::Live, self.records_max - backfill_min);
        let room = self.records_max - live.as_ref().map_or(0, Vec::len);
        match live {
            Some(mut records) if !records.is_empty() => {
                records.extend(self.take_lane(Lane::Backfill, room).unwrap_or_default());
                Some(Batch::Records(records))
            }
            _ => self.take_alone(Lane::Live).or_else(|| {
                let records = self.take_lane(Lane::Backfill, room)?;
                if records.is_empty() { self.take_alone(Lane::Backfill) } else { Some(Batch::Records(records)) }
            }),
        }
    }

    /// Records of one lane up to the first that must stand alone. `None` when nothing waits.
    fn take_lane(&mut self, lane: Lane, records_max: usize) -> Option<Vec<(Place, Record)>> {
        let waiting = &mut self.waiting[lane];
        if waiting.is_empty() {
            return None;
        }
        let together = waiting.iter().take(records_max).take_while(|(_, record)| !stands_alone(record)).count();
        Some(waiting.drain(..together).collect())
    }

    fn take_alone(&mut self, lane: Lane) -> Option<Batch> {
        match self.waiting[lane].pop_front()? {
            (place, Record::Control(control)) => Some(Batch::Alone(place, control)),
            (place, Record::Tick(at)) => Some(Batch::Tick(place, at)),
            other => Some(Batch::Records(vec![other])),
        }
    }
}

/// Does the record change what a step knows or does?
fn stands_alone(record: &Record) -> bool {
    match record {
        Record::Tick(_) => true,
        Record::Control(control) => matches!(
            control.change,
            Change::Company { .. } | Change::Unlink(_) | Change::Erase { .. } | Change::Rebuild { .. }
        ),
        _ => false,
    }
}

/// The catalog's name of a queue's lane.
pub fn catalog_lane(lane: Lane) -> cebe_catalog::Lane {
    match lane {
        Lane::Live => cebe_catalog::Lane::Live,
        Lane::Backfill => cebe_catalog::Lane::Backfill,
    }
}

/// The queue's name of a lane.
pub fn queue_lane(lane: cebe_catalog::Lane) -> Lane {
    match lane {
        cebe_catalog::Lane::Live => Lane::Live,
        cebe_catalog::Lane::Backfill => Lane::Backfill,
    }
}
