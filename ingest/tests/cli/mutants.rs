//! Does a test bite? See `tests/common/mutants.rs`.

#[path = "../../../tests/common/mutants.rs"]
#[allow(clippy::print_stdout, reason = "which bugs were caught is shown")]
mod common;

const MUTANTS: &[(&str, &str)] = &[
    ("rules_by_name_alone", "names::nothing_but_rules_refuses_what_it_was_probably_meant_for"),
    ("rules_by_the_first_line", "names::nothing_but_rules_is_told_however_it_is_written"),
    ("broken_rules_are_text", "names::nothing_but_rules_is_told_however_it_is_written"),
    ("own_rules_not_noted", "renames::own::rules_of_directories_hold_nothing_that_is_known_to_have_no_others"),
    ("own_rules_not_noted", "renames::own::rules_of_its_own_hold_a_document_whatever_they_say"),
    ("own_rules_by_an_old_note", "renames::own::a_record_that_was_put_back_opens_nothing"),
    ("strays_of_a_free_place_alone", "renames::own::rules_of_its_own_hold_a_document_whatever_they_say"),
    ("rules_above_a_prefix", "prefixes::a_part_gets_the_rules_that_it_has_in_the_whole"),
    ("grants_above_a_prefix", "prefixes::grants_above_that_are_no_more_are_taken_away_first"),
    ("blanks_in_names", "blanks::rule_files_name_the_line_of_a_blank"),
    ("blanks_in_names", "blanks::lists_and_options_take_no_blank_for_a_name"),
    ("rules_beside_a_directory", "beside::a_rule_file_beside_a_directory_refuses_the_directory"),
    ("rules_named_after_their_directory", "beside::rules_named_after_the_directory_that_they_lie_in_refuse_it"),
    ("rules_beside_the_folder", "beside::rules_beside_the_folder_itself_refuse_all_of_it"),
    ("rules_of_a_link", "beside::rules_of_a_link_refuse_what_it_leads_to"),
    ("rules_of_another_extension", "beside::rules_of_a_document_that_got_another_extension_refuse_it"),
    ("rules_as_they_were", "order::what_is_written_after_its_rule_is_never_sent_without_it"),
    ("rules_as_they_were", "order::what_is_written_after_its_manifest_is_never_sent_with_an_older_one"),
    ("bans_of_divided_files", "records::bans_written_by_hand_come_along"),
    ("bans_of_divided_files", "records::what_restricts_records_holds_where_they_become_one_document_elsewhere"),
    ("rules_of_what_is_listed", "records::a_bad_record_loses_nothing_else"),
];

#[test]
fn mutants_are_caught() {
    common::must_be_caught(MUTANTS);
}
