//! What an account's owner sets in Stripe's dashboard, and how the sandbox misbehaves on demand.

/// What happens to a subscription when the last retry of its invoice failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterLastRetry {
    /// The subscription is canceled.
    #[default]
    Cancel,
    /// It becomes unpaid; its invoices stay drafts.
    Unpaid,
    /// It stays past due.
    Leave,
}

/// The settings of an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The API version of the account: of answers to calls that name none, and of kept events.
    pub api_version: String,
    /// What the pages call the business.
    pub business_name: String,
    /// Where the sandbox's pages are, without a slash at the end.
    pub public_url: String,
    /// Where the sandbox's own shop sends people back to; its desk if empty.
    pub shop_return_url: String,
    /// After how many seconds each failed charge of an invoice is tried again.
    pub retry_after_secs: Vec<i64>,
    /// What ends a subscription whose invoice was never paid.
    pub after_last_retry: AfterLastRetry,
    /// How long an automatic invoice stays a draft, in seconds.
    pub draft_secs: i64,
    /// How long before a renewal `invoice.upcoming` is sent, in seconds.
    pub upcoming_secs: i64,
    /// How long events are kept, in seconds.
    pub keep_events_secs: i64,
    /// How many deliveries may wait for one endpoint, or events for one listener; further ones are
    /// lost, and a log line says so. Each holds a body of some kilobytes.
    pub deliveries_queued_max: usize,
}

const DAY: i64 = 86_400;

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_version: tollgate_stripe::version::PINNED.to_owned(),
            business_name: "Sandbox".to_owned(),
            public_url: String::new(),
            shop_return_url: String::new(),
            retry_after_secs: vec![3 * DAY, 5 * DAY, 7 * DAY],
            after_last_retry: AfterLastRetry::Cancel,
            draft_secs: 3_600,
            upcoming_secs: 7 * DAY,
            keep_events_secs: 30 * DAY,
            deliveries_queued_max: 50_000,
        }
    }
}
