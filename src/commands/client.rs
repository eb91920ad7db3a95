//! Commands that speak to a running service over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::output::{say, shown};
use crate::outside::{Address, MAX_ANSWER, MAX_REFUSAL, Secret};
use crate::wire::Problem;

/// How long it may take to be connected, and how long the service may say nothing: it embeds what it is sent.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(300);

/// Where the service is and with which key it is asked.
#[derive(Args)]
pub struct Server {
    /// Base URL of the service
    #[arg(long, global = true, env = "USHER_URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// File with an API key
    #[arg(long, global = true, env = "USHER_KEY_FILE", default_value = "data/admin.key")]
    key_file: PathBuf,
    /// Send the key over plain http to another machine
    #[arg(long, global = true)]
    insecure_http: bool,
}

impl Server {
    pub(super) async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&impl serde::Serialize>,
    ) -> anyhow::Result<Option<T>> {
        self.connect()?.call(method, path, body).await
    }

    /// Reads the key, once for many calls.
    pub(super) fn connect(&self) -> anyhow::Result<Connected<'_>> {
        let address = Address::parse(&self.server, self.insecure_http)
            .map_err(|mistake| anyhow!("--server {}: {}", self.server, mistake.problem()))?;
        let key = Secret::from_file(&self.key_file).context("name the key's file with --key-file")?;
        // Installed once per process; a second call finds it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none());
        if address.is_loopback() {
            // A proxy of the environment is not for this machine, and would get the key.
            client = client.no_proxy();
        }
        Ok(Connected { named: self, address, key, client: client.build()? })
    }
}

/// A service and a client of it.
pub struct Connected<'s> {
    named: &'s Server,
    address: Address,
    key: Secret,
    client: reqwest::Client,
}

impl Connected<'_> {
    pub(super) async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&impl serde::Serialize>,
    ) -> anyhow::Result<Option<T>> {
        self.call_as(None, method, path, body).await
    }

    /// The same for a reader, by a key that may act as them.
    pub(super) async fn call_as<T: serde::de::DeserializeOwned>(
        &self,
        reader: Option<&str>,
        method: reqwest::Method,
        path: &str,
        body: Option<&impl serde::Serialize>,
    ) -> anyhow::Result<Option<T>> {
        let Self { named: Server { server, key_file, .. }, address, key, client } = self;
        let mut request = client.request(method, address.below(path)).bearer_auth(key.expose());
        if let Some(reader) = reader {
            request = request.header("Usher-Subject", reader);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| match error.is_timeout() && !error.is_connect() {
            true => anyhow!("{server} has not answered in {} s", SILENCE.as_secs()),
            false => anyhow::Error::from(error).context(format!("can't reach {server}; is the service running?")),
        })?;
        let status = response.status();
        let max = if status.is_success() { MAX_ANSWER } else { MAX_REFUSAL };
        let Some(bytes) = read(response, max).await? else {
            bail!("{} answers with more than {max} bytes, which no Usher service does; is the address right?", server)
        };
        if status.is_success() {
            return if bytes.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&bytes)?)) };
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) if status == reqwest::StatusCode::UNAUTHORIZED => {
                bail!("{}: {} (the key of {})", problem.title, problem.told(), key_file.display())
            }
            Ok(problem) => bail!("{}: {}", problem.title, problem.told()),
            Err(_) => bail!("{} does not answer like an Usher service ({status}); is the address right?", server),
        }
    }
}

/// The body of an answer; `None`: it is longer than that.
async fn read(mut response: reqwest::Response, max: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await? {
        if bytes.len().saturating_add(part.len()) > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(bytes))
}

#[derive(Args)]
pub struct ModelArguments {
    #[command(flatten)]
    server: Server,
    /// The model as JSON, as OpenFGA's tools compile it
    file: PathBuf,
    /// Only show which stored tuples would no longer count
    #[arg(long)]
    preview: bool,
}

/// # Errors
/// When the model is refused.
pub async fn model(arguments: ModelArguments) -> anyhow::Result<()> {
    let text =
        std::fs::read_to_string(&arguments.file).with_context(|| format!("can't read {}", arguments.file.display()))?;
    let source: serde_json::Value = serde_json::from_str(&text).with_context(|| {
        format!(
            "the model is not JSON; `fga model transform --file {}` makes JSON of OpenFGA's language (the default model is \
             schema/authz/v1/model.json)",
            arguments.file.display()
        )
    })?;
    let body = serde_json::json!({"model": source, "dry_run": arguments.preview});
    let answer: crate::wire::ModelChanged = arguments
        .server
        .call(reqwest::Method::POST, "/v1/models", Some(&body))
        .await?
        .context("the service sent no answer")?;
    match &answer.authorization_model_id {
        Some(id) => say(format_args!("the store's newest model is now {id}"))?,
        None => say("the model is valid; nothing was changed")?,
    }
    say(format_args!("{} of {} stored tuples don't count under it", answer.dead_tuples, answer.tuples))?;
    for tuple in &answer.examples {
        say(format_args!("  {}#{}@{}", shown(&tuple.object), shown(&tuple.relation), shown(&tuple.user)))?;
    }
    Ok(())
}
