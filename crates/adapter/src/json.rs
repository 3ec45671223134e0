//! Reads one event's JSON strictly into a tree that borrows from the bytes: numbers keep their exact text, duplicate keys,
//! NUL, lone surrogates, depth and counts are found on the way, and hostile nesting cannot overflow the stack.
//! (A general reader hands numbers over as floats, and money must not pass through one.)

use crate::fault::{Fault, shown_key};
use cebe_catalog::{
    QuarantineCode,
    limits::{ATTRIBUTES_MAX, LIST_ITEMS_MAX, NESTING_DEPTH_MAX},
};
use smol_str::SmolStr;
use std::{borrow::Cow, ops::Range};

mod number;
mod text;
mod write;

pub(crate) use number::canonical_number;
pub(crate) use write::to_text;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    /// Keys in the order they came, each once.
    Map(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// A field of an object, unless it is absent or null.
    pub(crate) fn field(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Self::Map(fields) => fields.iter().find(|(key, value)| key == name && !value.is_null()).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Is it null?
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// What was read, and the first rule that it breaks although it is JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed<'a> {
    pub(crate) tree: Json<'a>,
    pub(crate) fault: Option<Fault>,
}

/// The bytes are not one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads one JSON value that fills `raw`.
pub(crate) fn read(raw: &[u8]) -> Result<Parsed<'_>, Malformed> {
    let text = std::str::from_utf8(raw).map_err(|_| Malformed)?;
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, path: Vec::new(), lists: 0, keys: 0, fault: None };
    let tree = reader.value()?;
    reader.space();
    if reader.at != text.len() {
        return Err(Malformed);
    }
    Ok(Parsed { tree, fault: reader.fault })
}

/// A step from a value to one inside it: the key as it is written, or the place in a list.
enum Step {
    Key(Range<usize>),
    Item(usize),
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    path: Vec<Step>,
    /// How many lists surround the place.
    lists: usize,
    /// Keys seen outside lists, below the envelope.
    keys: usize,
    fault: Option<Fault>,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Json<'a>, Malformed> {
        self.space();
        match self.bytes.get(self.at).ok_or(Malformed)? {
            b'{' | b'[' if self.path.len() > NESTING_DEPTH_MAX => {
                self.note(QuarantineCode::TooDeep);
                self.skip_nested()?;
                Ok(Json::Null)
            }
            b'{' => self.map(),
            b'[' => self.list(),
            b'"' => Ok(Json::Text(self.string()?)),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn map(&mut self) -> Result<Json<'a>, Malformed> {
        let mut fields: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        self.at += 1;
        if self.take_after_space(b'}') {
            return Ok(Json::Map(fields));
        }
        loop {
            self.space();
            let from = self.at;
            let key = self.string()?;
            self.path.push(Step::Key(from + 1..self.at - 1));
            if !self.take_after_space(b':') {
                return Err(Malformed);
            }
            let keep = self.count_key(fields.len());
            let value = self.value()?;
            if keep && fields.iter().any(|(other, _)| *other == key) {
                self.note(QuarantineCode::DuplicateKey);
            } else if keep {
                fields.push((key, value));
            }
            self.path.pop();
            match self.after_member(b'}')? {
                true => {}
                false => return Ok(Json::Map(fields)),
            }
        }
    }

    /// Counts one more key; one too many is noted and not kept.
    fn count_key(&mut self, in_this_map: usize) -> bool {
        if self.path.len() > 2 && self.lists == 0 {
            self.keys += 1;
        }
        // The envelope's own keys are kept whatever came before them: they tell where the refusal is counted.
        if (self.keys > ATTRIBUTES_MAX && self.path.len() > 1) || in_this_map >= 2 * ATTRIBUTES_MAX {
            self.note_at_parent(QuarantineCode::TooMany);
            return false;
        }
        let keys_max = if self.path.len() > 1 { ATTRIBUTES_MAX } else { 2 * ATTRIBUTES_MAX };
        if in_this_map >= keys_max {
            self.note_at_parent(QuarantineCode::TooMany);
            return false;
        }
        true
    }

    fn list(&mut self) -> Result<Json<'a>, Malformed> {
        let mut items = Vec::new();
        self.at += 1;
        if self.take_after_space(b']') {
            return Ok(Json::List(items));
        }
        self.lists += 1;
        for index in 0.. {
            self.path.push(Step::Item(index));
            let value = self.value()?;
            self.path.pop();
            if index < LIST_ITEMS_MAX {
                items.push(value);
            } else {
                self.note(QuarantineCode::TooMany);
            }
            if !self.after_member(b']')? {
                break;
            }
        }
        self.lists -= 1;
        Ok(Json::List(items))
    }

    /// After a member: is there another one (`,`), or is it the end?
    fn after_member(&mut self, end: u8) -> Result<bool, Malformed> {
        self.space();
        let byte = *self.bytes.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        match byte {
            b',' => Ok(true),
            byte if byte == end => Ok(false),
            _ => Err(Malformed),
        }
    }

    fn take_after_space(&mut self, wanted: u8) -> bool {
        self.space();
        let there = self.bytes.get(self.at) == Some(&wanted);
        self.at += usize::from(there);
        there
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, Malformed> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Json<'a>, Malformed> {
        let length = number::length(&self.bytes[self.at..]).ok_or(Malformed)?;
        let written = &self.text[self.at..self.at + length];
        self.at += length;
        Ok(Json::Number(written))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let found = text::read(self.text, self.at).ok_or(Malformed)?;
        self.at = found.end;
        if found.unfit {
            self.note(QuarantineCode::InvalidText);
        }
        Ok(found.text)
    }

    /// Steps over a nested value without recursion; only its brackets and strings are looked at.
    fn skip_nested(&mut self) -> Result<(), Malformed> {
        let mut open = 0_usize;
        loop {
            match *self.bytes.get(self.at).ok_or(Malformed)? {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'"' => self.at = text::read(self.text, self.at).ok_or(Malformed)?.end - 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn note(&mut self, code: QuarantineCode) {
        if self.fault.is_none() {
            self.fault = Some(Fault { code, path: self.shown_path(self.path.len()), hint: None });
        }
    }

    fn note_at_parent(&mut self, code: QuarantineCode) {
        if self.fault.is_none() {
            self.fault = Some(Fault { code, path: self.shown_path(self.path.len() - 1), hint: None });
        }
    }

    fn shown_path(&self, length: usize) -> Option<SmolStr> {
        let mut shown = String::new();
        for step in &self.path[..length] {
            match step {
                Step::Key(range) => {
                    if !shown.is_empty() {
                        shown.push('.');
                    }
                    shown.push_str(&shown_key(&self.text[range.clone()]));
                }
                Step::Item(index) => shown.push_str(&format!("[{index}]")),
            }
        }
        (!shown.is_empty()).then(|| shown.into())
    }
}

#[cfg(test)]
mod tests;
