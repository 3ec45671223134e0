//! Live traffic at a walking pace, until it is dropped.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::Venue;
use super::stage::{COMPANIES, deliver, now_s, until};
use cebe_traffic::{Dice, Scene, happen};

const PAUSE: Duration = Duration::from_millis(500);
const CUSTOMERS: u64 = 150;

/// Ends the traffic when dropped.
pub(super) struct Trickle(#[expect(dead_code, reason = "dropping it is the signal")] Sender<()>);

/// Starts the traffic.
pub(super) fn start(venue: Venue) -> Trickle {
    let (alive, dropped) = channel::<()>();
    let mut dice = Dice::new(now_s());
    thread::spawn(move || {
        while dropped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            let company = *dice.pick(&COMPANIES);
            let number = dice.below(CUSTOMERS);
            let mut scene = Scene::new(company, number, now_s() - 60, Dice::new(dice.draw()));
            happen(&mut scene);
            let events = until(scene.events, now_s());
            // The server may be stopping: what is not taken then is nobody's loss.
            if !events.is_empty() && deliver(&venue.admin, &events).is_err() {
                return;
            }
        }
    });
    Trickle(alive)
}
