//! `POST /v1/explain`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{record_change, seal};
use crate::authority::{AuthorityError, CallerContext, CollectionView, Reader};
use crate::authz::{NodeId, Path, SubjectRef};
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::service::Service;
use crate::snapshot::DocumentEntry;
use crate::wire::{Explain, ExplainStages, Explained, Fields, Hidden, Proof, SectionExplained, TupleKey};

pub async fn explain(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<Explain>,
) -> Result<Json<Explained>, ApiProblem> {
    caller.require(Scope::Explain)?;
    if !caller.principal.reaches(&request.collection) {
        return Err(ApiProblem::not_found());
    }
    let Ok(subject @ SubjectRef::Object(_)) = SubjectRef::parse(&request.subject) else {
        return Err(ApiProblem::invalid("/subject", "must be one subject, such as `user:anne`"));
    };
    let now = jiff::Timestamp::now();
    let snapshot = service.published.load();
    let revision = snapshot.revision;
    let names = [request.collection.clone()];
    // What an administrator gives as context stands for what the subject's credential would say.
    let reader = Reader { subjects: vec![subject.clone()], collections: None, context: request.context };
    let authority = service.authority.clone();
    let view = authority.view(snapshot, &reader, &CallerContext(Fields::new()), &names, now)?;
    let of = view.collections.first().ok_or_else(ApiProblem::not_found)?;
    let document = of.state.document_by_id(&request.document_id).ok_or_else(ApiProblem::not_found)?;

    let tuples = proof(of, document.node, &subject)?;
    let mut sections = Vec::with_capacity(document.sections.len());
    for section in &document.sections {
        let object = of.store().graph.object(section.node).map(|object| object.to_string()).unwrap_or_default();
        sections.push(SectionExplained { object, tuples: proof(of, section.node, &subject)? });
    }
    let hidden = hidden(of, document, now);
    let mask = authority.mask(of, None);
    let chunks = document.first_chunk..document.first_chunk + document.chunk_count;
    let verified = service.gate.verify_document(&view, &request.collection, &request.document_id).await?;
    let stages = ExplainStages {
        candidate: document.chunk_count > 0 && hidden.is_none(),
        prefilter: chunks.into_iter().any(|chunk| mask.contains(chunk)),
        recheck: verified.is_some(),
    };
    let model = of.store().latest_model().ok_or(AuthorityError::NoModel)?.id().to_owned();
    record_change(&service, &caller, "explain", revision, vec![request.subject, request.document_id]).await?;
    Ok(Json(Explained {
        readable: stages.candidate && stages.prefilter && stages.recheck,
        revision: seal(&service, revision)?,
        authorization_model_id: model,
        tuples,
        hidden,
        sections,
        stages,
    }))
}

fn proof(of: &CollectionView, node: NodeId, subject: &SubjectRef) -> Result<Proof, ApiProblem> {
    let store = of.store();
    let model = store.latest_model().ok_or(AuthorityError::NoModel)?;
    let object = store.graph.object(node).ok_or_else(ApiProblem::not_found)?;
    let relation = &of.state.binding.relation;
    let explained = crate::authz::explain(&store.graph, model, &object, relation, subject, of.context());
    // A check that is an error denies.
    let (allowed, why) = explained.unwrap_or_default();
    let keys = |paths: Vec<Path>| paths.iter().map(|path| path.iter().map(TupleKey::from).collect()).collect();
    Ok(Proof {
        allowed,
        paths: keys(why.paths),
        blocked_by: keys(why.blocked_by),
        missing: why.missing,
        missing_context: why.missing_context,
    })
}

fn hidden(of: &CollectionView, document: &DocumentEntry, now: jiff::Timestamp) -> Option<Hidden> {
    let graph = &of.store().graph;
    if document.parked {
        Some(Hidden::Parked)
    } else if document.awaits_rules {
        Some(Hidden::AwaitsRules)
    } else if document.is_hidden(now) {
        Some(Hidden::Expired)
    } else if graph.is_ambiguous(graph.audience(document.node)) {
        Some(Hidden::AmbiguousClassification)
    } else {
        None
    }
}
