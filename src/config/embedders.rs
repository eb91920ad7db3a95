//! `[[embedders]]` of the file: which servers or models turn text into vectors, and on which terms texts are sent to
//! them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, outside};
use crate::embed::http::{self, ServerApi};
use crate::embed::local::{self, Hub, Source};
use crate::embed::pinned::{self, Model};
use crate::embed::{Calibration, Configured, Settings};
use crate::outside::{Address, Secret, SecretError};

/// One entry. Which keys may stand in it depends on its kind.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEmbedder {
    /// What people call it.
    #[schemars(example = &"minilm")]
    pub name: String,
    /// `openai` or `tei` (a server), `pulled`, `dir` or `hub` (a model in this process), `hash` (built in).
    #[schemars(example = &"openai")]
    pub kind: String,
    /// Address of the server, without the path of the call.
    #[schemars(example = &"http://127.0.0.1:8000")]
    pub url: Option<String>,
    /// Name of the model, as the server, the hub or `usher models list` knows it.
    #[schemars(example = &"all-MiniLM-L6-v2")]
    pub model: Option<String>,
    /// Folder with a model and its manifest (`dir`).
    #[schemars(example = &"models/minilm")]
    pub path: Option<PathBuf>,
    /// Commit, branch or tag of the model's repository (`hub`) [default: main]
    pub revision: Option<String>,
    /// Cores that the model may use (`pulled`, `dir`, `hub`) [default: all]
    #[schemars(example = 2)]
    pub threads: Option<usize>,
    /// Of the vectors that the model gives.
    #[schemars(example = 384)]
    pub dimensions: Option<usize>,
    /// Ask for `dimensions` in each request, of a model that can shorten its vectors (`openai`) [default: false]
    pub send_dimensions: Option<bool>,
    /// File with the key that is sent as a bearer token.
    #[schemars(example = &"embedder.key")]
    pub key_file: Option<PathBuf>,
    /// How much its places count beside those of keywords, 0 to 1; 0: keywords alone decide [default: 1, of `hash` 0]
    #[schemars(example = 0.5)]
    pub fusion_weight: Option<f64>,
    /// What its cosines mean for the relevance of a passage: offset, per cosine, per coverage; `usher eval --calibrate` prints
    /// them [default: the model's own where it has some]
    #[schemars(example = &[-6.86, 7.18, 3.53])]
    pub calibration: Option<[f64; 3]>,
    /// Put before every question.
    #[schemars(example = &"query: ")]
    pub query_prefix: Option<String>,
    /// Put before every chunk.
    #[schemars(example = &"passage: ")]
    pub passage_prefix: Option<String>,
    /// For one call with its repetitions [default: 30000]
    pub timeout_ms: Option<u64>,
    /// Texts of one call [default: 32]
    pub batch: Option<usize>,
    /// Calls at one time [default: 4]
    pub max_in_flight: Option<usize>,
    /// Send texts and key unencrypted to another machine [default: false]
    pub allow_plain_http: Option<bool>,
}

/// Cores that a model may use.
const MAX_THREADS: usize = 256;

/// A mistake in an entry: the key, and what is wrong with it.
type Mistake = (&'static str, &'static str);

/// `models` is where pulled models are, and downloaded ones unless the environment says otherwise. Where none is configured,
/// the default model is used if it was pulled, and the built-in embedder for collections that have it.
pub(super) fn resolve(raw: Vec<RawEmbedder>, models: &Path) -> Result<Vec<Configured>, ConfigError> {
    if raw.is_empty() {
        let model = Model::named(pinned::DEFAULT).filter(|model| cfg!(feature = "onnx") && model.is_there(models));
        let hash = Settings::Hash { name: "hash-v1".to_owned() };
        let local = |model: &'static Model| in_process(model.name.clone(), pulled(model, models), cores(), models);
        return Ok(model.map_or_else(Vec::new, |model| vec![local(model).into(), hash.into()]));
    }
    let mut names = HashSet::new();
    let mut ids = HashSet::new();
    let mut resolved = Vec::with_capacity(raw.len());
    for raw in raw {
        let name = raw.name.clone();
        let mistake = |(option, problem)| ConfigError::Embedder { name: name.clone(), option, problem };
        if !names.insert(name.clone()) {
            return Err(mistake(("name", "is used twice")));
        }
        let key = raw.key_file.as_deref().map(bearer).transpose()?;
        let fusion_weight = raw.fusion_weight;
        if fusion_weight.is_some_and(|weight| !(0.0..=1.0).contains(&weight)) {
            return Err(mistake(("fusion_weight", "must be 0 to 1")));
        }
        let calibration = raw.calibration.map(Calibration::from);
        if calibration.is_some_and(|calibration| !calibration.is_usable()) {
            return Err(mistake(("calibration", "must be three numbers from -100 to 100")));
        }
        let settings = one(raw, key, models).map_err(mistake)?;
        let id = match &settings {
            Settings::Hash { .. } => Some("hash-v1".to_owned()),
            Settings::Http(settings) => Some(settings.id()),
            // Its files say what it is; they are read when it is opened.
            Settings::Local(_) => None,
        };
        if id.is_some_and(|id| !ids.insert(id)) {
            return Err(mistake(("model", "with these dimensions and prefixes is configured twice")));
        }
        resolved.push(Configured { settings, fusion_weight, calibration });
    }
    Ok(resolved)
}

