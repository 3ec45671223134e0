//! HTTP to a server: one place that knows addresses, the key, the company and how errors come back.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body, SendBody};

use crate::failure::Failure;
use crate::settings::Settings;

const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A connection pool to one server, under one key and company.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    tls: TlsConfig,
    server: String,
    key: String,
    company: String,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// When the server wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// The body; null when it is not JSON.
    pub(crate) body: Value,
}

impl Client {
    /// A client for the settings' server, key and company.
    pub(crate) fn new(settings: &Settings) -> Self {
        let trusted = trusted(&settings.ca_file);
        Self::trusting(&settings.server, &settings.key, &settings.company, trusted)
    }

    /// A client for this server, key and company (empty for none).
    pub(crate) fn to(server: &str, key: &str, company: &str) -> Self {
        Self::trusting(server, key, company, None)
    }

    fn trusting(server: &str, key: &str, company: &str, trusted: Option<RootCerts>) -> Self {
        let tls = TlsConfig::builder().root_certs(trusted.unwrap_or(RootCerts::WebPki)).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(120)))
            .max_idle_connections_per_host(64)
            .tls_config(tls.clone())
            .build();
        let server = server.trim_end_matches('/').to_owned();
        Self { agent: config.into(), tls, server, key: key.to_owned(), company: company.to_owned() }
    }

    /// The same for another company.
    pub(crate) fn for_company(&self, company: &str) -> Self {
        Self { company: company.to_owned(), ..self.clone() }
    }

    /// The server's address.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        accepted(self.send("GET", &address(path, query), &[], Vec::new())?)
    }

    /// Sends JSON with a verb.
    pub(crate) fn write(&self, verb: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let headers = [("content-type", "application/json")];
        accepted(self.send(verb, path, &headers, body.to_string().into_bytes())?)
    }

    /// Posts with an empty body.
    pub(crate) fn post_nothing(&self, path: &str) -> Result<Value, Failure> {
        accepted(self.send("POST", path, &[], Vec::new())?)
    }

    /// Deletes.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, Failure> {
        accepted(self.send("DELETE", path, &[], Vec::new())?)
    }

    /// Sends a stream of any size; any status is an answer.
    pub(crate) fn upload(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        stream: impl Read + 'static,
    ) -> Result<Answer, Failure> {
        self.exchange(&self.patient(), "POST", path, headers, SendBody::from_owned_reader(stream))
    }

    /// Without a bound on how long an exchange may take.
    fn patient(&self) -> Agent {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        config.timeout_connect(Some(Duration::from_secs(5))).tls_config(self.tls.clone()).build().into()
    }

    /// Reads an answer of any size as it comes.
    pub(crate) fn download(&self, path: &str) -> Result<Box<dyn Read>, Failure> {
        let response = self.ask(&self.patient(), "GET", path, &[], ())?;
        match response.status().as_u16() {
            200 => Ok(Box::new(response.into_body().into_reader())),
            _ => accepted(self.answered(response)?).map(|_| Box::new(std::io::empty()) as Box<dyn Read>),
        }
    }

    /// One exchange; any status is an answer.
    pub(crate) fn send(
        &self,
        verb: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        self.exchange(&self.agent, verb, path, headers, body)
    }

    fn exchange(
        &self,
        agent: &Agent,
        verb: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Answer, Failure> {
        self.answered(self.ask(agent, verb, path, headers, body)?)
    }

    fn ask(
        &self,
        agent: &Agent,
        verb: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder().method(verb).uri(format!("{}{path}", self.server));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        if !self.company.is_empty() {
            request = request.header("x-company-id", &self.company);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).map_err(|error| Failure::Usage(format!("cannot ask {path}: {error}")))?;
        agent.run(request).map_err(|error| self.unreachable(&error))
    }

    fn answered(&self, response: Response<Body>) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let bytes = text.map_err(|error| self.unreachable(&error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), body })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::Unreachable { server: self.server.clone(), reason: error.to_string() }
    }
}

/// The certificates of a file. One that cannot be read trusts nobody, and the first request says so.
fn trusted(file: &str) -> Option<RootCerts> {
    if file.is_empty() {
        return None;
    }
    let pem = std::fs::read(file).unwrap_or_default();
    let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Some(RootCerts::new_with_certs(&certificates.collect::<Vec<_>>()))
}

fn accepted(answer: Answer) -> Result<Value, Failure> {
    match answer.status {
        200..=299 => Ok(answer.body),
        status => Err(Failure::from_answer(status, &answer.body)),
    }
}

/// A path with its query, values percent-encoded.
pub(crate) fn address(path: &str, query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// A text as one segment of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{address, encoded};

    #[test]
    fn what_people_type_becomes_an_address() {
        assert_eq!(encoded("a b/+é"), "a%20b%2F%2B%C3%A9");
        assert_eq!(address("/v1/customers", &[("phone", "+62 811".to_owned())]), "/v1/customers?phone=%2B62%20811");
        assert_eq!(address("/v1/metrics", &[]), "/v1/metrics");
    }
}
