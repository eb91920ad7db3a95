//! Conditions that grants and bans carry, tried in the service before anything is sent: only the service knows which there
//! are and what their context looks like, and one that it refuses would end a run half way.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use usher_base::wire::{Acl, AclEntry, Section, TupleKey, WriteRelationships};

use crate::acl::folders::TupleSet;
use crate::acl::rules::RuleFile;
use crate::api::{Api, ApiError};

/// Id of the objects that stand for those of the rules: nothing is written.
const STAND_IN: &str = "~";

/// A hint where a context holds what looks like a time and is none to the service.
pub fn odd_time(entry: &AclEntry) -> Option<String> {
    let AclEntry::Conditional(c) = entry else { return None };
    let is_odd = |text: &&str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let is_date = digits == 4 && text.as_bytes().get(4) == Some(&b'-');
        (is_date || text.matches('.').count() == 2) && text.parse::<jiff::Timestamp>().is_err()
    };
    let texts = c.condition.context.iter().filter_map(serde_json::Value::as_object).flat_map(|fields| fields.values());
    let odd = texts.filter_map(serde_json::Value::as_str).find(is_odd)?;
    Some(format!("`{odd}` is no time: write RFC 3339, such as `2026-01-01T00:00:00Z`"))
}

/// What was tried in this run, and why it was refused.
#[derive(Default)]
pub struct Trials {
    known: Mutex<HashMap<String, Option<String>>>,
    has_said: OnceLock<()>,
}

impl Trials {
    /// Says something once in a run.
    pub fn once(&self, say: impl FnOnce()) {
        self.has_said.get_or_init(say);
    }

    /// Why the service does not take the conditions of a directory's rules.
    pub fn of_directory(&self, api: &Api<'_>, source: &str, rule: &RuleFile) -> Result<Option<String>, ApiError> {
        let lists = [&rule.owners, &rule.editors, &rule.viewers, &rule.blocked];
        self.refusal(api, &format!("folder:{source}/{STAND_IN}"), lists)
    }

    /// Why the service does not take the conditions of a document's rules.
    pub fn of_document(
        &self,
        api: &Api<'_>,
        source: &str,
        acl: &Acl,
        sections: &[Section],
    ) -> Result<Option<String>, ApiError> {
        let lists = [&acl.owners, &acl.editors, &acl.viewers, &acl.blocked];
        let mut refused = self.refusal(api, &format!("document:{source}/{STAND_IN}"), lists)?;
        for section in sections.iter().map(|section| &section.acl) {
            let lists = [&section.owners, &section.editors, &section.viewers, &section.blocked];
            refused = refused.or(self.refusal(api, &format!("section:{source}/{STAND_IN}"), lists)?);
        }
        Ok(refused)
    }

    /// `lists`: owners, editors, viewers, blocked.
    fn refusal(&self, api: &Api<'_>, object: &str, lists: [&Vec<AclEntry>; 4]) -> Result<Option<String>, ApiError> {
        let relations = ["owner", "editor", "viewer", "blocked"];
        let tuple = |relation: &str, p: &AclEntry| match p {
            AclEntry::Plain(_) => None,
            AclEntry::Conditional(c) => Some(TupleKey {
                user: c.principal.clone(),
                relation: relation.to_owned(),
                object: object.to_owned(),
                condition: Some(c.condition.clone()),
            }),
        };
        let with = relations.iter().zip(lists);
        let writes: TupleSet =
            with.flat_map(|(relation, list)| list.iter().filter_map(|p| tuple(relation, p))).collect();
        if writes.len() == 0 {
            return Ok(None);
        }
        let writes: Vec<TupleKey> = writes.iter().cloned().collect();
        let key = serde_json::to_string(&writes).map_err(|e| ApiError::Request(e.to_string()))?;
        let mut known = self.known.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(known) = known.get(&key) {
            return Ok(known.clone());
        }
        let request = WriteRelationships { writes, idempotent: true, dry_run: true, ..WriteRelationships::default() };
        let refused = match api.write_tuples(&request) {
            Ok(_) => None,
            Err(ApiError::Refused { status: 400 | 422, detail, .. }) => {
                let hint = lists.into_iter().flatten().find_map(odd_time).map(|hint| format!("; {hint}"));
                // Which of the tuples of this request it was is nothing to whoever wrote the rules.
                let told = detail.strip_prefix("/writes/").and_then(|rest| rest.split_once(": "));
                let told = told.map_or(detail.as_str(), |(_, told)| told);
                Some(format!("{}{}", told.replace(&format!("{object}#"), ""), hint.unwrap_or_default()))
            }
            // Somebody has an object of that name.
            Err(e) if e.status() == Some(409) => None,
            Err(e) => return Err(e),
        };
        known.insert(key, refused.clone());
        Ok(refused)
    }
}
