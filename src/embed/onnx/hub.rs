//! Models that are downloaded at the first start and read from the cache from then on.
//!
//! The network is used here only, and only because the operator configured a model of this kind.

use std::path::{Path, PathBuf};

use fastembed::{EmbeddingModel, RerankerModel, TextEmbedding, TextRerank};
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use super::files::{Files, Manifest, Parts, Source};
use crate::embed::local::{Hub, ModelError, Pooling};

/// Tokens of a text, as fastembed cuts its own models' texts.
const MAX_TOKENS: usize = 512;

/// The files of an embedding model, downloaded where they are missing.
pub(super) fn files(hub: &Hub) -> Result<Files, ModelError> {
    let of = "text models, such as `BGESmallENV15`";
    let unknown = || ModelError::UnknownModel { model: hub.model.clone(), of };
    let model: EmbeddingModel = hub.model.parse().map_err(|_| unknown())?;
    let info = TextEmbedding::get_model_info(&model).map_err(|_| unknown())?;
    let repository = Repository::of(hub, &info.model_code)?;
    let manifest = Manifest {
        dimensions: info.dim,
        pooling: match TextEmbedding::get_default_pooling_method(&model) {
            Some(fastembed::Pooling::Mean) => Pooling::Mean,
            Some(fastembed::Pooling::Cls) | None => Pooling::Cls,
        },
        model: (&info.model_file).into(),
        external_data: info.additional_files.iter().map(Into::into).collect(),
        query_prefix: hub.query_prefix.clone(),
        passage_prefix: hub.passage_prefix.clone(),
        max_tokens: MAX_TOKENS,
        output: info.output_key.clone(),
    };
    let source = Source::Hub { model: format!("{model:?}") };
    Files::assemble(manifest, "fastembed".into(), source, |file: &Path| repository.get(file))
}

/// The files of a reranker, downloaded where they are missing, and its name.
pub(super) fn reranker(hub: &Hub) -> Result<(Parts, String), ModelError> {
    let of = "rerankers, such as `BAAI/bge-reranker-base`";
    let unknown = |_| ModelError::UnknownModel { model: hub.model.clone(), of };
    let model: RerankerModel = hub.model.parse().map_err(unknown)?;
    let info = TextRerank::get_model_info(&model);
    let repository = Repository::of(hub, &info.model_code)?;
    let external: Vec<PathBuf> = info.additional_files.iter().map(Into::into).collect();
    let parts = Parts::read(Path::new(&info.model_file), &external, |file: &Path| repository.get(file))?;
    Ok((parts, info.model_code))
}

/// One repository of the hub, at a revision.
struct Repository<'a> {
    hub: &'a Hub,
    code: &'a str,
    api: ApiRepo,
}

impl<'a> Repository<'a> {
    fn of(hub: &'a Hub, code: &'a str) -> Result<Self, ModelError> {
        let cache = Cache::new(hub.cache.clone());
        let mut api = ApiBuilder::from_cache(cache).with_endpoint(hub.endpoint.clone()).with_progress(false);
        if let Ok(token) = std::env::var("HF_TOKEN") {
            api = api.with_token(Some(token.trim().to_owned()).filter(|token| !token.is_empty()));
        }
        let api = api.build().map_err(|error| failed(hub, code, "", &error))?;
        let api = api.repo(Repo::with_revision(code.to_owned(), RepoType::Model, hub.revision.clone()));
        tracing::info!(model = hub.model, repository = code, revision = hub.revision, "getting a model");
        Ok(Self { hub, code, api })
    }

    /// Where a file lies, once it is there.
    fn get(&self, file: &Path) -> Result<PathBuf, ModelError> {
        let name = file.to_string_lossy();
        self.api.get(&name).map_err(|error| failed(self.hub, self.code, &name, &error))
    }
}

fn failed(hub: &Hub, code: &str, file: &str, error: &ApiError) -> ModelError {
    ModelError::Download {
        model: code.to_owned(),
        revision: hub.revision.clone(),
        file: file.to_owned(),
        endpoint: hub.endpoint.clone(),
        cause: error.to_string(),
    }
}
