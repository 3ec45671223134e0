//! Keys as columns: the parts that a key's bytes are made of, each a column or two whose order in the database is that of
//! the bytes. So a range of keys is a range of rows. An index takes no row of more than 2,700 bytes: what is long is cut
//! and ends in its hash, and the row keeps its exact key beside.

use super::cells::{Cell, Kind, escaped, unescaped};
use crate::key::{KeyReader, KeyWriter};
use cebe_catalog::{IdentifierKind, Micros, Node, Token, time::Day};

/// The name of a customer's own id among the kinds of nodes.
pub(super) const CUSTOMER: &str = "customer_id";
/// A business id's: nobody's.
const ENTITY: &str = "entity";

/// A part of a key. A `Last` one is what is left of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    LastText,
    Node,
    LastNode,
    Owner,
    Time,
    Day,
    Byte,
    LastBytes,
    LastTexts,
}

impl Part {
    /// The columns of a part: what is put behind its name, and of which kind.
    pub(super) fn columns(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::Text | Self::LastText => &[("", Kind::Text)],
            Self::Node | Self::LastNode | Self::Owner => &[("_kind", Kind::OfNode), ("_id", Kind::Text)],
            Self::Time => &[("", Kind::Time)],
            Self::Day => &[("", Kind::Day)],
            Self::Byte => &[("", Kind::Small)],
            Self::LastBytes => &[("", Kind::Bytes)],
            Self::LastTexts => &[("", Kind::Texts)],
        }
    }

    fn read(self, key: &mut KeyReader<'_>, long: Long, cells: &mut Vec<Cell>) -> Option<()> {
        let text = |text: &str| Cell::Text(long.text(escaped(text)));
        let node = |node: &Node| match node_cells(node) {
            [kind, Cell::Text(id)] => [kind, Cell::Text(long.text(id))],
            cells => cells,
        };
        match self {
            Self::Text => cells.push(text(&key.text()?)),
            Self::LastText => cells.push(text(&key.rest_text()?)),
            Self::Node => cells.extend(node(&key.node()?)),
            Self::LastNode => cells.extend(node(&Node::from_bytes(key.rest())?)),
            Self::Owner => match key.byte()? {
                0 => cells.extend([Cell::Text(ENTITY.into()), Cell::Text(String::new())]),
                1 => cells.extend(node(&key.node()?)),
                _ => return None,
            },
            Self::Time => cells.push(Cell::Time(Micros(key.i64()?))),
            Self::Day => cells.push(Cell::Day(Day(key.i32()?))),
            Self::Byte => cells.push(Cell::Small(key.byte()?.into())),
            Self::LastBytes => cells.push(Cell::Bytes(long.bytes(key.rest()))),
            Self::LastTexts => {
                let mut texts = Vec::new();
                while !key.is_empty() {
                    texts.push(long.text(escaped(&key.text()?)));
                }
                cells.push(Cell::Texts(texts));
            }
        }
        Some(())
    }

    fn write(self, key: KeyWriter, cells: &mut impl Iterator<Item = Cell>) -> Option<KeyWriter> {
        let cell = cells.next()?;
        Some(match (self, cell) {
            (Self::Text, Cell::Text(text)) => key.text(&unescaped(text)?),
            (Self::LastText, Cell::Text(text)) => key.raw(unescaped(text)?.as_bytes()),
            (Self::Node, Cell::Text(kind)) => key.node(&node(&kind, cells.next()?)?),
            (Self::LastNode, Cell::Text(kind)) => key.raw(&node(&kind, cells.next()?)?.to_bytes()),
            (Self::Owner, Cell::Text(kind)) => match (&*kind, cells.next()?) {
                (ENTITY, _) => key.byte(0),
                (kind, id) => key.byte(1).node(&node(kind, id)?),
            },
            (Self::Time, Cell::Time(at)) => key.i64(at.0),
            (Self::Day, Cell::Day(day)) => key.i32(day.0),
            (Self::Byte, Cell::Small(number)) => key.byte(u8::try_from(number).ok()?),
            (Self::LastBytes, Cell::Bytes(bytes)) => key.raw(&bytes),
            (Self::LastTexts, Cell::Texts(texts)) => {
                texts.into_iter().try_fold(key, |key, text| Some(key.text(&unescaped(text)?)))?
            }
            _ => return None,
        })
    }
}

/// What becomes of a part that is longer than an index likes.
#[derive(Clone, Copy)]
enum Long {
    /// Its beginning and its hash: equal for equal parts, and for no others.
    Hashed,
    /// What no part of the same beginning lies before.
    Low,
    /// What no part of the same beginning lies behind.
    High,
}

