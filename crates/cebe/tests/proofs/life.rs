//! Made-up events of a company, written short: the envelope is filled in, so that a test shows only what it is about.

use serde_json::{Value, json};

/// The company of most proofs.
pub const COMPANY: &str = "kopi";

/// Settings of that company.
pub fn company() -> Value {
    json!({"name": "Kopi", "sso_id": "sso-kopi", "time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR",
        "retention_months": 0})
}

/// An event of nobody in particular.
pub fn event(id: &str, name: &str, at: &str, attributes: Value) -> Value {
    let catalog = cebe_catalog::Definitions::standard();
    let module = catalog.event(name).map_or("cdp", |event| event.module.as_str());
    json!({"event_id": id, "company_id": COMPANY, "event_timestamp": at, "source_module": module, "event_name": name,
        "event_attributes": attributes})
}

/// An event of a customer.
pub fn of(customer: &str, id: &str, name: &str, at: &str, attributes: Value) -> Value {
    let mut event = event(id, name, at, attributes);
    event["qontak_customer_id"] = customer.into();
    event
}
