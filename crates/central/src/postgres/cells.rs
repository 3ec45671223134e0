//! Values of columns and kinds of columns: how they are handed to statements as arrays, and read back from rows.

use crate::{Result, StoreError, port::Table};
use bytes::{BufMut, BytesMut};
use cebe_catalog::{Micros, time::Day};
use std::{borrow::Cow, error::Error};
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked},
};

/// 2000-01-01, from where the database counts.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Text(String),
    Bytes(Vec<u8>),
    Big(i64),
    Int(i32),
    Small(i16),
    Bool(bool),
    Time(Micros),
    Day(Day),
    Texts(Vec<String>),
}

/// A kind of column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bytes,
    Big,
    Int,
    Small,
    Bool,
    Time,
    Day,
    /// Exact numbers of any size, as text.
    Numeric,
    /// A kind of node, as text.
    OfNode,
    Texts,
}

/// A handed-over parameter.
pub(super) type Parameter<'c> = Box<dyn ToSql + Sync + Send + 'c>;

impl Kind {
    /// The type that a parameter has on its way.
    pub(super) fn sent_as(self) -> &'static str {
        match self {
            Self::Text | Self::Numeric | Self::OfNode | Self::Texts => "text",
            Self::Bytes => "bytea",
            Self::Big => "bigint",
            Self::Int => "int",
            Self::Small => "smallint",
            Self::Bool => "boolean",
            Self::Time => "timestamptz",
            Self::Day => "date",
        }
    }

    /// What a parameter has to be cast to, where it travels as something else.
    pub(super) fn cast(self) -> &'static str {
        match self {
            Self::Numeric => "::numeric",
            Self::OfNode => "::cebe.node_kind",
            Self::Texts => "::text[]",
            _ => "",
        }
    }

    /// How a column is selected.
    pub(super) fn selected(self, column: &str) -> String {
        match self {
            Self::Numeric | Self::OfNode => format!("{column}::text"),
            _ => column.to_owned(),
        }
    }

    /// One value as a parameter.
    pub(super) fn parameter(self, cell: &Cell) -> Parameter<'_> {
        match self {
            Self::Text | Self::Numeric | Self::OfNode | Self::Texts => Box::new(text(cell)),
            Self::Bytes => Box::new(bytes(cell)),
            Self::Big => Box::new(big(cell)),
            Self::Int => Box::new(int(cell)),
            Self::Small => Box::new(small(cell)),
            Self::Bool => Box::new(boolean(cell)),
            Self::Time => Box::new(time(cell)),
            Self::Day => Box::new(day(cell)),
        }
    }

    /// A column of values as one parameter.
    pub(super) fn array<'c>(self, cells: impl Iterator<Item = &'c Cell>) -> Parameter<'c> {
        match self {
            Self::Text | Self::Numeric | Self::OfNode | Self::Texts => Box::new(cells.map(text).collect::<Vec<_>>()),
            Self::Bytes => Box::new(cells.map(bytes).collect::<Vec<_>>()),
            Self::Big => Box::new(cells.map(big).collect::<Vec<_>>()),
            Self::Int => Box::new(cells.map(int).collect::<Vec<_>>()),
            Self::Small => Box::new(cells.map(small).collect::<Vec<_>>()),
            Self::Bool => Box::new(cells.map(boolean).collect::<Vec<_>>()),
            Self::Time => Box::new(cells.map(time).collect::<Vec<_>>()),
            Self::Day => Box::new(cells.map(day).collect::<Vec<_>>()),
        }
    }

    /// The value in a column of a row.
    pub(super) fn read(self, row: &Row, at: usize) -> Result<Cell> {
        Ok(match self {
            Self::Text | Self::Numeric | Self::OfNode => row.try_get::<_, Option<_>>(at)?.map(Cell::Text),
            Self::Bytes => row.try_get::<_, Option<_>>(at)?.map(Cell::Bytes),
            Self::Big => row.try_get::<_, Option<_>>(at)?.map(Cell::Big),
            Self::Int => row.try_get::<_, Option<_>>(at)?.map(Cell::Int),
            Self::Small => row.try_get::<_, Option<_>>(at)?.map(Cell::Small),
            Self::Bool => row.try_get::<_, Option<_>>(at)?.map(Cell::Bool),
            Self::Time => row.try_get::<_, Option<Timestamp>>(at)?.map(|time| Cell::Time(time.0)),
            Self::Day => row.try_get::<_, Option<Date>>(at)?.map(|date| Cell::Day(date.0)),
            Self::Texts => row.try_get::<_, Option<_>>(at)?.map(Cell::Texts),
        }
        .unwrap_or(Cell::Null))
    }
}

