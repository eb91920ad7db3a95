//! What each commit of a shared catalog changed. A process that follows reads here what to read again; one that lost the
//! reply to its commit learns here whether it was done.

use super::*;

/// Rows that are kept at least, and for how long at least.
const KEPT: u64 = 10_000;
const KEPT_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// Trimming happens once in so many commits.
const TRIMMED_EVERY: u64 = 256;

/// Names one attempt to commit; never the same twice.
pub type Origin = [u8; 16];

#[derive(Debug, Clone, PartialEq)]
pub struct CommitRow {
    pub revision: u64,
    pub origin: Origin,
    pub committed_at: String,
    /// JSON, of `snapshot/delta.rs`.
    pub changes: String,
}

/// The newest state of a catalog: its number, and which attempt made it. The same number with another origin is another
/// history: a backup was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub revision: u64,
    /// Absent where no commit is listed, as in a catalog that was just imported.
    pub origin: Option<Origin>,
    /// Releases that know only an older schema than this must not work on the catalog any more.
    pub compatible_from: u64,
}

impl Head {
    /// Whether this release may work on the catalog.
    pub fn is_compatible(&self) -> bool {
        self.compatible_from <= SCHEMA
    }
}

/// Named value of [`Head::compatible_from`].
pub const COMPATIBLE: &str = "compatible from";
/// Number of the newest migration that this release knows.
pub const SCHEMA: u64 = 11;
/// What this release asks of others that work on a catalog beside it. It grows only with a migration after which older
/// releases would do harm; others only add.
pub const COMPATIBLE_FROM: u64 = 8;
/// What it asks of them once a collection was re-indexed: they would search the old pair of indexes.
pub const KNOWS_GENERATIONS: u64 = 7;

const HEAD: &str = "SELECT (SELECT value FROM meta WHERE name = 'revision') AS revision,
                           (SELECT value FROM meta WHERE name = 'compatible from') AS compatible,
                           (SELECT origin FROM commits ORDER BY revision DESC LIMIT 1) AS origin";

fn head_of(row: &Row) -> Result<Head, CatalogError> {
    let origin: Option<Vec<u8>> = row.try_get("origin")?;
    Ok(Head {
        revision: meta::number(row.try_get("revision")?)?,
        origin: origin.map(origin_of).transpose()?,
        compatible_from: meta::number(row.try_get("compatible")?)?,
    })
}

fn origin_of(bytes: Vec<u8>) -> Result<Origin, CatalogError> {
    bytes.try_into().map_err(|_| CatalogError::Malformed { what: "origin of a commit" })
}

impl Catalog {
    /// The newest committed state.
    pub async fn head(&self) -> Result<Head, CatalogError> {
        head_of(&query(HEAD).fetch_one(self.readers()).await?)
    }
}

/// The newest state that the transaction sees.
pub async fn head(tx: &mut CatalogTx) -> Result<Head, CatalogError> {
    head_of(&query(HEAD).fetch_one(tx).await?)
}

/// Keeps releases away that know only an older schema than this.
pub async fn require(tx: &mut CatalogTx, schema: u64) -> Result<(), CatalogError> {
    if head(tx).await?.compatible_from < schema {
        meta::set(tx, COMPATIBLE, &schema.to_be_bytes()).await?;
    }
    Ok(())
}

/// The commits from revision `from` on, in order.
pub async fn from(tx: &mut CatalogTx, from: u64) -> Result<Vec<CommitRow>, CatalogError> {
    let rows =
        query("SELECT revision, origin, committed_at, changes FROM commits WHERE revision >= $1 ORDER BY revision")
            .bind(signed(from)?)
            .fetch_all(tx)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(CommitRow {
                revision: unsigned(row.try_get("revision")?, "revision")?,
                origin: origin_of(row.try_get("origin")?)?,
                committed_at: row.try_get("committed_at")?,
                changes: row.try_get("changes")?,
            })
        })
        .collect()
}

/// Adds a commit, as part of it, and forgets the oldest ones from time to time.
pub async fn insert(tx: &mut CatalogTx, commit: &CommitRow) -> Result<(), CatalogError> {
    query("INSERT INTO commits (revision, origin, committed_at, changes) VALUES ($1, $2, $3, $4)")
        .bind(signed(commit.revision)?)
        .bind(commit.origin.to_vec())
        .bind(commit.committed_at.clone())
        .bind(commit.changes.clone())
        .execute(&mut *tx)
        .await?;
    tx.notify().await?;
    if commit.revision.is_multiple_of(TRIMMED_EVERY) {
        let old = timestamp(&commit.committed_at)?.checked_sub(KEPT_FOR).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        query("DELETE FROM commits WHERE revision < $1 AND committed_at < $2")
            .bind(signed(commit.revision.saturating_sub(KEPT))?)
            .bind(old.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