fn one(raw: RawEmbedder, key: Option<HeaderValue>, models: &Path) -> Result<Settings, Mistake> {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if raw.name.is_empty() || raw.name.len() > 64 || !raw.name.chars().all(is_good) {
        return Err(("name", "must be 1 to 64 of a-z, 0-9, `-`, `_`, `.`"));
    }
    let (query_prefix, passage_prefix) =
        (raw.query_prefix.clone().unwrap_or_default(), raw.passage_prefix.clone().unwrap_or_default());
    if query_prefix.len() > 512 {
        return Err(("query_prefix", "must be at most 512 bytes"));
    }
    if passage_prefix.len() > 512 {
        return Err(("passage_prefix", "must be at most 512 bytes"));
    }
    match raw.kind.as_str() {
        "openai" => server(raw, ServerApi::OpenAi, key, query_prefix, passage_prefix),
        "tei" => server(raw, ServerApi::Tei, key, query_prefix, passage_prefix),
        "dir" => {
            only(&raw, &["path", "threads"])?;
            let threads = threads(raw.threads)?;
            let path = raw.path.ok_or(("path", "is needed: the folder with the model and `embedder.toml`"))?;
            Ok(in_process(raw.name, Source::Dir { path }, threads, models))
        }
        "hub" => {
            only(&raw, &["model", "revision", "threads", "query_prefix", "passage_prefix"])?;
            let threads = threads(raw.threads)?;
            let model = raw.model.ok_or(("model", "is needed, such as `BGESmallENV15`"))?;
            let source = Source::Hub(Hub { query_prefix, passage_prefix, ..hub(model, raw.revision, models)? });
            Ok(in_process(raw.name, source, threads, models))
        }
        "pulled" => {
            only(&raw, &["model", "threads"])?;
            let threads = threads(raw.threads)?;
            let model = raw.model.as_deref().and_then(Model::named);
            let model = model.ok_or(("model", "must be one of those that `usher models list` shows"))?;
            Ok(in_process(raw.name, pulled(model, models), threads, models))
        }
        "hash" => {
            only(&raw, &[])?;
            Ok(Settings::Hash { name: raw.name })
        }
        _ => Err(("kind", "must be `openai`, `tei`, `pulled`, `dir`, `hub` or `hash`")),
    }
}

/// Refuses keys that would have no effect.
fn only(raw: &RawEmbedder, allowed: &[&str]) -> Result<(), Mistake> {
    let given = [
        ("url", raw.url.is_some()),
        ("model", raw.model.is_some()),
        ("path", raw.path.is_some()),
        ("revision", raw.revision.is_some()),
        ("threads", raw.threads.is_some()),
        ("dimensions", raw.dimensions.is_some()),
        ("send_dimensions", raw.send_dimensions.is_some()),
        ("key_file", raw.key_file.is_some()),
        ("query_prefix", raw.query_prefix.is_some()),
        ("passage_prefix", raw.passage_prefix.is_some()),
        ("timeout_ms", raw.timeout_ms.is_some()),
        ("batch", raw.batch.is_some()),
        ("max_in_flight", raw.max_in_flight.is_some()),
        ("allow_plain_http", raw.allow_plain_http.is_some()),
    ];
    let other = given.into_iter().find(|(key, is_given)| *is_given && !allowed.contains(key));
    other.map_or(Ok(()), |(key, _)| Err((key, "is not a key of this kind of embedder")))
}

fn in_process(name: String, source: Source, threads: usize, models: &Path) -> Settings {
    Settings::Local(here(name, source, threads, models))
}

/// A model in this process, and where its runtime may be.
pub(super) fn here(name: String, source: Source, threads: usize, models: &Path) -> local::Settings {
    local::Settings { name, source, threads, runtime: pinned::runtime_in(models) }
}

