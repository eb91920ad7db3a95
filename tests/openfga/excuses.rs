//! Where the server itself is not determined, or its own answers disagree: the only differences that are let pass.
//!
//! Each is a looseness of the server's evaluation that strict logic decides the safe way; none lets Usher allow what the
//! server denies.

use std::collections::HashSet;

use serde_json::Value;

use crate::compare::Said;
use crate::generate::{Rule, World};

/// While the server reads one set of tuples it forgets a condition's error as soon as another tuple of the set meets its
/// condition, even if that one leads nowhere: it then says no, where strict logic says that it can't know.
pub const FORGOTTEN_ERROR: &str = "an error of a condition that the server forgets";
/// Whether a cycle below an exclusion is seen depends on which strategy the server chooses; Usher denies.
pub const CYCLE_UNDER_EXCLUSION: &str = "a cycle below an exclusion";
/// The server's listing is not what its own Check says: of objects, where Usher's is, or of users whom its Check denies.
pub const LISTING_IS_NOT_CHECK: &str = "a listing of the server that is not its Check";

/// Whether the server fails, by a condition, where Usher finds a way.
pub fn may_be_unrelated(usher: &Said, server: &Said) -> bool {
    allowed(usher) == Some(true) && server.code() == Some("validation_error")
}

/// Whether Usher allows what the server denies, which nothing excuses.
pub fn is_wider(usher: &Said, server: &Said) -> bool {
    allowed(usher) == Some(true) && allowed(server) == Some(false)
}

fn allowed(said: &Said) -> Option<bool> {
    said.body()?.get("allowed")?.as_bool()
}

/// Why these two answers to a Check of a relation may differ.
pub fn check(world: &World, of: &str, relation: &str, usher: &Said, server: &Said) -> Option<&'static str> {
    if allowed(server) == Some(false) && usher.code() == Some("validation_error") && world.has_conditions() {
        return Some(FORGOTTEN_ERROR);
    }
    if allowed(usher) == Some(false) && server.code() == Some("validation_error") && world.has_conditions() {
        return Some(UNRELATED_ERROR);
    }
    if allowed(server) == Some(true) && allowed(usher) == Some(false) && world.excludes_recursion(of, relation) {
        return Some(CYCLE_UNDER_EXCLUSION);
    }
    None
}

/// Which strategy evaluates a check the server chooses as it runs; asked again, it answered as Usher did.
pub const ASKED_AGAIN: &str = "an answer that the server gives as well, when it is asked again";
/// From the user's side the server reads tuples of other objects too, and fails when one of their conditions does.
pub const UNRELATED_ERROR: &str = "an error of a condition of another object";
/// Cycles through intersections and exclusions the server follows path by path until its time is up; what it burns
/// meanwhile goes on, so it is started anew. Not counted as compared.
pub const GAVE_UP: &str = "a question that the server can't answer in its time";
/// A relation that it met in one operand the server takes for a cycle in the next, when it looks for entry points.
pub const ENTRY_POINT: &str = "a model in which the server takes one relation in two operands for a loop";
/// Check is an error for some object that is not listed, and only one of the two listings met it on its way. What is
/// listed is right.
pub const UNLISTED_ERROR: &str = "an error of an object that is not listed";
/// Of a relation that recurs into itself alone the server counts one hop less, by the strategy that it has for those.
pub const ONE_HOP: &str = "one hop at the depth limit";
/// A contextual tuple takes the place of the stored one with its key; where the server reads sets it counts both.
pub const REPLACED: &str = "a contextual tuple with the key of a stored one";
/// What the test asks about rows of objects.
pub const NEAR_LIMIT: &str = "check near the depth limit";

/// Whether a listing says what checks of all the objects say: those allowed, or the error of one of them. An error of an
/// object that is not listed may go unnoticed.
pub fn is_consistent(listing: &Said, checks: &[(String, Said)]) -> bool {
    let Some(listed) = listing.body().and_then(|body| body["objects"].as_array()) else {
        return checks.iter().any(|(_, said)| said.code() == listing.code());
    };
    let listed: HashSet<&str> = listed.iter().filter_map(Value::as_str).collect();
    checks.iter().all(|(object, said)| allowed(said).unwrap_or(false) == listed.contains(object.as_str()))
}

type Name = (String, String);

impl World {
    /// Whether the relation leads to an exclusion whose subtracted part leads back to itself.
    pub fn excludes_recursion(&self, of: &str, relation: &str) -> bool {
        let reached = self.reached(vec![(of.to_owned(), relation.to_owned())]);
        reached.iter().any(|(of, name)| {
            self.find(of, name).is_some_and(|relation| {
                let mut subtracted = Vec::new();
                self.subtracted(&relation.rule, of, name, &mut subtracted);
                self.reached(subtracted).iter().any(|(of, name)| {
                    let next = self.next(of, name);
                    self.reached(next).contains(&(of.clone(), name.clone()))
                })
            })
        })
    }

    fn reached(&self, from: Vec<Name>) -> HashSet<Name> {
        let mut reached = HashSet::new();
        let mut open = from;
        while let Some((of, name)) = open.pop() {
            if reached.insert((of.clone(), name.clone())) {
                open.extend(self.next(&of, &name));
            }
        }
        reached
    }

    fn next(&self, of: &str, name: &str) -> Vec<Name> {
        let mut next = Vec::new();
        if let Some(relation) = self.find(of, name) {
            self.leads_to(&relation.rule, of, name, &mut next);
        }
        next
    }

    fn leads_to(&self, rule: &Rule, of: &str, name: &str, into: &mut Vec<Name>) {
        match rule {
            Rule::This => {
                let restrictions = self.find(of, name).map_or(&[][..], |relation| &relation.restrictions);
                let usersets = restrictions.iter().filter_map(|restriction| restriction.userset());
                into.extend(usersets.map(|(of, name)| (of.to_owned(), name.to_owned())));
            }
            Rule::Computed(relation) => into.push((of.to_owned(), relation.clone())),
            Rule::From(relation) => {
                let parents = self.find(of, "parent").map_or(&[][..], |parent| &parent.restrictions);
                into.extend(parents.iter().map(|parent| (parent.of.clone(), relation.clone())));
            }
            Rule::Union(operands) | Rule::Intersection(operands) => {
                operands.iter().for_each(|operand| self.leads_to(operand, of, name, into));
            }
            Rule::Difference(base, subtract) => {
                self.leads_to(base, of, name, into);
                self.leads_to(subtract, of, name, into);
            }
        }
    }

    fn subtracted(&self, rule: &Rule, of: &str, name: &str, into: &mut Vec<Name>) {
        match rule {
            Rule::This | Rule::Computed(_) | Rule::From(_) => {}
            Rule::Union(operands) | Rule::Intersection(operands) => {
                operands.iter().for_each(|operand| self.subtracted(operand, of, name, into));
            }
            Rule::Difference(base, subtract) => {
                self.subtracted(base, of, name, into);
                self.leads_to(subtract, of, name, into);
            }
        }
    }
}
