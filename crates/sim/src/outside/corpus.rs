//! The first inputs of each target, made from a seed that was lived through: nothing in them comes from anywhere else.

use super::{segments::segment_bytes, stored::row_bytes};
use crate::{Broken, client::Call, world::World};
use bytes::Bytes;
use cebe_adapter::tag::{Tag, TagRow};
use cebe_catalog::{Definitions, Micros, definition::Sources};
use cebe_central::{Central, KeyRange, Order, Table};
use cebe_queue::Lane;
use std::ops::ControlFlow;

/// Rows of each table that are kept.
const ROWS_OF_TABLE: usize = 3;
const MAPPING: &str = r#"
delimiter = ";"
zone = "Asia/Jakarta"
[constants]
event_name = "order.paid"
source_module = "conversion"
event_attributes.payment_type = "full"
[columns]
"Order" = "event_id"
"Customer" = { to = "qontak_customer_id", required = true }
"Paid" = { to = "event_timestamp", time = ["%d/%m/%Y %H:%M", "%Y-%m-%d", "epoch_ms"] }
"Amount" = { to = "event_attributes.paid_amount", as = "number", decimal = "," }
"Labels" = { to = "event_attributes.labels", split = "|" }
"State" = { to = "event_attributes.status", values = { "Lunas" = "paid" } }
"Extra" = { to = "event_attributes.extra", as = "json" }
"#;
const ROWS: &str = "Order;Customer;Paid;Amount;Labels;State;Extra\n\
    A-1;c-1;03/02/2025 07:30;1.250.000,50;vip|new;Lunas;[1]\n\"A-2\";c-2;2025-02-03;-10;;open;{\"a\":null}\n";

/// The inputs of every target: target, and bytes.
pub fn corpus(seed: u64) -> Result<Vec<(&'static str, Vec<u8>)>, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Broken::new(1, error.to_string()))?;
    let _inside = runtime.enter();
    let mut world = World::new(seed)?;
    let mut inputs = bodies(&world);
    world.live()?;
    inputs.extend(records(&world));
    inputs.extend(rows(&world)?);
    inputs.extend(texts());
    Ok(inputs)
}

fn bodies(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let calls = world.clients.iter().flat_map(|client| client.todo.iter()).filter(|call| !call.events.is_empty());
    // The first byte says how a body is packed (not at all) and cut.
    let input = |call: &Call| ("body", [&[if call.lines { 24 } else { 0 }], call.body.as_bytes()].concat());
    calls.take(12).map(input).collect()
}

fn records(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let records: Vec<&Bytes> = Lane::ALL.iter().flat_map(|lane| world.archive[*lane].iter()).collect();
    let spread = records.len().div_ceil(16).max(1);
    let some: Vec<Bytes> = records.into_iter().step_by(spread).cloned().collect();
    let tag =
        Tag(vec![TagRow { company: "acme".into(), module: "cdp".into(), hour: Micros(3_600_000_000), received: 7 }]);
    let appends: Vec<(Vec<u8>, Vec<Bytes>)> =
        some.chunks(3).map(|records| (tag.to_bytes(), records.to_vec())).collect();
    let mut inputs: Vec<_> = some.iter().map(|record| ("records", record.to_vec())).collect();
    inputs.push(("tags", tag.to_bytes()));
    inputs.push(("segments", segment_bytes(&appends[..appends.len().min(2)])));
    inputs.push(("segments", segment_bytes(&[(Vec::new(), vec![Bytes::from_static(b"a"), Bytes::new()])])));
    inputs
}

fn rows(world: &World) -> Result<Vec<(&'static str, Vec<u8>)>, Broken> {
    let snapshot = world.outside.store.snapshot()?;
    let mut inputs = Vec::new();
    for table in Table::ALL {
        let mut left = ROWS_OF_TABLE;
        snapshot.view().scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
            inputs.push(("rows", row_bytes(table, key, value)));
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(inputs)
}

fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let small = |text: &&String| text.len() < 12_000;
    let files: Vec<String> = Sources::embedded().0.into_iter().map(|(_, text)| text).collect();
    let mut inputs: Vec<_> = files.iter().filter(small).map(|text| ("definitions", text.as_bytes().to_vec())).collect();
    let event = &Definitions::standard().events["order.paid"];
    inputs.push(("definitions", serde_json::to_vec(event).unwrap_or_default()));
    inputs.push(("csv", [MAPPING.as_bytes(), &[0], ROWS.as_bytes()].concat()));
    inputs.push(("csv", b"[columns]\nA = [\"event_id\", { to = \"sent_at\", time = \"epoch_s\" }]\n\0A\n1\n".to_vec()));
    inputs
}
