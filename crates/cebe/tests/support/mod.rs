//! Starts the real binary on a free port with a folder of its own, and talks to it as a publisher or reader would.
#![allow(dead_code, reason = "each test binary uses the part it needs")]

pub mod load;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
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
    /// A disk of its own, when it has one.
    disk: Option<SmallDisk>,
}

/// A small file system, there for as long as a process holds its name space.
struct SmallDisk {
    holder: Child,
    _stdin: ChildStdin,
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
        Self::in_folder(tempfile::tempdir().expect("a folder for the store"), settings, words)
    }

    /// A server on the store in the folder `data` of this one.
    pub fn on(folder: TempDir) -> Self {
        Self::in_folder(folder, &[], Stdio::inherit())
    }

    fn in_folder(folder: TempDir, settings: &[(&str, &str)], words: Stdio) -> Self {
        let (child, stdout, url) = spawn(None, folder.path(), settings, words);
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { child, _stdout: stdout, folder, settings, url, agent: agent(), disk: None }
    }

    /// A server on an empty store on a disk of this size; `None` where none can be mounted.
    pub fn on_small_disk(size: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder for the store");
        let disk = SmallDisk::mount(folder.path(), size)?;
        let (child, stdout, url) = spawn(Some(&disk), folder.path(), settings, Stdio::inherit());
        let settings = Vec::new();
        Some(Self { child, _stdout: stdout, folder, settings, url, agent: agent(), disk: Some(disk) })
    }

    /// Puts a file of this size on its disk, as far as there is room, in the place of the one before.
    pub fn fill_small_disk(&self, size: &str) {
        let disk = self.disk.as_ref().expect("it has a disk of its own");
        let file = self.data().join("filler");
        let script = format!("rm -f '{0}'; head -c {size} /dev/zero > '{0}'; true", file.display());
        let filled = disk.command("sh").args(["-c", &script]).stderr(Stdio::null()).status();
        assert!(filled.expect("sh runs").success());
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be asked")
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
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().expect("it has ended");
    }

    /// Starts it again on the same store.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// Starts it again on the same store, with the settings it was first started with.
    pub fn restart_as_it_was(&mut self) {
        let settings = self.settings.clone();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.restart_with(&settings);
    }

    /// Starts it again on the same store, with these settings.
    pub fn restart_with(&mut self, settings: &[(&str, &str)]) {
        let (child, stdout, url) = spawn(self.disk.as_ref(), self.folder.path(), settings, Stdio::inherit());
        (self.child, self._stdout, self.url) = (child, stdout, url);
        self.agent = agent();
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The same, with its log to be read.
    pub fn restart_logged(&mut self, settings: &[(&str, &str)]) -> BufReader<ChildStderr> {
        let (mut child, stdout, url) = spawn(self.disk.as_ref(), self.folder.path(), settings, Stdio::piped());
        let log = child.stderr.take().expect("stderr is piped");
        (self.child, self._stdout, self.url) = (child, stdout, url);
        self.agent = agent();
        BufReader::new(log)
    }

    /// Starts it again on the same store, as it was first started, with its log to be read.
    pub fn restart_as_it_was_logged(&mut self) -> BufReader<ChildStderr> {
        let settings = self.settings.clone();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.restart_logged(&settings)
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it has ended")
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

    /// One exchange on a connection of its own: a server that refuses a body half-way closes it.
    pub fn ask_apart(&self, key: &str, verb: &str, path: &str, body: Vec<u8>) -> Answer {
        exchange(&agent(), &self.url, key, verb, path, body).expect("the server answers")
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
        if let Some(disk) = &mut self.disk {
            let _ = disk.holder.kill();
            let _ = disk.holder.wait();
        }
    }
}

impl SmallDisk {
    /// Mounts it at the folder `data`, seen by nobody but who is in its name space.
    fn mount(folder: &Path, size: &str) -> Option<Self> {
        let data = folder.join("data");
        std::fs::create_dir_all(&data).expect("a place to mount at");
        let script = format!("mount -t tmpfs -o size={size} cebe '{}' && echo mounted && exec cat", data.display());
        let mut holder = Command::new("unshare");
        holder
            .args(["--mount", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut holder = holder.spawn().ok()?;
        let stdin = holder.stdin.take().expect("stdin is piped");
        let mut said = [0; 8];
        let is_mounted = holder.stdout.take().expect("stdout is piped").read_exact(&mut said).is_ok();
        if is_mounted {
            return Some(Self { holder, _stdin: stdin });
        }
        let _ = holder.wait();
        None
    }

    /// A command that runs where the disk is.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.holder.id().to_string(), "--", program]);
        command
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

/// The binary, which ends with the thread that starts it, also when that is killed: no server outlives its test.
fn mortal() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", BINARY]);
    command
}

#[expect(clippy::zombie_processes, reason = "whoever gets the child waits for it")]
fn spawn(
    disk: Option<&SmallDisk>,
    folder: &Path,
    settings: &[(&str, &str)],
    words: Stdio,
) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = disk.map_or_else(mortal, |disk| disk.command(BINARY));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
    command.env("CEBE_ADMIN_KEY", ADMIN).env("CEBE_LOG", "error").current_dir(folder);
    command.envs(settings.iter().copied());
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
