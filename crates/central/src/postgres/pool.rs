//! Connections: a few, lent to one caller at a time, opened when needed and thrown away when broken. Callers block; the
//! connections are driven by a small runtime of their own, so that a lent one can be given back from anywhere. Reads,
//! commits and leases have a share each: a step that reads waits for a commit, so a commit never waits for reads.

use super::{PgSettings, cells::Parameter, tls::Tls};
use crate::{Result, StoreError};
use futures_util::{StreamExt, stream::FuturesOrdered};
use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Socket, Statement, tls::TlsStream, types::ToSql};

/// Statements look rows up by key in tables that grow while plans are kept: plans that suit an empty table are never
/// wanted. The server is to notice within half a minute that a network took this end away, whose locks it keeps.
const SESSION: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET enable_bitmapscan = off; SET jit = off; SET plan_cache_mode = force_custom_plan; SET timezone = 'UTC'; \
     SET client_min_messages = warning; \
     SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// So much longer than a read a commit waits for a connection.
const COMMITS_WAIT: u32 = 6;

/// A connection and the statements prepared on it.
pub(super) struct Connection {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Connection {
    async fn open(config: &Config, tls: Option<Tls>) -> Result<Self, Error> {
        let client = match tls {
            None => driven(config.connect(NoTls).await?),
            Some(tls) => driven(config.connect(tls).await?),
        };
        client.batch_execute(SESSION).await?;
        Ok(Self { client, statements: HashMap::new() })
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Rows of a statement that is prepared once.
    pub(super) async fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(sql).await?;
        self.client.query(&statement, &references(parameters)).await
    }

    /// Executes a statement that is prepared once; gives the number of rows it touched.
    pub(super) async fn execute(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Error> {
        let statement = self.prepared(sql).await?;
        self.client.execute(&statement, &references(parameters)).await
    }

    /// Executes statements in this order; each is handed over before the one before it is answered, so that all of them
    /// wait for the network once. When one fails, those behind it do too: a transaction is open.
    pub(super) async fn execute_all(&mut self, statements: &[(String, Vec<Parameter<'_>>)]) -> Result<(), Error> {
        let mut prepared = Vec::with_capacity(statements.len());
        for (sql, _) in statements {
            prepared.push(self.prepared(sql).await?);
        }
        let client = &self.client;
        let mut answers = FuturesOrdered::new();
        for (statement, (_, parameters)) in prepared.iter().zip(statements) {
            let mut answer = Box::pin(async move { client.execute(statement, &references(parameters)).await });
            // The first look hands the statement over.
            let first = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            match first {
                Poll::Ready(answered) => drop(answered?),
                Poll::Pending => answers.push_back(answer),
            }
        }
        while let Some(answered) = answers.next().await {
            answered?;
        }
        Ok(())
    }

    /// Runs statements without parameters.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// Hands rows over in the format of a binary COPY.
    pub(super) async fn copy(&mut self, sql: &str, rows: bytes::Bytes) -> Result<u64, Error> {
        use futures_util::SinkExt;
        let statement = self.prepared(sql).await?;
        let mut sink = Box::pin(self.client.copy_in(&statement).await?);
        sink.send(rows).await?;
        sink.as_mut().finish().await
    }
}

/// The pool's runtime, to be waited for from any thread, also from one that drives another runtime.
pub(super) struct Driver<'p>(&'p Runtime);

impl Driver<'_> {
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        match Handle::try_current().map(|here| here.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| self.0.block_on(work)),
            _ => self.0.block_on(work),
        }
    }

    pub(super) fn handle(&self) -> &Handle {
        self.0.handle()
    }
}

/// Drives a connection until it ends.
fn driven<S>((client, driver): (Client, tokio_postgres::Connection<Socket, S>)) -> Client
where
    S: TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(error = %error, "a connection to the database ended");
        }
    });
    client
}

fn references<'p>(parameters: &'p [Parameter<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| &**parameter as &(dyn ToSql + Sync)).collect()
}

/// The connections of one process to one database.
pub(super) struct Pool {
    /// Always there until the pool is dropped.
    runtime: Option<Runtime>,
    config: Config,
    tls: Option<Tls>,
    /// How many may be lent, by use.
    shares: [usize; 3],
    wait: Duration,
    state: Mutex<State>,
    returned: Condvar,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Commit,
    Lease,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: [usize; 3],
}

