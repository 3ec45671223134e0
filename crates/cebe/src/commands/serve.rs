//! `cebe serve`: the server.

use clap::Args;

use super::Context;
use crate::failure::Failure;
use crate::output;
use crate::serve;

/// Start the server on the embedded store; no configuration needed
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Folder of the store [setting data, CEBE_DATA; default cebe-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address to listen at, port 0 takes a free one [setting listen, CEBE_LISTEN; default 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// What this process does; all is everything [setting role, CEBE_ROLE]
    #[arg(long, value_name = "ROLES")]
    role: Option<String>,
}

impl Serve {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let given = [("data", &self.data), ("listen", &self.listen), ("role", &self.role)];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let settings = &context.effective.settings;
        // Dropped last: what is left to be posted is posted then.
        let _traces = serve::log(settings)?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Machine(error.into()))?;
        runtime.block_on(async {
            // Heard before anybody is told where it listens, so that no request to stop is lost.
            let mut stop = Box::pin(serve::hear_stop()?);
            let server = tokio::select! {
                started = serve::start(settings) => started?,
                () = &mut stop => return Ok(()),
            };
            if let Some(path) = &server.made_master_key {
                output::words(&format!(
                    "a master key was made in {}: back it up apart from the data, without it no sealed value can be read",
                    path.display()
                ));
            }
            if let Some(key) = &server.made_key {
                output::words("the first admin key was made; it is shown this once, keep it where secrets are kept:");
                output::data(&format!("admin key {key}"));
            }
            output::data(&format!("listening on {}", server.url()));
            Ok(server.run(stop).await?)
        })
    }
}
