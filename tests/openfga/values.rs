//! Conditions with parameters of every type, and values for them: good, on the edge, and of the wrong type.

use serde_json::{Map, Value, json};
use usher_support::Random;

/// A condition that models may contain.
pub struct Condition {
    pub name: &'static str,
    /// (parameter, type name, type name of the elements or nothing)
    pub parameters: &'static [(&'static str, &'static str, &'static str)],
    pub expression: &'static str,
}

const fn condition(
    name: &'static str,
    parameters: &'static [(&'static str, &'static str, &'static str)],
    expression: &'static str,
) -> Condition {
    Condition { name, parameters, expression }
}

pub const CONDITIONS: &[Condition] = &[
    condition("flag", &[("b", "BOOL", "")], "b"),
    condition("named", &[("s", "STRING", "")], "s == 'x' || s.startsWith('pre')"),
    condition("matched", &[("s", "STRING", "")], "s.matches('^[a-z]+$') && size(s) < 5"),
    condition("below", &[("i", "INT", "")], "i < 5"),
    condition("grows", &[("i", "INT", "")], "i + 1 > i"),
    condition("count", &[("u", "UINT", "")], "u >= 2u"),
    condition("weight", &[("d", "DOUBLE", "")], "d < 1.5 && d > -1.5"),
    condition("short", &[("du", "DURATION", "")], "du < duration('1h')"),
    condition("before", &[("t", "TIMESTAMP", "")], "t < timestamp('2025-01-01T00:00:00Z')"),
    condition("within", &[("t", "TIMESTAMP", ""), ("from", "TIMESTAMP", ""), ("du", "DURATION", "")], "t < from + du"),
    condition("inside", &[("ip", "IPADDRESS", "")], "ip.in_cidr('10.0.0.0/8') || ip == ipaddress('::1')"),
    condition("range", &[("ip", "IPADDRESS", ""), ("s", "STRING", "")], "ip.in_cidr(s)"),
    condition("keyed", &[("m", "MAP", "STRING")], "m.a == 'x'"),
    condition("held", &[("m", "MAP", "STRING"), ("s", "STRING", "")], "s in m"),
    condition("has_a", &[("m", "MAP", "INT")], "has(m.a) && m['a'] > 1"),
    condition("listed", &[("l", "LIST", "STRING"), ("s", "STRING", "")], "s in l"),
    condition("first", &[("l", "LIST", "INT")], "l[0] == 1"),
    condition("some", &[("l", "LIST", "INT")], "l.exists(x, x > 2) && l.all(x, x < 9)"),
    condition("anything", &[("a", "ANY", "")], "a == 'x' || a == 1"),
    condition("sized", &[("a", "ANY", "")], "size(a) == 1"),
    condition("either", &[("i", "INT", ""), ("b", "BOOL", "")], "i == 1 || b"),
    condition("constant", &[], "1 < 2"),
];

pub fn definition(condition: &Condition) -> Value {
    let parameters: Map<String, Value> = condition
        .parameters
        .iter()
        .map(|(name, of, element)| {
            let mut declared = json!({"type_name": format!("TYPE_NAME_{of}")});
            if !element.is_empty() {
                declared["generic_types"] = json!([{"type_name": format!("TYPE_NAME_{element}")}]);
            }
            ((*name).to_owned(), declared)
        })
        .collect();
    json!({"name": condition.name, "expression": condition.expression, "parameters": parameters})
}

/// A value for a parameter, by its name; one in eight is of any type.
pub fn value(rng: &mut Random, parameter: &str) -> Value {
    let strange = [json!(null), json!("x"), json!("1"), json!(1.5), json!([]), json!({}), json!(true), json!([[1]])];
    if rng.chance(12) {
        return strange[rng.below(strange.len())].clone();
    }
    let usual: &[&str] = match parameter {
        "b" => &["true", "false"],
        "s" => &[
            r#""x""#,
            r#""prefix""#,
            r#""abc""#,
            r#""""#,
            r#""10.0.0.0/8""#,
            r#""10.0.0.0/33""#,
            r#""::/0""#,
            r#""::ffff:10.0.0.0/104""#,
            r#""::ffff:10.0.0.0/95""#,
            r#""10.0.0.0/08""#,
            r#""é""#,
        ],
        "i" => {
            &["1", "4", "5", "10.0", r#""3""#, "-7", "9223372036854775807", r#""9223372036854775807""#, "2.5", "1e3"]
        }
        "u" => &["0", "2", r#""3""#, "-1", "2.0", "1e3"],
        "d" => &["0.1", "1.5", "-1.0", r#""0.5""#, r#""0.1""#, "1e300", r#""1e400""#],
        "du" => &[r#""10s""#, r#""1h30m""#, r#""59m59.5s""#, r#""-1h""#, r#""1d""#, r#""0""#, r#""250ms""#],
        "t" | "from" => &[
            r#""2024-12-31T23:59:59Z""#,
            r#""2025-01-01T00:00:00Z""#,
            r#""2025-01-01T00:30:00+01:00""#,
            r#""2025-01-01""#,
            r#""2024-06-01T00:00:00.123456789Z""#,
            r#""9999-12-31T23:59:59Z""#,
            r#""9999-12-31T12:00:00.5+09:30""#,
        ],
        "ip" => &[
            r#""10.1.2.3""#,
            r#""192.168.0.1""#,
            r#""::1""#,
            r#""::ffff:10.0.0.1""#,
            r#""10.0.0""#,
            r#""2001:db8::1""#,
        ],
        "m" => &[r#"{"a": "x"}"#, r#"{"a": "y", "x": "z"}"#, "{}", r#"{"a": 2}"#, r#"{"x": "1"}"#],
        "l" => &[r#"["x", "y"]"#, "[1, 3]", "[]", "[4]", r#"["1"]"#, "[2.5]"],
        _ => &[r#""x""#, "1", r#"["x"]"#, r#"{"k": 1}"#, "true", "1.0"],
    };
    serde_json::from_str(usual[rng.below(usual.len())]).unwrap()
}
