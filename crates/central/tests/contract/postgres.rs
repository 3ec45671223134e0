//! What only the store in PostgreSQL promises: one writer per shard whatever happens, months that come and go, a crash of
//! the server between any two statements, tables that people can query and may not change.

use crate::{
    fixtures::*,
    pg_server::{Server, name, shared},
    pg_settings,
};
use cebe_catalog::{
    Amount, CompanyId, EventRecord, Lane, Micros, PiiClass, Shard, Token, Value, control::TeamRow, record::Actor,
    time::DAY,
};
use cebe_central::{
    Central, OpenError, Order, StoreError,
    postgres::{Database, Lease, Leases, PgSettings, SCHEMA_VERSION},
};
use cebe_engine::{
    change::{Changes, ControlChange, ControlKind, ControlRow},
    rows::{Place, Point, PointKey, Sum},
};
use std::{collections::BTreeSet, ops::ControlFlow::Continue, time::Duration};

/// Long enough that no lease ends while a test runs.
const LONG: Duration = Duration::from_secs(3_600);

fn connect(url: &str) -> Database {
    Database::connect(url, pg_settings()).unwrap()
}

fn log(store: &dyn Central, company: &CompanyId) -> Vec<u64> {
    let mut places = Vec::new();
    let now = store.snapshot().unwrap();
    now.log(company, &mut |_, place| {
        places.push(place.index);
        Continue(())
    })
    .unwrap();
    places
}

fn one(index: u64) -> Changes {
    let mut changes = applying(index, &[event(&company(), &format!("e{index}"), Some(customer("c")), 1)]);
    let key = PointKey { company: company(), component: "sent".into(), bucket: Micros(0), dimensions: vec!["".into()] };
    changes.points.push((key, Point { live: Sum { sum: 1, count: 1 }, sealed: Sum::default() }));
    changes
}

fn points(store: &dyn Central) -> i64 {
    let mut count = 0;
    let now = store.snapshot().unwrap();
    now.all_points(&company(), &mut |_, point| {
        count += point.live.count;
        Continue(())
    })
    .unwrap();
    count
}

/// CORE-CON-EXACTLY-ONCE: a writer whose lease another node took can write nothing any more, however late it wakes up;
/// the other goes on exactly where it stopped.
#[test]
fn a_lost_lease_writes_nothing() {
    let database = connect(&shared().database());
    let shard = Shard::of(&company());
    let paused = database.leases("paused", Duration::ZERO).acquire(shard).unwrap().unwrap();
    let late = database.shard(&paused).unwrap();
    late.commit(&one(0)).unwrap();

    let lease = database.leases("next", LONG).acquire(shard).unwrap().expect("the other lease has ended");
    assert!(lease.epoch > paused.epoch);
    assert!(database.leases("third", LONG).acquire(shard).unwrap().is_none(), "and this one has not");
    let store = database.shard(&lease).unwrap();
    assert_eq!(store.snapshot().unwrap().positions().unwrap(), [place(1)]);

    let lost = late.commit(&one(1)).unwrap_err();
    assert!(matches!(&lost, StoreError::LeaseLost { shard: name } if *name == shard.to_string()), "{lost}");
    assert!(lost.to_string().contains("nothing was written"));
    assert!(matches!(late.commit(&Changes::default()), Err(StoreError::LeaseLost { .. })));
    assert!(matches!(database.shard(&paused), Err(OpenError::Store(StoreError::LeaseLost { .. }))));
    assert_eq!((log(&*store, &company()), points(&*store)), (vec![0], 1));

    store.commit(&one(1)).unwrap();
    assert_eq!((log(&*store, &company()), points(&*store)), (vec![0, 1], 2));
    assert_eq!(store.persist().unwrap(), [place(2)]);
}

