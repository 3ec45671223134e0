//! The laws on PostgreSQL: the same histories leave the same rows as in memory, and a server that dies under the worker
//! changes nothing about that.

use crate::{
    deliver, deliver_to,
    histories::{COMPANY, History, customer, history, sends, shuffled_with_repeats},
    pg_server::{Server, shared},
    pipelined,
    store::{Store, differences},
};
use cebe_catalog::CompanySettings;
use cebe_central::{
    KeyRange, Order, Snapshot, Table,
    postgres::{Database, PgSettings},
};
use cebe_worker::verify;
use proptest::prelude::*;
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

fn connect(server: &Server) -> Database {
    Database::connect(&server.database(), PgSettings::default()).unwrap()
}

/// A digest of every row but those whose form differs (the log and nodes, which are compared as such) and the store's own.
fn digest(now: &Snapshot) -> String {
    let mut hasher = blake3::Hasher::new();
    let apart = [Table::Meta, Table::Body, Table::Node, Table::NodeCounts];
    for table in Table::ALL.into_iter().filter(|table| !apart.contains(table)) {
        now.view()
            .scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
                for bytes in [&[table as u8], key, value] {
                    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    hasher.finalize().to_string()
}

fn assert_same(memory: &Store, postgres: &Store) -> Result<(), TestCaseError> {
    let found = differences(&memory.state(), &postgres.state());
    prop_assert!(found.is_empty(), "{}", found.join("\n"));
    prop_assert_eq!(memory.log(), postgres.log());
    prop_assert_eq!(digest(&memory.snapshot()), digest(&postgres.snapshot()));
    let report = postgres.verify();
    prop_assert!(report.is_clean(), "{:#?}", report);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, failure_persistence: None, ..Default::default() })]

    /// Requirements CORE-CON-LATE, VERIFY, PII-ERASE: whatever happens, also unlinks and an erasure, the rows are those
    /// that memory holds, byte by byte, and the log gives them again.
    #[test]
    fn postgres_holds_the_rows_that_memory_holds(history in history(40), seed in any::<u64>(), who in 0usize..4) {
        let order = shuffled_with_repeats(history.copies.len(), seed);
        let sizes = [7, 1, 13];
        let mut memory = deliver(&history, &order, &sizes);
        let empty = Store::over(connect(shared()).central().unwrap(), history.settings.clone());
        let mut postgres = deliver_to(empty, &history, &order, &sizes);
        assert_same(&memory, &postgres)?;
        for store in [&mut memory, &mut postgres] {
            store.unlink(&history.all_links(), false);
            store.erase(&customer(who));
            store.unlink(&history.all_links(), true);
        }
        assert_same(&memory, &postgres)?;
    }
}

/// CORE-CON-SLA, CORE-CON-EXACTLY-ONCE: the server is killed again and again while the worker runs. Every time the worker
/// ends with an error, is opened again and goes on; at the end the state is that of an undisturbed run.
#[test]
fn a_worker_outlives_its_database() {
    let history = History { settings: CompanySettings::default(), copies: sends(600) };
    let order: Vec<usize> = (0..600).collect();
    let [undisturbed, _] = pipelined::states(&history, &order, 600);
    let mut server = Server::own();
    let database = connect(&server);
    let queue = pipelined::queue(&history, &order);
    let drained = Arc::new(AtomicBool::new(false));
    let mut failures = 0;
    for crash in 0.. {
        let central = database.central().unwrap();
        let begun = central.facts().commits;
        let mut worker = pipelined::worker(Arc::clone(&queue), Arc::clone(&central), 20).unwrap();
        let done = Arc::clone(&drained);
        let running = std::thread::spawn(move || worker.drain().inspect(|()| done.store(true, Ordering::SeqCst)));
        if crash < 3 {
            // In the middle of something: a few commits after it began, wherever the next one stands.
            let reader = database.reader().unwrap();
            while reader.facts().commits < begun + 4 && !running.is_finished() {
                std::thread::yield_now();
            }
            server.crash_and_restart();
        }
        match running.join().unwrap() {
            Ok(()) => break,
            Err(error) => {
                failures += 1;
                assert!(error.to_string().contains("central database failed"), "{error}");
            }
        }
    }
    assert!(failures > 0 && drained.load(Ordering::SeqCst));
    let now = database.reader().unwrap().snapshot().unwrap();
    let state = verify::state(&now, &COMPANY.into()).unwrap();
    assert_eq!(differences(&undisturbed, &state), [""; 0]);
    assert!(
        verify::verify(&*database.reader().unwrap(), cebe_catalog::Definitions::standard(), None, &|_| {})
            .unwrap()
            .is_clean()
    );
}
