//! What an explanation calls a document's own objects.

use crate::catalog::CatalogError;
use crate::catalog::documents::DocumentRow;
use crate::service::Service;
use crate::snapshot::names::objects_of;
use crate::wire::{Explained, Proof, TupleKey};

/// Calls the document and its sections by the names that they would have if no other collection held the id: whoever
/// doesn't reach all collections must not learn that one does.
pub async fn hide_apart(
    service: &Service,
    collection: &str,
    document_id: &str,
    explained: &mut Explained,
) -> Result<(), CatalogError> {
    let snapshot = service.published.load();
    let Some(state) = snapshot.collection(collection) else { return Ok(()) };
    let Some(row) = service.catalog.document_by_id(state.id, document_id).await?.filter(|row| row.apart) else {
        return Ok(());
    };
    let (document, sections) = objects_of(&state.binding, state.id, &row);
    let (plain, plain_sections) = objects_of(&state.binding, state.id, &DocumentRow { apart: false, ..row });
    let plain = std::iter::once(plain).chain(plain_sections);
    let names: Vec<(String, String)> = std::iter::once(document)
        .chain(sections)
        .zip(plain)
        .map(|(own, plain)| (own.to_string(), plain.to_string()))
        .collect();
    rename_proof(&names, &mut explained.tuples);
    for section in &mut explained.sections {
        rename(&names, &mut section.object);
        rename_proof(&names, &mut section.tuples);
    }
    Ok(())
}

fn rename(names: &[(String, String)], text: &mut String) {
    for (own, plain) in names {
        // `object` or `object#relation`.
        if let Some(rest) = text.strip_prefix(own.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('#')) {
            *text = format!("{plain}{rest}");
            return;
        }
    }
}

fn rename_proof(names: &[(String, String)], proof: &mut Proof) {
    let in_tuple = |tuple: &mut TupleKey| {
        rename(names, &mut tuple.object);
        rename(names, &mut tuple.user);
    };
    proof.paths.iter_mut().chain(&mut proof.blocked_by).flatten().for_each(in_tuple);
    proof.missing.iter_mut().for_each(|missing| rename(names, missing));
}
