//! Whether anything happens on a connection: a request begins, an answer goes out. A client that
//! asks nothing more, or reads nothing of what it asked for, shows no pulse.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use crate::clock::Stopwatch;

/// The pulse of one connection.
#[derive(Clone)]
pub(super) struct Pulse(Arc<Inner>);

struct Inner {
    watch: Stopwatch,
    /// When it beat last, in milliseconds; 0 before the first request.
    last_ms: AtomicU64,
}

impl Pulse {
    /// Begins without a beat.
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { watch: Stopwatch::start(), last_ms: AtomicU64::new(0) }))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.watch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Something happens.
    pub(super) fn beat(&self) {
        self.0.last_ms.store(self.now_ms().max(1), Ordering::Relaxed);
    }

    /// Returns for how long nothing has happened; `None` before the first request.
    pub(super) fn quiet(&self) -> Option<Duration> {
        let last = Some(self.0.last_ms.load(Ordering::Relaxed)).filter(|it| *it > 0)?;
        Some(Duration::from_millis(self.now_ms().saturating_sub(last)))
    }

    /// Has each piece of an answer's body beat as it goes out.
    pub(super) fn follow(&self, answer: Response) -> Response {
        self.beat();
        let pulse = self.clone();
        answer.map(|body| Body::new(Followed { body, pulse }))
    }
}

struct Followed {
    body: Body,
    pulse: Pulse,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_ready() {
            self.pulse.beat();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
