//! POSIX permissions on real files.

use std::os::unix::fs::PermissionsExt;

use usher_base::wire::AclEntry;

use crate::common::{Ran, Site};

fn mode(site: &Site, rel: &str, mode: u32) {
    std::fs::set_permissions(site.doc(rel), PermissionsExt::from_mode(mode)).unwrap();
}

/// The account that runs the tests is called `me` with group `mine`, whatever its numbers.
fn run(site: &Site, more: &[&str]) -> Ran {
    run_meanwhile(site, more, None)
}

fn run_meanwhile(site: &Site, more: &[&str], act: Option<&dyn Fn()>) -> Ran {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    std::fs::write(site.path("passwd"), format!("me:x:{uid}:{gid}::/:/\nother:x:54321:54321::/:/\n")).unwrap();
    std::fs::write(site.path("group"), format!("mine:x:{gid}:\nothers:x:54321:\n")).unwrap();
    let (passwd, group) = (site.path("passwd"), site.path("group"));
    let mut args = vec!["--acl", "posix", "--host", "nas", "--passwd", passwd.to_str().unwrap()];
    args.extend(["--group", group.to_str().unwrap()]);
    args.extend(more);
    match act {
        None => site.folder(&args),
        Some(act) => site.folder_meanwhile(&args, act),
    }
}

fn viewers(site: &Site, id: &str) -> Vec<String> {
    let world = site.stub.world();
    let acl = world.documents[id].acl.clone().unwrap();
    assert!(!acl.inherit && (acl.nobody || acl.parents.len() == 1));
    acl.viewers
        .iter()
        .map(|p| match p {
            AclEntry::Plain(s) => s.clone(),
            AclEntry::Conditional(c) => c.principal.clone(),
        })
        .collect()
}

#[test]
fn permissions_become_rules_and_follow_changes() {
    let site =
        Site::new(&[("open.md", "o"), ("group.md", "g"), ("own.md", "m"), ("none.md", "n"), ("shut/in.md", "s")]);
    for (rel, bits) in
        [("open.md", 0o644), ("group.md", 0o640), ("own.md", 0o600), ("shut", 0o700), ("shut/in.md", 0o644)]
    {
        mode(&site, rel, bits);
    }
    run(&site, &["--trust-above"]).expect(0).says("5 created");
    assert_eq!(viewers(&site, "s/open.md"), ["group:mine#member", "group:nas~accounts#member", "user:me"]);
    assert_eq!(viewers(&site, "s/group.md"), ["group:mine#member", "user:me"]);
    assert_eq!(viewers(&site, "s/own.md"), ["user:me"]);
    assert_eq!(viewers(&site, "s/shut/in.md"), ["user:me"], "a directory without x shuts its files");
    site.clear_log();
    mode(&site, "open.md", 0o600);
    run(&site, &["--trust-above"]).expect(0).says("1 rules updated, 4 unchanged");
    assert_eq!(viewers(&site, "s/open.md"), ["user:me"]);
    // A directory above the folder is closed to others, and counts.
    mode(&site, "open.md", 0o644);
    mode(&site, "..", 0o700);
    run(&site, &[]).expect(0);
    assert_eq!(viewers(&site, "s/open.md"), ["user:me"]);
}

#[test]
fn what_can_not_be_expressed_is_refused_or_left_out() {
    let site = Site::new(&[("a.md", "a"), ("b.md", "b")]);
    mode(&site, "a.md", 0o604);
    mode(&site, "b.md", 0o600);
    // The file's group is not known to the host's lists and is shut out.
    let uid = rustix::process::getuid().as_raw();
    std::fs::write(site.path("p"), format!("me:x:{uid}:54321::/:/\n")).unwrap();
    std::fs::write(site.path("g"), "others:x:54321:\n").unwrap();
    let (p, g) = (site.path("p"), site.path("g"));
    let args = ["--acl", "posix", "--trust-above", "--passwd", p.to_str().unwrap(), "--group", g.to_str().unwrap()];
    site.folder(&args).expect(3).says("refused a.md").says("1 created");
    let mut skip = args.to_vec();
    skip.push("--skip-unmappable");
    site.folder(&skip).expect(0).says("skipped a.md: left out");
    // Rule files in the same tree are never silently ignored.
    site.write("_.acl.yaml", "blocked: [user:eve]\n");
    site.folder(&args).expect(3).says("_.acl.yaml");
}

#[test]
fn a_file_that_is_no_list_of_accounts_is_told_by_its_line() {
    let site = Site::new(&[("a.md", "a")]);
    std::fs::write(site.path("g"), "root:x:0:\n").unwrap();
    std::fs::write(site.path("good"), "root:x:0:0::/:/\n").unwrap();
    let with = |passwd: &str, group: &str| {
        let (passwd, group) = (site.path(passwd), site.path(group));
        let named = ["--passwd", passwd.to_str().unwrap(), "--group", group.to_str().unwrap(), "--host", "nas"];
        let folder = site.folder(&[&["--acl", "posix", "--trust-above"], &named[..]].concat()).expect(1);
        let people = site.run(&[&["people", "--from-host"], &named[..]].concat()).expect(1);
        assert_eq!(folder.err.matches("error: ").count(), 1, "{}", folder.err);
        (folder, people)
    };
    for (text, told) in [
        ("people:\n  - id: ana\n", "wrong, line 1: a line is `name:x:uid:gid:"),
        ("root:x:0:0::/:/\n- id: ana\n", "wrong, line 2: a line is `name:x:uid:gid:"),
        ("id,groups\nana,hr\n", "wrong, line 1: "),
        ("# nobody\n", "wrong: there is no account in it; a line is "),
        ("", "wrong: there is no account in it"),
    ] {
        std::fs::write(site.path("wrong"), text).unwrap();
        let (folder, people) = with("wrong", "g");
        folder.says(told);
        people.says(told);
    }
    std::fs::write(site.path("wrong"), "root:x:0:\n\nhr;100;ana\n").unwrap();
    with("good", "wrong").0.says("wrong, line 3: a line is `name:x:gid:member,member`");
    assert!(site.stub.world().documents.is_empty());
}

#[test]
fn access_lists_of_files_count() {
    let site = Site::new(&[("a.md", "a")]);
    mode(&site, "a.md", 0o640);
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, perm, id) in
        [(1u16, 6u16, u32::MAX), (2, 4, 54321), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        list.extend(tag.to_le_bytes());
        list.extend(perm.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let set = rustix::fs::setxattr(site.doc("a.md"), "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
    if let Err(e) = set {
        usher_support::skipped("access-lists", &format!("this file system keeps no access lists ({e})"));
        return;
    }
    run(&site, &["--trust-above"]).expect(0);
    assert_eq!(viewers(&site, "s/a.md"), ["user:me", "user:other"]);
}

#[test]
fn a_directory_that_was_shut_before_a_text_was_written_shuts_it() {
    for dir in [".", "a", "a/b"] {
        let site = Site::new(&[("a/b/x.md", "harmless"), ("a/b/y.md", "harmless")]);
        let ran = run_meanwhile(
            &site,
            &["--trust-above"],
            Some(&|| {
                mode(&site, dir, 0o700);
                site.write("a/b/x.md", "SECRET");
            }),
        );
        ran.expect(2).says(&format!("failed a/b/x.md: {dir} has changed since this run read the rules"));
        assert!(site.stub.world().documents.is_empty(), "{dir}");
        run(&site, &["--trust-above"]).expect(0).says("2 created");
    }
}
