//! Names that the tuples of a store use, in order.

use super::*;

/// From one name to the next by the index, whatever number of tuples each has.
macro_rules! names {
    ($column:literal, first: $first:literal, next: $next:literal) => {
        concat!(
            "WITH RECURSIVE names (name) AS (
                SELECT min(",
            $column,
            ") FROM tuples WHERE store = $1 AND ",
            $first,
            "
                UNION ALL
                SELECT (SELECT min(",
            $column,
            ") FROM tuples WHERE store = $1 AND ",
            $next,
            ")
                  FROM names WHERE name IS NOT NULL)
             SELECT name FROM names WHERE name IS NOT NULL LIMIT $4"
        )
    };
}

/// Users between two texts.
const USERS: &str =
    names!("subject", first: "subject > $2 AND subject < $3", next: "subject > names.name AND subject < $3");
/// Ids of the objects of a type, after one.
const OBJECTS: &str = names!(
    "object_id",
    first: "object_type = $3 AND object_id > $2",
    next: "object_type = $3 AND object_id > names.name"
);

/// Both walks, for a test that reads the engines' plans.
pub const WALKS: [&str; 2] = [USERS, OBJECTS];

/// In which part of tuples a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedAs {
    /// With the relation where it is a userset: `group:hr#member`.
    User,
    Object,
}

impl Catalog {
    /// Names of a type in the tuples of a store, after `after`, in the order of bytes.
    pub async fn names(
        &self,
        store: &str,
        named_as: NamedAs,
        object_type: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, CatalogError> {
        // Every name of the type lies between these two: `;` follows `:`.
        let (first, end) = (format!("{object_type}:"), format!("{object_type};"));
        let walk = match named_as {
            NamedAs::User => query(USERS).bind(store.to_owned()).bind(first.clone().max(after.to_owned())).bind(end),
            NamedAs::Object => {
                let after = after.strip_prefix(&first).unwrap_or_default();
                query(OBJECTS).bind(store.to_owned()).bind(after.to_owned()).bind(object_type.to_owned())
            }
        };
        let rows = walk.bind(i64::from(limit)).fetch_all(self.readers()).await?;
        let name = |row: &Row| {
            let name: String = row.try_get("name")?;
            Ok(if named_as == NamedAs::User { name } else { format!("{first}{name}") })
        };
        rows.iter().map(name).collect()
    }
}
