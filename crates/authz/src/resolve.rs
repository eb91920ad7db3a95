//! Reader to allowed audiences, and keeping the answer across changes.
//!
//! A set is exact for one graph, model, subject and context. It remembers what it depends on: every relation of every
//! object that a check read, and every subject whose tuples the expansion followed. A change that touches neither leaves
//! it exact; new audiences are tested one by one. An audience whose check is an error is denied.

use std::sync::Arc;

use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{
    audience::{AudienceOrdinal, is_parent},
    check::{CheckError, Evaluator, visit_key},
    condition::{ConditionUse, Context},
    edge::{OBJECT, SubjectKey},
    fast::FastSet,
    graph::{Graph, GraphChange},
    intern::{NodeId, Symbol, Vertex},
    model::{BindingError, Model, RelationId},
    reach::{Reached, reach},
    tuple::SubjectRef,
};
use usher_base::effort::{Effort, Spent};
use usher_base::faults::mutants;

/// Layers of dependencies after which a carried set is better resolved anew: each layer is one more place to look.
const MAX_LAYERS: usize = 16;

/// What "may read" means for a collection. Sections have the same relation, and are read only where their document is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Binding {
    pub object_type: String,
    pub relation: String,
    pub section_type: Option<String>,
}

/// Why a reader's audiences cannot be resolved at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("only a plain object can be a reader")]
    NotAnObject,
    /// Grants that name their own object are alike for all objects of an audience, except to those objects.
    #[error("an object of a type that a collection binds cannot be a reader")]
    BoundSubject,
    #[error(transparent)]
    Binding(#[from] BindingError),
    #[error(transparent)]
    Spent(#[from] Spent),
}

/// Work done by one resolve, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResolveStats {
    /// Audiences that the expansion reached.
    pub audiences_reached: u32,
    /// Audiences that needed a check of their own.
    pub audiences_evaluated: u32,
    /// Audiences denied because their check was an error.
    pub audiences_failed: u32,
    /// Tuples that the expansion looked at.
    pub tuples_followed: u32,
    /// Relations of objects that checks read.
    pub relations_read: u32,
}

/// What a part of a set depends on.
#[derive(Debug, Default)]
struct Dependencies {
    /// As by [`visit_key`].
    read: FastSet<u64>,
    /// Packed subjects.
    followed: FastSet<u64>,
}

/// The audiences that one reader may read.
#[derive(Debug, Clone)]
pub struct AllowedSet {
    allowed: Arc<RoaringBitmap>,
    /// Ordinals below this were considered.
    known: u32,
    model: String,
    binding: Binding,
    subject: SubjectRef,
    /// The reader's number; none as long as no tuple ever named the reader.
    reader: Option<NodeId>,
    conditions: ConditionUse,
    /// Where intervals of time were met: from when the set is exact.
    from: Option<Timestamp>,
    dependencies: Vec<Arc<Dependencies>>,
    stats: ResolveStats,
}

/// What carrying a set over changes gave.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "made and taken apart in one place, never kept")]
pub enum Carried {
    /// Exact for the newer graph as it is.
    Unchanged,
    /// Exact for the newer graph in this form. Its [`AllowedSet::conditions`] may be stricter than before.
    Extended(AllowedSet),
    /// Must be resolved again.
    Dropped,
}

/// The relations of a binding in the numbers of one model and graph.
struct Bound {
    document: RelationId,
    section: Option<BoundSection>,
}

struct BoundSection {
    id: RelationId,
    section_type: Symbol,
    /// The tupleset, where sections' parents are canonicalised by their audience.
    parent: Option<Symbol>,
}

impl AllowedSet {
    /// [`AllowedSet::resolve_within`] as much work as it takes.
    pub fn resolve(
        graph: &Graph,
        model: &Model,
        binding: &Binding,
        subject: &SubjectRef,
        context: &Context,
    ) -> Result<AllowedSet, ResolveError> {
        Self::resolve_within(&Effort::unbounded(), graph, model, binding, subject, context)
    }

