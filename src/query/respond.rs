//! The audit record first, then the answer with its revision and receipt.

use std::collections::HashSet;

use super::assemble::Passages;
use super::stages::Stages;
use super::{QueryError, Question};
use crate::audit::{Record, Trace};
use crate::authority::Reader;
use crate::identity::{Principal, Scope};
use crate::service::Service;
use crate::tokens::receipt::{Receipt, ReceiptItem};
use crate::wire::{Answer, Include, Passage};

/// All chunks whose texts are in the answer, each once.
fn given<'a>(passages: impl Iterator<Item = &'a Passage>) -> Vec<String> {
    let (mut items, mut known) = (Vec::new(), HashSet::new());
    for passage in passages {
        let neighbours = passage.neighbors.iter().flatten().map(|neighbour| &neighbour.chunk_id);
        let under_heading = passage.under_heading.iter().flat_map(|under| &under.chunk_ids);
        for chunk in std::iter::once(&passage.chunk_id).chain(neighbours).chain(under_heading) {
            if known.insert(chunk) {
                items.push(chunk.clone());
            }
        }
    }
    items
}

pub(super) async fn respond(
    service: &Service,
    principal: &Principal,
    reader: &Reader,
    question: &Question,
    found: Passages,
    trace: &Trace,
    stages: Stages<'_>,
) -> Result<Answer, QueryError> {
    let subjects: Vec<String> = reader.subjects.iter().map(ToString::to_string).collect();
    // Always of one length: trailing zeros that are left out would say something in the receipt's length.
    let as_of = format!("{:.3}", found.as_of);
    let asked = trace.for_record();
    let shown = || found.passages.iter().chain(&found.near_misses);
    service.still_holds(&asked)?;
    service
        .audit
        .record(&Record {
            at: as_of.clone(),
            asked: asked.clone(),
            event: "query",
            revision: found.revision,
            items: given(shown()),
            question: Some(service.audit.digest(&question.text)),
            ..Record::default()
        })
        .await?;
    let items = shown()
        .map(|passage| ReceiptItem { chunk_id: passage.chunk_id.clone(), content_hash: passage.content_hash.clone() });
    let receipt = Receipt {
        version: 1,
        request_id: asked.request_id.clone(),
        subjects,
        as_of: as_of.clone(),
        items: items.collect(),
    };
    let wants_timings = question.includes(Include::Timings) && principal.require(Scope::Diagnostics).is_ok();
    Ok(Answer {
        request_id: asked.request_id,
        results: found.passages,
        answerable: found.answerable,
        near_misses: found.near_misses,
        assembled: found.assembled,
        revision: service.revisions.seal(found.revision).map_err(|_| QueryError::Randomness)?,
        as_of,
        staleness_ms: service.staleness().map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        complete: found.caveats.is_complete(),
        warnings: found.caveats.warnings(),
        not_found: found.caveats.not_found,
        timings_ms: wants_timings.then(|| stages.timings()),
        receipt: service.receipts.sign(&receipt),
    })
}
