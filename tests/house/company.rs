//! Whether a process shares its catalog is asked in one place, which chooses everything that depends on it.

use std::path::Path;

const PLACES: [&str; 2] = ["catalog.rs", "serve/company.rs"];

#[test]
fn whether_the_catalog_is_shared_is_asked_once() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut asked = Vec::new();
    collect(&source, &source, &mut asked);
    asked.sort();
    assert_eq!(asked, PLACES);
}

fn collect(root: &Path, folder: &Path, asked: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, asked);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        asked.extend(text.matches("is_shared(").map(|_| name.clone()));
    }
}
