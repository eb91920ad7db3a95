//! Whether this process has its catalog for itself or works on it with others. Nobody else asks: what depends on it is
//! chosen here, when the service is put together.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::catalog::{Catalog, CatalogError, CatalogTx, commits};
use crate::commit::carrier::{Abandoned, Carries};
use crate::commit::{self, Carrier, Footing, shared};
use crate::lease::{self, Duty, Holdings, Lease, Leases};
use crate::openfga::mirror::Feed;
use crate::service::fresh::Others;
use crate::snapshot::Published;

pub(super) enum Company {
    Alone,
    Shared(Box<Leases>),
}

/// What runs beside the service.
#[derive(Default)]
pub(super) struct Work {
    pub tasks: Vec<JoinHandle<()>>,
    pub duties: Vec<Arc<dyn Duty>>,
}

impl Company {
    /// # Errors
    /// When the system has no randomness.
    pub fn of(catalog: &Catalog) -> Result<Self, getrandom::Error> {
        Ok(if catalog.is_shared() { Self::Shared(Box::new(Leases::new(catalog.clone())?)) } else { Self::Alone })
    }

    /// Keeps releases away from the catalog that would do harm beside this one.
    pub async fn agree(&self, tx: &mut CatalogTx) -> Result<(), CatalogError> {
        match self {
            // An older release refuses a newer file by itself.
            Self::Alone => Ok(()),
            Self::Shared(_) => commits::require(tx, commits::COMPATIBLE_FROM).await,
        }
    }

    /// Whether the catalog may hold passages whose vectors lie in files: a shared one never did.
    pub fn may_lack_vectors(&self) -> bool {
        matches!(self, Self::Alone)
    }

    pub fn carries(&self) -> Carries {
        match self {
            Self::Alone => Carries::All,
            Self::Shared(_) => Carries::Own,
        }
    }

    pub fn footing(&self) -> Box<dyn Footing> {
        match self {
            Self::Alone => Box::new(commit::Alone),
            Self::Shared(_) => Box::new(commit::Shared),
        }
    }

    /// The leases of work on indexes, and what renews them.
    pub fn lease(&self, work: &mut Work) -> Arc<dyn Lease> {
        match self {
            Self::Alone => Arc::new(lease::Alone),
            Self::Shared(leases) => {
                let holdings = Arc::new(Holdings::new(Leases::clone(leases)));
                work.tasks.push(tokio::spawn(holdings.clone().keep()));
                holdings
            }
        }
    }

    /// What is to be done because there are others.
    pub fn because_of_others(
        &self,
        work: &mut Work,
        catalog: &Catalog,
        published: &Arc<Published>,
        carrier: Carrier,
        feed: Option<&Arc<Feed>>,
    ) {
        if let Self::Shared(_) = self {
            work.tasks.push(tokio::spawn(shared::listen(catalog.clone(), published.clone())));
            work.tasks.extend(feed.map(|feed| tokio::spawn(feed.clone().watch_model())));
            work.duties.push(Arc::new(Abandoned::of(carrier)));
        }
    }

    pub fn others(&self) -> Option<Arc<Others>> {
        match self {
            Self::Alone => None,
            Self::Shared(_) => Some(Arc::default()),
        }
    }

    /// Does the duty whenever it is this process's, until cancelled.
    pub fn run(&self, duty: Arc<dyn Duty>) -> JoinHandle<()> {
        match self {
            Self::Alone => tokio::spawn(async move { duty.work().await }),
            Self::Shared(leases) => tokio::spawn(Leases::clone(leases).run(duty)),
        }
    }

    /// Lets others take over at once what this process did.
    pub async fn give_back(&self) {
        match self {
            Self::Alone => {}
            Self::Shared(leases) => leases.give_back().await,
        }
    }
}
