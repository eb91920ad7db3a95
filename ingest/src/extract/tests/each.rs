//! Records as documents of their own.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn shape(json: serde_json::Value) -> Shape {
    serde_json::from_value(json).unwrap()
}

fn listed(name: &str, shape: &Shape, text: &str) -> Vec<Record> {
    let job = RecordsJob { name: name.into(), shape: shape.clone(), wanted: None };
    let found = records(&job, text.as_bytes()).unwrap();
    let is_good = |record: &&Record| record.mistake.is_none() && !record.is_repeated;
    let wanted: BTreeSet<u64> = found.iter().filter(is_good).map(|record| record.number).collect();
    let read = records(&RecordsJob { wanted: Some(wanted), ..job }, text.as_bytes()).unwrap();
    let with_document = |record: Record| {
        let document = read.iter().find(|it| it.number == record.number).and_then(|it| it.document.clone());
        Record { document, ..record }
    };
    found.into_iter().map(with_document).collect()
}

/// (id, place, text or mistake).
fn told(records: &[Record]) -> Vec<(&str, &str, &str)> {
    let one = |record: &'_ Record| -> (String, String, String) {
        let text = record.document.as_ref().map(|doc| doc.text.clone());
        let mistake = record.mistake.clone();
        (record.id.clone().unwrap_or_default(), record.place.clone(), text.or(mistake).unwrap_or_default())
    };
    let all: Vec<_> = records.iter().map(one).collect();
    Box::leak(all.into_boxed_slice()).iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect()
}

#[test]
fn records_become_documents_by_their_shape() {
    let shape = shape(json!({"id": "key", "title": "{at.city}: {name}", "text": "{body}\n\n{tags.0}",
        "metadata": {"year": "at.year", "tags": "tags", "where": "in {at.city}", "at": "at", "none": "none"}}));
    let text = "{\"key\": 7, \"name\": \"Caf\\u00e9\", \"body\": \"a\\nb\", \"tags\": [\"x\", 1], \"at\": {\"city\": \"Ulm\", \"year\": 2024}}\n";
    for (name, text) in [("a.jsonl", text.to_owned()), ("a.json", format!("[{text}]"))] {
        let found = listed(name, &shape, &text);
        let place = if name == "a.json" { "record 1, line 1" } else { "line 1" };
        assert_eq!(told(&found), [("7", place, "a\nb\n\nx")]);
        let doc = found[0].document.as_ref().unwrap();
        assert_eq!((doc.title.as_deref(), doc.media_type.as_str()), (Some("Ulm: Café"), "text/plain"));
        assert_eq!(
            serde_json::to_value(&doc.metadata).unwrap(),
            json!({"year": 2024, "tags": ["x", "1"], "where": "in Ulm"})
        );
        assert_eq!((doc.removed["fields that are no values of metadata"], doc.chunks.len()), (1, 1));
    }
    // However it is written, it is the same record.
    let hash = |text: &str| listed("a.jsonl", &shape, text)[0].hash.clone();
    assert_eq!(hash("{\"key\": 1, \"name\": \"\\u00e9\"}"), hash("  {\"key\":1,\"name\":\"é\"}"));
    assert_ne!(hash("{\"key\": 1}"), hash("{\"key\": 1, \"name\": 2}"));
}

#[test]
fn rows_and_records_without_a_shape_are_all_their_fields() {
    let shape = shape(json!({"id": "No"}));
    let rows = "No;Title;Price\n1;Oak;7\n\n2;\"Ash; \nold\";\n ;;\n3;a;b;c\n;Elm;4\n";
    let found = listed("a.csv", &shape, rows);
    assert_eq!(
        told(&found),
        [
            ("1", "line 2", "## Oak\n\nNo: 1\nPrice: 7"),
            ("2", "line 4", "## Ash; old\n\nNo: 2"),
            ("", "line 7", "4 cells, but 3 columns have names"),
            ("", "line 8", "no field `No`, which is to be its id"),
        ]
    );
    assert_eq!(found[0].document.as_ref().unwrap().title.as_deref(), Some("Oak"));
    for (name, text) in
        [("a.csv", "a,a\n1,2\n"), ("a.csv", "no table"), ("a.json", "{\"a\": 1}"), ("a.json", "[1,"), ("a.md", "text")]
    {
        let job = RecordsJob { name: name.into(), shape: shape.clone(), wanted: None };
        assert!(records(&job, text.as_bytes()).is_err(), "{name}: {text}");
    }
}

#[test]
fn a_bad_record_is_refused_alone_and_ids_are_never_guessed() {
    let shape = shape(json!({"id": "id.n", "text": "t"}));
    let lines = [
        r#"{"id": {"n": "a"}, "t": "first"}"#,
        "not json",
        "[1]",
        r#"{"t": "no id"}"#,
        r#"{"id": {"n": 1.5}, "t": "x"}"#,
        r#"{"id": {"n": " "}, "t": "x"}"#,
        r#"{"id": {"n": "b"}}"#,
        r#"{"id": {"n": "c"}, "t": "one"}"#,
        r#"{"id": {"n": "c"}, "t": "two"}"#,
        r#"{"id": {"n": "a"}, "t": "first"}"#,
        r#"{"id": {"n": "d"}, "t": "last"}"#,
    ];
    let found = listed("a.jsonl", &shape, &lines.join("\n"));
    let texts: Vec<&str> = found.iter().filter_map(|record| Some(record.document.as_ref()?.text.as_str())).collect();
    assert_eq!(texts, ["first", "last"]);
    let told = told(&found);
    let mistakes: Vec<(&str, &str)> = told.iter().map(|(id, _, text)| (*id, *text)).collect();
    assert!(mistakes[1].1.starts_with("not valid JSON"));
    assert_eq!(mistakes[2], ("", "no object with fields"));
    assert_eq!(mistakes[3], ("", "no field `id.n`, which is to be its id"));
    assert!(mistakes[4].1.contains("neither a text nor a whole number") && mistakes[5].1.contains("is empty"));
    assert_eq!(mistakes[7], ("c", "line 9 has the same id `c`"));
    assert_eq!(mistakes[8], ("c", "line 8 has the same id `c`"));
    assert!(found[9].is_repeated);
    let read = records(
        &RecordsJob { name: "a.jsonl".into(), shape, wanted: Some(BTreeSet::from([7])) },
        lines.join("\n").as_bytes(),
    );
    assert_eq!(read.unwrap()[0].mistake.as_deref(), Some("holds no text"));
}

#[test]
fn messages_of_a_mailbox_have_their_own_ids() {
    let text = "From a@x Fri May  3 10:00:00 2024\nMessage-ID: <one@x>\nSubject: One\nFrom: a@x\n\nfirst\n>From here\n\n\
        From b@x Fri May  3 11:00:00 2024\nSubject: Two\nFrom: b@x\n\nsecond\n";
    let found = listed("a.mbox", &Shape::default(), text);
    assert_eq!(found[0].id.as_deref(), Some("one@x"));
    assert!(found[1].id.as_deref().is_some_and(|id| id.starts_with('~') && id.len() == 33));
    let docs: Vec<&Extracted> = found.iter().filter_map(|record| record.document.as_deref()).collect();
    assert_eq!((docs[0].title.as_deref(), docs[1].title.as_deref()), (Some("One"), Some("Two")));
    assert!(docs[0].text.ends_with("first\nFrom here") && docs[0].media_type == "message/rfc822");
    let job = RecordsJob { name: "a.mbox".into(), shape: shape(json!({"id": "x"})), wanted: None };
    assert!(matches!(records(&job, text.as_bytes()), Err(ExtractError::Broken(_))));
}
