use std::fs::File;
use std::io::Write;

/// Says that a case can't run here for want of `need`, one word of `tests/skips.txt`; `why` tells how to have it.
///
/// Tests print only where they fail: with `USHER_SKIPS` the case is noted in that file, which `scripts/test.sh` counts and
/// prints at the end. What a test skips is noted with the test's name.
pub fn skipped(need: &str, why: &str) {
    let case = std::thread::current().name().unwrap_or("?").to_owned();
    println!("skipped: {case}: {why}");
    if let Some(file) = std::env::var_os("USHER_SKIPS") {
        let line = format!("{need}\t{case}: {why}\n");
        File::options().create(true).append(true).open(file).unwrap().write_all(line.as_bytes()).unwrap();
    }
}
