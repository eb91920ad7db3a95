//! What more tuples of a relation can do to a decision: let somebody in, keep somebody out, or either.

use super::{Model, RelationId, Rule, recursion::usersets};

/// The direction in which tuples of one relation move decisions of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    /// Another tuple may let somebody in.
    pub widens: bool,
    /// Another tuple may keep somebody out.
    pub narrows: bool,
}

impl Effect {
    /// Takes in another way of counting; says whether it is new.
    fn add(&mut self, is_positive: bool) -> bool {
        let before = *self;
        self.widens |= is_positive;
        self.narrows |= !is_positive;
        before != *self
    }
}

impl Model {
    /// The effect of tuples of `object_type#relation` on decisions of the `roots`; neither where these never look at
    /// them. A label of which there must be exactly one also narrows by being the second, which this doesn't tell.
    /// O(size of the model).
    pub fn effect<'r>(
        &self,
        object_type: &str,
        relation: &str,
        roots: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> Effect {
        let mut effects = vec![Effect::default(); self.relations.len()];
        let mut open: Vec<(RelationId, bool)> =
            roots.into_iter().filter_map(|(of, name)| Some((self.relation_id(of, name)?, true))).collect();
        while let Some((id, is_positive)) = open.pop() {
            let (Some(relation), Some(effect)) = (self.relation(id), effects.get_mut(id.index())) else { continue };
            if effect.add(is_positive) {
                self.operands(&relation.rule, id, is_positive, &mut open);
            }
        }
        let asked = self.relation_id(object_type, relation).and_then(|id| effects.get(id.index()));
        asked.copied().unwrap_or_default()
    }

    fn operands(&self, rule: &Rule, own: RelationId, is_positive: bool, open: &mut Vec<(RelationId, bool)>) {
        match rule {
            Rule::This => {
                let sets = self.relation(own).into_iter().flat_map(|relation| usersets(relation, &self.types));
                open.extend(sets.map(|id| (id, is_positive)));
            }
            Rule::Computed(id) => open.push((*id, is_positive)),
            Rule::TupleToUserset { tupleset, computed, .. } => {
                open.push((*tupleset, is_positive));
                open.extend(computed.iter().map(|id| (*id, is_positive)));
            }
            Rule::Union(parts) | Rule::Intersection(parts) => {
                parts.iter().for_each(|part| self.operands(part, own, is_positive, open));
            }
            Rule::Difference(base, subtract) => {
                self.operands(base, own, is_positive, open);
                self.operands(subtract, own, !is_positive, open);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_tells_grants_from_bans() {
        let model = Model::compile("m", serde_json::from_str(crate::DEFAULT_MODEL_JSON).unwrap()).unwrap();
        let effect = |of: &str, relation: &str| model.effect(of, relation, [("document", "can_view")]);
        let (grant, ban) = (Effect { widens: true, narrows: false }, Effect { widens: false, narrows: true });
        for relation in ["viewer", "editor", "owner", "inherits"] {
            assert_eq!(effect("document", relation), grant, "{relation}");
        }
        for relation in ["blocked", "parent"] {
            assert_eq!(effect("document", relation), ban, "{relation}");
        }
        assert_eq!(effect("folder", "blocked"), ban);
        assert_eq!(effect("group", "member"), Effect { widens: true, narrows: true });
        assert_eq!(effect("section", "viewer"), Effect::default());
    }
}
