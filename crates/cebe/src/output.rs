//! What commands print: data on stdout (tables for people, JSON with `--json`), words and progress on stderr.

use std::fmt::Write;
use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::Value;

/// Longest text a table cell shows.
const CELL_CHARS_MAX: usize = 120;

/// One line below the header, none elsewhere.
const LIGHT: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Prints data.
pub(crate) fn data(text: &str) {
    // A reader that went away (`| head`) is no failure of the command.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

/// Prints words for a person.
pub(crate) fn words(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

/// JSON as a person reads it.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// JSON with everything on one line that fits on one.
pub(crate) fn compact(value: &Value, width: usize) -> String {
    let line = value.to_string();
    let inner = width.saturating_sub(2);
    let nested = |open: char, parts: Vec<String>, close: char| {
        let parts: Vec<String> = parts.iter().map(|part| part.replace('\n', "\n  ")).collect();
        format!("{open}\n  {}\n{close}", parts.join(",\n  "))
    };
    match value {
        _ if line.chars().count() <= width => line,
        Value::Array(items) => nested('[', items.iter().map(|item| compact(item, inner)).collect(), ']'),
        Value::Object(fields) => {
            let parts = fields.iter().map(|(name, part)| {
                let taken = name.chars().count() + 4;
                format!("{}: {}", Value::from(name.as_str()), compact(part, inner.saturating_sub(taken)))
            });
            nested('{', parts.collect(), '}')
        }
        _ => line,
    }
}

/// A table without drawing, fitted to the window.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(LIGHT).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.to_vec());
    table
}

/// Two columns: each scalar of an object by its path.
pub(crate) fn sheet(value: &Value) -> String {
    let mut rows = Vec::new();
    flatten("", value, &mut rows);
    let mut table = table(&["field", "value"]);
    for (name, text) in rows {
        table.add_row([name, text]);
    }
    table.to_string()
}

/// One row for each object, with those of the wanted columns that any row has; all columns when none is there.
pub(crate) fn rows(list: &[Value], wanted: &[&str]) -> String {
    let has = |name: &str| list.iter().any(|row| !row[name].is_null());
    let mut columns: Vec<String> = wanted.iter().filter(|name| has(name)).map(|name| (*name).to_owned()).collect();
    if columns.is_empty() {
        let first = list.first().and_then(Value::as_object);
        columns = first.map(|row| row.keys().cloned().collect()).unwrap_or_default();
    }
    let mut table = table(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    for row in list {
        table.add_row(columns.iter().map(|name| cell(&row[name.as_str()])).collect::<Vec<_>>());
    }
    table.to_string()
}

/// A value in one cell.
pub(crate) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, inner, rows);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (place, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{place}]"), item, rows);
            }
        }
        scalar => rows.push((path.to_owned(), cell(scalar))),
    }
}

/// A progress bar on stderr, drawn only when a person is watching.
pub(crate) fn progress(total: Option<u64>, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, shape) = match total {
        Some(total) => (ProgressBar::new(total), "{wide_bar} {human_pos}/{human_len}"),
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos}"),
    };
    let style = ProgressStyle::with_template(&format!("{shape} {unit} {{rate}} {{msg}}"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let rate = |state: &ProgressState, text: &mut dyn Write| _ = write!(text, "{:.0}/s", state.per_sec());
    match style {
        Ok(style) => bar.with_style(style.with_key("rate", rate)),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn compact_json_breaks_only_what_does_not_fit() {
        let value = json!({"a": [1, 2, 3], "b": {"long": "0123456789", "list": [{"x": 1}, {"x": 2}]}});
        let text = compact(&value, 30);
        assert!(text.lines().all(|line| line.chars().count() <= 32), "{text}");
        assert!(text.contains("\"a\": [1,2,3]"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn rows_show_the_wanted_columns_that_are_there() {
        let list = [json!({"name": "reply_rate", "unit": "ratio", "extra": 1}), json!({"name": "roas"})];
        let table = rows(&list, &["name", "absent", "unit"]);
        assert!(table.contains("reply_rate") && table.contains("–"), "{table}");
        assert!(!table.contains("absent") && !table.contains("extra"), "{table}");
    }
}
