//! Whatever is sent, the answer is a documented refusal with a hint, what is good beside it is applied, nothing that was
//! accepted is lost, and the process stays up.

use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::life::{self, COMPANY};
use crate::rig::{self, Reply};
use crate::support::{ADMIN, Server};

const AT: &str = "2026-11-02T09:00:00+07:00";
const LIMIT: usize = 10 * 1024 * 1024;

/// A good event.
fn good(id: &str) -> Value {
    life::of("ayu", id, "nps.submitted", AT, json!({"score": 9}))
}

/// Sends a body with these headers beside the key; a redirection or a fault of the server fails the test.
fn post(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let bearer = format!("Bearer {ADMIN}");
    let mut all = vec![("authorization", &*bearer), ("x-company-id", COMPANY)];
    all.extend_from_slice(headers);
    let reply = rig::send(server, "POST", "/v1/events?wait=true&verbose=true", &all, body);
    assert!((200..300).contains(&reply.status) || (400..500).contains(&reply.status), "{}", reply.text());
    reply
}

/// A whole request is refused, with this code and a hint.
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &*reply.code()), (status, code), "{}", reply.text());
    assert!(reply.json()["error"]["hint"].as_str().is_some_and(|hint| hint.len() > 10), "{}", reply.text());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory takes it")
}

fn still_up(server: &Server) -> Value {
    let measured = rig::send_as(server, ADMIN, "GET", "/metrics", b"").text();
    let panics = measured.lines().find(|line| line.starts_with("cebe_http_panics_total"));
    assert_eq!(panics, Some("cebe_http_panics_total 0"));
    server.assert_clean();
    rig::assert_balanced(server, COMPANY)
}

/// Proves CORE-B1-b, CORE-FLOW-7 and the `400` and `413` of section 8: bodies that hold nothing to read, too much, or are
/// packed in a way nobody knows are refused whole, and nothing of them is stored.
#[test]
fn bodies_that_cannot_be_taken_are_refused_whole() {
    let server = Server::with_company(COMPANY, life::company());
    let event = good("e-1").to_string();
    let many_brackets = "[".repeat(100_000);
    let bomb = vec![b' '; 200 * 1024 * 1024];
    let (gzipped, zstded) = (gzip(event.as_bytes()), zstd(event.as_bytes()));
    for body in [
        &b""[..],
        b"   \n ",
        b"\xff\xfe{}",
        b"{\"a\":",
        &event.as_bytes()[..60],
        b"nonsense",
        b"{'a':1}",
        b"\0",
        many_brackets.as_bytes(),
        b"[,]",
        "{\"a\":".repeat(50_000).as_bytes(),
    ] {
        refused(&post(&server, &[], body), 400, "malformed_json");
    }
    for (coding, body) in [
        ("gzip", event.as_bytes()),
        ("zstd", event.as_bytes()),
        ("br", event.as_bytes()),
        ("gzip, gzip", &gzipped),
        ("gzip", &gzipped[..gzipped.len() - 9]),
        ("zstd", &zstded[..zstded.len() / 2]),
    ] {
        refused(&post(&server, &[("content-encoding", coding)], body), 400, "malformed_body");
    }
    refused(&post(&server, &[], &vec![b' '; LIMIT + 1]), 413, "too_large");
    refused(&post(&server, &[("content-encoding", "gzip")], &gzip(&bomb)), 413, "too_large");
    refused(&post(&server, &[("content-encoding", "zstd")], &zstd(&bomb)), 413, "too_large");
    let too_many = format!("[{}1]", "1,".repeat(10_000));
    refused(&post(&server, &[], too_many.as_bytes()), 413, "too_many");
    refused(&chunked(&server, LIMIT + 1), 413, "too_large");
    assert_eq!(still_up(&server)["received"], 0);

    // The same event is taken however it is packed and whatever it calls itself; and once.
    for (headers, body) in [
        (vec![("content-encoding", "gzip")], &gzipped[..]),
        (vec![("content-encoding", "zstd")], &zstded),
        (vec![("content-encoding", "identity")], event.as_bytes()),
        (vec![("content-type", "text/plain")], event.as_bytes()),
        (vec![("content-type", "application/x-www-form-urlencoded")], event.as_bytes()),
        (vec![("content-type", "\u{1}")], event.as_bytes()),
    ] {
        let reply = post(&server, &headers, body);
        if headers[0].1 != "\u{1}" {
            assert_eq!(reply.status, 200, "{headers:?} {}", reply.text());
        }
    }
    assert_eq!(still_up(&server)["applied"], 1);
}

