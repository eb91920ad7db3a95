//! Who does the work that one process does for all. A lease saves work and never protects anything: its owner may believe
//! that it holds it a moment longer than it does.

use std::time::Duration;

use super::*;

/// The state of one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseState {
    /// Whether the asking owner holds it now.
    pub is_held: bool,
    /// How long ago the work was known to be complete.
    pub done: Option<Duration>,
}

fn millis(duration: Duration) -> Result<i64, CatalogError> {
    signed(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl Catalog {
    /// Takes or renews a lease for `owner`, if it is free, run out or its own, for `time_to_live` from now on, and looks at
    /// it. `done`: how long ago the owner's work was known to be complete.
    ///
    /// # Errors
    /// When the database fails; the lease is to be taken as lost then.
    pub async fn take_lease(
        &self,
        name: &str,
        owner: &[u8; 16],
        time_to_live: Duration,
        done: Option<Duration>,
    ) -> Result<LeaseState, CatalogError> {
        // Milliseconds since 1970 by the database's clock, so that the clocks of the processes don't matter.
        macro_rules! statements {
            ($now:literal) => {
                (
                    concat!(
                        "INSERT INTO leases (name, owner, until_ms, done_at_ms)
                         VALUES ($1, $2, ",
                        $now,
                        " + $3, ",
                        $now,
                        " - $4)
                         ON CONFLICT (name) DO UPDATE
                            SET owner = excluded.owner, until_ms = excluded.until_ms,
                                done_at_ms = coalesce(excluded.done_at_ms, leases.done_at_ms)
                          WHERE leases.owner = excluded.owner OR leases.until_ms < ",
                        $now
                    ),
                    concat!("SELECT owner, ", $now, " - done_at_ms AS done FROM leases WHERE name = $1"),
                )
            };
        }
        let sqlite = statements!("CAST(unixepoch('subsec') * 1000 AS BIGINT)");
        let postgres = statements!("(extract(epoch FROM clock_timestamp()) * 1000)::bigint");
        query_either(sqlite.0, postgres.0)
            .bind(name.to_owned())
            .bind(owner.to_vec())
            .bind(millis(time_to_live)?)
            .bind(done.map(millis).transpose()?)
            .execute(self.aside())
            .await?;
        let row = query_either(sqlite.1, postgres.1).bind(name.to_owned()).fetch_one(self.aside()).await?;
        let (holder, done): (Vec<u8>, Option<i64>) = (row.try_get("owner")?, row.try_get("done")?);
        let done = done.map(|done| Duration::from_millis(u64::try_from(done).unwrap_or_default()));
        Ok(LeaseState { is_held: holder == owner, done })
    }

    /// Gives back everything that `owner` holds.
    ///
    /// # Errors
    /// When the database fails; the leases run out then.
    pub async fn give_back_leases(&self, owner: &[u8; 16]) -> Result<(), CatalogError> {
        // The row stays: what it says about the work is still true.
        let give_back = "UPDATE leases SET until_ms = 0 WHERE owner = $1";
        query(give_back).bind(owner.to_vec()).execute(self.aside()).await?;
        Ok(())
    }
}