/// A former holder that was cut off in the middle of a commit keeps its locks for as long as the server takes it for
/// alive: the next one ends its session instead of waiting, and nothing of the commit is there.
#[test]
fn a_former_holder_that_hangs_in_a_commit_is_ended() {
    let url = shared().database();
    let (database, shard) = (connect(&url), Shard::of(&company()));
    let former = database.leases("former", Duration::ZERO).acquire(shard).unwrap().unwrap();
    let hanging = database.shard(&former).unwrap();
    hanging.commit(&one(0)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (other, connection) = runtime.block_on(tokio_postgres::connect(&url, tokio_postgres::NoTls)).unwrap();
    runtime.spawn(connection);
    runtime.block_on(other.batch_execute("BEGIN; LOCK TABLE cebe.points")).unwrap();
    let hung = std::thread::spawn(move || hanging.commit(&one(1)).unwrap_err());
    const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE relation = 'cebe.points'::regclass AND NOT granted";
    while shared().ask(name(&url), "postgres", WAITING).unwrap() == "0" {
        std::thread::yield_now();
    }
    let lease = database.leases("next", LONG).acquire(shard).unwrap().unwrap();
    let store = database.shard(&lease).unwrap();
    assert!(matches!(hung.join().unwrap(), StoreError::Postgres(_)));
    runtime.block_on(other.batch_execute("ROLLBACK")).unwrap();
    assert_eq!((log(&*store, &company()), points(&*store)), (vec![0], 1));
    store.commit(&one(1)).unwrap();
    assert_eq!((log(&*store, &company()), points(&*store)), (vec![0, 1], 2));
}

/// The same lease opened twice, as by a worker that was started again while the former one hangs: the epoch tells them
/// not apart, the number of commits does, also when no position moved.
#[test]
fn of_two_writers_under_one_lease_the_one_that_missed_a_commit_writes_nothing() {
    let database = connect(&shared().database());
    let lease = database.leases("n", LONG).acquire(Shard::of(&company())).unwrap().unwrap();
    let [hanging, again] = std::array::from_fn(|_| database.shard(&lease).unwrap());
    again.commit(&Changes { control: vec![team("t")], ..Changes::default() }).unwrap();
    assert!(matches!(hanging.commit(&one(0)), Err(StoreError::LeaseLost { .. })));
    assert_eq!((log(&*again, &company()), teams(&*again)), (vec![], vec!["t".to_owned()]));
    again.commit(&one(0)).unwrap();
    assert_eq!(log(&*again, &company()), [0]);
}

/// Of two that believe to be the only writer, the newer one is.
#[test]
fn the_newest_single_writer_wins() {
    let database = connect(&shared().database());
    let store = database.central().unwrap();
    store.commit(&one(0)).unwrap();
    let again = database.central().unwrap();
    assert!(matches!(store.commit(&one(1)), Err(StoreError::LeaseLost { .. })));
    again.commit(&one(1)).unwrap();
    assert_eq!((log(&*again, &company()), points(&*again)), (vec![0, 1], 2));
}

#[test]
fn readers_see_everything_and_write_nothing() {
    let database = connect(&shared().database());
    let reader = database.reader().unwrap();
    assert_eq!(reader.snapshot().unwrap().commits().unwrap(), 0);
    let (mine, other) = companies_of_two_shards();
    for company in [&mine, &other] {
        let lease = database.leases("n", LONG).acquire(Shard::of(company)).unwrap().unwrap();
        let store = database.shard(&lease).unwrap();
        let mut changes = applying(0, &[event(company, "e", Some(customer("c")), 1)]);
        changes.control.push(team(company.as_str()));
        store.commit(&changes).unwrap();
        let now = store.snapshot().unwrap();
        assert_eq!(
            now.companies_with_log().unwrap(),
            std::slice::from_ref(company),
            "a shard's writer sees its own companies"
        );
        assert_eq!(teams(&*store), [company.to_string()], "and its own settings");
    }
    let now = reader.snapshot().unwrap();
    assert_eq!(now.companies_with_log().unwrap().len(), 2);
    assert_eq!(teams(&*reader).len(), 2);
    assert_eq!((now.commits().unwrap(), now.control_version().unwrap()), (2, 2), "they add up, so they never go back");
    assert!(matches!(reader.commit(&one(0)), Err(StoreError::ReadOnly)));
}

fn companies_of_two_shards() -> (CompanyId, CompanyId) {
    let mine = company();
    let other = (0..).map(|n| CompanyId::new(format!("company-{n}"))).find(|id| Shard::of(id) != Shard::of(&mine));
    (mine, other.unwrap())
}

fn team(id: &str) -> ControlChange {
    let row = ControlRow::Team(TeamRow { id: id.into(), ..TeamRow::default() });
    ControlChange { kind: ControlKind::Team, id: id.into(), row: Some(row) }
}

fn teams(store: &dyn Central) -> Vec<String> {
    let mut ids = Vec::new();
    let now = store.snapshot().unwrap();
    now.control_all(ControlKind::Team, "", Order::Forward, &mut |id, _| {
        ids.push(id.to_owned());
        Continue(())
    })
    .unwrap();
    ids
}

/// Nodes share the shards evenly, give away what another lacks, and take over what a dead one held.
#[test]
fn shards_move_to_whoever_lives() {
    let database = connect(&shared().database());
    let node = |name, lease| database.leases(name, lease);
    let (a, b) = (node("a", LONG), node("b", LONG));
    let dead = node("dead", Duration::ZERO);
    let stuck = dead.turn(&[]).unwrap();
    assert_eq!(stuck.taken.len(), 65, "alone it takes all");

    let first = a.turn(&[]).unwrap();
    assert_eq!(first.taken.len(), 65, "their holder is silent");
    assert!(first.taken.iter().zip(&stuck.taken).all(|(new, old)| new.shard == old.shard && new.epoch > old.epoch));
    assert_eq!(dead.turn(&stuck.taken).unwrap().lost, stuck.taken, "which it learns when it wakes up");

    assert_eq!(b.turn(&[]).unwrap().taken, [], "what is held is not taken");
    let full = a.turn(&first.taken).unwrap();
    assert_eq!((full.held.len(), full.surplus.len()), (65, 32));
    a.release(&full.surplus).unwrap();
    let kept: Vec<Lease> = full.held.into_iter().filter(|lease| !full.surplus.contains(lease)).collect();
    let second = b.turn(&[]).unwrap();
    assert_eq!(second.taken.len(), 32);
    assert_eq!(a.turn(&kept).unwrap().surplus, [], "nothing goes back and forth");

    a.drain("a", true).unwrap();
    let draining = a.turn(&kept).unwrap();
    assert!(draining.draining && draining.surplus == kept && draining.taken.is_empty());
    a.leave(&kept).unwrap();
    let all = b.turn(&second.taken).unwrap();
    assert_eq!(all.held.len() + all.taken.len(), 65);
    assert_eq!(owners(&a), BTreeSet::from([Some("b".to_owned())]));
    let nodes = b.nodes().unwrap();
    assert_eq!(nodes.iter().map(|node| (&*node.node, node.alive)).collect::<Vec<_>>(), [("b", true), ("dead", false)]);
}

fn owners(leases: &Leases) -> BTreeSet<Option<String>> {
    let rows = leases.list().unwrap();
    assert_eq!(rows.len(), 65);
    rows.into_iter().map(|row| row.node).collect()
}

/// Retention: a month of the log is a table of its own, there with its first event and gone with its last.
#[test]
fn months_come_and_go() {
    let server = shared();
    let url = server.database();
    let months = || {
        server
            .ask(
                name(&url),
                "postgres",
                "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits \
             WHERE inhparent = 'cebe.events'::regclass",
            )
            .unwrap()
    };
    let store = connect(&url).central().unwrap();
    let received = |id: &str, months: i64| {
        let mut event = event(&company(), id, Some(customer("c")), 1);
        event.header.received_at = Micros(JANUARY.0 + months * 31 * DAY);
        event
    };
    let (old, new) = (received("old", 0), received("new", 1));
    store.commit(&applying(0, &[old.clone(), new.clone()])).unwrap();
    assert_eq!(months(), "cebe.events_2026_01 cebe.events_2026_02");
    store.commit(&Changes { removed: vec![retiring(&old)], ..Changes::default() }).unwrap();
    assert_eq!(months(), "cebe.events_2026_02");
    assert_eq!(log(&*store, &company()), [1]);
    let late = received("late", 0);
    store.commit(&applying(2, std::slice::from_ref(&late))).unwrap();
    assert_eq!(months(), "cebe.events_2026_01 cebe.events_2026_02", "it is made again when it is needed again");
    let now = store.snapshot().unwrap();
    let gone = Changes { removed: vec![retiring(&late)], ..Changes::default() };
    store.commit(&gone).unwrap();
    assert!(now.event(&seen_key(&late)).unwrap().is_some(), "a reader that was there before still has it");
    assert_eq!(months(), "cebe.events_2026_01 cebe.events_2026_02", "so it stays");
    drop(now);
    store.commit(&Changes { removed: vec![retiring(&new)], ..Changes::default() }).unwrap();
    assert_eq!(months(), "", "until something goes the next time");
}

/// CORE-CON-SLA, CORE-CON-EXACTLY-ONCE: the server dies in the middle of a commit: the commit fails, and whoever opens
/// the store again finds it whole or not at all, with the position that belongs to it.
#[test]
fn a_crash_of_the_server_takes_nothing_and_doubles_nothing() {
    let mut server = Server::own();
    let database = connect(&server.database());
    let mut committed = 0;
    for round in 0..3 {
        let store = database.central().unwrap();
        let Some(Place { index, .. }) = store.snapshot().unwrap().positions().unwrap().pop().or(Some(place(0))) else {
            unreachable!("a position or the first")
        };
        assert!(index >= committed, "round {round}: what was committed is there");
        assert_eq!(log(&*store, &company()), (0..index).collect::<Vec<_>>());
        assert_eq!(points(&*store), i64::try_from(index).unwrap());
        let (begun, running) = std::sync::mpsc::channel();
        let writer = std::thread::spawn(move || {
            let failed = (index..).find_map(|index| {
                let outcome = store.commit(&one(index)).err().map(|error| (index, error));
                let _told = begun.send(());
                outcome
            });
            (store, failed.unwrap())
        });
        (0..10).for_each(|_| running.recv().unwrap());
        server.crash_and_restart();
        let (store, (failed, error)) = writer.join().unwrap();
        assert!(failed >= 10 && matches!(error, StoreError::Postgres(_)), "{error}");
        committed = failed;
        // It does not know whether it is there; asked again it writes it at most once.
        let _repeated = store.commit(&one(failed));
        let again = database.central().unwrap();
        let found = log(&*again, &company());
        assert!(found == (0..failed).collect::<Vec<_>>() || found == (0..=failed).collect::<Vec<_>>(), "{found:?}");
        assert_eq!(points(&*again), i64::try_from(found.len()).unwrap());
    }
}

/// Without a database every call says so, and works again once it is back.
#[test]
fn an_absent_database_is_named_and_found_again() {
    let mut server = Server::own();
    let url = server.database();
    let database = connect(&url);
    let store = database.central().unwrap();
    store.commit(&one(0)).unwrap();
    server.crash();
    let error = store.snapshot().unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("tried again"), "{error}");
    assert!(store.commit(&one(1)).is_err());
    assert!(Database::connect(&url, pg_settings()).is_err());
    server.restart();
    assert_eq!(log(&*store, &company()), [0]);
    database.central().unwrap().commit(&one(1)).unwrap();
    assert_eq!(log(&*store, &company()), [0, 1]);
}