/// A body that does not say how long it is.
fn chunked(server: &Server, size: usize) -> Reply {
    let mut stream = rig::connect(server);
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: cebe\r\nconnection: close\r\nauthorization: Bearer {ADMIN}\r\n\
        transfer-encoding: chunked\r\n\r\n{size:x}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the head is taken");
    let _ = stream.write_all(&vec![b' '; size]);
    rig::read_reply(stream)
}

/// Lines that are refused one by one: what it is, the line, its code.
fn wrong_lines() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let plain = |change: &dyn Fn(&mut Value)| {
        let mut event = good("wrong");
        change(&mut event);
        event.to_string().into_bytes()
    };
    let set = |name: &str, value: Value| plain(&|event| event[name] = value.clone());
    let inside = |name: &str, value: Value| plain(&|event| event["event_attributes"][name] = value.clone());
    let raw = |from: &str, to: &str| good("wrong").to_string().replacen(from, to, 1).into_bytes();
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let order = |total: &str| {
        let order = json!({"order_id": "o", "items": [], "total_value": "@"});
        life::of("ayu", "wrong", "order.created", AT, order).to_string().replace("\"@\"", total).into_bytes()
    };
    let list = |count: usize| json!((0..count).map(|n| json!({"item_id": n.to_string()})).collect::<Vec<_>>());
    let items = |count: usize| {
        let order = json!({"order_id": "o", "items": list(count), "total_value": "1"});
        life::of("ayu", "wrong", "order.created", AT, order).to_string().into_bytes()
    };
    let ahead = (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(11)).to_string();
    vec![
        ("cut", b"{\"event_name\": \"nps".to_vec(), "malformed_json"),
        ("not UTF-8", raw("ayu", "a\u{fe}u").into_iter().filter(|byte| *byte != 0xc3).collect(), "malformed_json"),
        ("100,000 brackets", "[".repeat(100_000).into_bytes(), "malformed_json"),
        ("deep beyond a stack", raw("9", &deep(10_000)), "too_deep"),
        ("nested 20 deep", raw("9", &deep(20)), "too_deep"),
        ("a number", b"5".to_vec(), "invalid_type"),
        ("a text", b"\"event\"".to_vec(), "invalid_type"),
        ("null", b"null".to_vec(), "invalid_type"),
        ("a list", b"[[]]".to_vec(), "invalid_type"),
        ("a score that is text", inside("score", json!("nine")), "invalid_type"),
        ("a score that is a list", inside("score", json!([9])), "invalid_type"),
        ("attributes that are text", set("event_attributes", json!("{}")), "invalid_type"),
        ("attributes that are a list", set("event_attributes", json!([])), "invalid_type"),
        ("a name that is a number", set("event_name", json!(5)), "invalid_type"),
        ("a module that is a list", set("source_module", json!([])), "invalid_type"),
        ("an id that is a map", set("event_id", json!({})), "invalid_type"),
        ("an unknown event", set("event_name", json!("nps.sent")), "unknown_event"),
        ("an unknown module", set("source_module", json!("space")), "module_not_allowed"),
        ("another's module", set("source_module", json!("loyalty")), "module_not_allowed"),
        ("an unknown company", set("company_id", json!("nobody")), "unknown_company"),
        ("another's sso", set("company_sso_id", json!("sso-x")), "company_mismatch"),
        ("11 minutes ahead", set("event_timestamp", ahead.into()), "future_timestamp"),
        ("the year 1969", set("event_timestamp", json!("1969-06-01T00:00:00Z")), "time_out_of_range"),
        ("the year 2200", set("event_timestamp", json!("2200-01-01T00:00:00Z")), "time_out_of_range"),
        ("the year 10000", set("event_timestamp", json!("+010000-01-01T00:00:00Z")), "invalid_attribute"),
        ("no time", set("event_timestamp", json!("yesterday")), "invalid_attribute"),
        ("no zone", set("event_timestamp", json!("2026-11-02T09:00:00")), "invalid_attribute"),
        ("epoch far out", set("event_timestamp", json!(99_999_999_999_999_999_i64)), "time_out_of_range"),
        ("epoch 1e999", raw(&format!("\"{AT}\""), "1e999"), "time_out_of_range"),
        ("a score of 1e999", raw("9", "1e999"), "out_of_range"),
        ("a score of 20 digits", raw("9", "99999999999999999999"), "out_of_range"),
        ("a score of -1", raw("9", "-1"), "out_of_range"),
        ("half a score", raw("9", "8.5"), "invalid_attribute"),
        ("money of 1e999", order("1e999"), "out_of_range"),
        ("money of 20 digits", order("12345678901234567890"), "out_of_range"),
        ("money with seven decimals", order("1.0000001"), "invalid_attribute"),
        ("money below nothing", order("-5"), "out_of_range"),
        ("money in words", order("\"five\""), "invalid_attribute"),
        ("NaN", order("NaN"), "malformed_json"),
        ("a key twice", raw("{", "{\"event_id\":\"again\","), "duplicate_key"),
        ("a key twice deep inside", raw("9", "{\"a\":1,\"a\":2}"), "duplicate_key"),
        ("NUL", raw("\"score\"", "\"comment\":\"a\\u0000b\",\"score\""), "invalid_text"),
        ("a lone surrogate", raw("\"score\"", "\"comment\":\"a\\ud800b\",\"score\""), "invalid_text"),
        ("a lone surrogate as key", raw("\"score\"", "\"\\udfff\":1,\"score\""), "invalid_text"),
        ("more than 64 KiB", inside("comment", json!("x".repeat(66_000))), "too_large"),
        ("a long comment", inside("comment", json!("x".repeat(60_000))), "invalid_text"),
        ("1,001 items", items(1_001), "too_many"),
        ("300 attributes", inside("more", (0..300).map(|n| (n.to_string(), json!(n))).collect()), "too_many"),
        ("an id of 129", set("event_id", json!("x".repeat(129))), "invalid_text"),
        ("an empty id", set("event_id", json!("")), "invalid_text"),
        ("an id that is a phone", set("event_id", json!("+62811000111")), "contact_in_id"),
    ]
}

