//! Connections: how many there may be, and how long one may take for what it sends, or do nothing.
//!
//! hyper ends no connection by itself that says nothing, whose version it can't tell yet, or that reads its answer byte by
//! byte; so what a connection does is watched from outside, and one that takes too long is told to end and then dropped.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt;

use super::listening::Routes;
use crate::limits::{ANSWER_READING, ConnectionLimits};
use crate::telemetry::Metrics;

/// How long a connection that is told to end may take for it.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// Fields of a head over HTTP/1.1.
const MAX_FIELDS: usize = 100;
/// Requests of one HTTP/2 connection at one time.
const MAX_STREAMS: u32 = 128;
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

/// Answers with whatever the routes are at the time of a request until `until` ends, then lets running requests finish.
pub(super) async fn listen(
    listener: TcpListener,
    routes: Routes,
    limits: ConnectionLimits,
    metrics: Metrics,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let seats = Arc::new(Seats { limits, metrics, taken: Mutex::default() });
    let (closing, _) = watch::channel(false);
    let mut until = pin!(until);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut until => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, from)) => {
                if let Some(seat) = seats.take(from.ip()) {
                    tokio::spawn(serve(stream, routes.clone(), limits, seat, closing.subscribe()));
                }
            }
            // One that was gone before it was accepted, or no descriptors: these come back when connections end.
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    closing.send_replace(true);
    // Every connection holds a receiver.
    closing.closed().await;
    Ok(())
}

async fn serve(
    stream: TcpStream,
    routes: Routes,
    limits: ConnectionLimits,
    seat: Seat,
    mut closing: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::new(limits));
    let io = TokioIo::new(Watched { stream, activity: activity.clone() });
    let handling = activity.clone();
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let busy = Busy::of(&handling);
        let answer = Router::clone(&routes.load()).oneshot(request.map(Body::new));
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).max_buf_size(MAX_HEAD).max_headers(MAX_FIELDS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let mut connection = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
    let mut is_closing = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => break,
            () = activity.is_over() => {
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(GRACE, connection.as_mut()).await;
                break;
            }
            () = is_true(&mut closing), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
    drop(seat);
}

async fn is_true(watched: &mut watch::Receiver<bool>) {
    let _ = watched.wait_for(|is_true| *is_true).await;
}

/// Who is connected.
struct Seats {
    limits: ConnectionLimits,
    metrics: Metrics,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_network: HashMap<IpAddr, usize>,
}

struct Seat {
    seats: Arc<Seats>,
    network: IpAddr,
}

impl Seats {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let network = network(address);
        let mut taken = self.taken.lock();
        let here = taken.by_network.get(&network).copied().unwrap_or_default();
        if taken.all >= self.limits.all || here >= self.limits.per_address {
            self.metrics.connection_refused();
            return None;
        }
        taken.all += 1;
        taken.by_network.insert(network, here + 1);
        self.metrics.connections(1);
        Some(Seat { seats: self.clone(), network })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock();
        taken.all -= 1;
        if let Some(here) = taken.by_network.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                taken.by_network.remove(&self.network);
            }
        }
        self.seats.metrics.connections(-1);
    }
}

/// What counts as one address: of IPv6, everybody has a network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

/// What a connection has done, and until when it must do something.
struct Activity {
    limits: ConnectionLimits,
    state: Mutex<State>,
}

struct State {
    /// Requests that are being handled: their handlers have limits of their own.
    handled: usize,
    /// When the last answer was made; at first, when the connection came.
    answered: Instant,
    written: Instant,
    /// Since when there are bytes that are no whole head yet.
    begun: Option<Instant>,
}

impl Activity {
    fn new(limits: ConnectionLimits) -> Self {
        let now = Instant::now();
        Self { limits, state: Mutex::new(State { handled: 0, answered: now, written: now, begun: Some(now) }) }
    }

    /// When the connection ends, if nothing more happens.
    fn end(&self) -> Option<Instant> {
        let state = self.state.lock();
        if state.handled > 0 {
            return None;
        }
        let quiet = state.answered.max(state.written) + self.limits.idle;
        let sending = state.answered + ANSWER_READING;
        // While an answer is on its way, what comes in belongs to that.
        let begun = state.begun.filter(|begun| state.written <= *begun).map(|begun| begun + self.limits.head);
        Some(quiet.min(sending).min(begun.unwrap_or(quiet)))
    }

    async fn is_over(&self) {
        loop {
            match self.end() {
                Some(end) if end <= Instant::now() => return,
                Some(end) => tokio::time::sleep_until(end).await,
                None => tokio::time::sleep(self.limits.idle.min(self.limits.head)).await,
            }
        }
    }
}

/// A request is being handled.
struct Busy(Arc<Activity>);

impl Busy {
    fn of(activity: &Arc<Activity>) -> Self {
        let mut state = activity.state.lock();
        state.handled += 1;
        state.begun = None;
        drop(state);
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.handled -= 1;
        state.begun = None;
        state.answered = Instant::now();
    }
}

/// A stream whose bytes are noted.
struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if into.filled().len() > before {
            let mut state = self.activity.state.lock();
            if state.handled == 0 {
                state.begun.get_or_insert_with(Instant::now);
            }
        }
        read
    }
}

impl Watched {
    fn note(&self, written: Poll<std::io::Result<usize>>) -> Poll<std::io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.activity.state.lock().written = Instant::now();
        }
        written
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
