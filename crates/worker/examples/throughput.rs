//! How fast the loop applies records from an embedded queue to a store, embedded or at a postgresql:// address, without
//! the front door: `cargo run --release -p cebe-worker --example throughput -- EVENTS CUSTOMERS COMPANIES [STORE [COMMIT]]`.

use cebe_catalog::{
    Amount, CompanyId, CompanySettings, Definitions, EventRecord, IdentifierKind, Lane, Micros, Node, Record, Token,
    Value,
    control::{Change, ControlRecord},
    record::Header,
    time::{DAY, SECOND},
};
use cebe_central::{
    Central, KeyRange, Order, Table,
    embedded::{Embedded, EmbeddedSettings},
    postgres::{Database, PgSettings},
};
use cebe_queue::{Embedded as Log, Queue, Settings};
use cebe_worker::{Worker, WorkerSettings};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// What the binary uses too: the loop makes and drops many small values.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

struct Shape {
    events: u64,
    customers: u64,
    companies: u64,
}

/// One event of everyday traffic: sends, clicks, replies, orders, payments, profile changes.
fn event(shape: &Shape, n: u64) -> Record {
    let mix = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let who = (mix >> 20) % shape.customers;
    let company: CompanyId = format!("company-{}", mix % shape.companies).as_str().into();
    let at = Micros(20_000 * DAY + i64::try_from(n).unwrap_or(0) * SECOND / 20);
    let text = |value: String| Value::Text(value.into());
    let campaign =
        [("campaign_id".into(), text(format!("campaign-{}", mix % 20))), ("channel".into(), text("whatsapp".into()))];
    let (module, name, attributes) = match (mix >> 40) % 10 {
        0..=3 => ("marketing", "campaign.sent", campaign.to_vec()),
        4 => ("marketing", "campaign.clicked", campaign.to_vec()),
        5 => ("marketing", "campaign.replied", campaign.to_vec()),
        6 => (
            "conversion",
            "order.created",
            vec![
                ("order_id".into(), text(format!("order-{n}"))),
                ("total_value".into(), Value::Decimal(Amount(12_500_000))),
                ("currency".into(), text("USD".into())),
            ],
        ),
        7 => (
            "conversion",
            "order.paid",
            vec![
                ("order_id".into(), text(format!("order-{}", n.saturating_sub(10)))),
                ("payment_type".into(), text("full".into())),
                ("paid_amount".into(), Value::Decimal(Amount(12_500_000))),
                ("currency".into(), text("USD".into())),
            ],
        ),
        8 => (
            "communication",
            "message.received",
            vec![
                ("message_id".into(), text(format!("message-{n}"))),
                ("message_type".into(), text("text".into())),
                ("channel".into(), text("whatsapp".into())),
            ],
        ),
        _ => (
            "cdp",
            "customer.updated",
            vec![("change_fields".into(), Value::Map(vec![("city".into(), text(format!("city-{}", mix % 50)))]))],
        ),
    };
    let mut token = [0; 16];
    token[..8].copy_from_slice(&who.to_be_bytes());
    Record::Event(
        Box::new(EventRecord {
            header: Header { company, module: module.into(), received_at: now(), lane: Lane::Live },
            name: name.into(),
            id: uuid::Uuid::now_v7().to_string().as_str().into(),
            derived: false,
            content: mix.to_be_bytes().repeat(2).try_into().expect("sixteen bytes"),
            event_at: at,
            sent_at: None,
            anchor: Some(Node::Customer(format!("customer-{who}").into())),
            identifiers: if mix.is_multiple_of(5) {
                vec![Node::Token(IdentifierKind::Phone, Token(token))]
            } else {
                Vec::new()
            },
            references: Vec::new(),
            actor: None,
            trigger_from: Some("api".into()),
            description: None,
            attributes,
            warnings: Vec::new(),
        }),
        Vec::new(),
    )
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let shape = Shape { events: number(500_000), customers: number(50_000), companies: number(3) };
    let kept = arguments.next().filter(|text| !text.is_empty()).map(PathBuf::from);
    let commit_records_max = arguments.next().and_then(|text| text.parse().ok());
    let temporary = tempfile::tempdir().expect("a temporary folder can be made");
    let address = kept.as_ref().and_then(|kept| kept.to_str()).filter(|kept| kept.starts_with("postgresql://"));
    let folder = kept.as_ref().filter(|_| address.is_none()).map_or(temporary.path(), PathBuf::as_path);
    let queue: Arc<dyn Queue> =
        Arc::new(Log::open(&folder.join("queue"), Settings::default()).expect("the queue opens"));
    let central: Arc<dyn Central> = match address {
        None => {
            Arc::new(Embedded::open(&folder.join("central"), EmbeddedSettings::default()).expect("the store opens"))
        }
        Some(address) => tokio::task::block_in_place(|| postgres(address)),
    };
    for n in 0..shape.companies {
        let id = format!("company-{n}").as_str().into();
        let change = Change::Company { id, settings: CompanySettings::default(), secrets: Some(Vec::new()) };
        let record = ControlRecord { received_at: now(), by: "bench".into(), change };
        append(&queue, vec![Record::Control(Box::new(record))]).await;
    }
    let started = (Instant::now(), cpu_seconds());
    for first in (0..shape.events).step_by(500) {
        append(&queue, (first..(first + 500).min(shape.events)).map(|n| event(&shape, n)).collect()).await;
    }
    report("made and appended", shape.events, started);
    let started = (Instant::now(), cpu_seconds());
    let mut settings = WorkerSettings::new(Arc::new(now), Arc::new(|_| {}));
    settings.commit_records_max = commit_records_max.unwrap_or(settings.commit_records_max);
    // Stores block: they are used on a thread that is not the runtime's.
    let apply = move || {
        let mut worker = Worker::new(queue, central.clone(), Arc::new(Definitions::standard().clone()), settings)
            .expect("the store reads");
        worker.drain().expect("everything applies");
        report("applied", shape.events, started);
        central.persist().expect("the store persists");
        let bytes = central.facts().bytes_on_disk;
        println!("store: {bytes} bytes, {} a event", bytes / shape.events.max(1));
        census(central.as_ref(), shape.events);
    };
    std::thread::spawn(apply).join().expect("the worker ends well");
}

