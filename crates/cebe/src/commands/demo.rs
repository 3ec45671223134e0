//! `cebe demo`: what the product does, in a minute, with nothing set up.

use clap::Args;

use super::Context;
use crate::demo;
use crate::failure::Failure;

/// Start two made-up companies with live traffic, and show what can be asked
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder of the store (default: a temporary one, gone at the end)
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address to listen at [setting listen; another port is taken when this one is in use]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// End by itself after so many seconds
    #[arg(long, env = "DEMO_SECONDS")]
    seconds: Option<u64>,
}

impl Demo {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.listen.iter().map(|address| ("listen", address.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        demo::run(context.effective.settings.clone(), self.data, self.seconds)
    }
}
