//! Bringing the names of stored tuples into their one spelling: what would change, and changing it.
//!
//! Catalogs of older releases hold names as they came. Where two spellings of one tuple meet, the meeting never widens:
//! of grants the narrower one stays, of bans the wider one, and what can't be decided is left to an administrator.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::authz::{Effect, Model, Tuple, names};
use crate::catalog::tuples::{Origin, TupleRow, select};
use crate::catalog::{self, Catalog, CatalogError, CatalogTx, from_json, meta};
use crate::wire::TupleKey;

/// Named value of a catalog whose names are all in the spelling that it names.
const SPELLING: &str = "spelling";
/// Tuples read at once.
const PAGE: usize = 5_000;

/// What becomes of a tuple that is not in its one spelling, or of two that are one.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// Written anew; the old rows go.
    Respelled,
    /// Two spellings with different conditions meet in the narrower of both.
    Narrowed,
    /// A grant that no spelling or condition can stand for without widening: it goes.
    Dropped,
    /// Nothing is done before an administrator has decided: delete one of the rows.
    Undecided,
}

/// All rows that are one tuple.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub store: String,
    /// As they are stored.
    pub rows: Vec<TupleRow>,
    /// What is stored instead; absent where it goes.
    pub into: Option<TupleKey>,
    pub fate: Fate,
}

/// The name of the spelling of this process.
fn wanted() -> Vec<u8> {
    format!("1 {}", names::email_case().name()).into_bytes()
}

