//! ListUsers: who has the relation by a path of their own, and which wildcards do.
//!
//! The sets are computed as truth values per named user, plus one for "anybody who is not named": that makes unions,
//! intersections and exclusions exact under wildcards. Unlike in Check, a condition's error anywhere on the walk fails
//! the whole, and every step counts as a level, computed relations too.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::{
    MAX_DEPTH,
    check::{CheckError, Evaluator, Verdict},
    condition::Context,
    edge::{OBJECT, SubjectKey, WILDCARD},
    graph::Graph,
    intern::{Symbol, Vertex},
    model::{Form, Model, Relation, RelationId, Rule},
    tuple::{ObjectRef, SubjectRef, Tuple},
};
use usher_base::effort::Effort;

/// Most relations of objects that one listing may look at.
const MAX_STEPS: u32 = 200_000;

/// Which users to list: those of a type, or usersets `type#relation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUsersFilter {
    pub object_type: String,
    pub relation: Option<String>,
}

/// Lists users, unordered and without a limit. Everybody listed passes Check; the reverse does not hold: who is covered
/// by a listed wildcard alone is not named, and `user:*` with an exclusion under it does not mean everybody.
///
/// Contextual tuples must have passed [`Model::check_contextual`].
#[allow(clippy::too_many_arguments, reason = "a question, the state it is about, and its bounds")]
pub fn list_users(
    graph: &Graph,
    model: &Model,
    object: &ObjectRef,
    relation: &str,
    filter: &ListUsersFilter,
    context: &Context,
    contextual: &[Tuple],
    effort: &Effort,
) -> Result<Vec<SubjectRef>, CheckError> {
    let Some(id) = model.relation_id(&object.object_type, relation) else { return Ok(Vec::new()) };
    // Stands for whoever is looked for; it gives the model's paths and matches no tuple.
    let subject = match &filter.relation {
        None => SubjectRef::Wildcard(filter.object_type.clone()),
        Some(relation) => SubjectRef::Userset(
            ObjectRef { object_type: filter.object_type.clone(), id: String::new() },
            relation.clone(),
        ),
    };
    let mut evaluator = Evaluator::new(graph, model, &subject, context).with_contextual(contextual).within(effort);
    let symbol = |name: &str| graph.interner().known_symbol(name);
    let vertex = evaluator.names().vertex(graph, object);
    let mut walk = Walk {
        graph,
        model,
        wanted_type: symbol(&filter.object_type),
        wanted_relation: filter.relation.as_deref().map(symbol),
        path: Vec::new(),
        memo: HashMap::new(),
        steps: 0,
        evaluator,
    };
    if !walk.is_possible(id, filter) {
        return Ok(Vec::new());
    }
    let users = walk.check(vertex, id, 0)?;
    let mut listed: BTreeSet<SubjectRef> = BTreeSet::new();
    for (key, user) in &users.named {
        if user.has && (user.own || !users.anybody.has) {
            listed.extend(walk.evaluator.subject_name(graph, *key));
        }
    }
    if users.anybody.has {
        listed.insert(SubjectRef::Wildcard(filter.object_type.clone()));
    }
    Ok(listed.into_iter().collect())
}

