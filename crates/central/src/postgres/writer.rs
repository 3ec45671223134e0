//! The store of one writer, or of readers. A commit is planned like any other, then written in one transaction: the
//! shard's row is moved first, then each table takes its rows in one statement, and the log takes its events by COPY.

use super::{
    Scope,
    cells::{Cell, Kind, Parameter},
    events, keys,
    months::Months,
    pool::{Connection, Pool, Use},
    relations::Relation,
    standing,
    view::{Moment, on, unnest},
};
use crate::{
    Result, StoreError,
    blocks::BlockCache,
    port::{Central, FORMAT_VERSION, StoreFacts, Table},
    rows::month_of,
    snapshot::Snapshot,
    write::{Batch, Next, Planner, Write},
};
use cebe_catalog::CompanyId;
use cebe_engine::{
    change::{Applied, Changes},
    rows::Place,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A Central DB in PostgreSQL, as one writer or a reader sees it.
pub(super) struct Store {
    pool: Arc<Pool>,
    scope: Scope,
    /// `None` for readers.
    writer: Option<Writer>,
    months: Arc<Months>,
    blocks: Arc<BlockCache>,
}

struct Writer {
    shard: i16,
    epoch: i64,
    planner: Mutex<Planner>,
}

impl Store {
    /// A store that only reads.
    pub(super) fn reader(pool: &Arc<Pool>, months: &Arc<Months>) -> Self {
        let (pool, months) = (Arc::clone(pool), Arc::clone(months));
        Self { pool, scope: Scope::All, writer: None, months, blocks: Arc::new(BlockCache::new(0)) }
    }

    /// The store of a writer that has taken its shard.
    pub(super) fn writer(
        pool: &Arc<Pool>,
        months: &Arc<Months>,
        scope: Scope,
        epoch: i64,
        points_cached: usize,
    ) -> Result<Self> {
        let mut store = Self { scope, ..Self::reader(pool, months) };
        let planner = Mutex::new(Planner::new(&store.snapshot()?, points_cached)?);
        store.writer = scope.row().map(|shard| Writer { shard, epoch, planner });
        Ok(store)
    }

    fn write(
        &self,
        changes: &Changes,
        plan: impl FnOnce(&mut Planner, &Snapshot) -> Result<(Batch, Next)>,
    ) -> Result<()> {
        let writer = self.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut planner = writer.planner();
        let outcome = self.write_planned(writer, &mut planner, changes, plan);
        if outcome.is_err() {
            planner.forget();
            self.months.forget();
        }
        outcome
    }

    fn write_planned(
        &self,
        writer: &Writer,
        planner: &mut Planner,
        changes: &Changes,
        plan: impl FnOnce(&mut Planner, &Snapshot) -> Result<(Batch, Next)>,
    ) -> Result<()> {
        let mut lent = self.pool.lend(Use::Commit)?;
        let months = changes.applied.iter().map(|applied| month_of(applied.event.header.received_at));
        lent.wait(async |connection| self.months.ensure(connection, months).await)?;
        let moment = Arc::new(Moment::of_commit(lent, self.scope)?);
        let now = Snapshot::new(Arc::<Moment>::clone(&moment), Arc::clone(&self.blocks));
        let (batch, next) = plan(planner, &now)?;
        drop(now);
        let mut lent = Arc::into_inner(moment).expect("nobody keeps the snapshot of a plan").into_lent();
        let batch = Sorted::of(batch)?;
        let before = (planner.commits(), planner.positions());
        lent.wait(async |connection| {
            standing::advance(connection, (writer.shard, writer.epoch), before, &next).await?;
            batch.write(connection, writer.shard, &changes.applied).await?;
            Ok(connection.run("COMMIT").await?)
        })?;
        planner.advance(next);
        if !batch.gone.is_empty() {
            // The commit is done; a month that cannot be dropped now is so when events go the next time.
            let dropped = lent.wait(async |connection| self.months.drop_empty(connection).await);
            if let Err(error) = dropped {
                tracing::warn!(%error, "an empty month of the event log was not dropped");
                return Ok(());
            }
        }
        lent.finished();
        Ok(())
    }
}

impl Writer {
    fn planner(&self) -> MutexGuard<'_, Planner> {
        self.planner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Central for Store {
    fn snapshot(&self) -> Result<Snapshot> {
        let moment = Moment::begin(&self.pool, self.scope)?;
        Ok(Snapshot::new(Arc::new(moment), Arc::clone(&self.blocks)))
    }

    fn commit(&self, changes: &Changes) -> Result<()> {
        self.write(changes, |planner, now| planner.plan(now, changes))
    }

    /// A commit is durable when it is done: the database flushes it.
    fn persist(&self) -> Result<Vec<Place>> {
        match &self.writer {
            Some(writer) => Ok(writer.planner().positions().to_vec()),
            None => self.snapshot()?.positions(),
        }
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<()> {
        self.write(&Changes::default(), |planner, now| {
            planner.forget();
            planner.plan_derived(now, company, from)
        })
    }

    fn facts(&self) -> StoreFacts {
        let facts = || -> Result<StoreFacts> {
            let moment = Moment::begin(&self.pool, self.scope)?;
            let bytes_on_disk = moment.bytes_on_disk()?;
            let (store_id, commits) = (moment.standing().store_id, moment.standing().commits);
            Ok(StoreFacts { store_id, format_version: FORMAT_VERSION, bytes_on_disk, commits })
        };
        facts().unwrap_or(StoreFacts { format_version: FORMAT_VERSION, ..StoreFacts::default() })
    }
}

/// A batch table by table, as cells.
struct Sorted {
    puts: BTreeMap<Table, Vec<Vec<Cell>>>,
    deletes: BTreeMap<Table, Vec<Vec<Cell>>>,
    added: Vec<(crate::Address, usize)>,
    gone: Vec<crate::Address>,
}

impl Sorted {
    fn of(mut batch: Batch) -> Result<Self> {
        let (added, gone) = (std::mem::take(&mut batch.added), std::mem::take(&mut batch.gone));
        let mut sorted = Self { puts: BTreeMap::new(), deletes: BTreeMap::new(), added, gone };
        for write in batch.into_writes() {
            let Some(relation) = Relation::of(write.table) else { continue };
            sorted.sort(relation, write)?;
        }
        Ok(sorted)
    }

    fn sort(&mut self, relation: &Relation, write: Write) -> Result<()> {
        let parts = relation.parts();
        let mut cells = keys::cells(&parts, &write.key).ok_or(StoreError::Damaged(write.table))?;
        match write.value {
            Some(value) => {
                let long = keys::long(&parts, &write.key, &cells);
                cells.extend((relation.codec.cells)(write.table, &value)?);
                cells.push(long);
                self.puts.entry(write.table).or_default().push(cells);
            }
            None => self.deletes.entry(write.table).or_default().push(cells),
        }
        Ok(())
    }

    async fn write(&self, connection: &mut Connection, shard: i16, applied: &[Applied]) -> Result<()> {
        if !self.gone.is_empty() {
            connection.execute(&events::delete_statement(), &events::address_parameters(&self.gone)).await?;
        }
        if !self.added.is_empty() {
            let mut copy = events::Copy::new(self.added.len());
            self.added.iter().for_each(|(address, number)| copy.event(&applied[*number], address.spot));
            connection.copy(&events::copy_statement(), copy.finish()).await?;
        }
        let relation = |table: &Table| Relation::of(*table).expect("only rows of relations are sorted");
        let deletes = self.deletes.iter().map(|(table, rows)| (relation(table), rows));
        let deletes = deletes.map(|(relation, rows)| (delete(relation, shard), arrays(&relation.key_columns(), rows)));
        let puts = self.puts.iter().map(|(table, rows)| (relation(table), rows));
        let puts = puts.map(|(relation, rows)| (upsert(relation, shard), arrays(&relation.columns(), rows)));
        Ok(connection.execute_all(&deletes.chain(puts).collect::<Vec<_>>()).await?)
    }
}

fn arrays<'r>(columns: &[(String, Kind)], rows: &'r [Vec<Cell>]) -> Vec<Parameter<'r>> {
    (0..).zip(columns).map(|(at, (_, kind)): (usize, _)| kind.array(rows.iter().map(move |row| &row[at]))).collect()
}

fn delete(relation: &Relation, shard: i16) -> String {
    let columns = relation.key_columns();
    let of_shard = if relation.by_shard() { format!(" AND t.shard = {shard}") } else { String::new() };
    let (source, equal) = (unnest(&columns, 1, false), on(&columns));
    format!("DELETE FROM cebe.{} t USING {source} WHERE {equal}{of_shard}", relation.name)
}

fn upsert(relation: &Relation, shard: i16) -> String {
    let (keys, columns) = (relation.key_columns(), relation.columns());
    let names =
        |columns: &[(String, Kind)]| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
    let cast: Vec<String> = (1..).zip(&columns).map(|(at, (_, kind))| format!("s.c{at}{}", kind.cast())).collect();
    // A row that is put as it stands is not written again.
    let values: Vec<&str> = relation.values.iter().map(|(name, _)| *name).collect();
    let of = |table: &str| values.iter().map(|name| format!("{table}.{name}")).collect::<Vec<_>>().join(", ");
    let set: Vec<String> = values.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let conflict = match values.is_empty() {
        true => "NOTHING".to_owned(),
        false => {
            format!("UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})", set.join(", "), of("t"), of("excluded"))
        }
    };
    let (shard_name, shard_value) =
        if relation.by_shard() { (", shard", format!(", {shard}")) } else { ("", String::new()) };
    format!(
        "INSERT INTO cebe.{} AS t ({}{shard_name}) SELECT {}{shard_value} FROM {} ON CONFLICT ({}{shard_name}) DO {conflict}",
        relation.name,
        names(&columns),
        cast.join(", "),
        unnest(&columns, 1, false),
        names(&keys),
    )
}
