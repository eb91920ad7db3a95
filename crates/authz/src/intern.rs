//! Names to dense numbers, append-only and shared by all graphs of one store.
//!
//! Objects, names of types and relations, and stored conditions each get a number when a tuple that holds them is first
//! written. Nothing is ever taken out: a number means the same for the life of a process, also after a rolled back edit.
//! Requests never add names, only writes do.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parking_lot::RwLock;

use super::{
    audience::AudienceOrdinal,
    fast::FastMap,
    tuple::{ObjectRef, TupleCondition},
};

/// An object, `type:id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// The name of a type or relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// What edges lead from and to: an object, an audience, or an object that only one request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Vertex(pub(super) u32);

const AUDIENCES: u32 = 1 << 31;
const LOCALS: u32 = AUDIENCES | 1 << 30;

/// In the canonical grants of an audience: the object that has the grants.
pub(super) const SELF: Vertex = Vertex(u32::MAX);

impl Vertex {
    pub(super) fn node(node: NodeId) -> Vertex {
        Vertex(node.0)
    }

    pub(super) fn audience(audience: AudienceOrdinal) -> Vertex {
        Vertex(AUDIENCES | audience.0)
    }

    pub(super) fn local(index: u32) -> Vertex {
        Vertex(LOCALS | index)
    }

    pub(super) fn as_node(self) -> Option<NodeId> {
        (self.0 < AUDIENCES).then_some(NodeId(self.0))
    }

    pub(super) fn as_audience(self) -> Option<AudienceOrdinal> {
        (AUDIENCES..LOCALS).contains(&self.0).then_some(AudienceOrdinal(self.0 & !AUDIENCES))
    }

    pub(super) fn as_local(self) -> Option<u32> {
        (self.0 >= LOCALS && self != SELF).then_some(self.0 & !LOCALS)
    }
}

/// A stored condition as edges name it; 0 is "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConditionId(pub(super) u32);

impl ConditionId {
    pub(super) const NONE: ConditionId = ConditionId(0);

    pub(super) fn is_none(self) -> bool {
        self == ConditionId::NONE
    }
}

/// The table of names. Grows for the life of a process; one for all graphs that descend from one [`super::Graph::new`],
/// but for forks.
#[derive(Debug, Default)]
pub struct Interner {
    /// Of a fork: the table whose names it goes on reading.
    base: Option<Arc<Interner>>,
    names: RwLock<Names>,
    audiences: AtomicU32,
}

/// Names by number and back. Those of a fork are numbered from where its base's ended when it was made; what the base is
/// given later stays unknown to it.
#[derive(Debug, Default)]
struct Names {
    first_symbol: u32,
    first_node: u32,
    first_condition: u32,
    symbols: Vec<Arc<str>>,
    symbol_index: HashMap<Arc<str>, Symbol>,
    nodes: Vec<(Symbol, Box<str>)>,
    /// By keyed hash of type and id; a taken key means "try the next number", so every id is stored once.
    node_index: FastMap<u64, NodeId>,
    node_hash: RandomState,
    conditions: Vec<Arc<TupleCondition>>,
    condition_index: HashMap<Arc<TupleCondition>, ConditionId>,
}

/// A dense number for the next element.
///
/// INVARIANT: below 2³⁰, because each element takes tens of bytes and 2³⁰ of them do not fit in memory.
fn dense(len: usize) -> u32 {
    debug_assert!(len < 1 << 30);
    len as u32
}

impl Names {
    fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbol_index.get(name) {
            return *symbol;
        }
        let symbol = Symbol(self.first_symbol + dense(self.symbols.len()));
        let name: Arc<str> = name.into();
        self.symbols.push(name.clone());
        self.symbol_index.insert(name, symbol);
        symbol
    }

    fn node(&self, node: NodeId) -> Option<&(Symbol, Box<str>)> {
        self.nodes.get(node.0.checked_sub(self.first_node)? as usize)
    }

    /// The object's number, or the free key under which to enter it.
    fn find(&self, object_type: Symbol, id: &str) -> Result<NodeId, u64> {
        let mut key = self.node_hash.hash_one((object_type.0, id));
        loop {
            let Some(node) = self.node_index.get(&key) else { return Err(key) };
            match self.node(*node) {
                Some((held_type, held_id)) if *held_type == object_type && **held_id == *id => return Ok(*node),
                _ => key = key.wrapping_add(1),
            }
        }
    }
}

