//! Who may read one object, by name and by wildcard.

use crate::authz::{CheckError, Context, Evaluator, NodeId, State, SubjectRef, anybody, readers_below};
use crate::limits::Spent;

/// Readers that one request looks at.
const MAX_READERS: usize = 100_000;

/// By name; `type:*` stands for all of the type but those in `except`.
#[derive(Debug, Default)]
pub struct Found {
    pub readers: Vec<String>,
    pub except: Vec<String>,
    /// Some readers were not looked at.
    pub is_cut: bool,
}

/// Checks everybody who may come to have the relation to the object. O(readers below it). A check that is an error is a
/// denial.
///
/// # Errors
/// When that is more than the effort allows.
pub fn readers(state: State<'_>, node: NodeId, relation: &str, context: &Context) -> Result<Found, Spent> {
    let State { graph, model, effort } = state;
    let candidates = readers_below(state, node, relation)?;
    let has = |reader: &SubjectRef| match Evaluator::new(graph, model, reader, context)
        .within(effort)
        .check_node(node, relation)
    {
        Err(CheckError::Spent(spent)) => Err(spent),
        decided => Ok(decided == Ok(true)),
    };
    let mut found = Found { is_cut: candidates.named.len() > MAX_READERS, ..Found::default() };
    let mut open: Vec<String> = Vec::new();
    for of in candidates.others {
        // Without these nothing is known about anybody.
        if has(&anybody(&of))? {
            open.push(of);
        }
    }
    found.readers.extend(open.iter().map(|of| format!("{of}:*")));
    for reader in candidates.named.into_iter().take(MAX_READERS) {
        let is_open = open.contains(&reader.object_type);
        let name = reader.to_string();
        let Ok(has) = has(&SubjectRef::Object(reader)) else {
            found.is_cut = true;
            break;
        };
        match (has, is_open) {
            (true, false) => found.readers.push(name),
            (false, true) => found.except.push(name),
            (true, true) | (false, false) => {}
        }
    }
    Ok(found)
}
