//! Which types a collection may be bound to.

use super::{BindingError, Form, Model, Relation, Rule};

impl Model {
    /// Whether a collection may be bound to these types, with `relation` as "may read" on both; the section type's
    /// tupleset relation that leads to the document.
    pub fn check_binding(
        &self,
        object_type: &str,
        relation: &str,
        section_type: Option<&str>,
    ) -> Result<Option<String>, BindingError> {
        self.bound_relation(object_type, relation)?;
        let Some(section_type) = section_type else { return Ok(None) };
        let section = self.bound_relation(section_type, relation)?;
        if section_type == object_type {
            return Err(BindingError::SameType);
        }
        let top = match &section.rule {
            Rule::Difference(base, _) => base,
            rule => rule,
        };
        let operands = match top {
            Rule::Intersection(operands) => operands.as_slice(),
            _ => &[],
        };
        let parent = operands.iter().find_map(|operand| match operand {
            Rule::TupleToUserset { tupleset, computed_name, .. } if computed_name == relation => {
                let tupleset = self.relation(*tupleset)?;
                let only_documents = tupleset
                    .restrictions
                    .iter()
                    .all(|restriction| restriction.subject_type == object_type && restriction.form == Form::Object);
                only_documents.then(|| tupleset.name.clone())
            }
            _ => None,
        });
        parent.map(Some).ok_or_else(|| BindingError::SectionNotNarrowing {
            section_type: section_type.to_owned(),
            relation: relation.to_owned(),
            object_type: object_type.to_owned(),
        })
    }

    fn bound_relation(&self, object_type: &str, relation: &str) -> Result<&Relation, BindingError> {
        let relations = self.types.get(object_type).ok_or_else(|| BindingError::UnknownType(object_type.to_owned()))?;
        let unknown =
            || BindingError::UnknownRelation { object_type: object_type.to_owned(), relation: relation.to_owned() };
        relations.get(relation).and_then(|id| self.relation(*id)).ok_or_else(unknown)
    }

    /// A type that hands on what is granted on objects of `object_type`: through a relation `… from` that leads to them, or
    /// by a userset of them. Sections that narrow their document are none.
    ///
    /// Whoever writes the rules of a document with such an object decides about other objects too.
    pub fn heir_of(&self, object_type: &str, relation: &str) -> Option<&str> {
        let heirs = self.relations.iter().filter(|it| it.object_type != object_type);
        let mut heirs = heirs.filter(|it| self.looks_at(it, object_type)).map(|it| it.object_type.as_str());
        heirs.find(|heir| self.check_binding(object_type, relation, Some(heir)).is_err())
    }

    fn looks_at(&self, relation: &Relation, object_type: &str) -> bool {
        let by_userset = relation
            .restrictions
            .iter()
            .any(|it| it.subject_type == object_type && matches!(it.form, Form::Userset(_)));
        by_userset || self.leads_to(&relation.rule, object_type)
    }

    fn leads_to(&self, rule: &Rule, object_type: &str) -> bool {
        match rule {
            Rule::This | Rule::Computed(_) => false,
            Rule::TupleToUserset { tupleset, .. } => self
                .relation(*tupleset)
                .is_some_and(|relation| relation.restrictions.iter().any(|it| it.subject_type == object_type)),
            Rule::Union(parts) | Rule::Intersection(parts) => parts.iter().any(|it| self.leads_to(it, object_type)),
            Rule::Difference(base, subtract) => {
                self.leads_to(base, object_type) || self.leads_to(subtract, object_type)
            }
        }
    }
}
