//! Recursion through unions: nested groups, folders in folders.
//!
//! Inside such a part of a model a path is as good as a walk, so each (object, relation) is visited once, breadth first,
//! instead of once per path, of which a dense cycle has exponentially many. The first level at which something is true
//! gives the least number of hops. If nothing is, a depth-first pass over what was seen finds which of it leads into a
//! cycle: those falses carry the mark, and all of them hold whatever path comes here.

use super::{
    super::{
        MAX_DEPTH,
        fast::FastMap,
        intern::Vertex,
        model::{RelationId, Rule},
    },
    Evaluator, MAX_STEPS,
    evaluate::Target,
    memo_key,
    outcome::Outcome,
};

struct Node {
    vertex: Vertex,
    id: RelationId,
    /// Hops from the start.
    level: u8,
    /// By which node it was found.
    found_by: usize,
    /// The outcome without the recursion.
    local: Outcome,
    /// Recursive checks that it leads to, and whether over a hop.
    next: Vec<(usize, bool)>,
}

#[derive(Default)]
struct Region {
    nodes: Vec<Node>,
    index: FastMap<u64, usize>,
}

impl Region {
    fn enter(&mut self, (vertex, id): Target, level: u8, found_by: usize) -> (usize, bool) {
        let at = self.nodes.len();
        match self.index.entry(memo_key(vertex, id)) {
            std::collections::hash_map::Entry::Occupied(held) => (*held.get(), false),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(at);
                self.nodes.push(Node { vertex, id, level, found_by, local: Outcome::FALSE, next: Vec::new() });
                (at, true)
            }
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn region(&mut self, vertex: Vertex, id: RelationId, depth: u8, marks: bool) -> Outcome {
        let mut region = Region::default();
        region.enter((vertex, id), 0, 0);
        let (mut level, mut following) = (vec![0], Vec::new());
        let mut levels = 0u8;
        while !level.is_empty() {
            // Computed relations cost no hop: what they lead to joins the level being walked.
            while let Some(at) = level.pop() {
                let outcome = self.visit_node(&mut region, at, depth, marks, &mut level, &mut following);
                if outcome.is_true() {
                    return self.remember_way(&region, at, outcome, depth);
                }
            }
            std::mem::swap(&mut level, &mut following);
            levels = levels.saturating_add(1);
        }
        self.settle(&region, depth, marks)
    }

    /// Evaluates one node but for its recursion, which it queues.
    fn visit_node(
        &mut self,
        region: &mut Region,
        at: usize,
        depth: u8,
        marks: bool,
        level: &mut Vec<usize>,
        following: &mut Vec<usize>,
    ) -> Outcome {
        let Some(node) = region.nodes.get(at) else { return Outcome::FALSE };
        let (vertex, id, hops) = (node.vertex, node.id, node.level);
        let depth = depth.saturating_add(hops);
        let mut recursive = Vec::new();
        let local = self.local(vertex, id, depth, marks, at == 0, &mut recursive);
        for (target, hop) in recursive {
            let (next, new) = region.enter(target, hops + u8::from(hop), at);
            if new {
                if hop { following.push(next) } else { level.push(next) }
            }
            if let Some(node) = region.nodes.get_mut(at) {
                node.next.push((next, hop));
            }
        }
        if let Some(node) = region.nodes.get_mut(at) {
            node.local = local;
        }
        local
    }

    fn local(
        &mut self,
        vertex: Vertex,
        id: RelationId,
        depth: u8,
        marks: bool,
        is_start: bool,
        recursive: &mut Vec<(Target, bool)>,
    ) -> Outcome {
        if !is_start {
            if depth >= MAX_DEPTH || self.steps >= MAX_STEPS || !self.charge(1) {
                return Outcome::TOO_COMPLEX;
            }
            if self.defines_itself(vertex, id) {
                return Outcome::TRUE;
            }
            if let Some(known) = self.remembered(memo_key(vertex, id), depth, marks) {
                return known;
            }
            self.steps += 1;
        }
        let model = self.model;
        let Some(relation) = model.relation(id) else { return Outcome::FALSE };
        self.operand(&relation.rule, vertex, id, depth, marks, recursive)
    }

    fn operand(
        &mut self,
        rule: &Rule,
        vertex: Vertex,
        id: RelationId,
        depth: u8,
        marks: bool,
        recursive: &mut Vec<(Target, bool)>,
    ) -> Outcome {
        match rule {
            Rule::Union(operands) => {
                let mut outcome = Outcome::FALSE;
                for operand in operands {
                    if outcome.is_true() {
                        break;
                    }
                    outcome = outcome.or(self.operand(operand, vertex, id, depth, marks, recursive));
                }
                outcome
            }
            Rule::This | Rule::TupleToUserset { .. } => {
                let mut targets = Vec::new();
                let mut outcome = self.leaf(rule, vertex, id, &mut targets);
                for target in targets {
                    if outcome.is_true() {
                        break;
                    }
                    if self.same_part(id, target.1) {
                        recursive.push((target, true));
                    } else {
                        outcome = outcome.or(self.evaluate(target.0, target.1, depth + 1, marks).hop());
                    }
                }
                outcome
            }
            Rule::Computed(computed) if self.same_part(id, *computed) => {
                recursive.push(((vertex, *computed), false));
                Outcome::FALSE
            }
            // INVARIANT: a pure part refers to itself under unions only, so nothing below these operands comes back.
            Rule::Computed(_) | Rule::Intersection(_) | Rule::Difference(..) => {
                self.rule(rule, vertex, id, depth, marks)
            }
        }
    }

    fn same_part(&self, a: RelationId, b: RelationId) -> bool {
        let part = |id: RelationId| self.model.relation(id).and_then(|relation| relation.recursion.part);
        part(a) == part(b)
    }

    /// Remembers the truth along the way on which it was found; the outcome of the start.
    fn remember_way(&mut self, region: &Region, witness: usize, outcome: Outcome, depth: u8) -> Outcome {
        let Some(found) = region.nodes.get(witness) else { return outcome };
        let total = found.level.saturating_add(outcome.height);
        let mut at = witness;
        while let Some(node) = region.nodes.get(at) {
            let height = total.saturating_sub(node.level);
            let outcome = Outcome { height, ..Outcome::TRUE };
            self.remember(memo_key(node.vertex, node.id), depth.saturating_add(node.level), outcome, true);
            if at == 0 {
                return outcome;
            }
            at = node.found_by;
        }
        outcome
    }

    /// Nothing is true: what each node is instead, from the leaves up.
    fn settle(&mut self, region: &Region, depth: u8, marks: bool) -> Outcome {
        #[derive(Clone, Copy, PartialEq)]
        enum Colour {
            White,
            Grey,
            Black,
        }
        let mut colours = vec![Colour::White; region.nodes.len()];
        let mut outcomes: Vec<Outcome> = region.nodes.iter().map(|node| node.local).collect();
        let mut work: Vec<(usize, usize)> = vec![(0, 0)];
        while let Some((at, child)) = work.pop() {
            let Some(node) = region.nodes.get(at) else { continue };
            if let Some(colour) = colours.get_mut(at).filter(|colour| **colour == Colour::White) {
                *colour = Colour::Grey;
            }
            let Some((next, hop)) = node.next.get(child).copied() else {
                if let Some(colour) = colours.get_mut(at) {
                    *colour = Colour::Black;
                }
                continue;
            };
            match colours.get(next) {
                Some(Colour::White) => {
                    // Comes back to this edge once the node below is black.
                    work.push((at, child));
                    work.push((next, 0));
                    continue;
                }
                Some(Colour::Grey) => {
                    if let Some(outcome) = outcomes.get_mut(at) {
                        outcome.mark = true;
                    }
                }
                _ => {
                    let below = outcomes.get(next).copied().unwrap_or(Outcome::FALSE);
                    if let Some(outcome) = outcomes.get_mut(at) {
                        *outcome = outcome.or(if hop { below.hop() } else { below });
                    }
                }
            }
            work.push((at, child + 1));
        }
        for (node, outcome) in region.nodes.iter().zip(&outcomes) {
            self.remember(memo_key(node.vertex, node.id), depth.saturating_add(node.level), *outcome, marks);
        }
        let mut start = outcomes.first().copied().unwrap_or(Outcome::FALSE);
        if !start.mark && depth.saturating_add(start.height) >= MAX_DEPTH {
            // A longer way than the shortest one to some node goes too deep.
            start = start.or(Outcome::TOO_COMPLEX);
        }
        start
    }
}
