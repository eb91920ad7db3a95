//! What may be built in: the licences, packages and sources that `deny.toml` names, for every package of the lock file.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use toml::Table;

fn names<'t>(table: &'t Table, section: &str, key: &str, of: impl Fn(&'t toml::Value) -> &'t str) -> BTreeSet<&'t str> {
    let list = table[section][key].as_array().unwrap();
    list.iter().map(of).collect()
}

#[test]
fn every_package_has_a_licence_and_a_source_that_are_allowed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("deny.toml")).unwrap();
    let rules: Table = text.parse().unwrap();
    let allowed = names(&rules, "licenses", "allow", |name| name.as_str().unwrap());
    let banned = names(&rules, "bans", "deny", |entry| entry["crate"].as_str().unwrap());
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for package in packages {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        if banned.contains(name) {
            wrong.push(format!("{name} {version} must not be built in"));
        }
        match package["source"].as_str() {
            None => {}
            Some(source) if source.starts_with("registry+") || source.starts_with("sparse+") => {}
            Some(source) => wrong.push(format!("{name} {version} comes from {source}")),
        }
        // Some old packages write `/` for `OR`.
        let licence = package["license"].as_str().unwrap_or_default();
        let is_allowed = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).is_ok_and(|expression| {
            expression.evaluate(|required| {
                let name = required.to_string();
                let held: Option<&str> = allowed.get(name.as_str()).copied();
                used.extend(held);
                held.is_some()
            })
        });
        if !is_allowed {
            wrong.push(format!("{name} {version} has the licence `{licence}`"));
        }
    }
    println!("{} packages, {} licences", packages.len(), used.len());
    assert!(wrong.is_empty(), "against deny.toml:\n{}", wrong.join("\n"));
    assert!(packages.len() > 300 && used.len() > 5, "{}", packages.len());
}
