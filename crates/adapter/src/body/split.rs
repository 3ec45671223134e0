//! Cuts a body into raw events: one object, an array, or one value a line. Only brackets and strings are looked at, so
//! that one unreadable event does not take the others with it.

use cebe_catalog::limits::BATCH_EVENTS_MAX;

/// More events than one request may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request holds more than {BATCH_EVENTS_MAX} events")]
pub(crate) struct SplitError;

/// The raw events of a body, in order. `lines` says that the sender declared one value a line.
pub(crate) fn split(body: &[u8], lines: bool) -> Result<Vec<&[u8]>, SplitError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let found = match body.first() {
        _ if lines => by_line(body),
        Some(b'[') => of_array(body),
        _ if end_of_value(body, 0) == Some(body.len()) => vec![body],
        _ => by_line(body),
    };
    if found.len() > BATCH_EVENTS_MAX { Err(SplitError) } else { Ok(found) }
}

fn by_line(body: &[u8]) -> Vec<&[u8]> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).take(BATCH_EVENTS_MAX + 1).collect()
}

/// Elements between `[` and its `]`; what follows it, or a cut last element, is one more raw event that will not parse.
fn of_array(body: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut at = 1;
    while found.len() <= BATCH_EVENTS_MAX {
        let end = end_of_element(body, at);
        let element = body[at..end].trim_ascii();
        let closes = body.get(end) == Some(&b']');
        let only = found.is_empty() && closes;
        if !(element.is_empty() && (only || end == body.len())) {
            found.push(element);
        }
        if closes {
            let rest = body[end + 1..].trim_ascii();
            found.extend((!rest.is_empty()).then_some(rest));
        }
        if closes || end == body.len() {
            break;
        }
        at = end + 1;
    }
    found
}

/// Where the element that begins at `at` ends: at its `,` or `]`, or at the end of the body.
fn end_of_element(body: &[u8], mut at: usize) -> usize {
    let mut open = 0_usize;
    while let Some(byte) = body.get(at) {
        match byte {
            b',' | b']' if open == 0 => return at,
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            b'"' => at = end_of_string(body, at),
            _ => {}
        }
        at += 1;
    }
    body.len()
}

/// Where the bracketed value that begins at `at` ends; `None` when it does not, or is no bracket.
fn end_of_value(body: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 0_usize;
    while let Some(byte) = body.get(at) {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.checked_sub(1)?,
            b'"' => at = end_of_string(body, at),
            _ => {}
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// The place of the closing quote of the string that opens at `at`, or the last byte.
fn end_of_string(body: &[u8], at: usize) -> usize {
    let mut inside = at + 1;
    while let Some(byte) = body.get(inside) {
        match byte {
            b'"' => return inside,
            b'\\' => inside += 2,
            _ => inside += 1,
        }
    }
    body.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &str) -> Vec<String> {
        split(body.as_bytes(), false).unwrap().into_iter().map(|raw| String::from_utf8(raw.to_vec()).unwrap()).collect()
    }

    #[test]
    fn every_form_is_cut_into_its_events() {
        assert_eq!(cut("{\n \"a\": 1\n}"), ["{\n \"a\": 1\n}"]);
        assert_eq!(cut("[{\"a\":\"],{\"}, {\"b\":[1,2]}]"), ["{\"a\":\"],{\"}", "{\"b\":[1,2]}"]);
        assert_eq!(cut("{\"a\":1}\r\n\r\n{\"b\":2}\n"), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(cut("{\"a\":1}\n{\"b\":\n{\"c\":3}"), ["{\"a\":1}", "{\"b\":", "{\"c\":3}"]);
        assert_eq!(cut("[]"), Vec::<String>::new());
        assert_eq!(cut("[{\"a\":1},{\"b\":"), ["{\"a\":1}", "{\"b\":"]);
        assert_eq!(cut("[{\"a\":1},,{\"b\":2}]"), ["{\"a\":1}", "", "{\"b\":2}"]);
        assert_eq!(cut("[{\"a\":1}] x"), ["{\"a\":1}", "x"]);
        assert_eq!(cut(" \n"), Vec::<String>::new());
    }

    #[test]
    fn too_many_events_are_told() {
        let body = format!("[{}1]", "1,".repeat(BATCH_EVENTS_MAX));
        assert_eq!(split(body.as_bytes(), false), Err(SplitError));
        let body = "1\n".repeat(BATCH_EVENTS_MAX + 1);
        assert_eq!(split(body.as_bytes(), true), Err(SplitError));
    }
}
