//! Moving a whole instance: its catalog's rows and its vectors as plain files, and back. `docs/moving.md` has the format.
//!
//! Everything that decides about answers travels: text, rules, tuples and their history, models, keys, secrets, numbers.
//! So the same question has the same answer afterwards, a revoked key stays revoked, and nothing is embedded again. The
//! service must be stopped: the caller holds the lock of the data folder.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalog::{CatalogError, Location};
use crate::index::IndexError;

mod export;
mod import;

pub use export::export;
pub use import::{LeftRecord, UNFINISHED, import, manifest};

const FORMAT: &str = "usher-export";
/// Counts up with every change that an older release could not read.
const VERSION: u32 = 2;
const MANIFEST: &str = "manifest.json";
/// The manifest of an export that is not complete.
const DRAFT: &str = "manifest.part";

#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} holds a complete export; name another folder", path.display())]
    Complete { path: PathBuf },
    #[error("{} holds no complete export: {MANIFEST} is missing; run the export again", path.display())]
    Incomplete { path: PathBuf },
    #[error("{}: {fault}", path.display())]
    Foreign { path: PathBuf, fault: String },
    #[error("{} is not as it was exported (length or hash differ); export again", path.display())]
    Damaged { path: PathBuf },
    #[error("{location} holds a catalog already; name a new folder or an empty database")]
    Occupied { location: Location },
    #[error("collection `{collection}` has damaged vectors; start the service once, which computes them again")]
    DamagedVectors { collection: String },
    #[error("collection `{collection}` is being re-indexed; start the service and let it finish, or cancel it")]
    Reindexing { collection: String },
    #[error("after the import `{table}` has {found} rows instead of {expected}")]
    Count { table: String, expected: u64, found: u64 },
}

fn at(path: &Path) -> impl Fn(io::Error) -> TransferError {
    let path = path.to_owned();
    move |source| TransferError::File { path: path.clone(), source }
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    /// The release that wrote it.
    release: String,
    revision: u64,
    /// The last number that each self-numbering table gave.
    numbers: BTreeMap<String, u64>,
    pub files: Vec<Part>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Within the export's folder.
    path: String,
    #[serde(flatten)]
    pub content: Content,
    /// Rows, or vectors.
    pub records: u64,
    pub bytes: u64,
    blake3: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// One JSON object per line.
    Rows { table: String },
    /// 32-bit floats, little-endian, `dimensions` for each live chunk of the collection in the order of ordinals.
    /// `chunks` is the first ordinal that was never given.
    Vectors { collection: u32, dimensions: usize, chunks: u32 },
}

impl Manifest {
    fn read(path: &Path) -> Result<Option<Self>, TransferError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(at(path))?,
        };
        let foreign = |fault: String| TransferError::Foreign { path: path.to_owned(), fault };
        let manifest: Self = serde_json::from_str(&text).map_err(|error| foreign(error.to_string()))?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            let fault = format!("is `{}` {}, not `{FORMAT}` {VERSION}", manifest.format, manifest.version);
            return Err(foreign(fault));
        }
        Ok(Some(manifest))
    }

    /// Replaces the file as one, durably.
    fn write(&self, folder: &Path, name: &str) -> Result<(), TransferError> {
        let (path, draft) = (folder.join(name), folder.join(format!("{name}.new")));
        let text = serde_json::to_vec_pretty(self).map_err(|error| at(&path)(error.into()))?;
        let mut file = private(&draft)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(at(&draft))?;
        fs::rename(&draft, &path).map_err(at(&path))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
    }

    /// All rows and all vectors.
    pub fn totals(&self) -> (u64, u64) {
        let of = |is_rows: bool| {
            let parts = self.files.iter().filter(|part| matches!(part.content, Content::Rows { .. }) == is_rows);
            parts.map(|part| part.records).sum()
        };
        (of(true), of(false))
    }
}

/// A new file that only its owner can read.
fn private(path: &Path) -> Result<File, TransferError> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).map_err(at(path))
}

/// Writes a part and sums it up on the way.
struct PartWriter {
    path: PathBuf,
    file: io::BufWriter<File>,
    hasher: blake3::Hasher,
    records: u64,
    bytes: u64,
}

impl PartWriter {
    fn create(path: PathBuf) -> Result<Self, TransferError> {
        let file = io::BufWriter::with_capacity(1 << 20, private(&path)?);
        Ok(Self { path, file, hasher: blake3::Hasher::new(), records: 0, bytes: 0 })
    }

    fn record(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        self.file.write_all(bytes).map_err(at(&self.path))?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.records += 1;
        Ok(())
    }

    fn finish(self, name: String, content: Content) -> Result<Part, TransferError> {
        let file = self.file.into_inner().map_err(|error| at(&self.path)(error.into_error()))?;
        file.sync_all().map_err(at(&self.path))?;
        let blake3 = self.hasher.finalize().to_hex().to_string();
        Ok(Part { path: name, content, records: self.records, bytes: self.bytes, blake3 })
    }
}

impl Part {
    /// The file in the export at `folder`.
    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(&self.path)
    }

    /// Reads the whole file and compares it with what was written.
    fn verify(&self, folder: &Path) -> Result<(), TransferError> {
        let path = self.file(folder);
        let damaged = || TransferError::Damaged { path: path.clone() };
        let mut hasher = blake3::Hasher::new();
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged()),
            file => hasher.update_reader(file.map_err(at(&path))?).map_err(at(&path))?,
        };
        let is_same = hasher.count() == self.bytes && hasher.finalize().to_hex().to_string() == self.blake3;
        if is_same { Ok(()) } else { Err(damaged()) }
    }

    fn lines(&self, folder: &Path) -> Result<impl Iterator<Item = Result<String, TransferError>>, TransferError> {
        let path = self.file(folder);
        let file = File::open(&path).map_err(at(&path))?;
        Ok(BufReader::with_capacity(1 << 20, file).lines().map(move |line| line.map_err(at(&path))))
    }
}
