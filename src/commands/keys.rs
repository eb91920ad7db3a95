//! `usher keys`: over HTTP against a running service, or, where nobody can get in any more, on the data folder of a
//! stopped one.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::client::Server;
use super::folder::lock_stopped;
use super::output::{complain, say, shown};
use super::secret::NewFile;
use crate::config::{RawConfig, RawUrl};
use crate::http::routes::keys::{make, warnings};
use crate::identity::lifetime::SOON;
use crate::serve::Stopped;
use crate::wire::{CreateKey, KeyCreated, KeyView, Keys};

#[derive(Args)]
pub struct KeysArguments {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key; its secret is printed once, or written to a file
    Create(Box<CreateArguments>),
    /// List all keys, without secrets
    List,
    /// Revoke a key; the next request with it is refused
    Revoke {
        /// First column of `list`
        id: String,
        /// Also the last working key with the scope `admin`
        #[arg(long)]
        force: bool,
    },
}

#[derive(Args)]
struct CreateArguments {
    /// For people: what the key is for
    name: String,
    /// What the key may do: query, documents.read, documents.write, relationships.read, relationships.write, explain,
    /// diagnostics, act_as or admin; may be repeated
    #[arg(long = "scope", required = true)]
    scopes: Vec<String>,
    /// Whom the key reads as, such as `service:chat` or `user:anne`
    #[arg(long)]
    subject: Option<String>,
    /// Collections that the key reaches; all when absent
    #[arg(long = "collection")]
    collections: Vec<String>,
    /// Sources that the key may write; all when absent
    #[arg(long = "source")]
    sources: Vec<String>,
    /// Types of subjects that the key may act as (with scope `act_as`): user, agent or service; may be repeated
    #[arg(long = "act-as")]
    act_as_types: Vec<String>,
    /// RFC 3339; 90 days from now when absent
    #[arg(long)]
    expires_at: Option<String>,
    /// Write the secret to a new file that only its owner can read, instead of printing it
    #[arg(long)]
    out: Option<PathBuf>,
    /// Make it in this data folder, whose service is stopped, without asking anybody for a key
    #[arg(long)]
    data: Option<PathBuf>,
    /// With --data: PostgreSQL database of the catalog; absent: it is in the data folder
    #[arg(long, requires = "data", env = "USHER_CATALOG_URL", hide_env_values = true)]
    catalog_url: Option<RawUrl>,
}

/// # Errors
/// What the service refuses, in one line.
pub async fn keys(arguments: KeysArguments) -> anyhow::Result<()> {
    let server = arguments.server;
    match arguments.command {
        KeysCommand::Create(arguments) => create(server, *arguments).await?,
        KeysCommand::List => {
            let keys: Keys = server
                .call(reqwest::Method::GET, "/v1/keys", None::<&()>)
                .await?
                .context("the service sent no list")?;
            for key in keys.keys {
                let state = state(&key, Timestamp::now());
                let subject = key.subject.as_deref().map_or_else(|| "-".to_owned(), shown);
                let (id, name, scopes, within) = (&key.id, shown(&key.name), key.scopes.join(","), within(&key));
                say(format_args!("{id}\t{name}\t{subject}\t{scopes}\t{state}\t{within}"))?;
            }
        }
        KeysCommand::Revoke { id, force } => {
            if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
                bail!("`{}` is not the id of a key: the first column of `usher keys list` is", shown(&id));
            }
            let force = if force { "?force=true" } else { "" };
            server.call::<()>(reqwest::Method::DELETE, &format!("/v1/keys/{id}{force}"), None::<&()>).await?;
            say(format_args!("revoked {id}"))?;
        }
    }
    Ok(())
}

async fn create(server: Server, arguments: CreateArguments) -> anyhow::Result<()> {
    let file = arguments.out.map(NewFile::make).transpose()?;
    let all_if_none = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let body = CreateKey {
        name: arguments.name,
        scopes: arguments.scopes,
        subject: arguments.subject,
        collections: all_if_none(arguments.collections),
        sources: all_if_none(arguments.sources),
        act_as_types: arguments.act_as_types,
        expires_at: arguments.expires_at,
    };
    let (id, key, warnings) = match arguments.data {
        Some(data) => {
            let raw = RawConfig { data: Some(data), catalog_url: arguments.catalog_url, ..RawConfig::default() };
            on_the_machine(raw, body).await?
        }
        None => {
            let made: KeyCreated = server
                .call(reqwest::Method::POST, "/v1/keys", Some(&body))
                .await?
                .context("the service sent no key")?;
            (made.view.id, made.key, made.warnings)
        }
    };
    for warning in warnings {
        complain(format_args!("warning: {warning}"));
    }
    let lost = || format!("the key {id} was made, and nobody has its secret: revoke it");
    match file {
        Some(file) => say(format_args!("{id}\t{}", file.fill(&key).with_context(lost)?.display()))?,
        // Not quietly, whoever has gone.
        None => say(&key).map_err(|error| anyhow!("{error}; {}", lost()))?,
    }
    Ok(())
}

/// Whoever may write the data folder may make any key.
async fn on_the_machine(raw: RawConfig, body: CreateKey) -> anyhow::Result<(String, String, Vec<String>)> {
    let config = raw.resolve()?;
    if matches!(config.catalog, crate::catalog::Location::Folder(_)) {
        drop(lock_stopped(&config.data)?);
    }
    let stopped = Stopped::open(&config).await?;
    let made = make(&stopped.hasher(), None, body).map_err(|refused| {
        let errors = refused.problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.detail));
        anyhow!("{}: {}", refused.problem.title, errors.collect::<Vec<_>>().join("; "))
    });
    let done = match made {
        Ok((key, row)) => {
            let there = stopped.catalog.collections().await?;
            let warnings = warnings(&row, |name| there.iter().any(|there| there.name == name));
            stopped.add_key(&row, "usher keys create").await.map(|()| (row.id, key, warnings)).map_err(Into::into)
        }
        Err(refused) => Err(refused),
    };
    stopped.close().await;
    done
}

/// What bounds a key; `-` where nothing does.
fn within(key: &KeyView) -> String {
    let bounds = [
        ("collections", key.collections.as_deref()),
        ("sources", key.sources.as_deref()),
        ("act_as", Some(key.act_as_types.as_slice()).filter(|types| !types.is_empty())),
    ];
    let named = bounds.iter().filter_map(|(what, names)| Some(format!("{what}={}", shown(&(*names)?.join(",")))));
    let all = named.collect::<Vec<_>>().join(" ");
    if all.is_empty() { "-".to_owned() } else { all }
}

/// Whether a key works, and how long it still does where that is not long.
fn state(key: &KeyView, now: Timestamp) -> String {
    if let Some(at) = &key.revoked_at {
        return format!("revoked {at}");
    }
    match key.expires_at.parse::<Timestamp>().map(|end| end.duration_since(now)) {
        Ok(left) if left.is_negative() || left.is_zero() => format!("expired {}", key.expires_at),
        Ok(left) if left < SOON => format!("until {} (in {} days)", key.expires_at, left.as_hours() / 24),
        _ => format!("until {}", key.expires_at),
    }
}
