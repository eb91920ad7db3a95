//! Writes relationship tuples in transactions of bounded size.

use usher_base::wire::{TupleKey, WriteRelationships};

use crate::acl::folders::{Change, TupleSet};
use crate::api::{Api, ApiError};
use crate::report::Report;
use crate::term::Term;

/// Changes in one transaction; a replaced tuple counts twice, so this keeps under the service's 1,000.
pub const BATCH: usize = 500;

/// Has the service check changes that a dry run does not make. What one of them deletes another may write.
pub fn check<'c>(
    api: &Api<'_>,
    changes: impl Iterator<Item = &'c Change> + Clone,
    store: Option<&str>,
) -> Result<(), ApiError> {
    let of = |wanted: fn(&Change) -> bool| -> TupleSet {
        changes.clone().filter(|c| wanted(c)).map(|c| c.tuple().clone()).collect()
    };
    let deleted = of(|c| matches!(c, Change::Delete(_)));
    let written = of(|c| matches!(c, Change::Write(_)));
    let changes: Vec<Change> = changes
        .clone()
        .filter_map(|change| match change {
            Change::Write(t) if deleted.contains(t) => Some(Change::Replace(t.clone())),
            Change::Delete(t) if written.contains(t) => None,
            other => Some(other.clone()),
        })
        .collect();
    for batch in changes.chunks(BATCH) {
        api.write_tuples(&WriteRelationships { dry_run: true, ..request(batch, store) })?;
    }
    Ok(())
}

/// Applies changes in order; each batch is one transaction, deletes first. A dry run prints them.
pub fn apply(
    api: &Api<'_>,
    term: &Term,
    report: &Report<'_>,
    changes: &[Change],
    store: Option<&str>,
    dry_run: bool,
) -> Result<(), ApiError> {
    for batch in changes.chunks(BATCH) {
        let request = request(batch, store);
        if dry_run {
            batch.iter().for_each(|c| term.line(&shown(c)));
            report.tuples(request.writes.len(), request.deletes.len());
            continue;
        }
        let done = api.write_tuples(&request)?;
        report.tuples(done.written, done.deleted);
    }
    Ok(())
}

fn request(batch: &[Change], store: Option<&str>) -> WriteRelationships {
    let mut request =
        WriteRelationships { store: store.map(str::to_owned), idempotent: true, ..WriteRelationships::default() };
    for change in batch {
        match change {
            Change::Write(t) => request.writes.push(t.clone()),
            Change::Delete(t) => request.deletes.push(t.clone()),
            Change::Replace(t) => {
                request.deletes.push(TupleKey { condition: None, ..t.clone() });
                request.writes.push(t.clone());
            }
        }
    }
    request
}

fn shown(change: &Change) -> String {
    let sign = match change {
        Change::Write(_) => "+",
        Change::Delete(_) => "-",
        Change::Replace(_) => "~",
    };
    let t = change.tuple();
    let condition = t.condition.as_ref().map(|c| format!(" if {}", c.name)).unwrap_or_default();
    format!("{sign} tuple {} {} {}{condition}", t.user, t.relation, t.object)
}
