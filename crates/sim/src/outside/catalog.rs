//! Texts that people write: definition files, registrations of events, CSV with its mapping.

use cebe_adapter::csv::{Mapping, events};
use cebe_catalog::{
    Definitions,
    definition::{CompanyCatalog, Sources, schema::json_schema},
};

/// A definition file of any kind, and the same text as a registration at run time.
pub(super) fn definitions(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for file in ["made_up/events.toml", "made_up/metrics.toml", "fields.toml"] {
        if let Ok(read) = Definitions::load(&Sources::default().with(file, text)) {
            read.events.values().for_each(|event| drop(json_schema(event)));
        }
    }
    let catalog = CompanyCatalog::new(Definitions::standard());
    for name in ["voucher.redeemed", "order.paid"] {
        if let Ok(event) = catalog.check(name, text) {
            json_schema(&event);
        }
    }
}

/// A mapping, NUL, and rows for it.
pub(super) fn csv(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (mapping, rows) = bytes.split_at(cut);
    let Ok(mapping) = std::str::from_utf8(mapping) else { return };
    let Ok(mapping) = Mapping::parse(mapping) else { return };
    // A table that does not fit is told; one that does gives events that are JSON objects.
    let _ = events(&mapping, rows.get(1..).unwrap_or_default(), &mut |event| {
        assert!(event.is_object(), "a row becomes an event");
        Ok(())
    });
}
