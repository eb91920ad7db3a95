//! Do the tests of identity, ownership, records and answers bite? Each deliberate bug must be caught by the test beside it.

const MUTANTS: &[(&str, &str)] = &[
    ("unusable_is_absent", "headers::an_identity_that_can_not_be_used_is_never_absent"),
    ("names_as_they_come", "spelling::a_grant_and_a_ban_mean_the_person_however_each_is_spelled"),
    ("ceilings_bind_no_scope", "ceilings::keys_of_before_have_what_their_ceiling_leaves"),
    ("tokens_say_their_scopes", "issuers::a_token_has_what_its_issuer_may_give"),
    ("the_last_claim_counts", "issuers::a_token_that_says_a_thing_twice_says_nothing"),
    ("a_subjects_scopes_bind_nobody", "issuers::a_subject_token_that_says_what_it_is_for_is_for_nothing_else"),
    ("bans_stay_with_their_name", "ownership::a_ban_from_a_section_outlives_the_section"),
    ("sources_own_what_they_say", "ownership::a_ban_by_hand_outlives_what_a_source_says_about_it"),
    ("narrower_is_the_same", "ownership::narrower_default_rules_bind_what_is_sent_again"),
    ("the_past_is_everybodys", "past::the_past_of_an_id_is_told_from_when_the_collection_held_it"),
    ("doubtful_ends_are_ends", "ownership::a_restricted_part_that_ends_in_doubt_is_refused"),
    ("let_in_once", "keys::a_revocation_binds_what_is_still_on_its_way"),
    ("any_address_counts", "issuers::only_a_verified_address_is_somebody"),
    ("the_last_key_may_go", "keys::the_last_admin_key_is_revoked_only_on_purpose"),
    ("any_catalog_goes_on", "restart::a_catalog_that_is_older_than_the_audit_is_not_served_until_it_is_accepted"),
    ("search_what_the_index_has", "changing::a_document_under_replacement_is_found_as_old_or_new"),
    ("definitions_stay_elsewhere", "ownership::what_a_restricted_part_alone_calls_is_not_left_outside_it"),
    ("only_looks_are_reads", "records::what_was_to_be_read_and_is_not_there_is_recorded_however_it_is_asked"),
    (
        "grants_outlive_their_object",
        "ownership::grants_by_hand_on_what_was_deleted_are_held_until_somebody_confirms_them",
    ),
];

#[test]
fn mutants_are_caught() {
    crate::common::mutants::must_be_caught(MUTANTS);
}
