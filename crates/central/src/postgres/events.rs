//! The event log as rows: one per event, in a table partitioned by month of receipt. Written by COPY, deleted and read by
//! address, a month's partition at a time.

use super::{
    cells::{Cell, Parameter, Timestamp, escaped, unescaped},
    keys,
    months::month_start,
    shape,
};
use crate::{
    Result, StoreError,
    port::Table,
    rows::{Address, Spot},
};
use bytes::{BufMut, BytesMut};
use cebe_catalog::{
    EventRecord, Lane, Micros, Node, Value,
    record::{Actor, Header, Reference},
};
use cebe_engine::{change::Applied, rows::Place};
use serde::{Deserialize, Serialize};
use tokio_postgres::{Row, types::ToSql};

const DAMAGED: StoreError = StoreError::Damaged(Table::Body);

/// The columns, in the order they are written and read.
const COLUMNS: [&str; 26] = [
    "company_id",
    "received_at",
    "log_month",
    "log_commit",
    "log_block",
    "log_slot",
    "source_module",
    "event_name",
    "event_id",
    "event_timestamp",
    "sent_at",
    "anchor_kind",
    "anchor_id",
    "identifiers",
    "customer_references",
    "actor_kind",
    "actor_id",
    "actor_name",
    "trigger_from",
    "description",
    "attributes",
    "warnings",
    "derived",
    "lane",
    "queue_index",
    "exact",
];

/// What columns do not say.
#[derive(Serialize, Deserialize)]
struct Exact {
    content: [u8; 16],
    attributes: Vec<u8>,
    actor_name: Option<Vec<u8>>,
}

pub(super) fn copy_statement() -> String {
    format!("COPY cebe.events ({}) FROM STDIN (FORMAT binary)", COLUMNS.join(", "))
}

/// The columns as they are selected from `e`.
pub(super) fn selected() -> String {
    let column = |name: &str| match name {
        "anchor_kind" | "customer_references" | "actor_name" | "attributes" => format!("e.{name}::text"),
        name => format!("e.{name}"),
    };
    COLUMNS.map(column).join(", ")
}

/// Events by address: each address is a row of arrays that are joined to the one partition it can lie in.
pub(super) fn by_address() -> String {
    format!("SELECT s.n, {} FROM {ADDRESSES} ORDER BY s.n", selected())
}

pub(super) fn delete_statement() -> String {
    let (source, condition) = ADDRESSES.split_once(" JOIN cebe.events e ON ").expect("it is a join");
    format!("DELETE FROM cebe.events e USING {source} WHERE {condition}")
}

const ADDRESSES: &str = "unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::smallint[], $6::timestamptz[], \
     $7::timestamptz[]) WITH ORDINALITY AS s(company, month, commit, block, slot, first, last, n) \
     JOIN cebe.events e ON e.company_id = s.company AND e.log_commit = s.commit AND e.log_month = s.month \
     AND e.log_block = s.block AND e.log_slot = s.slot AND e.received_at >= s.first AND e.received_at < s.last";

/// The parameters of statements over addresses.
pub(super) fn address_parameters(addresses: &[Address]) -> Vec<Parameter<'_>> {
    fn column<'a, T: ToSql + Sync + Send + 'a>(
        addresses: &'a [Address],
        of: impl Fn(&'a Address) -> T,
    ) -> Parameter<'a> {
        Box::new(addresses.iter().map(of).collect::<Vec<T>>())
    }
    vec![
        column(addresses, |address| escaped(address.company.as_str())),
        column(addresses, |address| address.spot.month.cast_signed()),
        column(addresses, |address| address.spot.commit.cast_signed()),
        column(addresses, |address| address.spot.block.cast_signed()),
        column(addresses, |address| i16::from(address.spot.slot)),
        column(addresses, |address| Timestamp(month_start(address.spot.month))),
        column(addresses, |address| Timestamp(month_start(address.spot.month + 1))),
    ]
}

/// Rows in the format of a binary COPY.
pub(super) struct Copy(BytesMut);

impl Copy {
    pub(super) fn new(events: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(64 + events * 512);
        bytes.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        Self(bytes)
    }

    pub(super) fn finish(mut self) -> bytes::Bytes {
        self.0.put_i16(-1);
        self.0.freeze()
    }

