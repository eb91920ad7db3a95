//! Expand: one level of a relation's rewrite, with the tuples that fill it. Conditions are not evaluated.

use super::super::{
    check::Evaluator,
    condition::Context,
    edge::{OBJECT, SubjectKey, WILDCARD},
    graph::Graph,
    intern::Vertex,
    model::{Model, RelationId, Rule},
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::effort::{Effort, Spent};

/// What a subject is counted as: its name becomes a part of the answer.
const SUBJECT: u32 = 8;

/// One node of an expansion. The name of each node is the `object#relation` that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpandNode {
    /// The subjects of valid tuples, sorted and distinct.
    Users(Vec<SubjectRef>),
    /// A computed userset, `object#relation`.
    Computed(String),
    /// The tupleset `object#relation`, and the usersets that its tuples lead to.
    TupleToUserset {
        tupleset: String,
        computed: Vec<String>,
    },
    Union(Vec<ExpandNode>),
    Intersection(Vec<ExpandNode>),
    Difference {
        base: Box<ExpandNode>,
        subtract: Box<ExpandNode>,
    },
}

/// Expands one level; nothing for a type or relation that the model does not have. Contextual tuples must have passed
/// [`Model::check_contextual`]. O(tuples of the object's relations).
///
/// # Errors
/// When that is more than the effort allows.
pub fn expand(
    graph: &Graph,
    model: &Model,
    object: &ObjectRef,
    relation: &str,
    contextual: &[Tuple],
    effort: &Effort,
) -> Result<Option<ExpandNode>, Spent> {
    let Some(id) = model.relation_id(&object.object_type, relation) else { return Ok(None) };
    let context = Context::new();
    // The subject plays no part: only the tuples that the model admits are wanted.
    let subject = SubjectRef::Object(object.clone());
    let mut evaluator = Evaluator::new(graph, model, &subject, &context).with_contextual(contextual).within(effort);
    let vertex = evaluator.names().vertex(graph, object);
    let mut expansion = Expansion { graph, model, object, vertex, evaluator };
    let node = model.relation(id).and_then(|relation| expansion.node(&relation.rule, id));
    expansion.evaluator.spent().map_or(Ok(node), Err)
}

struct Expansion<'a> {
    graph: &'a Graph,
    model: &'a Model,
    object: &'a ObjectRef,
    vertex: Vertex,
    evaluator: Evaluator<'a>,
}

impl Expansion<'_> {
    fn node(&mut self, rule: &Rule, id: RelationId) -> Option<ExpandNode> {
        Some(match rule {
            Rule::This => ExpandNode::Users(self.subjects(id)?),
            Rule::Computed(computed) => ExpandNode::Computed(self.name(*computed)?),
            Rule::TupleToUserset { tupleset, computed_name, .. } => {
                let parents = self.subjects(*tupleset)?;
                ExpandNode::TupleToUserset {
                    tupleset: self.name(*tupleset)?,
                    computed: parents.iter().map(|parent| format!("{parent}#{computed_name}")).collect(),
                }
            }
            Rule::Union(operands) => ExpandNode::Union(self.nodes(operands, id)?),
            Rule::Intersection(operands) => ExpandNode::Intersection(self.nodes(operands, id)?),
            Rule::Difference(base, subtract) => ExpandNode::Difference {
                base: Box::new(self.node(base, id)?),
                subtract: Box::new(self.node(subtract, id)?),
            },
        })
    }

    fn nodes(&mut self, rules: &[Rule], id: RelationId) -> Option<Vec<ExpandNode>> {
        rules.iter().map(|rule| self.node(rule, id)).collect()
    }

    fn name(&self, id: RelationId) -> Option<String> {
        Some(format!("{}#{}", self.object, self.model.relation(id)?.name))
    }

    fn subjects(&mut self, id: RelationId) -> Option<Vec<SubjectRef>> {
        let relation = self.evaluator.linked().symbol_of(id)?;
        let all = (SubjectKey { kind: OBJECT, node: 0 }, SubjectKey { kind: WILDCARD, node: u32::MAX });
        let edges = self.evaluator.edges(self.vertex, relation, all);
        let mut subjects = Vec::new();
        for edge in edges {
            if !self.evaluator.charge(SUBJECT) {
                return None;
            }
            if self.evaluator.admits(id, &edge) {
                subjects.extend(self.evaluator.subject_name(self.graph, edge.subject));
            }
        }
        subjects.sort_by_cached_key(SubjectRef::to_string);
        subjects.dedup();
        Some(subjects)
    }
}