/// Proves ANCHOR-ENV-5, ANCHOR-ENV-8, ANCHOR-ENV-10, MKT-S01-ERR2, PII-QUAR's ground and law 2: a batch of all that can
/// be wrong with an event, with a good one after each; every wrong one gets its code, every good one is applied.
#[test]
fn each_wrong_event_gets_its_code_and_its_neighbours_are_applied() {
    let server = Server::with_company(COMPANY, life::company());
    let wrong = wrong_lines();
    let mut body = Vec::new();
    for (place, (_, line, _)) in wrong.iter().enumerate() {
        body.extend_from_slice(line);
        body.extend_from_slice(format!("\n{}\n", good(&format!("good-{place}"))).as_bytes());
    }
    let reply = post(&server, &[("content-type", "application/x-ndjson")], &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let json = reply.json();
    let results = json["results"].as_array().expect("results");
    assert_eq!(results.len(), wrong.len() * 2);
    let mut other = Vec::new();
    for (place, (about, _, code)) in wrong.iter().enumerate() {
        let result = &results[place * 2];
        if result["code"] != *code || result["message"].as_str().is_none_or(|hint| hint.len() < 10) {
            other.push(format!("{about}: wanted {code}, got {result}"));
        }
        assert_eq!(results[place * 2 + 1]["status"], "applied", "beside {about}");
    }
    assert!(other.is_empty(), "{}", other.join("\n"));
    let sums = still_up(&server);
    // The one of an unknown company is kept under the company of the request.
    assert_eq!((&sums["received"], &sums["applied"]), (&json!(wrong.len() * 2), &json!(wrong.len())), "{sums:#}");
    let largest = post(
        &server,
        &[],
        json!((0..10_000).map(|n| good(&format!("n-{n}"))).collect::<Vec<_>>()).to_string().as_bytes(),
    );
    assert_eq!(largest.json()["applied"], 10_000, "{}", &largest.text()[..500]);
}

/// Proves law 2 where no company can be told: under a key that serves all, the event is counted among all sources.
#[test]
fn an_event_of_no_company_is_counted_too() {
    let server = Server::with_company(COMPANY, life::company());
    let mut nobody = good("e-1");
    nobody["company_id"] = Value::Null;
    let pushed = server.push(&[nobody, json!(5), good("e-2")]);
    assert_eq!((&pushed["quarantined"], &pushed["applied"]), (&json!(2), &json!(1)), "{pushed:#}");
    let sources = server.get("/v1/sources");
    let of = |name: &str| {
        let sources = sources["sources"].as_array().expect("a list").iter();
        sources.map(|source| source["outcomes"][name].as_i64().unwrap_or(0)).sum::<i64>()
    };
    assert_eq!((of("received"), of("quarantined"), of("applied")), (3, 2, 1), "{sources:#}");
}

/// Proves CORE-S01-PERM-1, CORE-S01-PERM-2, CORE-NG-4, ANCHOR-ENV-2 and MKT-PUBONLY at the door.
#[test]
fn a_wrong_key_is_turned_away_before_anything_is_read() {
    let server = Server::with_company(COMPANY, life::company());
    let body = good("e-1").to_string();
    let with = |value: &str| rig::send(&server, "POST", "/v1/events", &[("authorization", value)], body.as_bytes());
    refused(&rig::send(&server, "POST", "/v1/events", &[], body.as_bytes()), 401, "key_required");
    for value in ["Bearer nonsense", "Bearer cebe_admin_of_the_test", "Basic bm9uc2Vuc2U6", "Bearer \u{7f}"] {
        let reply = with(value);
        assert!(matches!(reply.status, 400 | 401), "{value}: {}", reply.text());
    }
    refused(&with("Bearer nonsense"), 401, "unknown_key");
    refused(&with("Digest x"), 401, "key_required");
    for role in ["reader", "analyst"] {
        let key = rig::key_of(&server, role, &["*"]);
        refused(&with(&format!("Bearer {key}")), 403, "role_not_allowed");
    }
    assert_eq!(still_up(&server)["received"], 0);
    let publisher = rig::key_of(&server, "publisher", &[COMPANY]);
    assert_eq!(with(&format!("Bearer {publisher}")).json()["accepted"], 1);
    assert_eq!(still_up(&server)["applied"], 1);
}

/// Proves law 8 and CORE-CON-SLA's ground: clients that stop half way do not hold up others, get an answer in time, and
/// nothing of theirs is stored.
#[test]
fn clients_that_fall_silent_hold_up_nobody() {
    let server = Server::with_company(COMPANY, life::company());
    let bearer = format!("Bearer {ADMIN}");
    let started = Instant::now();
    let silent: Vec<_> = (0..100)
        .map(|n| {
            let mut stream = rig::connect(&server);
            let body = good(&format!("half-{n}")).to_string();
            let head = rig::head("POST", "/v1/events", &[("authorization", &bearer)], body.len());
            stream.write_all(head.as_bytes()).expect("the head is taken");
            stream.write_all(&body.as_bytes()[..body.len() / 2]).expect("half a body is taken");
            stream
        })
        .collect();
    let mut mute: Vec<_> = (0..50).map(|_| rig::connect(&server)).collect();
    mute.iter_mut().for_each(|stream| stream.write_all(b"POST /v1/events HT").expect("a piece of a head is taken"));
    for n in 0..50 {
        let asked = Instant::now();
        let reply = post(&server, &[], good(&format!("whole-{n}")).to_string().as_bytes());
        assert_eq!(reply.json()["applied"], 1, "{}", reply.text());
        assert!(asked.elapsed() < Duration::from_secs(5), "a whole request took {:?}", asked.elapsed());
    }
    for stream in silent {
        let reply = rig::read_reply(stream);
        refused(&reply, 408, "body_timeout");
    }
    assert!(started.elapsed() < Duration::from_secs(50), "silence was borne for {:?}", started.elapsed());
    assert_eq!(still_up(&server)["received"], 50);
}

/// Proves IDEM-EQUAL's ground and law 1 under load: thousands of small requests on one connection, sent without waiting, are
/// answered in their order, each once.
#[test]
fn thousands_of_pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 3_000;
    let server = Server::with_company(COMPANY, life::company());
    let bearer = format!("Bearer {ADMIN}");
    let stream = rig::connect(&server);
    let mut writer = stream.try_clone().expect("a second handle");
    let writing = std::thread::spawn(move || {
        for n in 0..REQUESTS {
            let body = good(&format!("p-{n}")).to_string();
            let path = if n % 100 == 99 { "/v1/nowhere" } else { "/v1/events?verbose=true" };
            let head = rig::head("POST", path, &[("authorization", &bearer)], body.len());
            writer.write_all((head + &body).as_bytes()).expect("a request is taken");
        }
    });
    let mut reader = BufReader::new(stream);
    for n in 0..REQUESTS {
        let (status, body) = one(&mut reader);
        let wanted = if n % 100 == 99 { 404 } else { 200 };
        assert_eq!(status, wanted, "request {n}: {body}");
        if wanted == 200 {
            assert_eq!((&body["accepted"], &body["results"][0]["event_id"]), (&json!(1), &json!(format!("p-{n}"))));
        }
    }
    writing.join().expect("everything was sent");
    assert_eq!(still_up(&server)["applied"], REQUESTS - REQUESTS / 100);
}

