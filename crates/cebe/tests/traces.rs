//! Traces: a request of which its sender says that it is traced arrives at a collector as a span, under that trace.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use support::{ADMIN, Server};

/// Takes one post, answers it, and gives the spans in it.
fn receive(listener: &TcpListener) -> Vec<Span> {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(given) = line.to_lowercase().strip_prefix("content-length:") {
            length = given.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    let post = ExportTraceServiceRequest::decode(body.as_slice()).expect("it is OTLP");
    post.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect()
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    found.map(|attribute| format!("{:?}", attribute.value)).unwrap_or_default()
}

#[test]
fn a_traced_request_arrives_as_a_span() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    // None of the others is traced, as good as.
    let settings = [("CEBE_TRACES_URL", address.as_str()), ("CEBE_TRACES_ONE_IN", "1000000000")];
    let mut server = Server::start_with(&settings, Stdio::inherit());
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let asked = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &format!("Authorization: Bearer {ADMIN}")])
        .args(["-H", &format!("traceparent: 00-{trace}-{parent}-01")])
        .arg(format!("{}/v1/companies/ayu-6281234567890", server.url()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "404");
    // A stop posts what is left.
    let spans = std::thread::scope(|scope| {
        let spans = scope.spawn(|| receive(&listener));
        assert!(server.stop().success());
        spans.join().unwrap()
    });
    assert_eq!(spans.len(), 1, "{spans:#?}");
    let span = &spans[0];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (trace, parent));
    assert_eq!(span.name, "request");
    assert!(attribute(span, "http.route").contains("/v1/companies/{id}"), "{span:#?}");
    assert!(attribute(span, "status").contains("404") && attribute(span, "method").contains("GET"), "{span:#?}");
    assert!(!format!("{span:?}").contains("6281234567890"), "an address as it was asked is in no span");
}
