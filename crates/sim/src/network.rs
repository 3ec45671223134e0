//! The network: what is sent may come late, in another order, twice, or not at all.

use crate::{
    client::{Answer, Call},
    dice::Dice,
};
use std::sync::Arc;

/// How bad the network is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    /// Of a hundred parcels, so many are lost.
    pub(crate) lost: usize,
    /// Of a hundred requests, so many come twice.
    pub(crate) twice: usize,
    /// Steps that a parcel takes at most.
    pub(crate) delay_max: usize,
}

/// What travels.
pub(crate) enum Parcel {
    /// To the machine: client, number, call.
    Request(usize, u64, Arc<Call>),
    /// Back.
    Answer(usize, u64, Answer),
}

/// Parcels on their way.
pub(crate) struct Network {
    dice: Dice,
    pub(crate) weather: Weather,
    parcels: Vec<(u64, Parcel)>,
}

impl Network {
    pub(crate) fn new(dice: Dice, weather: Weather) -> Self {
        Self { dice, weather, parcels: Vec::new() }
    }

    /// Sends a request.
    pub(crate) fn ask(&mut self, step: u64, client: usize, number: u64, call: &Arc<Call>) {
        let times = if self.dice.percent(self.weather.twice) { 2 } else { 1 };
        for _ in 0..times {
            self.send(step, Parcel::Request(client, number, Arc::clone(call)));
        }
    }

    /// Sends an answer back.
    pub(crate) fn answer(&mut self, step: u64, client: usize, number: u64, answer: Answer) {
        self.send(step, Parcel::Answer(client, number, answer));
    }

    fn send(&mut self, step: u64, parcel: Parcel) {
        if !self.dice.percent(self.weather.lost) {
            let due = step + self.dice.roll(self.weather.delay_max + 1) as u64;
            self.parcels.push((due, parcel));
        }
    }

    /// One of the parcels that may arrive now.
    pub(crate) fn arrive(&mut self, step: u64) -> Option<Parcel> {
        let due: Vec<usize> = (0..self.parcels.len()).filter(|place| self.parcels[*place].0 <= step).collect();
        if due.is_empty() {
            return None;
        }
        let place = *self.dice.pick(&due);
        Some(self.parcels.swap_remove(place).1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }
}
