//! Records of changes, from the commit that they belong to until the audit file has them.

use super::*;

/// Names a data folder; no two have the same.
pub type FolderName = [u8; 16];

/// The records of one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsRow {
    pub sequence: u64,
    /// Whose audit they belong to.
    pub folder: FolderName,
    /// Bytes of that file before the commit.
    pub file_from: u64,
    /// Whole lines of JSON.
    pub records: String,
}

fn row(row: &Row) -> Result<RecordsRow, CatalogError> {
    let folder: Vec<u8> = row.try_get("folder")?;
    Ok(RecordsRow {
        sequence: unsigned(row.try_get("sequence")?, "sequence")?,
        folder: folder.try_into().map_err(|_| CatalogError::Malformed { what: "name of a folder" })?,
        file_from: unsigned(row.try_get("file_from")?, "length of the audit")?,
        records: row.try_get("records")?,
    })
}

impl Catalog {
    /// All that wait, oldest first; there are few.
    pub async fn waiting_records(&self) -> Result<Vec<RecordsRow>, CatalogError> {
        let rows = query("SELECT sequence, folder, file_from, records FROM audit_outbox ORDER BY sequence");
        rows.fetch_all(self.readers()).await?.iter().map(row).collect()
    }

    /// Adds records beside the commits: of what was done to a folder, and not in the catalog.
    pub async fn add_records(
        &self,
        folder: FolderName,
        file_from: u64,
        records: &str,
    ) -> Result<RecordsRow, CatalogError> {
        insert_on(self.aside(), folder, file_from, records).await
    }

    /// Makes a row this folder's. Says whether it still was another's.
    pub async fn adopt_records(
        &self,
        row: &RecordsRow,
        folder: FolderName,
        file_from: u64,
    ) -> Result<bool, CatalogError> {
        let adopt = "UPDATE audit_outbox SET folder = $3, file_from = $4 WHERE sequence = $1 AND folder = $2";
        let adopted = query(adopt)
            .bind(signed(row.sequence)?)
            .bind(row.folder.to_vec())
            .bind(folder.to_vec())
            .bind(signed(file_from)?)
            .execute(self.aside())
            .await?;
        Ok(adopted > 0)
    }

    /// Removes, beside the commits, what the audit has.
    pub async fn forget_records(&self, sequence: u64) -> Result<(), CatalogError> {
        delete_on(self.aside(), sequence).await
    }
}

pub async fn insert(
    tx: &mut CatalogTx,
    folder: FolderName,
    file_from: u64,
    records: &str,
) -> Result<RecordsRow, CatalogError> {
    insert_on(tx.into(), folder, file_from, records).await
}

pub async fn remove(tx: &mut CatalogTx, sequence: u64) -> Result<(), CatalogError> {
    delete_on(tx.into(), sequence).await
}

pub(super) async fn insert_on(
    on: On<'_>,
    folder: FolderName,
    file_from: u64,
    records: &str,
) -> Result<RecordsRow, CatalogError> {
    let sequence: i64 =
        query("INSERT INTO audit_outbox (folder, file_from, records) VALUES ($1, $2, $3) RETURNING sequence")
            .bind(folder.to_vec())
            .bind(signed(file_from)?)
            .bind(records.to_owned())
            .fetch_value(on)
            .await?;
    Ok(RecordsRow { sequence: unsigned(sequence, "sequence")?, folder, file_from, records: records.to_owned() })
}

async fn delete_on(on: On<'_>, sequence: u64) -> Result<(), CatalogError> {
    query("DELETE FROM audit_outbox WHERE sequence = $1").bind(signed(sequence)?).execute(on).await?;
    Ok(())
}
