//! Rules of the code base that a machine can check.

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