    pub(super) fn event(&mut self, applied: &Applied, spot: Spot) {
        let event = &applied.event;
        self.0.put_i16(i16::try_from(COLUMNS.len()).expect("there are few columns"));
        self.text(event.header.company.as_str());
        self.time(event.header.received_at);
        self.int(spot.month.cast_signed());
        self.big(spot.commit.cast_signed());
        self.int(spot.block.cast_signed());
        self.small(spot.slot.into());
        self.text(event.header.module.as_str());
        self.text(event.name.as_str());
        self.text(event.id.as_str());
        self.time(event.event_at);
        self.or_null(event.sent_at, Self::time);
        self.anchor(event.anchor.as_ref());
        self.texts(event.identifiers.iter().map(node_text));
        let references = (!event.references.is_empty()).then(|| references_json(&event.references));
        self.or_null(references, |copy, json| copy.json(&json));
        let exact = self.actor(event.actor.as_ref());
        self.or_null(event.trigger_from.as_ref(), |copy, text| copy.text(text));
        self.or_null(event.description.as_ref(), |copy, text| copy.text(text));
        let (json, attributes) = shape::split(&Value::Map(event.attributes.clone()));
        self.json(&json);
        self.texts(event.warnings.iter().map(|warning| escaped(warning)));
        self.field(&[event.derived.into()]);
        self.small(event.header.lane as i16);
        self.big(applied.place.index.cast_signed());
        let exact = Exact { content: event.content, attributes, actor_name: exact };
        self.field(&postcard::to_allocvec(&exact).expect("it holds only types that postcard can write"));
    }

    fn anchor(&mut self, anchor: Option<&Node>) {
        match anchor.map(keys::node_cells) {
            Some([Cell::Text(kind), Cell::Text(id)]) => {
                self.field(kind.as_bytes());
                self.field(id.as_bytes());
            }
            _ => self.nulls(2),
        }
    }

    /// Kind, id and name; gives the shape of the name.
    fn actor(&mut self, actor: Option<&Actor>) -> Option<Vec<u8>> {
        let Some(actor) = actor else {
            self.nulls(3);
            return None;
        };
        self.text(&actor.kind);
        self.or_null(actor.id.as_ref(), |copy, id| copy.text(id));
        let (json, shape) = actor.name.as_ref().map(shape::split).unzip();
        self.or_null(json, |copy, json| copy.json(&json));
        shape
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.put_i32(i32::try_from(bytes.len()).expect("an event is far below 2 GiB"));
        self.0.put_slice(bytes);
    }

    fn nulls(&mut self, count: usize) {
        (0..count).for_each(|_| self.0.put_i32(-1));
    }

    fn or_null<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => put(self, value),
            None => self.nulls(1),
        }
    }

    fn text(&mut self, text: &str) {
        self.field(escaped(text).as_bytes());
    }

    fn time(&mut self, at: Micros) {
        self.big(Timestamp(at).micros());
    }

    fn big(&mut self, number: i64) {
        self.field(&number.to_be_bytes());
    }

    fn int(&mut self, number: i32) {
        self.field(&number.to_be_bytes());
    }

    fn small(&mut self, number: i16) {
        self.field(&number.to_be_bytes());
    }

    /// `jsonb` travels as text behind its version.
    fn json(&mut self, json: &str) {
        self.field(&[&[1], json.as_bytes()].concat());
    }

    /// An array of texts: dimensions, nulls, type, length and lower bound, then the items.
    fn texts(&mut self, texts: impl Iterator<Item = String>) {
        const TEXT_OID: u32 = 25;
        let texts: Vec<String> = texts.collect();
        let mut bytes = BytesMut::new();
        bytes.put_i32(i32::from(!texts.is_empty()));
        bytes.put_i32(0);
        bytes.put_u32(TEXT_OID);
        if !texts.is_empty() {
            bytes.put_i32(i32::try_from(texts.len()).expect("an event holds few texts"));
            bytes.put_i32(1);
        }
        for text in texts {
            bytes.put_i32(i32::try_from(text.len()).expect("a text of an event is short"));
            bytes.put_slice(text.as_bytes());
        }
        self.field(&bytes);
    }
}

/// A node in a list: always behind its kind.
fn node_text(node: &Node) -> String {
    match keys::node_cells(node) {
        [Cell::Text(kind), Cell::Text(id)] => format!("{kind}:{id}"),
        _ => unreachable!("a node's cells are texts"),
    }
}

fn node_of(text: &str) -> Option<Node> {
    let (kind, id) = text.split_once(':')?;
    keys::node(kind, Cell::Text(id.to_owned()))
}

#[derive(Serialize, Deserialize)]
struct ReferenceJson {
    anchor: String,
    identifiers: Vec<String>,
}

fn references_json(references: &[Reference]) -> String {
    let one = |reference: &Reference| ReferenceJson {
        anchor: node_text(&reference.anchor),
        identifiers: reference.identifiers.iter().map(node_text).collect(),
    };
    let references: Vec<ReferenceJson> = references.iter().map(one).collect();
    serde_json::to_string(&references).expect("texts are JSON")
}

