use super::*;

fn set(list: &[(&str, &str)]) -> TupleSet {
    let tuple = |(user, object): &(&str, &str)| TupleKey {
        user: (*user).into(),
        relation: "member".into(),
        object: (*object).into(),
        condition: None,
    };
    list.iter().map(tuple).collect()
}

fn shown(list: &[TupleKey]) -> Vec<String> {
    list.iter().map(|t| format!("{} {}", t.user, t.object)).collect()
}

#[test]
fn csv_rows_become_memberships() {
    let csv = "kind,id,name,groups\n,ana,Ana A.,hr; eu staff\nagent,bot,,hr\ngroup,hr,Human resources,all\n";
    let people = People::csv(csv.as_bytes()).unwrap();
    assert_eq!(
        people.tuples(),
        set(&[
            ("agent:bot", "group:hr"),
            ("group:hr#member", "group:all"),
            ("user:ana", "group:eu%20staff"),
            ("user:ana", "group:hr"),
        ])
    );
    assert_eq!(people.name("user:ana").unwrap(), "Ana A.");
    assert_eq!(people.name("group:hr#member").unwrap(), "Human resources");
    let twice = People::csv(b"id,groups\nana,hr\nbo,hr\nana,eu\n").unwrap_err();
    assert_eq!(twice, "line 4: user:ana is listed twice, first in line 2: write all its groups into one");
    let twice = People::yaml(b"people:\n- id: ana\n- {id: bo}\n- id: ana\n").unwrap_err().to_string();
    assert!(twice.starts_with("line 4: user:ana is listed twice, first in line 2"), "{twice}");
    assert!(People::csv(b"id,nome\nana,A\n").is_err());
    assert!(People::csv(b"kind,id\nrobot,x\n").is_err());
    let odd = People::csv(b"id,groups\nurn:x,g#1\n").unwrap().tuples();
    assert_eq!(odd, set(&[("user:urn%3Ax", "group:g%231")]));
}

#[test]
fn a_csv_file_begins_with_the_names_of_its_columns() {
    for text in ["ana,hr\n", "ana,hr\nbo,hr\n", "", "\n", "ana\n", "id;groups\nana;hr\n"] {
        let error = People::csv(text.as_bytes()).unwrap_err();
        assert!(error.starts_with("line 1: ") && error.contains("header line"), "{text:?}: {error}");
    }
    let error = |text: &str| People::csv(text.as_bytes()).unwrap_err();
    assert_eq!(error("id,nome\nana,A\n"), "line 1: there is no column `nome`; columns are kind,id,name,groups");
    assert_eq!(error("name,groups\nana,A\n"), "line 1: the column `id` is missing");
    assert_eq!(error("id,id\nana,A\n"), "line 1: the column `id` is there twice");
    assert!(error("id,groups\nana,hr,eu\n").starts_with("line 2: 3 values, where the header line names 2 columns"));
    assert!(error("id,groups\nana,group:hr#member\n").starts_with("line 2: `group:hr#member`"));
}

#[test]
fn principals_in_the_place_of_ids_are_refused_with_what_to_write() {
    for (row, hint) in [
        ("user:ana,hr", "`ana`"),
        ("ana,group:hr#member", "`hr`"),
        ("ana,hr#member", "`hr`"),
        ("ana,group:hr", "`hr`"),
        ("agent:bot,hr", "the id `bot` and the kind `agent`"),
        ("*,hr", "everybody"),
        ("user:*,hr", "everybody"),
    ] {
        let error = People::csv(format!("id,groups\n{row}\n").as_bytes()).unwrap_err();
        assert!(error.contains(hint), "{row}: {error}");
    }
    let yaml = |text: &str| People::yaml(text.as_bytes()).unwrap_err().to_string();
    assert!(yaml("groups: [{id: hr, members: ['user:ana']}]").contains("write `ana`"));
    assert!(yaml("groups: [{id: hr, members: ['group:eu#member']}]").contains("write `group:eu`"));
    assert!(yaml("groups: [{id: hr, parents: ['group:all#member']}]").contains("write `all`"));
    assert!(yaml("people: [{id: ana, groups: hr}]").contains("`groups: [\"hr\"]`"));
}

