//! When the operator wants the server to end.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or SIGINT. From this call on, not from the first wait, neither of them ends
/// the process by itself: call it before anybody is told that the server is there.
pub fn requested() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut term), Ok(mut int)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}
