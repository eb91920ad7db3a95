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
    // Bans and the way that they come down; grants, which somebody may have removed by hand, only on a word.
    site.folder(&[])
        .expect(0)
        .says("scope relationships.read")
        .says("2 grants of earlier runs are not")
        .says("1 written");
    site.folder(&["--yes"]).expect(0).says("also what was removed by hand").says("2 written");
    site.stub.world().hides_history = false;
    site.folder(&[]).expect(0).says("bind the record");
    let ran = site.folder(&[]).expect(0);
    assert!(!ran.err.contains("written again"), "{}", ran.err);
}

/// Whatever became of earlier runs: what was removed by hand stays so, and what they did not come to is done.
#[test]
fn a_run_that_was_cut_off_brings_nothing_back_that_was_removed_by_hand() {
    let rules = |more: &str| format!("viewers: [\"group:hr#member\", user:ann{more}]\n");
    let is_kept = |site: &Site, told: &str| assert!(!has(site, "user:ann viewer folder:s"), "{told}");
    for requests in 0..12 {
        for later in [false, true] {
            let site = Site::new(&[("_.acl.yaml", &rules("")), ("a.md", "text"), ("b.md", "text")]);
            site.folder(&[]).expect(0);
            if !later {
                site.stub.world().remove_tuple("user:ann", "viewer", "folder:s");
                site.folder(&[]).expect(0).says("0 written");
            }
            site.write("a.md", "other text");
            site.write("_.acl.yaml", rules(", user:new") + "blocked: [user:eve]\n");
            site.clear_log();
            site.stub.world().fail_after = Some(requests);
            site.folder(&[]);
            site.stub.world().fail_after = None;
            if later {
                site.stub.world().remove_tuple("user:ann", "viewer", "folder:s");
                site.stub.world().remove_tuple("user:new", "viewer", "folder:s");
            }
            let was_written = site.stub.world().changes.iter().any(|change| change.tuple.user == "user:new");
            for _ in 0..2 {
                let ran = site.folder(&[]).expect(0);
                let told = format!("{requests} {later}\n{}\n{}", ran.out, ran.err);
                is_kept(&site, &told);
                assert!(has(&site, "user:eve blocked folder:s"), "{told}");
                assert_eq!(has(&site, "user:new viewer folder:s"), !(later && was_written), "{told}");
            }
            site.folder(&["--reconcile"]).expect(0);
            assert!(has(&site, "user:ann viewer folder:s") && has(&site, "user:new viewer folder:s"));
        }
    }
}

/// The rule file takes a tuple away and brings it back; the run in between is cut off.
#[test]
fn what_a_run_that_was_cut_off_deleted_is_written_again() {
    for requests in 0..12 {
        let with = "viewers: [user:ann]\nblocked: [user:eve]\n";
        let site = Site::new(&[("_.acl.yaml", with), ("a.md", "text")]);
        site.folder(&[]).expect(0);
        site.write("_.acl.yaml", "viewers: [user:bob]\n");
        site.write("a.md", "other text");
        site.clear_log();
        site.stub.world().fail_after = Some(requests);
        site.folder(&[]);
        site.stub.world().fail_after = None;
        site.write("_.acl.yaml", with);
        site.folder(&[]).expect(0);
        for tuple in ["user:ann viewer folder:s", "user:eve blocked folder:s"] {
            assert!(has(&site, tuple), "{requests} {tuple}");
        }
        assert!(!has(&site, "user:bob viewer folder:s"), "{requests}");
    }
}

#[test]
fn a_run_that_is_refused_leaves_the_record_as_it_was() {
    let site = site();
    site.stub.world().remove_tuple("group:hr#member", "viewer", "folder:s");
    let state = site.path("state/usher-ingest");
    let record = || {
        let files = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        std::fs::read_to_string(files.pop().unwrap()).unwrap()
    };
    let before = record();
    site.stub.world().lacks.extend(["relationships.read", "relationships.write"]);
    site.folder(&[]).expect(1).says("relationships.write");
    assert_eq!(record(), before);
    site.stub.world().lacks.clear();
    site.folder(&[]).expect(0).says("0 written");
    assert!(!has(&site, "group:hr#member viewer folder:s"));
}

const OLD: &str = "is not that of the last run";

