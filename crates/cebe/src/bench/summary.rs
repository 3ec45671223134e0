//! What several runs say together: the median of each row with its spread, the promised rows with their verdict, and the
//! same beside an earlier report.

use serde_json::{Value, json};

use super::bars::{BARS, Bar};
use super::measure::Report;
use crate::output;

/// The runs as one report.
pub(super) fn of(runs: &[Report], machine: &Value) -> Value {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for row in runs.iter().flat_map(Report::rows) {
        if !names.iter().any(|(name, _)| *name == row.name) {
            names.push((&row.name, row.unit));
        }
    }
    let measured: Vec<Value> = names.iter().map(|(name, unit)| spread(runs, name, unit)).collect();
    let bars: Vec<Value> = BARS.iter().filter_map(|bar| verdict(bar, &measured)).collect();
    json!({"machine": machine, "runs": runs.len(), "bars": bars, "measured": measured})
}

fn spread(runs: &[Report], name: &str, unit: &str) -> Value {
    let mut values: Vec<f64> = runs.iter().filter_map(|run| run.value(name)).collect();
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied().unwrap_or_default();
    let (min, max) = (values.first().copied().unwrap_or_default(), values.last().copied().unwrap_or_default());
    json!({"name": name, "unit": unit, "median": rounded(median), "min": rounded(min), "max": rounded(max)})
}

/// Three digits that say something.
fn rounded(value: f64) -> f64 {
    let digits = if value.abs() >= 100.0 { 0 } else { 2 };
    format!("{value:.digits$}").parse().unwrap_or(value)
}

fn verdict(bar: &Bar, measured: &[Value]) -> Option<Value> {
    let row = measured.iter().find(|row| row["name"] == bar.name)?;
    let median = row["median"].as_f64()?;
    Some(json!({"what": bar.what, "unit": row["unit"], "bar": bar.bar, "aim": bar.aim, "median": row["median"],
        "min": row["min"], "max": row["max"], "passed": bar.is_passed(median)}))
}

/// Both parts as tables for people, beside an earlier report when there is one.
pub(crate) fn tables(report: &Value, before: Option<&Value>) -> String {
    let mut text = String::new();
    if report["bars"].as_array().is_some_and(|bars| !bars.is_empty()) {
        text.push_str(&bars(report));
        text.push_str("\n\n");
    }
    text.push_str(&measured(report, before));
    text
}

fn bars(report: &Value) -> String {
    let mut table = output::table(&["promised", "bar", "aim", "median", "min", "max", "unit", "passed"]);
    for row in report["bars"].as_array().into_iter().flatten() {
        let passed = if row["passed"] == true { "yes" } else { "NO" };
        let cells = ["what", "bar", "aim", "median", "min", "max", "unit"].map(|name| output::cell(&row[name]));
        table.add_row(cells.into_iter().chain([passed.to_owned()]));
    }
    table.to_string()
}

fn measured(report: &Value, before: Option<&Value>) -> String {
    let mut header = vec!["measured", "median", "min", "max", "unit"];
    if before.is_some() {
        header.extend(["before", "change"]);
    }
    let mut table = output::table(&header);
    for row in report["measured"].as_array().into_iter().flatten() {
        let mut cells = ["name", "median", "min", "max", "unit"].map(|name| output::cell(&row[name])).to_vec();
        if let Some(before) = before {
            cells.extend(change(row, before));
        }
        table.add_row(cells);
    }
    table.to_string()
}

fn change(row: &Value, before: &Value) -> [String; 2] {
    let mut rows = before["measured"].as_array().into_iter().flatten();
    let old = rows.find(|old| old["name"] == row["name"]).map(|old| old["median"].clone());
    let (Some(old), Some(new)) = (old.as_ref().and_then(Value::as_f64), row["median"].as_f64()) else {
        return ["–".to_owned(), "–".to_owned()];
    };
    let change = if old == 0.0 { "–".to_owned() } else { format!("{:+.1} %", (new / old - 1.0) * 100.0) };
    [rounded(old).to_string(), change]
}

#[cfg(test)]
mod tests {
    use super::super::bars::{INGEST, START};
    use super::*;

    fn run(ingest: f64, start: f64) -> Report {
        let mut report = Report::default();
        report.add(INGEST, ingest, "events/s");
        report.add(START, start, "s");
        report
    }

    #[test]
    fn medians_are_judged_and_the_spread_is_shown() {
        let report = of(&[run(31_000.0, 4.0), run(10_000.0, 2.0), run(32_000.0, 5.0)], &Value::Null);
        assert_eq!(report["measured"][0]["median"], 31_000.0);
        assert_eq!(
            (&report["measured"][0]["min"], &report["measured"][0]["max"]),
            (&json!(10_000.0), &json!(32_000.0))
        );
        let passed: Vec<&Value> = report["bars"].as_array().unwrap().iter().map(|bar| &bar["passed"]).collect();
        assert_eq!(passed, [true, false], "more is better for one, less for the other");
    }

    #[test]
    fn an_earlier_report_stands_beside() {
        let (before, now) = (of(&[run(20_000.0, 1.0)], &Value::Null), of(&[run(30_000.0, 1.0)], &Value::Null));
        let text = tables(&now, Some(&before));
        assert!(text.contains("+50.0 %") && text.contains("20000"), "{text}");
        assert!(!tables(&now, None).contains("change"));
    }
}
