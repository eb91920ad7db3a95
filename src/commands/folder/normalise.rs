//! `usher normalise`: the names of stored tuples, brought into their one spelling.

use std::path::PathBuf;

use clap::Args;

use crate::commands::output::say;
use crate::commit::tuples::show;
use crate::config::{RawConfig, RawUrl};
use crate::serve::Stopped;
use crate::spelling::{Fate, plan};
use crate::wire::TupleKey;

#[derive(Args)]
pub struct NormaliseArguments {
    /// Data folder of the stopped service
    #[arg(long, env = "USHER_DATA", default_value = "data")]
    data: PathBuf,
    /// PostgreSQL database of the catalog; absent: it is in the data folder
    #[arg(long, env = "USHER_CATALOG_URL", hide_env_values = true)]
    catalog_url: Option<RawUrl>,
    /// As the service will have it: `lower` or `keep`
    #[arg(long, env = "USHER_EMAIL_CASE", default_value = "lower")]
    email_case: String,
    /// Do it, instead of showing it
    #[arg(long)]
    apply: bool,
}

/// Shows, or does, what brings the names of stored tuples into their one spelling.
///
/// # Errors
/// When the service runs, the catalog can't be opened, or something must be decided first.
pub async fn normalise(arguments: NormaliseArguments) -> anyhow::Result<()> {
    let options = RawConfig {
        data: Some(arguments.data.clone()),
        catalog_url: arguments.catalog_url,
        email_case: Some(arguments.email_case),
        ..RawConfig::default()
    };
    let config = options.resolve()?;
    crate::authz::names::set_email_case(config.email_case);
    if matches!(config.catalog, crate::catalog::Location::Folder(_)) {
        drop(super::lock_stopped(&config.data)?);
    }
    let stopped = Stopped::open(&config).await?;
    let done = normalise_in(&stopped, arguments.apply).await;
    stopped.close().await;
    Ok(say(done?)?)
}

/// What is said at the end.
async fn normalise_in(stopped: &Stopped, is_meant: bool) -> anyhow::Result<String> {
    let mut tx = stopped.catalog.begin().await?;
    let meetings = plan(&mut tx).await?;
    let lines: Vec<String> = meetings
        .iter()
        .map(|meeting| {
            let fate = match meeting.fate {
                Fate::Respelled => "respelled",
                Fate::Narrowed => "narrowed",
                Fate::Dropped => "dropped",
                Fate::Undecided => "undecided",
            };
            let rows: Vec<_> = meeting.rows.iter().map(|row| tuple_line(&row.key)).collect();
            let into = meeting.into.as_ref().map_or_else(|| "nothing".to_owned(), tuple_line);
            format!("{fate}\t{}\t{}\tbecomes\t{into}", meeting.store, rows.join(" and "))
        })
        .collect();
    for line in &lines {
        say(line)?;
    }
    let undecided = meetings.iter().filter(|meeting| meeting.fate == Fate::Undecided).count();
    anyhow::ensure!(
        undecided == 0 || !is_meant,
        "{undecided} of them are undecided: with the release that wrote them, delete one of the tuples of each line"
    );
    if !is_meant {
        return Ok(format!("{} to change; nothing was changed. Do it with --apply", meetings.len()));
    }
    let revision = stopped.respell(tx, &meetings, lines).await?;
    Ok(format!("{} changed, at revision {revision}", meetings.len()))
}

/// A tuple as messages write it, its condition behind it.
fn tuple_line(key: &TupleKey) -> String {
    let condition = key.condition.as_ref().map(|condition| format!(" with {}", condition.name)).unwrap_or_default();
    format!("{}{condition}", show(key))
}