fn pulled(model: &'static Model, models: &Path) -> Source {
    Source::Pinned { model, folder: model.folder(models) }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

pub(super) fn threads(given: Option<usize>) -> Result<usize, Mistake> {
    let threads = given.unwrap_or_else(cores);
    if (1..=MAX_THREADS).contains(&threads) { Ok(threads) } else { Err(("threads", "must be 1 to 256")) }
}

/// A model without prefixes. The places are the ones that other tools for the same hub use.
pub(super) fn hub(model: String, revision: Option<String>, models: &Path) -> Result<Hub, Mistake> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_path = |text: &str| !text.is_empty() && text.len() <= 256 && !text.contains("..") && !text.contains(' ');
    let revision = revision.unwrap_or_else(|| "main".to_owned());
    if !is_path(&revision) {
        return Err(("revision", "must be a commit, a branch or a tag"));
    }
    let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
    if Address::parse(&endpoint, false).is_err() {
        return Err(("model", "comes from HF_ENDPOINT, which must be an address that begins with `https://`"));
    }
    let cache = set("HF_HOME").or_else(|| set("FASTEMBED_CACHE_DIR")).map_or_else(|| models.to_owned(), PathBuf::from);
    Ok(Hub { model, revision, query_prefix: String::new(), passage_prefix: String::new(), endpoint, cache })
}

/// An embedder that is called over HTTP.
fn server(
    raw: RawEmbedder,
    kind: ServerApi,
    key: Option<HeaderValue>,
    query_prefix: String,
    passage_prefix: String,
) -> Result<Settings, Mistake> {
    const KEYS: [&str; 11] = [
        "url",
        "model",
        "dimensions",
        "send_dimensions",
        "key_file",
        "query_prefix",
        "passage_prefix",
        "timeout_ms",
        "batch",
        "max_in_flight",
        "allow_plain_http",
    ];
    only(&raw, &KEYS)?;
    let url = url(&raw, kind)?;
    let model = raw.model.unwrap_or_default();
    if model.is_empty() || model.len() > 256 || model.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(("model", "is needed: 1 to 256 bytes without spaces"));
    }
    let dimensions = raw.dimensions.unwrap_or_default();
    if !(1..=8192).contains(&dimensions) {
        return Err(("dimensions", "is needed: 1 to 8192, as many as the model's vectors have"));
    }
    let send_dimensions = raw.send_dimensions.unwrap_or(false);
    if send_dimensions && kind != ServerApi::OpenAi {
        return Err(("send_dimensions", "is for the kind `openai` only"));
    }
    let timeout_ms = raw.timeout_ms.unwrap_or(30_000);
    if !(1..=600_000).contains(&timeout_ms) {
        return Err(("timeout_ms", "must be 1 to 600000"));
    }
    let batch = raw.batch.unwrap_or(32);
    if !(1..=2048).contains(&batch) {
        return Err(("batch", "must be 1 to 2048"));
    }
    let max_in_flight = raw.max_in_flight.unwrap_or(4);
    if !(1..=256).contains(&max_in_flight) {
        return Err(("max_in_flight", "must be 1 to 256"));
    }
    Ok(Settings::Http(Box::new(http::Settings {
        name: raw.name,
        kind,
        url,
        model,
        dimensions,
        send_dimensions,
        key,
        query_prefix,
        passage_prefix,
        timeout: Duration::from_millis(timeout_ms),
        batch,
        max_in_flight,
    })))
}

/// SECURITY: texts and keys leave the machine encrypted unless the operator says otherwise, and an address holds no
/// secret, because addresses are shown.
fn url(raw: &RawEmbedder, kind: ServerApi) -> Result<Url, Mistake> {
    let given = raw.url.as_deref().ok_or(("url", "is needed, such as `https://host`"))?;
    let url = outside::address(given, raw.allow_plain_http).map_err(|problem| ("url", problem))?.into_url();
    if kind == ServerApi::OpenAi && url.path().trim_end_matches('/').ends_with("/v1") {
        return Err(("url", "must not end with `/v1`, which is added"));
    }
    Ok(url)
}

