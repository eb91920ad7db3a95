//! Rules of the code base that a machine can check.

#[path = "house/imports.rs"]
mod imports;

/// Text without verification doesn't compile; the same code with verification does.
#[test]
fn text_needs_verification() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/house/gate/verified.rs");
    cases.compile_fail("tests/house/gate/forged.rs");
}
