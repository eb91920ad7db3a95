//! A static check of condition expressions: declared names and functions only, operands that can fit, a result that is
//! a bool.
//!
//! The interpreter has no checker of its own. This one is meant to refuse what OpenFGA refuses when a model is written;
//! where it knows less than a full checker it lets an expression pass, and evaluation then fails with an error.

use std::rc::Rc;

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators},
};

use super::convert::ParameterType;

/// Deepest nesting of an expression, macros expanded.
const MAX_NESTING: usize = 128;

/// Why an expression is refused when a model is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    #[error("it is not valid CEL")]
    Syntax,
    #[error("`{0}` is not a parameter")]
    UndeclaredName(String),
    #[error("function `{0}` is not known")]
    UndeclaredFunction(String),
    #[error("`{0}` is not defined for these operands")]
    Operands(String),
    #[error("its result is not a bool")]
    NotBool,
    #[error("it uses a construct that conditions do not have, or nests too deeply")]
    Unsupported,
}

/// What an expression costs, as far as its text tells.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Comprehensions, nested or not.
    pub(super) loops: usize,
    /// Elements of list and map literals.
    pub(super) literals: usize,
    /// Whether regular expressions are used.
    pub(super) patterns: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Type {
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    IpAddress,
    Null,
    /// The type of type names.
    Named,
    List(Rc<Type>),
    Map(Rc<Type>),
}

impl From<&ParameterType> for Type {
    fn from(declared: &ParameterType) -> Type {
        match declared {
            ParameterType::Any => Type::Dyn,
            ParameterType::Bool => Type::Bool,
            ParameterType::String => Type::String,
            ParameterType::Int => Type::Int,
            ParameterType::Uint => Type::Uint,
            ParameterType::Double => Type::Double,
            ParameterType::Duration => Type::Duration,
            ParameterType::Timestamp => Type::Timestamp,
            ParameterType::IpAddress => Type::IpAddress,
            ParameterType::List(element) => Type::List(Rc::new(element.as_ref().into())),
            ParameterType::Map(field) => Type::Map(Rc::new(field.as_ref().into())),
        }
    }
}

impl Type {
    fn is(&self, other: &Type) -> bool {
        *self == Type::Dyn || self == other
    }

    fn numeric(&self) -> bool {
        matches!(self, Type::Int | Type::Uint | Type::Double)
    }

    fn ordered(&self) -> bool {
        self.numeric()
            || matches!(self, Type::Bool | Type::String | Type::Bytes | Type::Duration | Type::Timestamp | Type::Dyn)
    }

    /// Whether `==` between the two can be meant.
    fn comparable(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Dyn | Type::Null, _) | (_, Type::Dyn | Type::Null) => true,
            (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => a.comparable(b),
            (a, b) => a == b || (a.numeric() && b.numeric()),
        }
    }

    fn join(self, other: Type) -> Type {
        if self == other { self } else { Type::Dyn }
    }
}

pub(super) fn check(expression: &IdedExpr, parameters: &[(String, ParameterType)]) -> Result<Shape, ExpressionError> {
    let scope = parameters.iter().map(|(name, declared)| (name.as_str(), declared.into())).collect();
    let mut checker = Checker { scope, shape: Shape::default(), nesting: 0 };
    match checker.infer(expression)? {
        Type::Bool => Ok(checker.shape),
        _ => Err(ExpressionError::NotBool),
    }
}

struct Checker<'e> {
    /// Innermost last.
    scope: Vec<(&'e str, Type)>,
    shape: Shape,
    nesting: usize,
}