fn text(cell: &Cell) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Text(text) => Some(text.into()),
        Cell::Texts(texts) => Some(array_literal(texts).into()),
        _ => None,
    }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

fn big(cell: &Cell) -> Option<i64> {
    if let Cell::Big(number) = cell { Some(*number) } else { None }
}

fn int(cell: &Cell) -> Option<i32> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

fn small(cell: &Cell) -> Option<i16> {
    if let Cell::Small(number) = cell { Some(*number) } else { None }
}

fn boolean(cell: &Cell) -> Option<bool> {
    if let Cell::Bool(flag) = cell { Some(*flag) } else { None }
}

fn time(cell: &Cell) -> Option<Timestamp> {
    if let Cell::Time(at) = cell { Some(Timestamp(*at)) } else { None }
}

fn day(cell: &Cell) -> Option<Date> {
    if let Cell::Day(day) = cell { Some(Date(*day)) } else { None }
}

/// A list of texts as the database writes one: arrays of arrays cannot be handed over.
fn array_literal(texts: &[String]) -> String {
    let quoted = texts.iter().map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// An instant, as `timestamptz`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timestamp(pub(super) Micros);

impl Timestamp {
    /// As the database counts.
    pub(super) fn micros(self) -> i64 {
        self.0.0.saturating_sub(EPOCH_MICROS)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.micros());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Timestamp {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Micros(i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH_MICROS))))
    }

    accepts!(TIMESTAMPTZ);
}

/// A day, as `date`.
#[derive(Clone, Copy, Debug)]
struct Date(Day);

impl ToSql for Date {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i32(self.0.0.saturating_sub(EPOCH_DAYS));
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Date {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Day(i32::from_be_bytes(raw.try_into()?).saturating_add(EPOCH_DAYS))))
    }

    accepts!(DATE);
}

/// Text without the two characters that a text column cannot hold or that stand for them: NUL becomes 1 1, and 1 becomes
/// 1 2, which keeps the order.
pub(super) fn escaped(text: &str) -> String {
    match text.contains(['\0', '\u{1}']) {
        false => text.to_owned(),
        true => text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"),
    }
}

/// Reads what [`escaped`] wrote.
pub(super) fn unescaped(text: String) -> Option<String> {
    if !text.contains('\u{1}') {
        return Some(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(match (char, char == '\u{1}') {
            (char, false) => char,
            _ => match chars.next()? {
                '\u{1}' => '\0',
                '\u{2}' => '\u{1}',
                _ => return None,
            },
        });
    }
    Some(plain)
}

/// Takes the cells of a row one by one.
pub(super) struct Cells(Table, std::vec::IntoIter<Cell>);

impl Cells {
    pub(super) fn new(table: Table, cells: Vec<Cell>) -> Self {
        Self(table, cells.into_iter())
    }

    fn next<T>(&mut self, take: impl FnOnce(Cell) -> Option<T>) -> Result<T> {
        self.1.next().and_then(take).ok_or(StoreError::Damaged(self.0))
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>> {
        self.next(|cell| if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None })
    }

    pub(super) fn big(&mut self) -> Result<i64> {
        self.next(|cell| big(&cell))
    }

    pub(super) fn count(&mut self) -> Result<u64> {
        self.big().map(i64::cast_unsigned)
    }

    pub(super) fn small(&mut self) -> Result<i16> {
        self.next(|cell| small(&cell))
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        self.next(|cell| boolean(&cell))
    }

    pub(super) fn time(&mut self) -> Result<Micros> {
        self.time_or_null()?.ok_or(StoreError::Damaged(self.0))
    }

    pub(super) fn time_or_null(&mut self) -> Result<Option<Micros>> {
        self.next(|cell| match cell {
            Cell::Time(at) => Some(Some(at)),
            Cell::Null => Some(None),
            _ => None,
        })
    }

    /// The next cells as they are, when none of them is null.
    pub(super) fn whole<const N: usize>(&mut self) -> Result<Option<[Cell; N]>> {
        let cells: Vec<Cell> = self.1.by_ref().take(N).collect();
        let cells: [Cell; N] = cells.try_into().map_err(|_| StoreError::Damaged(self.0))?;
        Ok((!cells.contains(&Cell::Null)).then_some(cells))
    }

    pub(super) fn sum(&mut self) -> Result<i128> {
        self.next(|cell| match cell {
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        })
    }
}
