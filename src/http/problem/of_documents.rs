//! Problems of one document of a request.

use super::kinds::{ACL_INVALID, ACL_MISSING, INDEX, NOT_FOUND, SCOPE, UNPROCESSABLE};
use super::problem;
use crate::commit::documents::Rejection;
use crate::commit::tuples::TupleWriteError;
use crate::prepare::PrepareError;
use crate::telemetry::Seldom;
use crate::wire::{FieldProblem, Problem};

/// Why one document of many can't be stored as it was sent.
pub fn of_document(error: FieldProblem) -> Problem {
    problem(UNPROCESSABLE, "Correct what `errors` names.", vec![error])
}

/// Why one document of many can't be stored where it was meant to be: there is no such collection, or none in reach.
pub fn of_collection(n: usize) -> Problem {
    let pointer = format!("/documents/{n}/collection");
    let detail = "is no collection that this credential reaches".to_owned();
    problem(NOT_FOUND, "Make the collection first, or name another.", vec![FieldProblem { pointer, detail }])
}

/// Why one document of many can't be stored by this key: its source is beyond the key's.
pub fn of_source(n: usize) -> Problem {
    let pointer = format!("/documents/{n}/id");
    let detail = "begins with a source that the key may not write".to_owned();
    problem(SCOPE, "Send it with another key.", vec![FieldProblem { pointer, detail }])
}

/// Why one document of many was refused while it was prepared.
pub fn of_preparing(error: &PrepareError) -> Problem {
    match error {
        PrepareError::Unprocessable(error) => {
            of_document(FieldProblem { pointer: error.pointer.clone(), detail: error.detail.clone() })
        }
        PrepareError::NoRules => problem(
            ACL_MISSING,
            "Give the document an `acl`, or the collection a `default_acl`; `{\"nobody\":true}` stores it unreadable.",
            Vec::new(),
        ),
        PrepareError::TooLong => of_document(FieldProblem {
            pointer: "/content/text".to_owned(),
            detail: "takes too long to be split: send it in parts".to_owned(),
        }),
        PrepareError::Embed(error) => {
            static NOT_EMBEDDED: Seldom = Seldom::new();
            if let Some(left_out) = NOT_EMBEDDED.pass() {
                tracing::warn!(%error, left_out, "a document could not be embedded");
            }
            problem(INDEX, "The embedder does not answer. Send the document again later.", Vec::new())
        }
    }
}

/// Of a tuple as it is shown, `object#relation@user`, what a source said itself.
fn relation_and_user(tuple: &str) -> &str {
    tuple.split_once('#').map_or(tuple, |(_, rest)| rest)
}

/// Why one document of many was refused while it was stored.
pub fn of_rejection(rejection: &Rejection) -> Problem {
    let kind = match rejection {
        Rejection::Acl(_) | Rejection::Tuple(_) => ACL_INVALID,
        Rejection::Full => UNPROCESSABLE,
    };
    let detail = match rejection {
        // The object's name tells whether another collection holds the id, and what stands on it is an administrator's.
        Rejection::Tuple(TupleWriteError::Invalid { tuple, source, .. }) => {
            format!("`{}`: {source}", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::Repeated { tuple, .. }) => {
            format!("`{}` is named twice, with different conditions", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::OtherCondition { tuple }) => {
            format!("`{}` can't be written with this condition", relation_and_user(tuple))
        }
        Rejection::Tuple(TupleWriteError::Implicit { tuple, .. }) => {
            format!("`{}` gives a relation of an object to itself", relation_and_user(tuple))
        }
        other => other.to_string(),
    };
    problem(kind, &format!("{detail}."), Vec::new())
}