impl<'e> Checker<'e> {
    fn infer(&mut self, expression: &'e IdedExpr) -> Result<Type, ExpressionError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(ExpressionError::Unsupported);
        }
        let inferred = match &expression.expr {
            Expr::Literal(literal) => Ok(literal_type(literal)),
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                self.shape.literals += list.elements.len();
                let mut element = None;
                for expression in &list.elements {
                    let found = self.infer(expression)?;
                    element = Some(element.map_or(found.clone(), |held: Type| held.join(found)));
                }
                Ok(Type::List(Rc::new(element.unwrap_or(Type::Dyn))))
            }
            Expr::Map(map) => {
                self.shape.literals += map.entries.len();
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { return Err(ExpressionError::Unsupported) };
                    self.infer(&entry.key)?;
                    self.infer(&entry.value)?;
                }
                Ok(Type::Map(Rc::new(Type::Dyn)))
            }
            Expr::Select(select) => match self.infer(&select.operand)? {
                Type::Map(_) | Type::Dyn if select.test => Ok(Type::Bool),
                Type::Map(field) => Ok((*field).clone()),
                Type::Dyn => Ok(Type::Dyn),
                _ => Err(ExpressionError::Operands(select.field.clone())),
            },
            Expr::Struct(_) | Expr::Unspecified => Err(ExpressionError::Unsupported),
        };
        self.nesting -= 1;
        inferred
    }

    fn name(&self, name: &str) -> Result<Type, ExpressionError> {
        if let Some((_, declared)) = self.scope.iter().rev().find(|(held, _)| *held == name) {
            return Ok(declared.clone());
        }
        match name {
            "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type" => {
                Ok(Type::Named)
            }
            _ => Err(ExpressionError::UndeclaredName(name.to_owned())),
        }
    }

    fn comprehension(&mut self, loop_: &'e ComprehensionExpr) -> Result<Type, ExpressionError> {
        self.shape.loops += 1;
        let element = match self.infer(&loop_.iter_range)? {
            Type::List(element) => (*element).clone(),
            Type::Map(_) => Type::String,
            Type::Dyn => Type::Dyn,
            _ => return Err(ExpressionError::Operands("in a loop".to_owned())),
        };
        if loop_.iter_var2.is_some() {
            return Err(ExpressionError::Unsupported);
        }
        let start = self.infer(&loop_.accu_init)?;
        let depth = self.scope.len();
        self.scope.push((loop_.accu_var.as_str(), start));
        self.scope.push((loop_.iter_var.as_str(), element));
        self.infer(&loop_.loop_cond)?;
        let step = self.infer(&loop_.loop_step)?;
        if let Some((_, accumulated)) = self.scope.get_mut(depth) {
            *accumulated = step;
        }
        let result = self.infer(&loop_.result);
        self.scope.truncate(depth);
        result
    }

    fn call(&mut self, call: &'e CallExpr) -> Result<Type, ExpressionError> {
        let target = call.target.as_deref().map(|target| self.infer(target)).transpose()?;
        let arguments: Vec<Type> = call.args.iter().map(|argument| self.infer(argument)).collect::<Result<_, _>>()?;
        let name = call.func_name.as_str();
        if name == "matches" {
            self.shape.patterns = true;
        }
        let inferred = match (target, arguments.as_slice()) {
            (Some(target), arguments) => method(name, &target, arguments),
            (None, [one]) => unary(name, one),
            (None, [left, right]) => binary(name, left, right),
            (None, [condition, left, right]) if name == operators::CONDITIONAL => {
                condition.is(&Type::Bool).then(|| left.clone().join(right.clone()))
            }
            _ => None,
        };
        inferred.ok_or_else(|| {
            let known = KNOWN.contains(&name) || !name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if known {
                ExpressionError::Operands(name.to_owned())
            } else {
                ExpressionError::UndeclaredFunction(name.to_owned())
            }
        })
    }
}

/// Names of functions, to tell "no such function" from "not for these operands".
const KNOWN: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "in_cidr",
    "ipaddress",
    "getFullYear",
    "getMonth",
    "getDayOfYear",
    "getDayOfMonth",
    "getDate",
    "getDayOfWeek",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "duration",
    "timestamp",
    "dyn",
    "type",
];

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

fn method(name: &str, target: &Type, arguments: &[Type]) -> Option<Type> {
    match (name, arguments) {
        ("size", []) => sized(target),
        ("contains" | "startsWith" | "endsWith" | "matches", [text]) => {
            (target.is(&Type::String) && text.is(&Type::String)).then_some(Type::Bool)
        }
        ("in_cidr", [block]) => (target.is(&Type::IpAddress) && block.is(&Type::String)).then_some(Type::Bool),
        ("getHours" | "getMinutes" | "getSeconds" | "getMilliseconds", []) if target.is(&Type::Duration) => {
            Some(Type::Int)
        }
        (
            "getFullYear" | "getMonth" | "getDayOfYear" | "getDayOfMonth" | "getDate" | "getDayOfWeek" | "getHours"
            | "getMinutes" | "getSeconds" | "getMilliseconds",
            zone,
        ) => {
            let zoned = zone.len() <= 1 && zone.iter().all(|zone| zone.is(&Type::String));
            (target.is(&Type::Timestamp) && zoned).then_some(Type::Int)
        }
        _ => None,
    }
}

