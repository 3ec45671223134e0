//! Instants, days and periods, and whether the time of an event can be accepted.

use super::numbers::amount;
use crate::{fault::Fault, json::Json};
use cebe_catalog::{
    Micros, QuarantineCode, Value,
    limits::{FUTURE_MINUTES_MAX, RETENTION_MARGIN_DAYS},
    time::{DAY, Day, MINUTE},
};

/// A month of the retention: a twelfth of 365.25 days.
const MONTH: i64 = DAY * 1461 / 48;
/// A publisher's clock further off than this is not corrected but wrong.
const SKEW_MAX: i64 = DAY;

/// RFC 3339 with a zone, or epoch milliseconds.
pub(crate) fn instant(value: &Json<'_>) -> Result<Micros, Fault> {
    let at = match value {
        Json::Text(text) => Micros::parse(text.trim()).ok_or_else(unreadable)?,
        Json::Number(text) => match amount(text) {
            Ok(millis) => Micros(millis.0 / 1_000),
            Err(fault) if fault.code == QuarantineCode::OutOfRange => return Err(QuarantineCode::TimeOutOfRange.into()),
            Err(_) => return Err(unreadable()),
        },
        _ => return Err(Fault::new(QuarantineCode::InvalidType).with_hint(FORMS)),
    };
    if at.in_range() { Ok(at) } else { Err(QuarantineCode::TimeOutOfRange.into()) }
}

const FORMS: &str = "send RFC 3339 with a zone, such as 2025-11-03T09:15:00+07:00, or epoch milliseconds";

fn unreadable() -> Fault {
    Fault::new(QuarantineCode::InvalidAttribute).with_hint(FORMS)
}

/// May an event of this time be accepted?
pub(crate) fn is_acceptable(
    at: Micros,
    sent_at: Option<Micros>,
    received_at: Micros,
    retention_months: u32,
) -> Result<(), Fault> {
    let skew = sent_at.map_or(0, |sent| received_at.0 - sent.0);
    let corrected = if skew.abs() <= SKEW_MAX { at.plus(skew) } else { at };
    if corrected > received_at.plus(FUTURE_MINUTES_MAX * MINUTE) {
        return Err(QuarantineCode::FutureTimestamp.into());
    }
    let kept = i64::from(retention_months).saturating_mul(MONTH) - RETENTION_MARGIN_DAYS * DAY;
    if retention_months > 0 && at < received_at.plus(-kept) {
        return Err(QuarantineCode::TooOld.into());
    }
    Ok(())
}

/// A calendar day.
pub(super) fn date(value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Text(text) = value else { return Err(QuarantineCode::InvalidType.into()) };
    day(text).map(Value::Date)
}

fn day(text: &str) -> Result<Day, Fault> {
    let day =
        Day::parse(text).ok_or_else(|| Fault::new(QuarantineCode::InvalidAttribute).with_hint("send YYYY-MM-DD"))?;
    if Micros(i64::from(day.0) * DAY).in_range() { Ok(day) } else { Err(QuarantineCode::TimeOutOfRange.into()) }
}

/// A day, an interval of days, or an hour; kept as its text.
pub(super) fn period(value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Text(text) = value else { return Err(QuarantineCode::InvalidType.into()) };
    let text = text.trim();
    let readable = match text.split_once('/') {
        Some((from, to)) => day(from)? <= day(to)?,
        None => match text.split_once('T') {
            Some((date, hour)) => day(date).is_ok() && is_hour(hour),
            None => day(text).is_ok(),
        },
    };
    let hint = "send YYYY-MM-DD, YYYY-MM-DD/YYYY-MM-DD (first day first), or an hour YYYY-MM-DDTHH";
    if readable {
        Ok(Value::Text(text.into()))
    } else {
        Err(Fault::new(QuarantineCode::InvalidAttribute).with_hint(hint))
    }
}

fn is_hour(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u8>().is_ok_and(|hour| hour < 24)
}
