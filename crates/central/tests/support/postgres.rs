//! A PostgreSQL server for tests, with a database for each that asks. One server is shared by all test processes that run
//! at the same time; a watcher stops it and removes its files when the last of them is gone, however it went.

#![allow(dead_code, reason = "not every suite uses everything")]
#![allow(clippy::zombie_processes, reason = "the shared server and its watcher outlive the test that starts them")]

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A server: where its socket and its data are.
pub struct Server {
    dir: PathBuf,
    port: u16,
    /// A server of one's own is ended with it.
    own: Option<Own>,
}

struct Own {
    process: Child,
    _dir: tempfile::TempDir,
}

/// The server that all tests share.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<(Server, File)> = OnceLock::new();
    &SHARED
        .get_or_init(|| {
            let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres");
            fs::create_dir_all(&state).unwrap();
            let open = |name: &str| File::options().create(true).append(true).open(state.join(name)).unwrap();
            // Held for the life of this process: the watcher waits for all who hold it.
            let users = open("users.lock");
            users.lock_shared().unwrap();
            let starting = open("start.lock");
            starting.lock().unwrap();
            let ready = state.join("ready");
            let dir = fs::read_to_string(&ready).map(PathBuf::from).unwrap_or_else(|_| {
                let dir = make(Durability::None).keep();
                let process = start(&dir, PORT, Life::OfItsUsers);
                watch(&state, &dir, process.id());
                fs::write(&ready, dir.to_str().unwrap()).unwrap();
                dir
            });
            (Server { dir, port: PORT, own: None }, users)
        })
        .0
}

/// The port that names the socket of servers without another one.
const PORT: u16 = 5432;

/// What survives a crash of the server.
#[derive(Clone, Copy, PartialEq)]
pub enum Durability {
    /// Nothing has to: quick.
    None,
    /// Every commit.
    Commits,
}

/// How long a server lives when nobody stops it.
#[derive(Clone, Copy, PartialEq)]
enum Life {
    /// Until whoever started it ends, also when that is killed.
    OfItsTest,
    /// Until its watcher ends it.
    OfItsUsers,
}

impl Server {
    /// A server that nobody else uses.
    pub fn own() -> Self {
        Self::begin(make(Durability::Commits), PORT)
    }

    /// A server of one's own that answers under TLS at 127.0.0.1 with a certificate and its key, both PEM.
    pub fn own_with_tls(certificate: &str, key: &str) -> Self {
        let dir = make(Durability::Commits);
        let data = dir.path().join("data");
        let owner = fs::metadata(&data).unwrap();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        // Free now; the socket below is named by it too.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!("listen_addresses = '127.0.0.1'\nport = {port}\nssl = on\n");
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        File::options()
            .append(true)
            .open(data.join("postgresql.conf"))
            .unwrap()
            .write_all(settings.as_bytes())
            .unwrap();
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        Self::begin(dir, port)
    }

    fn begin(dir: tempfile::TempDir, port: u16) -> Self {
        let process = start(dir.path(), port, Life::OfItsTest);
        Self { dir: dir.path().to_owned(), port, own: Some(Own { process, _dir: dir }) }
    }

    /// Where it listens, when it does.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name, "postgres")
    }

    /// The address of a database for a role.
    pub fn url(&self, database: &str, role: &str) -> String {
        let host = self.dir.to_str().unwrap().replace('/', "%2F");
        format!("postgresql://{role}@{host}:{}/{database}", self.port)
    }

    /// The socket that it listens at.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(".s.PGSQL.5432")
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, database: &str, sql: &str) {
        let run =
            self.psql().args(["-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-qc", sql]).output().unwrap();
        assert!(run.status.success(), "{sql}: {}", String::from_utf8_lossy(&run.stderr));
    }

    fn psql(&self) -> Command {
        let mut command = binary("psql");
        command.args(["-h", self.dir.to_str().unwrap(), "-p", &self.port.to_string()]);
        command
    }

    /// What a query gives, as text, for a role; or what the database says against it.
    pub fn ask(&self, database: &str, role: &str, sql: &str) -> Result<String, String> {
        let run =
            self.psql().args(["-U", role, "-d", database, "-v", "ON_ERROR_STOP=1", "-Atqc", sql]).output().unwrap();
        match run.status.success() {
            true => Ok(String::from_utf8_lossy(&run.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&run.stderr).trim().to_owned()),
        }
    }

    /// Stops the server as a crash would, and starts it again.
    pub fn crash_and_restart(&mut self) {
        self.crash();
        self.restart();
    }

    /// Stops the server as a crash would.
    pub fn crash(&mut self) {
        let own = self.own.as_mut().expect("only a server of one's own is stopped");
        signal("QUIT", own.process.id());
        own.process.wait().unwrap();
    }

    /// Starts a stopped server again.
    pub fn restart(&mut self) {
        let process = start(&self.dir, self.port, Life::OfItsTest);
        self.own.as_mut().expect("only a server of one's own is started").process = process;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            signal("QUIT", own.process.id());
            let _ended = own.process.wait();
        }
    }
}

