//! `catalog_url`: a PostgreSQL database in place of the file in the data folder.

use std::convert::Infallible;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use super::ConfigError;
use crate::catalog::Location;

/// An address that may hold a password: never printed, not even when it is malformed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct RawUrl(String);

impl FromStr for RawUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for RawUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Where the catalog is: at `url`, else in the data folder.
///
/// # Errors
/// When the address is none that can be used.
pub fn resolve(url: Option<&RawUrl>, data: &Path) -> Result<Location, ConfigError> {
    let Some(RawUrl(url)) = url else { return Ok(data.into()) };
    url.parse().map(Location::Postgres).map_err(|problem| ConfigError::CatalogUrl { problem })
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use super::super::{RawConfig, catalog};
    use super::*;

    #[test]
    fn the_address_is_chosen_and_never_shown() {
        let raw: RawConfig = toml::from_str(r#"catalog_url = "postgres://usher:secret@127.0.0.1/usher""#).unwrap();
        assert!(!format!("{raw:?}").contains("secret"));
        let config = raw.resolve().unwrap();
        assert_eq!(config.catalog.to_string(), "postgres://usher@127.0.0.1/usher");
        assert_eq!(RawConfig::default().resolve().unwrap().catalog.to_string(), "data");
        for text in ["postgres://usher:secret@db.example/usher", "http://usher:secret@127.0.0.1/usher", "secret"] {
            let error = catalog::resolve(Some(&RawUrl(text.to_owned())), Path::new("data")).unwrap_err().to_string();
            assert!(error.contains("catalog_url") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn help_and_mistakes_in_the_file_keep_it_back() {
        let argument = RawConfig::augment_args(Command::new("usher"));
        let argument = argument.get_arguments().find(|argument| argument.get_id() == "catalog_url").unwrap().clone();
        assert!(argument.is_hide_env_values_set());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usher.toml");
        for text in ["catalog_url = \"postgres://usher:secret@127.0.0.1/usher", "catalog_url = [\"secret\"]"] {
            std::fs::write(&path, text).unwrap();
            let error = RawConfig::from_file(&path).unwrap_err().to_string();
            assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
        }
    }
}