fn sized(of: &Type) -> Option<Type> {
    matches!(of, Type::String | Type::Bytes | Type::List(_) | Type::Map(_) | Type::Dyn).then_some(Type::Int)
}

fn unary(name: &str, argument: &Type) -> Option<Type> {
    let from = |allowed: &[Type], to: Type| (*argument == Type::Dyn || allowed.contains(argument)).then_some(to);
    match name {
        operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => from(&[Type::Bool], Type::Bool),
        operators::NEGATE => from(&[Type::Int, Type::Double, Type::Duration], argument.clone()),
        "size" => sized(argument),
        "ipaddress" => from(&[Type::String], Type::IpAddress),
        "duration" => from(&[Type::String, Type::Duration, Type::Int], Type::Duration),
        "timestamp" => from(&[Type::String, Type::Timestamp, Type::Int], Type::Timestamp),
        "int" => from(&[Type::Int, Type::Uint, Type::Double, Type::String, Type::Timestamp, Type::Duration], Type::Int),
        "uint" => from(&[Type::Int, Type::Uint, Type::Double, Type::String], Type::Uint),
        "double" => from(&[Type::Int, Type::Uint, Type::Double, Type::String], Type::Double),
        "bool" => from(&[Type::Bool, Type::String], Type::Bool),
        "bytes" => from(&[Type::Bytes, Type::String], Type::Bytes),
        "string" => from(
            &[
                Type::String,
                Type::Bool,
                Type::Int,
                Type::Uint,
                Type::Double,
                Type::Bytes,
                Type::Timestamp,
                Type::Duration,
            ],
            Type::String,
        ),
        "dyn" => Some(Type::Dyn),
        "type" => Some(Type::Named),
        _ => None,
    }
}

fn binary(name: &str, left: &Type, right: &Type) -> Option<Type> {
    use Type::{Bool, Bytes, Double, Duration, Dyn, Int, List, Map, String, Timestamp, Uint};
    match name {
        operators::LOGICAL_AND | operators::LOGICAL_OR => (left.is(&Bool) && right.is(&Bool)).then_some(Bool),
        operators::EQUALS | operators::NOT_EQUALS => left.comparable(right).then_some(Bool),
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            (left.ordered() && right.ordered() && left.comparable(right)).then_some(Bool)
        }
        operators::IN => match right {
            List(element) => left.comparable(element).then_some(Bool),
            Map(_) | Dyn => Some(Bool),
            _ => None,
        },
        operators::INDEX => match left {
            List(element) => (right.is(&Int) || right.numeric()).then(|| (**element).clone()),
            Map(field) => Some((**field).clone()),
            Dyn => Some(Dyn),
            _ => None,
        },
        operators::ADD => match (left, right) {
            (Dyn, other) | (other, Dyn) => Some(if matches!(other, List(_)) { List(Rc::new(Dyn)) } else { Dyn }),
            (List(a), List(b)) => Some(List(Rc::new((**a).clone().join((**b).clone())))),
            (Timestamp, Duration) | (Duration, Timestamp) => Some(Timestamp),
            (a, b) if a == b && matches!(a, Int | Uint | Double | String | Bytes | Duration) => Some(a.clone()),
            _ => None,
        },
        operators::SUBSTRACT => match (left, right) {
            (Dyn, _) | (_, Dyn) => Some(Dyn),
            (Timestamp, Timestamp) => Some(Duration),
            (Timestamp, Duration) => Some(Timestamp),
            (a, b) if a == b && (a.numeric() || *a == Duration) => Some(a.clone()),
            _ => None,
        },
        operators::MULTIPLY | operators::DIVIDE | operators::MODULO => match (left, right) {
            (Dyn, _) | (_, Dyn) => Some(Dyn),
            (a, b) if a == b && a.numeric() && !(*a == Double && name == operators::MODULO) => Some(a.clone()),
            _ => None,
        },
        "matches" => (left.is(&String) && right.is(&String)).then_some(Bool),
        _ => None,
    }
}