    /// Resolves a reader. Cost follows what the reader reaches, not the size of the store.
    pub fn resolve_within(
        effort: &Effort,
        graph: &Graph,
        model: &Model,
        binding: &Binding,
        subject: &SubjectRef,
        context: &Context,
    ) -> Result<AllowedSet, ResolveError> {
        let mut evaluator = reader(graph, model, subject, context)?.within(effort);
        let bound = Bound::of(graph, model, binding, &evaluator)?;
        let mut set = AllowedSet {
            allowed: Arc::default(),
            known: graph.audience_count(),
            model: model.id().to_owned(),
            binding: binding.clone(),
            subject: subject.clone(),
            reader: known_reader(graph, subject),
            conditions: ConditionUse::None,
            from: context.current_time(),
            dependencies: Vec::new(),
            stats: ResolveStats::default(),
        };
        let mut allowed = RoaringBitmap::new();
        evaluator.record_visits();
        let mut followed = set.add_reached(graph, model, &mut evaluator, bound.document, &mut allowed);
        if let Some(section) = &bound.section {
            match section.parent {
                Some(tupleset) => set.add_sections(graph, &mut evaluator, section, tupleset, &mut allowed),
                None => followed.extend(set.add_reached(graph, model, &mut evaluator, section.id, &mut allowed)),
            }
            if mutants::active("section_without_grants_open") {
                open_sections(graph, section, &mut allowed);
            }
        }
        if let Some(spent) = evaluator.spent() {
            return Err(spent.into());
        }
        let read = evaluator.take_visits();
        set.stats.relations_read = count(read.len());
        set.allowed = Arc::new(allowed);
        set.conditions = evaluator.conditions();
        set.dependencies.push(Arc::new(Dependencies { read, followed }));
        Ok(set)
    }

    /// Adds the audiences that the expansion towards a relation reaches and a check allows; the subjects followed.
    fn add_reached(
        &mut self,
        graph: &Graph,
        model: &Model,
        evaluator: &mut Evaluator<'_>,
        id: RelationId,
        allowed: &mut RoaringBitmap,
    ) -> FastSet<u64> {
        let Reached { states, goals, subjects, steps } = reach(evaluator, graph, model, id);
        self.stats.tuples_followed = self.stats.tuples_followed.saturating_add(count(steps));
        evaluator.expect(goals.len());
        for ((vertex, relation), certainty) in &states {
            if let (Some(hops), Ok(relation)) = (certainty, u16::try_from(*relation)) {
                evaluator.seed(Vertex(*vertex), RelationId(relation), *hops);
            }
        }
        for vertex in goals {
            let Some(audience) = vertex.as_audience() else { continue };
            self.stats.audiences_reached += 1;
            let certain = states.get(&(vertex.0, u32::from(id.0))).is_some_and(Option::is_some);
            if certain || self.decide(evaluator, audience, id) {
                allowed.insert(audience.0);
            }
        }
        subjects
    }

    /// Adds sections of the allowed documents. A section is read only where its document is, so there are no others.
    fn add_sections(
        &mut self,
        graph: &Graph,
        evaluator: &mut Evaluator<'_>,
        section: &BoundSection,
        tupleset: Symbol,
        allowed: &mut RoaringBitmap,
    ) {
        let mut found = RoaringBitmap::new();
        for document in allowed.iter() {
            let parent = SubjectKey::object(Vertex::audience(AudienceOrdinal(document)));
            for back in graph.back(parent, Some(tupleset)) {
                let Some(audience) = back.vertex.as_audience() else { continue };
                if graph.vertex_type(back.vertex) == Some(section.section_type) {
                    found.insert(audience.0);
                }
            }
        }
        self.stats.audiences_reached = self.stats.audiences_reached.saturating_add(count(found.len() as usize));
        for audience in found {
            if self.decide(evaluator, AudienceOrdinal(audience), section.id) {
                allowed.insert(audience);
            }
        }
    }

    fn decide(&mut self, evaluator: &mut Evaluator<'_>, audience: AudienceOrdinal, id: RelationId) -> bool {
        self.stats.audiences_evaluated += 1;
        match evaluator.decide(Vertex::audience(audience), id) {
            Ok(allowed) => allowed,
            // One that was not decided fails the whole set.
            Err(CheckError::TooComplex | CheckError::Condition(_) | CheckError::Spent(_)) => {
                self.stats.audiences_failed += 1;
                false
            }
        }
    }

    /// Whether objects of the audience may be read.
    pub fn contains(&self, audience: AudienceOrdinal) -> bool {
        self.allowed.contains(audience.0)
    }

    /// The ordinals of the allowed audiences. May hold retired ones, which no object has.
    pub fn bitmap(&self) -> &RoaringBitmap {
        &self.allowed
    }

    /// For whom else the set is exact.
    pub fn conditions(&self) -> ConditionUse {
        if mutants::active("conditional_in_context_free_set") { ConditionUse::None } else { self.conditions }
    }

