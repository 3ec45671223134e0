//! Personal data planted everywhere: it must be found nowhere in the bytes of a record, and come back out of the vault.

use super::house::{House, event};
use cebe_catalog::{
    Definitions, PiiClass, Record, Value as Stored,
    definition::{Attribute, AttributeType},
    record::Vault,
};
use cebe_privacy::seal;
use serde_json::{Value, json};

const PHONE: &str = "+6281234567890";
const LOCAL: &str = "0812-3456-7890";
const MAIL: &str = "rina.wijaya@example.com";
const NAME: &str = "Rina Wijaya";
/// Parts that would tell: none may stand in a record.
const TELLING: [&str; 8] =
    ["81234567890", "3456-7890", "rina.wijaya", "Wijaya", "Jalan Mawar", "1990-04-01", "s3cret-token", "Purple-Ferret"];

fn assert_clean(house: &House, what: &str) {
    for bytes in house.raw_records() {
        let text = String::from_utf8_lossy(&bytes).to_string();
        for telling in TELLING {
            assert!(!text.contains(telling), "{what}: {telling} stands in a record");
        }
    }
}

fn texts() -> [String; 3] {
    [format!("call {LOCAL} or {PHONE}"), format!("write to {MAIL}!"), MAIL.to_owned()]
}

/// What to plant in an attribute, by its type; `None` where the type leaves no room for personal data.
fn planted(attribute: &Attribute) -> Option<Vec<Value>> {
    use AttributeType as Type;
    Some(match attribute.kind {
        Type::Phone => vec![json!(PHONE), json!(LOCAL), json!("Purple-Ferret"), json!(format!("{PHONE} x"))],
        Type::Email => vec![json!(MAIL), json!(MAIL.to_uppercase()), json!("rina.wijaya at home")],
        Type::String | Type::Text | Type::EnumOpen => texts().into_iter().map(Value::from).collect(),
        Type::Url => vec![
            json!(format!(
                "https://user:s3cret-token@x.example/{MAIL}/81234567890?email={MAIL}&gclid=abc#s3cret-token"
            )),
            json!(format!("tel:{PHONE}")),
        ],
        Type::CustomerRefs => {
            vec![json!([{"phone": LOCAL, "email": MAIL, "full_name": NAME, "x": {"Purple-Ferret": 1}}])]
        }
        Type::Items | Type::ProductRefs => {
            vec![json!([{"item_id": "i", "product_id": "i", "name": MAIL, "for": NAME}])]
        }
        Type::Fields => vec![
            json!([{"name": "full_name", "value": NAME}, {"name": "phone", "value": LOCAL}, {"name": "email", "value": MAIL},
                {"name": "address", "value": "Jalan Mawar 5"}, {"name": "birth_date", "value": "1990-04-01"},
                {"name": MAIL, "value": "x"}, {"name": "pet", "value": "Purple-Ferret"}, {"name": "source", "value": MAIL}]),
            json!({"full_name": NAME, "mobile": 6281234567890_i64, "notes": format!("see {MAIL}")}),
        ],
        Type::Changes => {
            vec![
                json!([{"name": "phone", "value": null, "old_value": PHONE}, {"name": "x", "value": NAME, "old_value": MAIL}]),
            ]
        }
        Type::Map => {
            vec![json!({"a": NAME, "b": [MAIL, {"c": PHONE}], MAIL: "Purple-Ferret", LOCAL: true, "d": {"e": NAME}})]
        }
        _ => return None,
    })
}

/// ANCHOR-TP-7, CORE-S01-PII, PII-OPEN, PII-URL: personal data in every attribute that can hold any.
#[tokio::test]
async fn nothing_personal_in_any_attribute_of_any_event() {
    let house = House::open().await;
    let mut planted_in = 0;
    for definition in Definitions::standard().events.values() {
        let usual = &definition.valid[0];
        for (name, attribute) in &definition.attributes {
            if matches!(attribute.pii, PiiClass::Staff | PiiClass::Pseudonym) {
                continue;
            }
            for value in planted(attribute).into_iter().flatten() {
                let mut attributes = usual.attributes.clone();
                attributes[name.as_str()] = value;
                let whole = cebe_catalog::envelope::example(definition, &attributes, &usual.envelope);
                let answer = house.push(whole.to_string()).await;
                assert_eq!(answer.status, 200);
                planted_in += 1;
            }
        }
    }
    assert!(planted_in > 150, "{planted_in}");
    let accepted = house.records().iter().filter(|record| matches!(record, Record::Event(..))).count();
    assert!(accepted > 140, "most are accepted: {accepted}");
    assert_clean(&house, "attributes");
}

