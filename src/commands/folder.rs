//! Commands on a data folder as a whole. The service on it is stopped, but for a backup.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;

use super::output::say;
use crate::audit;
use crate::catalog::{Catalog, Location, collections};
use crate::causes::Causes;
use crate::config::{RawConfig, RawUrl};
use crate::embed::pinned::{self, Model};
use crate::serve::{Stopped, leave_record, record_to_leave};
use crate::transfer;

mod normalise;
mod restore;

pub use normalise::{NormaliseArguments, normalise};
pub use restore::{RestoreArguments, restore};

#[derive(Args)]
pub struct BackupArguments {
    /// Data folder of the service, which may be running
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// New folder for the copy
    #[arg(long)]
    to: PathBuf,
}

/// Copies the data folder of a service, running or stopped; the copy can be served as it is.
///
/// # Errors
/// When the target exists or is inside the data folder, or the copy's catalog is damaged; nothing is left of a copy that
/// failed.
pub async fn backup(arguments: BackupArguments) -> anyhow::Result<()> {
    let (from, to) = (&arguments.data, &arguments.to);
    if to.exists() {
        bail!("{} exists already; name a new folder", to.display());
    }
    let lock = try_lock(from)?;
    refuse_inside(from, to)?;
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("can't create {}", parent.display()))?;
    }
    std::fs::create_dir(to).with_context(|| format!("can't create {}", to.display()))?;
    let is_running = lock.is_none();
    let copied = async {
        let bytes = if is_running { copy_running(from, to).await? } else { copy_stopped(from, to)? };
        anyhow::Ok((bytes, check_copy(to).await?))
    };
    let (bytes, revision) = match copied.await {
        Ok(copied) => copied,
        Err(error) => {
            // What is not whole must not pass for a backup.
            std::fs::remove_dir_all(to)
                .with_context(|| format!("{}; can't remove {}", Causes(error.as_ref()), to.display()))?;
            return Err(error);
        }
    };
    drop(lock);
    let items = vec![to.display().to_string(), revision.to_string()];
    let record = async {
        if is_running {
            leave_record(from, "backup", "usher backup", items).await?;
        } else {
            record_stopped(from, None, "backup", "usher backup", items).await?;
        }
        anyhow::Ok(())
    };
    record.await.context("the copy is whole, and the audit has no record of it")?;
    Ok(say(format_args!("copied {bytes} bytes at revision {revision} to {}", to.display()))?)
}

/// A copy inside what is copied would copy itself.
fn refuse_inside(from: &Path, to: &Path) -> anyhow::Result<()> {
    let target = landing(to).with_context(|| format!("can't tell where {} is", to.display()))?;
    // The indexes may lie elsewhere, behind a link.
    for folder in [from.to_owned(), from.join("indexes")] {
        if folder.canonicalize().is_ok_and(|folder| target.starts_with(folder)) {
            bail!("{} is inside the data folder; name one outside it", to.display());
        }
    }
    Ok(())
}

/// Where a path leads that need not exist: symbolic links are followed as far as it does.
fn landing(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    let Some((there, mut landing)) = there else { return Ok(path) };
    for part in path.strip_prefix(there).into_iter().flatten() {
        if part == ".." {
            landing.pop();
        } else {
            landing.push(part);
        }
    }
    Ok(landing)
}

/// The revision of a copy whose catalog is whole.
async fn check_copy(copy: &Path) -> anyhow::Result<u64> {
    let catalog = Catalog::open(copy, 1).await?;
    catalog.check().await.context("the copied catalog is damaged; the original probably is too")?;
    let revision = catalog.revision().await?;
    catalog.close().await;
    Ok(revision)
}

/// Copies a stopped service's folder, but for what earlier restorations have put aside: that is no part of the service.
fn copy_stopped(from: &Path, to: &Path) -> anyhow::Result<u64> {
    copy_entries(from, to, |name| !name.to_string_lossy().starts_with(restore::REPLACED))
}

/// Records in the audit of a stopped service what was done with its folder.
async fn record_stopped(
    data: &Path,
    catalog_url: Option<RawUrl>,
    event: &str,
    command: &str,
    items: Vec<String>,
) -> anyhow::Result<()> {
    let config = RawConfig { data: Some(data.to_owned()), catalog_url, ..RawConfig::default() }.resolve()?;
    let stopped = Stopped::open(&config).await?;
    stopped.record(event, command, items).await?;
    stopped.close().await;
    Ok(())
}

