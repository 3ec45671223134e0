//! Law 6: what was planted in events is in no byte that is kept, and in no answer that did not ask for it.

use crate::{Broken, traffic::COMPANIES, world::World};
use cebe_central::{KeyRange, Order, Snapshot, Table};
use cebe_queue::Lane;
use std::ops::ControlFlow;

pub(super) fn check(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    let needles: Vec<String> = world.traffic.people.iter().flat_map(|person| person.needles()).collect();
    let searched = [("the disk", disk(world)), ("the queue", queue(world)), ("the store", store(snapshot)?)];
    for (place, mut bytes) in searched {
        bytes.make_ascii_lowercase();
        for needle in &needles {
            if memchr::memmem::find(&bytes, needle.as_bytes()).is_some() {
                return Err(Broken::new(6, format!("{needle}, which was planted in an event, is kept in {place}")));
            }
        }
    }
    answers(world, &needles)
}

fn disk(world: &World) -> Vec<u8> {
    let disk = &world.outside.disk;
    disk.paths().iter().filter_map(|path| disk.bytes_of(path)).flatten().collect()
}

/// The records as they are read: on the disk they may be compressed.
fn queue(world: &World) -> Vec<u8> {
    Lane::ALL.iter().flat_map(|lane| world.archive[*lane].iter()).flatten().copied().collect()
}

/// Every row, and every event of the log, which lies compressed in its row.
fn store(snapshot: &Snapshot) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    for table in Table::ALL {
        snapshot.view().scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value);
            ControlFlow::Continue(())
        })?;
    }
    for company in snapshot.companies_with_log()? {
        snapshot.log(&company, &mut |event, _| {
            bytes.extend_from_slice(format!("{event:?}").as_bytes());
            ControlFlow::Continue(())
        })?;
    }
    Ok(bytes)
}

fn answers(world: &World, needles: &[String]) -> Result<(), Broken> {
    let Some(machine) = &world.machine else { return Ok(()) };
    for company in COMPANIES {
        let of_people = world.traffic.people.iter().map(|person| format!("/v1/customers/{}/timeline", person.id));
        for path in of_people.chain(["/v1/quarantine".to_owned(), "/v1/operations".to_owned()]) {
            let Some(answer) = machine.ask(&format!("{path}?company_id={company}")) else { continue };
            let text = answer.body.to_string().to_lowercase();
            if let Some(needle) = needles.iter().find(|needle| text.contains(needle.as_str())) {
                return Err(Broken::new(6, format!("{needle}, which was planted in an event, is shown by {path}")));
            }
        }
    }
    Ok(())
}
