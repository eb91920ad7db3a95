//! From the JSON form to numbered relations and compiled conditions.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use super::{
    AuthorizationModel, Condition, ConditionDefinition, Environment, Form, MAX_BYTES, MAX_TYPES, Model, ModelError,
    ParameterDefinition, Relation, RelationAt, RelationId, RelationReference, Restriction, Rewrite, Rule, recursion,
    source::SCHEMA_VERSIONS, validate,
};
use crate::{
    condition::{MAX_CONDITIONS, MAX_EXPRESSION, MAX_PARAMETERS, ParameterType},
    tuple::{MAX_RELATION, MAX_TYPE, check_name},
};

pub(super) fn compile(id: &str, source: AuthorizationModel) -> Result<Model, ModelError> {
    check_size(&source)?;
    let environment = Environment::new();
    let conditions = compile_conditions(&source, &environment)?;
    let types = number_relations(&source)?;
    let mut relations = Vec::new();
    for definition in &source.type_definitions {
        let restrictions = definition.metadata.as_ref().map(|metadata| &metadata.relations);
        let scope = Scope { types: &types, object_type: &definition.name, restrictions };
        if let Some(undefined) =
            restrictions.and_then(|all| all.keys().find(|name| !definition.relations.contains_key(*name)))
        {
            return Err(ModelError::UndefinedRestricted(scope.at(undefined)));
        }
        for (name, rewrite) in &definition.relations {
            let restrictions = scope.restrictions(name);
            let compiled: Vec<Restriction> = restrictions
                .iter()
                .map(|reference| scope.restriction(name, reference, &conditions))
                .collect::<Result<_, _>>()?;
            let rule = scope.rule(name, rewrite)?;
            let direct = rule.has_this();
            if direct && compiled.is_empty() {
                return Err(ModelError::NoRestrictions(scope.at(name)));
            }
            if !direct && !compiled.is_empty() {
                return Err(ModelError::UnusedRestrictions(scope.at(name)));
            }
            relations.push(Relation {
                object_type: definition.name.clone(),
                name: name.clone(),
                rule,
                restrictions: compiled,
                recursion: recursion::Recursion::default(),
            });
        }
    }
    validate::tuplesets(&relations, &types)?;
    validate::computed_cycles(&relations)?;
    validate::entry_points(&relations, &types)?;
    recursion::find(&mut relations, &types);
    Ok(Model { id: id.to_owned(), source, types, relations, conditions, environment, linked: Mutex::new(None) })
}

pub(super) type Types = HashMap<String, HashMap<String, RelationId>>;

fn check_size(source: &AuthorizationModel) -> Result<(), ModelError> {
    if source.type_definitions.is_empty() {
        return Err(ModelError::Empty);
    }
    if !SCHEMA_VERSIONS.contains(&source.schema_version.as_str()) {
        return Err(ModelError::SchemaVersion(source.schema_version.clone()));
    }
    if source.type_definitions.len() > MAX_TYPES {
        return Err(ModelError::TooManyTypes);
    }
    let bytes = serde_json::to_vec(source).map_or(usize::MAX, |json| json.len());
    if bytes > MAX_BYTES { Err(ModelError::TooLarge) } else { Ok(()) }
}

/// Relations get numbers in the order of the definitions.
fn number_relations(source: &AuthorizationModel) -> Result<Types, ModelError> {
    let mut types = Types::new();
    let mut next: u16 = 0;
    for definition in &source.type_definitions {
        let name = &definition.name;
        check_name(name, MAX_TYPE).map_err(|error| ModelError::TypeName { name: name.clone(), error })?;
        if matches!(name.as_str(), "self" | "this") {
            return Err(ModelError::ReservedName(name.clone()));
        }
        let mut relations = HashMap::new();
        for relation in definition.relations.keys() {
            let at = || RelationAt { object_type: name.clone(), relation: relation.clone() };
            check_name(relation, MAX_RELATION).map_err(|error| ModelError::RelationName { at: at(), error })?;
            if matches!(relation.as_str(), "self" | "this") {
                return Err(ModelError::ReservedName(at().to_string()));
            }
            relations.insert(relation.clone(), RelationId(next));
            // 256 KiB hold fewer than 2¹⁶ relations.
            next = next.checked_add(1).ok_or(ModelError::TooLarge)?;
        }
        if types.insert(name.clone(), relations).is_some() {
            return Err(ModelError::DuplicateType(name.clone()));
        }
    }
    Ok(types)
}

/// What a rewrite may refer to.
struct Scope<'s> {
    types: &'s Types,
    object_type: &'s str,
    restrictions: Option<&'s BTreeMap<String, super::RelationMetadata>>,
}

