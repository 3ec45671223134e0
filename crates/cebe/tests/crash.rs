//! kill -9 at random moments under load: what was acknowledged is there, once, and the store is what its log gives.

mod support;

use support::Server;
use support::load::{COMPANY, Load, company, random, rounds};

/// Proves CORE-CON-SLA, ANCHOR-TP-4, ANCHOR-MET-3, CORE-FLOW-7. `CEBE_CRASH_ROUNDS=100` for the full run.
#[test]
fn every_acknowledged_event_is_applied_exactly_once() {
    let mut server = Server::with_company(COMPANY, company());
    let mut load = Load::default();
    for _ in 0..rounds(20) {
        load.until(&mut server, 1 + random() % 40, Server::kill9);
        server.restart();
    }
    load.account(&server);
}
