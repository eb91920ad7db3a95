//! From a batch of changes to the next graph.
//!
//! The order matters: first what changed per object, then which objects of bound types must be walked through, then
//! their own edges, then documents' audiences, then sections' (which are made of their documents'), then what nobody
//! refers to any more. Edges seen from their subjects are collected all along and merged once per subject at the end.

use std::collections::BTreeMap;

use super::{
    super::{
        audience::{AudienceOrdinal, canonical},
        edge::{Back, Edge, SubjectKey, WILDCARD},
        fast::FastMap,
        intern::{NodeId, Symbol, Vertex},
        sorted::SortedList,
    },
    Bound, Entry, Graph, GraphChange, GraphEdit,
    change::ChangedEdge,
};

pub(super) fn finish(edit: GraphEdit) -> (Graph, GraphChange) {
    let mut work = Work {
        next: edit.base.clone(),
        base: edit.base,
        objects: BTreeMap::new(),
        uses: FastMap::default(),
        back: FastMap::default(),
        emptied: Vec::new(),
        change: GraphChange::default(),
    };
    for (node, object_type) in edit.types {
        let held = work.next.slots.get(node).and_then(|slot| slot.object_type);
        if held.is_none() {
            work.next.slots.get_mut(node).object_type = Some(object_type);
        }
    }
    for (node, pending) in edit.pending {
        let node = NodeId(node);
        let (mut adds, mut removes) = (Vec::new(), Vec::new());
        for ((relation, subject), wanted) in pending {
            let held = work.base.condition_of(node, relation, subject);
            if held != wanted {
                removes.extend(held.map(|condition| Edge { relation, subject, condition }));
                adds.extend(wanted.map(|condition| Edge { relation, subject, condition }));
            }
        }
        if !(adds.is_empty() && removes.is_empty()) {
            work.object(node, &adds, &removes);
        }
    }
    work.decide_walked();
    work.own_edges();
    work.audiences();
    work.retire();
    work.merge_back();
    work.next.audience_count = work.next.interner.audience_count();
    (work.next, work.change)
}

/// An object of a bound type whose tuples, or whose being walked through, changed.
struct Object {
    bound: Bound,
    old: Vec<Edge>,
    new: Vec<Edge>,
    was_walked: bool,
    walked: bool,
}

#[derive(Default)]
struct BackChanges {
    adds: Vec<Back>,
    removes: Vec<Back>,
}

struct Work {
    base: Graph,
    next: Graph,
    objects: BTreeMap<NodeId, Object>,
    /// By object of a bound type: how many more tuples need it walked through.
    uses: FastMap<u32, i64>,
    /// By [`SubjectKey::node`], wildcards apart.
    back: FastMap<(bool, u32), BackChanges>,
    /// Audiences that lost a member.
    emptied: Vec<AudienceOrdinal>,
    change: GraphChange,
}

/// Elements only in `old`, and only in `new`; both sorted.
fn difference(old: &[Edge], new: &[Edge]) -> (Vec<Edge>, Vec<Edge>) {
    let only = |of: &[Edge], other: &[Edge]| -> Vec<Edge> {
        of.iter().filter(|edge| other.binary_search(edge).is_err()).copied().collect()
    };
    (only(old, new), only(new, old))
}

impl Work {
    fn parent(&self, bound: &Bound, edge: &Edge) -> Option<NodeId> {
        bound.is_parent(edge, |node| self.next.vertex_type(Vertex::node(node)))
    }

    fn object(&mut self, node: NodeId, adds: &[Edge], removes: &[Edge]) {
        self.next.tuples = (self.next.tuples + adds.len()).saturating_sub(removes.len());
        let bound = self.next.bound_of(node).copied();
        for (edges, sign) in [(adds, 1), (removes, -1)] {
            for edge in edges {
                self.note_use(node, bound.as_ref(), edge, sign);
            }
        }
        let Some(bound) = bound else {
            let edges = self.base.entry(node).map_or(SortedList::Empty, |entry| entry.edges.clone());
            self.entry_mut(node).edges = edges.apply(adds, removes);
            self.link(Vertex::node(node), adds, removes);
            self.note_change(node, adds);
            self.note_change(node, removes);
            return;
        };
        let old = self.base.raw_edges(node);
        let new = SortedList::from_sorted(&old).apply(adds, removes).iter().collect();
        let was_walked = self.base.is_walked(node);
        self.objects.insert(node, Object { bound, old, new, was_walked, walked: was_walked });
    }

    /// A tuple whose subject is of a bound type needs that object walked through, unless the tuple is the object's own or
    /// leads from a section to its parent; those of walked sections are counted once it is known which are.
    fn note_use(&mut self, object: NodeId, bound: Option<&Bound>, edge: &Edge, sign: i64) {
        let Some(subject) = edge.subject.vertex().and_then(Vertex::as_node) else { return };
        let parent = bound.is_some_and(|bound| self.parent(bound, edge).is_some());
        if subject != object && !parent && self.next.bound_of(subject).is_some() {
            *self.uses.entry(subject.0).or_default() += sign;
        }
    }

