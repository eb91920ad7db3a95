//! The conversion table and the rules of evaluation, row by row.

use serde_json::json;

use super::*;

fn condition(parameters: &[(&str, ParameterType)], expression: &str) -> Result<Condition, ExpressionError> {
    let parameters = parameters.iter().map(|(name, declared)| ((*name).to_owned(), declared.clone())).collect();
    Condition::compile(&Environment::new(), "c", parameters, expression)
}

fn evaluate(declared: ParameterType, expression: &str, value: Value) -> Result<bool, ConditionError> {
    let condition = condition(&[("x", declared)], expression).unwrap();
    condition.evaluate(&Environment::new(), &Map::new(), &Context::from_iter([("x".to_owned(), value)]))
}

fn wrong_type(declared: ParameterType, value: Value) {
    let outcome = evaluate(declared.clone(), "x == x", value.clone());
    assert!(matches!(outcome, Err(ConditionError::Type { .. })), "{declared:?} {value}: {outcome:?}");
}

#[test]
fn values_convert_as_declared() {
    use ParameterType::{Any, Bool, Double, Duration, Int, IpAddress, List, Map, String, Timestamp, Uint};
    let rows = [
        (Bool, "x", json!(true)),
        (String, "x == 'a'", json!("a")),
        (Int, "x == 10", json!(10)),
        (Int, "x == 10", json!(10.0)),
        (Int, "x == 10", json!("10")),
        (Int, "x == 10", json!("10.0")),
        (Int, "x == -1000", json!("-1e3")),
        (Int, "x == 9223372036854775807", json!(u64::MAX)),
        (Int, "x == 9223372036854775807", json!("99999999999999999999999")),
        (Int, "x == 9007199254740993", json!(9007199254740993u64)),
        (Int, "x == 9007199254740993", json!("9007199254740993")),
        (Uint, "x == 10u", json!(10)),
        (Uint, "x == 10u", json!("10")),
        (Uint, "x == 9223372036854775807u", json!(u64::MAX)),
        (Double, "x == 0.1", json!(0.1)),
        (Double, "x == 0.5", json!("0.5")),
        (Double, "x == 1e300", json!(1e300)),
        (Double, "x == 3.0", json!(3)),
        (Duration, "x == duration('90m')", json!("1h30m")),
        (Duration, "x == duration('250ms')", json!("250ms")),
        (Duration, "x == duration('1500us')", json!("1.5ms")),
        (Duration, "x == duration('2us')", json!("2µs")),
        (Duration, "x < duration('0s')", json!("-1ns")),
        (Duration, "x == duration('0s')", json!("0")),
        (Timestamp, "x == timestamp('2023-10-11T10:00:00Z')", json!("2023-10-11T12:00:00.000+02:00")),
        (Timestamp, "x < timestamp('2023-10-11T10:00:00Z')", json!("2023-10-11T09:59:59.999999999Z")),
        (Timestamp, "x == timestamp('9999-12-31T23:59:59Z')", json!("9999-12-31T23:59:59Z")),
        (Timestamp, "x < timestamp('9999-12-31T22:00:00.000000001Z')", json!("9999-12-31T23:00:00+01:00")),
        (Timestamp, "x > timestamp('9999-12-31T23:59:59Z')", json!("9999-12-31T23:59:59.999999999Z")),
        (Timestamp, "x > timestamp('9999-12-31T23:59:59Z')", json!("9999-12-31T23:59:59-01:00")),
        (IpAddress, "x.in_cidr('192.168.0.0/24')", json!("192.168.0.7")),
        (IpAddress, "x == ipaddress('1.2.3.4')", json!("::ffff:1.2.3.4")),
        (IpAddress, "x.in_cidr('2001:db8::/32') && x != null", json!("2001:db8::1")),
        (IpAddress, "!x.in_cidr('10.0.0.0/8')", json!("2001:db8::1")),
        (List(Box::new(Int)), "x[1] == 2 && 2 in x && x.exists(i, i > 1)", json!([1, "2"])),
        (Map(Box::new(String)), "x['k'] == 'v' && x.k == 'v' && has(x.k) && !has(x.z)", json!({"k": "v"})),
        (Map(Box::new(Bool)), "x.k", json!({"k": true})),
        (Any, "x == 10 && x == 10.0", json!(10)),
        (Any, "x.a[0] == 'b'", json!({"a": ["b"]})),
        (Any, "x == null", json!(null)),
    ];
    for (declared, expression, value) in rows {
        assert_eq!(evaluate(declared, expression, value.clone()), Ok(true), "{expression} with {value}");
    }
}

