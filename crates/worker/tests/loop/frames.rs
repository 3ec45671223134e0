//! Law 2 from outside: what the queue's frames say was received against the outcomes of the store.

use crate::rig::{Rig, at, event, tag_of};
use cebe_catalog::{CompanySettings, Lane, Micros, Record, time::HOUR};

fn received_at(hours: i64, id: &str) -> Record {
    let mut record = event("customer.created", id, id);
    if let Record::Event(event, _) = &mut record {
        event.header.received_at = Micros(at().0 + hours * HOUR);
    }
    record
}

/// ANCHOR-MET-3: every event that the queue took is in the outcomes, duplicates and both lanes included; what is not
/// applied yet is not compared.
#[test]
fn frames_and_outcomes_agree() {
    let rig = Rig::new(CompanySettings::default());
    rig.push(Lane::Live, vec![received_at(0, "a"), received_at(0, "a"), received_at(1, "b")]);
    rig.push(Lane::Backfill, vec![received_at(1, "c")]);
    rig.drain();
    rig.push(Lane::Live, vec![received_at(1, "d")]);
    let report = rig.verify_received();
    let check = report.received.clone().unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((check.compared, check.events, check.from), (true, 4, None));
}

/// A frame of which only some records are committed counts for those.
#[test]
fn a_frame_may_be_committed_in_part() {
    let rig = Rig::new(CompanySettings::default());
    rig.push(Lane::Live, (0..5).map(|n| received_at(0, &format!("e{n}"))).collect());
    rig.turn_of(3);
    let report = rig.verify_received();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.received.unwrap().events, 3);
}

/// ANCHOR-MET-3: an event too few or too many is a difference.
#[test]
fn a_lost_event_is_seen() {
    let rig = Rig::new(CompanySettings::default());
    rig.push(Lane::Live, vec![received_at(0, "a"), received_at(2, "b")]);
    rig.drain();
    // The door counted two, and only one record came out of the queue.
    let kept = [received_at(2, "c")];
    rig.append(Lane::Live, tag_of(&[received_at(2, "c"), received_at(2, "lost")]), vec![kept[0].to_bytes()]);
    rig.drain();
    let report = rig.verify_received();
    assert_eq!((report.different, report.differences[0].table.as_str()), (1, "received"));
    assert_eq!(
        (report.differences[0].stored.as_deref(), report.differences[0].recomputed.as_deref()),
        (Some("2"), Some("3"))
    );
}

/// What was trimmed cannot be counted: only later hours are compared, and where there are none it is said.
#[test]
fn trimmed_hours_are_not_compared() {
    let rig = Rig::new(CompanySettings::default());
    for hour in [0, 1, 1, 2, 5] {
        rig.push(Lane::Live, vec![received_at(hour, &format!("{hour}"))]);
    }
    rig.drain();
    rig.trim(Lane::Live, 3);
    let report = rig.verify_received();
    let check = report.received.clone().unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!((check.compared, check.events), (true, 1), "{check:?}");
    assert_eq!(check.from, Some(Micros((at().0.div_euclid(HOUR) + 3) * HOUR).to_rfc3339()));
    rig.trim(Lane::Live, 6);
    let check = rig.verify_received().received.unwrap();
    assert!(!check.compared && check.said.contains("trimmed"), "{check:?}");
}
