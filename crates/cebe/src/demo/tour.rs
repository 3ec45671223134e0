//! The tour: a few questions, each with the line that asks it and the answer it gives right now.

use serde_json::{Value, json};

use super::Venue;
use super::heroine::Heroine;
use crate::client::address;
use crate::failure::Failure;
use crate::output;
use crate::push::Tally;
use cebe_traffic::Company;

/// Columns that answers are fitted to.
const WIDTH: usize = 110;

/// One question.
struct Stop {
    title: String,
    company: &'static str,
    path: String,
    /// What of the answer is shown.
    view: fn(&Value) -> Value,
}

/// Asks everything and prints it.
pub(super) fn walk(venue: &Venue, tally: &Tally, heroine: &Heroine) -> Result<(), Failure> {
    // Everything was waited for, so nothing is merely accepted: outcomes that did not occur only puzzle.
    let occurred = tally.outcomes().into_iter().filter(|(_, count)| *count > 0);
    let counts = occurred.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
    output::data(&format!(
        "A month of two made-up companies came in through the front door, shuffled, partly twice, partly wrong:\n  {counts}\nSix questions, each with the line that asks it and (shortened) what it answers right now:"
    ));
    for (place, stop) in stops(heroine).into_iter().enumerate() {
        let answer = venue.reader.for_company(stop.company).get(&stop.path, &[])?;
        output::data(&format!("\n{}. {}", place + 1, stop.title));
        output::data(&curl(venue, &stop));
        output::data(&indented(&output::compact(&(stop.view)(&answer), WIDTH)));
    }
    Ok(())
}

fn stops(heroine: &Heroine) -> Vec<Stop> {
    let company = heroine.company;
    let customer = format!("/v1/customers/{}", heroine.id);
    let stop = |title: &str, path: String, view| Stop { title: title.to_owned(), company, path, view };
    vec![
        stop(
            "Who is calling? A phone number finds the customer; nobody sees it in clear.",
            address("/v1/customers", &[("phone", heroine.phone.to_owned())]),
            profile,
        ),
        stop(
            "What happened? Her click on an ad is in her history, though she was a stranger then.",
            address(&format!("{customer}/timeline"), &[("limit", "6".to_owned())]),
            timeline,
        ),
        stop(
            "Why is the web shop's account web-4711 hers? Every merge is explained, and can be undone.",
            format!("{customer}/identity"),
            identity,
        ),
        stop(
            "Do people answer? Reply rate by campaign; a reply counts at its send, whichever arrived first.",
            address("/v1/metrics/reply_rate", &[("group_by", "campaign_id".to_owned())]),
            metric,
        ),
        Stop {
            title: "Do ads pay? Return on ad spend by platform, in the company's own currency.".to_owned(),
            company: Company::PORTLAND.id,
            path: address("/v1/metrics/roas", &[("group_by", "ad_platform".to_owned())]),
            view: metric,
        },
        stop(
            "What was wrong? Refused events are kept sealed, say what to mend, and can be sent in again.",
            address("/v1/quarantine", &[("limit", "2".to_owned())]),
            whole,
        ),
    ]
}

fn curl(venue: &Venue, stop: &Stop) -> String {
    format!(
        "   curl -s -H 'Authorization: Bearer {}' -H 'X-Company-Id: {}' '{}{}'",
        venue.reader_key,
        stop.company,
        venue.reader.server(),
        stop.path
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}

fn whole(answer: &Value) -> Value {
    answer.clone()
}

fn profile(answer: &Value) -> Value {
    let mut shown = picked(answer, &["id", "aliases", "resolved", "fields"]);
    shown["identifiers"] = each(&answer["identifiers"], &["kind", "mask"]);
    shown
}

fn timeline(answer: &Value) -> Value {
    each(&answer["events"], &["event_timestamp", "event_name"])
}

fn identity(answer: &Value) -> Value {
    let mut shown = picked(answer, &["id", "aliases"]);
    shown["links"] = each(&answer["links"], &["anchor", "identifier", "verdict"]);
    shown
}

fn metric(answer: &Value) -> Value {
    let mut shown = picked(answer, &["metric", "value", "currency", "numerator", "denominator", "freshness"]);
    shown["groups"] = each(&answer["groups"], &["key", "value", "numerator", "denominator"]);
    shown
}

/// Some fields of each item of a list.
fn each(list: &Value, names: &[&str]) -> Value {
    json!(list.as_array().into_iter().flatten().map(|item| picked(item, names)).collect::<Vec<_>>())
}

/// Some fields of an answer, those that are there.
fn picked(answer: &Value, names: &[&str]) -> Value {
    let fields = names.iter().filter(|name| !answer[**name].is_null());
    Value::Object(fields.map(|name| ((*name).to_owned(), answer[*name].clone())).collect())
}
