//! A batch of writes and deletes on one graph.
//!
//! The edit collects what changes per object and sees its own writes; the graph it began from stays as it is, so that
//! dropping the edit is the rollback.

use std::collections::BTreeMap;

use super::{
    super::{
        edge::SubjectKey,
        fast::FastMap,
        intern::{ConditionId, NodeId, Symbol, Vertex},
        tuple::{ObjectRef, SubjectRef, Tuple},
    },
    Graph, GraphChange, finish,
};

/// A tuple with this key is stored already, with or without another condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tuple exists already")]
pub struct TupleExists;

/// No tuple with this key is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tuple does not exist")]
pub struct TupleMissing;

/// What is to become of the tuples of one object, by relation and subject: present with a condition, or absent.
pub(super) type Pending = BTreeMap<(Symbol, SubjectKey), Option<ConditionId>>;

/// Changes to a graph that are not yet visible to anybody.
#[derive(Debug)]
pub struct GraphEdit {
    pub(super) base: Graph,
    pub(super) pending: FastMap<u32, Pending>,
    /// Types of the objects that the edit names.
    pub(super) types: FastMap<u32, Symbol>,
}

impl GraphEdit {
    pub(super) fn new(base: Graph) -> GraphEdit {
        GraphEdit { base, pending: FastMap::default(), types: FastMap::default() }
    }

    /// The object's number, given now if it has none.
    pub fn intern(&mut self, object: &ObjectRef) -> NodeId {
        let (node, object_type) = self.base.interner.node(object);
        self.enter(node, object_type);
        node
    }

    pub(super) fn enter(&mut self, node: NodeId, object_type: Symbol) {
        self.types.insert(node.0, object_type);
    }

    pub(super) fn put(&mut self, node: NodeId, relation: Symbol, subject: SubjectKey, condition: Option<ConditionId>) {
        self.pending.entry(node.0).or_default().insert((relation, subject), condition);
    }

    /// Stores a tuple. Validation against a model is the caller's.
    pub fn write(&mut self, tuple: &Tuple) -> Result<(), TupleExists> {
        let node = self.intern(&tuple.object);
        let relation = self.base.interner.symbol(&tuple.relation);
        let subject = match &tuple.subject {
            SubjectRef::Object(object) => SubjectKey::object(Vertex::node(self.intern(object))),
            SubjectRef::Userset(object, relation) => {
                SubjectKey::userset(Vertex::node(self.intern(object)), self.base.interner.symbol(relation))
            }
            SubjectRef::Wildcard(subject_type) => SubjectKey::wildcard(self.base.interner.symbol(subject_type)),
        };
        if self.present(node, relation, subject).is_some() {
            return Err(TupleExists);
        }
        let condition =
            tuple.condition.as_ref().map_or(ConditionId::NONE, |condition| self.base.interner.condition(condition));
        self.put(node, relation, subject, Some(condition));
        Ok(())
    }

    /// Removes a tuple, whatever its condition; the tuple as it was.
    pub fn delete(&mut self, object: &ObjectRef, relation: &str, subject: &SubjectRef) -> Result<Tuple, TupleMissing> {
        let (node, relation_symbol, key) = self.key(object, relation, subject).ok_or(TupleMissing)?;
        let condition = self.present(node, relation_symbol, key).ok_or(TupleMissing)?;
        self.put(node, relation_symbol, key, None);
        Ok(self.base.tuple_of(object.clone(), relation.to_owned(), subject.clone(), condition))
    }

    /// A tuple by its key, with the edit's own writes and deletes.
    pub fn get(&self, object: &ObjectRef, relation: &str, subject: &SubjectRef) -> Option<Tuple> {
        let (node, relation_symbol, key) = self.key(object, relation, subject)?;
        let condition = self.present(node, relation_symbol, key)?;
        Some(self.base.tuple_of(object.clone(), relation.to_owned(), subject.clone(), condition))
    }

    /// The next graph, and what is different in it. O(changes · log), plus the spines of touched hubs.
    pub fn finish(self) -> (Graph, GraphChange) {
        finish::finish(self)
    }

    fn key(&self, object: &ObjectRef, relation: &str, subject: &SubjectRef) -> Option<(NodeId, Symbol, SubjectKey)> {
        let (node, _) = self.base.interner.known_node(object)?;
        Some((node, self.base.interner.known_symbol(relation)?, self.base.known_subject(subject)?))
    }

    fn present(&self, node: NodeId, relation: Symbol, subject: SubjectKey) -> Option<ConditionId> {
        match self.pending.get(&node.0).and_then(|pending| pending.get(&(relation, subject))) {
            Some(decided) => *decided,
            None => self.base.condition_of(node, relation, subject),
        }
    }
}
