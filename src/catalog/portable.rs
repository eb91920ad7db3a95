//! The catalog's rows in a form that no database engine owns: named tables with typed fields, read and written in the
//! order of their keys. `docs/moving.md` describes each table; a new column must be added here, a test sees to it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use super::*;

/// What a field holds; any may be null where the schema allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnType {
    Integer,
    Text,
    /// Base64 in the row.
    Bytes,
}

use ColumnType::{Bytes, Integer, Text};

/// One table: its key, by which rows are ordered, and all of its fields.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    key: &'static [&'static str],
    fields: &'static [(&'static str, ColumnType)],
}

/// Named values of the instance: secrets, revision, positions. Written last: a catalog without them can't be served.
pub const META: Table = Table { name: "meta", key: &["name"], fields: &[("name", Text), ("value", Bytes)] };

/// All other tables.
pub const TABLES: &[Table] = &[
    Table {
        name: "stores",
        key: &["id"],
        fields: &[("id", Text), ("name", Text), ("created_at", Text), ("updated_at", Text)],
    },
    Table {
        name: "models",
        key: &["store", "id"],
        fields: &[("store", Text), ("id", Text), ("body", Text), ("revision", Integer)],
    },
    Table { name: "assertions", key: &["store", "model"], fields: &[("store", Text), ("model", Text), ("body", Text)] },
    Table {
        name: "tuples",
        key: &["change"],
        fields: &[
            ("change", Integer),
            ("store", Text),
            ("object_type", Text),
            ("object_id", Text),
            ("relation", Text),
            ("subject", Text),
            ("condition_name", Text),
            ("condition_context", Text),
            ("written_at", Text),
            ("by_source", Integer),
        ],
    },
    Table {
        name: "held_tuples",
        key: &["change"],
        fields: &[
            ("change", Integer),
            ("store", Text),
            ("object_type", Text),
            ("object_id", Text),
            ("relation", Text),
            ("subject", Text),
            ("condition_name", Text),
            ("condition_context", Text),
            ("written_at", Text),
        ],
    },
    Table {
        name: "tuple_changes",
        key: &["change"],
        fields: &[
            ("change", Integer),
            ("revision", Integer),
            ("store", Text),
            ("operation", Text),
            ("object_type", Text),
            ("object_id", Text),
            ("relation", Text),
            ("subject", Text),
            ("condition_name", Text),
            ("condition_context", Text),
            ("changed_at", Text),
        ],
    },
    Table {
        name: "collections",
        key: &["id"],
        fields: &[("id", Integer), ("name", Text), ("settings", Text), ("created_at", Text)],
    },
    Table {
        name: "documents",
        key: &["collection", "ordinal"],
        fields: &[
            ("collection", Integer),
            ("ordinal", Integer),
            ("id", Text),
            ("source", Text),
            ("version", Integer),
            ("title", Text),
            ("url", Text),
            ("media_type", Text),
            ("metadata", Text),
            ("content_digest", Text),
            ("acl_digest", Text),
            ("source_hash", Text),
            ("source_version", Integer),
            ("first_chunk", Integer),
            ("chunk_count", Integer),
            ("sections", Text),
            ("rules", Text),
            ("source_tuples", Text),
            ("parked", Integer),
            ("awaits_rules", Integer),
            ("apart", Integer),
            ("expires_at", Text),
            ("updated_at", Text),
        ],
    },
    Table {
        name: "document_versions",
        key: &["collection", "id"],
        fields: &[
            ("collection", Integer),
            ("id", Text),
            ("version", Integer),
            ("apart", Integer),
            ("since_change", Integer),
        ],
    },
    Table {
        name: "text_parts",
        key: &["collection", "document", "part"],
        fields: &[
            ("collection", Integer),
            ("document", Integer),
            ("version", Integer),
            ("part", Integer),
            ("text", Bytes),
        ],
    },
    Table {
        name: "chunks",
        key: &["collection", "ordinal"],
        fields: &[
            ("collection", Integer),
            ("ordinal", Integer),
            ("document", Integer),
            ("version", Integer),
            ("number", Integer),
            ("start_byte", Integer),
            ("end_byte", Integer),
            ("heading_path", Text),
            ("page", Integer),
            ("content_hash", Bytes),
            ("chunk_key", Bytes),
        ],
    },
    Table {
        name: "operations",
        key: &["sequence"],
        fields: &[
            ("sequence", Integer),
            ("revision", Integer),
            ("collection", Integer),
            ("kind", Text),
            ("first_chunk", Integer),
            ("chunk_count", Integer),
        ],
    },
    Table {
        name: "outbox",
        key: &["sequence"],
        fields: &[
            ("sequence", Integer),
            ("revision", Integer),
            ("store", Text),
            ("collection", Integer),
            ("document", Text),
            ("deletes", Text),
            ("writes", Text),
        ],
    },
    Table {
        name: "keys",
        key: &["id"],
        fields: &[
            ("id", Text),
            ("hash", Bytes),
            ("settings", Text),
            ("created_at", Text),
            ("expires_at", Text),
            ("revoked_at", Text),
        ],
    },
];