/// Whether what is looked for can come into the relation by this rule, given the relations that it comes into.
fn has_path(
    rule: &Rule,
    relation: &Relation,
    filter: &ListUsersFilter,
    entered: &HashSet<RelationId>,
    model: &Model,
) -> bool {
    let operand = |rule: &Rule| has_path(rule, relation, filter, entered, model);
    match rule {
        Rule::This => relation.restrictions.iter().any(|restriction| match &restriction.form {
            Form::Object | Form::Wildcard => {
                filter.relation.is_none() && restriction.subject_type == filter.object_type
            }
            Form::Userset(userset) => {
                let id = model.relation_id(&restriction.subject_type, userset);
                id.is_some_and(|id| entered.contains(&id))
            }
        }),
        Rule::Computed(id) => entered.contains(id),
        Rule::TupleToUserset { computed, .. } => computed.iter().any(|id| entered.contains(id)),
        Rule::Union(operands) => operands.iter().any(operand),
        Rule::Intersection(operands) => operands.first().is_some_and(operand),
        Rule::Difference(base, _) => operand(base),
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct User {
    has: bool,
    /// Whether some tuple on the way names the user.
    own: bool,
    /// Whether a cycle took part in the user's not having the relation, as in Check; never set with `has`.
    mark: bool,
}

impl User {
    fn or(self, other: User) -> User {
        let own = (self.has && self.own) || (other.has && other.own);
        self.joined(other, self.has || other.has, own)
    }

    fn and(self, other: User) -> User {
        self.joined(other, self.has && other.has, self.own || other.own)
    }

    /// A cycle in what is subtracted denies: "not seen to have it" must not become "does not have it".
    fn but_not(self, other: User) -> User {
        self.joined(other, self.has && !other.has && !other.mark, self.own)
    }

    fn joined(self, other: User, has: bool, own: bool) -> User {
        User { has, own, mark: !has && (self.mark || other.mark) }
    }
}

#[derive(Debug, Clone, Default)]
struct Users {
    named: BTreeMap<SubjectKey, User>,
    /// What holds for users that are not named.
    anybody: User,
    /// Whether a cycle was cut: the set then belongs to the path on which it was.
    cycle: bool,
    /// Levels explored below.
    height: u8,
}

impl Users {
    fn user(&self, key: &SubjectKey) -> User {
        self.named.get(key).copied().unwrap_or(self.anybody)
    }

    fn add(&mut self, key: SubjectKey) {
        self.named.insert(key, User { has: true, own: true, mark: false });
    }

    /// Everybody of the type that is looked for.
    fn everybody() -> Users {
        Users { anybody: User { has: true, ..User::default() }, ..Users::default() }
    }

    /// A set met again on its own path.
    fn cycle() -> Users {
        Users { anybody: User { mark: true, ..User::default() }, cycle: true, ..Users::default() }
    }

    fn combine(self, other: &Users, join: impl Fn(User, User) -> User) -> Users {
        let keys: BTreeSet<SubjectKey> = self.named.keys().chain(other.named.keys()).copied().collect();
        Users {
            named: keys.into_iter().map(|key| (key, join(self.user(&key), other.user(&key)))).collect(),
            anybody: join(self.anybody, other.anybody),
            cycle: self.cycle || other.cycle,
            height: self.height.max(other.height),
        }
    }
}

struct Walk<'a> {
    graph: &'a Graph,
    model: &'a Model,
    wanted_type: Option<Symbol>,
    /// For usersets: the relation, if the graph knows it.
    wanted_relation: Option<Option<Symbol>>,
    path: Vec<(Vertex, RelationId)>,
    memo: HashMap<(Vertex, RelationId), Users>,
    steps: u32,
    evaluator: Evaluator<'a>,
}

impl Walk<'_> {
    /// Whether the model has a path from what is looked for. As with OpenFGA no tuple is read else, so that no condition
    /// can fail: of an intersection the first operand decides, of an exclusion its base.
    fn is_possible(&self, goal: RelationId, filter: &ListUsersFilter) -> bool {
        let own = filter.relation.as_deref().and_then(|relation| self.model.relation_id(&filter.object_type, relation));
        let mut entered: HashSet<RelationId> = own.into_iter().collect();
        loop {
            let before = entered.len();
            for (id, relation) in self.model.relations() {
                if !entered.contains(&id) && has_path(&relation.rule, relation, filter, &entered, self.model) {
                    entered.insert(id);
                }
            }
            if entered.contains(&goal) || entered.len() == before {
                return entered.contains(&goal);
            }
        }
    }

    fn check(&mut self, vertex: Vertex, id: RelationId, depth: u8) -> Result<Users, CheckError> {
        self.steps += 1;
        if depth >= MAX_DEPTH || self.steps > MAX_STEPS {
            return Err(CheckError::TooComplex);
        }
        self.pay(1)?;
        if self.path.contains(&(vertex, id)) {
            return Ok(Users::cycle());
        }
        if let Some(known) = self.memo.get(&(vertex, id))
            && depth.saturating_add(known.height) < MAX_DEPTH
        {
            let known = Users { height: known.height.saturating_add(1), ..known.clone() };
            self.pay(known.named.len())?;
            return Ok(known);
        }
        let model = self.model;
        let Some(relation) = model.relation(id) else { return Ok(Users::default()) };
        self.path.push((vertex, id));
        let mut users = self.rule(&relation.rule, vertex, id, depth)?;
        self.path.pop();
        let linked = self.evaluator.linked();
        if let (Some(wanted), Some(own)) = (self.wanted_relation.flatten(), linked.symbol_of(id))
            && linked.type_of(id) == self.wanted_type
            && own == wanted
        {
            users.add(SubjectKey::userset(vertex, own));
        }
        if !users.cycle {
            self.pay(users.named.len())?;
            self.memo.insert((vertex, id), users.clone());
        }
        users.height = users.height.saturating_add(1);
        Ok(users)
    }

    /// Counts users that are looked at or kept.
    fn pay(&mut self, users: usize) -> Result<(), CheckError> {
        self.evaluator.charge(u32::try_from(users).unwrap_or(u32::MAX));
        self.evaluator.spent().map_or(Ok(()), |spent| Err(spent.into()))
    }

    /// [`Users::combine`], counted.
    fn joined(&mut self, users: Users, other: &Users, join: impl Fn(User, User) -> User) -> Result<Users, CheckError> {
        self.pay(users.named.len() + other.named.len())?;
        Ok(users.combine(other, join))
    }

    fn rule(&mut self, rule: &Rule, vertex: Vertex, id: RelationId, depth: u8) -> Result<Users, CheckError> {
        match rule {
            Rule::This => self.direct(vertex, id, depth),
            Rule::Computed(computed) => self.check(vertex, *computed, depth + 1),
            Rule::TupleToUserset { tupleset, computed, .. } => {
                let mut users = Users::default();
                for subject in self.subjects(vertex, *tupleset)? {
                    let Some(parent) = subject.vertex() else { continue };
                    let parent_type = self.evaluator.names().object_type(self.graph, parent);
                    let target = computed.iter().find(|id| self.evaluator.linked().type_of(**id) == parent_type);
                    if let Some(target) = target {
                        let found = self.check(parent, *target, depth + 1)?;
                        users = self.joined(users, &found, User::or)?;
                    }
                }
                Ok(users)
            }
            Rule::Union(operands) => {
                let mut users = Users::default();
                for operand in operands {
                    let found = self.rule(operand, vertex, id, depth)?;
                    users = self.joined(users, &found, User::or)?;
                }
                Ok(users)
            }
            Rule::Intersection(operands) => {
                let mut users: Option<Users> = None;
                for operand in operands {
                    let operand = self.rule(operand, vertex, id, depth)?;
                    users = Some(match users {
                        None => operand,
                        Some(users) => self.joined(users, &operand, User::and)?,
                    });
                }
                Ok(users.unwrap_or_default())
            }
            Rule::Difference(base, subtract) => {
                let base = self.rule(base, vertex, id, depth)?;
                let subtract = self.rule(subtract, vertex, id, depth)?;
                self.joined(base, &subtract, User::but_not)
            }
        }
    }

    fn direct(&mut self, vertex: Vertex, id: RelationId, depth: u8) -> Result<Users, CheckError> {
        let mut users = Users::default();
        for subject in self.subjects(vertex, id)? {
            let subject_type = match subject.vertex() {
                Some(vertex) => self.evaluator.names().object_type(self.graph, vertex),
                None => Some(Symbol(subject.node)),
            };
            let wanted = subject_type.is_some() && subject_type == self.wanted_type;
            match (subject.vertex(), subject.relation()) {
                (None, _) if wanted && self.wanted_relation.is_none() => {
                    users = self.joined(users, &Users::everybody(), User::or)?;
                }
                (Some(_), None) if wanted => users.add(subject),
                (Some(object), Some(relation)) => {
                    let target = subject_type.and_then(|held| self.evaluator.linked().relation(held, relation));
                    if let Some(target) = target {
                        let found = self.check(object, target, depth + 1)?;
                        users = self.joined(users, &found, User::or)?;
                    }
                }
                _ => {}
            }
        }
        Ok(users)
    }

    /// The subjects of the relation's tuples whose conditions are met.
    fn subjects(&mut self, vertex: Vertex, id: RelationId) -> Result<Vec<SubjectKey>, CheckError> {
        let Some(relation) = self.evaluator.linked().symbol_of(id) else { return Ok(Vec::new()) };
        let all = (SubjectKey { kind: OBJECT, node: 0 }, SubjectKey { kind: WILDCARD, node: u32::MAX });
        let edges = self.evaluator.edges(vertex, relation, all);
        let mut subjects = Vec::new();
        for edge in edges {
            self.pay(1)?;
            match self.evaluator.verdict(id, &edge) {
                Some(Verdict::Met) => subjects.push(edge.subject),
                Some(Verdict::Error(error)) => return Err(self.evaluator.error(error)),
                Some(Verdict::Unmet) | None => {}
            }
        }
        Ok(subjects)
    }
}
