//! Recognition of text in pictures, by programs of the system: `pdftoppm` (poppler) draws a page, `tesseract` reads it.
//! Each runs in a process of its own, see `tool`; both get and give everything through pipes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::{Level, piped, tool};
use crate::term::Term;

/// Where programs are looked for: foreign files can't be put there.
const PLACES: [&str; 2] = ["/usr/bin", "/usr/local/bin"];
/// Language of the text, unless others are named.
pub const DEFAULT: &str = "eng";
/// Pixels of the longer side of a drawn page: about 300 in an inch of A4.
const SIDE: u32 = 3_500;
/// Bytes of a drawn page: a grey value for each pixel, and room for the head.
const MAX_DRAWN: u64 = SIDE as u64 * SIDE as u64 + 1_024;
/// Bytes of the text of one page, or of all pictures of a file.
const MAX_READ: u64 = 4 * 1024 * 1024;
/// Pages of one document.
const MAX_PAGES: usize = 500;
/// For one page, and for all of a document.
const PAGE: Duration = Duration::from_secs(60);
const DOCUMENT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Where the programs are installed.
    Auto,
    Never,
}

#[derive(Debug, Clone)]
pub struct Options {
    pub mode: Mode,
    /// As tesseract names them, joined by `+`.
    pub languages: String,
}

#[derive(Debug)]
struct Programs {
    pdftoppm: Option<PathBuf>,
    tesseract: PathBuf,
}

/// Why nothing is recognised.
#[derive(Debug, Clone)]
enum Missing {
    Here(String),
    /// Of a language that the operator named.
    Language(String),
}

#[derive(Debug)]
pub struct Recogniser {
    options: Options,
    is_sandboxed: bool,
    /// Found at first need; else why nothing is recognised.
    programs: OnceLock<Result<Programs, Missing>>,
    told: [AtomicU64; 4],
    /// Files in which nothing was recognised: by an earlier run, and by this one.
    wordless: Mutex<(BTreeSet<String>, BTreeSet<String>)>,
}

/// What recognition found on the pages of one document.
#[derive(Debug, Default)]
pub struct Found {
    pub texts: BTreeMap<u32, String>,
    /// Pages that it was not done for, and why.
    pub missed: u64,
    pub why: String,
}

impl Recogniser {
    pub fn new(options: &Options, level: &Level) -> Self {
        let is_sandboxed = level.landlock && level.seccomp;
        let programs = OnceLock::new();
        Recogniser {
            options: options.clone(),
            is_sandboxed,
            programs,
            told: Default::default(),
            wordless: Mutex::default(),
        }
    }

    /// What of a document's text depends on recognition beside its bytes; empty: nothing.
    pub fn key(&self, bytes: &[u8]) -> Vec<u8> {
        if may_show_pictures(bytes) && self.programs().is_ok() { self.key_of_languages() } else { Vec::new() }
    }

    /// The key of documents that were recognised where the programs are not installed any more.
    pub fn key_before(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_missing = self.options.mode == Mode::Auto && may_show_pictures(bytes) && self.programs().is_err();
        is_missing.then(|| self.key_of_languages())
    }

    fn key_of_languages(&self) -> Vec<u8> {
        format!("recognised: {}", self.options.languages).into_bytes()
    }

