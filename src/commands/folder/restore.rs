//! `usher restore`: a backup takes the place of what a data folder holds.
//!
//! The backup is copied beside what is there and checked before anything is touched. Then what is there is moved aside,
//! never removed, and the copy is moved to its place. A folder in which that was cut short is not served; the command is
//! run again. The folder keeps its audit and what it has seen of the catalog, so that a backup that lacks withdrawn rights
//! is noticed as any older copy is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::{copy_folder, hold, say_which_models_lack};
use crate::audit;
use crate::audit::seen::{self, Seen};
use crate::catalog::{Catalog, CatalogError, Location};
use crate::commands::output::say;
use crate::config::RawConfig;
use crate::serve::{ADMIN_KEY_FILE, EPOCH_FILE, RESTORING, Stopped, accept_restored, prepare_folder};
use crate::transfer::UNFINISHED;

#[derive(Args)]
pub struct RestoreArguments {
    /// Folder that `usher backup` wrote, or a copy of a stopped service's data folder
    #[arg(long)]
    from: PathBuf,
    /// Data folder of the stopped service; made where there is none
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// Accept a backup that is older than what was answered: rights that were withdrawn since are back
    #[arg(long)]
    accept_older: bool,
}

/// What the catalog consists of, in the order in which it is moved: the file itself last.
const CATALOG: [&str; 4] = ["catalog.db-wal", "catalog.db-shm", "catalog.sum", "catalog.db"];
/// What the folder keeps; taken from the backup where it has none.
const KEPT: [&str; 4] = [audit::FILE, seen::FILE, EPOCH_FILE, ADMIN_KEY_FILE];
const INDEXES: &str = "indexes";
/// What names of folders begin with that hold what a backup took the place of.
pub(super) const REPLACED: &str = "replaced-";

/// # Errors
/// When a service runs, the backup is damaged or of a newer release, or something can't be written; then nothing was
/// changed, or the command is to be run again.
pub async fn restore(arguments: RestoreArguments) -> anyhow::Result<()> {
    let RestoreArguments { from, data, accept_older } = arguments;
    if !from.join("catalog.db").is_file() {
        bail!("{} holds no catalog.db; name a folder that `usher backup` wrote", from.display());
    }
    if fs::canonicalize(&from)? == fs::canonicalize(&data).unwrap_or_default() {
        bail!("{} is the data folder itself", from.display());
    }
    let _from = match from.join("lock").exists().then(|| hold(&from)).transpose()? {
        Some(None) => bail!("a service uses {}; copy it with `usher backup`, and restore that copy", from.display()),
        held => held,
    };
    let lock = prepare_folder(&data)?;
    let new = data.join(RESTORING);
    if new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("can't remove {}", new.display()))?;
    }
    let revision = match copy_and_check(&from, &new).await {
        Ok(revision) => revision,
        Err(error) => {
            // Nothing else was touched.
            fs::remove_dir_all(&new).ok();
            return Err(error.context(format!("{} can't be restored", from.display())));
        }
    };
    let aside = replace(&from, &data, &new)?;
    drop(lock);
    let told = match aside {
        Some(aside) => say(format_args!(
            "restored revision {revision}; what was there before is in {}, with every text: remove it when it is not \
             needed any more",
            aside.display()
        )),
        None => say(format_args!("restored revision {revision}")),
    };
    // It is recorded whoever reads this.
    settle(&data, &from, revision, accept_older).await?;
    told?;
    say_which_models_lack(&data, &Location::Folder(data.clone())).await
}