/// The table with this name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().chain(std::iter::once(&META)).find(|table| table.name == name)
}

/// One row: fields by name, null ones left out. It may hold text of documents and hashes of secrets: it goes from a
/// catalog into an administrator's file and back, never into an answer.
pub struct PortableRow(Map<String, Value>);

impl PortableRow {
    /// The row as one line of JSON.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_line(&self) -> Result<String, CatalogError> {
        json(&self.0)
    }

    /// # Errors
    /// When the line is not an object.
    pub fn from_line(line: &str) -> Result<Self, CatalogError> {
        from_json(line, "row").map(Self)
    }
}

fn bind(query: Query, kind: ColumnType, value: Option<&Value>) -> Result<Query, CatalogError> {
    let malformed = || CatalogError::Malformed { what: "field of a row" };
    let value = value.filter(|value| !value.is_null());
    Ok(match kind {
        Integer => query.bind(value.map(|value| value.as_i64().ok_or_else(malformed)).transpose()?),
        Text => query.bind(value.map(|value| value.as_str().map(str::to_owned).ok_or_else(malformed)).transpose()?),
        Bytes => {
            let decode = |value: &Value| BASE64.decode(value.as_str()?).ok();
            query.bind(value.map(|value| decode(value).ok_or_else(malformed)).transpose()?)
        }
    })
}

impl Table {
    fn names(&self) -> String {
        self.fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn kind(&self, field: &str) -> Result<ColumnType, CatalogError> {
        let found = self.fields.iter().find(|(name, _)| *name == field);
        found.map(|(_, kind)| *kind).ok_or(CatalogError::Malformed { what: "key of a table" })
    }

    /// Rows after `after` in the order of the key, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rows<'a>(
        &self,
        on: impl Into<On<'a>>,
        after: Option<&PortableRow>,
        limit: u32,
    ) -> Result<Vec<PortableRow>, CatalogError> {
        let key = self.key.join(", ");
        let places: Vec<String> = (1..=self.key.len()).map(|n| format!("${n}")).collect();
        let place = after.map(|_| format!("WHERE ({key}) > ({})", places.join(", "))).unwrap_or_default();
        // Put together from the constants above alone.
        let statement = format!("SELECT {} FROM {} {place} ORDER BY {key} LIMIT {limit}", self.names(), self.name);
        let mut query = query_built(statement);
        for field in self.key.iter().filter(|_| after.is_some()) {
            query = bind(query, self.kind(field)?, after.and_then(|row| row.0.get(*field)))?;
        }
        let rows = query.fetch_all(on).await?;
        rows.iter().map(|row| self.portable(row)).collect()
    }

