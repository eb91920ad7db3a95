//! The `usher` command: arguments to configuration, then serve; or an administrator's call to a running service.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use futures::FutureExt;
use usher::causes::Causes;
use usher::config::{self, Config, RawConfig};
use usher::embed::Embedders;
use usher::progress::Stage;
use usher::serve::{Listeners, Listening};
use usher::service::measures;
use usher::telemetry::otlp::Otlp;
use usher::telemetry::{self, Metrics};
use usher::{commands, http, serve};

#[derive(Parser)]
#[command(name = "usher", version, about = "Permission-aware retrieval: the best passages that this caller may read.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API in the foreground
    Serve {
        /// TOML file with the configuration
        #[arg(long, env = "USHER_CONFIG")]
        config: Option<PathBuf>,
        #[command(flatten)]
        options: Box<RawConfig>,
    },
    /// Make, list and revoke API keys
    Keys(commands::KeysArguments),
    /// Accept a restored catalog that is older than what the folder says was answered (`seen`)
    AcceptRestored(commands::AcceptRestoredArguments),
    /// Show which stored names an older release spelled otherwise, and bring them into the one spelling
    Normalise(commands::NormaliseArguments),
    /// Copy the data of a service, running or stopped, to a new folder, and check the copy
    Backup(commands::BackupArguments),
    /// Put a backup in the place of what the data folder of a stopped service holds
    Restore(commands::RestoreArguments),
    /// Write everything that a stopped service holds to plain files, to move it
    Export(commands::ExportArguments),
    /// Read an export into a new data folder
    Import(commands::ImportArguments),
    /// Show which stored tuples a new authorization model would no longer admit, or write the model
    Model(commands::ModelArguments),
    /// Measure how well questions with known answers are answered
    Eval(Box<commands::EvalArguments>),
    /// Bring an embedding model, or list those that can be brought
    Models(commands::ModelsArguments),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Print the page of all metrics (Markdown)
    Metrics,
    /// Print a configuration file with every option, what it means and its default (TOML)
    Config,
}

/// Whatever this process makes, its owner alone can read.
#[allow(unsafe_code, reason = "the standard library has no way to say so")]
fn keep_private() {
    // SAFETY: it changes a number of the process, and can't fail.
    unsafe {
        libc::umask(0o077);
    }
}

fn main() -> ExitCode {
    keep_private();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            commands::complain(format_args!("usher: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(command());
    // Computation that nobody waits for any more and that nothing ends in the middle ends with the process.
    runtime.shutdown_background();
    code
}

async fn command() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve { config, options } => run(config, *options).await,
        Command::Keys(arguments) => commands::keys(arguments).await,
        Command::AcceptRestored(arguments) => commands::accept_restored(arguments).await,
        Command::Normalise(arguments) => commands::normalise(arguments).await,
        Command::Backup(arguments) => commands::backup(arguments).await,
        Command::Restore(arguments) => commands::restore(arguments).await,
        Command::Export(arguments) => commands::export(arguments).await,
        Command::Import(arguments) => commands::import(arguments).await,
        Command::Model(arguments) => commands::model(arguments).await,
        Command::Eval(arguments) => commands::eval(*arguments).await,
        Command::Models(arguments) => commands::models(arguments),
        Command::Openapi => commands::write(&http::openapi::text()).map_err(Into::into),
        Command::Config => commands::write(&config::example()).map_err(Into::into),
        Command::Metrics => commands::write(&measures::page()).map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // As other commands end whose reader has gone (SIGPIPE).
        Err(error) if error.downcast_ref().is_some_and(commands::NotSaid::is_unread) => ExitCode::from(141),
        Err(error) => {
            commands::complain(format_args!("usher: {}", Causes(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Option<PathBuf>, options: RawConfig) -> anyhow::Result<()> {
    // One crypto library for everything, chosen here and not by feature unification.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = config.as_deref().map(RawConfig::from_file).transpose()?.unwrap_or_default();
    let mut config = options.over(file).resolve()?;
    let metrics = Metrics::new()?;
    let otlp = config.otlp.take().map(|settings| Otlp::open(settings, &metrics)).transpose()?;
    telemetry::log::start(config.log_json, otlp.as_ref())?;
    let serving = serve(config, metrics);
    match otlp {
        None => serving.await,
        Some(otlp) => {
            let served = tokio::select! {
                served = serving => served,
                never = otlp.keep_exporting() => match never {},
            };
            otlp.end().await;
            served
        }
    }
}

async fn serve(mut config: Config, metrics: Metrics) -> anyhow::Result<()> {
    // Before anything is opened: whoever waits can ask, and an address that is taken is known at once.
    let listeners = Listeners::bind(config.listen, config.admin_listen).await?;
    let (api, admin) = listeners.addresses()?;
    tracing::debug!(%api, metrics = %admin, "listening, and starting");
    let listening = Listening::begin(listeners, config.limits.connections, &metrics);
    let stop = stop_signal().shared();
    let stopped = stop.clone();
    let giving_up = tokio::spawn(async move {
        stopped.await;
        tracing::info!("stopped before the start was complete");
        // Whatever was begun is what a kill would leave, and the next start mends that.
        std::process::exit(0);
    });
    metrics.progress().enter(Stage::Embedders, 0);
    let settings = std::mem::take(&mut config.embedders);
    let embedders = tokio::task::spawn_blocking(|| Embedders::open(settings)).await??;
    let running = serve::open(&config, embedders, metrics).await?;
    giving_up.abort();
    let snapshot = running.service.published.load();
    for collection in snapshot.collections.values() {
        tracing::info!(collection = %collection.name, embedder = %collection.settings.embedder, "serving a collection");
    }
    tracing::info!(%api, metrics = %admin, "ready");
    drop(snapshot);
    let served = listening.show(&running).until(&running, stop).await;
    running.stop().await;
    tracing::info!("stopped");
    Ok(served?)
}

/// Ends at the first SIGINT or SIGTERM.
async fn stop_signal() {
    let signal = signalled().await;
    tracing::info!(signal, "told to stop");
}

async fn signalled() -> &'static str {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = interrupt.await;
        return "SIGINT";
    };
    tokio::select! {
        _ = interrupt => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
