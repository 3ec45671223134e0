//! The database of a run, and what it says of the statements that were sent to it.

use anyhow::Result;
use cebe_bench_postgres::cluster::Cluster;
use serde_json::{Value, json};

const NAME: &str = "cebe";
/// Statements are told apart by their text, and counted with the time their plans took.
const SETTINGS: [&str; 4] = [
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track_planning=on",
    "max_connections=200",
    "track_wal_io_timing=on",
];

/// A database on a server of its own.
pub(crate) struct Database(Cluster);

impl Database {
    pub(crate) fn start() -> Result<Self> {
        let cluster = Cluster::start_with(&SETTINGS)?;
        cluster.connect()?.batch_execute(&format!("CREATE DATABASE {NAME}"))?;
        cluster.connect_to(NAME)?.batch_execute("CREATE EXTENSION pg_stat_statements")?;
        Ok(Self(cluster))
    }

    pub(crate) fn url(&self) -> String {
        self.0.url(NAME)
    }

    /// Processor time of all its processes.
    pub(crate) fn cpu_s(&self) -> f64 {
        self.0.cpu_seconds()
    }

    /// Counts statements from now on.
    pub(crate) fn forget_statements(&self) -> Result<()> {
        Ok(self.0.connect_to(NAME)?.batch_execute("SELECT pg_stat_statements_reset()")?)
    }

    /// Commits, statements by their time, and what lies where.
    pub(crate) fn told(&self, statements: usize) -> Result<Value> {
        const STATEMENTS: &str = "SELECT regexp_replace(left(query, 200), '\\s+', ' ', 'g'), calls, \
             total_exec_time, total_plan_time, rows FROM pg_stat_statements \
             ORDER BY total_exec_time + total_plan_time DESC LIMIT $1";
        const ALL: &str = "SELECT COALESCE(sum(calls), 0)::bigint, COALESCE(sum(total_exec_time), 0), \
             COALESCE(sum(total_plan_time), 0), COALESCE(sum(wal_bytes), 0)::bigint FROM pg_stat_statements";
        const TABLES: &str = "SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid) FROM pg_class \
             WHERE relnamespace = 'cebe'::regnamespace AND relkind = 'r' ORDER BY 2 DESC LIMIT 12";
        let mut client = self.0.connect_to(NAME)?;
        let all = client.query_one(ALL, &[])?;
        let commits: i64 = client.query_one("SELECT COALESCE(sum(commits), 0)::bigint FROM cebe.shards", &[])?.get(0);
        let each = client.query(STATEMENTS, &[&i64::try_from(statements)?])?;
        let each: Vec<Value> = each
            .iter()
            .map(|row| {
                json!({"sql": row.get::<_, String>(0), "calls": row.get::<_, i64>(1), "exec_ms": row.get::<_, f64>(2),
                    "plan_ms": row.get::<_, f64>(3), "rows": row.get::<_, i64>(4)})
            })
            .collect();
        let tables = client.query(TABLES, &[])?;
        let tables: Vec<Value> = tables
            .iter()
            .map(|row| json!({"table": row.get::<_, String>(0), "bytes": row.get::<_, i64>(1), "index_bytes": row.get::<_, i64>(2)}))
            .collect();
        Ok(json!({"commits": commits, "statements": all.get::<_, i64>(0), "exec_ms": all.get::<_, f64>(1),
            "plan_ms": all.get::<_, f64>(2), "wal_bytes": all.get::<_, i64>(3), "by_time": each, "tables": tables}))
    }
}
