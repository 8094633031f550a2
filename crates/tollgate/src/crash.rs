//! Named points at which a test ends the process as a power cut would. Compiled in only with the
//! feature `crash-points`, which only tests ask for; otherwise a point is nothing.

/// The points, in the order in which a batch passes them.
pub const POINTS: &[&str] =
    &["begun", "recorded", "merged", "derived", "staged", "handled", "committed"];

/// The points that a delivery passes, in their order.
pub const DELIVERY_POINTS: &[&str] = &["claimed", "sent", "settled"];

/// Ends the process when `point` is passed for the `n`th time (`"recorded:3"`).
#[cfg(feature = "crash-points")]
pub fn arm(point_and_count: &str) {
    let (name, count) = point_and_count.split_once(':').unwrap_or((point_and_count, "1"));
    let count = count.parse().expect("a crash point is armed as name:count");
    let known = POINTS.contains(&name) || DELIVERY_POINTS.contains(&name);
    assert!(known, "no crash point is named {name}");
    armed::AT.set((name.to_owned(), count)).expect("a process is armed once");
}

#[cfg(feature = "crash-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU64;

    pub(super) static AT: OnceLock<(String, u64)> = OnceLock::new();
    pub(super) static PASSED: AtomicU64 = AtomicU64::new(0);
}

/// Arms nothing: there are no points.
#[cfg(not(feature = "crash-points"))]
pub fn arm(_point_and_count: &str) {}

/// Passes a point.
#[cfg(feature = "crash-points")]
pub(crate) fn point(name: &str) {
    use std::sync::atomic::Ordering;
    if let Some((at, count)) = armed::AT.get()
        && at == name
        && armed::PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        std::process::abort();
    }
}

/// Passes a point: nothing happens.
#[cfg(not(feature = "crash-points"))]
pub(crate) fn point(_name: &str) {}
