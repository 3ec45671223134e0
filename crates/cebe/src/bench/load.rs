//! The load: events of many customers' lives as request bodies, made before they are sent.

use serde_json::Value;

use crate::traffic::{Company, Dice, Scene, arrive, happen};

/// Events of one scene before the next customer has their turn.
const EPISODES: u64 = 4;

/// Makes events without end; each source of load has its own customers or shares them, by seed.
pub(super) struct Load {
    dice: Dice,
    customers: u64,
    ready: Vec<Value>,
    now_s: u64,
}

impl Load {
    /// Lives of so many customers.
    pub(super) fn new(seed: u64, customers: u64) -> Self {
        let now_s = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        Self { dice: Dice::new(seed), customers: customers.max(1), ready: Vec::new(), now_s }
    }

    /// Bodies of so many events together, so many in each.
    pub(super) fn bodies(&mut self, events: u64, batch: usize) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let mut left = usize::try_from(events).unwrap_or(usize::MAX);
        while left > 0 {
            let size = left.min(batch);
            bodies.push(self.body(size));
            left -= size;
        }
        bodies
    }

    /// One body of so many events, as lines.
    pub(super) fn body(&mut self, events: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(events * 450);
        for _ in 0..events {
            body.extend_from_slice(self.event().to_string().as_bytes());
            body.push(b'\n');
        }
        body
    }

    fn event(&mut self) -> Value {
        loop {
            if let Some(event) = self.ready.pop() {
                return event;
            }
            self.live();
        }
    }

    /// One customer's next hours, all in the past.
    fn live(&mut self) {
        let number = self.dice.below(self.customers);
        let begin = self.now_s - 10 * 86_400 + self.dice.below(86_400);
        let mut scene = Scene::new(&Company::JAKARTA, number, begin, Dice::new(self.dice.next()));
        if self.dice.chance(20) {
            arrive(&mut scene);
        }
        for _ in 0..EPISODES {
            happen(&mut scene);
        }
        scene.events.reverse();
        self.ready = scene.events;
    }
}