#[test]
fn other_values_are_errors() {
    use ParameterType::{Bool, Double, Duration, Int, IpAddress, List, Map, String, Timestamp, Uint};
    for (declared, value) in [
        (Bool, json!("true")),
        (Bool, json!(1)),
        (String, json!(1)),
        (String, json!(null)),
        (Int, json!(10.5)),
        (Int, json!("10.5")),
        (Int, json!("0x10")),
        (Int, json!("")),
        (Int, json!(true)),
        (Uint, json!(-1)),
        (Uint, json!("-1")),
        (Double, json!("0.1")),
        (Double, json!("1e400")),
        (Double, json!("inf")),
        (Duration, json!(10)),
        (Duration, json!("10")),
        (Duration, json!("1d")),
        (Duration, json!("1h30")),
        (Duration, json!("")),
        (Duration, json!("10000000h")),
        (Timestamp, json!("2023-10-11")),
        (Timestamp, json!("2023-10-11 10:00:00Z")),
        (Timestamp, json!("2023-10-11T10:00:00")),
        (Timestamp, json!("2023-10-11T10:00:60Z")),
        (Timestamp, json!("2023-13-11T10:00:00Z")),
        (Timestamp, json!("2023-10-11T10:00:00Z[UTC]")),
        (Timestamp, json!(1697018400)),
        (IpAddress, json!("1.2.3")),
        (IpAddress, json!("1.2.3.4/8")),
        (List(Box::new(Int)), json!(["a"])),
        (List(Box::new(Int)), json!({})),
        (Map(Box::new(Int)), json!([1])),
    ] {
        wrong_type(declared, value);
    }
}

#[test]
fn evaluation_errors_are_errors() {
    use ParameterType::{Int, IpAddress, List, Map, String};
    for (declared, expression, value) in [
        (IpAddress, "x.in_cidr('192.168.0.0')", json!("192.168.0.1")),
        (IpAddress, "x.in_cidr('192.168.0.0/33')", json!("192.168.0.1")),
        (IpAddress, "x == ipaddress('nonsense')", json!("192.168.0.1")),
        (Map(Box::new(String)), "x['missing'] == 'v'", json!({"k": "v"})),
        (List(Box::new(Int)), "x[5] == 1", json!([1])),
        (Int, "x + 9223372036854775807 > 0", json!(1)),
        (Int, "1 / x == 1", json!(0)),
        (String, "x.matches('(')", json!("a")),
        (String, "timestamp(x) < timestamp('2023-10-11T10:00:00Z')", json!("soon")),
    ] {
        let outcome = evaluate(declared, expression, value);
        assert!(matches!(outcome, Err(ConditionError::Evaluation { .. })), "{expression}: {outcome:?}");
    }
}

#[test]
fn every_parameter_must_be_present() {
    let condition = condition(&[("a", ParameterType::Int), ("b", ParameterType::Int)], "a == 1 || b == 2").unwrap();
    let outcome =
        condition.evaluate(&Environment::new(), &Map::new(), &Context::from_iter([("a".to_owned(), json!(1))]));
    assert_eq!(outcome, Err(ConditionError::Missing { condition: "c".to_owned(), parameter: "b".to_owned() }));
}

