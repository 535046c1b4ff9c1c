//! The advisory database that a command works with.

use std::path::{Path, PathBuf};

use cleanbill_advisory::Database;

use crate::paths;

/// Opens the database named, else the one in the cache.
pub(crate) fn open(given: Option<&PathBuf>) -> anyhow::Result<Database> {
    let path = paths::database(given)?;
    if !path.exists() {
        anyhow::bail!(
            "there is no advisory database at {}\nhint: cleanbill db update ECOSYSTEM… fetches one from the publishers, as in `db update Debian:12 npm`\nhint: cleanbill db build --from FOLDER --to {} makes one of files that you have",
            path.display(),
            path.display()
        );
    }
    Ok(Database::open(&path)?)
}

/// Makes the folder that a file will stand in.
pub(crate) fn make_parent(file: &Path) -> anyhow::Result<()> {
    if let Some(parent) = file.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)
            .map_err(|e| anyhow::Error::new(e).context(format!("could not make the folder {}", parent.display())))?;
    }
    Ok(())
}