/// Copies what is restored, and opens it as a start would; its revision.
async fn copy_and_check(from: &Path, new: &Path) -> anyhow::Result<u64> {
    fs::create_dir(new).with_context(|| format!("can't create {}", new.display()))?;
    // The `-shm` file is made again.
    for name in CATALOG.iter().filter(|name| **name != "catalog.db-shm") {
        copy_if_there(&from.join(name), &new.join(name))?;
    }
    let damaged = |error| match error {
        CatalogError::Damaged { fault } => anyhow!("its catalog is damaged ({fault}); take another backup"),
        error => error.into(),
    };
    let catalog = Catalog::open(new, 1).await.map_err(damaged)?;
    catalog.check().await.map_err(damaged)?;
    if catalog.meta("secret").await?.is_none() {
        bail!("its catalog is empty");
    }
    if catalog.meta(UNFINISHED).await?.is_some() {
        bail!("an import into it was cut short");
    }
    let revision = catalog.revision().await?;
    catalog.close().await;
    // Keywords are made again from the catalog, and so are vectors that the copy lacks; those that are beyond it, or
    // damaged, are found at the start.
    for pair in fs::read_dir(from.join(INDEXES)).into_iter().flatten() {
        let pair = pair?;
        let vectors = pair.path().join("vectors");
        if vectors.is_dir() {
            copy_folder(&vectors, &new.join(INDEXES).join(pair.file_name()).join("vectors"))?;
        }
    }
    File::open(new)?.sync_all()?;
    Ok(revision)
}

fn copy_if_there(from: &Path, to: &Path) -> anyhow::Result<()> {
    match fs::copy(from, to) {
        Ok(_) => Ok(File::open(to)?.sync_all()?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't copy {}", from.display())),
    }
}

/// Moves what is there aside and the copy to its place; where the old went, if there was anything.
fn replace(from: &Path, data: &Path, new: &Path) -> anyhow::Result<Option<PathBuf>> {
    let at = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = data.join(format!("{REPLACED}{at}"));
    let old: Vec<&str> = std::iter::once(INDEXES).chain(CATALOG).filter(|name| data.join(name).exists()).collect();
    if !old.is_empty() {
        fs::create_dir(&aside).with_context(|| format!("can't create {}", aside.display()))?;
    }
    // The catalog goes first and comes last: what is in between is none.
    for name in old.iter().rev() {
        fs::rename(data.join(name), aside.join(name)).with_context(|| format!("can't move {name} aside"))?;
    }
    for name in KEPT.iter().filter(|name| !data.join(name).exists()) {
        copy_if_there(&from.join(name), &data.join(name))?;
    }
    for name in std::iter::once(INDEXES).chain(CATALOG).filter(|name| new.join(name).exists()) {
        fs::rename(new.join(name), data.join(name)).with_context(|| format!("can't move {name} to its place"))?;
    }
    File::open(data)?.sync_all()?;
    fs::remove_dir_all(new)?;
    File::open(data)?.sync_all()?;
    Ok(Some(aside).filter(|_| !old.is_empty()))
}

/// Records it, and says what there is to do where the backup is older than what was answered.
async fn settle(data: &Path, from: &Path, revision: u64, accept_older: bool) -> anyhow::Result<()> {
    let config = RawConfig { data: Some(data.to_owned()), ..RawConfig::default() }.resolve()?;
    let known = Seen::open(data)?.known().revision;
    let items = vec![from.display().to_string(), revision.to_string()];
    let how = if revision < known { "older than" } else { "of another history than" };
    match Stopped::open(&config).await {
        Ok(stopped) => {
            stopped.record("restored_from", "usher restore", items).await?;
            stopped.close().await;
            say("it is as new as what was answered, and can be served")?;
        }
        Err(crate::serve::ServeError::SetBack { .. }) if accept_older => {
            let catalog = Catalog::open(&config.catalog, 1).await?;
            accept_restored(&config, &catalog).await?;
            catalog.close().await;
            let stopped = Stopped::open(&config).await?;
            stopped.record("restored_from", "usher restore", items).await?;
            stopped.close().await;
            say(format_args!("it is {how} what was answered (revision {known}), and accepted; it can be served"))?;
        }
        Err(crate::serve::ServeError::SetBack { .. }) => say(format_args!(
            "it is {how} what was answered (revision {known}): rights that were withdrawn since are back. Withdraw \
             them again as docs/moving.md says, then run `usher accept-restored`; it is not served before"
        ))?,
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