    fn portable(&self, row: &Row) -> Result<PortableRow, CatalogError> {
        let mut fields = Map::new();
        for (name, kind) in self.fields {
            let value = match kind {
                Integer => row.try_get::<Option<i64>>(*name)?.map(Value::from),
                Text => row.try_get::<Option<String>>(*name)?.map(Value::from),
                Bytes => row.try_get::<Option<&[u8]>>(*name)?.map(|bytes| Value::from(BASE64.encode(bytes))),
            };
            fields.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        Ok(PortableRow(fields))
    }

    /// Adds a row; one of `meta` replaces the row with its name.
    ///
    /// # Errors
    /// When a field has another type, or the row is there already.
    pub async fn insert(&self, tx: &mut CatalogTx, row: &PortableRow) -> Result<(), CatalogError> {
        let places: Vec<String> = (1..=self.fields.len()).map(|n| format!("${n}")).collect();
        let instead =
            if self.name == META.name { "ON CONFLICT (name) DO UPDATE SET value = excluded.value" } else { "" };
        let statement =
            format!("INSERT INTO {} ({}) VALUES ({}) {instead}", self.name, self.names(), places.join(", "));
        let mut query = query_built(statement);
        for (name, kind) in self.fields {
            query = bind(query, *kind, row.0.get(*name))?;
        }
        query.execute(&mut *tx).await?;
        Ok(())
    }

    /// Number of rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, catalog: &Catalog) -> Result<u64, CatalogError> {
        let statement = format!("SELECT count(*) FROM {}", self.name);
        let count: i64 = query_built(statement).fetch_value(catalog.readers()).await?;
        unsigned(count, "count")
    }
}

impl Catalog {
    /// The last number that each self-numbering table gave; none is ever given twice, also where its row is gone.
    pub async fn last_numbers(&self) -> Result<BTreeMap<String, u64>, CatalogError> {
        let rows = query_either(
            "SELECT name, seq FROM sqlite_sequence WHERE name <> 'audit_outbox' ORDER BY name",
            "SELECT name, seq FROM last_numbers ORDER BY name",
        );
        let rows = rows.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((row.try_get("name")?, unsigned(row.try_get("seq")?, "number")?))).collect()
    }

    /// Ordinals of a collection's live chunks from `from` on, ascending.
    pub async fn chunk_ordinals(&self, collection: u32, from: u32, limit: u32) -> Result<Vec<u32>, CatalogError> {
        let rows =
            query("SELECT ordinal FROM chunks WHERE collection = $1 AND ordinal >= $2 ORDER BY ordinal LIMIT $3")
                .bind(i64::from(collection))
                .bind(i64::from(from))
                .bind(i64::from(limit))
                .fetch_all(self.readers())
                .await?;
        rows.iter().map(|row| unsigned(row.try_get("ordinal")?, "chunk")).collect()
    }
}

/// Goes on numbering after `last`.
pub async fn set_last_number(tx: &mut CatalogTx, table: &str, last: u64) -> Result<(), CatalogError> {
    let update = query_either(
        "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1",
        "SELECT setval(pg_get_serial_sequence($1, CASE $1 WHEN 'tuple_changes' THEN 'change'
                                                          WHEN 'collections' THEN 'id' ELSE 'sequence' END), $2)",
    );
    let updated = update.bind(table.to_owned()).bind(signed(last)?).execute(&mut *tx).await?;
    if updated == 0 {
        // A table of an SQLite file that never gave a number.
        query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)")
            .bind(table.to_owned())
            .bind(signed(last)?)
            .execute(tx)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_column_of_the_schema_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path(), 1).await.unwrap();
        let columns = query(
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
              WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'",
        )
        .fetch_all(catalog.readers())
        .await
        .unwrap();
        let mut stored: Vec<_> = columns
            .iter()
            .map(|row| format!("{}.{}", row.try_get::<&str>(0).unwrap(), row.try_get::<&str>(1).unwrap()))
            .collect();
        let tables = TABLES.iter().chain([&META]);
        let mut moved: Vec<_> =
            tables.flat_map(|table| table.fields.iter().map(|(field, _)| format!("{}.{field}", table.name))).collect();
        // What the processes of one instance tell each other stays behind.
        let left = ["commits.", "leases.", "audit_outbox."];
        stored.retain(|column| !left.iter().any(|table| column.starts_with(table)));
        // Vectors travel in files of their own, wherever they lie.
        stored.retain(|column| !column.starts_with("chunks.vector"));
        stored.sort();
        moved.sort();
        assert_eq!(moved, stored);
    }
}
