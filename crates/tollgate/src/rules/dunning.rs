//! Money that is missing: since when, how often Stripe tried, when it tries again, and until when
//! the user keeps what they have.

/// How far the dunning of a subscription has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One attempt failed.
    First,
    /// Further attempts failed, and another is to come.
    Further,
    /// No attempt is to come: `next_payment_attempt` is null, whatever the attempt's number.
    Last,
}

/// A subscription's money is missing. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dunning {
    /// The subscription.
    pub subscription_id: String,
    /// Its open invoice that was tried.
    pub invoice_id: String,
    /// When the first attempt failed.
    pub since: i64,
    /// How often Stripe tried.
    pub attempts: i64,
    /// When Stripe tries again.
    pub next_attempt: Option<i64>,
    /// How urgent it is.
    pub level: Level,
    /// Until when the policy lets them keep their access; `None` is as long as Stripe keeps it.
    pub access_until: Option<i64>,
}