/// PII-OPEN: undeclared keys of every event, names of keys included, and the envelope's own free text.
#[tokio::test]
async fn nothing_personal_in_what_nobody_declared() {
    let house = House::open().await;
    for definition in Definitions::standard().events.values() {
        let usual = &definition.valid[0];
        let mut attributes = usual.attributes.clone();
        for (key, value) in [
            ("contact_person", json!(NAME)),
            ("note", json!(format!("{NAME}, {LOCAL}"))),
            (MAIL, json!("Purple-Ferret")),
            (LOCAL, json!([{"deep": {"deeper": MAIL}}])),
            ("number", json!(81234567890_i64)),
            ("home", json!({"street": "Jalan Mawar 5", MAIL: 1})),
        ] {
            attributes[key] = value;
        }
        let mut whole = cebe_catalog::envelope::example(definition, &attributes, &usual.envelope);
        whole["event_description"] = json!(format!("{MAIL} called from {LOCAL}"));
        whole["actor"] = json!({"type": "agent", "id": "a-1", "name": NAME});
        whole["trigger_from"] = json!(MAIL);
        whole["surprise"] = json!(NAME);
        whole["identifiers"] = json!({"phone": [PHONE, LOCAL], "email": MAIL, "device_id": "Purple-Ferret"});
        house.accepted(&whole).await;
    }
    assert_clean(&house, "undeclared");
}

/// PII-QUAR: quarantined bodies are sealed; codes, paths, hints, names and ids tell nothing.
#[tokio::test]
async fn nothing_personal_in_what_is_refused() {
    let house = House::open().await;
    let extra = json!({"segment_id": "s", "phone": LOCAL, MAIL: {"a": NAME}});
    for bad in [
        event(json!({"event_name": MAIL, "event_attributes": extra})),
        event(json!({"event_name": "x", "event_id": MAIL, "event_attributes": extra})),
        event(json!({"company_id": MAIL, "event_attributes": extra})),
        event(json!({"source_module": NAME, "event_attributes": extra})),
        event(json!({"qontak_customer_id": PHONE})),
        event(json!({"event_attributes": {"segment_id": MAIL}})),
        event(json!({"identifiers": {MAIL: NAME}})),
        event(json!({"event_attributes": {"segment_id": "s", MAIL: vec![NAME; 1_001]}})),
        json!({"note": format!("{NAME} {PHONE}"), "pad": NAME.repeat(10_000)}),
    ] {
        let answer = house.push(bad.to_string()).await;
        assert_eq!(answer.body["quarantined"], 1);
        let answer = answer.body.to_string();
        assert!(TELLING.iter().all(|telling| !answer.contains(telling)), "{answer}");
    }
    let cut = format!("{{\"phone\":\"{PHONE}\",\"{MAIL}\":");
    assert_eq!(house.push(format!("{cut}\n{{}}")).await.body["quarantined"], 2);
    assert_clean(&house, "refused");
}

/// PII-QUAR: the body opens under the company's key with its receipt, and is what was sent.
#[tokio::test]
async fn a_refused_body_is_kept_sealed() {
    let house = House::open().await;
    let bad = event(json!({"event_timestamp": null}));
    house.refused(&bad).await;
    let refused = house.last_refused();
    let body = seal::unseal(&house.keys_of("demo"), refused.receipt.as_bytes(), &refused.body).unwrap();
    assert_eq!(body, bad.to_string().as_bytes());
    house.refused(&event(json!({"company_id": "nobody"}))).await;
    let refused = house.last_refused();
    let keys = cebe_adapter::installation_keys(&house.master);
    assert!(
        seal::unseal(&keys, refused.receipt.as_bytes(), &refused.body).is_ok(),
        "of no company: the installation's"
    );
}

