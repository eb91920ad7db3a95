//! What the service hands out and takes back: places in lists, positions in the log, statements of what was answered. Who holds
//! one reads nothing in it but a receipt's content, and can't make one.

pub mod cursor;
pub mod receipt;
pub mod revision;
