//! The traffic of many customers as a door sees it: merged by time, a few companies and customers busier than the rest,
//! some events twice, some late. The same shape and seed give the same bytes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::{Company, Dice, Scene, arrive, happen};

/// Of a hundred events, how many come a second time.
const TWICE_PERCENT: u64 = 2;
/// Of a hundred events, how many come later than their turn.
const LATE_PERCENT: u64 = 3;
/// How much later, in seconds of the stream's own clock, at most.
const LATE_S_MAX: u64 = 6 * 3_600;
/// Events back to which one may be repeated.
const TWICE_BACK: usize = 1_000;
/// Of a hundred lives, how many begin by becoming known.
const ARRIVALS_PERCENT: u64 = 10;

/// Whose traffic, and how dense.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What chance starts from.
    pub seed: u64,
    /// Companies, each with its own customers.
    pub companies: u64,
    /// Customers of all companies together.
    pub customers: u64,
    /// When the first thing happens, in seconds since 1970.
    pub begin_s: u64,
    /// Things begin so often in an hour of the stream's clock; each is two or three events.
    pub lives_per_hour: u64,
}

/// Traffic without end.
pub struct Stream {
    shape: Shape,
    dice: Dice,
    companies: Vec<Company>,
    clock_s: u64,
    begun: u64,
    /// Events that are to come, by time and by the order they were made in.
    ahead: BinaryHeap<Reverse<(u64, u64, String)>>,
    made: u64,
    recent: VecDeque<String>,
}

impl Stream {
    /// Traffic of this shape.
    pub fn new(shape: Shape) -> Self {
        let companies = match shape.companies.max(1) {
            1 => vec![Company::JAKARTA],
            several => (0..several).map(Company::numbered).collect(),
        };
        Self {
            shape,
            dice: Dice::new(shape.seed),
            companies,
            clock_s: shape.begin_s,
            begun: 0,
            ahead: BinaryHeap::new(),
            made: 0,
            recent: VecDeque::new(),
        }
    }

    /// Who the traffic is for.
    pub fn companies(&self) -> &[Company] {
        &self.companies
    }

    /// The next event as JSON.
    pub fn event(&mut self) -> String {
        if self.dice.chance(TWICE_PERCENT) && !self.recent.is_empty() {
            let place = usize::try_from(self.dice.below(self.recent.len() as u64)).unwrap_or_default();
            return self.recent[place].clone();
        }
        while self.ahead.peek().is_none_or(|Reverse((at, ..))| *at > self.clock_s) {
            self.live();
        }
        let Some(Reverse((_, _, event))) = self.ahead.pop() else { unreachable!("a life has just begun") };
        if self.recent.len() == TWICE_BACK {
            self.recent.pop_front();
        }
        self.recent.push_back(event.clone());
        event
    }

    /// One body of so many events, as lines.
    pub fn body(&mut self, events: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(events * 512);
        for _ in 0..events {
            body.extend_from_slice(self.event().as_bytes());
            body.push(b'\n');
        }
        body
    }

    /// Bodies of so many events together, so many in each.
    pub fn bodies(&mut self, events: u64, batch: usize) -> Vec<Vec<u8>> {
        let mut left = usize::try_from(events).unwrap_or(usize::MAX);
        let mut bodies = Vec::with_capacity(left.div_ceil(batch));
        while left > 0 {
            let size = left.min(batch);
            bodies.push(self.body(size));
            left -= size;
        }
        bodies
    }

    /// Time goes on, and something begins to happen to somebody.
    fn live(&mut self) {
        self.begun += 1;
        self.clock_s = self.shape.begin_s + self.begun * 3_600 / self.shape.lives_per_hour.max(1);
        let company = self.skewed(self.companies.len() as u64);
        let own = self.shape.customers / self.companies.len() as u64;
        let number = self.skewed(own.max(1));
        let (dice, place) = (Dice::new(self.dice.draw()), usize::try_from(company).unwrap_or_default());
        let mut scene = Scene::new(&self.companies[place], number, self.clock_s, dice);
        if scene.dice.chance(ARRIVALS_PERCENT) {
            arrive(&mut scene);
        }
        happen(&mut scene);
        // What happens at the same time in one life keeps its order.
        for (at, event) in scene.times().into_iter().zip(&scene.events) {
            let late = if self.dice.chance(LATE_PERCENT) { self.dice.between(1, LATE_S_MAX) } else { 0 };
            self.made += 1;
            self.ahead.push(Reverse((at + late, self.made, event.to_string())));
        }
    }

    /// A number below `end`, the lower the likelier: of the first hundredth there is a twentieth.
    fn skewed(&mut self, end: u64) -> u64 {
        let chance = (self.dice.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        ((end as f64 * chance * chance.sqrt()) as u64).min(end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    const SHAPE: Shape = Shape { seed: 3, companies: 3, customers: 600, begin_s: 1_790_000_000, lives_per_hour: 7_200 };

    fn ids(events: usize) -> Vec<(String, u64)> {
        let mut stream = Stream::new(SHAPE);
        let read = |event: String| {
            let event: Value = serde_json::from_str(&event).unwrap();
            let at: jiff::Timestamp = event["event_timestamp"].as_str().unwrap().parse().unwrap();
            (event["event_id"].as_str().unwrap().to_owned(), u64::try_from(at.as_second()).unwrap())
        };
        (0..events).map(|_| read(stream.event())).collect()
    }

    #[test]
    fn the_same_shape_gives_the_same_bytes() {
        assert_eq!(Stream::new(SHAPE).body(500), Stream::new(SHAPE).body(500));
        let other = Stream::new(Shape { seed: 4, ..SHAPE }).body(500);
        assert_ne!(Stream::new(SHAPE).body(500), other);
    }

    #[test]
    fn some_come_twice_some_late_and_most_in_time() {
        let ids = ids(5_000);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        ids.iter().for_each(|(id, _)| *counts.entry(id).or_default() += 1);
        let twice = ids.len() - counts.len();
        assert!((50..200).contains(&twice), "{twice} of 5,000 came twice");
        let mut newest = 0;
        let late = ids.iter().filter(|(_, at)| {
            newest = newest.max(*at);
            newest - at > 60
        });
        let late = late.count();
        assert!((50..400).contains(&late), "{late} of 5,000 were late");
    }

    #[test]
    fn low_numbers_are_likelier() {
        let mut stream = Stream::new(SHAPE);
        let low = (0..10_000).filter(|_| stream.skewed(100) == 0).count();
        assert!((380..560).contains(&low), "the first of a hundred came {low} times in 10,000");
    }
}
