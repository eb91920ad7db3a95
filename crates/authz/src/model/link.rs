//! A model in the numbers of one interner: what evaluation compares edges with.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Form, Model, plan::Plan, recursion};
use crate::{
    edge::{OBJECT, SubjectKey, WILDCARD, userset_kind},
    fast::FastMap,
    intern::{Interner, Symbol},
};

pub(in super::super) use super::rule::{RelationId, Rule};

/// A type restriction, in the shape of an edge's subject.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct LinkedRestriction {
    subject_type: Symbol,
    /// As [`SubjectKey::kind`].
    kind: u32,
    condition: Option<Symbol>,
}

/// A set of relations of the model.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct RelationSet(Vec<u64>);

impl RelationSet {
    pub(in super::super) fn contains(&self, id: RelationId) -> bool {
        self.0.get(id.index() / 64).is_some_and(|word| word >> (id.index() % 64) & 1 == 1)
    }

    /// Whether it was absent.
    pub(super) fn insert(&mut self, id: RelationId) -> bool {
        let word = id.index() / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let bit = 1u64 << (id.index() % 64);
        match self.0.get_mut(word) {
            Some(held) if *held & bit == 0 => {
                *held |= bit;
                true
            }
            _ => false,
        }
    }
}

#[derive(Debug)]
pub(in super::super) struct Linked {
    interner: Arc<Interner>,
    /// By type and relation symbol.
    relations: FastMap<u64, RelationId>,
    /// By relation: its type's and its own symbol.
    names: Vec<(Symbol, Symbol)>,
    restrictions: Vec<Vec<LinkedRestriction>>,
    /// By relation: the relations whose evaluation may turn to it.
    users: Vec<Vec<RelationId>>,
    reaching: Mutex<FastMap<u64, Arc<RelationSet>>>,
    plans: Mutex<FastMap<u64, Arc<Vec<Plan>>>>,
}

fn pair(object_type: Symbol, relation: Symbol) -> u64 {
    u64::from(object_type.0) << 32 | u64::from(relation.0)
}

impl Linked {
    pub(super) fn new(model: &Model, interner: &Arc<Interner>) -> Linked {
        let mut linked = Linked {
            interner: interner.clone(),
            relations: FastMap::default(),
            names: Vec::with_capacity(model.relations.len()),
            restrictions: Vec::with_capacity(model.relations.len()),
            users: vec![Vec::new(); model.relations.len()],
            reaching: Mutex::default(),
            plans: Mutex::default(),
        };
        for (at, relation) in model.relations.iter().enumerate() {
            let id = RelationId(at as u16);
            let (object_type, name) = (interner.symbol(&relation.object_type), interner.symbol(&relation.name));
            linked.names.push((object_type, name));
            linked.relations.insert(pair(object_type, name), id);
            let restrictions = relation.restrictions.iter().map(|restriction| LinkedRestriction {
                subject_type: interner.symbol(&restriction.subject_type),
                kind: match &restriction.form {
                    Form::Object => OBJECT,
                    Form::Wildcard => WILDCARD,
                    Form::Userset(relation) => userset_kind(interner.symbol(relation)),
                },
                condition: restriction.condition.as_deref().map(|condition| interner.symbol(condition)),
            });
            linked.restrictions.push(restrictions.collect());
            for used in recursion::dependencies(relation, &model.types) {
                if let Some(users) = linked.users.get_mut(used.index()) {
                    users.push(id);
                }
            }
        }
        linked
    }

    pub(super) fn is_for(&self, interner: &Arc<Interner>) -> bool {
        Arc::ptr_eq(&self.interner, interner)
    }

    pub(in super::super) fn relation(&self, object_type: Symbol, relation: Symbol) -> Option<RelationId> {
        self.relations.get(&pair(object_type, relation)).copied()
    }

    pub(in super::super) fn type_of(&self, id: RelationId) -> Option<Symbol> {
        self.names.get(id.index()).map(|(object_type, _)| *object_type)
    }

    pub(in super::super) fn symbol_of(&self, id: RelationId) -> Option<Symbol> {
        self.names.get(id.index()).map(|(_, name)| *name)
    }

    /// Whether a tuple of the relation with such a subject and condition counts; its stored context apart.
    pub(in super::super) fn admits(
        &self,
        id: RelationId,
        subject_type: Symbol,
        kind: u32,
        condition: Option<Symbol>,
    ) -> bool {
        let Some(restrictions) = self.restrictions.get(id.index()) else { return false };
        let formed = |held: &LinkedRestriction| held.subject_type == subject_type && held.kind == kind;
        restrictions.iter().any(|held| formed(held) && held.condition == condition)
    }

    /// The relations to which the model has a path from a subject of this form. A plain object also counts as one of
    /// its type's wildcard. Cached; O(relations) once per form.
    pub(in super::super) fn reached_from(&self, subject_type: Symbol, kind: u32) -> Arc<RelationSet> {
        let key = SubjectKey { kind, node: subject_type.0 }.packed();
        if let Some(found) = self.reaching.lock().get(&key) {
            return found.clone();
        }
        let mut reached = RelationSet::default();
        let mut open: Vec<RelationId> = Vec::new();
        for (at, restrictions) in self.restrictions.iter().enumerate() {
            let admits = restrictions.iter().any(|held| {
                held.subject_type == subject_type && (held.kind == kind || (kind == OBJECT && held.kind == WILDCARD))
            });
            if admits && reached.insert(RelationId(at as u16)) {
                open.push(RelationId(at as u16));
            }
        }
        if kind != OBJECT && kind != WILDCARD {
            let own = self.relation(subject_type, Symbol(kind.wrapping_sub(1)));
            open.extend(own.filter(|own| reached.insert(*own)));
        }
        while let Some(id) = open.pop() {
            for user in self.users.get(id.index()).into_iter().flatten() {
                if reached.insert(*user) {
                    open.push(*user);
                }
            }
        }
        let reached = Arc::new(reached);
        self.reaching.lock().insert(key, reached.clone());
        reached
    }

    /// The ways to expand in reverse towards a relation. Cached.
    pub(in super::super) fn plans(&self, model: &Model, goal: RelationId) -> Arc<Vec<Plan>> {
        let key = u64::from(goal.0);
        if let Some(found) = self.plans.lock().get(&key) {
            return found.clone();
        }
        let plans = Arc::new(Plan::alternatives(model, self, goal));
        self.plans.lock().insert(key, plans.clone());
        plans
    }
}
