//! Imports point one way: a module uses only modules of lower layers. Packages can't do otherwise; the modules of one
//! are looked at here, with the packages below as the modules that they are in `usher`.

use std::path::Path;

/// Lowest first; modules of one line don't use each other.
const LAYERS: &[&[&str]] = &[
    &["faults", "causes", "effort", "instant", "invisible", "outside", "paged", "progress", "wire"],
    &["outline"],
    &["failpoint", "mutants", "pause", "limits", "tokens", "spans"],
    &["authz"],
    &["index"],
    &["catalog", "embed"],
    &["snapshot", "telemetry", "audit", "lease"],
    &["indexes", "authority"],
    &["gate", "identity"],
    &["commit"],
    &["openfga"],
    &["prepare"],
    &["service"],
    &["query", "duties", "administration", "transfer", "spelling"],
    &["http", "config"],
    &["serve"],
    &["commands"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn imports_point_one_way() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for root in ["crates/base/src", "src"] {
        check(&repository.join(root), &repository.join(root), &mut wrong);
    }
    assert!(wrong.is_empty(), "imports against the layers:\n{}", wrong.join("\n"));
}

fn check(root: &Path, folder: &Path, wrong: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check(root, &path, wrong);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let module = name.split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let own = layer(module).unwrap_or_else(|| panic!("{module} has no layer"));
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for part in line.split("crate::").skip(1) {
                let used = part.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
                let is_wrong = used != module && layer(used).is_none_or(|layer| layer >= own);
                if is_wrong && !used.is_empty() {
                    wrong.push(format!("{name}:{}: {module} uses {used}", number + 1));
                }
            }
        }
    }
}
