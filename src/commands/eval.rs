//! `usher eval`: how well questions with known answers are answered by a running service, per leg and fused, with
//! intervals, and compared with an earlier run.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use self::calibrate::Sample;
use self::cases::{Case, Cases, Document};
use self::measures::{Hit, Measured};
use self::report::{Floor, Report};
use super::client::{Connected, Server};
use super::output::{complain, write};
use crate::wire::bounds::is_collection_name;
use crate::wire::{Answer, DocumentView, DocumentsPut, Mode};

mod calibrate;
mod cases;
mod measures;
mod report;

/// Documents of one request.
const AT_ONCE: usize = 64;
/// Passages that are asked for.
const DEPTH: usize = 100;
/// Who reads a collection that has no readers of its own.
const READER: &str = "user:eval";

#[derive(Args)]
pub struct EvalArguments {
    #[command(flatten)]
    server: Server,
    /// Folder in BEIR's format (corpus.jsonl, queries.jsonl, qrels/test.tsv), or file with questions per reader (docs/quality.md)
    from: PathBuf,
    /// Collection that is asked; the one of a folder is made and filled if it is not there
    #[arg(long)]
    collection: Option<String>,
    /// Settings of a collection that is made, as `PUT /v1/collections/{name}` takes them
    #[arg(long, default_value = "{}")]
    settings: String,
    /// What every question has beside its text, as `POST /v1/query` takes it
    #[arg(long, default_value = "{}")]
    query: String,
    /// Which of keyword, vector and hybrid
    #[arg(long, value_delimiter = ',', default_value = "keyword,vector,hybrid")]
    modes: Vec<String>,
    /// Of questions per reader only those of this half: `tune` or `held`
    #[arg(long)]
    half: Option<String>,
    /// Also write everything to this file, to be compared with later
    #[arg(long)]
    json: Option<PathBuf>,
    /// File that an earlier run wrote with --json: the differences are shown
    #[arg(long)]
    against: Option<PathBuf>,
    /// Print the `calibration` of the embedder that fits the passages found best
    #[arg(long)]
    calibrate: bool,
    /// Fail where a mean is lower, such as `hybrid.ndcg@10=0.5`; may be repeated
    #[arg(long)]
    floor: Vec<Floor>,
}

/// # Errors
/// When the questions can't be read or asked, something leaks, or a mean is below its floor.
pub async fn eval(arguments: EvalArguments) -> anyhow::Result<()> {
    let cases = Cases::read(&arguments.from, arguments.half.as_deref())?;
    let collection = match (&arguments.collection, &cases.documents) {
        (Some(name), _) => name.clone(),
        (None, Some(_)) => cases.name.clone(),
        (None, None) => bail!("name the collection that is asked with --collection"),
    };
    if !is_collection_name(&collection) {
        bail!("`{collection}` is no name of a collection: use letters, digits, `.`, `_` and `-`");
    }
    let server = arguments.server.connect()?;
    let mut revision = None;
    if let Some(documents) = &cases.documents {
        let settings: Map<String, Value> = serde_json::from_str(&arguments.settings).context("--settings")?;
        revision = fill(&server, &cases.name, &collection, documents, settings).await?;
    }
    look_up(&server, &cases, &collection).await?;
    let query: Map<String, Value> = serde_json::from_str(&arguments.query).context("--query")?;
    let (mut legs, mut text) = (BTreeMap::new(), String::new());
    for name in &arguments.modes {
        let mode: Mode = serde_json::from_value(json!(name)).with_context(|| format!("there is no mode `{name}`"))?;
        let (mut measured, mut samples) = (Vec::with_capacity(cases.all.len()), Vec::new());
        for case in &cases.all {
            let mut body = query.clone();
            body.insert("query".into(), json!(case.question));
            body.insert("mode".into(), json!(mode));
            body.insert("collections".into(), json!([collection]));
            body.entry("top_k").or_insert(json!(DEPTH));
            if cases.documents.is_some() {
                body.entry("max_per_document").or_insert(json!(1));
            }
            if let Some(revision) = &revision {
                body.insert("min_revision".into(), json!(revision));
            }
            let answer = ask(&server, case, &body).await?;
            let hits: Vec<Hit> = answer.results.iter().map(Hit::of).collect();
            samples
                .extend(answer.results.iter().zip(&hits).filter_map(|(passage, hit)| Sample::of(case, passage, hit)));
            measured.push(Measured::of(case, &hits, answer.answerable));
        }
        if arguments.calibrate {
            let _ = writeln!(text, "{name}: {}", calibrate::fitted(&samples)?);
        }
        legs.insert(name.clone(), measured);
    }
    let report = Report::of(&collection, &cases, legs);
    text.insert_str(0, &report.table());
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.json()).with_context(|| format!("can't write {}", path.display()))?;
    }
    if let Some(path) = &arguments.against {
        let earlier = std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        let earlier =
            serde_json::from_slice(&earlier).with_context(|| format!("{} is no such file", path.display()))?;
        text.push_str(&report.against(&earlier)?);
    }
    write(&text)?;
    report.check(&arguments.floor)
}