    /// What resolving and extending took so far.
    pub fn stats(&self) -> ResolveStats {
        self.stats
    }

    /// An estimate of the bytes that the set and its dependencies hold, for a cache's weigher.
    pub fn memory_bytes(&self) -> usize {
        let dependencies: usize =
            self.dependencies.iter().map(|layer| (layer.read.capacity() + layer.followed.capacity()) * 9).sum();
        self.allowed.serialized_size() + dependencies + 256
    }

    /// The set for a newer graph, given all changes in between, in any order.
    ///
    /// `context` must be one that the set is exact for, or a later `current_time` before the instant in
    /// [`ConditionUse::Until`]; a `current_time` outside is noticed and drops the set.
    pub fn carry(
        &self,
        effort: &Effort,
        changes: &[&GraphChange],
        graph: &Graph,
        model: &Model,
        context: &Context,
    ) -> Carried {
        // The dependencies of a reader whom no tuple had named do not speak of the number that one has given since.
        let renamed = known_reader(graph, &self.subject) != self.reader;
        if renamed || model.id() != self.model || !self.holds_at(context) {
            return Carried::Dropped;
        }
        if changes.iter().any(|change| self.is_touched(change)) {
            return Carried::Dropped;
        }
        let fresh: Vec<AudienceOrdinal> = (self.known..graph.audience_count())
            .map(AudienceOrdinal)
            .filter(|audience| graph.live_audience(*audience).is_some())
            .collect();
        let retired: Vec<u32> = changes.iter().flat_map(|change| change.retired()).map(|audience| audience.0).collect();
        if fresh.is_empty() && !retired.iter().any(|audience| self.allowed.contains(*audience)) {
            return Carried::Unchanged;
        }
        if self.dependencies.len() >= MAX_LAYERS {
            return Carried::Dropped;
        }
        self.extended(effort, &fresh, &retired, graph, model, context).map_or(Carried::Dropped, Carried::Extended)
    }

    fn holds_at(&self, context: &Context) -> bool {
        match (self.conditions, context.current_time(), self.from) {
            (ConditionUse::Until(until), Some(now), Some(from)) => from <= now && now < until,
            (ConditionUse::Until(until), None, None) => until == Timestamp::MAX,
            (ConditionUse::Until(_), _, _) => false,
            (ConditionUse::None | ConditionUse::Context, _, _) => true,
        }
    }

    fn is_touched(&self, change: &GraphChange) -> bool {
        let ignore_followed = mutants::active("invalidation_of_visited_only");
        change.touches_all()
            || change.edges().iter().any(|edge| {
                let read = visit_key(edge.object, edge.relation);
                let subject = edge.subject.packed();
                self.dependencies
                    .iter()
                    .any(|layer| layer.read.contains(&read) || (!ignore_followed && layer.followed.contains(&subject)))
            })
    }

    fn follows(&self, subject: SubjectKey) -> bool {
        let packed = subject.packed();
        self.dependencies.iter().any(|layer| layer.followed.contains(&packed))
    }

    fn extended(
        &self,
        effort: &Effort,
        fresh: &[AudienceOrdinal],
        retired: &[u32],
        graph: &Graph,
        model: &Model,
        context: &Context,
    ) -> Option<AllowedSet> {
        let mut evaluator = reader(graph, model, &self.subject, context).ok()?.within(effort);
        let bound = Bound::of(graph, model, &self.binding, &evaluator).ok()?;
        let mut set = self.clone();
        set.known = graph.audience_count();
        let mut allowed = (*self.allowed).clone();
        retired.iter().for_each(|audience| {
            allowed.remove(*audience);
        });
        evaluator.record_visits();
        let document_type = evaluator.linked().type_of(bound.document);
        // Documents first: a new section may belong to a new audience of documents.
        let mut goals = vec![(document_type, bound.document)];
        goals.extend(bound.section.as_ref().map(|section| (Some(section.section_type), section.id)));
        for (object_type, id) in goals {
            for audience in fresh {
                if graph.vertex_type(Vertex::audience(*audience)) == object_type
                    && self.is_hit(graph, &mut evaluator, *audience, &allowed)
                    && set.decide(&mut evaluator, *audience, id)
                {
                    allowed.insert(audience.0);
                }
            }
        }
        if let Some(section) = bound.section.filter(|_| mutants::active("section_without_grants_open")) {
            open_sections(graph, &section, &mut allowed);
        }
        if evaluator.spent().is_some() {
            return None;
        }
        let read = evaluator.take_visits();
        set.stats.relations_read = set.stats.relations_read.saturating_add(count(read.len()));
        set.conditions = set.conditions.and(evaluator.conditions());
        if evaluator.conditions() != ConditionUse::None {
            set.from = context.current_time();
        }
        set.allowed = Arc::new(allowed);
        if !read.is_empty() {
            set.dependencies.push(Arc::new(Dependencies { read, followed: FastSet::default() }));
        }
        Some(set)
    }

