//! What every part of Usher stands on, the service, its evaluator, its indexes and the ingester alike: the shapes of the
//! API, instants, how texts are divided and what nobody sees in them, what one request may still cost, how far a start has come, how an
//! error is told, and the places where a test can make something fail.

pub mod causes;
pub mod effort;
pub mod faults;
pub mod instant;
pub mod invisible;
pub mod outline;
pub mod outside;
pub mod paged;
pub mod progress;
pub mod wire;