/// The name of the database in an address.
pub fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

fn signal(name: &str, process: u32) {
    let _sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
}

/// A folder with a new cluster in it.
fn make(durability: Durability) -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("cebe-postgres-").tempdir_in("/tmp").unwrap();
    if rooted() {
        let id = |flag: &str| -> u32 {
            let out = Command::new("id").args([flag, "postgres"]).output().unwrap();
            String::from_utf8_lossy(&out.stdout).trim().parse().expect("the package postgresql makes the user postgres")
        };
        chown(dir.path(), Some(id("-u")), Some(id("-g"))).unwrap();
    }
    let data = dir.path().join("data");
    let run = unprivileged(&folder().join("initdb"))
        .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C", "-N", "-D"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(run.status.success(), "initdb: {}", String::from_utf8_lossy(&run.stderr));
    let mut settings = "listen_addresses = ''\nshared_buffers = 64MB\nmax_connections = 200\nfsync = off\n\
         full_page_writes = off\nmax_wal_size = 1GB\nlog_min_messages = fatal\n"
        .to_owned();
    if durability == Durability::None {
        settings += "synchronous_commit = off\n";
    }
    let mut file = File::options().append(true).open(data.join("postgresql.conf")).unwrap();
    file.write_all(settings.as_bytes()).unwrap();
    dir
}

/// Starts a server and waits until it answers.
fn start(dir: &Path, port: u16, life: Life) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    let mut process = living(life, &folder().join("postgres"))
        .args(["-k", dir.to_str().unwrap(), "-D"])
        .arg(dir.join("data"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    while !binary("pg_isready")
        .args(["-q", "-p", &port.to_string(), "-h", dir.to_str().unwrap()])
        .status()
        .unwrap()
        .success()
    {
        if let Some(ended) = process.try_wait().unwrap() {
            panic!("postgres ended with {ended}: {}", fs::read_to_string(dir.join("log")).unwrap());
        }
        std::thread::yield_now();
    }
    process
}

/// Leaves a watcher behind that ends the server once nobody uses it.
fn watch(state: &Path, dir: &Path, process: u32) {
    let (state, dir) = (state.to_str().unwrap(), dir.to_str().unwrap());
    let end = format!("rm -f {state}/ready; kill -s QUIT {process}; rm -rf {dir}");
    Command::new("setsid")
        .args(["flock", "-x", &format!("{state}/users.lock"), "sh", "-c", &end])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    living(Life::OfItsUsers, program)
}

fn living(life: Life, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if life == Life::OfItsTest {
        // As a crash: a postmaster that is killed leaves shared memory behind.
        command.args(["--pdeathsig", "QUIT"]);
    }
    if rooted() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).current_dir("/");
    }
    command.arg("--").arg(program);
    command
}

fn rooted() -> bool {
    let out = Command::new("id").arg("-u").output().unwrap();
    out.stdout.trim_ascii() == b"0"
}

fn binary(name: &str) -> Command {
    Command::new(folder().join(name))
}

/// The folder with the server's programs: the newest release that is installed.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = releases.map(|release| release.path().join("bin")).collect();
        found.sort();
        let newest = found.into_iter().rev().find(|bin| bin.join("initdb").is_file());
        newest.expect("PostgreSQL is not installed: `make test` installs it, or run: apt-get install -y postgresql")
    })
}
