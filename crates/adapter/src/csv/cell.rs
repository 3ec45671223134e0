//! One cell as a JSON value, in the form its rule says. Faults name the rule that is broken and never the value.

use cebe_catalog::Micros;
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use super::mapping::{Form, Rule, json};

/// The value of a trimmed cell; none for an empty one.
pub(super) fn value(rule: &Rule, text: &str, zone: &TimeZone) -> Result<Option<Value>, String> {
    if let Some(value) = rule.values.get(text) {
        return Ok(Some(json(value)));
    }
    if text.is_empty() {
        return Ok(None);
    }
    match &rule.form {
        Form::Text => Ok(Value::String(text.to_owned())),
        Form::Number { decimal } => number(text, *decimal),
        Form::Bool => truth(text),
        Form::List { split } => {
            Ok(text.split(split.as_str()).map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect())
        }
        Form::Json => serde_json::from_str(text).map_err(|_| "must be JSON".to_owned()),
        Form::Time(forms) => time(text, forms, zone),
    }
    .map(Some)
}

/// Digits stay as they are written, so that no amount is rounded.
fn number(text: &str, decimal: char) -> Result<Value, String> {
    let fault = || format!("must be a number with {decimal:?} as decimal mark");
    let thousands = if decimal == '.' { ',' } else { '.' };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (grouped, part) = digits.split_once(decimal).unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // A mark between thousands stands before every three digits, or it is a decimal mark of another country.
    let groups: Vec<&str> = grouped.split([thousands, ' ', '\u{a0}']).collect();
    let is_grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    let whole = groups.concat();
    if !is_grouped || !groups.iter().all(|group| is_digits(group)) || !is_digits(part) {
        return Err(fault());
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let sign = if text.starts_with('-') { "-" } else { "" };
    let written = match digits.contains(decimal) {
        true => format!("{sign}{whole}.{part}"),
        false => format!("{sign}{whole}"),
    };
    // What a JSON number of 64 bits cannot hold exactly goes as text, which the door reads as exactly.
    let exact = written.parse::<Number>().ok().filter(|number| number.to_string() == written);
    Ok(exact.map_or(Value::String(written), Value::Number))
}

fn truth(text: &str) -> Result<Value, String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Ok(true.into()),
        "false" | "no" | "n" | "0" => Ok(false.into()),
        _ => Err("must be true or false, yes or no, 1 or 0; other words go into values".into()),
    }
}

fn time(text: &str, forms: &[String], zone: &TimeZone) -> Result<Value, String> {
    // A two-digit year read as four digits is no year of any event.
    let in_range = |at: &Timestamp| Micros(at.as_microsecond()).in_range();
    let read = forms.iter().find_map(|form| instant(text, form, zone).filter(in_range));
    read.map(|at| Value::String(at.to_string())).ok_or_else(|| {
        let forms: Vec<String> = forms.iter().map(|form| format!("{form:?}")).collect();
        format!("must be a time in the form {}", forms.join(" or "))
    })
}

fn instant(text: &str, form: &str, zone: &TimeZone) -> Option<Timestamp> {
    match form {
        "rfc3339" => text.parse().ok(),
        "epoch_s" => Timestamp::from_second(text.parse().ok()?).ok(),
        "epoch_ms" => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        form => {
            let read = strtime::parse(form, text).ok()?;
            // A form with an offset says the instant itself.
            if let Ok(at) = read.to_timestamp() {
                return Some(at);
            }
            let civil = match read.to_datetime() {
                Ok(civil) => civil,
                Err(_) => read.to_date().ok()?.to_datetime(jiff::civil::Time::midnight()),
            };
            civil.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
        }
    }
}