fn references_of(json: &str) -> Option<Vec<Reference>> {
    let references: Vec<ReferenceJson> = serde_json::from_str(json).ok()?;
    let one = |reference: ReferenceJson| {
        let identifiers = reference.identifiers.iter().map(|text| node_of(text)).collect::<Option<_>>()?;
        Some(Reference { anchor: node_of(&reference.anchor)?, identifiers })
    };
    references.into_iter().map(one).collect()
}

/// An event read back: the columns begin at `first`.
pub(super) struct Read<'r> {
    row: &'r Row,
    first: usize,
}

impl<'r> Read<'r> {
    pub(super) fn new(row: &'r Row, first: usize) -> Self {
        Self { row, first }
    }

    fn get<T: tokio_postgres::types::FromSql<'r>>(&self, column: &str) -> Result<T> {
        let at = COLUMNS.iter().position(|name| *name == column).expect("it is one of the columns");
        Ok(self.row.try_get(self.first + at)?)
    }

    fn text(&self, column: &str) -> Result<String> {
        unescaped(self.get(column)?).ok_or(DAMAGED)
    }

    fn text_or_null(&self, column: &str) -> Result<Option<String>> {
        self.get::<Option<String>>(column)?.map(|text| unescaped(text).ok_or(DAMAGED)).transpose()
    }

    fn texts(&self, column: &str) -> Result<Vec<String>> {
        self.get(column)
    }

    /// Where it is: by this the log is read on.
    pub(super) fn spot(&self) -> Result<Spot> {
        Ok(Spot {
            month: self.get::<i32>("log_month")?.cast_unsigned(),
            commit: self.get::<i64>("log_commit")?.cast_unsigned(),
            block: self.get::<i32>("log_block")?.cast_unsigned(),
            slot: u8::try_from(self.get::<i16>("log_slot")?).map_err(|_| DAMAGED)?,
        })
    }

    pub(super) fn place(&self) -> Result<Place> {
        let lane = if self.get::<i16>("lane")? == 0 { Lane::Live } else { Lane::Backfill };
        Ok(Place { lane, index: self.get::<i64>("queue_index")?.cast_unsigned() })
    }

    pub(super) fn event(&self) -> Result<EventRecord> {
        let exact: Exact = postcard::from_bytes(self.get("exact")?).map_err(|_| DAMAGED)?;
        let Some(Value::Map(attributes)) = shape::join(self.get("attributes")?, &exact.attributes) else {
            return Err(DAMAGED);
        };
        let identifiers = self.texts("identifiers")?;
        let references =
            self.get::<Option<&str>>("customer_references")?.map(|json| references_of(json).ok_or(DAMAGED));
        Ok(EventRecord {
            header: Header {
                company: self.text("company_id")?.as_str().into(),
                module: self.text("source_module")?.as_str().into(),
                received_at: self.get::<Timestamp>("received_at")?.0,
                lane: self.place()?.lane,
            },
            name: self.text("event_name")?.as_str().into(),
            id: self.text("event_id")?.as_str().into(),
            derived: self.get("derived")?,
            content: exact.content,
            event_at: self.get::<Timestamp>("event_timestamp")?.0,
            sent_at: self.get::<Option<Timestamp>>("sent_at")?.map(|at| at.0),
            anchor: self.anchor()?,
            identifiers: identifiers.iter().map(|text| node_of(text)).collect::<Option<_>>().ok_or(DAMAGED)?,
            references: references.transpose()?.unwrap_or_default(),
            actor: self.actor(exact.actor_name)?,
            trigger_from: self.text_or_null("trigger_from")?.map(Into::into),
            description: self.text_or_null("description")?.map(Into::into),
            attributes,
            warnings: self.warnings()?,
        })
    }

    fn anchor(&self) -> Result<Option<Node>> {
        let Some(kind) = self.get::<Option<&str>>("anchor_kind")? else { return Ok(None) };
        keys::node(kind, Cell::Text(self.get("anchor_id")?)).map(Some).ok_or(DAMAGED)
    }

    fn actor(&self, name: Option<Vec<u8>>) -> Result<Option<Actor>> {
        let Some(kind) = self.text_or_null("actor_kind")? else { return Ok(None) };
        let name = match (name, self.get::<Option<&str>>("actor_name")?) {
            (Some(shape), Some(json)) => Some(shape::join(json, &shape).ok_or(DAMAGED)?),
            _ => None,
        };
        Ok(Some(Actor { kind: kind.into(), id: self.text_or_null("actor_id")?.map(Into::into), name }))
    }

    fn warnings(&self) -> Result<Vec<smol_str::SmolStr>> {
        let plain = |text: String| unescaped(text).map(Into::into).ok_or(DAMAGED);
        self.texts("warnings")?.into_iter().map(plain).collect()
    }
}
