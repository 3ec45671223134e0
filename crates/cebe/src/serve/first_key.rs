//! The first admin key: the one that the settings name, else one that a first start makes and prints once.

use anyhow::{Context, Result};
use cebe_adapter::{Desk, DoorError};

/// Makes sure that somebody can get in. Gives the key when it was made here.
pub(crate) async fn ensure(desk: &Desk, named: &str) -> Result<Option<String>> {
    if !named.is_empty() {
        desk.bootstrap_admin(named).await.context("the first admin key cannot be stored")?;
        return Ok(None);
    }
    if !desk.view().keys.is_empty() {
        return Ok(None);
    }
    let key = made()?;
    desk.bootstrap_admin(&key).await.context("the first admin key cannot be stored")?;
    Ok(Some(key))
}

/// The same for a node of a cluster: nodes that start together would each make one, so the settings name it. Waits until
/// some node has applied it.
pub(crate) async fn of_cluster(desk: &Desk, named: &str) -> Result<Option<String>> {
    if named.is_empty() {
        anyhow::ensure!(
            !desk.view().keys.is_empty(),
            "a cluster without any key is not to be used: set CEBE_ADMIN_KEY, to the same on every node"
        );
        return Ok(None);
    }
    loop {
        match desk.bootstrap_admin(named).await {
            Ok(()) => return Ok(None),
            Err(DoorError::NotYetApplied(_)) => tracing::warn!("the first admin key waits for a worker to apply it"),
            Err(error) => return Err(error).context("the first admin key cannot be stored"),
        }
    }
}

/// A new key.
pub(crate) fn made() -> Result<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(format!("cebe_{}", hex::encode(bytes)))
}
