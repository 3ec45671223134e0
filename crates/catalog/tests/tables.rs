//! The event tables that the definitions were written from, row by row, where they are at hand.

use cebe_catalog::{Definitions, definition::Attribute};
use std::path::{Path, PathBuf};

/// The tables: in the folder `CEBE_SHARED` names, else in a folder `shared` beside or above the repository.
fn tables() -> Option<String> {
    let named = std::env::var_os("CEBE_SHARED").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared"));
    named.into_iter().chain(above).find_map(|folder| std::fs::read_to_string(folder.join("catalog-events.md")).ok())
}

struct Row {
    event: String,
    field: String,
    extension: bool,
    need: String,
    pii: String,
    identifier: String,
    currency: bool,
}

/// Rows whose second cell is a field's name in back-quotes.
fn row(line: &str) -> Option<Row> {
    let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").map(str::trim).collect();
    let [event, field, kind, need, pii, identifier, ..] = cells[..] else { return None };
    let field = field.strip_prefix('`')?.trim_end_matches('`');
    Some(Row {
        event: event.trim_end_matches('`').to_owned(),
        extension: field.starts_with('+'),
        field: field.trim_matches(['+', '{', '}']).trim_end_matches("[]").to_owned(),
        currency: kind == "currency",
        need: need.to_owned(),
        pii: pii.to_owned(),
        identifier: identifier.to_owned(),
    })
}

fn need(attribute: &Attribute, one_of: bool) -> &'static str {
    match (attribute.required, attribute.advised) {
        (true, _) => "R",
        (_, true) if attribute.extension => "O*",
        (_, true) => "C",
        _ if one_of => "C",
        _ => "O",
    }
}

/// ANCHOR-1-* to ANCHOR-7-*: every row of the tables is there with its need, PII class and identifier kind.
#[test]
fn every_row_is_defined_as_the_tables_say() {
    let Some(text) = tables() else {
        println!("the event tables are not at hand: nothing to compare with");
        return;
    };
    let mut rows = 0;
    for row in text.lines().filter_map(row) {
        let place = format!("{} {}", row.event, row.field);
        let event = Definitions::standard().event(&row.event).unwrap_or_else(|| panic!("{place}: no such event"));
        let attribute = event.attributes.get(row.field.as_str()).unwrap_or_else(|| panic!("{place}: no such field"));
        let one_of = event.one_of.iter().flatten().any(|name| *name == row.field);
        assert_eq!(need(attribute, one_of), row.need, "{place}");
        assert_eq!(attribute.extension, row.extension, "{place}");
        let pii = if row.pii.starts_with("contact (") { "mixed" } else { &row.pii };
        assert_eq!(attribute.pii.as_str(), pii, "{place}");
        let kind = attribute.identifier.map(|kind| kind.as_str()).or(attribute.same_as.as_deref()).unwrap_or_default();
        let decided_inside = row.identifier.contains(' ');
        assert_eq!(kind, if decided_inside { "" } else { &row.identifier }, "{place}");
        assert_eq!(attribute.default.is_some(), row.currency && row.need != "R", "{place}");
        rows += 1;
    }
    assert_eq!(rows, 240 + 69);
}
