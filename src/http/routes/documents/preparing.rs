//! The documents of one request made ready for the writer: split one after another, embedded side by side.

use futures::{StreamExt, stream};
use parking_lot::Mutex;

use crate::catalog::collections::CollectionSettings;
use crate::commit::documents::Prepared;
use crate::embed::{EmbedError, Failure};
use crate::http::problem::{self, ApiProblem};
use crate::limits::Payer;
use crate::prepare::{self, Laid, LayoutError, PrepareError};
use crate::service::Service;
use crate::service::turn::Turn;
use crate::wire::{Document, Problem};

/// Documents of one request that are embedded at the same time: enough that every copy of a model always has a text, and
/// few, so that another request's texts come between.
const SIDE_BY_SIDE: usize = 8;

/// What the collection says of a document before it is embedded.
enum Split {
    Refused(Problem),
    /// The stored version has the same content.
    Unchanged(Prepared),
    Laid(Prepared, Laid),
}

/// One of each document, in their order. What can't be stored is refused by itself.
///
/// # Errors
/// When there is no place to compute, or the catalog can't be read.
pub(super) async fn all(
    service: &Service,
    payer: &Payer,
    into: (&CollectionSettings, u32),
    documents: &[Document],
) -> Result<Vec<Result<Prepared, Problem>>, ApiProblem> {
    let mut room = prepare::MAX_REQUEST_CHUNKS;
    let mut splits = Vec::with_capacity(documents.len());
    for document in documents {
        let turn = service.layout_turn(payer.clone());
        splits.push(split(service, &turn, into, document.clone(), &mut room).await?);
    }
    // After an outage of the embedder no other document of the request waits for it: the first one finds it out.
    let outage = Mutex::new(None);
    let mut splits = splits.into_iter();
    let mut all = Vec::with_capacity(documents.len());
    for next in splits.by_ref() {
        let is_embedded = matches!(next, Split::Laid(..));
        all.push(embedded(service, into.0, payer, next, &outage).await);
        if is_embedded {
            break;
        }
    }
    let rest = splits.map(|split| embedded(service, into.0, payer, split, &outage));
    all.extend(stream::iter(rest).buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await);
    Ok(all)
}

async fn split(
    service: &Service,
    turn: &Turn,
    (settings, collection): (&CollectionSettings, u32),
    document: Document,
    room: &mut usize,
) -> Result<Split, ApiProblem> {
    let refused = |error: PrepareError| Split::Refused(problem::of_preparing(&error));
    let prepared = match prepare::rules(document, settings) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(refused(error)),
    };
    let stored = service.catalog.document_by_id(collection, &prepared.document.id).await?;
    if stored.is_some_and(|row| row.content_digest == prepared.content_digest) {
        return Ok(Split::Unchanged(prepared));
    }
    // Splitting takes its time: at a place for computing, and beside the threads that serve connections.
    let whole = prepared.document.clone();
    let laid = match turn.compute(move |effort| prepare::layout(&whole, effort)).await? {
        Ok(laid) => laid,
        Err(LayoutError::Unprocessable(error)) => return Ok(refused(error.into())),
        Err(LayoutError::Spent(_)) => return Ok(refused(PrepareError::TooLong)),
    };
    Ok(match prepare::take_room(room, &laid) {
        Ok(()) => Split::Laid(prepared, laid),
        Err(error) => refused(error.into()),
    })
}

async fn embedded(
    service: &Service,
    settings: &CollectionSettings,
    payer: &Payer,
    split: Split,
    outage: &Mutex<Option<Problem>>,
) -> Result<Prepared, Problem> {
    let (mut prepared, laid) = match split {
        Split::Refused(problem) => return Err(problem),
        Split::Unchanged(prepared) => return Ok(prepared),
        Split::Laid(prepared, laid) => (prepared, laid),
    };
    if let Some(problem) = outage.lock().clone() {
        return Err(problem);
    }
    let next = settings.generations.next.as_ref().and_then(|next| service.embedders.get(&next.embedder));
    let content = match service.embedders.get(&settings.embedder) {
        Some(embedder) => prepare::content(&prepared.document, laid, embedder, next, payer).await,
        None => Err(EmbedError::new(&settings.embedder, Failure::NotConfigured)),
    };
    match content {
        Ok(content) => {
            prepared.content = Some(content);
            Ok(prepared)
        }
        Err(error) => {
            let is_outage = error.is_outage();
            let problem = problem::of_preparing(&error.into());
            if is_outage {
                *outage.lock() = Some(problem.clone());
            }
            Err(problem)
        }
    }
}
