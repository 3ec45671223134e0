//! The mapping file: TOML with `[columns]` (column = field, or a table with `to` and how to read the cell) and
//! `[constants]`. Fields are envelope fields, or `event_attributes.NAME` and `identifiers.KIND`.

use std::collections::BTreeMap;

use cebe_catalog::envelope::FIELDS;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::CsvError;

/// Fields that hold others.
const NESTED: [&str; 4] = ["event_attributes", "identifiers", "actor", "producer"];

/// A mapping that was read and checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) delimiter: u8,
    pub(super) zone: TimeZone,
    pub(super) rules: Vec<Rule>,
    pub(super) constants: Vec<(Vec<String>, Value)>,
}

/// How a column becomes a field.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) column: String,
    pub(super) to: Vec<String>,
    pub(super) form: Form,
    pub(super) values: BTreeMap<String, toml::Value>,
    pub(super) required: bool,
}

/// How a cell is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Text,
    /// A number; the decimal mark is given.
    Number {
        /// `.` or `,`.
        decimal: char,
    },
    /// true/false, yes/no, 1/0.
    Bool,
    /// Several texts.
    List {
        /// Between them.
        split: String,
    },
    /// JSON as it stands in the cell.
    Json,
    /// An instant, in one of these forms.
    Time(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    delimiter: Option<String>,
    zone: Option<String>,
    #[serde(default)]
    constants: toml::Table,
    columns: BTreeMap<String, Targets>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    Field(String),
    One(Target),
    Many(Vec<Target>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    to: String,
    #[serde(rename = "as")]
    form: Option<String>,
    time: Option<Times>,
    decimal: Option<String>,
    split: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, toml::Value>,
    #[serde(default)]
    required: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Times {
    One(String),
    Many(Vec<String>),
}

impl Mapping {
    /// Reads a mapping file's text.
    pub fn parse(text: &str) -> Result<Self, CsvError> {
        let file: File = toml::from_str(text).map_err(|error| CsvError::Mapping(error.to_string()))?;
        let zone = file.zone.as_deref().unwrap_or("UTC");
        let zone = TimeZone::get(zone).map_err(|_| wrong(format!("{zone:?} is no IANA zone, such as Asia/Jakarta")))?;
        let mut constants = Vec::new();
        flatten(&[], &file.constants, &mut constants)?;
        let mut rules = Vec::new();
        for (column, targets) in file.columns {
            let targets = match targets {
                Targets::Field(to) => vec![Target { to, ..Target::plain() }],
                Targets::One(target) => vec![target],
                Targets::Many(targets) => targets,
            };
            for target in targets {
                rules.push(rule(&column, target)?);
            }
        }
        if rules.is_empty() {
            return Err(wrong("[columns] is empty"));
        }
        Ok(Self { delimiter: delimiter(file.delimiter.as_deref())?, zone, rules, constants })
    }
}

impl Target {
    fn plain() -> Self {
        let (to, values) = (String::new(), BTreeMap::new());
        Self { to, form: None, time: None, decimal: None, split: None, values, required: false }
    }
}

fn wrong(what: impl Into<String>) -> CsvError {
    CsvError::Mapping(what.into())
}

fn delimiter(text: Option<&str>) -> Result<u8, CsvError> {
    match text {
        None => Ok(b','),
        Some("tab" | "\t") => Ok(b'\t'),
        Some(text) if text.len() == 1 => Ok(text.as_bytes()[0]),
        Some(_) => Err(wrong("delimiter is one character, or \"tab\"")),
    }
}

fn rule(column: &str, target: Target) -> Result<Rule, CsvError> {
    let form = form(&target).map_err(|what| wrong(format!("column {column:?}: {what}")))?;
    let to = path(&target.to).map_err(|what| wrong(format!("column {column:?}: {what}")))?;
    // Times of the envelope are always instants.
    let is_time = to.len() == 1 && matches!(to[0].as_str(), "event_timestamp" | "sent_at");
    let form = if is_time && form == Form::Text { Form::Time(vec!["rfc3339".into()]) } else { form };
    Ok(Rule { column: column.to_owned(), to, form, values: target.values, required: target.required })
}

fn form(target: &Target) -> Result<Form, String> {
    if let Some(times) = &target.time {
        return Ok(Form::Time(match times {
            Times::One(form) => vec![form.clone()],
            Times::Many(forms) => forms.clone(),
        }));
    }
    if let Some(split) = &target.split {
        return Ok(Form::List { split: split.clone() });
    }
    match target.form.as_deref() {
        None | Some("text") => Ok(Form::Text),
        Some("number") => match target.decimal.as_deref() {
            None | Some(".") => Ok(Form::Number { decimal: '.' }),
            Some(",") => Ok(Form::Number { decimal: ',' }),
            Some(_) => Err("decimal is \".\" or \",\"".into()),
        },
        Some("bool") => Ok(Form::Bool),
        Some("json") => Ok(Form::Json),
        Some(other) => Err(format!("as = {other:?} is not known; use text, number, bool or json, or time and split")),
    }
}

/// A field's path, checked against the envelope.
fn path(text: &str) -> Result<Vec<String>, String> {
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let first = parts.first().map_or("", String::as_str);
    let known = || FIELDS.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
    if !FIELDS.iter().any(|field| field.name == first) && first != "producer" {
        return Err(format!("{text:?} is no field; use event_attributes.NAME, identifiers.KIND or one of {}", known()));
    }
    if parts.iter().any(String::is_empty) {
        return Err(format!("{text:?} has an empty part"));
    }
    let is_nested = NESTED.contains(&first);
    match parts.len() {
        1 if is_nested => Err(format!("{text:?} holds fields: name one, such as {text}.NAME")),
        1 => Ok(parts),
        _ if is_nested => Ok(parts),
        _ => Err(format!("{first} holds no fields")),
    }
}

fn flatten(before: &[String], table: &toml::Table, out: &mut Vec<(Vec<String>, Value)>) -> Result<(), CsvError> {
    for (name, value) in table {
        let mut parts = before.to_vec();
        parts.extend(name.split('.').map(str::to_owned));
        match value {
            toml::Value::Table(inner) => flatten(&parts, inner, out)?,
            value => {
                let text = parts.join(".");
                path(&text).map_err(|what| wrong(format!("constant {text:?}: {what}")))?;
                out.push((parts, json(value)));
            }
        }
    }
    Ok(())
}

/// A TOML value as JSON; its times become text.
pub(super) fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(at) => Value::String(at.to_string()),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
