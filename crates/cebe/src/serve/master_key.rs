//! The master key: from the file that `CEBE_MASTER_KEY_FILE` names, else from the data folder, where the first start
//! makes it. Without it no sealed value can be read again.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cebe_central::change::{ControlKind, ControlRow};
use cebe_central::{Central, Order, StoreError};
use cebe_privacy::keys::{CompanyKeys, MasterKey};
use std::ops::ControlFlow;

const KEY_BYTES: usize = 64;
const FILE: &str = "master.key";

/// Reads the key, or makes it at the first start. Says so when it was made.
pub(crate) fn load_or_make(named: &str, data: &Path) -> Result<(MasterKey, Option<PathBuf>)> {
    if !named.is_empty() {
        return Ok((read(Path::new(named))?, None));
    }
    let path = data.join(FILE);
    if path.exists() {
        return Ok((read(&path)?, None));
    }
    ensure!(
        !data.join("central").exists(),
        "{} is missing though the store was used before: put the key back from its backup, or name its file with \
         CEBE_MASTER_KEY_FILE",
        path.display()
    );
    let key = make(&path)?;
    Ok((key, Some(path)))
}

/// Refuses a key that opens the secrets of no company though there are some: it is not the key of this store, and with it
/// every event would be one of an unknown company.
pub(crate) fn opens_something(key: &MasterKey, central: &dyn Central) -> Result<()> {
    let (mut companies, mut opened) = (0, false);
    let read = central.snapshot().and_then(|snapshot| {
        snapshot.control_all(ControlKind::Company, "", Order::Forward, &mut |_, row| {
            if let ControlRow::Company(row) = row {
                companies += 1;
                opened = CompanyKeys::unwrap_with(key, &row.secrets).is_ok();
            }
            if opened { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok::<_, StoreError>(())
    });
    read.context("the companies cannot be read")?;
    ensure!(
        opened || companies == 0,
        "the master key opens the secrets of none of the {companies} companies: it is not the key of this store, or its \
         file is damaged. Put the right one back from its backup, or name its file with CEBE_MASTER_KEY_FILE"
    );
    Ok(())
}

fn read(path: &Path) -> Result<MasterKey> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the master key {}", path.display()))?;
    let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
    let bytes = bytes.with_context(|| format!("{} does not hold {} hex digits", path.display(), KEY_BYTES * 2))?;
    Ok(MasterKey::new(bytes))
}

fn make(path: &Path) -> Result<MasterKey> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let shown = || format!("cannot write the master key {}", path.display());
    let mut file = private(path).with_context(shown)?;
    writeln!(file, "{}", hex::encode(bytes)).and_then(|()| file.sync_all()).with_context(shown)?;
    Ok(MasterKey::new(bytes))
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> std::io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::load_or_make;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let (made, path) = load_or_make("", folder.path()).unwrap();
        let (read, again) = load_or_make("", folder.path()).unwrap();
        assert!(made == read && again.is_none());
        let path = path.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(load_or_make(path.to_str().unwrap(), folder.path()).unwrap().0 == made);
    }

    #[test]
    fn a_used_store_without_its_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("central")).unwrap();
        assert!(load_or_make("", folder.path()).unwrap_err().to_string().contains("CEBE_MASTER_KEY_FILE"));
    }
}
