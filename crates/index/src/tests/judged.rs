//! How well the keyword leg answers judged questions in languages other than English (`tests/data/judged`).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::world::key;
use crate::{Analyser, ChunkMask, KeywordIndex, KeywordOp, TantivyKeywords, Work};

/// How many of an answer count.
const DEPTH: usize = 10;

/// Mean nDCG at ten, and the part of the questions whose best grade stands among the first three.
struct Figures {
    ndcg: f64,
    success: f64,
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn gain(grade: f64, place: usize) -> f64 {
    grade / (place as f64 + 2.0).log2()
}

fn measure(name: &str, analyser: &str) -> Figures {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/judged").join(name);
    let documents = lines(&folder.join("corpus.jsonl"));
    let analyser = Analyser::by_name(analyser).unwrap();
    let home = tempfile::tempdir().unwrap();
    let index = TantivyKeywords::create(home.path(), analyser.name()).unwrap();
    let operations: Vec<KeywordOp> = documents
        .iter()
        .zip(0..)
        .map(|(document, chunk)| {
            let (title, body) = (text(document, "title"), text(document, "text"));
            let language = analyser.language_of(&format!("{title}\n{body}"));
            KeywordOp::Add { chunk, tokens: analyser.tokens(&[title, body], language) }
        })
        .collect();
    let words: usize =
        operations.iter().map(|add| if let KeywordOp::Add { tokens, .. } = add { tokens.terms.len() } else { 0 }).sum();
    index.apply(&operations, 1).unwrap();
    let mut grades: HashMap<String, BTreeMap<String, f64>> = HashMap::new();
    for line in fs::read_to_string(folder.join("qrels/test.tsv")).unwrap().lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [question, document, grade] = columns.as_slice() else { panic!("{line}") };
        grades.entry((*question).to_owned()).or_default().insert((*document).to_owned(), grade.parse().unwrap());
    }
    let mask = ChunkMask::full(documents.len() as u32);
    let (mut ndcg, mut success, mut count) = (0.0, 0.0, 0.0);
    for question in lines(&folder.join("queries.jsonl")) {
        let grades = &grades[text(&question, "_id")];
        let query = analyser.query(text(&question, "text"));
        let found = index.search(&query, &mask, &DEPTH.into(), &key, &mut Work::default()).unwrap();
        let of = |chunk: u32| grades.get(text(&documents[chunk as usize], "_id")).copied().unwrap_or(0.0);
        let got: f64 = found.iter().enumerate().map(|(place, hit)| gain(of(hit.chunk), place)).sum();
        let mut best: Vec<f64> = grades.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        let ideal: f64 = best.iter().enumerate().map(|(place, grade)| gain(*grade, place)).sum();
        let is_found = found.iter().take(3).any(|hit| of(hit.chunk) == best[0]);
        if !is_found {
            println!("{name}: {} is not answered among the first three", text(&question, "text"));
        }
        (ndcg, success, count) = (ndcg + got / ideal, success + f64::from(is_found), count + 1.0);
    }
    let figures = Figures { ndcg: ndcg / count, success: success / count };
    println!(
        "{name}, {}: nDCG@10 {:.3}, success@3 {:.3}, {count} questions, {words} terms",
        analyser.name(),
        figures.ndcg,
        figures.success
    );
    figures
}

#[test]
fn german_compounds_and_inflected_words_are_found_by_their_parts() {
    let [auto, german, simple] = ["auto", "german", "simple"].map(|analyser| measure("german", analyser));
    assert!(auto.ndcg >= 0.95 && auto.success >= 0.95);
    assert!((auto.ndcg - german.ndcg).abs() < 0.05);
    assert!(auto.ndcg > simple.ndcg + 0.3);
}

#[test]
fn a_text_without_spaces_is_found_by_its_words() {
    let auto = measure("japanese", "auto");
    assert!(auto.ndcg >= 0.93 && auto.success >= 0.95);
}
