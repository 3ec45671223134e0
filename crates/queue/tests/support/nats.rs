//! Real NATS servers for tests: each on a free port with a folder of its own, ended with the test however that ends.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// One server of a cluster of one or more.
pub(crate) struct Nats {
    process: Child,
    port: u16,
    watched_at: u16,
    dir: TempDir,
}

/// What every server of these tests takes at most in one message.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1 << 20;

/// Ports that nobody has.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|held| held.local_addr().unwrap().port()).collect()
}

impl Nats {
    /// A server alone.
    pub(crate) fn start() -> Nats {
        Nats::taking(MAX_PAYLOAD_BYTES)
    }

    /// A server alone that takes messages of so many bytes.
    pub(crate) fn taking(payload_bytes_max: usize) -> Nats {
        Nats::launch(free_ports(1)[0], "alone", "", payload_bytes_max)
    }

    /// Three servers that know each other.
    pub(crate) fn start_three(payload_bytes_max: usize) -> [Nats; 3] {
        let (clients, routes) = (free_ports(3), free_ports(3));
        let all: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        [0, 1, 2].map(|n| {
            let cluster = format!(
                "cluster {{ name: cebe-test, listen: \"127.0.0.1:{}\", routes: [{}] }}\n",
                routes[n],
                all.join(", ")
            );
            Nats::launch(clients[n], &format!("n{n}"), &cluster, payload_bytes_max)
        })
    }

    /// A server alone that is configured further; in `{dir}` it finds these files.
    pub(crate) fn configured(more: &str, files: &[(&str, &str)]) -> Nats {
        Nats::launch_with(free_ports(1)[0], "alone", more, MAX_PAYLOAD_BYTES, files)
    }

    fn launch(port: u16, name: &str, cluster: &str, payload_bytes_max: usize) -> Nats {
        Nats::launch_with(port, name, cluster, payload_bytes_max, &[])
    }

    fn launch_with(port: u16, name: &str, more: &str, payload_bytes_max: usize, files: &[(&str, &str)]) -> Nats {
        let dir = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
        let more = more.replace("{dir}", dir.path().to_str().unwrap());
        let store = dir.path().join("js").display().to_string();
        let watched_at = free_ports(1)[0];
        let config = format!(
            "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{watched_at}\"\nmax_payload: {payload_bytes_max}\n\
             jetstream {{ store_dir: \"{store}\", max_mem: 64MB, max_file: 4GB }}\n{more}"
        );
        std::fs::write(dir.path().join("nats.conf"), config).unwrap();
        let process = run(dir.path());
        Nats { process, port, watched_at, dir }
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// One of its files.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Power off, as far as a process can tell.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts a killed server again with what it had on disk.
    pub(crate) fn restart(&mut self) {
        self.process = run(self.dir.path());
    }

    /// Waits until it says that it serves and that its copies of all streams are current.
    pub(crate) fn wait_until_well(&self) {
        let until = Instant::now() + Duration::from_secs(120);
        while !self.is_well() {
            assert!(Instant::now() < until, "the server catches up");
            thread::yield_now();
        }
    }

    fn is_well(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.watched_at)) else { return false };
        let mut told = String::new();
        let asked = stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n");
        asked.and_then(|()| stream.read_to_string(&mut told)).is_ok() && told.contains("200 OK")
    }

    /// Holds the server in mid-air: none of its threads goes on.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.process.id());
        let is_stopped = |thread: fs::DirEntry| {
            let told = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            told.rsplit(") ").next().is_none_or(|state| state.starts_with('T'))
        };
        while !fs::read_dir(&threads).unwrap().all(|thread| is_stopped(thread.unwrap())) {
            thread::yield_now();
        }
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

/// `setpriv` sees to it that the server ends even when the test is killed.
fn run(dir: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(dir.join("nats.log")).unwrap();
    let mut command = Command::new("setpriv");
    // Debian keeps it where only administrators look.
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    command.env("PATH", path).args(["--pdeathsig", "KILL", "nats-server", "-c"]).arg(dir.join("nats.conf"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().expect("nats-server and setpriv are there (make needs-nats)")
}

impl Drop for Nats {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
