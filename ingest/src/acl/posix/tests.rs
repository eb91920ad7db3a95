use std::collections::BTreeMap;

use super::super::accounts::{Account, Group};
use super::*;

/// Accounts: 1 owns files, 2 is in the files' group 10, 3 in group 11 (the directories'), 4 in both, 5 in none; 6 owns
/// files and is in group 10.
fn accounts() -> Accounts {
    let user = |uid: u32, gids: &[u32]| Account {
        name: format!("u{uid}"),
        uid,
        gids: gids.iter().copied().chain([100]).collect(),
        principal: format!("user:u{uid}"),
    };
    let group = |gid: u32| (gid, Group { name: format!("g{gid}"), principal: format!("group:g{gid}#member") });
    Accounts {
        users: vec![user(1, &[]), user(2, &[10]), user(3, &[11]), user(4, &[10, 11]), user(5, &[]), user(6, &[10])],
        groups: BTreeMap::from([group(10), group(11), group(100)]),
        everyone: "group:h~accounts#member".into(),
    }
}

/// Evaluates a rule over the groups as the service would: (viewers or all lists) and not blocked.
fn may_read(acl: &Acl, user: &Account, accounts: &Accounts) -> bool {
    if acl.nobody {
        return false;
    }
    let held: Vec<String> = user
        .gids
        .iter()
        .map(|g| accounts.groups[g].principal.clone())
        .chain([user.principal.clone(), accounts.everyone.clone()])
        .collect();
    let any = |list: &[AclEntry]| list.iter().any(|p| matches!(p, AclEntry::Plain(s) if held.contains(s)));
    let all = !acl.all_of.is_empty() && acl.all_of.iter().all(|l| l.iter().any(|p| held.contains(p)));
    (any(&acl.viewers) || all) && !any(&acl.blocked)
}

/// The permission model written straight from the manual page, apart from the code under test.
fn model(meta: &Meta, shift_bit: u32, user: &Account) -> bool {
    let (owner, group, other) = ((meta.mode >> 6) & 7, (meta.mode >> 3) & 7, meta.mode & 7);
    let class = if user.uid == meta.uid {
        owner
    } else if user.gids.contains(&meta.gid) {
        group
    } else {
        other
    };
    class & shift_bit != 0
}

fn meta(uid: u32, gid: u32, mode: u32) -> Meta {
    Meta { uid, gid, mode, acl: None }
}

