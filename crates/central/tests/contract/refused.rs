//! Refused events and losing copies.

use crate::{everywhere, fixtures::*};
use cebe_catalog::{QuarantineCode, record::QuarantineRecord};
use cebe_engine::change::{Changes, Conflict};

fn refused(receipt: &str) -> QuarantineRecord {
    QuarantineRecord {
        header: event(&company(), "e", None, 1).header,
        receipt: receipt.into(),
        name: None,
        id: None,
        code: QuarantineCode::ALL[0],
        path: None,
        hint: "send an object".into(),
        body: vec![1, 2, 3],
        key_id: "k".into(),
    }
}

#[test]
fn refused_events_are_listed_newest_first() {
    everywhere(|store| {
        let quarantined = ["r1", "r3", "r2"].map(refused).into();
        store.commit(&Changes { quarantined, ..Changes::default() }).unwrap();
        let now = store.snapshot().unwrap();
        let receipts = |before: Option<&str>, limit| -> Vec<String> {
            let page = now.quarantine(&company(), before, limit).unwrap();
            page.into_iter().map(|record| record.receipt.to_string()).collect()
        };
        assert_eq!(receipts(None, 2), ["r3", "r2"]);
        assert_eq!(receipts(Some("r2"), 2), ["r1"]);
        assert_eq!(receipts(None, 0), [""; 0]);
        assert!(now.quarantine(&"acm".into(), None, 9).unwrap().is_empty());
        assert_eq!(now.quarantined(&company(), "r2").unwrap(), Some(refused("r2")));
        assert_eq!(now.quarantined(&company(), "r").unwrap(), None);
    });
}

#[test]
fn losing_copies_are_listed_newest_first() {
    everywhere(|store| {
        let copy = |index| Conflict { event: event(&company(), "e", None, 1), place: place(index) };
        store.commit(&Changes { conflicts: vec![copy(2), copy(10), copy(1)], ..Changes::default() }).unwrap();
        let now = store.snapshot().unwrap();
        let first = now.conflicts(&company(), None, 2).unwrap();
        assert_eq!(first.iter().map(|(_, conflict)| conflict.place.index).collect::<Vec<_>>(), [10, 2]);
        let rest = now.conflicts(&company(), Some(&first[1].0), 2).unwrap();
        assert_eq!(rest.into_iter().map(|(_, conflict)| conflict).collect::<Vec<_>>(), [copy(1)]);
    });
}
