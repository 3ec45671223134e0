//! Numbers, money and flags. Everything is read from the decimal text; nothing passes through a float.

use crate::{fault::Fault, json::Json};
use cebe_catalog::{
    Amount, CompanySettings, QuarantineCode, Value,
    amount::{AmountError, UNIT},
    definition::Attribute,
};

/// A whole number.
pub(super) fn int(attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let amount = within(attribute, plain(value)?)?;
    if amount.0 % UNIT != 0 {
        return Err(Fault::new(QuarantineCode::InvalidAttribute).with_hint("send a whole number"));
    }
    Ok(Value::Int(amount.0 / UNIT))
}

/// A decimal number.
pub(super) fn number(attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    within(attribute, plain(value)?).map(Value::Decimal)
}

/// An exact decimal, as number or text.
pub(super) fn money(attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let amount = match value {
        Json::Text(text) => amount(text.trim())?,
        other => plain(other)?,
    };
    within(attribute, amount).map(Value::Decimal)
}

/// A score on the company's scale.
pub(super) fn score(settings: &CompanySettings, value: &Json<'_>) -> Result<Value, Fault> {
    let score = plain(value)?;
    let bound = |whole: i32| Amount(i64::from(whole) * UNIT);
    if score < bound(settings.csat_min) || score > bound(settings.csat_max) {
        let hint = format!("scores of this company lie between {} and {}", settings.csat_min, settings.csat_max);
        return Err(Fault::new(QuarantineCode::OutOfRange).with_hint(hint));
    }
    Ok(Value::Decimal(score))
}

/// True or false.
pub(super) fn flag(value: &Json<'_>) -> Result<Value, Fault> {
    match value {
        Json::Bool(flag) => Ok(Value::Bool(*flag)),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("send true or false")),
    }
}

/// True, because the event says nothing else.
pub(super) fn only_true(value: &Json<'_>) -> Result<Value, Fault> {
    match flag(value)? {
        Value::Bool(false) => Err(Fault::new(QuarantineCode::InvalidAttribute).with_hint("only true makes sense here")),
        truth => Ok(truth),
    }
}

fn plain(value: &Json<'_>) -> Result<Amount, Fault> {
    match value {
        Json::Number(text) => amount(text),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("send a JSON number")),
    }
}

/// Reads an exact amount.
pub(super) fn amount(text: &str) -> Result<Amount, Fault> {
    Amount::parse(text).map_err(|error| match error {
        AmountError::NotANumber => Fault::new(QuarantineCode::InvalidAttribute).with_hint("send a decimal number"),
        AmountError::TooFine => Fault::new(QuarantineCode::InvalidAttribute).with_hint("send at most six decimals"),
        AmountError::TooLarge => Fault::new(QuarantineCode::OutOfRange),
    })
}

fn within(attribute: &Attribute, amount: Amount) -> Result<Amount, Fault> {
    let low = attribute.min.is_some_and(|min| amount < min.0 || (attribute.above_min && amount == min.0));
    let high = attribute.max.is_some_and(|max| amount > max.0);
    if low || high { Err(QuarantineCode::OutOfRange.into()) } else { Ok(amount) }
}