impl Interner {
    /// A table that knows what this one knows now. What it is given later, this one never hears of. O(1).
    pub(super) fn fork(self: &Arc<Self>) -> Interner {
        let (first_symbol, first_node, first_condition) = {
            let names = self.names.read();
            (
                names.first_symbol + dense(names.symbols.len()),
                names.first_node + dense(names.nodes.len()),
                names.first_condition + dense(names.conditions.len()),
            )
        };
        let names = Names { first_symbol, first_node, first_condition, ..Names::default() };
        let audiences = AtomicU32::new(self.audiences.load(Ordering::Relaxed));
        Interner { base: Some(self.clone()), names: RwLock::new(names), audiences }
    }

    pub(super) fn symbol(&self, name: &str) -> Symbol {
        match self.known_symbol(name) {
            Some(symbol) => symbol,
            None => self.names.write().symbol(name),
        }
    }

    pub(super) fn known_symbol(&self, name: &str) -> Option<Symbol> {
        let first = {
            let names = self.names.read();
            if let Some(symbol) = names.symbol_index.get(name) {
                return Some(*symbol);
            }
            names.first_symbol
        };
        self.base.as_ref()?.known_symbol(name).filter(|symbol| symbol.0 < first)
    }

    pub(super) fn name(&self, symbol: Symbol) -> Arc<str> {
        {
            let names = self.names.read();
            if let Some(own) = symbol.0.checked_sub(names.first_symbol) {
                return names.symbols.get(own as usize).cloned().unwrap_or_default();
            }
        }
        self.base.as_ref().map(|base| base.name(symbol)).unwrap_or_default()
    }

    pub(super) fn node(&self, object: &ObjectRef) -> (NodeId, Symbol) {
        if let Some(found) = self.known_node(object) {
            return found;
        }
        let object_type = self.symbol(&object.object_type);
        let mut names = self.names.write();
        let node = match names.find(object_type, &object.id) {
            Ok(node) => node,
            Err(key) => {
                let node = NodeId(names.first_node + dense(names.nodes.len()));
                names.nodes.push((object_type, object.id.as_str().into()));
                names.node_index.insert(key, node);
                node
            }
        };
        (node, object_type)
    }

    pub(super) fn known_node(&self, object: &ObjectRef) -> Option<(NodeId, Symbol)> {
        let Some(base) = &self.base else {
            let names = self.names.read();
            let object_type = *names.symbol_index.get(object.object_type.as_str())?;
            return Some((names.find(object_type, &object.id).ok()?, object_type));
        };
        let object_type = self.known_symbol(&object.object_type)?;
        let first = {
            let names = self.names.read();
            if let Ok(node) = names.find(object_type, &object.id) {
                return Some((node, object_type));
            }
            names.first_node
        };
        base.known_node(object).filter(|(node, _)| node.0 < first)
    }

    pub(super) fn object(&self, node: NodeId) -> Option<ObjectRef> {
        let (object_type, id) = {
            let names = self.names.read();
            if node.0 < names.first_node {
                drop(names);
                return self.base.as_ref()?.object(node);
            }
            let (object_type, id) = names.node(node)?;
            (*object_type, id.to_string())
        };
        Some(ObjectRef { object_type: self.name(object_type).to_string(), id })
    }

    pub(super) fn node_type(&self, node: NodeId) -> Option<Symbol> {
        {
            let names = self.names.read();
            if node.0 >= names.first_node {
                return names.node(node).map(|(object_type, _)| *object_type);
            }
        }
        self.base.as_ref()?.node_type(node)
    }

    pub(super) fn known_condition(&self, condition: &TupleCondition) -> Option<ConditionId> {
        let first = {
            let names = self.names.read();
            if let Some(id) = names.condition_index.get(condition) {
                return Some(*id);
            }
            names.first_condition
        };
        // Numbered from 1.
        self.base.as_ref()?.known_condition(condition).filter(|id| id.0 <= first)
    }

