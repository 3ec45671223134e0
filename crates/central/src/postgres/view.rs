//! The rows at one moment: a transaction that reads and sees what was committed when it began. Ranges are read page by
//! page, so that a visitor may ask for more on its way.

use super::{
    Scope,
    cells::{Cell, Kind, Parameter, Timestamp, escaped, unescaped},
    events, keys,
    pool::{Lent, Pool, Use},
    relations::Relation,
    standing::{self, Standing},
};
use crate::{
    Result, StoreError,
    port::{EventRows, KeyRange, KeyValue, Order, Rows, Table, View, Visit, VisitEvent},
    row::encode,
    rows::{Address, MetaKey, Spot},
};
use cebe_catalog::{CompanyId, EventRecord, Lane, Micros, Shard};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_postgres::Row;

/// Rows of the first page of a range; each page is four times the last.
const PAGE_MIN: i64 = 64;
const PAGE_MAX: i64 = 4_096;

/// The parent of the log's months is held, so that none of them is dropped while it may still be read.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE ONLY cebe.events IN ACCESS SHARE MODE";

/// A transaction that reads.
pub(super) struct Moment {
    lent: Mutex<Lent>,
    scope: Scope,
    standing: Standing,
}

impl Moment {
    /// What is committed now.
    pub(super) fn begin(pool: &Arc<Pool>, scope: Scope) -> Result<Self> {
        Self::open(pool.lend(Use::Read)?, scope, BEGIN)
    }

    /// The beginning of a commit: what its one writer finds, on the connection that writes.
    pub(super) fn of_commit(lent: Lent, scope: Scope) -> Result<Self> {
        let shard = scope.row().ok_or(StoreError::ReadOnly)?;
        Self::open(lent, scope, &standing::begin(shard))
    }

    fn open(mut lent: Lent, scope: Scope, begin: &str) -> Result<Self> {
        let standing = lent.wait(async |connection| {
            connection.run(begin).await?;
            standing::read(connection, scope).await
        })?;
        Ok(Self { lent: Mutex::new(lent), scope, standing })
    }

