//! Sets `cfg(usher_mutants)` when the test build asks for it, in every package that has places for the tests. Only these
//! are rebuilt, and no Cargo feature exists that could bring a mutant into a released binary.

#[allow(clippy::print_stdout, reason = "Cargo reads directives from standard output")]
fn main() {
    println!("cargo:rerun-if-env-changed=USHER_MUTANTS");
    println!("cargo:rustc-check-cfg=cfg(usher_mutants)");
    if std::env::var_os("USHER_MUTANTS").is_some() {
        println!("cargo:rustc-cfg=usher_mutants");
    }
}
