//! Months of receipt: a partition of the event log each, made when its first event comes and dropped when its last is gone.

use super::pool::Connection;
use crate::Result;
use cebe_catalog::{Micros, time::Day};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use tokio_postgres::error::SqlState;

/// Makers and droppers of partitions come one after the other.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('cebe.events'))";

/// The first instant of a month, in UTC. Months are counted from year 0.
pub(super) fn month_start(month: u32) -> Micros {
    let (year, month) = (month / 12, month % 12 + 1);
    let date = Day::parse(&format!("{year:04}-{month:02}-01"));
    date.map_or(Micros(i64::MAX), |day| Micros(i64::from(day.0) * cebe_catalog::time::DAY))
}

fn partition(month: u32) -> String {
    format!("events_{:04}_{:02}", month / 12, month % 12 + 1)
}

/// The months whose partition is known to be there.
#[derive(Debug, Default)]
pub(super) struct Months(Mutex<BTreeSet<u32>>);

impl Months {
    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody else may have dropped one.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    /// Makes the partitions of months that have none. A partition is attached, not created in place: that lets everybody
    /// else go on reading and writing.
    pub(super) async fn ensure(&self, connection: &mut Connection, months: impl Iterator<Item = u32>) -> Result<()> {
        let mut missing: BTreeSet<u32> = months.collect();
        missing.retain(|month| !self.known().contains(month));
        for month in missing {
            let (name, first, last) =
                (partition(month), month_start(month).to_rfc3339(), month_start(month + 1).to_rfc3339());
            connection
                .run(&format!(
                    "BEGIN; {LOCK}; DO $$ BEGIN IF to_regclass('cebe.{name}') IS NULL THEN \
                     CREATE TABLE cebe.{name} (LIKE cebe.events INCLUDING ALL); \
                     ALTER TABLE cebe.events ATTACH PARTITION cebe.{name} FOR VALUES FROM ('{first}') TO ('{last}'); \
                     END IF; END $$; COMMIT"
                ))
                .await?;
            self.known().insert(month);
        }
        Ok(())
    }

    /// Drops the partitions of past months that hold nothing. A reader that began before may not have looked into one yet,
    /// so every reader holds the parent; while there is one, they are left for the next time.
    pub(super) async fn drop_empty(&self, connection: &mut Connection) -> Result<()> {
        let dropped = connection.run(DROP_EMPTY).await;
        match dropped {
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => connection.run("ROLLBACK").await?,
            dropped => dropped?,
        }
        self.forget();
        Ok(())
    }
}

/// Looks first, and locks only when there is something to drop.
const DROP_EMPTY: &str = "BEGIN; SET LOCAL lock_timeout = '50ms'; DO $$ DECLARE month text; is_empty boolean; BEGIN \
     IF NOT pg_try_advisory_xact_lock(hashtext('cebe.events')) THEN RETURN; END IF; \
     FOR month IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
     WHERE i.inhparent = 'cebe.events'::regclass AND c.relname < to_char(now() AT TIME ZONE 'UTC', '\"events_\"YYYY_MM') LOOP \
     EXECUTE format('SELECT NOT EXISTS (SELECT FROM cebe.%I)', month) INTO is_empty; \
     IF is_empty THEN LOCK TABLE ONLY cebe.events IN ACCESS EXCLUSIVE MODE; \
     EXECUTE format('SELECT NOT EXISTS (SELECT FROM cebe.%I)', month) INTO is_empty; \
     IF is_empty THEN EXECUTE format('DROP TABLE cebe.%I', month); END IF; END IF; \
     END LOOP; END $$; COMMIT";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::month_of;

    #[test]
    fn a_month_begins_where_the_one_before_ends() {
        assert_eq!(month_start(2026 * 12).to_rfc3339(), "2026-01-01T00:00:00Z");
        assert_eq!(partition(2025 * 12 + 11), "events_2025_12");
        for month in [1970 * 12, 2026 * 12 + 1, 2199 * 12 + 11] {
            assert_eq!(month_of(month_start(month)), month);
            assert_eq!(month_of(Micros(month_start(month + 1).0 - 1)), month);
        }
    }
}