pub(super) fn bearer(path: &Path) -> Result<HeaderValue, ConfigError> {
    let secret = Secret::from_file(path)?;
    let mut header = HeaderValue::from_str(&format!("Bearer {}", secret.expose()))
        .map_err(|_| SecretError::Malformed { path: path.to_owned() })?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(entries: &str) -> Result<Vec<Configured>, String> {
        let raw: crate::config::RawConfig = toml::from_str(entries).map_err(|error| error.to_string())?;
        resolve(raw.embedders, Path::new("models")).map_err(|error| error.to_string())
    }

    fn entry(more: &str) -> String {
        format!("[[embedders]]\nname = \"a\"\nkind = \"openai\"\nmodel = \"m\"\ndimensions = 8\n{more}\n")
    }

    #[test]
    fn texts_leave_the_machine_encrypted_unless_told_otherwise() {
        for good in ["http://127.0.0.1:9", "http://[::1]:9/base", "http://localhost", "https://embed.example"] {
            resolved(&entry(&format!("url = \"{good}\""))).unwrap();
        }
        let plain = entry("url = \"http://embed.example\"");
        assert!(resolved(&plain).unwrap_err().contains("plain http"));
        resolved(&format!("{plain}allow_plain_http = true")).unwrap();
        for bad in
            ["ftp://x", "x", "https://me:sesame@x", "https://x?key=sesame", "https://x/v1/", "http://127.0.0.1.x"]
        {
            let message = resolved(&entry(&format!("url = \"{bad}\""))).unwrap_err();
            assert!(message.contains("`url`") && !message.contains("sesame"), "{message}");
        }
    }

    #[test]
    fn entries_are_complete_distinct_and_known() {
        let good = entry("url = \"https://x\"");
        assert!(resolved(&format!("{good}{good}")).unwrap_err().contains("twice"));
        let renamed = good.replace("\"a\"", "\"b\"");
        assert!(resolved(&format!("{good}{renamed}")).unwrap_err().contains("twice"));
        let prefixed = format!("{renamed}query_prefix = \"query: \"");
        assert_eq!(resolved(&format!("{good}{prefixed}")).unwrap().len(), 2);
        for (from, to) in [
            ("\"openai\"", "\"other\""),
            ("dimensions = 8", ""),
            ("dimensions = 8", "dimensions = 0"),
            ("model = \"m\"", ""),
            ("model = \"m\"", "model = \"m n\""),
            ("name = \"a\"", "name = \"A b\""),
            ("kind = \"openai\"", "kind = \"hash\""),
            ("kind = \"openai\"", "kind = \"tei\"\nsend_dimensions = true"),
            ("dimensions = 8", "dimensions = 8\nbatch = 0"),
            ("dimensions = 8", "dimensions = 8\ntimeout_ms = 0"),
            ("dimensions = 8", "dimensions = 8\nkey = \"sesame\""),
            ("dimensions = 8", "dimensions = 8\npath = \"a\""),
        ] {
            assert!(resolved(&good.replace(from, to)).is_err(), "{to}");
        }
        resolved("[[embedders]]\nname = \"built-in\"\nkind = \"hash\"").unwrap();
    }

    #[test]
    fn a_model_takes_the_keys_of_its_kind() {
        let entry = |more: &str| resolved(&format!("[[embedders]]\nname = \"a\"\n{more}"));
        for good in [
            "kind = \"dir\"\npath = \"models/a\"",
            "kind = \"dir\"\npath = \"models/a\"\nthreads = 2",
            "kind = \"pulled\"\nmodel = \"minilm\"\nfusion_weight = 0.5",
            "kind = \"hub\"\nmodel = \"BGESmallENV15\"",
            "kind = \"hub\"\nmodel = \"BGESmallENV15\"\nrevision = \"main\"\nquery_prefix = \"query: \"",
        ] {
            let entries = entry(good).unwrap();
            assert!(matches!(entries.as_slice(), [Configured { settings: Settings::Local(_), .. }]), "{good}");
        }
        for (bad, key) in [
            ("kind = \"dir\"", "path"),
            ("kind = \"pulled\"\nmodel = \"none\"", "model"),
            ("kind = \"hash\"\nfusion_weight = 1.5", "fusion_weight"),
            ("kind = \"dir\"\npath = \"a\"\nthreads = 0", "threads"),
            ("kind = \"dir\"\npath = \"a\"\ndimensions = 8", "dimensions"),
            ("kind = \"dir\"\npath = \"a\"\nquery_prefix = \"q\"", "query_prefix"),
            ("kind = \"hub\"", "model"),
            ("kind = \"hub\"\nmodel = \"m\"\nurl = \"https://x\"", "url"),
            ("kind = \"hub\"\nmodel = \"m\"\nrevision = \"../..\"", "revision"),
        ] {
            assert!(entry(bad).unwrap_err().contains(&format!("`{key}`")), "{bad}");
        }
    }

    #[test]
    fn a_key_is_read_once_and_shown_nowhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let with_key = entry(&format!("url = \"https://x\"\nkey_file = \"{}\"", file.path().display()));
        assert!(resolved(&with_key).unwrap_err().contains("must hold one key"));
        std::fs::write(file.path(), "sesame\n").unwrap();
        let settings = resolved(&with_key).unwrap();
        assert!(!format!("{settings:?}").contains("sesame"));
        let Some(Configured { settings: Settings::Http(settings), .. }) = settings.first() else {
            panic!("no embedder")
        };
        assert_eq!(settings.key.as_ref().unwrap().to_str().unwrap(), "Bearer sesame");
        std::fs::write(file.path(), "open sesame").unwrap();
        assert!(!resolved(&with_key).unwrap_err().contains("sesame"));
    }
}
