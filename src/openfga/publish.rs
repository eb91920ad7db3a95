//! Brings the rules of documents from the outbox to the server, in order, and then shows the documents.
//!
//! A row is removed only in the commit that shows its document, after the server's acknowledgement; a row that was sent
//! twice changes nothing the second time. Exclusions go before grants are taken away, and grants last, so that a change
//! that is interrupted narrows.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Remote;
use crate::audit::Asked;
use crate::authority::External;
use crate::authority::server::{Lenience, MAX_WRITE, ServerError};
use crate::catalog::outbox::OutboxRow;
use crate::catalog::{Catalog, CatalogError};
use crate::commit::follow::Publish;
use crate::commit::{CommitError, Committer};
use crate::lease::Duty;
use crate::snapshot::Published;
use crate::wire::TupleKey;

/// Rows taken from the outbox at once.
const ROWS: u32 = 256;
const RETRY: Duration = Duration::from_millis(300);
/// Looks for rows at least this often.
const IDLE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The publishing, which one process does for all.
pub struct Publisher {
    pub remote: Arc<Remote>,
    pub catalog: Catalog,
    pub published: Arc<Published>,
    pub committer: Committer,
}

impl Duty for Publisher {
    fn name(&self) -> &str {
        "outbox"
    }

    fn work(&self) -> BoxFuture<'_, ()> {
        run(&self.remote, &self.catalog, &self.published, &self.committer).boxed()
    }
}

/// Learns from every commit, of any process, which rules wait and which are on the server, and has them brought there. Runs
/// until cancelled.
pub async fn watch(remote: Arc<Remote>, catalog: Catalog, published: Arc<Published>) {
    let mut revisions = published.revisions();
    loop {
        // Read first: rows of this revision and older ones are then in the outbox, or done.
        let revision = *revisions.borrow_and_update();
        match catalog.outbox_begin().await {
            Ok(begin) => {
                remote.published.send_replace(begin.unwrap_or(revision + 1));
                if begin.is_some() {
                    remote.work.notify_one();
                }
            }
            Err(error) => {
                tracing::debug!(%error, "the outbox can't be looked at");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        if revisions.changed().await.is_err() {
            return;
        }
    }
}

async fn run(remote: &Remote, catalog: &Catalog, published: &Published, committer: &Committer) {
    loop {
        match publish(remote, catalog, published, committer).await {
            Ok(true) => {}
            Ok(false) => {
                let _ = tokio::time::timeout(IDLE, remote.work.notified()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "rules of documents could not be brought to the authorization server");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Publishes what waits; says whether there was anything.
async fn publish(
    remote: &Remote,
    catalog: &Catalog,
    snapshots: &Published,
    committer: &Committer,
) -> Result<bool, PublishError> {
    // Read first: rows of this revision and older ones are then in the outbox, or done.
    let revision = snapshots.load().revision;
    let mut rows = catalog.outbox(ROWS).await?.into_iter().peekable();
    if rows.peek().is_none() {
        remote.published.send_replace(revision + 1);
        return Ok(false);
    }
    while rows.peek().is_some() {
        let mut batch: Vec<OutboxRow> = Vec::new();
        let mut size = 0;
        // Rows of one document go apart: the later one may take back what the earlier one gives.
        while let Some(row) = rows.next_if(|row| {
            size + row.deletes.len() + row.writes.len() <= MAX_WRITE
                && !batch.iter().any(|held| held.collection == row.collection && held.document == row.document)
        }) {
            size += row.deletes.len() + row.writes.len();
            batch.push(row);
        }
        // A row that is too large for one write goes alone, in several.
        if batch.is_empty() {
            batch.extend(rows.next());
        }
        crate::pause::at("publish.begun", batch.first().map_or("", |row| &row.document)).await;
        let refused = match send(&remote.external, &batch).await {
            Ok(()) => Vec::new(),
            Err(ServerError::Refused(_) | ServerError::Conflict) => one_by_one(&remote.external, &mut batch).await?,
            Err(error) => return Err(error.into()),
        };
        crate::pause::at("publish.taken", batch.first().map_or("", |row| &row.document)).await;
        committer.submit(Asked::duty("outbox"), Publish { rows: batch, is_refused: false }).await?;
        if !refused.is_empty() {
            committer.submit(Asked::duty("outbox"), Publish { rows: refused, is_refused: true }).await?;
        }
        if let Some(begin) = catalog.outbox_begin().await? {
            remote.published.send_replace(begin);
        }
    }
    Ok(true)
}

/// Sends each row alone and returns those that the server refuses, taken out of `rows`.
async fn one_by_one(external: &External, rows: &mut Vec<OutboxRow>) -> Result<Vec<OutboxRow>, ServerError> {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for mut row in std::mem::take(rows) {
        let outcome = match send(external, std::slice::from_ref(&row)).await {
            Err(ServerError::Conflict) => without_conflicts(external, &mut row).await,
            other => other,
        };
        match outcome {
            Ok(()) => taken.push(row),
            Err(ServerError::Refused(reason)) => {
                tracing::error!(document = %row.document, reason, "the authorization server refuses a document's rules; it stays hidden");
                refused.push(row);
            }
            Err(error) => return Err(error),
        }
    }
    *rows = taken;
    Ok(refused)
}

/// Sends the row's tuples one at a time; those that exist with another condition were put there by hand and stay.
async fn without_conflicts(external: &External, row: &mut OutboxRow) -> Result<(), ServerError> {
    write(external, &[], &row.deletes).await?;
    let mut taken = Vec::with_capacity(row.writes.len());
    for tuple in std::mem::take(&mut row.writes) {
        match write(external, std::slice::from_ref(&tuple), &[]).await {
            Ok(()) => taken.push(tuple),
            Err(ServerError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    row.writes = taken;
    Ok(())
}

/// Sends rows in one transaction if they fit, else narrowing before widening.
async fn send(external: &External, rows: &[OutboxRow]) -> Result<(), ServerError> {
    let deletes: Vec<TupleKey> = rows.iter().flat_map(|row| row.deletes.iter().cloned()).collect();
    let writes: Vec<TupleKey> = rows.iter().flat_map(|row| row.writes.iter().cloned()).collect();
    if deletes.len() + writes.len() <= MAX_WRITE {
        return write(external, &writes, &deletes).await;
    }
    let (exclusions, grants): (Vec<_>, Vec<_>) = writes.into_iter().partition(|tuple| tuple.relation == "blocked");
    for part in exclusions.chunks(MAX_WRITE) {
        write(external, part, &[]).await?;
    }
    for part in deletes.chunks(MAX_WRITE) {
        write(external, &[], part).await?;
    }
    for part in grants.chunks(MAX_WRITE) {
        write(external, part, &[]).await?;
    }
    Ok(())
}

async fn write(external: &External, writes: &[TupleKey], deletes: &[TupleKey]) -> Result<(), ServerError> {
    if writes.is_empty() && deletes.is_empty() {
        return Ok(());
    }
    external.write(writes, deletes, Lenience::FULL).await
}