/// The longest part that is kept as it is, and what is kept of a longer one.
const PART_BYTES_MAX: usize = 256;
const KEPT_BYTES: usize = 192;
/// Stands in no escaped text.
const CUT: &str = "\u{1}\u{3}";

impl Long {
    fn text(self, text: String) -> String {
        if text.len() <= PART_BYTES_MAX {
            return text;
        }
        let kept = &text[..text.floor_char_boundary(KEPT_BYTES)];
        match self {
            Self::Hashed => format!("{kept}{CUT}{}", blake3::hash(text.as_bytes()).to_hex().split_at(32).0),
            Self::Low => kept.to_owned(),
            Self::High => format!("{kept}{}", char::MAX),
        }
    }

    fn bytes(self, bytes: &[u8]) -> Vec<u8> {
        if bytes.len() <= PART_BYTES_MAX {
            return bytes.to_vec();
        }
        let kept = &bytes[..KEPT_BYTES];
        match self {
            Self::Hashed => [kept, &blake3::hash(bytes).as_bytes()[..16]].concat(),
            Self::Low => kept.to_vec(),
            Self::High => [kept, &[u8::MAX; 17]].concat(),
        }
    }
}

/// A node's two columns.
pub(super) fn node_cells(node: &Node) -> [Cell; 2] {
    let (kind, id) = match node {
        Node::Customer(id) => (CUSTOMER, escaped(id)),
        Node::Token(kind, token) => (kind.as_str(), token.to_hex()),
    };
    [Cell::Text(kind.into()), Cell::Text(id)]
}

/// The node of two columns.
pub(super) fn node(kind: &str, id: Cell) -> Option<Node> {
    let Cell::Text(id) = id else { return None };
    match kind {
        CUSTOMER => Some(Node::Customer(unescaped(id)?.into())),
        kind => Some(Node::Token(IdentifierKind::parse(kind)?, Token::from_hex(&id)?)),
    }
}

/// The cells of a whole key; `None` when the bytes are not one.
pub(super) fn cells(parts: &[Part], bytes: &[u8]) -> Option<Vec<Cell>> {
    let (mut key, mut cells) = (KeyReader::new(bytes), Vec::with_capacity(parts.len() + 1));
    parts.iter().try_for_each(|part| part.read(&mut key, Long::Hashed, &mut cells))?;
    key.is_empty().then_some(cells)
}

/// The key itself, when its cells do not hold all of it.
pub(super) fn long(parts: &[Part], bytes: &[u8], cells: &[Cell]) -> Cell {
    // A part that was cut is longer than this; most keys are not, as a whole.
    let may_be_cut = bytes.len() > PART_BYTES_MAX / 2;
    let is_whole = !may_be_cut || self::bytes(parts, cells.iter().cloned()).is_some_and(|key| key == bytes);
    if is_whole { Cell::Null } else { Cell::Bytes(bytes.to_vec()) }
}

/// The bytes of a key.
pub(super) fn bytes(parts: &[Part], cells: impl Iterator<Item = Cell>) -> Option<Vec<u8>> {
    let mut cells = cells;
    let key = parts.iter().try_fold(KeyWriter::new(), |key, part| part.write(key, &mut cells))?;
    Some(key.finish())
}

/// The cells of a beginning of keys that ends where a part does; `None` when it ends elsewhere.
pub(super) fn prefix(parts: &[Part], bytes: &[u8]) -> Option<Vec<Cell>> {
    let (cells, whole) = beginning(parts, bytes, Long::Hashed);
    whole.then_some(cells)
}

/// The cells of the parts that stand whole at the beginning of some bytes, and whether nothing is left behind them.
fn beginning(parts: &[Part], bytes: &[u8], long: Long) -> (Vec<Cell>, bool) {
    let (mut key, mut cells) = (KeyReader::new(bytes), Vec::new());
    for part in parts {
        let known = cells.len();
        if key.is_empty() {
            break;
        }
        if part.read(&mut key, long, &mut cells).is_none() {
            cells.truncate(known);
            return (cells, false);
        }
    }
    (cells, key.is_empty())
}

/// The cells that no key of a range lies before.
pub(super) fn lower(parts: &[Part], start: &[u8]) -> Vec<Cell> {
    beginning(parts, start, Long::Low).0
}

/// The cells that no key before the end of a range lies behind. The first key behind a prefix ends in 1 where the prefix
/// had the 0 that closes its last part.
pub(super) fn upper(parts: &[Part], end: &[u8]) -> Vec<Cell> {
    let (known, whole) = beginning(parts, end, Long::High);
    match end.split_last() {
        Some((1, start)) if !whole => {
            let (closed, whole) = beginning(parts, &[start, &[0]].concat(), Long::High);
            if whole { closed } else { known }
        }
        _ => known,
    }
}
