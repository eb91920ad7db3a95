//! What a case may be skipped for: whatever else is missing fails a run, since it is counted by name.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if path.is_dir() => sources(&path, found),
            Some(kind) if kind == "rs" || kind == "sh" => {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()))
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_skipped_is_counted_and_what_may_be_missing_is_missed_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["tests", "crates", "ingest", "src", "scripts"] {
        sources(&root.join(folder), &mut found);
    }
    // In parts, so that this file has none.
    let by_hand = [["println!(\"", "skipped"].concat(), ["echo \"", "skipped"].concat()];
    for (path, text) in &found {
        let is_the_place = path.ends_with("tests/support/src/skips.rs") || path.ends_with("scripts/lib.sh");
        let is_uncounted = by_hand.iter().any(|words| text.contains(words));
        assert!(is_the_place || !is_uncounted, "{}: skips by itself, uncounted", path.display());
    }
    let list = std::fs::read_to_string(root.join("tests/skips.txt")).unwrap();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (need, why) = line.split_once(' ').expect("a need and why");
        assert!(!why.trim().is_empty(), "{line}");
        let ways = [format!("(\"{need}\""), format!("skip {need} ")];
        let is_missed = found.iter().any(|(_, text)| ways.iter().any(|way| text.contains(way)));
        assert!(is_missed, "nothing is skipped for want of `{need}`");
    }
}
