//! The first admin key: the one that the settings name, else one that a first start makes and prints once.

use anyhow::{Context, Result};
use cebe_adapter::Desk;

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

/// A new key.
pub(crate) fn made() -> Result<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(format!("cebe_{}", hex::encode(bytes)))
}
