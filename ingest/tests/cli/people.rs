//! Who joins and who leaves, however a name is spelt and whatever else the service holds.

use super::common::{Ran, Site};

fn people(site: &Site, csv: &str, more: &[&str]) -> Ran {
    let path = site.path("p.csv");
    std::fs::write(&path, csv).unwrap();
    let mut args = vec!["people", path.to_str().unwrap()];
    args.extend(more);
    site.run(&args)
}

const LEAVE: &[&str] = &["--delete-missing", "--yes"];

#[test]
fn a_leaver_is_found_in_the_spelling_of_the_service() {
    let site = Site::new(&[]);
    site.stub.world().lowers = true;
    people(&site, "id,groups\nEve@Example.org,hr\nbo,hr\n", &[]).expect(0);
    assert_eq!(site.stub.world().tuple_lines(), ["user:bo member group:hr", "user:eve%40example.org member group:hr"]);
    // However it is written now, nobody joins and nobody leaves.
    for (id, more) in [("Eve@Example.org", &[][..]), ("EVE%40example.org", &[]), ("eve@example.org", &["--reconcile"])]
    {
        site.clear_log();
        let ran = people(&site, &format!("id,groups\n{id},hr\nbo,hr\n"), more).expect(0);
        ran.says("joiners: 0, leavers: 0");
        assert_eq!(site.stub.world().writes(), Vec::<String>::new());
    }
    people(&site, "id,groups\nEve@Example.org,hr\nbo,hr\n", &["--reconcile", "--delete-missing"]).expect(0);
    people(&site, "id,groups\nbo,hr\n", LEAVE).expect(0).says("- user:eve%40example.org leaves group:hr");
    assert_eq!(site.stub.world().tuple_lines(), ["user:bo member group:hr"]);
}

#[test]
fn a_service_that_keeps_the_case_has_two_people() {
    let site = Site::new(&[]);
    site.stub.world().add_tuple("user:eve%40example.org", "member", "group:hr");
    people(&site, "id,groups\nEve@Example.org,hr\n", &[]).expect(0).says("joiners: 1");
    people(&site, "id,groups\nbo,hr\n", LEAVE).expect(0).says("- user:Eve%40Example.org leaves");
    let lines = site.stub.world().tuple_lines();
    assert_eq!(lines, ["user:bo member group:hr", "user:eve%40example.org member group:hr"]);
}

#[test]
fn an_id_may_be_written_with_escapes() {
    let site = Site::new(&[]);
    people(&site, "kind,id,groups\n,eve%40x.org,eu%20staff\ngroup,eu staff,100%\n", &[]).expect(0);
    let lines = site.stub.world().tuple_lines();
    assert_eq!(lines, ["group:eu%20staff#member member group:100%25", "user:eve%40x.org member group:eu%20staff"]);
    people(&site, "id,groups\n%ff%fe,hr\n", &[]).expect(1).says("no UTF-8");
}

#[test]
fn circles_of_others_stop_nothing_and_removals_go_first() {
    let site = Site::new(&[]);
    people(&site, "kind,id,groups\n,ana,hr\n,bo,hr\ngroup,hr,all\n", &[]).expect(0);
    site.stub.world().add_tuple("group:x#member", "member", "group:y");
    site.stub.world().add_tuple("group:y#member", "member", "group:x");
    people(&site, "kind,id,groups\n,ana,hr\n,cy,hr\ngroup,hr,all\n", LEAVE).expect(0).says("joiners: 1, leavers: 1");
    // A circle with what somebody wrote by hand: who leaves leaves, nobody joins.
    site.stub.world().add_tuple("group:all#member", "member", "group:hr");
    let ran = people(&site, "kind,id,groups\n,cy,hr\n,di,hr\ngroup,hr,all\n", LEAVE);
    ran.expect(1).says("nobody joined: groups contain each other in a circle").says("1 deleted");
    let lines = site.stub.world().tuple_lines();
    assert!(!lines.contains(&"user:ana member group:hr".to_owned()), "{lines:?}");
    assert!(!lines.contains(&"user:di member group:hr".to_owned()), "{lines:?}");
    site.stub.world().remove_tuple("group:all#member", "member", "group:hr");
    people(&site, "kind,id,groups\n,cy,hr\n,di,hr\ngroup,hr,all\n", &[]).expect(0).says("joiners: 1, leavers: 0");
}

#[test]
fn what_another_list_brought_stays_when_this_one_drops_it() {
    let site = Site::new(&[]);
    site.stub.world().add_tuple("user:ana", "member", "group:hr");
    people(&site, "id,groups\nana,hr\nbo,hr\n", &[]).expect(0);
    for _ in 0..2 {
        people(&site, "id,groups\nbo,hr\n", LEAVE).expect(0).says("leavers: 0");
    }
    assert_eq!(site.stub.world().tuple_lines(), ["user:ana member group:hr", "user:bo member group:hr"]);
}

#[test]
fn removals_that_wait_are_not_called_nothing() {
    let site = Site::new(&[]);
    people(&site, "id,groups\nana,hr\nbo,hr\n", &[]).expect(0).says("done: relationship tuples: 2 written");
    let ran = people(&site, "id,groups\nbo,hr\n", &["--delete-missing"]).expect(4);
    assert!(!ran.out.contains("nothing to do") && !ran.err.contains("nothing to do"), "{}", ran.out);
    ran.says("what looks like an accident waits for --yes");
    people(&site, "id,groups\nana,hr\nbo,hr\n", &[]).expect(0).says("done: nothing to do");
}

#[test]
fn a_group_that_nobody_declared_is_named() {
    let site = Site::new(&[]);
    site.stub.world().add_tuple("group:named#member", "viewer", "folder:s");
    site.stub.world().add_tuple("user:x", "member", "group:held");
    let csv = "kind,id,groups\n,ana,hr;held;named;typo\ngroup,hr,all\n";
    let ran = people(&site, csv, &["--dry-run"]).expect(0);
    let ran = ran.says("warning: group:all, group:typo: neither the list nor the service knew such a group");
    assert!(!ran.err.contains("group:hr"), "{}", ran.err);
    people(&site, csv, &[]).expect(0).says("group:all, group:typo: neither");
    assert!(!people(&site, csv, &[]).expect(0).err.contains("neither"), "the service knows them now");
    people(&site, "ana,hr\n", &[]).expect(1).says("line 1: `ana,hr` is no header line");
}
