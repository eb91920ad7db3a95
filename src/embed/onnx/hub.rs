//! Models that are downloaded at the first start and read from the cache from then on.
//!
//! The network is used here only, and only because the operator configured a model of this kind.

use std::path::Path;

use fastembed::{EmbeddingModel, TextEmbedding};
use hf_hub::api::sync::{ApiBuilder, ApiError};
use hf_hub::{Cache, Repo, RepoType};

use super::files::{Files, Manifest, Source};
use crate::embed::local::{Hub, ModelError, Pooling};

/// Tokens of a text, as fastembed cuts its own models' texts.
const MAX_TOKENS: usize = 512;

/// The files of the model, downloaded where they are missing.
pub(super) fn files(hub: &Hub) -> Result<Files, ModelError> {
    let unknown = || ModelError::UnknownModel { model: hub.model.clone() };
    let model: EmbeddingModel = hub.model.parse().map_err(|_| unknown())?;
    let info = TextEmbedding::get_model_info(&model).map_err(|_| unknown())?;
    let failed = |file: &str, error: ApiError| ModelError::Download {
        model: info.model_code.clone(),
        revision: hub.revision.clone(),
        file: file.to_owned(),
        endpoint: hub.endpoint.clone(),
        cause: error.to_string(),
    };
    let mut api =
        ApiBuilder::from_cache(Cache::new(hub.cache.clone())).with_endpoint(hub.endpoint.clone()).with_progress(false);
    if let Ok(token) = std::env::var("HF_TOKEN") {
        api = api.with_token(Some(token.trim().to_owned()).filter(|token| !token.is_empty()));
    }
    let api = api.build().map_err(|error| failed("", error))?;
    let repository = api.repo(Repo::with_revision(info.model_code.clone(), RepoType::Model, hub.revision.clone()));
    tracing::info!(model = hub.model, repository = info.model_code, revision = hub.revision, "getting a model");
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
    Files::assemble(manifest, "fastembed".into(), source, |file: &Path| {
        let name = file.to_string_lossy();
        repository.get(&name).map_err(|error| failed(&name, error))
    })
}