#[test]
fn yaml_takes_parents_and_members() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.yaml");
    std::fs::write(
        &path,
        "people:\n  - {id: ana, name: Ana, groups: [hr]}\ngroups:\n  - {id: hr, parents: [all]}\n  - {id: eu, members: [bo, 'group:hr']}\n",
    )
    .unwrap();
    let people = People::read(&path).unwrap();
    assert_eq!(
        people.tuples(),
        set(&[
            ("group:hr#member", "group:all"),
            ("group:hr#member", "group:eu"),
            ("user:ana", "group:hr"),
            ("user:bo", "group:eu"),
        ])
    );
}

#[test]
fn the_difference_keeps_what_was_done_by_hand() {
    let none = TupleSet::default();
    let wanted = set(&[("user:a", "group:g"), ("user:new", "group:g"), ("user:cut", "group:g")]);
    let stored = set(&[("user:a", "group:g"), ("user:gone", "group:g"), ("user:hand", "group:g")]);
    let before = [("user:a", "group:g"), ("user:gone", "group:g"), ("user:cut", "group:g")];
    let state = State { tuples: set(&before).iter().cloned().collect(), ..State::default() };
    let plan = Plan::new(&wanted, &stored, Some(&state), true, &none, false);
    assert_eq!(shown(&plan.join), ["user:new group:g"]);
    assert_eq!(shown(&plan.leave), ["user:gone group:g"]);
    assert_eq!(plan.kept_out, 1);

    let lost = Plan::new(&wanted, &stored, None, true, &none, false);
    assert_eq!(shown(&lost.join), ["user:cut group:g", "user:new group:g"]);
    assert!(lost.leave.is_empty(), "without a record nothing unknown is removed");

    let exact = Plan::new(&wanted, &stored, Some(&state), true, &none, true);
    assert_eq!(shown(&exact.join), ["user:cut group:g", "user:new group:g"]);
    assert_eq!(shown(&exact.leave), ["user:gone group:g", "user:hand group:g"]);

    let killed = Plan::new(&wanted, &stored, Some(&state), true, &set(&[("user:cut", "group:g")]), false);
    assert_eq!(shown(&killed.join), ["user:cut group:g", "user:new group:g"]);
}

#[test]
fn a_record_of_another_history_keeps_nobody_out_and_brings_leavers_to_light() {
    let none = TupleSet::default();
    let wanted = set(&[("user:a", "group:g"), ("user:cut", "group:g")]);
    let stored = set(&[("user:left", "group:g"), ("user:hand", "group:g")]);
    let list = |l: &[(&str, &str)]| set(l).iter().cloned().collect();
    let state = State {
        tuples: list(&[("user:a", "group:g"), ("user:cut", "group:g")]),
        removed: list(&[("user:left", "group:g")]),
        ..State::default()
    };
    let plan = Plan::new(&wanted, &stored, Some(&state), false, &wanted, false);
    assert_eq!((shown(&plan.join).len(), plan.kept_out), (2, 0));
    assert_eq!(shown(&plan.leave), ["user:left group:g"]);
    assert!(plan.recorded.contains(&plan.leave[0]), "until it is removed it stays this tool's");
    let same = Plan::new(&wanted, &stored, Some(&state), true, &none, false);
    assert!(same.leave.is_empty(), "somebody brought the leaver back by hand");
    assert_eq!((same.kept_out, same.removed.len()), (2, 1));
}

#[test]
fn what_was_there_before_is_not_this_lists_to_remove() {
    let none = TupleSet::default();
    let both = set(&[("user:a", "group:g"), ("user:b", "group:g")]);
    let other = set(&[("user:a", "group:g")]);
    let first = Plan::new(&both, &other, None, true, &none, false);
    assert_eq!((shown(&first.join), first.found.len()), (vec!["user:b group:g".to_owned()], 1));
    let list = |s: &TupleSet| s.iter().cloned().collect();
    let state = State { tuples: list(&both), found: list(&first.found), ..State::default() };
    let emptied = Plan::new(&TupleSet::default(), &both, Some(&state), true, &none, false);
    assert_eq!(shown(&emptied.leave), ["user:b group:g"]);
}