    pub(super) fn condition(&self, condition: &TupleCondition) -> ConditionId {
        if let Some(id) = self.known_condition(condition) {
            return id;
        }
        let mut names = self.names.write();
        if let Some(id) = names.condition_index.get(condition) {
            return *id;
        }
        let condition = Arc::new(condition.clone());
        names.conditions.push(condition.clone());
        let id = ConditionId(names.first_condition + dense(names.conditions.len()));
        names.condition_index.insert(condition, id);
        id
    }

    pub(super) fn stored_condition(&self, id: ConditionId) -> Option<Arc<TupleCondition>> {
        let index = id.0.checked_sub(1)?;
        {
            let names = self.names.read();
            if let Some(own) = index.checked_sub(names.first_condition) {
                return names.conditions.get(own as usize).cloned();
            }
        }
        self.base.as_ref()?.stored_condition(id)
    }

    /// A number for a new audience. 0 is never given: it stands for "nobody".
    pub(super) fn next_audience(&self) -> AudienceOrdinal {
        AudienceOrdinal(self.audiences.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// All ordinals given so far are below this.
    pub(super) fn audience_count(&self) -> u32 {
        self.audiences.load(Ordering::Relaxed) + 1
    }

    /// Objects named so far. O(1).
    pub fn len(&self) -> usize {
        let names = self.names.read();
        names.first_node as usize + names.nodes.len()
    }

    /// Whether no object was named yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An estimate of the bytes held. O(objects).
    pub fn memory_bytes(&self) -> usize {
        let names = self.names.read();
        let nodes: usize = names.nodes.iter().map(|(_, id)| 24 + 17 + id.len().next_multiple_of(16)).sum();
        let conditions: usize = names.conditions.iter().map(|held| 120 + held.name.len() + held.context.len()).sum();
        nodes + names.node_index.capacity() * 17 + conditions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_object_gets_the_same_number() {
        let interner = Interner::default();
        let object = |text: &str| ObjectRef::parse(text).unwrap();
        let first = interner.node(&object("document:1"));
        assert_eq!(interner.node(&object("document:1")), first);
        let second = interner.node(&object("section:1"));
        assert_ne!(first.0, second.0);
        assert_eq!(interner.object(second.0), Some(object("section:1")));
        assert_eq!(interner.known_node(&object("document:2")), None);
        assert_eq!(interner.len(), 2);
    }

    #[test]
    fn a_fork_reads_on_and_leaves_nothing_behind() {
        let object = |text: &str| ObjectRef::parse(text).unwrap();
        let condition = |name: &str| TupleCondition::new(name, None).unwrap();
        let interner = Arc::new(Interner::default());
        let (known, _) = interner.node(&object("document:1"));
        let held = interner.condition(&condition("a"));
        let fork = Arc::new(interner.fork());
        // The base goes on; the fork doesn't hear of it, and gives the same numbers to other names.
        let (later, _) = interner.node(&object("folder:later"));
        let elsewhere = interner.condition(&condition("b"));
        let (own, _) = fork.node(&object("group:own"));
        let mine = fork.condition(&condition("c"));
        assert_eq!((fork.node(&object("document:1")).0, fork.condition(&condition("a"))), (known, held));
        assert_eq!((own, mine), (later, elsewhere));
        assert_eq!(fork.object(own), Some(object("group:own")));
        assert_eq!(
            (fork.object(known), interner.object(later)),
            (Some(object("document:1")), Some(object("folder:later")))
        );
        assert_eq!((fork.known_node(&object("folder:later")), interner.known_node(&object("group:own"))), (None, None));
        assert_eq!(fork.known_symbol("folder"), None);
        assert_eq!(fork.stored_condition(mine).map(|held| held.name.clone()).as_deref(), Some("c"));
        assert_eq!(fork.stored_condition(held).map(|held| held.name.clone()).as_deref(), Some("a"));
        assert_eq!((fork.len(), interner.len()), (2, 2));
        // Named by the base later, named here too: one name, one number.
        let (again, _) = fork.node(&object("folder:later"));
        assert_eq!((fork.object(again), fork.node(&object("folder:later")).0), (Some(object("folder:later")), again));
        assert_eq!(fork.next_audience(), interner.next_audience());
    }

    #[test]
    fn ordinals_start_above_nobody() {
        let interner = Interner::default();
        assert_eq!(interner.next_audience(), AudienceOrdinal(1));
        assert_eq!(interner.audience_count(), 2);
    }
}