/// Makes the collection and stores what is not there yet; the revision that has all of it.
async fn fill(
    server: &Connected<'_>,
    source: &str,
    collection: &str,
    documents: &[Document],
    settings: Map<String, Value>,
) -> anyhow::Result<Option<String>> {
    let _: Option<Value> = server.call(Method::PUT, &format!("/v1/collections/{collection}"), Some(&settings)).await?;
    let mut revision = None;
    for (n, part) in documents.chunks(AT_ONCE).enumerate() {
        let part: Vec<Value> = part.iter().map(|document| document.to_send(source, collection, READER)).collect();
        let put: Option<DocumentsPut> =
            server.call(Method::POST, "/v1/documents", Some(&json!({"documents": part}))).await?;
        let put = put.context("the service sent no answer")?;
        if let Some(refused) = put.results.iter().find_map(|result| result.problem.as_ref()) {
            bail!("a document was refused: {}", refused.told());
        }
        if n % 8 == 7 {
            complain(format_args!("{} of {} documents", (n + 1) * AT_ONCE, documents.len()));
        }
        revision = Some(put.revision);
    }
    Ok(revision)
}

/// Sees that every quote stands in its document, for a reader whom it answers: with one that doesn't no leak is found.
async fn look_up(server: &Connected<'_>, cases: &Cases, collection: &str) -> anyhow::Result<()> {
    let mut texts: HashMap<&str, String> = HashMap::new();
    let quoted = cases.all.iter().flat_map(|case| case.wanted.iter().map(move |wanted| (case, wanted)));
    for (case, wanted) in quoted {
        let (Some(quote), Some(reader)) = (&wanted.quote, &case.reader) else { continue };
        let text = match texts.entry(&wanted.document) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(text_of(server, reader, &wanted.document, collection).await?),
        };
        // Another reader may see other parts of the document.
        if !text.contains(quote.as_str()) {
            *text = text_of(server, reader, &wanted.document, collection).await?;
        }
        if !text.contains(quote.as_str()) {
            bail!("{}: {} does not hold this for the reader: {quote}", case.id, wanted.document);
        }
    }
    Ok(())
}

async fn text_of(server: &Connected<'_>, reader: &str, document: &str, collection: &str) -> anyhow::Result<String> {
    let escaped: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/v1/documents/{escaped}?collection={collection}");
    let nothing: Option<&Value> = None;
    let view: Option<DocumentView> = server
        .call_as(Some(reader), Method::GET, &path, nothing)
        .await
        .with_context(|| format!("{document} can't be read as {reader}"))?;
    Ok(cases::plain(&view.context("the service sent no answer")?.text))
}

async fn ask(server: &Connected<'_>, case: &Case, body: &Map<String, Value>) -> anyhow::Result<Answer> {
    let reader = case.reader.as_deref().unwrap_or(READER);
    let answer: Option<Answer> = server.call_as(Some(reader), Method::POST, "/v1/query", Some(body)).await?;
    answer.context("the service sent no answer")
}
