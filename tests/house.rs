//! Rules of the code base that a machine can check.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: a fault ends it, and the counts are its point"
)]

#[path = "house/imports.rs"]
mod imports;
/// The twin of the case below, with verification: it compiles, or this test binary doesn't.
#[path = "house/gate/verified.rs"]
mod verified;

/// Text without verification doesn't compile.
#[test]
fn text_needs_verification() {
    trybuild::TestCases::new().compile_fail("tests/house/gate/forged.rs");
}