#[test]
fn tables_are_made_once_and_a_wrong_database_is_refused() {
    let server = shared();
    let url = server.database();
    let by_hand = PgSettings { migrate: false, ..pg_settings() };
    let database = Database::connect(&url, by_hand.clone()).unwrap();
    assert_eq!(database.version().unwrap(), 0);
    let refused = database.reader().err().unwrap();
    assert!(matches!(refused, OpenError::Schema { found: 0, .. }));
    assert!(refused.to_string().contains("cebe migrate"), "{refused}");
    let taken: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(|| connect(&url).migrate().unwrap().len())).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((taken, database.version().unwrap()), (0, SCHEMA_VERSION), "made on connecting, and once");

    let with = |store_id| Database::connect(&url, PgSettings { store_id, ..by_hand.clone() }).unwrap().central();
    assert_eq!(with(Some([1; 16])).unwrap().facts().store_id, Some([1; 16]));
    assert!(matches!(with(Some([2; 16])), Err(OpenError::StoreId { .. })));
    assert_eq!(with(None).unwrap().snapshot().unwrap().store_id().unwrap(), Some([1; 16]));

    server.sql(name(&url), "INSERT INTO cebe.migrations VALUES (99, 'from tomorrow')");
    assert!(matches!(Database::connect(&url, pg_settings()), Err(OpenError::Schema { found: 99, .. })));
    let address = Database::connect("postgresql://me:secret@host:notaport/x", pg_settings()).unwrap_err().to_string();
    assert!(!address.contains("secret"), "{address}");
}