    /// The connection, its transaction still open.
    pub(super) fn into_lent(self) -> Lent {
        self.lent.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the whole database.
    pub(super) fn bytes_on_disk(&self) -> Result<u64> {
        let rows = self.rows("SELECT pg_database_size(current_database())", &[])?;
        Ok(rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?.unwrap_or(0).cast_unsigned())
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.lent().wait(async |connection| Ok(connection.rows(sql, parameters).await?))
    }

    /// Rows joined to keys or their beginnings: each with the number of what was asked.
    fn joined(&self, relation: &Relation, asked: &[(usize, Vec<Cell>)]) -> Result<Vec<(usize, KeyValue)>> {
        let Some((_, first)) = asked.first() else { return Ok(Vec::new()) };
        let columns = &relation.key_columns()[..first.len()];
        let sql = format!(
            "SELECT s.n, {} FROM {} JOIN cebe.{} t ON {}{} ORDER BY s.n, {}",
            selected(&relation.columns()),
            unnest(columns, 1, true),
            relation.name,
            on(columns),
            self.of_shard(relation),
            listed(&relation.key_columns(), ""),
        );
        let parameters: Vec<Parameter<'_>> = (0..)
            .zip(columns)
            .map(|(at, (_, kind)): (usize, _)| kind.array(asked.iter().map(move |(_, cells)| &cells[at])))
            .collect();
        let found = self.rows(&sql, &parameters)?;
        let row = |row: &Row| {
            let number = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(0);
            Ok((asked[number].0, relation.row(cells(row, 1, &relation.columns())?)?))
        };
        found.iter().map(row).collect()
    }

    fn of_shard(&self, relation: &Relation) -> String {
        match self.scope.row() {
            Some(shard) if relation.by_shard() => format!(" AND t.shard = {shard}"),
            _ => String::new(),
        }
    }

    /// A page of the rows between bounds.
    fn page(&self, relation: &Relation, bounds: &Bounds, order: Order, limit: i64) -> Result<Vec<Vec<Cell>>> {
        let columns = relation.key_columns();
        let mut parameters: Vec<Parameter<'_>> = Vec::new();
        let mut conditions = String::from("true");
        for (sign, cells) in [(bounds.lower.0, &bounds.lower.1), (bounds.upper.0, &bounds.upper.1)] {
            if !cells.is_empty() {
                conditions += &bound(&columns[..cells.len()], sign, parameters.len());
                parameters.extend(columns.iter().zip(cells).map(|((_, kind), cell)| kind.parameter(cell)));
            }
        }
        let direction = if order == Order::Forward { "" } else { " DESC" };
        let sql = format!(
            "SELECT {} FROM cebe.{} t WHERE {conditions}{} ORDER BY {} LIMIT {limit}",
            selected(&relation.columns()),
            relation.name,
            self.of_shard(relation),
            listed(&columns, direction),
        );
        let columns = relation.columns();
        self.rows(&sql, &parameters)?.iter().map(|row| cells(row, 0, &columns)).collect()
    }

    /// Is a row one of those that this view is about? Only whole-table reads can meet others.
    fn is_ours(&self, relation: &Relation, key: &[u8]) -> bool {
        let Scope::Shard(shard) = self.scope else { return true };
        relation.by_shard()
            || crate::key::KeyReader::new(key).company().is_some_and(|company| Shard::of(&company) == shard)
    }

    fn meta(&self, key: &[u8]) -> Option<Vec<u8>> {
        let standing = &self.standing;
        let number = |number: u64| (number > 0).then(|| encode(&number));
        let position =
            |lane| standing.positions.iter().find(|place| place.lane == lane).map(|place| encode(&place.index));
        if key == MetaKey::Commits.to_key() {
            number(standing.commits)
        } else if key == MetaKey::ControlVersion.to_key() {
            number(standing.control_version)
        } else if key == MetaKey::NewestId.to_key() {
            standing.newest_id.map(|id| encode(&id))
        } else if key == MetaKey::StoreId.to_key() {
            standing.store_id.map(|id| encode(&id))
        } else if key == MetaKey::Format.to_key() {
            Some(encode(&crate::port::FORMAT_VERSION))
        } else {
            let lanes = [Lane::Live, Lane::Backfill].into_iter();
            lanes.filter(|lane| key == MetaKey::Position(*lane).to_key()).find_map(position)
        }
    }
}

/// What rows lie between: comparisons of as many key columns as are known. At first they let through a little more than
/// the range holds; what they let through is looked at again.
struct Bounds {
    lower: (&'static str, Vec<Cell>),
    upper: (&'static str, Vec<Cell>),
}

impl Bounds {
    fn of(relation: &Relation, range: &KeyRange) -> Self {
        let parts = relation.parts();
        let upper = range.end.as_ref().map_or_else(Vec::new, |end| keys::upper(&parts, end));
        Self { lower: (">=", keys::lower(&parts, &range.start)), upper: ("<=", upper) }
    }

    /// What lies behind a row, in the direction of reading.
    fn go_on(&mut self, relation: &Relation, last: Option<&Vec<Cell>>, order: Order) {
        let Some(last) = last else { return };
        let key = last[..relation.key_columns().len()].to_vec();
        match order {
            Order::Forward => self.lower = (">", key),
            Order::Backward => self.upper = ("<", key),
        }
    }
}

impl View for Moment {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if table == Table::Meta {
            return Ok(self.meta(key));
        }
        Ok(self.get_many(table, &[key.to_vec()])?.pop().flatten())
    }

    /// Rows of blocks, and the store's own, are not stored as such: a scan of them shows none.
    fn scan(&self, table: Table, range: KeyRange, order: Order, visit: &mut Visit<'_>) -> Result<()> {
        let Some(relation) = Relation::of(table).filter(|_| !range.is_empty()) else { return Ok(()) };
        let mut bounds = Bounds::of(relation, &range);
        let mut limit = PAGE_MIN;
        loop {
            let rows = self.page(relation, &bounds, order, limit)?;
            let is_last = i64::try_from(rows.len()).unwrap_or(limit) < limit;
            bounds.go_on(relation, rows.last(), order);
            for cells in rows {
                let (key, value) = relation.row(cells)?;
                if range.contains(&key) && self.is_ours(relation, &key) && visit(&key, &value).is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
            limit = (limit * 4).min(PAGE_MAX);
        }
    }

    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let Some(relation) = Relation::of(table) else {
            return keys.iter().map(|key| self.get(table, key)).collect();
        };
        let parts = relation.parts();
        let asked = (0..).zip(keys).filter_map(|(number, key)| Some((number, keys::cells(&parts, key)?)));
        let mut values = vec![None; keys.len()];
        for (number, (_, value)) in self.joined(relation, &asked.collect::<Vec<_>>())? {
            values[number] = Some(value);
        }
        Ok(values)
    }

    fn get_prefixes(&self, table: Table, prefixes: &[Vec<u8>]) -> Result<Vec<Rows>> {
        let mut found = vec![Rows::new(); prefixes.len()];
        let Some(relation) = Relation::of(table) else { return Ok(found) };
        let parts = relation.parts();
        let mut asked: Vec<(usize, Vec<Cell>)> = Vec::with_capacity(prefixes.len());
        for (number, prefix) in prefixes.iter().enumerate() {
            // Of one length, and ending where a part does: else a join would say something else.
            let cells = keys::prefix(&parts, prefix).ok_or(StoreError::Damaged(table))?;
            if asked.first().is_some_and(|(_, first)| first.len() != cells.len()) {
                return Err(StoreError::Damaged(table));
            }
            asked.push((number, cells));
        }
        for (number, row) in self.joined(relation, &asked)? {
            found[number].push(row);
        }
        Ok(found)
    }

    /// A row of `identities` is written whole: its columns are for people, too.
    fn counts_lie_apart(&self) -> bool {
        false
    }

    fn event_rows(&self) -> Option<&dyn EventRows> {
        Some(self)
    }
}

impl EventRows for Moment {
    fn events(&self, addresses: &[Address]) -> Result<Vec<Option<EventRecord>>> {
        let mut found = vec![None; addresses.len()];
        for row in self.rows(&events::by_address(), &events::address_parameters(addresses))? {
            let number = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(0);
            found[number] = Some(events::Read::new(&row, 1).event()?);
        }
        Ok(found)
    }

