//! Starts the real binary on a free port with a folder of its own, and talks to it as a publisher or reader would.
#![allow(dead_code, reason = "each test binary uses the part it needs")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Request;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_cebe");
/// The admin key of every server here.
pub const ADMIN: &str = "cebe_admin_of_the_tests";
/// All seven modules.
pub const MODULES: [&str; 7] = ["communication", "ticketing", "deals", "marketing", "conversion", "cdp", "loyalty"];

/// A server process and its store.
pub struct Server {
    child: Child,
    /// Held open, so that the server can always print.
    _stdout: BufReader<ChildStdout>,
    folder: TempDir,
    settings: Vec<(String, String)>,
    url: String,
    agent: Agent,
}

/// What an exchange gave.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Server {
    /// A server on an empty store.
    pub fn start() -> Self {
        Self::start_logging("error", Stdio::inherit())
    }

    /// The same; what it logs under these rules goes to `words`.
    pub fn start_logging(rules: &str, words: Stdio) -> Self {
        Self::start_with(&[("CEBE_LOG", rules)], words)
    }

    /// The same, with the log to be read.
    pub fn start_logged(rules: &str, log: &mut Option<ChildStderr>) -> Self {
        let mut server = Self::start_logging(rules, Stdio::piped());
        *log = server.child.stderr.take();
        server
    }

    /// The same with these settings in its environment.
    pub fn start_with(settings: &[(&str, &str)], words: Stdio) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the store");
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (child, stdout, url) = spawn(folder.path(), &settings, words);
        Self { child, _stdout: stdout, folder, settings, url, agent: agent() }
    }

    /// A server on an empty store with this company, every source switched on.
    pub fn with_company(id: &str, settings: Value) -> Self {
        let server = Self::start();
        server.put(&format!("/v1/companies/{id}"), &settings);
        for module in MODULES {
            server.put(&format!("/v1/sources/{module}"), &json!({"enabled": true}));
        }
        server
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its store is.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The hardest way to stop it.
    pub fn kill9(&mut self) {
        self.child.kill().expect("the server was running");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again on the same store, with the settings it had.
    pub fn restart(&mut self) {
        let (child, stdout, url) = spawn(self.folder.path(), &self.settings, Stdio::inherit());
        (self.child, self._stdout, self.url) = (child, stdout, url);
        self.agent = agent();
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(asked.expect("kill runs").success());
        self.child.wait().expect("it has ended")
    }

    /// One exchange under the admin key, whatever the status.
    pub fn ask(&self, verb: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(ADMIN, verb, path, body)
    }

    /// One exchange under this key.
    pub fn ask_as(&self, key: &str, verb: &str, path: &str, body: Option<&Value>) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.try_ask(key, verb, path, bytes).expect("the server answers")
    }

    /// One exchange; `None` when the connection breaks.
    pub fn try_ask(&self, key: &str, verb: &str, path: &str, body: Vec<u8>) -> Option<Answer> {
        exchange(&self.agent, &self.url, key, verb, path, body)
    }

    /// A connection pool and the address, to ask from another thread.
    pub fn line(&self) -> Line {
        Line { agent: self.agent.clone(), url: self.url.clone() }
    }

    /// Reads; anything but 200 fails the test.
    pub fn get(&self, path: &str) -> Value {
        good(path, self.ask("GET", path, None))
    }

    /// Reads what is not JSON.
    pub fn text(&self, path: &str) -> String {
        let response = self.agent.get(format!("{}{path}", self.url)).call().expect("the server answers");
        response.into_body().read_to_string().expect("text")
    }

    /// Sends; anything but 2xx fails the test.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        good(path, self.ask("POST", path, Some(body)))
    }

    /// Puts; anything but 2xx fails the test.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        good(path, self.ask("PUT", path, Some(body)))
    }

    /// Pushes events and waits until they are applied.
    pub fn push(&self, events: &[Value]) -> Value {
        self.post("/v1/events?wait=true&timeout_ms=20000&verbose=true", &json!(events))
    }

    /// Waits until everything that was accepted is applied. A change of settings answers once it is applied, or after
    /// half a minute when much lies before it in the queue; so each turn is a wait, not a poll.
    pub fn drain(&self) {
        loop {
            let change = json!({"modules": [], "pii_classes": []});
            let answer = self.ask("PUT", "/v1/teams/drained", Some(&change));
            assert!(matches!(answer.status, 200..=299 | 503), "{} {:#}", answer.status, answer.body);
            if answer.status == 200 && self.ask("GET", "/readyz", None).body["lag_ms"] == 0 {
                return;
            }
        }
    }

    /// The value of a company's metric.
    pub fn metric(&self, company: &str, name_and_query: &str) -> Value {
        let mark = if name_and_query.contains('?') { '&' } else { '?' };
        self.get(&format!("/v1/metrics/{name_and_query}{mark}company_id={company}"))
    }

    /// Verifies the live store; the report.
    pub fn verify(&self) -> Value {
        let id = self.post("/v1/verify", &json!({}))["id"].as_str().expect("a job has an id").to_owned();
        loop {
            let report = self.get(&format!("/v1/verify/{id}"));
            if report["state"] != "running" {
                return report;
            }
            std::thread::yield_now();
        }
    }

    /// Fails the test when the live store is not what its log gives.
    pub fn assert_clean(&self) {
        let report = self.verify();
        assert_eq!((&report["state"], &report["different"]), (&json!("done"), &json!(0)), "{report:#}");
    }

    /// Runs a command of the binary against this server.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(BINARY);
        command.args(arguments).env("CEBE_SERVER", &self.url).env("CEBE_KEY", ADMIN);
        command.current_dir(self.folder.path()).output().expect("the binary runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A way to ask from another thread.
#[derive(Clone)]
pub struct Line {
    agent: Agent,
    url: String,
}

impl Line {
    /// One exchange under the admin key; `None` when the connection breaks.
    pub fn ask(&self, verb: &str, path: &str, body: Vec<u8>) -> Option<Answer> {
        exchange(&self.agent, &self.url, ADMIN, verb, path, body)
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(120)))
        .max_idle_connections_per_host(32);
    config.build().into()
}

#[expect(clippy::zombie_processes, reason = "whoever gets the child waits for it")]
fn spawn(folder: &Path, settings: &[(String, String)], words: Stdio) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
    command.env("CEBE_ADMIN_KEY", ADMIN).env("CEBE_LOG", "error").current_dir(folder);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let mut child = command.stdout(Stdio::piped()).stderr(words).spawn().expect("the binary starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    loop {
        let mut line = String::new();
        let read = stdout.read_line(&mut line).expect("stdout can be read");
        if read == 0 {
            panic!("the server ended before it listened: {:?}", child.wait());
        }
        if let Some(url) = line.trim().strip_prefix("listening on ") {
            return (child, stdout, url.to_owned());
        }
    }
}

fn exchange(agent: &Agent, url: &str, key: &str, verb: &str, path: &str, body: Vec<u8>) -> Option<Answer> {
    let request = Request::builder()
        .method(verb)
        .uri(format!("{url}{path}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    let response = agent.run(request.body(body).expect("a request")).ok()?;
    let status = response.status().as_u16();
    let bytes = response.into_body().into_with_config().limit(1 << 30).read_to_vec().ok()?;
    Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

fn good(path: &str, answer: Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{path}: {} {:#}", answer.status, answer.body);
    answer.body
}
