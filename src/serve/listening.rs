//! The two listeners, from before anything is opened until the end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Running, ServeError, connections, history};
use crate::audit;
use crate::limits::ConnectionLimits;
use crate::service::Service;
use crate::service::fresh::Others;
use crate::telemetry::Metrics;

/// How long a process says that it is about to stop before it does, where there are others.
const LEAVE: Duration = Duration::from_secs(2);
/// How long running requests may take after the service was told to stop.
pub(super) const DRAIN: Duration = Duration::from_secs(30);

/// An address that can't be listened on; `option` is the setting that names it.
#[derive(Debug, thiserror::Error)]
#[error("{option} {address}: {}", reason(cause))]
pub struct ListenError {
    option: &'static str,
    address: SocketAddr,
    /// Told by the message; as a source it would be told twice.
    cause: std::io::Error,
}

fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    match error.kind() {
        AddrInUse => "address in use".to_owned(),
        AddrNotAvailable => "this machine has no such address".to_owned(),
        PermissionDenied => "not permitted; ports below 1024 need a privilege".to_owned(),
        _ => error.to_string(),
    }
}

/// Both addresses, taken; nobody is accepted yet.
pub struct Listeners {
    api: TcpListener,
    admin: TcpListener,
}

impl Listeners {
    /// Takes the addresses of the API and of the metrics.
    ///
    /// # Errors
    /// When one of them can't be had; names it.
    pub async fn bind(listen: SocketAddr, admin_listen: SocketAddr) -> Result<Self, ListenError> {
        let take = async |option, address| {
            TcpListener::bind(address).await.map_err(|cause| ListenError { option, address, cause })
        };
        Ok(Self { api: take("listen", listen).await?, admin: take("admin_listen", admin_listen).await? })
    }

    /// Where the API and the metrics are, with the ports that the system chose where none was asked for.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn addresses(&self) -> std::io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.api.local_addr()?, self.admin.local_addr()?))
    }
}

/// What a listener answers with at present; connections that are open see it change.
pub(super) type Routes = Arc<ArcSwap<Router>>;

/// Both listeners, answering.
pub struct Listening {
    api: Routes,
    stop: watch::Sender<bool>,
    tasks: JoinSet<std::io::Result<()>>,
}

impl Listening {
    /// Answers what the start is doing, and on the second listener with what is counted so far.
    pub fn begin(listeners: Listeners, limits: ConnectionLimits, metrics: &Metrics) -> Self {
        let routes = |router| -> Routes { Arc::new(ArcSwap::from_pointee(router)) };
        let api = routes(crate::http::starting(metrics));
        let admin = routes(crate::http::admin_router(metrics.clone()));
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (listener, routes) in [(listeners.api, &api), (listeners.admin, &admin)] {
            let until = until(stop.subscribe());
            tasks.spawn(connections::listen(listener, routes.clone(), limits, metrics.clone(), until));
        }
        Self { api, stop, tasks }
    }

    /// Answers with the service from now on.
    pub fn show(self, running: &Running) -> Serving {
        self.api.store(Arc::new(crate::http::router(running.service.clone())));
        Serving(self)
    }
}

/// Both listeners, answering with an open service.
pub struct Serving(Listening);

impl Serving {
    /// Serves until `shutdown` ends, then lets running requests finish.
    ///
    /// # Errors
    /// When a listener fails, or a backup was restored under the process.
    pub async fn until(
        mut self,
        running: &Running,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let (others, service) = (running.service.others.clone(), Arc::downgrade(&running.service));
        let stop = self.0.stop.clone();
        let ending = tokio::spawn(async move {
            let lost = match &others {
                None => {
                    shutdown.await;
                    None
                }
                Some(others) => leave(others, service, shutdown).await,
            };
            stop.send_replace(true);
            lost
        });
        let drained = {
            let stopped = until(self.0.stop.subscribe());
            async move {
                stopped.await;
                tokio::time::sleep(DRAIN).await;
            }
        };
        let both = async {
            while let Some(ended) = self.0.tasks.join_next().await {
                ended.unwrap_or_else(|error| Err(std::io::Error::other(error)))?;
            }
            Ok::<_, std::io::Error>(())
        };
        tokio::select! {
            result = both => result?,
            () = drained => tracing::warn!("some requests did not finish in time"),
        }
        if let Ok(Some(lost)) = ending.await {
            return Err(lost);
        }
        if running.service.others.is_some()
            && let Err(error) = history::note_seen(&running.service, audit::STOPPED).await
        {
            tracing::warn!(%error, "the audit does not say how far the catalog was seen");
        }
        Ok(())
    }
}

/// Ends a while after the process was told to stop: others can answer, and whoever distributes requests is told first. Ends
/// at once, with the reason, when a backup was restored under the process; it has refused already then.
async fn leave(
    others: &Others,
    service: Weak<Service>,
    shutdown: impl Future<Output = ()> + Send,
) -> Option<ServeError> {
    tokio::select! {
        () = shutdown => {}
        lost = history::lost(service) => return Some(lost),
    }
    others.leave();
    tokio::time::sleep(LEAVE).await;
    None
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