    fn log(&self, company: &CompanyId, before: Option<Micros>, visit: &mut VisitEvent<'_>) -> Result<()> {
        let sql = format!(
            "SELECT {} FROM cebe.events e WHERE e.company_id = $1 AND e.received_at < COALESCE($2::timestamptz, 'infinity') \
             AND (e.log_commit, e.log_month, e.log_block, e.log_slot) > ($3, $4, $5, $6) \
             ORDER BY e.company_id, e.log_commit, e.log_month, e.log_block, e.log_slot LIMIT {PAGE_MAX}",
            events::selected()
        );
        let mut last = (-1_i64, -1_i32, -1_i32, -1_i16);
        loop {
            let parameters: Vec<Parameter<'_>> = vec![
                Box::new(escaped(company.as_str())),
                Box::new(before.map(Timestamp)),
                Box::new(last.0),
                Box::new(last.1),
                Box::new(last.2),
                Box::new(last.3),
            ];
            let rows = self.rows(&sql, &parameters)?;
            for row in &rows {
                let read = events::Read::new(row, 0);
                let Spot { month, commit, block, slot } = read.spot()?;
                last = (commit.cast_signed(), month.cast_signed(), block.cast_signed(), slot.into());
                if visit(read.event()?, read.place()?).is_break() {
                    return Ok(());
                }
            }
            if i64::try_from(rows.len()).unwrap_or(PAGE_MAX) < PAGE_MAX {
                return Ok(());
            }
        }
    }

    fn companies(&self) -> Result<Vec<CompanyId>> {
        const FIRST: &str = "SELECT company_id FROM cebe.events ORDER BY company_id LIMIT 1";
        const NEXT: &str = "SELECT company_id FROM cebe.events WHERE company_id > $1 ORDER BY company_id LIMIT 1";
        let mut companies: Vec<CompanyId> = Vec::new();
        let mut found = self.rows(FIRST, &[])?;
        while let Some(row) = found.first() {
            let id: String = row.try_get(0)?;
            found = self.rows(NEXT, &[Box::new(id.clone())])?;
            companies.push(unescaped(id).ok_or(StoreError::Damaged(Table::Body))?.as_str().into());
        }
        if let Scope::Shard(shard) = self.scope {
            companies.retain(|company| Shard::of(company) == shard);
        }
        Ok(companies)
    }
}

fn cells(row: &Row, first: usize, columns: &[(String, Kind)]) -> Result<Vec<Cell>> {
    (first..).zip(columns).map(|(at, (_, kind))| kind.read(row, at)).collect()
}

fn selected(columns: &[(String, Kind)]) -> String {
    columns.iter().map(|(name, kind)| kind.selected(&format!("t.{name}"))).collect::<Vec<_>>().join(", ")
}

fn listed(columns: &[(String, Kind)], direction: &str) -> String {
    columns.iter().map(|(name, _)| format!("t.{name}{direction}")).collect::<Vec<_>>().join(", ")
}

/// Arrays as rows `s(c1, c2, …)`, numbered by `n` when wanted.
pub(super) fn unnest(columns: &[(String, Kind)], first: usize, numbered: bool) -> String {
    let sent = (first..).zip(columns).map(|(at, (_, kind))| format!("${at}::{}[]", kind.sent_as()));
    let mut names: Vec<String> = (1..=columns.len()).map(|at| format!("c{at}")).collect();
    let ordinality = if numbered { " WITH ORDINALITY" } else { "" };
    names.extend(numbered.then(|| "n".to_owned()));
    format!("unnest({}){ordinality} AS s({})", sent.collect::<Vec<_>>().join(", "), names.join(", "))
}

/// Equality of key columns with those of `s`.
pub(super) fn on(columns: &[(String, Kind)]) -> String {
    let equal = (1..).zip(columns).map(|(at, (name, kind))| format!("t.{name} = s.c{at}{}", kind.cast()));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// A comparison of key columns with parameters behind the first `known`.
fn bound(columns: &[(String, Kind)], sign: &str, known: usize) -> String {
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("t.{name}")).collect();
    let values = (known + 1..).zip(columns).map(|(at, (_, kind))| format!("${at}::{}{}", kind.sent_as(), kind.cast()));
    format!(" AND ({}) {sign} ({})", names.join(", "), values.collect::<Vec<_>>().join(", "))
}
