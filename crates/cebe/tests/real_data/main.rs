//! Public data that nobody here wrote, pushed through the real binary; the numbers must be those that an independent
//! script computed from the same files. The folder is CEBE_SHARED, else ../shared beside the project; without it there is
//! nothing to do. CEBE_REAL_DATA=full runs the whole matrix (made for a release build: `make real-data`), the names of
//! sets (and `phones`) run theirs.

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod delivery;
mod people;
mod phones;
mod sets;

use delivery::Way;
use serde_json::json;
use support::Server;

const WAYS: [Way; 4] = [Way::Once, Way::Twice, Way::Shuffled, Way::Killed];

/// The matrix: each set in these batches, every way.
const BATCHES: [(&str, &[usize]); 4] = [
    ("olist", &[500, 5_000, 7, 1]),
    ("servicenow", &[500, 5_000, 7, 1]),
    ("identity", &[500, 5_000, 7, 1]),
    ("starbucks", &[500, 5_000]),
];

fn server_for(name: &str) -> Server {
    let (region, currency) = if name == "olist" { ("BR", "BRL") } else { ("US", "USD") };
    let settings = json!({"sso_id": format!("sso-{name}"), "time_zone": "UTC", "phone_region": region,
        "currency": currency, "retention_months": 0});
    Server::with_company(name, settings)
}

/// One field of the matrix: delivered this way the set gives the expected numbers, and the store is what its log gives.
fn run(name: &'static str, way: Way, batch: usize) {
    let Some(set) = sets::read(name) else { return };
    let mut server = server_for(name);
    let sent = delivery::deliver(&mut server, &set.lines, way, batch);
    server.drain();
    compare::outcomes(&server, &set, sent);
    compare::numbers(&server, &set);
    if name == "identity" {
        people::assert_partition(&server, &set);
    }
    server.assert_clean();
    println!("{name}, {way:?}, batches of {batch}: {sent} events sent, all numbers as expected, verified");
}

/// Is the whole matrix wanted, or that of this set?
fn is_wanted(name: &str) -> bool {
    std::env::var("CEBE_REAL_DATA").is_ok_and(|wish| wish == "full" || wish.split(',').any(|wish| wish == name))
}

/// Proves ANCHOR-5-LTV, ANCHOR-3-TIME, ANCHOR-TP-4.
#[test]
fn olist() {
    run("olist", Way::Twice, 500);
}

/// Proves CORE-CON-LATE on real input.
#[test]
fn olist_shuffled() {
    run("olist", Way::Shuffled, 5_000);
}

/// Proves CORE-CON-SLA and ANCHOR-TP-4 on real input: killed while events come in, and sent again what had no answer.
#[test]
fn olist_killed_half_way() {
    run("olist", Way::Killed, 500);
}

/// Proves ANCHOR-2-TOTAL, ANCHOR-2-AVGRES, ANCHOR-2-SLA.
#[test]
fn servicenow_shuffled() {
    run("servicenow", Way::Shuffled, 5_000);
}

/// Proves CORE-CON-DEDUP at two limits: who shares an address is one customer, nobody else is.
#[test]
fn identity() {
    run("identity", Way::Once, 500);
    run("identity", Way::Shuffled, 7);
}

/// Proves ANCHOR-RISK-8, ID-EXPLAIN and ID-PERSON-FACT on real input: linked and unlinked is never linked, in profiles and
/// in every number of the company.
#[test]
fn linked_and_unlinked_is_never_linked() {
    people::link_and_unlink();
}

/// Every set in every way, and phones of every region through the front door.
#[test]
fn everything() {
    if std::env::var("CEBE_REAL_DATA").is_err() {
        return println!("set CEBE_REAL_DATA=full (make real-data) for the whole matrix, or name some of the sets");
    }
    if is_wanted("phones") {
        phones::every_valid_spelling_is_found_by_its_e164();
    }
    for (name, batches) in BATCHES.into_iter().filter(|(name, _)| is_wanted(name)) {
        for batch in batches {
            WAYS.into_iter().for_each(|way| run(name, way, *batch));
        }
    }
}
