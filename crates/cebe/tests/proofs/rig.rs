//! What the proofs share beside the support: exchanges byte by byte, keys, and counts of outcomes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Server;

/// Longest time a test waits for bytes of the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The code of an error answer.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Everything that came, as text.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.head, String::from_utf8_lossy(&self.bytes))
    }
}

/// A connection to the server.
pub fn connect(server: &Server) -> TcpStream {
    let address = server.url().strip_prefix("http://").expect("the server speaks HTTP");
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// The head of a request.
pub fn head(verb: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut head = format!("{verb} {path} HTTP/1.1\r\nhost: cebe\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// One exchange on a connection of its own, nothing added and nothing followed.
pub fn send(server: &Server, verb: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut stream = connect(server);
    let mut all = vec![("connection", "close")];
    all.extend_from_slice(headers);
    stream.write_all(head(verb, path, &all, body.len()).as_bytes()).expect("the head is taken");
    // A server that refuses a body may close before it has read it; what it answered is there all the same.
    let _ = stream.write_all(body);
    read_reply(stream)
}

/// Everything that comes until the server closes.
pub fn read_reply(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    parse(&bytes)
}

/// One exchange under a key.
pub fn send_as(server: &Server, key: &str, verb: &str, path: &str, body: &[u8]) -> Reply {
    send(server, verb, path, &[("authorization", &format!("Bearer {key}"))], body)
}

fn parse(bytes: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = bytes.get(end + 4..).unwrap_or_default();
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    Reply { status, bytes: if chunked { unchunked(body) } else { body.to_vec() }, head }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16).unwrap_or(0);
        let Some(chunk) = rest.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        whole.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}

/// Makes a key; gives (id, key).
pub fn key(server: &Server, settings: Value) -> (String, String) {
    let made = server.post("/v1/keys", &settings);
    let text = |name: &str| made[name].as_str().expect("a key has an id and a secret").to_owned();
    (text("id"), text("key"))
}

/// A key of a role for some companies and every module.
pub fn key_of(server: &Server, role: &str, companies: &[&str]) -> String {
    key(server, json!({"name": role, "role": role, "companies": companies})).1
}

/// Outcome counts over all sources, as the sources tell.
pub fn outcomes(server: &Server, company: &str) -> Value {
    let sources = server.get(&format!("/v1/sources?company_id={company}"));
    let mut sums = serde_json::Map::new();
    for source in sources["sources"].as_array().expect("a list of sources") {
        for (name, count) in source["outcomes"].as_object().expect("outcomes") {
            let sum = sums.get(name).and_then(Value::as_i64).unwrap_or(0) + count.as_i64().unwrap_or(0);
            sums.insert(name.clone(), sum.into());
        }
    }
    Value::Object(sums)
}

/// Fails the test when a received event has no outcome. Gives the counts.
pub fn assert_balanced(server: &Server, company: &str) -> Value {
    server.drain();
    let sums = outcomes(server, company);
    let count = |name: &str| sums[name].as_i64().unwrap_or(0);
    let ends = ["applied", "duplicate", "conflict", "ignored", "quarantined"].map(count).iter().sum::<i64>();
    assert_eq!(count("received"), ends, "{sums:#}");
    sums
}
