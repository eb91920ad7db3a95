//! Request bodies, and what every handler does first: caller, store, model.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::FgaError;
use crate::authz::{Context, Model, Tuple};
use crate::http::extract::credential;
use crate::http::headers::RequestId;
use crate::identity::{Principal, Scope};
use crate::service::Service;
use crate::snapshot::{Snapshot, StoreState};
use crate::wire::{Fields, TupleKey};

/// A JSON body; unknown fields are ignored, as OpenFGA does, and the content type is not looked at.
pub struct Lenient<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Lenient<T> {
    type Rejection = FgaError;

    async fn from_request(request: Request, state: &S) -> Result<Self, FgaError> {
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|error| FgaError::new(error.status(), "validation_error", error.to_string()))?;
        serde_json::from_slice(&body).map(Self).map_err(|error| FgaError::validation(error.to_string()))
    }
}

/// An authenticated administrator of the authorization stores.
pub struct Administrator {
    pub principal: Principal,
    pub request_id: String,
}

impl Administrator {
    pub fn require(&self, scope: Scope) -> Result<(), FgaError> {
        Ok(self.principal.require(scope)?)
    }
}

impl FromRequestParts<Arc<Service>> for Administrator {
    type Rejection = FgaError;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, FgaError> {
        let snapshot = service.published.load();
        let credential = credential(&parts.headers);
        let principal = service.authenticator.authenticate(&snapshot, &credential, jiff::Timestamp::now()).await?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        Ok(Self { principal, request_id })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct TupleKeys {
    #[serde(default)]
    pub tuple_keys: Vec<TupleKey>,
}

/// A tuple as a question: any part may be missing, which is a validation error and not malformed JSON.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PartialKey {
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub relation: String,
    #[serde(default)]
    pub object: String,
}

/// The store and the model that a request names; an empty model id means the newest.
pub fn model<'a>(
    snapshot: &'a Snapshot,
    store: &str,
    id: Option<&str>,
) -> Result<(&'a StoreState, Arc<Model>), FgaError> {
    let none = || {
        FgaError::bad(
            "latest_authorization_model_not_found",
            format!("No authorization models found for store '{store}'"),
        )
    };
    let state = snapshot.store(store).ok_or_else(none)?;
    let model = match id.filter(|id| !id.is_empty()) {
        Some(id) => state.model(id).ok_or_else(|| {
            FgaError::bad("authorization_model_not_found", format!("Authorization Model '{id}' not found"))
        })?,
        None => state.latest_model().ok_or_else(none)?,
    };
    Ok((state, model.clone()))
}

/// Contextual tuples, validated as for a write.
pub fn contextual(keys: &[TupleKey], model: &Model) -> Result<Vec<Tuple>, FgaError> {
    if keys.len() > 100 {
        return Err(FgaError::validation("at most 100 contextual tuples are allowed"));
    }
    keys.iter()
        .map(|key| {
            let refuse = |error: crate::authz::TupleError| FgaError::bad("invalid_tuple", error.to_string());
            let tuple = Tuple::parse(key).map_err(refuse)?;
            model.check_contextual(&tuple).map_err(refuse)?;
            Ok(tuple)
        })
        .collect()
}

pub fn context(fields: &Option<Fields>) -> Context {
    Context(fields.clone().unwrap_or_default())
}
