//! Checks what people set over HTTP: names, ranges and lists. Fields that are not known are refused with the nearest name.

use crate::check::{ids, is_currency};
use cebe_catalog::{CompanySettings, time::Zone};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

mod regions;

/// Why a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SettingError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) hint: Option<String>,
}

impl SettingError {
    /// A value that breaks a rule.
    pub(crate) fn invalid(path: &str, hint: impl Into<String>) -> Self {
        let message = format!("{path} cannot have this value");
        Self { code: "invalid_setting", message, path: Some(path.into()), hint: Some(hint.into()) }
    }

    fn unreadable(hint: &str) -> Self {
        let message = "the body cannot be read".into();
        Self { code: "malformed_json", message, path: None, hint: Some(hint.into()) }
    }

    fn unknown(name: &str, known: &[&str]) -> Self {
        let near = known.iter().min_by_key(|other| strsim::levenshtein(name, other));
        let hint = format!("did you mean {}? fields are {}", near.unwrap_or(&""), known.join(", "));
        Self {
            code: "unknown_field",
            message: "the body has a field that is not known".into(),
            path: None,
            hint: Some(hint),
        }
    }
}

/// Reads a body as an object with no other fields than `known`.
pub(crate) fn object(body: &[u8], known: &[&str]) -> Result<Map<String, Value>, SettingError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(SettingError::unreadable("send one JSON object"));
    };
    match fields.keys().find(|name| !known.is_empty() && !known.contains(&name.as_str())) {
        Some(unknown) => Err(SettingError::unknown(unknown, known)),
        None => Ok(fields),
    }
}

/// Takes one field of a type out of an object; `None` when it is absent or null.
pub(crate) fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
    form: &str,
) -> Result<Option<T>, SettingError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|_| SettingError::invalid(name, form)),
    }
}

/// Is it usable as a company, team or key id in addresses and keys?
pub(crate) fn check_id(path: &str, id: &str) -> Result<(), SettingError> {
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits {
        Ok(())
    } else {
        Err(SettingError::invalid(path, "1 to 128 letters, digits, dots, dashes or underscores"))
    }
}

/// The given fields over the settings as they are; null puts a field back to its default.
pub(crate) fn merge(old: &CompanySettings, given: Map<String, Value>) -> Result<CompanySettings, SettingError> {
    let mut merged = fields_of(old);
    let defaults = fields_of(&CompanySettings::default());
    let known: Vec<&str> = defaults.keys().map(String::as_str).collect();
    for (name, value) in given {
        let Some(default) = defaults.get(&name) else { return Err(SettingError::unknown(&name, &known)) };
        let value = if value.is_null() { default.clone() } else { value };
        let alone = json!({ name.as_str(): value });
        if serde_json::from_value::<CompanySettings>(alone).is_err() {
            return Err(SettingError::invalid(&name, format!("send a value like {default}")));
        }
        merged.insert(name, value);
    }
    let merged =
        serde_json::from_value(Value::Object(merged)).map_err(|_| SettingError::unreadable("send a JSON object"))?;
    check(&merged)?;
    Ok(merged)
}

fn fields_of(settings: &CompanySettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn check(settings: &CompanySettings) -> Result<(), SettingError> {
    let rules: [(&str, bool, &str); 12] = [
        ("name", settings.name.chars().count() <= 256, "at most 256 characters"),
        (
            "sso_id",
            settings.sso_id.is_empty() || is_id(&settings.sso_id),
            "an id of 1 to 128 characters, no contact data",
        ),
        ("time_zone", Zone::named(&settings.time_zone).is_some(), "an IANA zone, such as Asia/Jakarta"),
        ("phone_region", regions::is_region(&settings.phone_region), "an ISO 3166-1 alpha-2 code, such as ID"),
        ("currency", is_upper_currency(&settings.currency), "an ISO 4217 code, such as IDR"),
        ("retention_months", settings.retention_months <= 1_200, "0 keeps everything; at most 1200"),
        ("csat_max", settings.csat_min < settings.csat_max, "csat_max must be above csat_min"),
        ("csat_min", settings.csat_min >= -1_000 && settings.csat_max <= 1_000, "scores lie between -1000 and 1000"),
        ("attribution_touch_hours", (1..=8_784).contains(&settings.attribution_touch_hours), "1 to 8784"),
        ("attribution_send_hours", (1..=8_784).contains(&settings.attribution_send_hours), "1 to 8784"),
        ("repeat_issue_days", (1..=3_660).contains(&settings.repeat_issue_days), "1 to 3660"),
        ("acquisition_days", (1..=3_660).contains(&settings.acquisition_days), "1 to 3660"),
    ];
    if let Some((path, _, hint)) = rules.into_iter().find(|(_, holds, _)| !holds) {
        return Err(SettingError::invalid(path, hint));
    }
    if !settings.identity_limits.values().all(|limit| (1..=10_000).contains(limit)) {
        return Err(SettingError::invalid("identity_limits", "limits are 1 to 10000"));
    }
    if !(1..=1_000).contains(&settings.customer_values_max) {
        return Err(SettingError::invalid("customer_values_max", "1 to 1000"));
    }
    Ok(())
}

fn is_id(text: &str) -> bool {
    ids::id(&crate::json::Json::Text(text.into())).is_ok()
}

fn is_upper_currency(text: &str) -> bool {
    is_currency(text) && text.bytes().all(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(given: Value) -> Result<CompanySettings, SettingError> {
        let Value::Object(given) = given else { panic!("an object") };
        merge(&CompanySettings::default(), given)
    }

    #[test]
    fn given_fields_replace_and_absent_ones_stay() {
        let first = merged(json!({"time_zone": "Asia/Jakarta", "currency": "IDR", "retention_months": 0})).unwrap();
        let Value::Object(more) = json!({"currency": null, "phone_region": "ID"}) else { unreachable!() };
        let second = merge(&first, more).unwrap();
        assert_eq!(second.time_zone, "Asia/Jakarta");
        assert_eq!(second.currency, "USD");
        assert_eq!((second.retention_months, second.phone_region.as_str()), (0, "ID"));
    }

    #[test]
    fn wrong_values_are_named_and_never_repeated() {
        for (given, path) in [
            (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
            (json!({"phone_region": "QQ"}), "phone_region"),
            (json!({"currency": "Rp"}), "currency"),
            (json!({"retention_months": -1}), "retention_months"),
            (json!({"retention_months": "24"}), "retention_months"),
            (json!({"csat_min": 5, "csat_max": 5}), "csat_max"),
            (json!({"identity_limits": {"phone": 0}}), "identity_limits"),
            (json!({"sso_id": "rina@example.com"}), "sso_id"),
        ] {
            let error = merged(given.clone()).unwrap_err();
            assert_eq!(error.path.as_deref(), Some(path), "{given}");
            assert!(!format!("{error:?}").contains("rina"), "{error:?}");
        }
        let error = merged(json!({"timezone": "UTC"})).unwrap_err();
        assert_eq!(error.code, "unknown_field");
        assert!(error.hint.unwrap().contains("did you mean time_zone"));
    }
}
