//! Law 1: what was acknowledged is there, once; refused events too, each under a receipt of its own.

use super::{is_in, records_of};
use crate::{Broken, traffic::COMPANIES, world::World};
use cebe_catalog::Record;
use cebe_central::Snapshot;
use cebe_engine::rows::SeenKey;
use cebe_queue::Lane;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

type Content = [u8; 16];

pub(super) fn check(world: &World, snapshot: &Snapshot) -> Result<(), Broken> {
    let log = log(snapshot)?;
    for told in world.clients.iter().map(|client| &client.told) {
        told.taken.iter().try_for_each(|key| taken(key, snapshot, &log))?;
        for (receipt, code) in &told.refused {
            refused(world, snapshot, receipt, code)?;
        }
    }
    receipts(world)
}

/// Every event of the log, which holds none twice.
fn log(snapshot: &Snapshot) -> Result<BTreeMap<SeenKey, Content>, Broken> {
    let mut log = BTreeMap::new();
    let mut twice = None;
    for company in snapshot.companies_with_log()? {
        snapshot.log(&company, &mut |event, _| {
            let (company, module) = (event.header.company.clone(), event.header.module.clone());
            let key = SeenKey { company, module, name: event.name.clone(), id: event.id.clone() };
            if log.insert(key.clone(), event.content).is_some() {
                twice = Some(key);
            }
            ControlFlow::Continue(())
        })?;
    }
    match twice {
        Some(key) => Err(Broken::new(2, format!("{key:?} is in the log twice"))),
        None => Ok(log),
    }
}

fn taken(key: &SeenKey, snapshot: &Snapshot, log: &BTreeMap<SeenKey, Content>) -> Result<(), Broken> {
    let seen = snapshot.seen(key)?;
    let seen = seen.ok_or_else(|| Broken::new(1, format!("{key:?} was acknowledged and is not there")))?;
    match log.get(key) {
        Some(content) if *content == seen.content => Ok(()),
        Some(_) => Err(Broken::new(2, format!("the log holds another copy of {key:?} than the one that won"))),
        None if seen.retired => Ok(()),
        None => Err(Broken::new(1, format!("{key:?} was acknowledged and is not in the log"))),
    }
}

/// A refused event is kept for thirty days.
fn refused(world: &World, snapshot: &Snapshot, receipt: &str, code: &str) -> Result<(), Broken> {
    for company in COMPANIES {
        match is_in(snapshot, company, receipt)? {
            Some(found) if found == code => return Ok(()),
            Some(found) => {
                return Err(Broken::new(1, format!("the refused event {receipt} was {code}, and is {found} now")));
            }
            None => {}
        }
    }
    if world.outside.clock.days_since_start() >= 25 {
        return Ok(());
    }
    Err(Broken::new(1, format!("the refused event {receipt} was acknowledged and is not there")))
}

/// No two refused events of a company share a receipt, whatever the clock did.
fn receipts(world: &World) -> Result<(), Broken> {
    let mut receipts = BTreeSet::new();
    for lane in Lane::ALL {
        for record in records_of(world, lane)? {
            let Record::Quarantined(refused) = record else { continue };
            if !receipts.insert((refused.header.company.clone(), refused.receipt.clone())) {
                return Err(Broken::new(1, format!("two refused events have the receipt {}", refused.receipt)));
            }
        }
    }
    Ok(())
}
