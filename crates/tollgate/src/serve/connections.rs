//! Connections: how many there may be, of all and of one address, how long a head may take and
//! nothing may happen, and how they end.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::pulse::Pulse;
use super::shares::{Share, Shares};
use crate::config;
use crate::http::{self, App, Peer};
use crate::metrics::Connected;

/// How long to wait before accepting again where the system could not (too many open files).
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How often an HTTP/2 client must show that it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 128;
/// One address has no more than this part of all connections, so that there is room for others;
/// for a trusted proxy's own address that does not count.
const SHARE: usize = 2;

/// Accepts connections until the server is to stop, then lets their requests finish.
pub(super) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    server: config::Server,
    mut closing: watch::Receiver<bool>,
) {
    let router = http::router(&app);
    let room = Arc::new(Semaphore::new(server.connections_max));
    let shares = Shares::new(server.connections_max.div_ceil(SHARE));
    let graceful = GracefulShutdown::new();
    let mut open = JoinSet::new();
    let stop = async { drop(closing.wait_for(|it| *it).await) };
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = tokio::select! {
            () = &mut stop => break,
            next = next(&listener, &room) => next,
        };
        let Some((permit, stream, peer)) = next else {
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let Some(share) = shares.take(app.limits.counted(peer.0)) else {
            tracing::debug!(peer = %peer.0, "A connection was closed: its address has too many");
            continue;
        };
        let connection = Connection {
            router: router.clone(),
            peer,
            head_timeout: server.head_timeout,
            idle_timeout: server.idle_timeout,
            _share: share,
            connected: app.metrics.connection(),
        };
        let watcher = graceful.watcher();
        open.spawn(async move {
            connection.serve(stream, watcher).await;
            drop(permit);
        });
        while open.try_join_next().is_some() {}
    }
    drop((listener, router, app));
    if tokio::time::timeout(server.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(open = open.len(), "Some requests did not finish in time");
    }
    open.shutdown().await;
}

/// The next connection, once there is room for one; `None` where the system has none to give.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(OwnedSemaphorePermit, TcpStream, Peer)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    let (stream, peer) = listener.accept().await.ok()?;
    Some((permit, stream, Peer(peer.ip())))
}

struct Connection {
    router: Router,
    peer: Peer,
    head_timeout: Duration,
    idle_timeout: Duration,
    _share: Share,
    connected: Connected,
}

impl Connection {
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        // Answers are small and nobody should wait for more to be sent with them.
        drop(stream.set_nodelay(true));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.head_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .max_concurrent_streams(STREAMS_MAX);
        let (router, peer, pulse) = (self.router, self.peer, Pulse::new());
        let beating = pulse.clone();
        let service = hyper::service::service_fn(move |request| {
            beating.beat();
            answer(router.clone(), peer, request, beating.clone())
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let mut connection = std::pin::pin!(watcher.watch(connection));
        // The timeout for heads does not count before it is known which HTTP is spoken.
        tokio::select! {
            _ = &mut connection => return,
            () = tokio::time::sleep(self.head_timeout) => {}
        }
        // However it ends, the client knows as much as we do.
        while let Some(left) = pulse.quiet().and_then(|it| self.idle_timeout.checked_sub(it)) {
            tokio::select! {
                _ = &mut connection => return,
                // A little more than what is left, so that it is over then.
                () = tokio::time::sleep(left + Duration::from_millis(1)) => {}
            }
        }
        drop(self.connected);
    }
}

async fn answer(
    router: Router,
    peer: Peer,
    mut request: hyper::Request<Incoming>,
    pulse: Pulse,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(peer);
    let answer = router.oneshot(request.map(Body::new));
    // A handler that panics costs its request, not the connection.
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer.map(|it| pulse.follow(it)),
        Err(_) => {
            tracing::error!("A handler panicked");
            Ok(http::panicked().into_response())
        }
    }
}