fn order(company: &CompanyId, id: &str) -> EventRecord {
    let mut event = event(company, id, Some(customer("c-7")), JANUARY.0);
    let sealed = Value::Sealed { mask: "B•••".into(), token: Token([3; 16]), class: PiiClass::Name };
    event.attributes = vec![
        ("total_value".into(), Value::Decimal(Amount(12_500_000))),
        ("items".into(), Value::List(vec![Value::Text("a".into()), Value::Int(2)])),
        ("buyer".into(), sealed.clone()),
    ];
    event.actor = Some(Actor { kind: "agent".into(), id: Some("a-1".into()), name: Some(sealed) });
    event
}

/// RET-SQL (in part): whoever knows SQL finds columns that say what they mean. A reader's role sees its own companies
/// only, no personal data, and changes nothing.
#[test]
fn sql_readers_see_their_companies_and_no_personal_data() {
    let server = shared();
    let url = server.database();
    let store = connect(&url).central().unwrap();
    let other: CompanyId = "other".into();
    let mut changes = applying(0, &[order(&company(), "o-1"), order(&other, "o-2")]);
    changes.vault.push((company(), Token([3; 16]), b"sealed".to_vec()));
    changes.points.extend(one(9).points);
    changes.control.push(team("t"));
    store.commit(&changes).unwrap();
    let role = format!("analyst_{}", name(&url));
    server.sql(name(&url), &format!("CREATE ROLE {role} LOGIN; SELECT cebe.allow_reader('{role}', '{{acme}}')"));
    let ask = |sql: &str| server.ask(name(&url), &role, sql);

    let order = ask("SELECT company_id, event_name, anchor_kind, anchor_id, attributes->>'total_value', \
         attributes->'buyer'->>'mask', actor_id, received_at FROM cebe.events");
    assert_eq!(order.unwrap(), "acme|ticket.created|customer_id|c-7|12.5|B•••|a-1|2026-01-15 00:00:00+00");
    assert_eq!(ask("SELECT sum(live_count) FROM cebe.points WHERE component = 'sent'").unwrap(), "1");
    assert_eq!(ask("SELECT count(*) FROM cebe.events WHERE company_id = 'other'").unwrap(), "0");
    assert_eq!(ask("SELECT count(*) FROM cebe.timeline").unwrap(), "1");
    // Whatever a reader may see is bound to its companies, table by table.
    const OPEN: &str = "SELECT string_agg(c.relname, ' ') FROM pg_class c WHERE c.relnamespace = 'cebe'::regnamespace \
         AND c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege(c.oid, 'SELECT') \
         AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))";
    assert_eq!(ask(OPEN).unwrap(), "");
    for hidden in ["vault", "control", "quarantine", "conflicts", "dedup", "readers", "events_2026_01"] {
        let refused = ask(&format!("SELECT * FROM cebe.{hidden}")).unwrap_err();
        assert!(refused.contains("permission denied"), "{hidden}: {refused}");
    }
    let writes = [
        "DELETE FROM cebe.events",
        "UPDATE cebe.points SET live_count = 0",
        "INSERT INTO cebe.readers VALUES (current_user, 'other')",
        "SELECT cebe.allow_reader(current_user, '{other}')",
        "TRUNCATE cebe.events",
        "SET SESSION AUTHORIZATION postgres",
    ];
    for write in writes {
        for read_only in ["on", "off"] {
            let refused = ask(&format!("SET default_transaction_read_only = {read_only}; {write}"));
            assert!(refused.is_err(), "{write}: {refused:?}");
        }
    }
}

