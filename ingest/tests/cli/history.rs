//! Services that were set back or replaced, and records of them that no longer fit.

use crate::common::{Ran, Site};

const SET_BACK: &str = "set back to a backup";

fn site() -> Site {
    let site = Site::new(&[("_.acl.yaml", "viewers: [\"group:hr#member\", user:gone]\n"), ("a.md", "text")]);
    site.folder(&[]).expect(0).says("3 written");
    site
}

fn has(site: &Site, line: &str) -> bool {
    site.stub.world().tuple_lines().contains(&line.to_owned())
}

#[test]
fn a_restored_service_gets_its_bans_again_and_loses_what_was_taken_away() {
    let site = site();
    let backup = site.stub.world().backup();
    site.write("_.acl.yaml", "viewers: [\"group:hr#member\"]\nblocked: [user:eve]\n");
    site.folder(&[]).expect(0).says("1 written, 1 deleted");
    site.folder(&[]).expect(0).says("0 written, 0 deleted");
    *site.stub.world() = backup;
    site.stub.world().add_tuple("user:hand", "viewer", "folder:s");
    let older = site.stub.world().backup();

    let dry = site.folder(&["--dry-run"]).expect(0).says(SET_BACK).says("+ tuple user:eve blocked folder:s");
    assert!(dry.out.contains("- tuple user:gone viewer folder:s"), "{}", dry.out);
    site.folder(&[]).expect(0).says(SET_BACK).says("1 unchanged").says("1 written, 1 deleted");
    assert!(has(&site, "user:eve blocked folder:s") && !has(&site, "user:gone viewer folder:s"));
    assert!(has(&site, "user:hand viewer folder:s"), "nobody of this tool wrote it");
    let ran = site.folder(&[]).expect(0).says("0 written, 0 deleted");
    assert!(!ran.err.contains(SET_BACK), "{}", ran.err);
    *site.stub.world() = older;
    site.folder(&["--reconcile"]).expect(0).says(SET_BACK).says("1 written, 2 deleted");
    assert!(has(&site, "user:eve blocked folder:s") && !has(&site, "user:hand viewer folder:s"));
}

/// A condition that was narrowed since the backup.
#[test]
fn a_restored_service_gets_the_conditions_of_now() {
    let until = |end: &str| {
        format!(
            "viewers: [{{principal: user:t, condition: {{name: during, context: {{end: \"{end}T00:00:00Z\"}}}}}}]\n"
        )
    };
    let site = Site::new(&[("_.acl.yaml", &until("2030-01-01")), ("a.md", "text")]);
    site.folder(&[]).expect(0);
    let backup = site.stub.world().backup();
    site.write("_.acl.yaml", until("2027-01-01"));
    site.folder(&[]).expect(0).says("1 written, 1 deleted");
    *site.stub.world() = backup;
    site.folder(&["--dry-run"]).expect(0).says(SET_BACK);
    site.folder(&[]).expect(0).says(SET_BACK).says("1 written, 1 deleted");
    let world = site.stub.world();
    let context = |t: &usher_base::wire::TupleKey| t.condition.as_ref().unwrap().context.clone().unwrap();
    let tuple = world.tuples.values().find(|t| t.user == "user:t").unwrap();
    assert_eq!(context(tuple)["end"], "2027-01-01T00:00:00Z");
}

#[test]
fn an_empty_service_at_the_same_address_gets_everything() {
    let site = site();
    let all = site.stub.world().tuple_lines();
    site.stub.world().documents.clear();
    site.stub.world().tuples.clear();
    site.stub.world().changes.clear();
    site.folder(&[]).expect(0).says(SET_BACK).says("1 created").says("3 written");
    assert_eq!(site.stub.world().tuple_lines(), all);
}

#[test]
fn what_is_held_back_in_a_replaced_service_is_written_by_the_next_run() {
    let site = site();
    site.stub.world().tuples.clear();
    site.stub.world().changes.clear();
    site.write("a.md.acl.yaml", "oops: 1\n");
    site.folder(&[]).expect(3).says(SET_BACK).says("widen access were not written");
    assert!(!has(&site, "group:hr#member viewer folder:s"));
    std::fs::remove_file(site.doc("a.md.acl.yaml")).unwrap();
    site.folder(&[]).expect(0);
    assert!(has(&site, "group:hr#member viewer folder:s"));
}

