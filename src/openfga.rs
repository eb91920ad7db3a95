//! A store whose tuples an OpenFGA server owns: documents wait hidden until their rules are there, and a mirror of its
//! tuples is followed.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::authority::External;

pub mod mirror;
pub mod publish;

/// What the tasks of such a store share with the requests.
pub struct Remote {
    pub external: Arc<External>,
    /// Wakes the publisher.
    pub work: Notify,
    /// Changes of rules of revisions below this are on the server.
    pub published: watch::Sender<u64>,
}

impl Remote {
    pub fn new(external: Arc<External>) -> Arc<Self> {
        Arc::new(Self { external, work: Notify::new(), published: watch::Sender::new(0) })
    }
}
