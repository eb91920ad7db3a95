//! Conditions: CEL expressions over typed parameters, evaluated for one tuple and one request.
//!
//! A condition that cannot be evaluated is an error, never "not met": under an exclusion, "not met" would allow. The
//! tuple's part of the context wins over the request's, so that a caller cannot defeat what an administrator stored.
//! Nothing here reads a clock; the current time arrives as a parameter like any other.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::tuple::{Tuple, TupleCondition, TupleError};

mod convert;
mod interval;
mod ipaddress;
mod typing;

pub(super) use convert::ParameterType;
pub use typing::ExpressionError;

/// Largest number of conditions of a model.
pub(super) const MAX_CONDITIONS: usize = 25;
/// Largest number of parameters of a condition.
pub(super) const MAX_PARAMETERS: usize = 25;
/// Longest expression in bytes.
pub(super) const MAX_EXPRESSION: usize = 512;
/// The parameter that the server fills in on its native surfaces.
const CURRENT_TIME: &str = "current_time";
/// Largest number of steps that the loops of one evaluation may take.
const MAX_STEPS: usize = 1_000_000;
/// Largest number of list elements, map entries and scalars in the values of one evaluation.
const MAX_ELEMENTS: usize = 1_000;
/// Longest text that a regular expression or its subject may have, in bytes, all values together.
const MAX_PATTERN: usize = 2_048;

/// The request's context for conditions: names of parameters to JSON values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context(pub BTreeMap<String, Value>);

impl Context {
    /// The empty context.
    pub fn new() -> Context {
        Context::default()
    }

    /// A context of one key, `current_time`.
    pub fn at(now: Timestamp) -> Context {
        Context(BTreeMap::from([(CURRENT_TIME.to_owned(), Value::from(now.to_string()))]))
    }

    /// The instant that `current_time` holds, if it holds one.
    pub fn current_time(&self) -> Option<Timestamp> {
        convert::timestamp(self.0.get(CURRENT_TIME)?.as_str()?)
    }
}

impl FromIterator<(String, Value)> for Context {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Context(entries.into_iter().collect())
    }
}

/// Why a condition could not be evaluated. Names only what the model and the tuple say, no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("condition `{condition}`: parameter `{parameter}` is missing from the context")]
    Missing { condition: String, parameter: String },
    #[error("condition `{condition}`: the value of `{parameter}` does not have the declared type")]
    Type { condition: String, parameter: String },
    #[error("condition `{condition}` has no parameters, but the context is not empty")]
    UnexpectedContext { condition: String },
    #[error("condition `{condition}` is too expensive for these values")]
    Cost { condition: String },
    #[error("condition `{condition}` failed while it was evaluated")]
    Evaluation { condition: String },
}

/// How a result depends on the request's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionUse {
    /// No conditional tuple was met: exact for every context.
    None,
    /// Only intervals of `current_time` were met: exact from the `current_time` of the context until this instant
    /// (exclusive), whatever else the context holds.
    Until(Timestamp),
    /// Exact for this context only.
    Context,
}

impl ConditionUse {
    /// The use of a result that depends on both.
    pub fn and(self, other: ConditionUse) -> ConditionUse {
        match (self, other) {
            (ConditionUse::Context, _) | (_, ConditionUse::Context) => ConditionUse::Context,
            (ConditionUse::None, use_) | (use_, ConditionUse::None) => use_,
            (ConditionUse::Until(a), ConditionUse::Until(b)) => ConditionUse::Until(a.min(b)),
        }
    }
}

/// What the expressions of one model are evaluated in: the standard library of CEL and IP addresses.
pub(super) struct Environment(Arc<cel::Env>);

impl Environment {
    pub(super) fn new() -> Environment {
        let mut env = cel::Env::stdlib().with_optional_support(false);
        ipaddress::declare(&mut env);
        Environment(Arc::new(env))
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Environment")
    }
}

/// A condition of a model, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Condition {
    name: String,
    parameters: Vec<(String, ParameterType)>,
    program: cel::Program,
    shape: typing::Shape,
    interval: Option<interval::Interval>,
}

impl Condition {
    pub(super) fn compile(
        environment: &Environment,
        name: &str,
        parameters: Vec<(String, ParameterType)>,
        expression: &str,
    ) -> Result<Condition, ExpressionError> {
        // SECURITY: the expression is text from whoever writes models; a defect of the parser must not end the process.
        let program = catch_unwind(AssertUnwindSafe(|| environment.0.compile(expression)))
            .ok()
            .and_then(Result::ok)
            .ok_or(ExpressionError::Syntax)?;
        let shape = typing::check(program.expression(), &parameters)?;
        let interval = interval::Interval::of(program.expression(), &parameters);
        Ok(Condition { name: name.to_owned(), parameters, program, shape, interval })
    }

