//! The pages are right: every command of the README and the guides is run as it stands there, the programs of the push
//! guide push, and the tables list what there is, no more and no less.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cebe_catalog::{Definitions, IdentifierKind, PiiClass, QuarantineCode};
use serde_json::{Value, json};
use support::{ADMIN, BINARY, Server};

/// Where the pages say the server is.
const ADDRESS: &str = "127.0.0.1:8080";

fn page(name: &str) -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the project's folder");
    fs::read_to_string(project.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What stands between fences of this language, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next().map(str::to_owned)).collect()
}

/// First cells of the tables below a heading, without their quotes.
fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let below = page.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let level = heading.split(' ').next().expect("a heading begins with its level");
    let until_next =
        |line: &&str| !(line.starts_with('#') && line.split(' ').next().is_some_and(|own| own.len() <= level.len()));
    let rows = below.lines().take_while(until_next).filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        row.split(" | ").next().unwrap_or_default().split(", ").map(|cell| cell.trim_matches('`').to_owned())
    })
    .collect()
}

/// Is this program on the machine? A line says when it is not.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("{program} is not there: what needs it is not run");
    }
    found
}

/// Runs a script as one would type it, the binary in reach, and gives what it printed. An exit code, or an error that a
/// command answers with, fails the test.
fn typed(script: &str, folder: &Path, variables: &[(&str, &str)]) -> String {
    let reach = format!(
        "{}:{}",
        Path::new(BINARY).parent().expect("a folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-euxo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", reach)
        .envs(variables.iter().copied());
    let output = shell.env_remove("CEBE_SERVER").envs(variables.iter().copied()).output().expect("bash is there");
    let (shown, words) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{}\n{shown}\n{words}", output.status);
    assert!(!shown.contains("\"error\":"), "{shown}\n{words}");
    shown
}

/// A page's commands against a server.
fn follow(server: &Server, blocks: &[String], key: &str, names: &[(&str, &str)]) -> String {
    let address = server.url().strip_prefix("http://").expect("plain HTTP");
    let mut script = blocks.join("\n").replace(ADDRESS, address);
    for (name, value) in names {
        script = script.replace(name, value);
    }
    let folder = server.data();
    let variables = [("CEBE_SERVER", server.url()), ("CEBE_KEY", key), ("CEBE_COMPANY", "acme")];
    typed(&script, folder.parent().expect("a folder"), &variables)
}

fn event(id: &str, module: &str, name: &str, attributes: Value) -> Value {
    json!({"event_id": id, "company_id": "acme", "source_module": module, "event_name": name, "qontak_customer_id": "c-1",
        "event_timestamp": "2025-11-03T09:00:00+07:00", "event_attributes": attributes})
}

fn acme() -> Server {
    let settings = json!({"time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR"});
    Server::with_company("acme", settings)
}

/// Proves CORE-SCOPE-DOCS and ANCHOR-DOD-Q3-3: who types what the README says has the answer that it shows.
#[test]
fn the_readme_starts_a_server_and_gets_its_answer() {
    if !has("curl") {
        return;
    }
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").to_string();
    let all = blocks(&page("README.md"), "sh");
    let start = all.iter().find(|block| block.contains("cebe serve")).expect("the README starts a server");
    let (build, rest) = start.split_once('\n').expect("several lines");
    assert!(build.starts_with("cargo build"), "{build}");
    let ask = all.iter().find(|block| block.contains("/v1/metrics/reply_rate")).expect("the README asks");
    let script = format!("trap 'kill $(jobs -p)' EXIT\n{rest}\n{ask}")
        .replace(ADDRESS, &free)
        .replace("cebe ", &format!("cebe --server http://{free} "));
    let script = script.replace(&format!("cebe --server http://{free} serve"), "cebe serve");
    let folder = tempfile::tempdir().expect("a folder");
    let shown = typed(&script, folder.path(), &[("CEBE_LOG", "error")]);
    let answer: Value =
        serde_json::from_str(shown.lines().last().unwrap_or_default()).expect("the last line is the answer");
    let promised: Value = serde_json::from_str(&blocks(&page("README.md"), "json")[0]).expect("the README shows JSON");
    for name in ["metric", "unit", "value", "numerator", "denominator", "beside", "joined_share"] {
        assert_eq!(answer[name], promised[name], "{name} of {answer:#}");
    }
    let names = |value: &Value| value["freshness"].as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
    assert_eq!(names(&answer), names(&promised));
}

/// Files that the commands of the push guide name.
fn files(folder: &Path, guide: &str) {
    let paid = |id: &str| {
        event(id, "conversion", "order.paid", json!({"payment_type": "full", "paid_amount": "5"})).to_string()
    };
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file");
    write("2025.ndjson.zst", &zstd::encode_all(paid("h-1").as_bytes(), 3).expect("memory takes it"));
    write("orders.toml", blocks(guide, "toml").concat().as_bytes());
    write(
        "orders.csv",
        "Order;Phone;Paid;Amount;State;Labels\no-9;0812-3456-7890;04/11/2025 09:00;1500,50;Lunas;a|b\n".as_bytes(),
    );
    write("sent.ndjson", paid("h-1").as_bytes());
    let mended = event("wrong", "conversion", "order.paid", json!({"payment_type": "full", "paid_amount": "5"}));
    write("event.json", mended.to_string().as_bytes());
}

/// Proves CORE-SCOPE-DOCS: every command of the push guide does what it says.
#[test]
fn the_push_guide_can_be_followed() {
    if !has("curl") {
        return;
    }
    let server = acme();
    let guide = page("docs/guide/push-events.md");
    files(server.data().parent().expect("a folder"), &guide);
    let wrong = event("wrong", "conversion", "order.paid", json!({"payment_type": "half", "paid_amount": "5"}));
    let receipt = server.push(&[wrong])["results"][0]["receipt"].as_str().expect("a receipt").to_owned();
    let shown = follow(&server, &blocks(&guide, "sh"), ADMIN, &[("RECEIPT", &receipt)]);
    assert!(shown.contains("\"status\":\"applied\""), "{shown}");
    server.drain();
    assert_eq!(server.get("/v1/catalog/events/warranty.registered?company_id=acme")["name"], "warranty.registered");
    // From history: one line, one row of the table; and the one that was corrected.
    assert_eq!(server.metric("acme", "total_spend")["value"], "1510.50");
}

/// Proves CORE-SCOPE-DOCS: the programs of the push guide, as they stand there, push an order each.
#[test]
fn the_programs_of_the_push_guide_push() {
    let server = acme();
    let guide = page("docs/guide/push-events.md");
    let mut pushed = 0;
    for (language, program, name) in [("python", "python3", "push.py"), ("js", "node", "push.mjs")] {
        if !has(program) {
            continue;
        }
        let file: PathBuf = server.data().with_file_name(name);
        fs::write(&file, &blocks(&guide, language)[0]).expect("a file");
        let mut command = Command::new(program);
        command.arg(&file).env("CEBE_SERVER", server.url()).env("CEBE_KEY", ADMIN);
        let output = command.output().expect("the program runs");
        assert!(output.status.success() && output.stdout.is_empty(), "{name}: {output:?}");
        pushed += 1;
    }
    let program = rust_program(&guide);
    let output = Command::new(&program).env("CEBE_SERVER", server.url()).env("CEBE_KEY", ADMIN).output();
    let output = output.expect("the program runs");
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    server.drain();
    let sources = server.get("/v1/sources/conversion?company_id=acme");
    assert_eq!(sources["outcomes"]["applied"], pushed + 1, "{sources:#}");
}

/// The Rust program of the push guide, compiled: an example of this crate, word for word. It is built here when only this
/// file of tests was.
fn rust_program(guide: &str) -> PathBuf {
    let example = page("crates/cebe/examples/push_events.rs");
    assert_eq!(blocks(guide, "rust"), [example.trim_end()], "the guide shows crates/cebe/examples/push_events.rs");
    let program = Path::new(BINARY).with_file_name("examples").join("push_events");
    if !program.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--example", "push_events"]);
        // Where these tests lie, the program lies.
        build.args((!cfg!(debug_assertions)).then_some("--release"));
        assert!(build.status().expect("cargo is there").success(), "the example is built");
    }
    program
}

