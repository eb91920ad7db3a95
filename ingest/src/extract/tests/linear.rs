//! Work grows with the bytes of a file and not with their square, whatever they are.

use std::time::{Duration, Instant};

use super::*;

/// Makes a file of about so many bytes.
type Make = Box<dyn Fn(usize) -> Vec<u8>>;

/// How many times longer it takes to read eight times as much: the best of some tries.
fn growth(name: &str, make: &Make, size: usize) -> f64 {
    let took = |size: usize, tries: usize| {
        let bytes = make(size);
        let once = || {
            let start = Instant::now();
            let _ = run(name, &bytes);
            start.elapsed()
        };
        (0..tries).map(|_| once()).min().unwrap_or_default().max(Duration::from_micros(200))
    };
    took(size.saturating_mul(8), 2).as_secs_f64() / took(size, 4).as_secs_f64()
}

#[test]
fn eight_times_the_bytes_take_no_square_of_the_time() {
    let run_of = |what: &'static str| {
        let made = move |size: usize| format!("Begin. {}", what.repeat(size / what.len())).into_bytes();
        Box::new(made) as Make
    };
    let cases: Vec<(&str, &str, Make)> = vec![
        ("quotes", "a.txt", run_of("\"")),
        ("brackets", "a.txt", run_of(")")),
        ("stars and lines", "a.txt", run_of("*_")),
        ("points", "a.txt", run_of(".")),
        ("quotes of other scripts", "a.txt", run_of("»」")),
        ("blanks between", "a.txt", Box::new(|n| format!("a.{}b", " ".repeat(n)).into_bytes())),
        ("blanks behind", "a.txt", Box::new(|n| format!("{}{}", "a b. ".repeat(n / 10), " ".repeat(n)).into_bytes())),
        ("one word and blanks", "a.txt", Box::new(|n| format!("{}.{}b", "a".repeat(n), " ".repeat(n)).into_bytes())),
        ("ruled lines", "a.txt", Box::new(|n| format!("Name: {}\n", "_".repeat(3_000)).repeat(n / 3_000).into_bytes())),
        ("elements in each other", "a.html", Box::new(|n| "<div>".repeat(n / 5).into_bytes())),
        ("tags that are never closed", "a.md", Box::new(|n| format!("<div\n{}", "<a \" ".repeat(n / 5)).into_bytes())),
        ("remarks in a line", "a.md", Box::new(|n| format!("word {}", "x<!---->".repeat(n / 8)).into_bytes())),
    ];
    for (what, name, make) in cases {
        // The square would be 64. What else the machine does may lengthen a try, not all of them.
        let is_linear = (0..5).any(|_| growth(name, &make, 10_000) < 24.0);
        assert!(is_linear, "{what}: eight times as much takes far more than eight times as long");
    }
}
