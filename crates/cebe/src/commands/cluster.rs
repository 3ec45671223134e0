//! `cebe cluster`: the nodes of a cluster, who holds which shard and how far behind each is; draining a node.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Who holds which shard, lag of each shard; drain a node before it is stopped for long
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Nodes and shards (what is shown without a command)
    Show,
    /// Have a node give its shards to the others and take none
    Drain {
        /// Its name
        node: String,
    },
    /// Let a drained node take shards again
    Resume {
        /// Its name
        node: String,
    },
}

impl Cluster {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        let ask = |node: &str, draining: bool| {
            client.write("POST", &format!("/v1/cluster/nodes/{}", encoded(node)), &json!({"draining": draining}))
        };
        match self.act.unwrap_or(Act::Show) {
            Act::Show => context.show(&client.get("/v1/cluster", &[])?, tables),
            Act::Drain { node } => context.show(&ask(&node, true)?, output::sheet),
            Act::Resume { node } => context.show(&ask(&node, false)?, output::sheet),
        }
        Ok(())
    }
}

fn tables(answer: &Value) -> String {
    if answer["cluster"] != true {
        return "this server has a store of its own; it is no node of a cluster".to_owned();
    }
    let list = |name: &str| output::rows(list_of(&answer[name]), if name == "nodes" { &NODES } else { &SHARDS });
    format!("{}\n\n{}", list("nodes"), list("shards"))
}

const NODES: [&str; 5] = ["node", "alive", "draining", "shards", "seen_at"];
const SHARDS: [&str; 5] = ["shard", "node", "epoch", "commits", "lag_ms"];