    /// Whether every stored value belongs to a parameter and converts to its type.
    pub(super) fn check_stored(&self, stored: &Map<String, Value>) -> Result<(), TupleError> {
        for (key, value) in stored {
            let Some((_, declared)) = self.parameters.iter().find(|(name, _)| name == key) else {
                return Err(TupleError::UnknownParameter { condition: self.name.clone(), parameter: key.clone() });
            };
            if declared.convert(value).is_none() {
                return Err(TupleError::ParameterType { condition: self.name.clone(), parameter: key.clone() });
            }
        }
        Ok(())
    }

    /// Whether the condition is met. Every declared parameter must be present, used or not.
    pub(super) fn evaluate(
        &self,
        environment: &Environment,
        stored: &Map<String, Value>,
        request: &Context,
    ) -> Result<bool, ConditionError> {
        let condition = || self.name.clone();
        if self.parameters.is_empty() && !(stored.is_empty() && request.0.is_empty()) {
            return Err(ConditionError::UnexpectedContext { condition: condition() });
        }
        let mut cost = convert::Size::default();
        let mut scope = cel::Context::with_env(environment.0.clone());
        for (parameter, declared) in &self.parameters {
            let Some(value) = stored.get(parameter).or_else(|| request.0.get(parameter)) else {
                return Err(ConditionError::Missing { condition: condition(), parameter: parameter.clone() });
            };
            cost.add(value);
            if cost.elements > MAX_ELEMENTS {
                return Err(ConditionError::Cost { condition: condition() });
            }
            let Some(converted) = declared.convert(value) else {
                return Err(ConditionError::Type { condition: condition(), parameter: parameter.clone() });
            };
            scope.add_variable_from_value(parameter.as_str(), converted);
        }
        if self.too_expensive(&cost) {
            return Err(ConditionError::Cost { condition: condition() });
        }
        // SECURITY: values come from callers; a defect of the interpreter must be an error, never a crash or a grant.
        match catch_unwind(AssertUnwindSafe(|| self.program.execute(&scope))) {
            Ok(Ok(cel::Value::Bool(met))) => Ok(met),
            _ => Err(ConditionError::Evaluation { condition: condition() }),
        }
    }

    /// A bound before evaluation instead of a meter during it: the interpreter has none. Loops multiply, and text may be
    /// copied in each step.
    fn too_expensive(&self, cost: &convert::Size) -> bool {
        let range = cost.elements + self.shape.literals;
        let steps = (0..self.shape.loops).try_fold(1usize, |steps, _| steps.checked_mul(range.max(1)));
        let Some(steps) = steps.filter(|steps| *steps <= MAX_STEPS) else { return true };
        steps.saturating_mul(cost.text) > 16 * MAX_STEPS || (self.shape.patterns && cost.text > MAX_PATTERN)
    }

    /// Whether time alone decides, and the condition is met neither at `now` nor later.
    pub(super) fn is_over(&self, environment: &Environment, stored: &Map<String, Value>, now: Timestamp) -> bool {
        let context = Context::at(now);
        self.depends(stored, &context) == ConditionUse::Until(Timestamp::MAX)
            && self.evaluate(environment, stored, &context) == Ok(false)
    }

    /// How the condition's value depends on the request, given what the tuple stores.
    pub(super) fn depends(&self, stored: &Map<String, Value>, request: &Context) -> ConditionUse {
        if self.parameters.is_empty() {
            return ConditionUse::Context;
        }
        let mut timed = false;
        for (parameter, _) in &self.parameters {
            if stored.contains_key(parameter) {
                continue;
            }
            if parameter != CURRENT_TIME {
                return ConditionUse::Context;
            }
            timed = true;
        }
        if !timed {
            return ConditionUse::Until(Timestamp::MAX);
        }
        match (&self.interval, request.current_time()) {
            (Some(interval), Some(now)) => ConditionUse::Until(interval.next_change(stored, now)),
            _ => ConditionUse::Context,
        }
    }
}

/// The stored context of a condition as an object.
pub(super) fn stored_context(condition: &TupleCondition) -> Map<String, Value> {
    match condition.context_value() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// [`stored_context`] of a tuple's condition; empty without one.
pub(super) fn stored_of(tuple: &Tuple) -> Map<String, Value> {
    tuple.condition.as_ref().map(stored_context).unwrap_or_default()
}

#[cfg(test)]
mod tests;
