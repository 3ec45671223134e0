//! A NATS server of its own, JetStream on, in a temporary folder; gone when dropped.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const START_WITHIN: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Nats {
    server: Child,
    port: u16,
    _folder: TempDir,
}

impl Nats {
    /// Makes and starts one.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-nats-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.path().join("nats.conf");
        let store = folder.path().join("jetstream");
        let text = format!(
            "listen: \"127.0.0.1:{port}\"\nmax_payload: 8MB\njetstream {{ store_dir: \"{}\" }}\n",
            store.display()
        );
        std::fs::write(&config, text)?;
        // Debian keeps it where only administrators look.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("nats-server");
        command.env("PATH", path).arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().context("nats-server is not installed: apt-get install -y nats-server")?;
        let (nats, started) = (Self { server, port, _folder: folder }, Instant::now());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if started.elapsed() > START_WITHIN {
                bail!("nats-server does not listen");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nats)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // Everything is in a temporary folder.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
