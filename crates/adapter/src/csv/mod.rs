//! CSV as events: a mapping file says which column becomes which field. Rows come in, events as JSON go out; whatever
//! does not fit is told with its line and column, before anything is sent.

mod cell;
mod mapping;
#[cfg(test)]
mod tests;

use std::io::Read;

use serde_json::{Map, Value};

pub use mapping::Mapping;
use mapping::Rule;

/// What is wrong with a row or a mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// The mapping file.
    #[error("the mapping: {0}")]
    Mapping(String),
    /// A column that the mapping names and the file lacks.
    #[error("line 1: there is no column {column:?}; the file has {}", .has.join(", "))]
    NoColumn {
        /// As the mapping names it.
        column: String,
        /// As the file names its own.
        has: Vec<String>,
    },
    /// A cell.
    #[error("line {line}, column {column:?}: {what}")]
    Cell {
        /// From 1, the header is line 1.
        line: u64,
        /// Its header.
        column: String,
        /// What would fit: rules, never the value.
        what: String,
    },
    /// A row that cannot be cut into cells.
    #[error("line {line}: {what}")]
    Row {
        /// From 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// Turns rows into events and hands each over. Stops at the first that does not fit.
pub fn events(
    mapping: &Mapping,
    csv: impl Read,
    hand_over: &mut dyn FnMut(Value) -> std::io::Result<()>,
) -> Result<u64, CsvError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(mapping.delimiter).flexible(false).from_reader(csv);
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let header: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let places = places(mapping, &header)?;
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    while reader.read_record(&mut record).map_err(|error| broken(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let event = event(mapping, &places, &record, line)?;
        hand_over(event).map_err(|error| CsvError::Row { line, what: format!("cannot be written down: {error}") })?;
        rows += 1;
    }
    Ok(rows)
}

fn broken(error: &csv::Error) -> CsvError {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells, the header has {expected_len}; quote cells that hold the delimiter")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it cannot be read".to_owned(),
    };
    CsvError::Row { line, what }
}

/// Where each rule finds its cell.
fn places<'m>(mapping: &'m Mapping, header: &[String]) -> Result<Vec<(usize, &'m Rule)>, CsvError> {
    let place = |rule: &'m Rule| {
        let found = header.iter().position(|name| *name == rule.column);
        let missing = || CsvError::NoColumn { column: rule.column.clone(), has: header.to_vec() };
        Ok((found.ok_or_else(missing)?, rule))
    };
    mapping.rules.iter().map(place).collect()
}

fn event(
    mapping: &Mapping,
    places: &[(usize, &Rule)],
    record: &csv::StringRecord,
    line: u64,
) -> Result<Value, CsvError> {
    let mut event = Map::new();
    for (path, value) in &mapping.constants {
        put(&mut event, path, value.clone());
    }
    for (place, rule) in places {
        let text = record.get(*place).unwrap_or_default().trim();
        let fault = |what| CsvError::Cell { line, column: rule.column.clone(), what };
        match cell::value(rule, text, &mapping.zone).map_err(fault)? {
            Some(value) => put(&mut event, &rule.to, value),
            None if rule.required => {
                return Err(CsvError::Cell { line, column: rule.column.clone(), what: "must not be empty".into() });
            }
            None => {}
        }
    }
    event.entry("event_attributes").or_insert_with(|| Value::Object(Map::new()));
    Ok(Value::Object(event))
}

/// Puts a value at a path of field names. The mapping was checked, so no path leads through a plain value.
fn put(fields: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            fields.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let inner = fields.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