    fn decide_walked(&mut self) {
        // Sections first: whether they are walked through depends on no parent edge, since parents are never sections.
        let touched = self.objects.keys().copied();
        let used = self.uses.keys().map(|node| NodeId(*node));
        let mut nodes: Vec<NodeId> = touched.chain(used).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let is_section =
            |work: &Work, node: NodeId| work.next.bound_of(node).is_some_and(|bound| bound.parent.is_some());
        let (sections, documents): (Vec<NodeId>, Vec<NodeId>) =
            nodes.into_iter().partition(|node| is_section(self, *node));
        for node in sections {
            self.decide(node);
            let Some(object) = self.objects.get(&node) else { continue };
            let mut changes = Vec::new();
            for (edges, walked, sign) in [(&object.old, object.was_walked, -1), (&object.new, object.walked, 1)] {
                if walked {
                    let parents = edges.iter().filter_map(|edge| self.parent(&object.bound, edge));
                    changes.extend(parents.map(|parent| (parent, sign)));
                }
            }
            for (parent, sign) in changes {
                *self.uses.entry(parent.0).or_default() += sign;
            }
        }
        let used: Vec<NodeId> = self.uses.keys().map(|node| NodeId(*node)).collect();
        for node in documents.into_iter().chain(used) {
            if !is_section(self, node) {
                self.decide(node);
            }
        }
    }

    /// Whether the object is walked through from now on; enters it among the changed objects if that is new.
    fn decide(&mut self, node: NodeId) {
        let before = self.base.entry(node).map_or(0, |entry| entry.uses);
        let delta = self.uses.get(&node.0).copied().unwrap_or_default();
        let uses = u32::try_from(i64::from(before) + delta).unwrap_or_default();
        if delta != 0 {
            self.entry_mut(node).uses = uses;
        }
        let walked = uses > 0;
        if let Some(object) = self.objects.get_mut(&node) {
            object.walked = walked;
        } else if walked != (before > 0)
            && let Some(bound) = self.next.bound_of(node).copied()
        {
            let old = self.base.raw_edges(node);
            self.objects.insert(node, Object { bound, new: old.clone(), old, was_walked: !walked, walked });
        }
    }

    /// Edges that an object of a bound type has itself: all of them if it is walked through, else those to parents, by
    /// which a parent finds its sections.
    fn own_edges(&mut self) {
        let objects = std::mem::take(&mut self.objects);
        for (node, object) in &objects {
            let own = |edges: &[Edge], walked: bool| -> Vec<Edge> {
                edges.iter().filter(|edge| walked || self.parent(&object.bound, edge).is_some()).copied().collect()
            };
            let (old, new) = (own(&object.old, object.was_walked), own(&object.new, object.walked));
            let (removes, adds) = difference(&old, &new);
            self.link(Vertex::node(*node), &adds, &removes);
            if !(adds.is_empty() && removes.is_empty()) {
                self.entry_mut(*node).edges = SortedList::from_sorted(&new);
            }
            let seen = |edges: &[Edge], walked: bool| if walked { edges.to_vec() } else { Vec::new() };
            let (removes, adds) = difference(&seen(&object.old, object.was_walked), &seen(&object.new, object.walked));
            self.note_change(*node, &adds);
            self.note_change(*node, &removes);
        }
        self.objects = objects;
    }

    fn audiences(&mut self) {
        let objects = std::mem::take(&mut self.objects);
        let mut sections: BTreeMap<NodeId, (Bound, Vec<Edge>)> = BTreeMap::new();
        for (node, object) in objects {
            if object.bound.parent.is_some() {
                sections.insert(node, (object.bound, object.new));
            } else if object.old != object.new && self.assign(node, &object.bound, &object.new) {
                for (child, bound) in self.sections_of(node, object.bound.object_type) {
                    // A section with changes of its own is in the loop above as well, and its new tuples win: `insert`
                    // replaces what stands here, `or_insert_with` does not.
                    sections.entry(child).or_insert_with(|| (bound, self.base.raw_edges(child)));
                }
            }
        }
        for (node, (bound, edges)) in sections {
            self.assign(node, &bound, &edges);
        }
    }

    /// The sections that have the document as a parent, before this edit.
    fn sections_of(&self, document: NodeId, object_type: Symbol) -> Vec<(NodeId, Bound)> {
        let mut found = Vec::new();
        for bound in self.base.bound.iter() {
            let Some((tupleset, _)) = bound.parent.filter(|(_, parent_type)| *parent_type == object_type) else {
                continue;
            };
            for back in self.base.back(SubjectKey::object(Vertex::node(document)), Some(tupleset)) {
                if self.base.vertex_type(back.vertex) == Some(bound.object_type)
                    && let Some(section) = back.vertex.as_node()
                {
                    found.push((section, *bound));
                }
            }
        }
        found
    }

