//! Who may read one object, by name and by wildcard.

use crate::authz::{Context, Evaluator, NodeId, State, SubjectRef, anybody, readers_below};

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
pub fn readers(state: State<'_>, node: NodeId, relation: &str, context: &Context) -> Found {
    let State { graph, model } = state;
    let candidates = readers_below(state, node, relation);
    let has =
        |reader: &SubjectRef| Evaluator::new(graph, model, reader, context).check_node(node, relation) == Ok(true);
    let mut found = Found { is_cut: candidates.named.len() > MAX_READERS, ..Found::default() };
    let open: Vec<String> = candidates.others.into_iter().filter(|of| has(&anybody(of))).collect();
    found.readers.extend(open.iter().map(|of| format!("{of}:*")));
    for reader in candidates.named.into_iter().take(MAX_READERS) {
        let is_open = open.contains(&reader.object_type);
        let name = reader.to_string();
        match (has(&SubjectRef::Object(reader)), is_open) {
            (true, false) => found.readers.push(name),
            (false, true) => found.except.push(name),
            (true, true) | (false, false) => {}
        }
    }
    found
}
