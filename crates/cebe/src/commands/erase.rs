//! `cebe erase`: a person is taken out; the totals stay.

use std::io::{IsTerminal, Write};

use clap::Args;

use super::Context;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Erase a person for good: vault, profile and timeline, with a receipt
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Id of the customer
    id: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        if !self.yes && !confirmed(&self.id)? {
            return Err(Failure::No("nothing was erased".to_owned()));
        }
        let answer = context.client().delete(&format!("/v1/customers/{}", encoded(&self.id)))?;
        context.show(&answer, output::sheet);
        Ok(())
    }
}

fn confirmed(id: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("erasing cannot be undone; say --yes".to_owned()));
    }
    let mut words = std::io::stderr().lock();
    let _ = write!(words, "Erase {id} for good? It cannot be undone. Type the id to go on: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::Machine(error.into()))?;
    Ok(answer.trim() == id)
}
