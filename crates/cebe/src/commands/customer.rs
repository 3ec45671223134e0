//! `cebe customer`: who a customer is, by id or by any identifier.

use clap::Args;
use serde_json::Value;

use super::Context;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Show a customer: profile, identifiers, aggregates
#[derive(Debug, Args)]
pub(crate) struct Customer {
    /// Id of the customer
    #[arg(required_unless_present_any = ["phone", "email", "identifier"])]
    id: Option<String>,
    /// Find by phone number
    #[arg(long, conflicts_with = "id")]
    phone: Option<String>,
    /// Find by e-mail address
    #[arg(long, conflicts_with_all = ["id", "phone"])]
    email: Option<String>,
    /// Find by any identifier, such as room_id=r-1
    #[arg(long, value_parser = super::pair, value_name = "KIND=VALUE", conflicts_with_all = ["id", "phone", "email"])]
    identifier: Option<(String, String)>,
    /// Show values in clear (needs a key with the right; is recorded)
    #[arg(long)]
    reveal: bool,
    /// Show every metric of the customer too
    #[arg(long)]
    metrics: bool,
}

impl Customer {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        let reveal = self.reveal.then(|| ("reveal", "true".to_owned()));
        let mut profile = match self.look_up() {
            None => {
                let id = self.id.as_deref().map(encoded).unwrap_or_default();
                client.get(&format!("/v1/customers/{id}"), reveal.as_slice())?
            }
            Some((kind, value)) => {
                let query: Vec<(&str, String)> = [(kind, value.to_owned())].into_iter().chain(reveal).collect();
                client.get("/v1/customers", &query)?
            }
        };
        if self.metrics {
            let id = id_of(&profile).map(encoded).ok_or_else(|| Failure::No("no such customer".to_owned()))?;
            let metrics = client.get(&format!("/v1/customers/{id}/metrics"), &[])?;
            profile["metrics"] = metrics["metrics"].clone();
        }
        context.show(&profile, view);
        Ok(())
    }

    fn look_up(&self) -> Option<(&str, &str)> {
        match (&self.phone, &self.email, &self.identifier) {
            (Some(phone), ..) => Some(("phone", phone.as_str())),
            (_, Some(email), _) => Some(("email", email.as_str())),
            (.., Some((kind, value))) => Some((kind.as_str(), value.as_str())),
            _ => None,
        }
    }
}

/// Who it is, then every number that says something.
fn view(profile: &Value) -> String {
    let mut head = profile.clone();
    let mut numbers = Vec::new();
    for part in ["aggregates", "metrics"] {
        if let Some(Value::Object(answers)) = head.as_object_mut().and_then(|fields| fields.remove(part)) {
            numbers.extend(answers.into_iter().filter(|(_, answer)| says_something(&answer["value"])));
        }
    }
    let mut table = output::table(&["metric", "value", "unit"]);
    for (name, answer) in &numbers {
        let unit = answer["currency"].as_str().or(answer["unit"].as_str()).unwrap_or_default();
        table.add_row([name.clone(), output::cell(&answer["value"]), unit.to_owned()]);
    }
    if numbers.is_empty() { output::sheet(&head) } else { format!("{}\n\n{table}", output::sheet(&head)) }
}

/// Nothing, none and never are what most numbers of most customers say.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.trim_matches(['0', '.']).is_empty(),
        _ => true,
    }
}

/// The id of a profile, or of the first customer of a list.
fn id_of(profile: &Value) -> Option<&str> {
    let first = super::list_of(profile).first().unwrap_or(profile);
    ["id", "customer_id", "qontak_customer_id"]
        .iter()
        .find_map(|name| profile[*name].as_str().or_else(|| first[*name].as_str()))
}