/// Proves law 8's ground: a client whose body arrives after its head keeps its connection, also where nobody asks for the body.
#[test]
fn a_body_that_comes_late_does_not_cost_the_connection() {
    let server = Server::with_company(COMPANY, life::company());
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("authorization", &*bearer), ("x-company-id", COMPANY)];
    for (verb, path, status) in
        [("POST", "/v1/events", 200), ("PUT", "/v1/companies/kopi", 200), ("POST", "/v1/verify", 202)]
    {
        let stream = rig::connect(&server);
        let mut writer = stream.try_clone().expect("a second handle");
        let mut reader = BufReader::new(stream);
        let body = if path == "/v1/events" { "[]" } else { "{}" };
        writer.write_all(rig::head(verb, path, &headers, body.len()).as_bytes()).expect("the head is taken");
        // By the time that others were answered, the head has been seen.
        for _ in 0..20 {
            assert_eq!(rig::send_as(&server, ADMIN, "GET", "/v1/companies", b"").status, 200);
        }
        writer.write_all(body.as_bytes()).expect("the body is taken");
        assert_eq!(one(&mut reader).0, status, "{verb} {path}");
        writer.write_all(rig::head("GET", "/v1/companies", &headers, 0).as_bytes()).expect("the connection is open");
        assert_eq!(one(&mut reader).0, 200, "after {verb} {path}");
    }
}

/// The next answer of a connection that stays open.
fn one(reader: &mut impl BufRead) -> (u16, Value) {
    let (mut status, mut length) = (0, 0);
    for place in 0.. {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line of the head");
        assert!(!line.is_empty(), "the server closed the connection");
        if place == 0 {
            status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        } else if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
