use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn globs() -> Globs {
    Globs::new(&[], &[], false).unwrap()
}

#[test]
fn links_devices_and_bad_names_are_reported_and_never_read() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let at = |n: &str| dir.path().join(n);
    std::fs::write(at("a.md"), "a").unwrap();
    std::fs::write(at("h.md"), "h").unwrap();
    std::fs::hard_link(at("h.md"), at("i.md")).unwrap();
    std::fs::write(outside.path().join("wages"), "w").unwrap();
    std::fs::hard_link(outside.path().join("wages"), at("j.md")).unwrap();
    symlink(outside.path().join("secret"), at("link.md")).unwrap();
    symlink(outside.path(), at("linkdir")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe.md"), Mode::RUSR).unwrap();
    std::fs::write(at("line\nbreak.md"), "x").unwrap();
    let bad: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff.md");
    std::fs::write(dir.path().join(bad), "x").unwrap();
    std::fs::create_dir(at(".git")).unwrap();
    std::fs::write(at(".git/config"), "x").unwrap();

    let root = Root::open(dir.path()).unwrap().within(&globs());
    let listing = root.walk(&globs()).unwrap();
    assert_eq!(listing.files, ["a.md"]);
    let special: Vec<_> = listing.special.iter().map(|(p, _)| p.as_str()).collect();
    assert_eq!(special.len(), 6, "{special:?}");
    assert_eq!(listing.unnamed.len(), 2);

    for path in ["h.md", "i.md", "j.md", "link.md", "linkdir/secret", "../secret", "/etc/passwd", "pipe.md", "linkdir"]
    {
        assert!(root.read(path, 100).is_err(), "{path}");
    }
    assert_eq!(root.read("a.md", 100).unwrap().bytes, b"a");
    assert!(matches!(root.read("a.md", 0), Err(FsError::TooLarge { .. })));
}

/// What a rule names is taken; a rule file never is.
#[test]
fn hard_links_are_taken_where_they_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |n: &str| dir.path().join(n);
    for name in ["h.md", "k.txt", ".acl.yaml", "h.md.acl.yaml"] {
        std::fs::write(at(name), "h").unwrap();
        std::fs::hard_link(at(name), at(&format!("{name}2"))).unwrap();
    }
    let globs = globs().with_hard_links(&["*.md".into(), "*.yaml".into()]).unwrap();
    let root = Root::open(dir.path()).unwrap().within(&globs);
    assert_eq!(root.walk(&globs).unwrap().files, ["h.md"]);
    assert!(root.read("h.md", 100).is_ok());
    for path in ["k.txt", "h.md.acl.yaml"] {
        assert!(matches!(root.read(path, 100), Err(FsError::HardLink(_))), "{path}");
    }
    // Made after the listing.
    std::fs::write(at("late.txt"), "l").unwrap();
    std::fs::hard_link(at("late.txt"), at("later.txt")).unwrap();
    assert!(root.read("late.txt", 100).is_err());
    assert!(Root::open(dir.path()).unwrap().read("k.txt", 100).is_ok(), "the operator named it");
}

/// A directory and a link to the outside take turns under one name: no read may ever see the outside.
#[test]
fn a_swap_race_never_escapes() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("f"), "OUTSIDE").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (here, real, link) = (dir.path().join("d"), dir.path().join("real"), dir.path().join("lnk"));
    std::fs::create_dir(&here).unwrap();
    std::fs::write(here.join("f"), "inside").unwrap();
    symlink(outside.path(), &link).unwrap();
    let root = Root::open(dir.path()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                std::fs::rename(&here, &real).unwrap();
                std::fs::rename(&link, &here).unwrap();
                std::fs::rename(&here, &link).unwrap();
                std::fs::rename(&real, &here).unwrap();
            }
        });
        let (mut inside, mut refused) = (0, 0);
        // On a busy machine one side may stand still for a while; both outcomes must have been met often.
        let start = std::time::Instant::now();
        while (inside < 500 || refused < 500) && start.elapsed().as_secs() < 60 {
            match root.read("d/f", 100) {
                Ok(found) if found.bytes == b"inside" => inside += 1,
                Ok(_) => {
                    stop.store(true, Ordering::Relaxed);
                    panic!("read outside of the root");
                }
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(inside >= 500 && refused >= 500, "{inside} {refused}");
    });
}

#[test]
fn the_fallback_without_openat2_refuses_the_same() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    std::fs::write(dir.path().join("sub/f"), "x").unwrap();
    symlink("sub", dir.path().join("l")).unwrap();
    let root = Root::open(dir.path()).unwrap();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    assert!(root.stepwise("sub/f", flags).is_ok());
    for path in ["l/f", "../x", "sub/../sub/f", "/etc/passwd", "l"] {
        assert!(root.stepwise(path, flags).is_err(), "{path}");
    }
}

#[test]
fn globs_scope_files_and_prune_directories() {
    let globs = Globs::new(&["*.md".into()], &["drafts".into()], false).unwrap();
    assert!(globs.covers("a/b.md") && globs.covers("b.md"));
    assert!(!globs.covers("a/b.txt") && !globs.covers("drafts/b.md") && !globs.covers("a/.x/b.md"));
    assert!(globs.takes("a/_.acl.yaml"));
}
