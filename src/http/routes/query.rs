//! `POST /v1/query` and `POST /v1/recheck`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;

use super::{at_least, caller_context};
use crate::gate::{Candidate, VerifiedChunk};
use crate::http::body::QuestionJson;
use crate::http::extract::{Asker, Caller, StrictJson};
use crate::http::problem::ApiProblem;
use crate::identity::Scope;
use crate::index::ChunkKey;
use crate::service::Service;
use crate::wire::bounds::MAX_RECHECK;
use crate::wire::{Answer, Recheck, RecheckStatus, Rechecked, RecheckedItem};

/// After so long on its way a question is answered from a state that was caught up with again.
const LONG: Duration = Duration::from_millis(500);

pub async fn query(
    State(service): State<Arc<Service>>,
    asker: Asker,
    QuestionJson(request): QuestionJson,
) -> Result<Json<Answer>, ApiProblem> {
    // The time of a body that comes slowly is no part of the question's.
    let is_late = asker.arrived.elapsed() > LONG;
    let begun = if is_late { Instant::now() } else { asker.arrived };
    if is_late {
        service.fresh().await?;
    }
    Ok(Json(crate::query::answer(&service, &asker.credential, request, &asker.trace, begun).await?))
}

/// Always decided on the newest snapshot.
pub async fn recheck(
    State(service): State<Arc<Service>>,
    caller: Caller,
    StrictJson(request): StrictJson<Recheck>,
) -> Result<Json<Rechecked>, ApiProblem> {
    caller.require(Scope::Query)?;
    let reader = caller.principal.reader()?;
    if request.items.len() > MAX_RECHECK {
        return Err(ApiProblem::invalid("/items", "at most 200 items can be rechecked at once"));
    }
    if let Some(token) = &request.min_revision {
        at_least(&service, token).await?;
    }
    let mut found = Vec::with_capacity(request.items.len());
    for item in &request.items {
        let place = match parse_chunk_id(&item.chunk_id) {
            Some(key) => service.catalog.chunk_by_key(&key).await?,
            None => None,
        };
        found.push(place);
    }
    let snapshot = service.published.load();
    let revision = snapshot.revision;
    let context = caller_context(request.context)?;
    let turn = service.read_turn(caller.principal.payer());
    let view = super::view(&service, &turn, snapshot, &reader, &context, &[]).await?;
    let candidate =
        |(collection, chunk, _): &(u32, u32, [u8; 32])| Candidate { collection: *collection, chunk: *chunk };
    let candidates: Vec<_> = found.iter().flatten().map(candidate).collect();
    let verified = service.gate.verify(&view, &candidates).await?;
    let verified: HashSet<Candidate> = verified.iter().map(VerifiedChunk::candidate).collect();
    let items = request.items.into_iter().zip(found).map(|(item, place)| {
        let readable = place.filter(|place| verified.contains(&candidate(place)));
        let status = match (readable, &item.content_hash) {
            (None, _) => RecheckStatus::NotReadable,
            (Some((.., hash)), Some(expected))
                if *expected != format!("b3:{}", blake3::Hash::from_bytes(hash).to_hex()) =>
            {
                RecheckStatus::Changed
            }
            (Some(_), _) => RecheckStatus::Ok,
        };
        RecheckedItem { chunk_id: item.chunk_id, status }
    });
    let items: Vec<RecheckedItem> = items.collect();
    let readable = items.iter().filter(|item| item.status != RecheckStatus::NotReadable);
    let ids = readable.map(|item| item.chunk_id.clone()).collect();
    super::record(&service, &caller, "recheck", revision, ids).await?;
    Ok(Json(Rechecked { items, revision: super::seal(&service, revision)? }))
}

fn parse_chunk_id(id: &str) -> Option<ChunkKey> {
    let digits = id.strip_prefix("c_").filter(|digits| digits.len() == 32 && digits.is_ascii())?;
    let mut key = [0; 16];
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}
