//! The mapping against examples and random tables.

use proptest::prelude::*;
use serde_json::json;

use super::*;

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
"Phone" = "identifiers.phone"
"Paid" = { to = "event_timestamp", time = ["%d/%m/%Y %H:%M", "%Y-%m-%d"] }
"Amount" = { to = "event_attributes.paid_amount", as = "number", decimal = "," }
"Labels" = { to = "event_attributes.labels", split = "|" }
"State" = { to = "event_attributes.status", values = { "Lunas" = "paid" } }
"#;
const HEADER: &str = "Order;Customer;Phone;Paid;Amount;Labels;State\n";

fn read(mapping: &str, csv: &str) -> Result<Vec<Value>, CsvError> {
    let mut found = Vec::new();
    events(&Mapping::parse(mapping)?, csv.as_bytes(), &mut |event| {
        found.push(event);
        Ok(())
    })?;
    Ok(found)
}

/// Requirements ANCHOR-TP-6, MKT-MIG: a table of another system becomes events with their own times.
#[test]
fn a_row_becomes_an_event() {
    let rows = format!(
        "\u{feff}{HEADER}A-1;c-1;0811;03/02/2025 07:30;1.250.000,50;vip|new;Lunas\nA-2;c-2;;2025-02-03;10;;open\n"
    );
    let found = read(MAPPING, &rows).unwrap();
    assert_eq!(
        found[0],
        json!({"event_id": "A-1", "qontak_customer_id": "c-1", "identifiers": {"phone": "0811"},
            "event_timestamp": "2025-02-03T00:30:00Z", "event_name": "order.paid", "source_module": "conversion",
            "event_attributes": {"payment_type": "full", "paid_amount": "1250000.50", "labels": ["vip", "new"],
                "status": "paid"}})
    );
    assert_eq!(found[1]["event_timestamp"], "2025-02-02T17:00:00Z");
    assert_eq!(found[1]["event_attributes"], json!({"payment_type": "full", "paid_amount": 10, "status": "open"}));
    assert!(found[1].get("identifiers").is_none());
}

#[test]
fn faults_name_line_and_column_and_never_the_value() {
    let row = |line: &str| read(MAPPING, &format!("{HEADER}A;c;;2025-02-03;1;;\n{line}\n")).unwrap_err().to_string();
    assert_eq!(
        row("A;c;;03-02-25;1;;"),
        "line 3, column \"Paid\": must be a time in the form \"%d/%m/%Y %H:%M\" or \"%Y-%m-%d\""
    );
    assert_eq!(row("A;c;;2025-02-03;secret;;"), "line 3, column \"Amount\": must be a number with ',' as decimal mark");
    assert!(row("A;c;;2025-02-03;1.25;;").contains("column \"Amount\""), "1.25 is not 125");
    assert_eq!(row("A;;;2025-02-03;1;;"), "line 3, column \"Customer\": must not be empty");
    assert_eq!(
        row("A;c;;2025-02-03;1;"),
        "line 3: it has 6 cells, the header has 7; quote cells that hold the delimiter"
    );
    let missing = read(MAPPING, "Order;Customer\n").unwrap_err().to_string();
    assert!(missing.starts_with("line 1: there is no column"), "{missing}");
}

#[test]
fn mappings_that_cannot_work_are_refused() {
    let refused = |text: &str| Mapping::parse(text).unwrap_err().to_string();
    assert!(refused("[columns]\n\"A\" = \"evnt_id\"").contains("is no field"));
    assert!(refused("[columns]\n\"A\" = \"event_attributes\"").contains("event_attributes.NAME"));
    assert!(refused("[columns]\n\"A\" = \"event_id.x\"").contains("holds no fields"));
    assert!(refused("[columns]\n\"A\" = { to = \"event_id\", as = \"money\" }").contains("not known"));
    assert!(refused("zone = \"Mars/Base\"\n[columns]\n\"A\" = \"event_id\"").contains("IANA"));
    assert!(refused("[columns]").contains("empty"));
    assert!(refused("[constants]\nnope = 1\n[columns]\n\"A\" = \"event_id\"").contains("constant \"nope\""));
}

proptest! {
    /// Whatever cells hold, a text column arrives as it was and every row is one event.
    #[test]
    fn texts_survive(cells in prop::collection::vec("[^\u{0}]{1,12}", 1..20)) {
        let mut csv = csv::Writer::from_writer(b"Note\n".to_vec());
        cells.iter().for_each(|cell| csv.write_record([cell]).unwrap());
        let table = String::from_utf8(csv.into_inner().unwrap()).unwrap();
        let found = read("[columns]\n\"Note\" = \"event_attributes.note\"", &table).unwrap();
        prop_assert_eq!(found.len(), cells.len());
        for (event, cell) in found.iter().zip(&cells) {
            prop_assert_eq!(event["event_attributes"]["note"].as_str().unwrap_or_default(), cell.trim());
        }
    }

    /// No digit of an amount is lost, whatever marks its writer likes.
    #[test]
    fn amounts_are_exact(whole in 0_u64..=u64::MAX, part in "[0-9]{1,6}", comma: bool) {
        let (mark, other) = if comma { (',', '.') } else { ('.', ',') };
        let digits = whole.to_string();
        let grouped: Vec<String> = digits.as_bytes().rchunks(3).rev().map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
        let text = format!("{}{mark}{part}", grouped.join(&other.to_string()));
        let mapping = format!("delimiter=\"tab\"\n[columns]\n\"A\" = {{ to = \"event_attributes.a\", as = \"number\", decimal = \"{mark}\" }}");
        let found = read(&mapping, &format!("A\n{text}\n")).unwrap();
        let shown = match &found[0]["event_attributes"]["a"] {
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        prop_assert_eq!(shown, format!("{whole}.{part}"));
    }

    /// A time read back in its zone is the time that was written.
    #[test]
    fn times_are_exact(seconds in 0_i64..4_000_000_000) {
        let zone = jiff::tz::TimeZone::get("Asia/Jakarta").unwrap();
        let at = jiff::Timestamp::from_second(seconds).unwrap();
        let mapping = "zone=\"Asia/Jakarta\"\n[columns]\n\"A\" = { to = \"event_timestamp\", time = \"%Y-%m-%d %H:%M:%S %z\" }";
        let text = at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %z").to_string();
        let found = read(mapping, &format!("A\n{text}\n")).unwrap();
        prop_assert_eq!(found[0]["event_timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap(), at);
    }
}