/// With TLS asked for, a server is spoken to only when its certificate is that of the address.
#[test]
fn tls_is_spoken_with_the_right_server_only() {
    let own = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (right, wrong) = (own("127.0.0.1"), own("127.0.0.1"));
    let server = Server::own_with_tls(&right.cert.pem(), &right.signing_key.serialize_pem());
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        std::fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right.pem", right.cert.pem()), file("wrong.pem", wrong.cert.pem()));
    let address = format!("postgresql://postgres@127.0.0.1:{}/{}", server.port(), name(&server.database()));
    let asking = |query: &str| Database::connect(&format!("{address}{query}"), pg_settings());
    let database = asking(&format!("?sslrootcert={right}")).unwrap();
    database.central().unwrap().commit(&one(0)).unwrap();
    let in_clear = asking("?sslmode=disable").unwrap_err().to_string();
    assert!(in_clear.contains("pg_hba.conf"), "the server takes TLS only: {in_clear}");
    let stranger = asking(&format!("?sslmode=require&sslrootcert={wrong}")).unwrap_err().to_string();
    assert!(stranger.contains("certificate"), "{stranger}");
}

/// The lanes of a shard are apart, and a position never goes back unseen.
#[test]
fn positions_are_kept_by_shard() {
    let database = connect(&shared().database());
    let leases = database.leases("n", LONG);
    let (mine, other) = companies_of_two_shards();
    let store = |company: &CompanyId| {
        let lease = leases.acquire(Shard::of(company)).unwrap().unwrap();
        database.shard(&lease).unwrap()
    };
    let (first, second) = (store(&mine), store(&other));
    first.commit(&Changes { positions: vec![place(5)], ..Changes::default() }).unwrap();
    let backfill = Place { lane: Lane::Backfill, index: 9 };
    second.commit(&Changes { positions: vec![backfill], ..Changes::default() }).unwrap();
    assert_eq!(first.snapshot().unwrap().positions().unwrap(), [place(5)]);
    assert_eq!(second.snapshot().unwrap().positions().unwrap(), [backfill]);
    let rows = leases.list().unwrap();
    let row = |company: &CompanyId| rows.iter().find(|row| row.shard == Shard::of(company)).unwrap().clone();
    assert_eq!((row(&mine).live_position, row(&mine).backfill_position), (Some(5), None));
    assert_eq!((row(&other).live_position, row(&other).backfill_position), (None, Some(9)));
    assert_eq!((row(&mine).commits, row(&mine).expired), (1, false));
}