/// Copies what a running service goes on writing: vectors and the audit first, the catalog, which names them, last.
/// Vectors that the copy lacks are made again at its first start, and so is the keyword index.
async fn copy_running(from: &Path, to: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for collection in std::fs::read_dir(from.join("indexes")).into_iter().flatten() {
        let collection = collection?;
        let (vectors, copy) = (collection.path().join("vectors"), to.join("indexes").join(collection.file_name()));
        let mut attempts = 0;
        // Segments may be rewritten under the copying: another attempt finds the new ones.
        loop {
            match copy_folder(&vectors, &copy.join("vectors")) {
                Ok(copied) => break bytes += copied,
                Err(_) if !vectors.exists() => break,
                Err(error) if attempts == 5 => return Err(error),
                Err(_) => {
                    attempts += 1;
                    std::fs::remove_dir_all(&copy).ok();
                }
            }
        }
    }
    for name in [audit::FILE, audit::seen::FILE, crate::serve::ADMIN_KEY_FILE, crate::serve::EPOCH_FILE] {
        match std::fs::copy(from.join(name), to.join(name)) {
            Ok(copied) => bytes += copied,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let catalog = to.join("catalog.db");
    Catalog::copy_running(from, &catalog).await?;
    Ok(bytes + std::fs::metadata(&catalog)?.len())
}

/// Holds the data folder of a stopped service.
pub(super) fn lock_stopped(data: &Path) -> anyhow::Result<std::fs::File> {
    stopped(try_lock(data)?, data)
}

fn stopped(lock: Option<std::fs::File>, data: &Path) -> anyhow::Result<std::fs::File> {
    lock.with_context(|| format!("a service uses {}; stop it first", data.display()))
}

/// Holds the data folder of a stopped service; nothing where one runs.
fn try_lock(data: &Path) -> anyhow::Result<Option<std::fs::File>> {
    if !data.join("catalog.db").is_file() {
        bail!(
            "{} holds no catalog; name the data folder with --data (a catalog in PostgreSQL is named with \
             --catalog-url, and copied with pg_dump)",
            data.display()
        );
    }
    hold(data)
}

/// Holds a data folder; nothing where a service does.
fn hold(data: &Path) -> anyhow::Result<Option<std::fs::File>> {
    let path = data.join("lock");
    let lock = std::fs::File::options().write(true).open(&path);
    let lock = match lock {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && data.join("catalog.db").is_file() => bail!(
            "{} is a copy that no service has run on: `usher restore --from {0} --data FOLDER` makes a data folder of it",
            data.display()
        ),
        lock => lock.with_context(|| format!("can't open {}; name the data folder with --data", path.display()))?,
    };
    Ok(lock.try_lock().is_ok().then_some(lock))
}

#[derive(Args)]
pub struct AcceptRestoredArguments {
    /// Data folder of the stopped service
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQL database of the catalog; absent: it is in the data folder
    #[arg(long, env = "USHER_CATALOG_URL", hide_env_values = true)]
    catalog_url: Option<RawUrl>,
}

/// Accepts a catalog that is older than the audit beside it: after a backup was restored on purpose, and revocations that
/// it lacks were made again.
///
/// # Errors
/// When the service runs, or the catalog can't be opened.
pub async fn accept_restored(arguments: AcceptRestoredArguments) -> anyhow::Result<()> {
    let _lock = stopped(hold(&arguments.data)?, &arguments.data)?;
    let options =
        RawConfig { data: Some(arguments.data.clone()), catalog_url: arguments.catalog_url, ..RawConfig::default() };
    let config = options.resolve()?;
    let catalog = Catalog::open(&config.catalog, 1).await?;
    let accepted = crate::serve::accept_restored(&config, &catalog).await?;
    let revision = catalog.revision().await?;
    catalog.close().await;
    Ok(match accepted {
        Some(_) => say(format_args!(
            "the catalog is accepted at revision {revision}; tokens of revisions from before are no longer valid"
        )),
        None => say(format_args!(
            "there is nothing to accept: {} is served at revision {revision} as it is",
            arguments.data.display()
        )),
    }?)
}

/// Says which models the folder's collections were made with and are not there: copies hold none.
async fn say_which_models_lack(data: &Path, location: &Location) -> anyhow::Result<()> {
    let catalog = Catalog::open(location, 1).await?;
    let rows = collections::all(&mut catalog.read().await?).await?;
    catalog.close().await;
    let lacking = rows.iter().filter_map(|row| Model::of(&row.settings.embedder));
    let models = pinned::folder_of(data);
    let names: BTreeSet<&str> =
        lacking.filter(|model| !model.is_there(&models)).map(|model| model.name.as_str()).collect();
    for name in names {
        let folder = data.display();
        say(format_args!(
            "its model is not in the folder: `usher models pull {name} --data {folder}` first brings it"
        ))?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<u64> {
    copy_entries(from, to, |_| true)
}

/// Copies those of a folder's entries that are wanted by their name, each as a whole.
fn copy_entries(from: &Path, to: &Path, is_wanted: impl Fn(&OsStr) -> bool) -> anyhow::Result<u64> {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if !is_wanted(&entry.file_name()) {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            bytes += copy_folder(&entry.path(), &target)?;
        } else {
            let copy = || {
                let bytes = std::fs::copy(entry.path(), &target)?;
                std::fs::File::open(&target)?.sync_all()?;
                std::io::Result::Ok(bytes)
            };
            bytes +=
                copy().with_context(|| format!("can't copy {} to {}", entry.path().display(), target.display()))?;
        }
    }
    std::fs::File::open(to)?.sync_all()?;
    Ok(bytes)
}

#[derive(Args)]
pub struct ExportArguments {
    /// Data folder of the stopped service
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQL database of the catalog, postgres://…; absent: a file in the data folder
    #[arg(long, env = "USHER_CATALOG_URL", hide_env_values = true)]
    catalog_url: Option<RawUrl>,
    /// New folder for the files, or one in which an export was cut short
    #[arg(long)]
    to: PathBuf,
}

/// # Errors
/// When the service runs, or something is damaged or can't be written.
pub async fn export(arguments: ExportArguments) -> anyhow::Result<()> {
    let location = crate::config::catalog::resolve(arguments.catalog_url.as_ref(), &arguments.data)?;
    let lock = match &location {
        Location::Folder(data) => lock_stopped(data)?,
        Location::Postgres(_) => crate::serve::prepare_folder(&arguments.data)?,
    };
    let manifest = transfer::export(&location, &arguments.data, &arguments.to).await?;
    let (rows, vectors) = manifest.totals();
    drop(lock);
    let record = record_stopped(
        &arguments.data,
        arguments.catalog_url,
        "export",
        "usher export",
        vec![arguments.to.display().to_string()],
    );
    record.await.context("the export is whole, and the audit has no record of it")?;
    Ok(say(format_args!("wrote {rows} rows and {vectors} vectors to {}", arguments.to.display()))?)
}

#[derive(Args)]
pub struct ImportArguments {
    /// Folder that `usher export` wrote
    #[arg(long)]
    from: PathBuf,
    /// New data folder, or one in which the same import was cut short
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQL database of the catalog, postgres://…; absent: a file in the data folder
    #[arg(long, env = "USHER_CATALOG_URL", hide_env_values = true)]
    catalog_url: Option<RawUrl>,
}

/// # Errors
/// When the export is damaged, the folder holds something else, or it can't be written.
pub async fn import(arguments: ImportArguments) -> anyhow::Result<()> {
    // Before a folder is made, which a start would take for a new one.
    transfer::manifest(&arguments.from)?;
    let _lock = crate::serve::prepare_folder(&arguments.data)?;
    let location = crate::config::catalog::resolve(arguments.catalog_url.as_ref(), &arguments.data)?;
    let items = vec![arguments.from.display().to_string()];
    let (file_from, record) = record_to_leave(&arguments.data, "import", "usher import", items);
    let record = transfer::LeftRecord { file_from, line: &record };
    let manifest = transfer::import(&arguments.from, &location, &arguments.data, record).await?;
    let (rows, vectors) = manifest.totals();
    say(format_args!("read {rows} rows and {vectors} vectors into {location}; it can be served"))?;
    say_which_models_lack(&arguments.data, &location).await
}
