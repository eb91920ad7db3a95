//! What administrators want to know beyond single questions: what a change would do, what held in the past, which tuples
//! do nothing. Decides nothing for readers.

pub mod impact;
pub mod past;
pub mod readers;
pub mod report;