#[test]
fn every_mode_of_file_and_directory_equals_the_model_for_every_class_of_reader() {
    let accounts = accounts();
    let bits = |o: u32, g: u32, t: u32, bit: u32| ((o * bit) << 6) | ((g * bit) << 3) | (t * bit);
    let mut cases = 0;
    for file_owner in [1, 6] {
        for f in 0..8u32 {
            for d in 0..8u32 {
                let file = meta(file_owner, 10, bits(f >> 2 & 1, f >> 1 & 1, f & 1, 4));
                let dir = meta(3, 11, bits(d >> 2 & 1, d >> 1 & 1, d & 1, 1));
                let top = meta(5, 100, 0o711);
                let mapped = map(&file, &[&dir, &top], &accounts, vec!["folder:s".into()]).unwrap();
                assert!(!mapped.acl.inherit);
                for user in &accounts.users {
                    let expected = model(&file, 4, user) && model(&dir, 1, user) && model(&top, 1, user);
                    let got = may_read(&mapped.acl, user, &accounts);
                    assert_eq!(got, expected, "file {:o} dir {:o} {}: {mapped:?}", file.mode, dir.mode, user.name);
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 2 * 64 * 6);
}

#[test]
fn plain_cases_are_written_with_groups_so_that_they_follow_membership() {
    let accounts = accounts();
    let open = meta(0, 0, 0o755);
    let acl = map(&meta(1, 10, 0o640), &[&open], &accounts, vec![]).unwrap();
    assert_eq!(acl.acl.viewers, ["group:g10#member", "user:u1"].map(|p| AclEntry::Plain(p.into())));
    assert!(acl.acl.blocked.is_empty() && acl.notes.is_empty());
    let both = map(&meta(1, 10, 0o640), &[&meta(1, 11, 0o750)], &accounts, vec![]).unwrap();
    assert_eq!(both.acl.all_of.len(), 2);
    let world = map(&meta(1, 10, 0o644), &[&open], &accounts, vec![]).unwrap();
    assert!(world.acl.viewers.contains(&AclEntry::Plain("group:h~accounts#member".into())));
    let shut = map(&meta(1, 10, 0o040), &[&open], &accounts, vec![]).unwrap();
    assert_eq!(shut.acl.blocked, [AclEntry::Plain("user:u1".into())]);
    assert!(map(&meta(1, 10, 0o000), &[&open], &accounts, vec![]).unwrap().acl.nobody);
}

#[test]
fn unknown_numbers_are_dropped_where_they_grant_and_refused_where_they_shut_out() {
    let accounts = accounts();
    let dropped = map(&meta(77, 78, 0o644), &[], &accounts, vec![]).unwrap();
    assert_eq!(dropped.acl.viewers, [AclEntry::Plain("group:h~accounts#member".into())]);
    assert_eq!(dropped.notes.len(), 2);
    assert_eq!(map(&meta(77, 10, 0o044), &[], &accounts, vec![]).unwrap_err(), Unmappable::UnknownUser(77));
    assert_eq!(map(&meta(1, 78, 0o604), &[], &accounts, vec![]).unwrap_err(), Unmappable::UnknownGroup(78));
    assert!(map(&meta(77, 10, 0o000), &[], &accounts, vec![]).unwrap().acl.nobody);
}

fn xattr(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = 2u32.to_le_bytes().to_vec();
    for (tag, perm, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(perm.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn access_lists_are_parsed_and_masked() {
    let none = u32::MAX;
    let parsed = PosixAcl::parse(&xattr(&[
        (0x01, 6, none),
        (0x02, 4, 5),
        (0x02, 0, 2),
        (0x04, 4, none),
        (0x08, 6, 11),
        (0x10, 4, none),
        (0x20, 0, none),
    ]))
    .unwrap();
    assert_eq!(parsed.mask, Some(4));
    let accounts = accounts();
    let file = Meta { uid: 1, gid: 10, mode: 0o640, acl: Some(parsed.clone()) };
    let mapped = map(&file, &[], &accounts, vec![]).unwrap().acl;
    let readers: Vec<_> = accounts.users.iter().filter(|u| may_read(&mapped, u, &accounts)).map(|u| u.uid).collect();
    // 2 is named without the bit although its group has it; 5 is named with it.
    assert_eq!(readers, [1, 3, 4, 5, 6]);
    let masked = Meta { acl: Some(PosixAcl { mask: Some(0), ..parsed }), ..file };
    let mapped = map(&masked, &[], &accounts, vec![]).unwrap().acl;
    let readers: Vec<_> = accounts.users.iter().filter(|u| may_read(&mapped, u, &accounts)).map(|u| u.uid).collect();
    assert_eq!(readers, [1]);

    assert!(PosixAcl::parse(b"").is_err());
    assert!(PosixAcl::parse(&xattr(&[(0x01, 6, 0)])).is_err(), "incomplete");
    assert!(PosixAcl::parse(&xattr(&[(0x01, 6, 0), (0x04, 4, 0), (0x20, 0, 0), (0x40, 7, 0)])).is_err());
    assert!(PosixAcl::parse(&[3, 0, 0, 0]).is_err());
}

proptest::proptest! {
    /// With any access list, any overlap of groups: never wider than the kernel's decision; exact over known accounts.
    #[test]
    fn a_mapped_rule_never_widens(
        modes in proptest::collection::vec((0u32..8, 0u32..8, 0u32..8), 1..4),
        owners in proptest::collection::vec((1u32..7, proptest::sample::select(vec![10u32, 11, 100])), 3),
        named in proptest::collection::vec((1u32..7, 0u32..8), 0..3),
        named_groups in proptest::collection::vec((proptest::sample::select(vec![10u32, 11]), 0u32..8), 0..2),
        mask in 0u32..8,
    ) {
        let accounts = accounts();
        let metas: Vec<Meta> = modes.iter().zip(&owners).enumerate().map(|(i, ((o, g, t), (uid, gid)))| {
            let acl = (i == 0 && !(named.is_empty() && named_groups.is_empty())).then(|| PosixAcl {
                owner: *o, users: named.clone(), group: *g, groups: named_groups.clone(), mask: Some(mask), other: *t,
            });
            Meta { uid: *uid, gid: *gid, mode: (o << 6) | (g << 3) | t, acl }
        }).collect();
        let dirs: Vec<&Meta> = metas.iter().skip(1).collect();
        if let Ok(mapped) = map(&metas[0], &dirs, &accounts, vec![]) {
            for user in &accounts.users {
                let allowed = metas.iter().enumerate().all(|(i, m)| {
                    Classes::of(m, if i == 0 { READ } else { TRAVERSE }).allows(user.uid, &user.gids)
                });
                proptest::prop_assert_eq!(may_read(&mapped.acl, user, &accounts), allowed, "{:?}", mapped);
            }
        }
    }
}