    /// Gives the object the audience of its tuples; whether that is another than before.
    fn assign(&mut self, node: NodeId, bound: &Bound, raw: &[Edge]) -> bool {
        let grants = canonical(raw, Vertex::node(node), |edge| {
            self.parent(bound, edge).map(|parent| self.next.audience(parent))
        });
        let audience = self.audience_of(bound, &grants);
        let old = self.next.audience(node);
        if old == audience {
            return false;
        }
        if let Some(held) = self.next.audiences.get_mut(audience) {
            held.members += 1;
        }
        if let Some(held) = self.next.audiences.get_mut(old) {
            held.members = held.members.saturating_sub(1);
        }
        self.emptied.push(old);
        self.change.moved.push(node);
        self.next.slots.get_mut(node.0).audience = audience.0;
        true
    }

    fn audience_of(&mut self, bound: &Bound, grants: &[Edge]) -> AudienceOrdinal {
        if grants.is_empty() {
            return bound.empty;
        }
        if let Some(found) = self.next.audiences.find(bound.object_type, grants) {
            return found;
        }
        let audience = self.next.interner.next_audience();
        self.next.audiences.insert(audience, bound.object_type, grants);
        self.link(Vertex::audience(audience), grants, &[]);
        let labels = grants.iter().filter(|edge| Some(edge.relation) == bound.single_valued).count();
        if labels > 1 {
            self.next.ambiguous.insert(audience.0);
        }
        audience
    }

    fn retire(&mut self) {
        let mut emptied = std::mem::take(&mut self.emptied);
        emptied.sort_unstable();
        emptied.dedup();
        for audience in emptied {
            let kept = self.next.bound.iter().any(|bound| bound.empty == audience);
            if kept || self.next.audiences.get(audience).is_none_or(|held| held.members > 0) {
                continue;
            }
            if let Some(gone) = self.next.audiences.retire(audience) {
                let edges: Vec<Edge> = gone.edges.iter().collect();
                self.link(Vertex::audience(audience), &[], &edges);
                self.next.ambiguous.remove(audience.0);
                self.change.retired.push(audience);
            }
        }
    }

    /// Notes edges of a vertex, to be seen from their subjects.
    fn link(&mut self, vertex: Vertex, adds: &[Edge], removes: &[Edge]) {
        for (edges, added) in [(adds, true), (removes, false)] {
            for edge in edges {
                let edge = edge.without_self(vertex);
                let back = Back { kind: edge.subject.kind, relation: edge.relation, vertex, condition: edge.condition };
                let changes = self.back.entry((back.kind == WILDCARD, edge.subject.node)).or_default();
                if added { changes.adds.push(back) } else { changes.removes.push(back) }
            }
        }
    }

    fn merge_back(&mut self) {
        for ((wildcard, node), changes) in std::mem::take(&mut self.back) {
            let BackChanges { mut adds, mut removes } = changes;
            adds.sort_unstable();
            removes.sort_unstable();
            // Made and unmade in one edit: an audience that a document had only in passing.
            let passing: Vec<Back> = adds.iter().filter(|back| removes.binary_search(back).is_ok()).copied().collect();
            adds.retain(|back| passing.binary_search(back).is_err());
            removes.retain(|back| passing.binary_search(back).is_err());
            let vertex = Vertex(node);
            let list = if wildcard {
                self.wildcard_mut(Symbol(node))
            } else if let Some(audience) = vertex.as_audience() {
                match self.next.audiences.get_mut(audience) {
                    Some(held) => &mut held.back,
                    None => continue,
                }
            } else {
                &mut self.entry_mut(NodeId(node)).back
            };
            *list = list.apply(&adds, &removes);
        }
    }

    fn wildcard_mut(&mut self, subject_type: Symbol) -> &mut SortedList<Back> {
        let lists = &mut self.next.wildcards;
        let at = lists.iter().position(|(held, _)| *held == subject_type).unwrap_or(lists.len());
        if at == lists.len() {
            lists.push((subject_type, SortedList::Empty));
        }
        #[allow(clippy::indexing_slicing, reason = "the index was found, or is that of the element just pushed")]
        &mut lists[at].1
    }

    fn entry_mut(&mut self, node: NodeId) -> &mut Entry {
        let held = self.next.slots.get(node.0).map_or(0, |slot| slot.entry);
        let index = match held.checked_sub(1) {
            Some(index) => index,
            None => {
                let index = self.next.entry_count;
                self.next.entry_count += 1;
                self.next.slots.get_mut(node.0).entry = index + 1;
                index
            }
        };
        self.next.entries.get_mut(index)
    }

    fn note_change(&mut self, object: NodeId, edges: &[Edge]) {
        self.change.edges.extend(edges.iter().map(|edge| ChangedEdge {
            object,
            relation: edge.relation,
            subject: edge.subject,
        }));
    }
}
