//! The texts of the sample become files that are what their names say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test: a fault ends it")]

use std::path::Path;
use std::process::Command;

#[test]
fn every_text_becomes_the_file_that_it_names() {
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../make");
    let target = tempfile::tempdir().unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_usher-sample")).arg(&texts).arg(target.path()).status().unwrap();
    assert!(done.success());
    let mut made = 0;
    for entry in std::fs::read_dir(&texts).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let name = text.lines().next().unwrap().trim();
        let bytes = std::fs::read(target.path().join(name)).unwrap();
        let begins: &[u8] = if name.ends_with(".pdf") { b"%PDF-" } else { b"PK\x03\x04" };
        assert!(bytes.starts_with(begins), "{name}");
        made += 1;
    }
    assert!(made >= 10, "{made}");
    let none = Command::new(env!("CARGO_BIN_EXE_usher-sample")).output().unwrap();
    assert!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("usage"));
}
