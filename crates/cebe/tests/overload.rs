//! Too much of everything: connections, requests of one key, slow clients; and a stop in the middle of it. And what
//! keeps others out: TLS, and secrets that are shown nowhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::{ADMIN, BINARY, Line, Server, load::timeline_ids};

/// Connections held open at one time; less where the system does not allow it.
const CONNECTIONS: u64 = 3_000;

fn connect(server: &Server) -> TcpStream {
    let address = server.url().split_once("://").expect("an address has a scheme").1.to_owned();
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Asks for `/livez` on an open connection; gives the head of the answer.
fn ask_livez(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    read_answer(stream)
}

fn read_answer(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 2_048];
    let read = stream.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[test]
fn one_connection_too_many_is_told_503_until_a_place_is_free() {
    let server = Server::start_with(&[("CEBE_CONNECTIONS_MAX", "8")], Stdio::inherit());
    let mut held: Vec<TcpStream> = (0..8).map(|_| connect(&server)).collect();
    for stream in &mut held {
        assert!(ask_livez(stream).starts_with("HTTP/1.1 200"));
    }
    let refused = read_answer(&mut connect(&server));
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    assert!(refused.contains("\"code\":\"busy\""), "{refused}");
    held.pop();
    while !ask_livez(&mut connect(&server)).starts_with("HTTP/1.1 200") {
        thread::yield_now();
    }
    assert!(ask_livez(&mut held[0]).starts_with("HTTP/1.1 200"), "those who were in stay in");
}

#[test]
fn a_client_that_does_not_finish_its_head_is_let_go() {
    let server = Server::start_with(&[("CEBE_IDLE_MAX_S", "1")], Stdio::inherit());
    let mut stream = connect(&server);
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the connection is closed, not left open");
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

/// The head of a push whose body is so long; the server says when it begins to read that.
fn push_head(key: &str, length: usize) -> String {
    format!(
        "POST /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    )
}

/// Begins a push and stops before its body; gives what was answered so far.
fn begin_push(server: &Server, key: &str, length: usize) -> (TcpStream, String) {
    let mut stream = connect(server);
    stream.write_all(push_head(key, length).as_bytes()).unwrap();
    let answer = read_answer(&mut stream);
    (stream, answer)
}

/// A publisher's key of one company, which is made.
fn publisher(server: &Server, company: &str) -> String {
    server.put(&format!("/v1/companies/{company}"), &json!({"sso_id": format!("sso-{company}")}));
    let key = server.post("/v1/keys", &json!({"name": company, "role": "publisher", "companies": [company]}));
    key["key"].as_str().unwrap().to_owned()
}

/// One company's unfinished bodies take no more than leaves room for the next company's.
#[test]
fn a_company_that_fills_the_room_for_bodies_leaves_some_to_others() {
    let server = Server::start_with(&[("CEBE_BODIES_BYTES_MAX", "4194304")], Stdio::inherit());
    server.put("/v1/sources/conversion", &json!({"enabled": true}));
    let (noisy, quiet) = (publisher(&server, "noisy"), publisher(&server, "acme"));
    let pushes: Vec<(TcpStream, String)> = (0..4).map(|_| begin_push(&server, &noisy, 1 << 20)).collect();
    let begun = pushes.iter().filter(|(_, answer)| answer.starts_with("HTTP/1.1 100")).count();
    assert_eq!(begun, 2, "half of the room is for one alone");
    let refused = &pushes[3].1;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    let answer = server.ask_as(&quiet, "POST", "/v1/events", Some(&payment(1)));
    assert_eq!((answer.status, &answer.body["accepted"]), (200, &json!(1)), "{:#}", answer.body);
}

/// A client that asks and asks and reads nothing is let go, and its place is free again.
#[test]
fn a_client_that_reads_no_answers_is_let_go() {
    let server = Server::start_with(&[("CEBE_IDLE_MAX_S", "1"), ("CEBE_CONNECTIONS_MAX", "1")], Stdio::inherit());
    let mut stream = connect(&server);
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    // More than the system holds between the two; the server stops to read, and then lets go.
    let ask = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_000);
    let broken = loop {
        match stream.write_all(&ask) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(!matches!(broken.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{broken}");
    while !ask_livez(&mut connect(&server)).starts_with("HTTP/1.1 200") {
        thread::yield_now();
    }
}

/// Raises this process's limit of open files; gives how many connections may be opened.
fn connections() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    limit.maximum.map_or(CONNECTIONS, |most| CONNECTIONS.min(most / 2))
}

#[test]
fn thousands_of_connections_are_held_and_served() {
    let server = Server::start();
    let many = connections();
    let mut held: Vec<TcpStream> = (0..many).map(|_| connect(&server)).collect();
    for stream in &mut held {
        assert!(ask_livez(stream).starts_with("HTTP/1.1 200"));
    }
    server.put("/v1/companies/acme", &json!({"sso_id": "sso-acme"}));
    let page = server.text("/metrics");
    let open = page.lines().find_map(|line| line.strip_prefix("cebe_http_connections ")).expect("it is measured");
    assert!(open.parse::<f64>().unwrap() >= many as f64, "{open}");
}

#[test]
fn a_key_over_its_limit_is_told_429() {
    let server = Server::start_with(&[("CEBE_KEY_REQUESTS_PER_S_MAX", "1")], Stdio::inherit());
    let statuses: BTreeSet<u16> = (0..20).map(|_| server.ask("GET", "/v1/catalog", None).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(server.text("/metrics").contains("cebe_door_refused_total{code=\"too_fast\"}"), "probes need no key");
}

fn payment(number: u64) -> Value {
    json!({
        "event_id": format!("pay-{number}"), "company_id": "acme", "company_sso_id": "sso-acme",
        "qontak_customer_id": "customer-a", "event_timestamp": "2026-11-02T09:00:00Z", "source_module": "conversion",
        "event_name": "order.paid",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": format!("p-{number}")},
    })
}

/// Sends one event after the other until the connection breaks; tells which were acknowledged.
fn write(line: &Line, next: &AtomicU64, acknowledged: &Sender<u64>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        match line.ask("POST", "/v1/events", payment(number).to_string().into_bytes()) {
            Some(answer) if answer.status == 200 => acknowledged.send(number).expect("the test listens"),
            Some(answer) => assert_eq!(answer.status, 503, "{:#}", answer.body),
            None => return,
        }
    }
}

/// Requirements CORE-CON-SLA, CORE-FLOW-7: asked to stop under load, the server ends well, and everything it
/// acknowledged is there after the next start.
#[test]
fn a_stop_under_load_keeps_what_was_acknowledged() {
    let mut server = Server::with_company("acme", json!({"sso_id": "sso-acme", "retention_months": 0}));
    let (next, (tell, told)) = (AtomicU64::new(0), channel());
    let acknowledged: Vec<u64> = thread::scope(|scope| {
        for _ in 0..8 {
            let (line, tell, next) = (server.line(), tell.clone(), &next);
            scope.spawn(move || write(&line, next, &tell));
        }
        drop(tell);
        let mut acknowledged: Vec<u64> = told.iter().take(300).collect();
        assert!(server.stop().success());
        acknowledged.extend(told.iter());
        acknowledged
    });
    assert!(acknowledged.len() >= 300);
    server.restart();
    server.drain();
    let there: BTreeSet<String> = timeline_ids(&server, "acme", "customer-a").into_iter().collect();
    let lost: Vec<&u64> = acknowledged.iter().filter(|number| !there.contains(&format!("pay-{number}"))).collect();
    assert_eq!(lost, Vec::<&u64>::new());
    server.assert_clean();
}

/// A request that was begun is answered, whatever comes in between; what it brought is kept.
#[test]
fn a_request_that_was_begun_is_answered_before_the_end() {
    let mut server = Server::with_company("acme", json!({"sso_id": "sso-acme", "retention_months": 0}));
    let body = payment(1).to_string();
    let (mut stream, begun) = begin_push(&server, ADMIN, body.len());
    assert!(begun.starts_with("HTTP/1.1 100"), "{begun}");
    server.signal("TERM");
    let address = server.url().split_once("://").unwrap().1.to_owned();
    while TcpStream::connect(&address).is_ok() {
        thread::yield_now();
    }
    stream.write_all(body.as_bytes()).unwrap();
    let answer = read_answer(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"accepted\":1"), "{answer}");
    assert!(server.wait().success());
    server.restart();
    assert_eq!(timeline_ids(&server, "acme", "customer-a"), ["pay-1"]);
}

/// A certificate and its key, as settings; the files last as long as the folder.
fn certificate(folder: &Path) -> [(&'static str, String); 2] {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    [("CEBE_TLS_CERT_FILE", cert.display().to_string()), ("CEBE_TLS_KEY_FILE", key.display().to_string())]
}

/// A client that never agrees on keys is let go.
#[test]
fn a_client_that_does_not_begin_tls_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let mut settings: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("CEBE_IDLE_MAX_S", "1"));
    let server = Server::start_with(&settings, Stdio::inherit());
    let mut rest = Vec::new();
    connect(&server).read_to_end(&mut rest).expect("the connection is closed, not left open");
    assert_eq!(rest, Vec::<u8>::new());
}

#[test]
fn a_certificate_makes_it_https() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path());
    let settings: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::start_with(&settings, Stdio::inherit());
    assert!(server.url().starts_with("https://"), "{}", server.url());
    let ask = |ca: &str| {
        let mut command = Command::new(BINARY);
        command.args(["source", "list", "--json"]).env("CEBE_SERVER", server.url()).env("CEBE_KEY", ADMIN);
        command.env("CEBE_CA_FILE", ca).current_dir(folder.path()).output().unwrap()
    };
    let trusted = ask(&files[0].1);
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
    assert!(!ask("").status.success(), "a certificate of nobody is not trusted");
    // Plain HTTP is not understood; the connection ends without an answer.
    let mut plain = connect(&server);
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn no_flag_takes_a_secret_and_none_is_shown() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).env("CEBE_KEY", "very-secret").env("CEBE_ADMIN_KEY", "very-secret");
        let output = command.env("CEBE_ALERTS_WEBHOOK_URL", "http://very-secret").output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let help = run(&["--help"]);
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    for command in commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()) {
        let help = run(&[command, "--help"]);
        for flag in ["--key ", "--admin-key ", "--webhook", "--password", "--secret", "--token"] {
            assert!(!help.contains(flag), "{command} {flag}");
        }
        assert!(!help.contains("very-secret"), "{command}");
    }
    for arguments in [&["settings"][..], &["settings", "--json"]] {
        let shown = run(arguments);
        assert!(shown.contains("*****") && !shown.contains("very-secret"), "{shown}");
    }
}
