//! ListObjects, ListUsers and Expand, as OpenFGA's surface defines them.
//!
//! One correct Check defines the answers: ListObjects is the objects for which Check is true, and whoever ListUsers names
//! passes Check. None of this takes part in retrieval, which works on audiences.

use std::collections::{BTreeSet, HashMap};

use super::{
    audience::AudienceOrdinal,
    check::{CheckError, Evaluator},
    condition::Context,
    edge::{OBJECT, SubjectKey},
    graph::Graph,
    intern::{NodeId, Symbol, Vertex},
    model::{Model, RelationId},
    reach::reach,
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::effort::Effort;
use usher_base::faults::mutants;

mod expand;
mod users;

pub use expand::{ExpandNode, expand};
pub use users::{ListUsersFilter, list_users};

/// Takes the objects of a listing while they are found.
pub trait ObjectSink {
    /// One more object.
    fn take(&mut self, object: ObjectRef);

    /// Asked before each decision; where it says no, the listing ends there, as if it were complete.
    fn wants_more(&mut self) -> bool;
}

impl ObjectSink for Vec<ObjectRef> {
    fn take(&mut self, object: ObjectRef) {
        self.push(object);
    }

    fn wants_more(&mut self) -> bool {
        true
    }
}

/// Which objects to list, for whom.
#[derive(Debug, Clone, Copy)]
pub struct ObjectsQuestion<'a> {
    pub object_type: &'a str,
    pub relation: &'a str,
    pub subject: &'a SubjectRef,
    pub context: &'a Context,
    /// Each must have passed [`Model::check_contextual`].
    pub contextual: &'a [Tuple],
    /// What the listing may still cause; an answer is whole as far as the sink wants it, or an error.
    pub effort: &'a Effort,
}

/// The objects of a type for which Check is true: unordered, without duplicates, as many as the sink wants. A check that
/// is an error fails the whole, unless it is of an object that the subject does not reach anyway.
///
/// For a plain object as subject and without contextual
/// tuples the cost follows what the subject reaches; else it is one check per object of the type, or per audience.
pub fn list_objects(
    graph: &Graph,
    model: &Model,
    question: &ObjectsQuestion<'_>,
    sink: &mut dyn ObjectSink,
) -> Result<(), CheckError> {
    let ObjectsQuestion { object_type, relation, subject, context, contextual, effort } = *question;
    let Some(id) = model.relation_id(object_type, relation) else { return Ok(()) };
    let mut evaluator = Evaluator::new(graph, model, subject, context).with_contextual(contextual).within(effort);
    // What may have the relation without a stored tuple of its own: by a contextual one, or as the subject itself.
    let own = match subject {
        SubjectRef::Userset(object, _) => Some(object),
        SubjectRef::Object(_) | SubjectRef::Wildcard(_) => None,
    };
    let named = contextual.iter().map(|tuple| &tuple.object).chain(own);
    let named = named.filter(|object| object.object_type == object_type).cloned().collect();
    let mut listing = Listing { graph, id, named, sink, audiences: HashMap::new() };
    let shared = listing.audiences_decide(object_type, subject);
    if contextual.is_empty() && matches!(subject, SubjectRef::Object(_)) {
        listing.add_reached(model, &mut evaluator, object_type, shared)
    } else {
        listing.add_all(&mut evaluator, object_type, shared)
    }
}

/// Counts one object that is looked at.
fn pay(evaluator: &mut Evaluator<'_>) -> Result<(), CheckError> {
    evaluator.charge(1);
    evaluator.spent().map_or(Ok(()), |spent| Err(spent.into()))
}

struct Listing<'a> {
    graph: &'a Graph,
    id: RelationId,
    /// Objects of the type that the request names.
    named: BTreeSet<ObjectRef>,
    sink: &'a mut dyn ObjectSink,
    /// Decided audiences.
    audiences: HashMap<AudienceOrdinal, bool>,
}

