//! Phone numbers of every region as people write them, through the front door: found by the number that libphonenumber
//! gives.

use std::collections::BTreeMap;
use std::fs::File;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::sets;
use crate::support::Server;

/// Valid rows by region: how it is written, and its E.164 form.
fn valid_rows() -> Option<BTreeMap<String, Vec<(String, String)>>> {
    let path = sets::folder()?.join("phones/phones_e164.csv.gz");
    let mut table = csv::Reader::from_reader(GzDecoder::new(File::open(path).expect("the phones are there")));
    let header = table.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|column| column == name).expect("the header names it");
    let (region, text) = (column("default_region"), column("input"));
    let (e164, valid) = (column("libphonenumber_e164"), column("libphonenumber_valid"));
    let mut rows: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in table.records() {
        let row = row.expect("a row");
        if &row[valid] == "1" {
            rows.entry(row[region].to_owned()).or_default().push((row[text].to_owned(), row[e164].to_owned()));
        }
    }
    Some(rows)
}

/// Proves ANCHOR-TP-3 for every region: an event with a number as it is written in the company's region is found under
/// the number in international form.
pub fn every_valid_spelling_is_found_by_its_e164() {
    let Some(regions) = valid_rows() else { return };
    let server = Server::with_company("all", json!({}));
    let (mut rows, mut wrong) = (0, Vec::new());
    for (region, spellings) in &regions {
        let company = format!("in-{}", region.to_lowercase());
        server.put(&format!("/v1/companies/{company}"), &json!({"phone_region": region, "retention_months": 0}));
        let started = |(place, (text, _)): (usize, &(String, String))| {
            json!({"event_id": format!("e-{place}"), "company_id": company, "source_module": "communication",
                "event_name": "conversation.started", "event_timestamp": "2026-01-01T00:00:00Z",
                "identifiers": {"phone": text}, "event_attributes": {"channel": "whatsapp", "room_id": format!("r-{place}")}})
        };
        let events: Vec<Value> = spellings.iter().enumerate().map(started).collect();
        assert_eq!(server.push(&events)["applied"], events.len(), "{region}");
        for (place, (text, e164)) in spellings.iter().enumerate() {
            let by_room = server.get(&format!("/v1/customers?room_id=r-{place}&company_id={company}"));
            let path = format!("/v1/customers?phone=%2B{}&company_id={company}", e164.trim_start_matches('+'));
            let by_phone = server.ask("GET", &path, None);
            if by_phone.status != 200 || by_phone.body["id"] != by_room["id"] {
                wrong.push(format!("{text} in {region} is not found by {e164}: {} {}", by_phone.status, by_phone.body));
            }
        }
        rows += spellings.len();
    }
    assert!(wrong.is_empty(), "{} of {rows}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{rows} spellings of {} regions are found by their E.164", regions.len());
}
