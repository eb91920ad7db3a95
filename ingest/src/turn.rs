//! Whether a state file is that of the last run. Every run that writes tuples leaves its name in the service, as a ban on a
//! folder that holds nothing, and in its record: a record that was put back from a backup, or that another one has overtaken,
//! does not know what was written since, and would take it for somebody's.

use usher_base::wire::{ReadRelationships, TupleKey, WriteRelationships};

use crate::api::{Api, ApiError};
use crate::history::is_hidden;
use crate::state::State;

/// More names than this are not read; there is one, unless keys that may not read tuples wrote them.
const MAX_NAMES: usize = 1000;

pub struct Turn {
    object: String,
    /// Names that the service holds.
    found: Vec<TupleKey>,
    last: String,
    /// Of this run.
    pub next: String,
    is_taken: bool,
}

impl Turn {
    /// `of`: what the record is kept of.
    pub fn read(api: &Api<'_>, of: &str, known: Option<&State>) -> Result<Turn, ApiError> {
        let object = format!("folder:~usher-ingest/{}", usher_authz::names::encode_id(of));
        let filter = ReadRelationships { object: Some(object.clone()), ..ReadRelationships::default() };
        let found = match api.read_tuples(&filter, MAX_NAMES) {
            Ok((found, _)) => found,
            // A model of another kind has no folders.
            Err(e) if is_hidden(&e) || e.is_about_content() => Vec::new(),
            Err(e) => return Err(e),
        };
        let seed = format!("{:?} {} {of}", std::time::SystemTime::now(), std::process::id());
        let next = blake3::hash(seed.as_bytes()).to_hex().chars().take(16).collect();
        // One that was cut off may have left its name.
        let names = known.iter().flat_map(|state| [&state.next, &state.run]);
        let held = names.clone().find(|run| found.iter().any(|name| name.user == user(run)));
        let last = held.or(known.map(|state| &state.run)).cloned().unwrap_or_default();
        Ok(Turn { object, found, last, next, is_taken: false })
    }

    /// Whether the service holds the name of another run than the record.
    pub fn is_overtaken(&self, known: Option<&State>) -> bool {
        let is_known = |name: &TupleKey| {
            known.is_some_and(|state| [&state.run, &state.next].into_iter().any(|run| name.user == user(run)))
        };
        !self.found.is_empty() && !self.found.iter().any(is_known)
    }

    /// Leaves the name of this run in the place of others, once.
    pub fn take(&mut self, api: &Api<'_>) -> Result<(), ApiError> {
        if self.is_taken {
            return Ok(());
        }
        let name = |run: &str| TupleKey {
            user: user(run),
            relation: "blocked".into(),
            object: self.object.clone(),
            condition: None,
        };
        let mut deletes = self.found.clone();
        if !self.last.is_empty() && !deletes.contains(&name(&self.last)) {
            deletes.push(name(&self.last));
        }
        let writes = vec![name(&self.next)];
        let request = WriteRelationships { writes, deletes, idempotent: true, ..WriteRelationships::default() };
        match api.write_tuples(&request) {
            Ok(_) => self.last.clone_from(&self.next),
            Err(e) if e.is_about_content() => self.last.clear(),
            Err(e) => return Err(e),
        }
        self.is_taken = true;
        Ok(())
    }

    /// Of the last run that wrote something, for the record.
    pub fn last(&self) -> String {
        self.last.clone()
    }
}

fn user(run: &str) -> String {
    format!("user:run-{run}")
}