/// Proves CORE-SCOPE-5: every command of the query guide has an answer.
#[test]
fn the_query_guide_can_be_followed() {
    if !has("curl") || !has("python3") {
        return;
    }
    let server = acme();
    let about = json!({"ad_id": "a", "campaign_id": "c", "ad_platform": "google", "ad_click_id": "abc"});
    let fields = json!([{"name": "phone", "value": "0812-3456-7890"}, {"name": "email", "value": "rina@example.com"}]);
    let mut other = event("e-4", "cdp", "customer.created", json!({"qontak_customer_id": "c-2"}));
    other["qontak_customer_id"] = "c-2".into();
    server.push(&[
        event("e-1", "cdp", "customer.created", json!({"qontak_customer_id": "c-1", "default_fields": fields})),
        event("e-2", "marketing", "ad.clicked", about),
        event("e-3", "conversion", "order.paid", json!({"payment_type": "full", "paid_amount": "5"})),
        other,
    ]);
    let key = server.post("/v1/keys", &json!({"name": "guide", "role": "admin", "reveal": true}));
    let key = key["key"].as_str().expect("a key");
    let shown = follow(&server, &blocks(&page("docs/guide/query.md"), "sh"), key, &[]);
    for part in ["few tickets", "order.paid", "\"metric\":\"reply_rate\"", "rina@example.com"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

/// The commands of the operate guide, but for those that need another place or another hour.
#[test]
fn the_operate_guide_can_be_followed() {
    if !has("curl") {
        return;
    }
    let server = acme();
    let guide = page("docs/guide/operate.md");
    let elsewhere = ["/var/lib/cebe", "/etc/cebe", "cebe bench", "cebe backup", "cebe restore"];
    let here = blocks(&guide, "sh").into_iter().filter(|block| !elsewhere.iter().any(|place| block.contains(place)));
    let key = server.post("/v1/keys", &json!({"name": "leaver", "role": "reader"}));
    let shown = follow(&server, &here.collect::<Vec<_>>(), ADMIN, &[("KEY_ID", key["id"].as_str().expect("an id"))]);
    assert!(shown.contains("support-tool") && shown.contains("\"outcomes\""), "{shown}");
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    all.map(str::to_owned).collect()
}

/// Proves CORE-MET-4: the query guide has a line for every metric of the catalog, and none for others.
#[test]
fn the_query_guide_lists_every_metric() {
    let metrics = Definitions::standard().metrics.keys().map(|name| name.as_str());
    assert_eq!(first_cells(&page("docs/guide/query.md"), "## All metrics"), names(metrics));
}

/// Proves CORE-SCOPE-DOCS: the push guide has a line for every reason of quarantine and every kind of identifier.
#[test]
fn the_push_guide_lists_every_code_and_identifier() {
    let guide = page("docs/guide/push-events.md");
    let codes = QuarantineCode::ALL.iter().map(|code| code.as_str());
    assert_eq!(first_cells(&guide, "## Quarantine"), names(codes));
    let kinds = IdentifierKind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| *kind != "qontak_customer_id");
    assert_eq!(first_cells(&guide, "## Who it is about"), names(kinds));
}

/// Proves CORE-DEP-GOV: the policy has a line for every class of personal data, and says of the same ones that their
/// values are sealed.
#[test]
fn the_policy_lists_every_class() {
    const HEADING: &str = "## Personal data: the policy";
    let guide = page("docs/guide/operate.md");
    assert_eq!(first_cells(&guide, HEADING), names(PiiClass::ALL.iter().map(|class| class.as_str())));
    let policy = guide.split(HEADING).nth(1).expect("the policy");
    for class in PiiClass::ALL {
        let row = policy.lines().find(|line| line.starts_with(&format!("| `{}` |", class.as_str()))).expect("a row");
        let sealed = row.split(" | ").nth(3).expect("a column for the sealed value");
        assert_eq!(sealed == "yes", class.is_sealed(), "{row}");
    }
}

/// Every setting is explained where operators look for it; those of a cluster on its own page.
#[test]
fn the_guides_list_every_setting() {
    let output = Command::new(BINARY).args(["settings", "--json"]).output().expect("the binary runs");
    let settings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let known = settings.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str());
    let mut listed = first_cells(&page("docs/guide/operate.md"), "## Settings");
    listed.extend(first_cells(&page("docs/guide/cluster.md"), "## Start"));
    let missing: Vec<&str> = known.filter(|name| !listed.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
