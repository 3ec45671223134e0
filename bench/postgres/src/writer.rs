//! One connection that writes batches, a transaction for each: the events, then every counter, table by table and in key
//! order.

use anyhow::Result;
use postgres::{Client, Statement};

use crate::event::Columns;

/// The new rows of a batch, for its counters.
const FRESH: &str = "CREATE TEMPORARY TABLE fresh (company_id text, event_name text, customer text,
    happened_at timestamptz, campaign text, channel text, amount numeric, kind text, value text)
    ON COMMIT DELETE ROWS";

/// Writes batches.
pub struct Writer {
    client: Client,
    new: Statement,
    counters: Vec<Statement>,
}

impl Writer {
    /// Over this connection.
    pub fn new(mut client: Client) -> Result<Self> {
        client.batch_execute(FRESH)?;
        let new = client.prepare(include_str!("new.sql"))?;
        let counters = include_str!("counters.sql").split(';').filter(|statement| !statement.trim().is_empty());
        let counters = counters.map(|statement| client.prepare(statement)).collect::<Result<_, _>>()?;
        Ok(Self { client, new, counters })
    }

    /// Reads and writes a batch; how many of its events were new.
    pub fn write(&mut self, lines: &[&str]) -> Result<u64> {
        let of = Columns::read(lines)?;
        let mut transaction = self.client.transaction()?;
        let fresh = transaction.execute(
            &self.new,
            &[
                &of.companies,
                &of.modules,
                &of.names,
                &of.ids,
                &of.customers,
                &of.times_us,
                &of.attributes,
                &of.kinds,
                &of.values,
            ],
        )?;
        for counter in &self.counters {
            transaction.execute(counter, &[])?;
        }
        transaction.commit()?;
        Ok(fresh)
    }
}
