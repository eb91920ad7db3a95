//! Does the oracle bite? Each deliberate bug must be caught by the test that is named beside it.

const SEQUENTIAL: &str = "sequential::every_answer_equals_brute_force";

const TWINS: &str = "sections::what_is_in_a_hidden_part_moves_no_byte_of_an_answer";

const ALONE: &str = "alone::a_reader_among_others_is_answered_as_if_alone";

const MUTANTS: &[(&str, &str)] = &[
    ("skip_verification", "races::a_revocation_between_search_and_verification_binds"),
    ("trust_the_searchs_audience", "races::a_revocation_between_search_and_verification_binds"),
    // Guarded more than once: a hit must be the same in both states, and what is lost is searched again.
    (
        "skip_the_version_check,named_by_the_verifying_state,one_round",
        "races::a_version_between_search_and_verification_takes_the_old_ones_place",
    ),
    ("new_audience_with_old_sets,named_by_the_verifying_state", "races::new_rules_are_never_judged_by_old_groups"),
    ("parked_only_at_masking", "races::a_document_that_ends_between_search_and_verification_is_not_returned"),
    ("set_inserted_after_its_invalidation", SEQUENTIAL),
    ("invalidation_of_visited_only", SEQUENTIAL),
    ("depth_ignored_on_union_paths", "races::a_path_of_thirty_groups_is_too_long_in_a_union_too"),
    ("second_label_widens", "races::a_second_label_hides_the_document"),
    ("conditional_in_context_free_set", "races::a_cached_reader_forgets_a_grant_that_ended"),
    ("section_without_grants_open", SEQUENTIAL),
    ("fusing_before_verifying", "races::ranks_count_verified_hits_only"),
    ("global_keyword_statistics", SEQUENTIAL),
    ("global_average_length", SEQUENTIAL),
    ("contextual_shared_through_sections", "races::a_contextual_tuple_isolates_the_documents_sections"),
    ("acknowledge_before_commit", SEQUENTIAL),
    ("named_by_the_verifying_state", "races::an_answer_names_the_state_that_it_was_made_from"),
    ("headings_in_quotations", "sections::a_section_ends_where_the_structure_of_the_text_says"),
    ("headings_of_the_whole_text", TWINS),
    ("pieces_over_borders", TWINS),
    ("given_headings_as_they_are", TWINS),
    ("names_by_number", TWINS),
    ("offsets_of_the_whole_text", TWINS),
    ("pages_of_the_whole_text", TWINS),
    ("neighbours_end_at_hidden_parts", "sections::hidden_parts_are_passed_over"),
    ("hidden_parts_leave_a_gap", "sections::what_stands_under_a_heading_has_no_gaps"),
    ("documents_limited_before_the_mask", ALONE),
    ("likeness_by_place", ALONE),
    ("global_keyword_statistics", ALONE),
    ("long_documents_fill_lists", "alone::a_long_document_leaves_room_for_others"),
];

#[test]
fn mutants_are_caught() {
    crate::common::mutants::must_be_caught(MUTANTS);
}
