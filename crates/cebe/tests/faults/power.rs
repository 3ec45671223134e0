//! The power goes: what was written and not flushed is gone, in the queue as in the store.

use crate::fault::Faults;
use crate::support::Server;
use crate::support::load::{self, Load, random, rounds};

/// Requirement CORE-CON-SLA: power cuts at random moments under load.
#[test]
fn a_power_cut_takes_nothing_acknowledged() {
    let faults = Faults::none();
    faults.list_syncs();
    // Flushed rarely, so that a cut takes commits of the store.
    let settings = [("CEBE_PERSIST_EVERY_MS", "400"), ("CEBE_QUEUE_SEGMENT_BYTES", "100000")];
    let mut server = faults.server(&settings);
    load::prepare(&server);
    let (mut load, mut dropped) = (Load::default(), 0);
    for _ in 0..rounds(6) {
        load.until(&mut server, 5 + random() % 40, Server::kill9);
        dropped += faults.drop_unflushed(&server.data());
        faults.restart(&mut server, &settings);
    }
    assert!(dropped > 0, "no cut took anything: there was nothing to prove");
    load.account(&server);
}
