//! A server that a program calls: where it is, what the program shows to be let in, and when it is left alone.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use url::{Host, Url};

mod breaker;

pub use breaker::{Breaker, Pauses};

/// Longest answer of the service that a command reads, in bytes: above the longest one, a page of 1,000 tuples that each have
/// a context of 32 KiB.
pub const MAX_ANSWER: usize = 64 << 20;
/// Bytes of a file with a key.
const MAX_SECRET: usize = 64 * 1024;

/// Longest refusal that a command reads, in bytes.
pub const MAX_REFUSAL: usize = 1 << 20;

/// Address of a server over `https`, or over plain `http` on this machine or where an operator wants it so. It holds no
/// secret, since addresses are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressMistake {
    Malformed,
    Scheme,
    Secret,
    /// What is sent could be read on the way.
    Plain,
}

impl AddressMistake {
    /// What must be otherwise, as told on a command line.
    pub const fn problem(self) -> &'static str {
        match self {
            Self::Malformed => "must be an address, such as https://host:port",
            Self::Scheme => "must begin with https:// or http://",
            Self::Secret => "must have no user, password, query or fragment; a key goes into a file",
            Self::Plain => "is plain http to another machine: use https, or say --insecure-http",
        }
    }
}

impl Address {
    /// Reads an address; `is_plain_allowed`: what is sent may travel readable to another machine.
    ///
    /// # Errors
    /// When it is none, shows a secret, or would let others read what is sent.
    pub fn parse(text: &str, is_plain_allowed: bool) -> Result<Self, AddressMistake> {
        let url = Url::parse(text).map_err(|_| AddressMistake::Malformed)?;
        if url.scheme() != "https" && url.scheme() != "http" {
            return Err(AddressMistake::Scheme);
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressMistake::Secret);
        }
        let address = Self(url);
        if address.0.scheme() == "http" && !address.is_loopback() && !is_plain_allowed {
            return Err(AddressMistake::Plain);
        }
        Ok(address)
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The address of something on the server: `path` as in a request line, below the address's own path.
    #[must_use]
    pub fn below(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{}", self.0.path().trim_end_matches('/'), path.trim_start_matches('/')));
        url.set_query(query);
        url
    }

    pub fn into_url(self) -> Url {
        self.0
    }
}

/// A key of one line. It is never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// No message holds anything of a file but its path.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} must hold one key: visible ASCII on a single line", path.display())]
    Malformed { path: PathBuf },
}

impl Secret {
    /// Reads a key from a file; white space around it doesn't count.
    ///
    /// # Errors
    /// When the file can't be read or holds anything but one key.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let mut text = String::new();
        // A device has no end.
        let read = File::open(path).and_then(|file| file.take(MAX_SECRET as u64 + 1).read_to_string(&mut text));
        read.map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
        let key = text.trim();
        if key.is_empty() || text.len() > MAX_SECRET || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretError::Malformed { path: path.to_owned() });
        }
        Ok(Self(key.to_owned()))
    }

    /// The key, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_travels_readable_to_another_machine_unless_told_so() {
        for local in ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:80/a", "http://localhost/", "https://a"] {
            assert!(Address::parse(local, false).is_ok(), "{local}");
        }
        for plain in [
            "http://10.0.0.1",
            "http://localhost.example",
            "http://[::2]",
            "http://[::ffff:10.0.0.1]",
            "http://0.0.0.0",
        ] {
            assert_eq!(Address::parse(plain, false), Err(AddressMistake::Plain), "{plain}");
            assert!(Address::parse(plain, true).is_ok(), "{plain}");
        }
        for secret in ["https://ann@a", "https://:b@a", "https://a?key=b", "https://a#b"] {
            assert_eq!(Address::parse(secret, true), Err(AddressMistake::Secret), "{secret}");
        }
        assert_eq!(Address::parse("a:1", true), Err(AddressMistake::Scheme));
        assert_eq!(Address::parse("127.0.0.1", true), Err(AddressMistake::Malformed));
    }

    #[test]
    fn a_path_goes_below_the_path_of_the_address() {
        for (base, whole) in [("https://a", "https://a/v1/x%2Fy?b=%26"), ("https://a/u/", "https://a/u/v1/x%2Fy?b=%26")]
        {
            let address = Address::parse(base, false).unwrap();
            assert_eq!(address.below("/v1/x%2Fy?b=%26").as_str(), whole);
            assert_eq!(address.below("v1/x%2Fy?b=%26").as_str(), whole);
        }
    }

    #[test]
    fn a_key_is_one_line_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for bad in ["", " \n", "a b", "a\nb", "schlüssel"] {
            std::fs::write(&path, bad).unwrap();
            let error = Secret::from_file(&path).unwrap_err().to_string();
            assert!(error.contains("one key") && !error.contains("schl"), "{error}");
        }
        std::fs::write(&path, "ush_abc\n").unwrap();
        let secret = Secret::from_file(&path).unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}")), ("ush_abc", "Secret(…)".to_owned()));
        assert!(Secret::from_file(&folder.path().join("none")).is_err());
    }
}
