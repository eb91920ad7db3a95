//! Rewrite rules in the numbers of a model.

/// A relation of one type of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in super::super) struct RelationId(pub(in super::super) u16);

impl RelationId {
    pub(in super::super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How a relation's subjects come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Rule {
    This,
    Computed(RelationId),
    TupleToUserset {
        tupleset: RelationId,
        computed_name: String,
        /// The relation of that name on each type that the tupleset leads to and that has it.
        computed: Vec<RelationId>,
    },
    Union(Vec<Rule>),
    Intersection(Vec<Rule>),
    Difference(Box<Rule>, Box<Rule>),
}

impl Rule {
    /// Visits the rule and all its operands.
    pub(super) fn walk<'r>(&'r self, visit: &mut dyn FnMut(&'r Rule)) {
        visit(self);
        match self {
            Rule::This | Rule::Computed(_) | Rule::TupleToUserset { .. } => {}
            Rule::Union(operands) | Rule::Intersection(operands) => {
                operands.iter().for_each(|operand| operand.walk(visit));
            }
            Rule::Difference(base, subtract) => {
                base.walk(visit);
                subtract.walk(visit);
            }
        }
    }

    pub(super) fn has_this(&self) -> bool {
        let mut found = false;
        self.walk(&mut |rule| found |= *rule == Rule::This);
        found
    }
}