/// A database that is empty.
fn postgres(address: &str) -> Arc<dyn Central> {
    let database = Database::connect(address, PgSettings::default()).expect("the database answers");
    database.central().expect("the store opens")
}

/// Rows and bytes of each table, as the keys and values are before any compression.
fn census(central: &dyn Central, events: u64) {
    let snapshot = central.snapshot().expect("the store reads");
    for table in Table::ALL {
        let (mut rows, mut keys, mut values) = (0, 0, 0);
        let visit = &mut |key: &[u8], value: &[u8]| {
            rows += 1;
            keys += key.len();
            values += value.len();
            ControlFlow::Continue(())
        };
        snapshot.view().scan(table, KeyRange::all(), Order::Forward, visit).expect("the store reads");
        let each = |bytes: usize| bytes as f64 / events as f64;
        println!("{table:?}: {rows} rows, {:.1} key and {:.1} value bytes a event", each(keys), each(values));
    }
}

fn report(what: &str, events: u64, (started, cpu): (Instant, f64)) {
    let seconds = started.elapsed().as_secs_f64();
    let micros = (cpu_seconds() - cpu) * 1e6 / events as f64;
    println!(
        "{what}: {events} events in {seconds:.2} s = {:.0}/s, {micros:.1} µs of CPU each",
        events as f64 / seconds
    );
}

/// Processor time of all threads so far: what a busy machine does not blur. Zero where the system does not tell.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    behind_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

async fn append(queue: &Arc<dyn Queue>, records: Vec<Record>) {
    let records = records.iter().map(|record| record.to_bytes().into()).collect();
    queue.append(cebe_queue::Lane::Live, bytes::Bytes::new(), records).await.expect("the queue takes it");
}
