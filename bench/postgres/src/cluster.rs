//! A PostgreSQL server of its own: made in a temporary folder, reached by a socket in it, gone when dropped. The server
//! refuses to be root, so root starts it as the user `postgres` that Debian's package makes.

use std::fs;
use std::os::unix::{fs::chown, process::CommandExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use postgres::{Client, Config, NoTls};
use tempfile::TempDir;

const START_WITHIN: Duration = Duration::from_secs(30);

/// Tuned as one would on a machine with a few GiB to spare; every commit is flushed.
const SETTINGS: [&str; 12] = [
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "wal_compression=lz4",
    "wal_buffers=64MB",
    "work_mem=64MB",
    "jit=off",
    "random_page_cost=1.1",
    "logging_collector=off",
];

/// A running server.
pub struct Cluster {
    folder: TempDir,
    server: Child,
    bin: PathBuf,
    user: Option<(u32, u32)>,
}

impl Cluster {
    /// Makes and starts one.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// The same with more settings.
    pub fn start_with(more: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-postgres-").tempdir()?;
        let (bin, user) = (programs()?, user()?);
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let data = folder.path().join("data");
        let mut init = command(&bin.join("initdb"), user);
        init.args(["--username=bench", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data);
        let made = init.stdout(Stdio::null()).status().context("initdb does not start")?;
        if !made.success() {
            bail!("initdb failed: {made}");
        }
        let mut serve = command(&bin.join("postgres"), user);
        serve.arg("-D").arg(&data).arg("-k").arg(folder.path());
        serve.args(SETTINGS.iter().chain(more).flat_map(|setting| ["-c", setting]));
        let server = serve.stderr(Stdio::null()).spawn().context("postgres does not start")?;
        let cluster = Self { folder, server, bin, user };
        let started = Instant::now();
        while let Err(error) = cluster.connect() {
            if started.elapsed() > START_WITHIN {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(cluster)
    }

    /// A connection.
    pub fn connect(&self) -> Result<Client> {
        self.connect_to("postgres")
    }

    /// Where a program finds a database of it.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://bench@{host}/{database}")
    }

    /// A connection to this database.
    pub fn connect_to(&self, database: &str) -> Result<Client> {
        let mut config = Config::new();
        config.host_path(self.folder.path()).user("bench").dbname(database);
        config.connect(NoTls).context("the server does not take connections")
    }

    /// What the server calls itself.
    pub fn version(&self) -> Result<String> {
        Ok(self.connect()?.query_one("SHOW server_version", &[])?.get(0))
    }

    /// Processor time of the server and all its processes, those that ended too.
    pub fn cpu_seconds(&self) -> f64 {
        let postmaster = self.server.id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
        let all = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter_map(|name| {
            let cpu = cpu_of(&name)?;
            match name.parse::<u32>() {
                Ok(id) if id == postmaster => Some(cpu.own_s + cpu.ended_s),
                _ => (cpu.parent == postmaster).then_some(cpu.own_s),
            }
        });
        all.sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = command(&self.bin.join("pg_ctl"), self.user);
        stop.args(["stop", "-m", "immediate", "-D"]).arg(self.folder.path().join("data"));
        // Everything is in a temporary folder: when it does not stop by itself it is ended.
        if !stop.stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// Processor time of one process.
pub struct Cpu {
    parent: u32,
    /// Its own.
    pub own_s: f64,
    /// Of children that ended.
    ended_s: f64,
}

/// What the system tells of a process.
pub fn cpu_of(process: &str) -> Option<Cpu> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let seconds = |place: usize| fields.get(place)?.parse::<f64>().ok().map(|ticks| ticks / 100.0);
    Some(Cpu {
        parent: fields.get(1)?.parse().ok()?,
        own_s: seconds(11)? + seconds(12)?,
        ended_s: seconds(13)? + seconds(14)?,
    })
}

fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

/// The newest server's programs, where Debian puts them.
fn programs() -> Result<PathBuf> {
    let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = releases.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let newest = newest.context("PostgreSQL is not installed: apt-get install -y postgresql")?;
    Ok(PathBuf::from(format!("/usr/lib/postgresql/{newest}/bin")))
}

/// Whom to start as: root gives way to `postgres`, others stay who they are.
fn user() -> Result<Option<(u32, u32)>> {
    let status = fs::read_to_string("/proc/self/status").context("the system does not tell who this is")?;
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next());
    if uid != Some("0") {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("the users are not known")?;
    let postgres = users.lines().find(|line| line.starts_with("postgres:")).context("there is no user postgres")?;
    let ids: Vec<u32> = postgres.split(':').skip(2).take(2).filter_map(|id| id.parse().ok()).collect();
    match ids.as_slice() {
        [uid, gid] => Ok(Some((*uid, *gid))),
        _ => bail!("the user postgres has no number"),
    }
}
