//! Around every route that needs a credential: no answer and no refusal leaves without a record.
//!
//! Handlers record what they give, and changes are recorded with their commits. Here is what is left: refusals, and
//! answers for which nobody did.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::compat::openfga::{FgaError, owns};
use super::entrance::only_looks;
use super::problem::ApiProblem;
use crate::audit::{self, Record, Trace};
use crate::identity::key;
use crate::limits::rates::Class;
use crate::query::QueryError;
use crate::service::Service;

pub async fn recorded(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let Some(trace) = request.extensions().get::<Arc<Trace>>().cloned() else { return next.run(request).await };
    let claimed = claimed(request.headers());
    let route = request.extensions().get::<MatchedPath>();
    let is_read = is_read(request.method(), route.map(MatchedPath::as_str));
    let path = request.uri().path();
    let is_openfga = owns(path.strip_prefix("/fga").unwrap_or(path));
    let address = audit::cut(request.uri().to_string());
    let response = next.run(request).await;
    let is_known = !trace.asked().credential.is_empty();
    let event = match response.status() {
        // Nobody is known whose rate it would count against: few such records are written a minute, the others counted.
        status if status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && !is_known) => {
            service.audit.refused(trace.asked(), &claimed);
            return response;
        }
        StatusCode::FORBIDDEN => "denied",
        // What can't be read and what is not there are one answer, and one record.
        StatusCode::NOT_FOUND if is_read && is_known => "denied",
        status if status.is_success() && !trace.is_recorded() && is_read && is_known => "answered",
        _ => return response,
    };
    if event == "answered"
        && let Err(error) = service.still_holds(&trace.asked())
    {
        service.audit.refused(trace.asked(), &claimed);
        return if is_openfga {
            FgaError::from(error).into_response()
        } else {
            ApiProblem::from(error).into_response()
        };
    }
    let record = Record {
        at: jiff::Timestamp::now().to_string(),
        asked: trace.for_record(),
        event,
        revision: service.published.load().revision,
        items: vec![address],
        ..Record::default()
    };
    match service.audit.record(&record).await {
        Ok(()) => response,
        Err(_) if is_openfga => FgaError::internal().into_response(),
        Err(error) => ApiProblem::from(QueryError::Audit(error)).into_response(),
    }
}

/// Whether a request asks for something and changes nothing: by its method where it has no operation.
fn is_read(method: &Method, route: Option<&str>) -> bool {
    if crate::mutants::active("only_looks_are_reads") {
        return only_looks(method);
    }
    match route.and_then(|route| super::class_of(method, route)) {
        Some(Class::Query | Class::Read | Class::Check | Class::Survey) => true,
        Some(Class::Write) => false,
        None => only_looks(method),
    }
}

/// Which credential was sent, as far as that may be written down: a key's id, which is no secret.
fn claimed(headers: &HeaderMap) -> String {
    let Some(sent) = headers.get(header::AUTHORIZATION) else { return "none".to_owned() };
    let sent = String::from_utf8_lossy(sent.as_bytes());
    let bearer = sent.split_once(' ').map_or(&*sent, |(_, bearer)| bearer.trim());
    let id = bearer.strip_prefix(key::PREFIX).and_then(|rest| rest.split_once('_')).map(|(id, _)| id);
    match id.filter(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(id) => format!("key {id}"),
        None => "another".to_owned(),
    }
}