#[test]
fn the_tuple_wins_over_the_request() {
    let condition = condition(&[("x", ParameterType::Int)], "x == 1").unwrap();
    let stored = Map::from_iter([("x".to_owned(), json!(1))]);
    let request = Context::from_iter([("x".to_owned(), json!(2)), ("other".to_owned(), json!("ignored"))]);
    assert_eq!(condition.evaluate(&Environment::new(), &stored, &request), Ok(true));
    assert_eq!(condition.evaluate(&Environment::new(), &Map::new(), &request), Ok(false));
}

#[test]
fn a_condition_without_parameters_wants_no_context() {
    let condition = condition(&[], "1 < 2").unwrap();
    assert_eq!(condition.evaluate(&Environment::new(), &Map::new(), &Context::new()), Ok(true));
    let outcome =
        condition.evaluate(&Environment::new(), &Map::new(), &Context::from_iter([("x".to_owned(), json!(1))]));
    assert!(matches!(outcome, Err(ConditionError::UnexpectedContext { .. })));
}

#[test]
fn expressions_that_cannot_be_meant_are_refused() {
    use ExpressionError::{NotBool, Operands, Syntax, UndeclaredFunction, UndeclaredName};
    let parameters = [
        ("i", ParameterType::Int),
        ("s", ParameterType::String),
        ("t", ParameterType::Timestamp),
        ("a", ParameterType::Any),
        ("l", ParameterType::List(Box::new(ParameterType::String))),
        ("ip", ParameterType::IpAddress),
    ];
    for (expression, error) in [
        ("i ==", Syntax),
        ("i + 1", NotBool),
        ("s", NotBool),
        ("a", NotBool),
        ("l.map(x, x + 'b')", NotBool),
        ("unknown == 1", UndeclaredName("unknown".to_owned())),
        ("l.all(x, y > x)", UndeclaredName("y".to_owned())),
        ("nonsense(i)", UndeclaredFunction("nonsense".to_owned())),
        ("s.nonsense()", UndeclaredFunction("nonsense".to_owned())),
        ("s.in_cidr('10.0.0.0/8')", Operands("in_cidr".to_owned())),
        ("i == s", Operands("_==_".to_owned())),
        ("t < i", Operands("_<_".to_owned())),
        ("i + s == s", Operands("_+_".to_owned())),
        ("i && true", Operands("_&&_".to_owned())),
        ("i in s", Operands("@in".to_owned())),
    ] {
        assert_eq!(condition(&parameters, expression).err(), Some(error), "{expression}");
    }
    for expression in [
        "a == i",
        "l.exists_one(x, x == s)",
        "size(l) > 0 && l.size() > 0",
        "t + duration('1h') > t",
        "t.getFullYear() == 2023",
        "l.map(x, size(x)).exists(n, n > 3)",
        "l.filter(x, x != '').size() == 1",
        "i > 0 ? s == 'a' : false",
        "type(a) == int",
        "string(i) == s",
        "ip.in_cidr(s)",
        "a.b.c == 'x'",
    ] {
        assert!(condition(&parameters, expression).is_ok(), "{expression}: {:?}", condition(&parameters, expression));
    }
}

#[test]
fn costly_evaluations_are_errors() {
    let list = ParameterType::List(Box::new(ParameterType::Int));
    let nested = "x.all(a, x.all(b, x.all(c, a + b + c > 0)))";
    assert_eq!(evaluate(list.clone(), nested, json!(vec![1; 20])), Ok(true));
    assert!(matches!(evaluate(list.clone(), nested, json!(vec![1; 300])), Err(ConditionError::Cost { .. })));
    assert!(matches!(evaluate(list, "x == x", json!(vec![1; 2000])), Err(ConditionError::Cost { .. })));
    let text = "a".repeat(5000);
    assert!(matches!(
        evaluate(ParameterType::String, "x.matches('a*')", json!(text)),
        Err(ConditionError::Cost { .. })
    ));
}

