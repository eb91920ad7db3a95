//! Servers that the service calls: one way to say where they are and with which key.

use std::path::Path;

use super::ConfigError;
use crate::outside::{Address, AddressMistake, Secret};

/// # Errors
/// What must be otherwise.
pub(super) fn address(text: &str, allow_plain_http: Option<bool>) -> Result<Address, &'static str> {
    Address::parse(text, allow_plain_http == Some(true)).map_err(|mistake| match mistake {
        AddressMistake::Plain => "is plain http to another machine: use https, or set `allow_plain_http`",
        other => other.problem(),
    })
}

/// # Errors
/// When a file is named that holds no key.
pub(super) fn secret(path: Option<&Path>) -> Result<Option<Secret>, ConfigError> {
    Ok(path.map(Secret::from_file).transpose()?)
}