    /// Whether a new audience has a grant that the expansion would have followed. Tuples of the object itself cannot be
    /// the first; a section's parent stands for the parent's own grants, which were looked at before.
    fn is_hit(
        &self,
        graph: &Graph,
        evaluator: &mut Evaluator<'_>,
        audience: AudienceOrdinal,
        allowed: &RoaringBitmap,
    ) -> bool {
        let vertex = Vertex::audience(audience);
        let Some(held) = graph.live_audience(audience) else { return false };
        let mut hit = false;
        for edge in held.edges.iter() {
            let parent = Vertex(edge.subject.node).as_audience().filter(|_| is_parent(&edge));
            let follows = match parent {
                Some(parent) => allowed.contains(parent.0) || self.follows(edge.subject),
                None => self.follows(edge.without_self(vertex).subject),
            };
            if follows {
                hit = true;
                if !edge.condition.is_none() {
                    let object_type = graph.vertex_type(vertex);
                    let id = object_type.and_then(|held| evaluator.linked().relation(held, edge.relation));
                    // Counts the condition as met, should the model admit the tuple.
                    id.map(|id| evaluator.admits(id, &edge));
                }
            }
        }
        hit
    }
}

fn reader<'a>(
    graph: &'a Graph,
    model: &'a Model,
    subject: &SubjectRef,
    context: &'a Context,
) -> Result<Evaluator<'a>, ResolveError> {
    let SubjectRef::Object(object) = subject else { return Err(ResolveError::NotAnObject) };
    let subject_type = graph.interner().known_symbol(&object.object_type);
    if subject_type.is_some_and(|subject_type| graph.is_bound_type(subject_type)) {
        return Err(ResolveError::BoundSubject);
    }
    Ok(Evaluator::new(graph, model, subject, context))
}

fn known_reader(graph: &Graph, subject: &SubjectRef) -> Option<NodeId> {
    match subject {
        SubjectRef::Object(object) => graph.node(object),
        SubjectRef::Userset(..) | SubjectRef::Wildcard(_) => None,
    }
}

impl Bound {
    fn of(graph: &Graph, model: &Model, binding: &Binding, evaluator: &Evaluator<'_>) -> Result<Bound, BindingError> {
        let tupleset = model.check_binding(&binding.object_type, &binding.relation, binding.section_type.as_deref())?;
        let unknown = |object_type: &str| BindingError::UnknownRelation {
            object_type: object_type.to_owned(),
            relation: binding.relation.clone(),
        };
        let find = |object_type: &str| model.relation_id(object_type, &binding.relation);
        let document = find(&binding.object_type).ok_or_else(|| unknown(&binding.object_type))?;
        let section = match binding.section_type.as_deref() {
            None => None,
            Some(section_type) => {
                let id = find(section_type).ok_or_else(|| unknown(section_type))?;
                let symbol = evaluator.linked().type_of(id).ok_or_else(|| unknown(section_type))?;
                let named = |name: &str| graph.interner().known_symbol(name);
                let leads = tupleset.as_deref().and_then(named).zip(named(&binding.object_type));
                let parent = graph.parent_of_type(symbol).filter(|parent| Some(*parent) == leads);
                Some(BoundSection { id, section_type: symbol, parent: parent.map(|(tupleset, _)| tupleset) })
            }
        };
        Ok(Bound { document, section })
    }
}

/// The deliberate bug that treats a section without grants of its own as unrestricted.
fn open_sections(graph: &Graph, section: &BoundSection, allowed: &mut RoaringBitmap) {
    for audience in (0..graph.audience_count()).map(AudienceOrdinal) {
        let Some(held) = graph.live_audience(audience).filter(|held| held.object_type == Some(section.section_type))
        else {
            continue;
        };
        let open = held.edges.iter().all(|edge| edge.subject.kind == OBJECT && is_parent(&edge));
        if open {
            allowed.insert(audience.0);
        }
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;