#[test]
fn a_state_file_that_was_put_back_is_noticed() {
    let site = Site::new(&[("_.acl.yaml", "viewers: [user:ann]\n"), ("a.md", "text")]);
    let (state, kept) = (site.path("st.json"), site.path("kept.json"));
    let named = ["--state", state.to_str().unwrap()];
    let run = |more: &[&str]| site.folder(&[&named[..], more].concat());
    run(&[]).expect(0);
    std::fs::copy(&state, &kept).unwrap();
    run(&[]).expect(0).says("0 written");
    site.write("_.acl.yaml", "viewers: [user:ann, user:bob]\n");
    run(&[]).expect(0).says("1 written");
    std::fs::copy(&kept, &state).unwrap();
    site.write("_.acl.yaml", "viewers: [user:ann]\n");
    for more in [&[][..], &["--yes"], &["--dry-run"]] {
        run(more).expect(1).says(OLD).says("--reconcile");
        assert!(has(&site, "user:bob viewer folder:s"));
        assert_eq!(std::fs::read(&state).unwrap(), std::fs::read(&kept).unwrap());
    }
    run(&["--reconcile"]).expect(0).says("1 deleted");
    assert!(!has(&site, "user:bob viewer folder:s"));
    run(&[]).expect(0).says("0 written, 0 deleted");
    // Also where there was nothing to reconcile.
    std::fs::copy(&kept, &state).unwrap();
    run(&[]).expect(1).says(OLD);
    run(&["--reconcile"]).expect(0).says("0 written, 0 deleted");
    run(&[]).expect(0);
    // A lost one begins anew, and the old one is not the last any more.
    std::fs::remove_file(&state).unwrap();
    run(&[]).expect(0).says("no record of earlier runs");
    std::fs::copy(&kept, &state).unwrap();
    run(&[]).expect(1).says(OLD);
    // A service that was set back says that, and not of an old state.
    run(&["--reconcile"]).expect(0);
    let backup = site.stub.world().backup();
    site.write("_.acl.yaml", "viewers: [user:cyd]\n");
    run(&[]).expect(0);
    *site.stub.world() = backup;
    run(&[]).expect(0).says(SET_BACK);
    run(&[]).expect(0).says("0 written, 0 deleted");
}

#[test]
fn a_record_of_people_that_was_put_back_is_noticed() {
    let site = Site::new(&[]);
    let (state, kept) = (site.path("st.json"), site.path("kept.json"));
    let run = |text: &str, more: &[&str]| {
        people(&site, "p.csv", text, &[&["--state", state.to_str().unwrap()], more].concat())
    };
    run("ana,hr\n", &[]).expect(0);
    std::fs::copy(&state, &kept).unwrap();
    run("ana,hr\nbob,hr\n", &[]).expect(0);
    std::fs::copy(&kept, &state).unwrap();
    run("ana,hr\n", &["--delete-missing", "--yes"]).expect(1).says(OLD).says("--reconcile");
    run("ana,hr\n", &["--delete-missing", "--yes", "--reconcile"]).expect(0).says("1 deleted");
    run("ana,hr\n", &["--delete-missing", "--yes"]).expect(0).says("0 deleted");
    assert_eq!(site.stub.world().tuple_lines(), ["user:ana member group:hr"]);
}

#[test]
fn members_removed_by_hand_stay_out_after_a_run_that_was_cut_off_or_refused() {
    for requests in 0..12 {
        for refused in [false, true] {
            let site = Site::new(&[]);
            people(&site, "p.csv", "ana,hr\nbo,hr\n", &[]).expect(0).says("2 written");
            site.stub.world().remove_tuple("user:bo", "member", "group:hr");
            site.clear_log();
            if refused {
                site.stub.world().lacks.insert("relationships.write");
            } else {
                site.stub.world().fail_after = Some(requests);
            }
            people(&site, "p.csv", "ana,hr\nbo,hr\ncy,hr\n", &[]);
            site.stub.world().fail_after = None;
            site.stub.world().lacks.clear();
            people(&site, "p.csv", "ana,hr\nbo,hr\ncy,hr\n", &[]).expect(0);
            assert!(has(&site, "user:cy member group:hr") && !has(&site, "user:bo member group:hr"), "{requests}");
        }
    }
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
