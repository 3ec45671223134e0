//! The definitions that are part of the program: complete, and what the event tables say.

use cebe_catalog::{Definitions, definition::Sources};

/// CORE-SCOPE-1: all 52 events of the seven modules are there, in their phases.
#[test]
fn all_modules_and_events_are_there() {
    let all = Definitions::load(&Sources::embedded()).unwrap_or_else(|error| panic!("{error}"));
    let listed: Vec<_> = all
        .modules
        .values()
        .map(|module| {
            (module.name.as_str(), module.phase, all.events.values().filter(|e| e.module == module.name).count())
        })
        .collect();
    let expected = [
        ("cdp", 1, 4),
        ("communication", 2, 11),
        ("conversion", 3, 9),
        ("deals", 3, 5),
        ("loyalty", 2, 7),
        ("marketing", 1, 11),
        ("ticketing", 2, 5),
    ];
    assert_eq!(listed, expected);
    assert_eq!(all.events.len(), 52);
}