/// Whether every stored name is in its one spelling. Notes it, so that the next start need not look.
///
/// # Errors
/// When the catalog fails.
pub async fn is_current(catalog: &Catalog) -> Result<bool, CatalogError> {
    if catalog.meta(SPELLING).await?.as_deref() == Some(&wanted()) {
        return Ok(true);
    }
    let mut tx = catalog.begin().await?;
    if !plan(&mut tx).await?.is_empty() {
        return Ok(false);
    }
    meta::set(&mut tx, SPELLING, &wanted()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Everything that is not in its one spelling. O(tuples).
///
/// # Errors
/// When the catalog can't be read.
pub async fn plan(tx: &mut CatalogTx) -> Result<Vec<Meeting>, CatalogError> {
    let mut meetings = Vec::new();
    for store in catalog::stores::all(&mut *tx).await? {
        let mut odd: BTreeMap<(String, String, String), Vec<TupleRow>> = BTreeMap::new();
        let mut after = 0;
        loop {
            let rows = select(&mut *tx, &store.id, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.change;
            for row in rows.into_iter().filter(|row| spelled(row).is_none_or(|key| !is_same(&key, &row.key))) {
                let key = spelled(&row).unwrap_or_else(|| row.key.clone());
                odd.entry((key.object, key.relation, key.user)).or_default().push(row);
            }
        }
        if odd.is_empty() {
            continue;
        }
        let judge = Judge::of(tx, &store.id).await?;
        for ((object, relation, user), mut rows) in odd {
            let key = TupleKey { object, relation, user, condition: None };
            let standing = catalog::tuples::stored(&mut *tx, &store.id, &key).await?.map(|(row, _)| row);
            if let Some(row) = standing.filter(|row| rows.iter().all(|held| held.change != row.change)) {
                rows.push(row);
            }
            let (into, fate) = judge.decide(&rows);
            meetings.push(Meeting { store: store.id.clone(), rows, into, fate });
        }
    }
    Ok(meetings)
}

/// Carries a plan out, if nothing in it is undecided; the revision that the transaction makes.
///
/// # Errors
/// When the catalog fails.
pub async fn apply(tx: &mut CatalogTx, plan: &[Meeting]) -> Result<u64, CatalogError> {
    let revision = meta::revision(tx).await? + 1;
    let now = Timestamp::now().to_string();
    for Meeting { store, rows, into, .. } in plan {
        let mut is_by_hand = false;
        for row in rows {
            let stored = catalog::tuples::stored(tx, store, &row.key).await?;
            is_by_hand |= stored.is_some_and(|(_, origin)| origin == Origin::Hand);
            catalog::tuples::delete(tx, store, &row.key, revision, &now).await?;
        }
        // What one of both wrote by hand no source takes away.
        let origin = if is_by_hand { Origin::Hand } else { Origin::Source };
        if let Some(key) = into {
            catalog::tuples::write(tx, store, key, origin, revision, &now).await?;
        }
    }
    meta::set(tx, SPELLING, &wanted()).await?;
    meta::set_revision(tx, revision).await?;
    Ok(revision)
}

/// The row's tuple in its one spelling; absent where it can have none.
fn spelled(row: &TupleRow) -> Option<TupleKey> {
    let tuple = Tuple::parse(&row.key).ok()?;
    Some(TupleKey { condition: row.key.condition.clone(), ..TupleKey::from(&tuple) })
}

fn is_same(a: &TupleKey, b: &TupleKey) -> bool {
    (&a.object, &a.relation, &a.user) == (&b.object, &b.relation, &b.user)
}

/// What tuples of a store do.
struct Judge {
    model: Option<Model>,
    /// (type, relation) that say who reads.
    roots: Vec<(String, String)>,
}

impl Judge {
    async fn of(tx: &mut CatalogTx, store: &str) -> Result<Self, CatalogError> {
        let newest = catalog::stores::models(&mut *tx, store).await?.pop();
        let model = match newest {
            None => None,
            Some(row) => {
                let broken = |_| CatalogError::Malformed { what: "authorization model" };
                Some(Model::compile(&row.id, from_json(&row.body, "authorization model")?).map_err(broken)?)
            }
        };
        let mut roots = Vec::new();
        for row in catalog::collections::all(&mut *tx).await?.into_iter().filter(|row| row.settings.store == store) {
            let settings = row.settings;
            let types = std::iter::once(settings.object_type).chain(settings.section_type);
            roots.extend(types.map(|of| (of, settings.relation.clone())));
        }
        Ok(Self { model, roots })
    }

    /// What the tuples of a relation do; both where that can't be told.
    fn effect(&self, key: &TupleKey) -> Effect {
        let unknown = Effect { widens: true, narrows: true };
        let Some(model) = self.model.as_ref().filter(|_| !self.roots.is_empty()) else { return unknown };
        let of = key.object.split_once(':').map_or("", |(of, _)| of);
        let roots = self.roots.iter().map(|(of, relation)| (of.as_str(), relation.as_str()));
        model.effect(of, &key.relation, roots)
    }

    fn decide(&self, rows: &[TupleRow]) -> (Option<TupleKey>, Fate) {
        let Some(first) = rows.first() else { return (None, Fate::Undecided) };
        let effect = self.effect(&first.key);
        let Some(key) = spelled(first) else {
            // Nobody can be named so any more: a grant goes, a ban is looked at by somebody.
            return if effect.narrows { (None, Fate::Undecided) } else { (None, Fate::Dropped) };
        };
        let with = |condition| Some(TupleKey { condition, ..key.clone() });
        let mut conditions: Vec<_> = rows.iter().map(|row| row.key.condition.clone()).collect();
        conditions.dedup();
        match (conditions.as_slice(), effect) {
            ([one], _) => (with(one.clone()), Fate::Respelled),
            (_, Effect { widens: true, narrows: false }) => {
                conditions.retain(Option::is_some);
                conditions.dedup();
                match conditions.as_slice() {
                    [one] => (with(one.clone()), Fate::Narrowed),
                    _ => (None, Fate::Dropped),
                }
            }
            (_, Effect { widens: false, narrows: true }) => match with(None) {
                Some(bare) if self.admits(&bare) => (Some(bare), Fate::Narrowed),
                _ => (None, Fate::Undecided),
            },
            _ => (None, Fate::Undecided),
        }
    }

    fn admits(&self, key: &TupleKey) -> bool {
        Tuple::parse(key).is_ok_and(|tuple| self.model.as_ref().is_some_and(|model| model.check_write(&tuple).is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Condition;

    fn row(change: u64, relation: &str, user: &str, until: Option<&str>) -> TupleRow {
        let condition = until.map(|end| Condition {
            name: "during".to_owned(),
            context: Some(serde_json::json!({"start": "2026-01-01T00:00:00Z", "end": end})),
        });
        let key = TupleKey {
            user: user.to_owned(),
            relation: relation.to_owned(),
            object: "document:a".to_owned(),
            condition,
        };
        TupleRow { change, key, at: String::new() }
    }

    #[test]
    fn where_two_spellings_meet_nothing_widens() {
        let model = Model::compile("m", serde_json::from_str(crate::authz::DEFAULT_MODEL_JSON).unwrap()).unwrap();
        let judge = Judge { model: Some(model), roots: vec![("document".to_owned(), "can_view".to_owned())] };
        let (one, other) = (Some("2027-01-01T00:00:00Z"), Some("2028-01-01T00:00:00Z"));
        let decided = |relation: &str, first, second| {
            let rows = [row(1, relation, "user:eve@x", first), row(2, relation, "user:eve%40x", second)];
            let (into, fate) = judge.decide(&rows);
            (fate, into.map(|key| (key.user, key.condition.is_some())))
        };
        let eve = |is_conditional| Some(("user:eve%40x".to_owned(), is_conditional));
        assert_eq!(decided("viewer", None, None), (Fate::Respelled, eve(false)));
        assert_eq!(decided("viewer", one, one), (Fate::Respelled, eve(true)));
        assert_eq!(decided("viewer", None, one), (Fate::Narrowed, eve(true)));
        assert_eq!(decided("viewer", one, None), (Fate::Narrowed, eve(true)));
        assert_eq!(decided("viewer", one, other), (Fate::Dropped, None));
        assert_eq!(decided("blocked", None, one), (Fate::Narrowed, eve(false)));
        assert_eq!(decided("blocked", one, other), (Fate::Narrowed, eve(false)));
        assert_eq!(judge.decide(&[row(1, "viewer", "user:a%ff", None)]), (None, Fate::Dropped));
        assert_eq!(judge.decide(&[row(1, "blocked", "user:a%ff", None)]), (None, Fate::Undecided));
    }
}
