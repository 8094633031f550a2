//! Real time, read in one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the real time, in Unix seconds.
#[expect(clippy::disallowed_methods, reason = "the server is where real time comes from")]
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Writes a moment, in Unix seconds, as the header `Date` does.
pub(super) fn http_date(unix: i64) -> String {
    let since = Duration::from_secs(u64::try_from(unix).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}