impl Listing<'_> {
    /// Whether all objects of an audience answer alike: for plain subjects of types that no collection binds.
    fn audiences_decide(&self, object_type: &str, subject: &SubjectRef) -> bool {
        let bound = |name: &str| {
            self.graph.interner().known_symbol(name).is_some_and(|symbol| self.graph.is_bound_type(symbol))
        };
        bound(object_type) && matches!(subject, SubjectRef::Object(_)) && !bound(subject.subject_type())
    }

    /// Checks what the subject reaches.
    fn add_reached(
        &mut self,
        model: &Model,
        evaluator: &mut Evaluator<'_>,
        object_type: &str,
        shared: bool,
    ) -> Result<(), CheckError> {
        if !shared && self.graph.interner().known_symbol(object_type).is_some_and(|held| self.graph.is_bound_type(held))
        {
            return self.add_all(evaluator, object_type, false);
        }
        let reached = reach(evaluator, self.graph, model, self.id);
        if let Some(spent) = evaluator.spent() {
            return Err(spent.into());
        }
        for vertex in reached.goals {
            if !self.sink.wants_more() {
                return Ok(());
            }
            if let Some(audience) = vertex.as_audience().filter(|_| shared) {
                let allowed = evaluator.decide(vertex, self.id)?;
                self.audiences.insert(audience, allowed);
            } else if !shared && evaluator.decide(vertex, self.id)? {
                self.add(vertex.as_node());
            }
        }
        if shared {
            for node in self.graph.objects_of_type(object_type) {
                if !self.sink.wants_more() {
                    return Ok(());
                }
                pay(evaluator)?;
                if self.audiences.get(&self.graph.audience(node)) == Some(&true) {
                    self.add(Some(node));
                }
            }
        }
        Ok(())
    }

    /// Checks every object of the type that a tuple or the request names.
    fn add_all(&mut self, evaluator: &mut Evaluator<'_>, object_type: &str, shared: bool) -> Result<(), CheckError> {
        for node in self.graph.objects_of_type(object_type) {
            if !self.sink.wants_more() {
                return Ok(());
            }
            pay(evaluator)?;
            let audience = self.graph.audience(node);
            let allowed = if shared && !self.is_isolated(evaluator, node) {
                match self.audiences.get(&audience) {
                    Some(allowed) => *allowed,
                    None => {
                        let allowed = evaluator.decide(Vertex::audience(audience), self.id)?;
                        self.audiences.insert(audience, allowed);
                        allowed
                    }
                }
            } else {
                evaluator.decide(Vertex::node(node), self.id)?
            };
            if allowed {
                self.add(Some(node));
            }
        }
        for object in std::mem::take(&mut self.named) {
            let vertex = evaluator.names().vertex(self.graph, &object);
            let listed = vertex.as_node().is_some_and(|node| self.graph.holds(node));
            if !listed && self.sink.wants_more() && evaluator.decide(vertex, self.id)? {
                self.sink.take(object);
            }
        }
        Ok(())
    }

    fn add(&mut self, node: Option<NodeId>) {
        if let Some(object) = node.and_then(|node| self.graph.object(node)) {
            self.sink.take(object);
        }
    }

    /// Whether contextual tuples are about the object, or about a parent by whose audience its own was made.
    fn is_isolated(&self, evaluator: &mut Evaluator<'_>, node: NodeId) -> bool {
        let vertex = Vertex::node(node);
        if !evaluator.names().edges_of(vertex).is_empty() {
            return true;
        }
        if mutants::active("contextual_shared_through_sections") {
            return false;
        }
        let Some(object_type) = self.graph.vertex_type(vertex) else { return false };
        let Some((tupleset, _)) = self.graph.parent_of_type(object_type) else { return false };
        let parents = self.parents(vertex, tupleset);
        parents.into_iter().any(|parent| !evaluator.names().edges_of(parent).is_empty())
    }

    fn parents(&self, vertex: Vertex, tupleset: Symbol) -> Vec<Vertex> {
        let (from, to) = (SubjectKey { kind: OBJECT, node: 0 }, SubjectKey { kind: OBJECT, node: u32::MAX });
        self.graph.edges(vertex, tupleset, from, to).filter_map(|edge| edge.subject.vertex()).collect()
    }
}

#[cfg(test)]
mod tests;
