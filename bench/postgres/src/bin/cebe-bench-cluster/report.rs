//! The runs as tables for people.

use comfy_table::{LineStyle, Table, TableStyle};
use serde_json::Value;

const LIGHT: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(LIGHT).set_header(header.to_vec());
    table
}

fn number(value: &Value) -> String {
    match value.as_f64() {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// What is measured stands in rows, a column for each run; then the statements of the last.
pub(crate) fn tables(report: &Value) -> String {
    let runs: &[Value] = report.as_array().map_or(&[], Vec::as_slice);
    let header: Vec<String> = runs.iter().map(|run| format!("{} workers", run["workers"])).collect();
    let mut all = table(&[&["", "unit"][..], &header.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let Some(last) = runs.last() else { return String::new() };
    for row in last["measured"].as_array().into_iter().flatten() {
        let of = |run: &Value| {
            let mut rows = run["measured"].as_array().into_iter().flatten();
            number(rows.find(|other| other["name"] == row["name"]).map_or(&Value::Null, |row| &row["median"]))
        };
        add(&mut all, row["name"].as_str(), row["unit"].as_str(), runs.iter().map(of));
    }
    for name in last["cpu_us_per_event"].as_object().into_iter().flat_map(|all| all.keys()) {
        let of = |run: &Value| number(&run["cpu_us_per_event"][name]);
        add(&mut all, Some(&format!("processor time of an event, {name}")), Some("µs"), runs.iter().map(of));
    }
    for (name, unit, of) in DERIVED {
        add(&mut all, Some(name), Some(unit), runs.iter().map(|run| number(&of(run).into())));
    }
    format!(
        "{all}\n\nstatements, {}\n{}\n\n{}",
        header.last().map_or("", String::as_str),
        statements(last),
        places(last)
    )
}

type Derive = fn(&Value) -> Option<f64>;

const DERIVED: [(&str, &str, Derive); 5] = [
    ("events of a commit", "", |run| Some(events(run)? / run["database"]["commits"].as_f64()?)),
    ("statements of a commit", "", |run| {
        Some(run["database"]["statements"].as_f64()? / run["database"]["commits"].as_f64()?)
    }),
    ("in the database, executing an event's statements", "µs", |run| {
        Some(run["database"]["exec_ms"].as_f64()? * 1e3 / events(run)?)
    }),
    ("in the database, planning them", "µs", |run| Some(run["database"]["plan_ms"].as_f64()? * 1e3 / events(run)?)),
    ("write-ahead log of an event", "B", |run| Some(run["database"]["wal_bytes"].as_f64()? / events(run)?)),
];

fn events(run: &Value) -> Option<f64> {
    run["events"].as_f64()
}

fn add(table: &mut Table, name: Option<&str>, unit: Option<&str>, values: impl Iterator<Item = String>) {
    let first = [name, unit].map(|text| text.unwrap_or_default().to_owned());
    table.add_row(first.into_iter().chain(values));
}

fn statements(run: &Value) -> String {
    let mut table = table(&["calls", "executing, ms", "planning, ms", "rows", "statement"]);
    for one in run["database"]["by_time"].as_array().into_iter().flatten() {
        let cells = ["calls", "exec_ms", "plan_ms", "rows"].map(|name| number(&one[name]));
        let sql: String = one["sql"].as_str().unwrap_or_default().chars().take(110).collect();
        table.add_row(cells.into_iter().chain([sql]));
    }
    table.to_string()
}

fn places(run: &Value) -> String {
    let mut table = table(&["table", "bytes of an event", "of that indexes"]);
    for one in run["database"]["tables"].as_array().into_iter().flatten() {
        let each = |name: &str| one[name].as_f64().zip(events(run)).map(|(bytes, events)| bytes / events);
        let name = one["table"].as_str().unwrap_or_default().to_owned();
        table.add_row([name, number(&each("bytes").into()), number(&each("index_bytes").into())]);
    }
    table.to_string()
}