#[test]
fn intervals_say_when_they_change() {
    use ParameterType::{String, Timestamp as T};
    let during =
        condition(&[("current_time", T), ("start", T), ("end", T)], "start <= current_time && current_time < end")
            .unwrap();
    let stored = Map::from_iter([
        ("start".to_owned(), json!("2025-01-01T00:00:00Z")),
        ("end".to_owned(), json!("2025-02-01T00:00:00Z")),
    ]);
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    let until = |condition: &Condition, now: &str| condition.depends(&stored, &Context::at(instant(now)));
    assert_eq!(until(&during, "2024-01-01T00:00:00Z"), ConditionUse::Until(instant("2025-01-01T00:00:00Z")));
    assert_eq!(until(&during, "2025-01-15T00:00:00Z"), ConditionUse::Until(instant("2025-02-01T00:00:00Z")));
    assert_eq!(until(&during, "2026-01-01T00:00:00Z"), ConditionUse::Until(Timestamp::MAX));
    assert_eq!(during.depends(&stored, &Context::new()), ConditionUse::Context);
    assert_eq!(during.depends(&Map::new(), &Context::at(instant("2025-01-15T00:00:00Z"))), ConditionUse::Context);
    let other = condition(&[("current_time", T), ("s", String)], "string(current_time) == s").unwrap();
    let stored = Map::from_iter([("s".to_owned(), json!("x"))]);
    assert_eq!(
        other.depends(&stored, &Context::at(instant("2025-01-15T00:00:00Z"))),
        ConditionUse::Context,
        "not a comparison of instants"
    );
    let constant = condition(&[("s", String)], "s == 'x'").unwrap();
    assert_eq!(constant.depends(&stored, &Context::new()), ConditionUse::Until(Timestamp::MAX));
}

#[test]
fn what_ends_with_the_last_year_never_ends() {
    use ParameterType::Timestamp as T;
    let during =
        condition(&[("current_time", T), ("start", T), ("end", T)], "start <= current_time && current_time < end")
            .unwrap();
    let environment = Environment::new();
    for end in [
        "9999-12-30T22:00:00.999999999Z",
        "9999-12-30T22:00:01Z",
        "9999-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59+14:00",
        "9999-12-31T23:59:59-12:00",
    ] {
        let stored =
            Map::from_iter([("start".to_owned(), json!("2025-01-01T00:00:00Z")), ("end".to_owned(), json!(end))]);
        assert_eq!(during.check_stored(&stored), Ok(()), "{end}");
        for now in ["2025-01-02T00:00:00Z", "2500-01-01T00:00:00Z", "9999-12-30T21:59:59Z"] {
            let at = Context::at(now.parse().unwrap());
            assert_eq!(during.evaluate(&environment, &stored, &at), Ok(true), "{end} {now}");
            assert_eq!(during.depends(&stored, &at), ConditionUse::Until(Timestamp::MAX), "{end} {now}");
            assert!(!during.is_over(&environment, &stored, now.parse().unwrap()), "{end} {now}");
        }
        let before = Context::at("2024-12-31T00:00:00Z".parse().unwrap());
        assert_eq!(during.evaluate(&environment, &stored, &before), Ok(false), "{end}");
    }
    let at = Context::from_iter([(CURRENT_TIME.to_owned(), json!("9999-12-31T12:00:00Z"))]);
    assert_eq!(at.current_time(), Some(Timestamp::MAX));
    let stored = |end: &str| {
        Map::from_iter([("start", "2025-01-01T00:00:00Z"), ("end", end)].map(|(k, v)| (k.to_owned(), json!(v))))
    };
    assert_eq!(during.evaluate(&environment, &stored("9999-12-31T12:00:01Z"), &at), Ok(true), "to the second");
    assert_eq!(during.evaluate(&environment, &stored("9999-12-31T12:00:00Z"), &at), Ok(false));
}

#[test]
fn uses_combine_to_the_stricter() {
    let early = ConditionUse::Until(Timestamp::UNIX_EPOCH);
    let late = ConditionUse::Until(Timestamp::MAX);
    assert_eq!(early.and(late), early);
    assert_eq!(ConditionUse::None.and(late), late);
    assert_eq!(early.and(ConditionUse::Context), ConditionUse::Context);
}
