//! Conditions that are intervals of time: when does such a condition change next?
//!
//! Recognised are conjunctions of comparisons of `current_time` with timestamps that the tuple stores or the expression
//! spells out. Everything else is treated as depending on the whole request.

use cel::{
    IdedExpr,
    common::ast::{Expr, LiteralValue, operators},
};
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value};

use super::{CURRENT_TIME, convert, convert::ParameterType};

#[derive(Debug)]
enum Bound {
    Parameter(String),
    Instant(Timestamp),
}

/// The instants around which the condition may change.
#[derive(Debug)]
pub(super) struct Interval(Vec<Bound>);

impl Interval {
    pub(super) fn of(expression: &IdedExpr, parameters: &[(String, ParameterType)]) -> Option<Interval> {
        let mut bounds = Vec::new();
        collect(expression, parameters, &mut bounds)?;
        Some(Interval(bounds))
    }

    /// The first instant after `now` at which the condition may have another value than at `now`.
    pub(super) fn next_change(&self, stored: &Map<String, Value>, now: Timestamp) -> Timestamp {
        let instants = self.0.iter().filter_map(|bound| match bound {
            Bound::Instant(instant) => Some(*instant),
            Bound::Parameter(name) => convert::timestamp(stored.get(name)?.as_str()?),
        });
        // `<` and `<=` change at the bound or one nanosecond after it; assuming both is always safe.
        instants
            .flat_map(|bound| [Some(bound), bound.checked_add(1.nanosecond()).ok()])
            .flatten()
            .filter(|change| *change > now)
            .min()
            .unwrap_or(Timestamp::MAX)
    }
}

fn collect(expression: &IdedExpr, parameters: &[(String, ParameterType)], bounds: &mut Vec<Bound>) -> Option<()> {
    let Expr::Call(call) = &expression.expr else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    match call.func_name.as_str() {
        operators::LOGICAL_AND => {
            collect(left, parameters, bounds)?;
            collect(right, parameters, bounds)
        }
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            let other = match (is_now(left, parameters), is_now(right, parameters)) {
                (true, false) => right,
                (false, true) => left,
                _ => return None,
            };
            bounds.push(bound(other, parameters)?);
            Some(())
        }
        _ => None,
    }
}

fn is_timestamp(name: &str, parameters: &[(String, ParameterType)]) -> bool {
    parameters.iter().any(|(declared, kind)| declared == name && *kind == ParameterType::Timestamp)
}

fn is_now(expression: &IdedExpr, parameters: &[(String, ParameterType)]) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == CURRENT_TIME && is_timestamp(name, parameters))
}

fn bound(expression: &IdedExpr, parameters: &[(String, ParameterType)]) -> Option<Bound> {
    match &expression.expr {
        Expr::Ident(name) if is_timestamp(name, parameters) => Some(Bound::Parameter(name.clone())),
        Expr::Call(call) if call.func_name == "timestamp" && call.target.is_none() => {
            let [argument] = call.args.as_slice() else { return None };
            let Expr::Literal(LiteralValue::String(text)) = &argument.expr else { return None };
            Some(Bound::Instant(convert::timestamp(text.inner())?))
        }
        _ => None,
    }
}
