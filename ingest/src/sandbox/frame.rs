//! Length, then bytes: how the CLI and its child talk.

use std::io::{self, Read, Write};

pub fn length(bytes: &[u8]) -> [u8; 8] {
    (bytes.len() as u64).to_be_bytes()
}

pub fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&length(bytes))?;
    to.write_all(bytes)
}

/// One frame of at most `max` bytes; memory grows with what arrives, not with what is announced.
pub fn read(from: &mut impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut length = [0u8; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame larger than allowed"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}