fn open(house: &House, vault: &Vault, value: &Stored) -> String {
    let Stored::Sealed { token, .. } = value else { panic!("sealed was expected: {value:?}") };
    let sealed = &vault.iter().find(|(other, _)| other == token).expect("it went to the vault").1;
    String::from_utf8(seal::unseal(&house.keys_of("demo"), &token.0, sealed).unwrap()).unwrap()
}

/// CORE-CON-SEC-1, PII-URL: masks as documented, and the vault holds the value.
#[tokio::test]
async fn masks_show_a_little_and_the_vault_holds_the_rest() {
    let house = House::open().await;
    let fields = json!([{"name": "phone", "value": LOCAL}, {"name": "email", "value": "Rina@Mail.com"},
        {"name": "full_name", "value": NAME}, {"name": "vip", "value": true}]);
    let attributes = json!({"qontak_customer_id": "c-1001", "default_fields": fields});
    let created = event(json!({"event_name": "customer.created", "event_attributes": attributes}));
    let (record, vault) = house.accepted(&created).await;
    let Some(Stored::List(fields)) = record.attribute("default_fields") else { panic!() };
    let shown: Vec<(String, String)> = fields
        .iter()
        .map(|field| {
            let Stored::Map(parts) = field else { panic!() };
            let value = &parts[1].1;
            let Stored::Sealed { mask, .. } = value else { panic!("{value:?}") };
            (mask.to_string(), open(&house, &vault, value))
        })
        .collect();
    let wanted = [("+62•••••890", PHONE), ("R•••@mail.com", "rina@mail.com"), ("R•••", NAME), ("•••", "true")];
    for ((mask, value), (wanted_mask, wanted)) in shown.iter().zip(wanted) {
        assert_eq!((mask.to_lowercase(), value.as_str()), (wanted_mask.to_lowercase(), wanted));
    }
    let call =
        json!({"duration_seconds": 3, "call_type": "inbound", "recording_url": "https://r.example/s3cret-token"});
    let (record, vault) =
        house.accepted(&event(json!({"event_name": "call.completed", "event_attributes": call}))).await;
    let url = record.attribute("recording_url").unwrap();
    assert!(matches!(url, Stored::Sealed { mask, class: PiiClass::SecretLink, .. } if mask == "•••"));
    assert_eq!(open(&house, &vault, url), "https://r.example/s3cret-token");
}

/// The company's own registry goes before everything else.
#[tokio::test]
async fn the_field_registry_decides() {
    let house = House::open().await;
    let with = |value: &str| event(json!({"event_attributes": {"segment_id": "s", "pet": value}}));
    let (before, _) = house.accepted(&with("Ferret")).await;
    assert!(matches!(before.attribute("pet"), Some(Stored::Sealed { class: PiiClass::Unclassified, .. })));
    let set = house.put("/v1/companies/demo/fields", &json!({"pet": "none", "boss": "name"})).await;
    assert_eq!((set.status.as_u16(), set.body), (200, json!({"pet": "none", "boss": "name"})));
    let (after, _) = house.accepted(&with("Ferret")).await;
    assert_eq!(after.attribute("pet"), Some(&Stored::Text("Ferret".into())));
    let (contact, _) = house.accepted(&with(MAIL)).await;
    assert!(matches!(contact.attribute("pet"), Some(Stored::Sealed { class: PiiClass::Contact, .. })));
    assert_eq!(house.put("/v1/companies/demo/fields", &json!({"x": "public"})).await.status, 400);
}

/// CORE-S01-ERR2, CORE-CON-FLAG: of an ignored event nothing is kept but a header.
#[tokio::test]
async fn of_an_ignored_event_only_the_header_is_kept() {
    let house = House::open().await;
    house.put("/v1/sources/cdp", &json!({"enabled": false})).await;
    let deep = format!("{}1{}", "[".repeat(50), "]".repeat(50));
    let bad = event(json!({"event_timestamp": "never", "event_attributes": {"phone": PHONE}}));
    let bad = bad.to_string().replace("\"never\"", &deep);
    assert_eq!(house.push(bad).await.body["ignored"], 1, "nothing is looked at behind the flag");
    assert!(matches!(house.records().pop(), Some(Record::Ignored(_))));
    assert_clean(&house, "ignored");
}
