//! The timeline. Key: company, anchor, then event time, id (1 and the bytes of a UUID, or 2 and text), name and module, all
//! bytewise inverted so that the newest comes first. Value: where the body is.

use super::{
    Address, Spot,
    seen::{uuid_bytes, uuid_text},
};
use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{CompanyId, EventId, EventName, EventRecord, Micros, Node, SourceModule};
use std::cmp::Ordering;

const UUID: u8 = 1;
const TEXT: u8 = 2;

/// Key of a timeline row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StrandKey {
    pub(crate) company: CompanyId,
    pub(crate) anchor: Node,
    pub(crate) cursor: TimelineCursor,
}

/// A place in the order of the timeline: by event time, then by id (UUIDs before other texts), name and module. The
/// same for every anchor, so that the timelines of one person's anchors can be merged by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineCursor {
    /// When it happened.
    pub at: Micros,
    /// The event's id.
    pub id: EventId,
    /// The event's name.
    pub name: EventName,
    /// Its source.
    pub module: SourceModule,
}

impl TimelineCursor {
    /// The cursor of an event.
    pub fn of(event: &EventRecord) -> Self {
        let (id, name, module) = (event.id.clone(), event.name.clone(), event.header.module.clone());
        Self { at: event.event_at, id, name, module }
    }

    fn write(&self, key: KeyWriter) -> KeyWriter {
        let key = key.i64_descending(self.at.0);
        let key = match uuid_bytes(self.id.as_str()) {
            Some(bytes) => key.byte(!UUID).raw(&bytes.map(|byte| !byte)),
            None => key.byte(!TEXT).bytes_descending(self.id.as_str().as_bytes()),
        };
        key.bytes_descending(self.name.as_str().as_bytes()).bytes_descending(self.module.as_str().as_bytes())
    }

    fn read(key: &mut KeyReader<'_>) -> Option<Self> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        let at = Micros(key.i64_descending()?);
        let id = match !key.byte()? {
            UUID => uuid_text(&key.array::<16>()?.map(|byte| !byte)),
            TEXT => text(key.bytes_descending()?)?,
            _ => return None,
        };
        let name = EventName::new(text(key.bytes_descending()?)?);
        let module = SourceModule::new(text(key.bytes_descending()?)?);
        Some(Self { at, id: EventId::new(id), name, module })
    }

    fn parts(&self) -> impl Ord + '_ {
        let uuid = uuid_bytes(self.id.as_str()).is_none();
        (self.at, uuid, self.id.as_str(), self.name.as_str(), self.module.as_str())
    }
}

impl Ord for TimelineCursor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for TimelineCursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl StrandKey {
    /// What all rows of one anchor begin with.
    pub(crate) fn prefix(company: &CompanyId, anchor: &Node) -> Vec<u8> {
        KeyWriter::company(company).node(anchor).finish()
    }
}

impl Stored for StrandKey {
    const TABLE: Table = Table::Strand;
    type Row = Spot;

    fn to_key(&self) -> Vec<u8> {
        self.cursor.write(KeyWriter::company(&self.company).node(&self.anchor)).finish()
    }
}

impl ReadBack for StrandKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, anchor) = (key.company()?, key.node()?);
        let cursor = TimelineCursor::read(&mut key)?;
        key.is_empty().then_some(Self { company, anchor, cursor })
    }
}

/// A row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineRow {
    /// When it happened.
    pub at: Micros,
    /// The event's name.
    pub name: EventName,
    /// The event's id.
    pub id: EventId,
    /// Its source.
    pub module: SourceModule,
    /// Where its body is.
    pub address: Address,
}

impl TimelineRow {
    /// Its place in the order.
    pub fn cursor(&self) -> TimelineCursor {
        TimelineCursor { at: self.at, id: self.id.clone(), name: self.name.clone(), module: self.module.clone() }
    }

    pub(crate) fn new(key: StrandKey, spot: Spot) -> Self {
        let TimelineCursor { at, id, name, module } = key.cursor;
        Self { at, name, id, module, address: Address { company: key.company, spot } }
    }
}
