//! The meaning of filters as a table: filter, documents that match.

use serde_json::{Value, json};

use super::{DeclaredFields, FieldValues, FilterError, FilterProblem, FilterSubject, MetadataFilter};
use usher_base::wire::{FieldType, Fields, Filter};

fn declared() -> DeclaredFields {
    let fields = [
        ("lang", FieldType::Keyword),
        ("pages", FieldType::Number),
        ("draft", FieldType::Bool),
        ("due", FieldType::Time),
        ("tags", FieldType::Keywords),
    ];
    DeclaredFields::new(&fields.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect()).unwrap()
}

fn metadata(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn values(value: Value) -> FieldValues {
    let (values, problems) = declared().values(&metadata(value));
    assert_eq!(problems, []);
    values
}

/// a: everything set; b: other values; c: no metadata.
fn matching(filter: &MetadataFilter) -> String {
    let a = json!({"lang": "de", "pages": 10, "draft": true, "due": "2026-03-01T00:00:00Z", "tags": ["hr", "policy"]});
    let b = json!({"lang": "en", "pages": 2.5, "draft": false, "due": "2026-03-01T02:00:00+01:00", "tags": [], "x": 1});
    let documents =
        [("a", values(a), "2026-01-01"), ("b", values(b), "2025-06-01"), ("c", values(json!({})), "2024-01-01")];
    let matching = documents.iter().filter(|(name, values, day)| {
        filter.matches(&FilterSubject {
            document_id: &format!("wiki/{name}.md"),
            source: if *name == "c" { "mail" } else { "wiki" },
            title: &format!("Page {name}"),
            updated_at: format!("{day}T00:00:00Z").parse().unwrap(),
            values,
        })
    });
    matching.map(|(name, _, _)| *name).collect()
}

fn compile(filter: Value) -> Result<MetadataFilter, FilterError> {
    let filter: Filter = serde_json::from_value(filter).unwrap();
    MetadataFilter::compile(&filter, &declared())
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

#[test]
fn each_operator_on_each_type() {
    let table = [
        (leaf("lang", "eq", json!("de")), "a"),
        (leaf("lang", "eq", json!("DE")), ""),
        (leaf("lang", "ne", json!("de")), "bc"),
        (leaf("lang", "in", json!(["en", "fr", "de"])), "ab"),
        (leaf("lang", "in", json!([])), ""),
        (leaf("lang", "nin", json!(["en", "fr"])), "ac"),
        (leaf("lang", "nin", json!([])), "abc"),
        (leaf("lang", "prefix", json!("d")), "a"),
        (leaf("lang", "prefix", json!("")), "ab"),
        (leaf("lang", "contains", json!("n")), "b"),
        (leaf("lang", "exists", json!(true)), "ab"),
        (leaf("lang", "exists", json!(false)), "c"),
        (json!({"field": "lang", "op": "exists"}), "ab"),
        (leaf("pages", "eq", json!(10.0)), "a"),
        (leaf("pages", "ne", json!(10)), "bc"),
        (leaf("pages", "in", json!([2.5, 10])), "ab"),
        (leaf("pages", "nin", json!([2.5])), "ac"),
        (leaf("pages", "lt", json!(10)), "b"),
        (leaf("pages", "lte", json!(10)), "ab"),
        (leaf("pages", "gt", json!(2.5)), "a"),
        (leaf("pages", "gte", json!(2.5)), "ab"),
        (leaf("draft", "eq", json!(true)), "a"),
        (leaf("draft", "ne", json!(true)), "bc"),
        (leaf("draft", "in", json!([true, false])), "ab"),
        (leaf("due", "eq", json!("2026-03-01T01:00:00+01:00")), "a"),
        (leaf("due", "gt", json!("2026-03-01T00:00:00Z")), "b"),
        (leaf("due", "lte", json!("2026-03-01T00:00:00Z")), "a"),
        (leaf("due", "nin", json!(["2026-03-01T00:00:00Z"])), "bc"),
        (leaf("tags", "eq", json!("hr")), "a"),
        (leaf("tags", "ne", json!("hr")), "bc"),
        (leaf("tags", "in", json!(["law", "policy"])), "a"),
        (leaf("tags", "nin", json!(["law"])), "abc"),
        (leaf("tags", "contains", json!("oli")), "a"),
        (leaf("tags", "prefix", json!("pol")), "a"),
        (leaf("tags", "exists", json!(true)), "ab"),
        (leaf("document_id", "prefix", json!("wiki/")), "abc"),
        (leaf("document_id", "eq", json!("wiki/b.md")), "b"),
        (leaf("source", "ne", json!("wiki")), "c"),
        (leaf("title", "contains", json!("age a")), "a"),
        (leaf("updated_at", "gte", json!("2025-06-01T00:00:00Z")), "ab"),
        (leaf("updated_at", "exists", json!(false)), ""),
    ];
    for (filter, expected) in table {
        assert_eq!(matching(&compile(filter.clone()).unwrap()), expected, "{filter}");
    }
}

#[test]
fn combinations_and_undeclared_fields() {
    let (german, english) = (leaf("lang", "eq", json!("de")), leaf("lang", "eq", json!("en")));
    let undeclared = leaf("colour", "eq", json!("red"));
    let table = [
        (json!({"and": [german, leaf("pages", "gt", json!(5))]}), "a"),
        (json!({"and": [german, english]}), ""),
        (json!({"or": [german, english]}), "ab"),
        (json!({"not": german}), "bc"),
        (json!({"not": {"not": german}}), "a"),
        (json!({"and": []}), "abc"),
        (json!({"or": []}), ""),
        // Nothing is known about a field that isn't declared: neither it nor its negation lets a document pass.
        (undeclared.clone(), ""),
        (json!({"not": undeclared}), ""),
        (json!({"not": {"and": [undeclared, english]}}), "ac"),
        (json!({"not": {"or": [undeclared, english]}}), ""),
        (json!({"or": [undeclared, english]}), "b"),
        (json!({"and": [undeclared, english]}), ""),
        (json!({"not": {"not": undeclared}}), ""),
        (leaf("colour", "ne", json!("red")), ""),
        (leaf("colour", "nin", json!([])), ""),
        (leaf("colour", "exists", json!(false)), ""),
        // Stored with a document, but not declared.
        (leaf("x", "eq", json!(1)), ""),
    ];
    for (filter, expected) in table {
        assert_eq!(matching(&compile(filter.clone()).unwrap()), expected, "{filter}");
    }
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    use FilterProblem::*;
    let table = [
        (leaf("lang", "eq", json!(5)), "/filter/value", TextExpected),
        (leaf("lang", "eq", Value::Null), "/filter/value", TextExpected),
        (leaf("lang", "in", json!("de")), "/filter/value", ListExpected),
        (leaf("lang", "in", json!(["de", 5])), "/filter/value/1", TextExpected),
        (leaf("lang", "gt", json!("de")), "/filter/op", Operator),
        (leaf("lang", "exists", json!("yes")), "/filter/value", ExistsValue),
        (leaf("pages", "eq", json!("10")), "/filter/value", NumberExpected),
        (leaf("pages", "prefix", json!(1)), "/filter/op", Operator),
        (leaf("draft", "eq", json!(1)), "/filter/value", BoolExpected),
        (leaf("draft", "lt", json!(true)), "/filter/op", Operator),
        (leaf("due", "gt", json!("yesterday")), "/filter/value", TimeExpected),
        (leaf("due", "gt", json!(1_700_000_000)), "/filter/value", TimeExpected),
        (leaf("updated_at", "contains", json!("2026")), "/filter/op", Operator),
        (
            json!({"and": [leaf("lang", "eq", json!("de")), {"not": leaf("pages", "lt", json!([]))}]}),
            "/filter/and/1/not/value",
            NumberExpected,
        ),
    ];
    for (filter, pointer, problem) in table {
        let error = compile(filter.clone()).err();
        assert_eq!(error, Some(FilterError { pointer: pointer.to_owned(), problem }), "{filter}");
    }
}

#[test]
fn leaves_and_levels_are_bounded() {
    let leaves = |count: usize| json!({"or": vec![leaf("lang", "eq", json!("de")); count]});
    assert!(compile(leaves(64)).is_ok());
    let error = compile(leaves(65)).unwrap_err();
    assert_eq!((error.pointer.as_str(), error.problem), ("/filter/or/64", FilterProblem::TooManyLeaves));
    let levels = |count: usize| (1..count).fold(leaf("lang", "eq", json!("de")), |inner, _| json!({"not": inner}));
    assert!(compile(levels(8)).is_ok());
    assert_eq!(compile(levels(9)).unwrap_err().problem, FilterProblem::TooDeep);
}

#[test]
fn values_that_do_not_fit_are_left_out_and_named() {
    let (values, problems) = declared().values(&metadata(
        json!({"lang": ["de"], "pages": "many", "draft": null, "due": "soon", "tags": ["a", {}], "other": 7}),
    ));
    assert_eq!(values, FieldValues::default());
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/metadata/due", "/metadata/lang", "/metadata/pages", "/metadata/tags"]);
    let taken = DeclaredFields::new(&[("title".to_owned(), FieldType::Keyword)].into());
    assert_eq!(taken.unwrap_err().problem, FilterProblem::BuiltIn);
}

#[test]
fn the_last_days_of_the_last_year_are_times_too() {
    let at_the_end = values(json!({"due": "9999-12-31T23:59:59Z"}));
    for (op, value, is_found) in [
        ("gt", "2026-01-01T00:00:00Z", true),
        ("gt", "9999-12-30T22:00:00Z", true),
        ("lt", "9999-12-30T22:00:00Z", false),
        ("lte", "9999-12-31T23:59:59.999999999Z", true),
        ("gte", "9999-12-31", true),
        ("eq", "9999-12-31T23:59:59+01:00", true),
        ("lt", "9999-12-31T23:59:59-12:00", false),
    ] {
        let filter = compile(leaf("due", op, json!(value))).unwrap();
        let found = filter.matches(&FilterSubject {
            document_id: "wiki/a.md",
            source: "wiki",
            title: "a",
            updated_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            values: &at_the_end,
        });
        assert_eq!(found, is_found, "{op} {value}");
    }
    for wrong in ["9999-12-32", "9999-12-31T25:00:00Z", "10000-01-01T00:00:00Z"] {
        assert!(compile(leaf("due", "lt", json!(wrong))).is_err(), "{wrong}");
    }
}
