//! How texts that come again and again are written in stored rows: UUIDs as sixteen bytes, known words by number. Rows
//! for people (JSON) keep the texts.

mod id;
mod word;

pub use id::{uuid_bytes, uuid_text};

use cebe_catalog::{EventId, Micros, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Ids of events.
pub(crate) mod event_id {
    pub(crate) use super::id::{deserialize, serialize};
}

/// A word: the name of an event, step or field.
pub(crate) mod word_text {
    pub(crate) use super::word::{deserialize, serialize};
}

/// Named values.
pub(crate) mod fields {
    use super::{Deserialize, Deserializer, Serializer, SmolStr, Value, word::Word};
    use alloc::{borrow::Cow, vec::Vec};

    pub(crate) fn serialize<S: Serializer>(fields: &[(SmolStr, Value)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(fields.iter().map(|(name, value)| (Word(Cow::Borrowed(name)), value)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(SmolStr, Value)>, D::Error> {
        let fields = Vec::<(Word<'_>, Value)>::deserialize(from)?;
        Ok(fields.into_iter().map(|(name, value)| (name.0.into_owned(), value)).collect())
    }
}

/// Events by time, name and id.
pub(crate) mod events {
    use super::{Deserialize, Deserializer, EventId, Micros, Serialize, Serializer, SmolStr, id::Id, word::Word};
    use alloc::{borrow::Cow, sync::Arc, vec::Vec};

    type Event = (Micros, SmolStr, EventId);

    pub(crate) fn serialize<S: Serializer>(events: &[Event], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            events.iter().map(|(at, name, id)| Packed(*at, Word(Cow::Borrowed(name)), Id(Cow::Borrowed(id)))),
        )
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Vec<Event>>, D::Error> {
        let events = Vec::<Packed<'_>>::deserialize(from)?;
        let unpacked = events.into_iter().map(|Packed(at, name, id)| (at, name.0.into_owned(), id.0.into_owned()));
        Ok(Arc::new(unpacked.collect()))
    }

    #[derive(Serialize, Deserialize)]
    struct Packed<'a>(Micros, Word<'a>, Id<'a>);
}
