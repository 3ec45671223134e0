//! Made-up customers of made-up companies, living through all seven modules. A seed comes in, events as JSON go out; the
//! same seed gives the same lives. Nobody real is in it: names, numbers and addresses are drawn from reserved ranges.
//! Read `scene.rs` for one customer's life, `stream.rs` for the traffic of many.

mod cdp;
mod communication;
mod conversion;
mod deals;
mod dice;
mod loyalty;
mod marketing;
mod person;
mod scene;
mod stream;
mod ticketing;

pub use dice::Dice;
pub use person::{Company, Person};
pub use scene::Scene;
pub use stream::{Shape, Stream};

/// Something that happens in a customer's life.
type Episode = fn(&mut Scene);

/// What happens, and how often out of a hundred.
const EPISODES: [(u64, Episode); 14] = [
    (18, marketing::broadcast),
    (12, communication::chat_with_an_agent),
    (8, communication::chat_with_a_bot),
    (5, communication::call),
    (2, communication::nps),
    (8, ticketing::ticket),
    (5, deals::deal),
    (10, marketing::ad),
    (1, marketing::spend),
    (5, conversion::booking),
    (14, conversion::order),
    (4, cdp::profile_change),
    (3, cdp::segment),
    (5, loyalty::points),
];

/// Lets one thing happen to the scene's customer.
pub fn happen(scene: &mut Scene) {
    let mut drawn = scene.dice.below(EPISODES.iter().map(|(weight, _)| weight).sum());
    for (weight, episode) in EPISODES {
        if drawn < weight {
            return episode(scene);
        }
        drawn -= weight;
    }
}

/// A customer becomes known, and perhaps a member.
pub fn arrive(scene: &mut Scene) {
    cdp::customer(scene);
    if scene.dice.chance(40) {
        loyalty::enrol(scene);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cebe_catalog::Definitions;

    use super::*;

    fn lives(seed: u64) -> Vec<serde_json::Value> {
        let mut events = Vec::new();
        for number in 0..400 {
            let mut scene = Scene::new(&Company::JAKARTA, number, 1_790_000_000, Dice::new(seed ^ number));
            arrive(&mut scene);
            for _ in 0..6 {
                happen(&mut scene);
            }
            events.append(&mut scene.events);
        }
        events
    }

    #[test]
    fn every_event_of_the_catalog_happens() {
        let happened: BTreeSet<String> =
            lives(7).iter().filter_map(|event| event["event_name"].as_str().map(str::to_owned)).collect();
        let known: BTreeSet<String> = Definitions::standard().events.keys().map(ToString::to_string).collect();
        assert_eq!(known.difference(&happened).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[test]
    fn a_seed_gives_the_same_lives_and_no_id_twice() {
        let (one, two) = (lives(7), lives(7));
        assert_eq!(one, two);
        let ids: BTreeSet<&str> = one.iter().filter_map(|event| event["event_id"].as_str()).collect();
        assert_eq!(ids.len(), one.len());
    }
}