#[test]
fn a_history_that_can_not_be_read_is_not_trusted() {
    let site = site();
    site.stub.world().tuples.clear();
    site.stub.world().hides_history = true;
    site.folder(&[]).expect(0).says("scope relationships.read").says("3 written");
    site.stub.world().tuples.clear();
    site.folder(&[]).expect(0).says("bind the record").says("3 written");
    site.stub.world().hides_history = false;
    site.folder(&[]).expect(0).says("bind the record");
    let ran = site.folder(&[]).expect(0);
    assert!(!ran.err.contains("written again"), "{}", ran.err);
}

fn people(site: &Site, file: &str, text: &str, more: &[&str]) -> Ran {
    std::fs::write(site.path(file), format!("id,groups\n{text}")).unwrap();
    site.run(&[&["people", site.path(file).to_str().unwrap()], more].concat())
}

#[test]
fn members_return_to_a_replaced_service_and_leavers_do_not() {
    let site = Site::new(&[]);
    people(&site, "p.csv", "ana,hr\nbo,hr\n", &[]).expect(0).says("2 written");
    let backup = site.stub.world().backup();
    people(&site, "p.csv", "ana,hr\n", &["--delete-missing", "--yes"]).expect(0).says("1 deleted");
    *site.stub.world() = backup;
    people(&site, "p.csv", "ana,hr\n", &[]).expect(0).says(SET_BACK).says("- user:bo leaves group:hr");
    people(&site, "p.csv", "ana,hr\n", &["--delete-missing", "--yes"]).expect(0).says("1 deleted");
    site.stub.world().tuples.clear();
    site.stub.world().changes.clear();
    people(&site, "p.csv", "ana,hr\n", &[]).expect(0).says(SET_BACK).says("1 written");
    // Removed through the API, in this very history, it stays so.
    site.stub.world().remove_tuple("user:ana", "member", "group:hr");
    people(&site, "p.csv", "ana,hr\n", &[]).expect(0).says("removed in the service by hand").says("0 written");
}

/// Somebody's circle keeps everybody out of the replaced service; when it is gone, all come.
#[test]
fn members_that_could_not_join_a_replaced_service_join_later() {
    let site = Site::new(&[]);
    let path = site.path("p.csv");
    std::fs::write(&path, "kind,id,groups\ngroup,a,b\n,ana,a\n").unwrap();
    let run = || site.run(&["people", path.to_str().unwrap()]);
    run().expect(0).says("2 written");
    {
        let mut world = site.stub.world();
        world.tuples.clear();
        world.changes.clear();
        world.add_tuple("group:b#member", "member", "group:a");
    }
    run().expect(1).says(SET_BACK).says("nobody joined");
    site.stub.world().remove_tuple("group:b#member", "member", "group:a");
    run().expect(0).says("2 written");
}

#[test]
fn lists_of_people_do_not_remove_each_others_members() {
    let site = Site::new(&[]);
    people(&site, "staff.csv", "ana,hr\nbo,hr\n", &[]).expect(0).says("2 written");
    people(&site, "guests.csv", "bo,hr\ncy,hr\n", &[]).expect(0).says("no record of earlier runs").says("1 written");
    let sure = ["--delete-missing", "--yes"];
    // Both name bo, whom the first list brought.
    people(&site, "guests.csv", "dee,hr\n", &sure).expect(0).says("1 written, 1 deleted");
    people(&site, "staff.csv", "ana,hr\nbo,hr\n", &sure).expect(0).says("0 written, 0 deleted");
    assert_eq!(
        site.stub.world().tuple_lines(),
        ["user:ana member group:hr", "user:bo member group:hr", "user:dee member group:hr"]
    );
    // A name that stays makes a file that moved the same list.
    people(&site, "a.csv", "eve,eu\nfay,eu\n", &["--list", "eu"]).expect(0);
    people(&site, "b.csv", "eve,eu\n", &[&sure[..], &["--list", "eu"]].concat()).expect(0).says("1 deleted");
    let state = site.path("people.json");
    let state = ["--state", state.to_str().unwrap()];
    people(&site, "a.csv", "eve,eu\n", &state).expect(0);
    people(&site, "b.csv", "eve,eu\n", &state).expect(1).says("--list");
}