impl Pool {
    pub(super) fn new(
        mut config: Config,
        tls: Option<Tls>,
        settings: &PgSettings,
    ) -> Result<Arc<Self>, std::io::Error> {
        config.connect_timeout(settings.connect_timeout);
        config.tcp_user_timeout(settings.network_timeout);
        config.keepalives_idle(settings.network_timeout);
        if config.get_application_name().is_none() {
            config.application_name("cebe");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cebe-postgres")
            .enable_all()
            .build()?;
        Ok(Arc::new(Self {
            runtime: Some(runtime),
            config,
            tls,
            shares: shares(settings.connections_max),
            wait: settings.connect_timeout * 4,
            state: Mutex::default(),
            returned: Condvar::new(),
        }))
    }

    pub(super) fn runtime(&self) -> Driver<'_> {
        Driver(self.runtime.as_ref().expect("the runtime is there until the pool is dropped"))
    }

    /// Lends a connection; waits while all of its kind are lent.
    pub(super) fn lend(self: &Arc<Self>, purpose: Use) -> Result<Lent> {
        let idle = self.wait_for_one(purpose)?;
        let mut lent = Lent { connection: None, clean: true, purpose, pool: Arc::clone(self) };
        lent.connection = match idle {
            Some(connection) => Some(connection),
            None => Some(self.runtime().block_on(Connection::open(&self.config, self.tls.clone()))?),
        };
        Ok(lent)
    }

    fn wait_for_one(&self, purpose: Use) -> Result<Option<Connection>> {
        let full = |state: &mut State| state.lent[purpose as usize] >= self.shares[purpose as usize];
        // Every shard of a node may be waiting for its turn to commit, and gathers meanwhile.
        let wait = if purpose == Use::Commit { self.wait * COMMITS_WAIT } else { self.wait };
        let (mut state, waited) =
            self.returned.wait_timeout_while(self.state(), wait, full).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(StoreError::Busy { connections: self.shares[purpose as usize] });
        }
        state.lent[purpose as usize] += 1;
        state.idle.retain(|connection| !connection.client.is_closed());
        Ok(state.idle.pop())
    }

    fn take_back(&self, purpose: Use, connection: Option<Connection>) {
        let mut state = self.state();
        state.lent[purpose as usize] -= 1;
        state.idle.extend(connection.filter(|connection| !connection.client.is_closed()));
        drop(state);
        self.returned.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sixth of the connections commit, two are for leases, the others read; at least one of each. A shard that waits for
/// its turn to commit gathers meanwhile: few at a time are fewer and larger commits, which cost the database less.
fn shares(connections_max: usize) -> [usize; 3] {
    let leases = (connections_max / 8).clamp(1, 2);
    let commits = (connections_max / 6).max(1);
    [connections_max.saturating_sub(commits + leases).max(1), commits, leases]
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A connection on loan. Given back as it is when nothing is open on it, else once that is rolled back.
pub(super) struct Lent {
    connection: Option<Connection>,
    clean: bool,
    purpose: Use,
    pool: Arc<Pool>,
}

impl Lent {
    /// Runs something on the connection and waits for it. Until it succeeds a transaction may be open.
    pub(super) fn wait<T>(&mut self, work: impl AsyncFnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let Self { connection, clean, pool, .. } = self;
        let connection = connection.as_mut().expect("a connection stays until it is given back");
        *clean = false;
        pool.runtime().block_on(work(connection))
    }

    /// Nothing is open any more.
    pub(super) fn finished(&mut self) {
        self.clean = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (pool, purpose) = (Arc::clone(&self.pool), self.purpose);
        match self.connection.take() {
            Some(mut connection) if !self.clean => {
                self.pool.runtime().handle().clone().spawn(async move {
                    let rolled_back = connection.run("ROLLBACK").await.is_ok();
                    pool.take_back(purpose, rolled_back.then_some(connection));
                });
            }
            connection => pool.take_back(purpose, connection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_has_a_connection_and_few_commit() {
        for (connections_max, wanted) in [(0, [1, 1, 1]), (4, [2, 1, 1]), (12, [9, 2, 1]), (24, [18, 4, 2])] {
            assert_eq!(shares(connections_max), wanted, "reads, commits and leases of {connections_max}");
        }
    }
}