    /// A language that was named and is not there is a mistake: documents would lose what was recognised in it.
    pub fn check(&self) -> Result<(), String> {
        if self.options.mode == Mode::Never || self.options.languages == DEFAULT {
            return Ok(());
        }
        match self.programs.get_or_init(|| self.find()) {
            Err(Missing::Language(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    fn programs(&self) -> Result<&Programs, String> {
        self.programs.get_or_init(|| self.find()).as_ref().map_err(|missing| match missing {
            Missing::Here(why) | Missing::Language(why) => why.clone(),
        })
    }

    fn find(&self) -> Result<Programs, Missing> {
        let here = |why: &str| Missing::Here(why.to_owned());
        if self.options.mode == Mode::Never {
            return Err(here("--ocr never"));
        }
        if !self.is_sandboxed {
            return Err(here("the programs for it can't be kept from other files here (landlock and seccomp)"));
        }
        let find = |name: &str| PLACES.iter().map(|place| Path::new(place).join(name)).find(|path| path.is_file());
        let tesseract = find("tesseract").ok_or(here("tesseract is not installed (Debian: tesseract-ocr)"))?;
        let listed = piped(tool::command(&tesseract, &["--list-langs"]), &[], PAGE, tool::CPU_SECONDS, MAX_READ);
        let listed = listed.map_err(|e| here(&format!("tesseract does not start: {e}")))?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let is_there = |wanted: &str| listed.lines().any(|line| line.trim() == wanted);
        match self.options.languages.split('+').find(|wanted| !is_there(wanted)) {
            Some(missing) => {
                let why = format!("tesseract has no language `{missing}` (Debian: tesseract-ocr-{missing})");
                Err(Missing::Language(why))
            }
            None => Ok(Programs { pdftoppm: find("pdftoppm"), tesseract }),
        }
    }

    /// Reads the pictures of a file: those of the given pages, if it is a PDF.
    pub fn read(&self, bytes: &[u8], pages: &[u32]) -> Found {
        let missed = |why: String| Found { missed: pages.len() as u64, why, ..Found::default() };
        let programs = match self.programs() {
            Ok(programs) => programs,
            Err(why) => return missed(why),
        };
        if !is_pdf(bytes) {
            return match self.text(programs, bytes) {
                Ok(text) => {
                    let texts =
                        pages.iter().copied().zip(text.split('\u{c}')).map(|(page, text)| (page, text.to_owned()));
                    Found { texts: texts.collect(), ..Found::default() }
                }
                Err(why) => missed(why),
            };
        }
        let Some(pdftoppm) = &programs.pdftoppm else {
            return missed("pdftoppm is not installed (Debian: poppler-utils)".into());
        };
        let (mut found, start) = (Found::default(), Instant::now());
        for (number, page) in pages.iter().enumerate() {
            let done = if number >= MAX_PAGES {
                Err(format!("more than {MAX_PAGES} pages"))
            } else if start.elapsed() >= DOCUMENT {
                Err(format!("it takes more than {} s", DOCUMENT.as_secs()))
            } else {
                let (at, side) = (page.to_string(), SIDE.to_string());
                let arguments = ["-q", "-gray", "-scale-to", &side, "-f", &at, "-l", &at, "-"];
                let drawn = piped(tool::command(pdftoppm, &arguments), &[bytes], PAGE, tool::CPU_SECONDS, MAX_DRAWN);
                drawn.map_err(|e| e.to_string()).and_then(|drawn| self.text(programs, &drawn))
            };
            match done {
                Ok(text) => drop(found.texts.insert(*page, text)),
                Err(why) => {
                    found.missed = found.missed.saturating_add(1);
                    found.why = why;
                }
            }
        }
        found
    }

    fn text(&self, programs: &Programs, picture: &[u8]) -> Result<String, String> {
        let arguments = ["stdin", "stdout", "-l", &self.options.languages];
        let read = piped(tool::command(&programs.tesseract, &arguments), &[picture], PAGE, tool::CPU_SECONDS, MAX_READ);
        read.map(|text| String::from_utf8_lossy(&text).into_owned()).map_err(|e| e.to_string())
    }

    pub fn know_wordless(&self, known: BTreeSet<String>) {
        self.lock().0 = known;
    }

    pub fn wordless(&self) -> BTreeSet<String> {
        self.lock().1.clone()
    }

    /// Whether an earlier run with these languages has recognised nothing in a file.
    pub fn is_wordless(&self, bytes: &[u8]) -> bool {
        self.options.mode == Mode::Auto && self.lock().0.contains(&self.name(bytes))
    }

    pub fn note_wordless(&self, bytes: &[u8]) {
        let name = self.name(bytes);
        self.lock().1.insert(name);
    }

    fn name(&self, bytes: &[u8]) -> String {
        format!("{} {}", crate::fingerprint::of_bytes(bytes), self.options.languages)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (BTreeSet<String>, BTreeSet<String>)> {
        self.wordless.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Counts what became of one document's pages.
    pub fn count(&self, recognised: u64, missed: u64) {
        let one = |n: u64| u64::from(n > 0);
        for (sum, n) in self.told.iter().zip([one(recognised), recognised, one(missed), missed]) {
            sum.fetch_add(n, Ordering::Relaxed);
        }
    }

    /// Says at the end of a run what was recognised, and what was not.
    pub fn tell(&self, term: &Term) {
        let [documents, pages, without, missed] =
            [0, 1, 2, 3].map(|at: usize| self.told.get(at).map_or(0, |sum| sum.load(Ordering::Relaxed)));
        if pages > 0 {
            let languages = &self.options.languages;
            term.line(&format!("recognised in pictures ({languages}): {pages} pages of {documents} documents"));
        }
        if missed > 0 {
            let why = self.programs().err().unwrap_or_else(|| "see their warnings".into());
            term.line(&format!("pictures that are not recognised: {missed} pages of {without} documents ({why})"));
        }
    }
}

fn is_pdf(bytes: &[u8]) -> bool {
    bytes.get(..1_024).unwrap_or(bytes).windows(5).any(|at| at == b"%PDF-")
}

fn may_show_pictures(bytes: &[u8]) -> bool {
    is_pdf(bytes) || crate::extract::is_picture(bytes)
}

/// Names of languages as tesseract has them.
pub fn languages(text: &str) -> Result<String, String> {
    let is_name = |name: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !name.is_empty() && name.len() <= 32 && name.chars().all(fine)
    };
    match text.split('+').all(is_name) && text.split('+').count() <= 16 {
        true => Ok(text.to_owned()),
        false => Err("names of languages as tesseract has them, joined by +: eng+deu".into()),
    }
}
