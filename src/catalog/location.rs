//! Where a catalog is: a folder with an SQLite file, or a PostgreSQL database.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use reqwest::Url;
use sqlx::postgres::PgConnectOptions;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// The folder of `catalog.db`.
    Folder(PathBuf),
    Postgres(PostgresUrl),
}

impl Location {
    /// Connections for reading: a file is read by the processor, a server answers over the network.
    pub fn readers(&self) -> u32 {
        match self {
            Self::Folder(_) => 4,
            Self::Postgres(_) => 8,
        }
    }
}

impl From<&Path> for Location {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Location {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

/// Address of a PostgreSQL database; shown without password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What is wrong with an address; never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("must begin with postgres:// or postgresql://")]
    Scheme,
    #[error("must be an address such as postgres://user:password@host:5432/database")]
    Syntax,
    #[error("names no database: put its name behind the last slash")]
    NoDatabase,
    #[error(
        "is on another machine and doesn't say whether to encrypt: add `?sslmode=verify-full`, or `require` to accept any \
         certificate, or `disable` where the network itself is trusted"
    )]
    Encryption,
}

impl FromStr for PostgresUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text).map_err(|_| match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => UrlError::Syntax,
            _ => UrlError::Scheme,
        })?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(UrlError::Scheme);
        }
        let options = PgConnectOptions::from_str(text).map_err(|_| UrlError::Syntax)?;
        let named = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if url.path().trim_matches('/').is_empty() && named("dbname").is_none() {
            return Err(UrlError::NoDatabase);
        }
        let is_local = options.get_socket().is_some()
            || options.get_host().starts_with('/')
            || matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1" | "[::1]");
        let mode = named("sslmode").or_else(|| named("ssl-mode"));
        let is_decided = mode.is_some_and(|mode| !matches!(mode.as_str(), "prefer" | "allow"));
        if is_local || is_decided { Ok(Self(text.to_owned())) } else { Err(UrlError::Encryption) }
    }
}

impl PostgresUrl {
    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let options = PgConnectOptions::from_str(&self.0)?;
        Ok(if options.get_application_name().is_some() { options } else { options.application_name("usher") })
    }
}

impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ok(mut url) = Url::parse(&self.0) else { return f.write_str("postgres://") };
        // Neither fails: the address has a host or is a socket's, and then has no password.
        let _ = url.set_password(None);
        url.set_query(None);
        f.write_str(url.as_str())
    }
}

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused_with_a_reason() {
        for (text, expected) in [
            ("postgres://usher:secret@127.0.0.1:5432/usher", Ok(())),
            ("postgresql://usher@localhost/usher", Ok(())),
            ("postgres://usher@%2Frun%2Fpostgresql/usher", Ok(())),
            ("postgres:///usher?host=/run/postgresql", Ok(())),
            ("postgres://usher:secret@db.example/usher?sslmode=verify-full", Ok(())),
            ("postgres://usher:secret@db.example/usher?sslmode=disable", Ok(())),
            ("postgres://usher:secret@db.example/usher", Err(UrlError::Encryption)),
            ("postgres://usher:secret@db.example/usher?sslmode=prefer", Err(UrlError::Encryption)),
            ("postgres://usher:secret@127.0.0.1", Err(UrlError::NoDatabase)),
            ("postgres://usher:secret@127.0.0.1:port/usher", Err(UrlError::Syntax)),
            ("mysql://usher:secret@127.0.0.1/usher", Err(UrlError::Scheme)),
            ("usher", Err(UrlError::Scheme)),
        ] {
            assert_eq!(text.parse::<PostgresUrl>().map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://usher:secret@127.0.0.1:5432/usher?password=secret",
            "postgres:///usher?host=/run/postgresql&password=secret",
            "postgres://usher:secret@[::1]/usher",
        ] {
            let url: PostgresUrl = text.parse().unwrap();
            for shown in [url.to_string(), format!("{url:?}"), format!("{:?}", Location::Postgres(url.clone()))] {
                assert!(!shown.contains("secret") && shown.contains("usher"), "{shown}");
            }
        }
    }
}