impl Scope<'_> {
    fn at(&self, relation: &str) -> RelationAt {
        RelationAt { object_type: self.object_type.to_owned(), relation: relation.to_owned() }
    }

    fn restrictions(&self, relation: &str) -> &[RelationReference] {
        self.restrictions
            .and_then(|all| all.get(relation))
            .map_or(&[], |metadata| metadata.directly_related_user_types.as_slice())
    }

    fn restriction(
        &self,
        relation: &str,
        reference: &RelationReference,
        conditions: &HashMap<String, Condition>,
    ) -> Result<Restriction, ModelError> {
        let form = match (&reference.wildcard, reference.relation.as_str()) {
            (Some(_), _) => Form::Wildcard,
            (None, "") => Form::Object,
            (None, relation) => Form::Userset(relation.to_owned()),
        };
        let defined = self
            .types
            .get(&reference.subject_type)
            .is_some_and(|relations| reference.relation.is_empty() || relations.contains_key(&reference.relation));
        // A wildcard of a userset is no form of subject.
        if !defined || (reference.wildcard.is_some() && !reference.relation.is_empty()) {
            let restriction = match &form {
                Form::Object => reference.subject_type.clone(),
                Form::Wildcard => format!("{}:*", reference.subject_type),
                Form::Userset(relation) => format!("{}#{relation}", reference.subject_type),
            };
            return Err(ModelError::UndefinedRestriction { at: self.at(relation), restriction });
        }
        let condition = Some(reference.condition.clone()).filter(|name| !name.is_empty());
        if let Some(condition) = condition.as_ref().filter(|name| !conditions.contains_key(*name)) {
            return Err(ModelError::UndefinedCondition { at: self.at(relation), condition: condition.clone() });
        }
        Ok(Restriction { subject_type: reference.subject_type.clone(), form, condition })
    }

    fn own_relation(&self, relation: &str, referenced: &str) -> Result<RelationId, ModelError> {
        let found = self.types.get(self.object_type).and_then(|relations| relations.get(referenced));
        found
            .copied()
            .ok_or_else(|| ModelError::UndefinedRelation { at: self.at(relation), referenced: referenced.to_owned() })
    }

    /// INVARIANT: the JSON parser's nesting limit of 128 bounds this recursion and all later ones over rules.
    fn rule(&self, relation: &str, rewrite: &Rewrite) -> Result<Rule, ModelError> {
        Ok(match rewrite {
            Rewrite::This(_) => Rule::This,
            Rewrite::ComputedUserset(computed) => {
                if computed.relation == relation {
                    return Err(ModelError::SelfReference(self.at(relation)));
                }
                Rule::Computed(self.own_relation(relation, &computed.relation)?)
            }
            Rewrite::TupleToUserset(rewrite) => {
                let tupleset = self.own_relation(relation, &rewrite.tupleset.relation)?;
                let computed_name = rewrite.computed_userset.relation.clone();
                let mut computed = Vec::new();
                for reference in self.restrictions(&rewrite.tupleset.relation) {
                    let found =
                        self.types.get(&reference.subject_type).and_then(|relations| relations.get(&computed_name));
                    if let Some(found) = found.filter(|found| !computed.contains(*found)) {
                        computed.push(*found);
                    }
                }
                Rule::TupleToUserset { tupleset, computed_name, computed }
            }
            Rewrite::Union(children) => Rule::Union(self.operands(relation, &children.child)?),
            Rewrite::Intersection(children) => Rule::Intersection(self.operands(relation, &children.child)?),
            Rewrite::Difference(difference) => Rule::Difference(
                Box::new(self.rule(relation, &difference.base)?),
                Box::new(self.rule(relation, &difference.subtract)?),
            ),
        })
    }

    fn operands(&self, relation: &str, children: &[Rewrite]) -> Result<Vec<Rule>, ModelError> {
        if children.len() < 2 {
            return Err(ModelError::TooFewOperands(self.at(relation)));
        }
        children.iter().map(|child| self.rule(relation, child)).collect()
    }
}

fn compile_conditions(
    source: &AuthorizationModel,
    environment: &Environment,
) -> Result<HashMap<String, Condition>, ModelError> {
    if source.conditions.len() > MAX_CONDITIONS {
        return Err(ModelError::TooManyConditions);
    }
    let mut conditions = HashMap::new();
    for (key, definition) in &source.conditions {
        let condition = compile_condition(key, definition, environment)?;
        conditions.insert(key.clone(), condition);
    }
    Ok(conditions)
}

fn compile_condition(
    key: &str,
    definition: &ConditionDefinition,
    environment: &Environment,
) -> Result<Condition, ModelError> {
    let name = || definition.name.clone();
    if definition.name != key {
        return Err(ModelError::ConditionKey { key: key.to_owned(), name: name() });
    }
    check_name(key, MAX_RELATION).map_err(|error| ModelError::ConditionName { name: name(), error })?;
    if definition.parameters.len() > MAX_PARAMETERS {
        return Err(ModelError::TooManyParameters(name()));
    }
    if definition.expression.len() > MAX_EXPRESSION {
        return Err(ModelError::ExpressionTooLong(name()));
    }
    let mut parameters = Vec::new();
    for (parameter, declared) in &definition.parameters {
        let declared = parameter_type(declared)
            .ok_or_else(|| ModelError::ParameterType { condition: name(), parameter: parameter.clone() })?;
        parameters.push((parameter.clone(), declared));
    }
    Condition::compile(environment, key, parameters, &definition.expression)
        .map_err(|error| ModelError::Expression { condition: name(), error })
}

fn parameter_type(declared: &ParameterDefinition) -> Option<ParameterType> {
    let simple = match declared.type_name.as_str() {
        "TYPE_NAME_ANY" => ParameterType::Any,
        "TYPE_NAME_BOOL" => ParameterType::Bool,
        "TYPE_NAME_STRING" => ParameterType::String,
        "TYPE_NAME_INT" => ParameterType::Int,
        "TYPE_NAME_UINT" => ParameterType::Uint,
        "TYPE_NAME_DOUBLE" => ParameterType::Double,
        "TYPE_NAME_DURATION" => ParameterType::Duration,
        "TYPE_NAME_TIMESTAMP" => ParameterType::Timestamp,
        "TYPE_NAME_IPADDRESS" => ParameterType::IpAddress,
        "TYPE_NAME_LIST" | "TYPE_NAME_MAP" => {
            let [element] = declared.generic_types.as_slice() else { return None };
            let element = Box::new(parameter_type(element)?);
            let list = declared.type_name == "TYPE_NAME_LIST";
            return Some(if list { ParameterType::List(element) } else { ParameterType::Map(element) });
        }
        _ => return None,
    };
    declared.generic_types.is_empty().then_some(simple)
}
