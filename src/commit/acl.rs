//! From access rules to tuples of the default model: the one place that spells its relations.

use crate::authz::names::canonical_principal;
use crate::authz::{Model, ObjectRef};
use crate::snapshot::names::{CLASSIFICATION, document_object, section_object};
use crate::wire::{Acl, AclEntry, Section, TupleKey};

/// Classification of a document that names none; the first start clears every wildcard for it.
pub const OPEN: &str = "classification:open";

/// Rules that can't be turned into tuples.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    #[error("`nobody` excludes every other rule")]
    NobodyAndSomebody,
    #[error("`all_of` needs at least two lists, and a member in each")]
    TooFewLists,
    #[error("only `viewers`, `blocked`, `all_of` and `nobody` apply to a section")]
    SectionRule,
    #[error("sections are not supported by this collection's model")]
    NoSections,
}

/// Where the tuples of a collection's documents go.
pub struct Target<'a> {
    pub model: &'a Model,
    pub object_type: &'a str,
    pub section_type: Option<&'a str>,
    /// Relation from a section to its document.
    pub section_parent: Option<&'a str>,
    /// The collection's number, where the document's object is one of its own.
    pub apart: Option<u32>,
    /// Whether the document has a label that its source didn't give it: then one that nobody asked for is not added.
    pub is_labelled: bool,
}

fn tuple(user: &str, relation: &str, object: &str) -> TupleKey {
    TupleKey { user: user.to_owned(), relation: relation.to_owned(), object: object.to_owned(), condition: None }
}

fn granted(principal: &AclEntry, relation: &str, object: &str) -> TupleKey {
    match principal {
        AclEntry::Plain(user) => tuple(user, relation, object),
        AclEntry::Conditional(conditional) => TupleKey {
            condition: Some(conditional.condition.clone()),
            ..tuple(&conditional.principal, relation, object)
        },
    }
}

/// All tuples that the rules of a document and of its sections stand for, without duplicates, in a fixed order.
///
/// # Errors
/// When the rules contradict themselves or the model has no place for them.
pub fn tuples(
    target: &Target<'_>,
    document_id: &str,
    acl: &Acl,
    sections: &[Section],
) -> Result<Vec<TupleKey>, AclError> {
    let document = document_object(target.object_type, document_id, target.apart).to_string();
    let mut all = Vec::new();
    check_nobody(acl)?;
    for parent in &acl.parents {
        all.push(tuple(parent, "parent", &document));
        if acl.inherit {
            all.push(tuple(parent, "inherits", &document));
        }
    }
    if let Some(label) = label(target, acl) {
        all.push(tuple(&label, CLASSIFICATION, &document));
    }
    for (principals, relation) in [(&acl.owners, "owner"), (&acl.editors, "editor")] {
        all.extend(principals.iter().map(|principal| granted(principal, relation, &document)));
    }
    readers(acl, &document, &mut all)?;
    for section in sections {
        section_tuples(target, document_id, &document, section, &mut all)?;
    }
    all.sort_by(|a, b| (&a.object, &a.relation, &a.user).cmp(&(&b.object, &b.relation, &b.user)));
    all.dedup();
    Ok(all)
}

fn label(target: &Target<'_>, acl: &Acl) -> Option<String> {
    match &acl.classification {
        Some(label) => Some(label.clone()),
        None if target.is_labelled => None,
        None if target.model.has_relation(target.object_type, CLASSIFICATION) => Some(OPEN.to_owned()),
        None => None,
    }
}

fn check_nobody(acl: &Acl) -> Result<(), AclError> {
    let names_somebody = !(acl.owners.is_empty() && acl.editors.is_empty() && acl.viewers.is_empty())
        || acl.inherit
        || !acl.all_of.is_empty();
    if acl.nobody && names_somebody { Err(AclError::NobodyAndSomebody) } else { Ok(()) }
}

/// Viewers, bans and conjunctions, alike for documents and sections.
fn readers(acl: &Acl, object: &str, all: &mut Vec<TupleKey>) -> Result<(), AclError> {
    for (principals, relation) in [(&acl.viewers, "viewer"), (&acl.blocked, "blocked")] {
        all.extend(principals.iter().map(|principal| granted(principal, relation, object)));
    }
    if !acl.all_of.is_empty() {
        let clause = conjunction(&acl.all_of, all)?;
        all.push(tuple(&format!("{clause}#member"), "viewer", object));
    }
    Ok(())
}

fn section_tuples(
    target: &Target<'_>,
    document_id: &str,
    document: &str,
    section: &Section,
    all: &mut Vec<TupleKey>,
) -> Result<(), AclError> {
    let (Some(section_type), Some(parent)) = (target.section_type, target.section_parent) else {
        return Err(AclError::NoSections);
    };
    let acl = &section.acl;
    let is_section_rule = acl.owners.is_empty()
        && acl.editors.is_empty()
        && acl.parents.is_empty()
        && !acl.inherit
        && acl.classification.is_none();
    if !is_section_rule {
        return Err(AclError::SectionRule);
    }
    check_nobody(acl)?;
    let object = section_object(section_type, document_id, target.apart, &section.id).to_string();
    all.push(tuple(document, parent, &object));
    readers(acl, &object, all)
}

/// Clauses whose members are in one principal of each list; returns the outermost. A clause is named by the hash of its
/// content, so that equal conjunctions share one object and one audience.
fn conjunction(lists: &[Vec<String>], all: &mut Vec<TupleKey>) -> Result<String, AclError> {
    if lists.len() < 2 || lists.iter().any(Vec::is_empty) {
        return Err(AclError::TooFewLists);
    }
    // Two spellings of one person make one clause.
    let spelled = |list: &Vec<String>| list.iter().map(|user| canonical_principal(user)).collect();
    let mut lists: Vec<Vec<String>> = lists.iter().map(spelled).collect();
    lists.iter_mut().for_each(|list| {
        list.sort();
        list.dedup();
    });
    lists.sort();
    let mut lists = lists.into_iter();
    let mut left = lists.next().unwrap_or_default();
    let mut clause = String::new();
    for right in lists {
        clause = clause_of(&left, &right);
        all.extend(left.iter().map(|user| tuple(user, "a", &clause)));
        all.extend(right.iter().map(|user| tuple(user, "b", &clause)));
        left = vec![format!("{clause}#member")];
    }
    Ok(clause)
}

/// The clause of members of one of each list.
fn clause_of<T: AsRef<str>>(left: &[T], right: &[T]) -> String {
    let joined = |list: &[T]| list.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\n");
    let content = format!("{}\n&\n{}", joined(left), joined(right));
    ObjectRef { object_type: "clause".into(), id: blake3::hash(content.as_bytes()).to_hex().to_string() }.to_string()
}

/// Whether a clause has exactly the tuples that rules gave it.
pub fn is_as_named(clause: &str, tuples: &[TupleKey]) -> bool {
    let side = |relation: &str| {
        let of = tuples.iter().filter(|tuple| tuple.relation == relation && tuple.condition.is_none());
        let mut users: Vec<&str> = of.map(|tuple| tuple.user.as_str()).collect();
        users.sort_unstable();
        users
    };
    let (left, right) = (side("a"), side("b"));
    left.len() + right.len() == tuples.len() && clause_of(&left, &right) == clause
}
