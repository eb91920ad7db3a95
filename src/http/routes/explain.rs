//! `POST /v1/explain`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

mod names;

use super::{at_least, record, seal};
use crate::administration::past::{Past, past};
use crate::authority::{AuthorityError, CallerContext, Reader};
use crate::authz::{CheckError, Context, Graph, Model, NodeId, Path, ResolveError, SubjectRef};
use crate::http::extract::{Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::limits::Effort;
use crate::service::Service;
use crate::service::turn::Turn;
use crate::snapshot::names::document_object;
use crate::snapshot::{CollectionState, DocumentEntry};
use crate::wire::{Explain, ExplainStages, Explained, Fields, Hidden, Proof, SectionExplained, TupleKey};

pub async fn explain(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<Explain>,
) -> Result<Json<Explained>, ApiProblem> {
    caller.require(Scope::Explain)?;
    if let Some(token) = &request.min_revision {
        at_least(&service, token).await?;
    }
    let collection = collection_of(&service, &caller, &request)?;
    let Ok(subject @ SubjectRef::Object(_)) = SubjectRef::parse(&request.subject) else {
        return Err(ApiProblem::invalid("/subject", "must be one subject, such as `user:anne`"));
    };
    let items = vec![request.subject.clone(), request.document_id.clone()];
    let named = (collection.clone(), request.document_id.clone());
    let (revision, mut explained) = match &request.as_of_revision {
        Some(_) => explain_then(&service, &caller, collection, request, subject).await?,
        None => explain_now(&service, &caller, collection, request, subject).await?,
    };
    if !caller.principal.reaches_all() {
        names::hide_apart(&service, &named.0, &named.1, &mut explained).await?;
    }
    record(&service, &caller, "explain", revision, items).await?;
    Ok(Json(explained))
}

/// The collection that is named, or the one within the key's reach that holds the document.
fn collection_of(service: &Service, caller: &Caller, request: &Explain) -> Result<String, ApiProblem> {
    let reaches = |name: &str| caller.principal.reaches(name);
    if let Some(name) = &request.collection {
        return reaches(name).then(|| name.clone()).ok_or_else(ApiProblem::not_found);
    }
    let snapshot = service.published.load();
    let holds = |collection: &&Arc<CollectionState>| {
        reaches(&collection.name) && collection.document_by_id(&request.document_id).is_some()
    };
    let mut held = snapshot.collections.values().filter(holds);
    match (held.next(), held.next()) {
        (Some(only), None) => Ok(only.name.to_string()),
        (Some(_), Some(_)) => Err(ApiProblem::invalid("/collection", "is needed: several collections hold this id")),
        (None, _) => Err(ApiProblem::not_found()),
    }
}

/// The relation to explain: the asked one, if the model has it for the collection's documents.
fn relation_of(
    model: &Model,
    object_type: &str,
    asked: Option<&str>,
    bound: &str,
    subject: &SubjectRef,
) -> Result<String, ApiProblem> {
    let Some(relation) = asked else { return Ok(bound.to_owned()) };
    let is_known = model.check_query(object_type, relation, subject).is_ok();
    let unknown = || ApiProblem::invalid("/relation", "is no relation of documents in the authorization model");
    is_known.then(|| relation.to_owned()).ok_or_else(unknown)
}

async fn explain_now(
    service: &Service,
    caller: &Caller,
    collection: String,
    request: Explain,
    subject: SubjectRef,
) -> Result<(u64, Explained), ApiProblem> {
    let now = Timestamp::now();
    let snapshot = service.published.load();
    let revision = snapshot.revision;
    let names = [collection];
    // What an administrator gives as context stands for what the subject's credential would say.
    let reader = Reader { subjects: vec![subject.clone()], collections: None, context: request.context };
    let turn = service.survey_turn(caller.principal.payer());
    let authority = service.authority.clone();
    let look = move |effort: &Effort| authority.view(snapshot, &reader, &CallerContext::default(), &names, now, effort);
    let view = turn.compute(look).await?.map_err(|error| match error {
        AuthorityError::Resolve(error @ ResolveError::BoundSubject) => {
            ApiProblem::invalid("/subject", &error.to_string())
        }
        error => error.into(),
    })?;
    let of = view.collections.first().ok_or_else(ApiProblem::not_found)?;
    let document = of.state.document_by_id(&request.document_id).ok_or_else(ApiProblem::not_found)?.clone();
    let store = of.store();
    let model = store.latest_model().ok_or(AuthorityError::NoModel)?;
    let binding = &of.state.binding;
    let relation = relation_of(model, &binding.object_type, request.relation.as_deref(), &binding.relation, &subject)?;
    let sections: Vec<NodeId> = document.sections.iter().map(|section| section.node).collect();
    let mut chunks = document.first_chunk..document.first_chunk + document.chunk_count;
    let verified = service.gate.verify_document(&view, &of.state.name, &request.document_id).await?;
    let hidden = hidden(&store.graph, document.node, Some(&document), now);
    let model_id = model.id().to_owned();
    let (authority, of, node, model) = (service.authority.clone(), of.clone(), document.node, model.clone());
    let look = move |effort: &Effort| {
        let graph = &of.store().graph;
        let context = of.context();
        let asked = Asked { graph, model: &model, relation: &relation, subject: &subject, context, effort };
        let mask = authority.mask(&of, None, effort)?;
        Ok::<_, ApiProblem>((mask, asked.proof(node)?, asked.sections(&sections)?))
    };
    let (mask, tuples, sections) = turn.compute(look).await??;
    let stages = ExplainStages {
        candidate: document.chunk_count > 0 && hidden.is_none(),
        prefilter: chunks.any(|chunk| mask.contains(chunk)),
        recheck: verified.is_some(),
    };
    let explained = Explained {
        readable: stages.candidate && stages.prefilter && stages.recheck,
        revision: seal(service, revision)?,
        model_id,
        decided_at: to_millisecond(now),
        tuples,
        hidden,
        sections,
        stages: Some(stages),
    };
    Ok((revision, explained))
}

/// Of the past there are tuples and models; what hid a document, and its chunks, are not kept.
async fn explain_then(
    service: &Service,
    caller: &Caller,
    collection: String,
    request: Explain,
    subject: SubjectRef,
) -> Result<(u64, Explained), ApiProblem> {
    let Explain { document_id, relation, as_of_revision: as_of, context, .. } = request;
    let now = Timestamp::now();
    let turn = service.survey_turn(caller.principal.payer());
    let asked = (collection.as_str(), document_id.as_str(), as_of.as_deref());
    let at = AtRevision::find(service, caller, &turn, asked, context, now).await?;
    let relation = relation_of(&at.past.model, &at.object_type, relation.as_deref(), &at.relation, &subject)?;
    let look = move |effort: &Effort| {
        let Past { graph, model, .. } = &at.past;
        let asked = Asked { graph, model, relation: &relation, subject: &subject, context: &at.context, effort };
        let sections = at.section_type.as_deref().map(|of| graph.referrers(at.node, of)).unwrap_or_default();
        let told = (asked.proof(at.node)?, asked.sections(&sections)?);
        Ok::<_, ApiProblem>((at, told))
    };
    let (at, (tuples, sections)) = turn.compute(look).await??;
    let Past { graph, model, .. } = &at.past;
    let hidden = hidden(graph, at.node, None, now);
    let explained = Explained {
        readable: tuples.allowed && hidden.is_none(),
        revision: seal(service, at.revision)?,
        model_id: model.id().to_owned(),
        decided_at: at.decided_at,
        tuples,
        hidden,
        sections,
        stages: None,
    };
    Ok((at.revision, explained))
}

/// A document, and what decided about it at a revision.
pub(super) struct AtRevision {
    pub past: Past,
    pub revision: u64,
    pub node: NodeId,
    /// As it is today.
    pub document: Option<Arc<DocumentEntry>>,
    pub object_type: String,
    pub relation: String,
    pub section_type: Option<String>,
    pub context: Context,
    /// What `current_time` is in the context.
    pub decided_at: String,
}

impl AtRevision {
    /// # Errors
    /// 404 for what the key doesn't reach, 409 for a revision that can't be told about.
    pub async fn find(
        service: &Service,
        caller: &Caller,
        turn: &Turn,
        (collection, document_id, as_of): (&str, &str, Option<&str>),
        mut context: Fields,
        now: Timestamp,
    ) -> Result<Self, ApiProblem> {
        let snapshot = service.published.load();
        let is_told = caller.principal.reaches(collection);
        let state = snapshot.collection(collection).filter(|_| is_told).ok_or_else(ApiProblem::not_found)?;
        let store = snapshot.store(&state.settings.store).ok_or_else(ApiProblem::not_found)?;
        let (past, revision) = match as_of {
            Some(token) => {
                let opened = service.revisions.open(token);
                let revision = opened
                    .map_err(|_| ApiProblem::invalid("/as_of_revision", "is not a revision token of this service"))?;
                (past(&service.catalog, &snapshot, store, revision, turn).await?, revision)
            }
            None => {
                let model = store.latest_model().ok_or(AuthorityError::NoModel)?.clone();
                (Past { graph: store.graph.clone(), model, at: now.to_string() }, snapshot.revision)
            }
        };
        let document = state.document_by_id(document_id).cloned();
        // One that is gone is looked for by the name that it has where it has no other.
        let held = document.as_ref().and_then(|entry| store.graph.object(entry.node));
        let object = held.unwrap_or_else(|| document_object(&state.binding.object_type, document_id, None));
        let node = past.graph.node(&object).ok_or_else(ApiProblem::not_found)?;
        // Which collection a document that is gone had been in is not known.
        let was_there = || caller.principal.reaches_all() && !past.graph.tuples(node).is_empty();
        if document.is_none() && (as_of.is_none() || !was_there()) {
            return Err(ApiProblem::not_found());
        }
        // Before the collection held the id, the name may have been another collection's, which is gone.
        if as_of.is_some() && !caller.principal.reaches_all() && !crate::mutants::active("the_past_is_everybodys") {
            let first = service.catalog.held_from(state.id, document_id, (&object.object_type, &object.id)).await?;
            if first.is_none_or(|first| revision < first) {
                return Err(ApiProblem::not_found());
            }
        }
        if as_of.is_none() || !context.contains_key("current_time") {
            context.insert("current_time".to_owned(), past.at.clone().into());
        }
        let context = Context(context);
        let Some(decided_at) = context.current_time() else {
            return Err(ApiProblem::invalid("/context/current_time", "must be an RFC 3339 time"));
        };
        Ok(Self {
            past,
            revision,
            node,
            document,
            object_type: state.binding.object_type.clone(),
            relation: state.binding.relation.clone(),
            section_type: state.binding.section_type.clone(),
            context,
            decided_at: to_millisecond(decided_at),
        })
    }
}

/// Always of one length: trailing zeros that are left out would say something in the answer's length.
fn to_millisecond(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

/// A subject, and what decides about it.
struct Asked<'a> {
    graph: &'a Graph,
    model: &'a Model,
    relation: &'a str,
    subject: &'a SubjectRef,
    context: &'a Context,
    effort: &'a Effort,
}

impl Asked<'_> {
    fn proof(&self, node: NodeId) -> Result<Proof, ApiProblem> {
        let object = self.graph.object(node).ok_or_else(ApiProblem::not_found)?;
        let Self { graph, model, relation, subject, context, effort } = *self;
        let (allowed, why) = match crate::authz::explain(graph, model, &object, relation, subject, context, effort) {
            Err(CheckError::Spent(spent)) => return Err(spent.into()),
            // A check that is an error denies.
            explained => explained.unwrap_or_default(),
        };
        let keys = |paths: Vec<Path>| paths.iter().map(|path| path.iter().map(TupleKey::from).collect()).collect();
        Ok(Proof {
            allowed,
            paths: keys(why.paths),
            blocked_by: keys(why.blocked_by),
            missing: why.missing,
            missing_context: why.missing_context,
        })
    }

    fn sections(&self, nodes: &[NodeId]) -> Result<Vec<SectionExplained>, ApiProblem> {
        let one = |node: &NodeId| {
            let object = self.graph.object(*node).map(|object| object.to_string()).unwrap_or_default();
            Ok(SectionExplained { object, tuples: self.proof(*node)? })
        };
        nodes.iter().map(one).collect()
    }
}

/// Why nobody reads the document; of the past only what the tuples say is known.
pub(super) fn hidden(graph: &Graph, node: NodeId, document: Option<&DocumentEntry>, now: Timestamp) -> Option<Hidden> {
    let is_ambiguous = graph.is_ambiguous(graph.audience(node));
    match document {
        Some(document) if document.parked => Some(Hidden::Parked),
        Some(document) if document.awaits_rules => Some(Hidden::AwaitsRules),
        Some(document) if document.is_hidden(now) => Some(Hidden::Expired),
        _ => is_ambiguous.then_some(Hidden::AmbiguousClassification),
    }
}
