//! Money that is missing: since when, how often Stripe tried, when it tries again, and until when
//! the user keeps what they have.

use serde::{Deserialize, Serialize};
use tollgate_stripe::object::{Invoice, Subscription, SubscriptionStatus};

use super::access::Claim;
use super::ledger::Ledger;
use super::{invoice, period};

/// How far the dunning of a subscription has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// One attempt failed and another is to come, or an invoice that was sent is past due.
    First,
    /// Further attempts failed, and another is to come.
    Further,
    /// No attempt is to come: `next_payment_attempt` is null, whatever the attempt's number.
    Last,
}

impl Level {
    /// Returns the level's name as users read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Further => "further",
            Self::Last => "last",
        }
    }
}

/// A subscription's money is missing. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dunning {
    /// The subscription.
    pub subscription_id: String,
    /// Its open invoice that was tried.
    pub invoice_id: String,
    /// When the first attempt failed: an invoice is charged when it becomes final. Of one that was
    /// sent, when it had to be paid.
    pub since: i64,
    /// How often Stripe tried.
    pub attempts: i64,
    /// When Stripe tries again.
    pub next_attempt: Option<i64>,
    /// How urgent it is.
    pub level: Level,
    /// Until when the policy lets them keep their access; `None` is as long as Stripe keeps it.
    pub access_until: Option<i64>,
    /// Whether what the user may use depends on this subscription.
    pub decides: bool,
}

/// Returns what is missing of each subscription, in the order of the claims: the first of them
/// decides. A first invoice is none of it, because its subscription has not begun; and nothing is
/// missing any more once the invoice is paid, void or written off, or the subscription ended.
pub fn dunning(ledger: &Ledger<'_>, claims: &[Claim]) -> Vec<Dunning> {
    let found = claims.iter().enumerate().filter_map(|(place, claim)| {
        let of_it = |it: &&&Subscription| it.id.as_str() == claim.source;
        let subscription = ledger.subscriptions.iter().find(of_it)?;
        let found = of_subscription(subscription, ledger, claim)?;
        Some(Dunning { decides: place == 0, ..found })
    });
    found.collect()
}

fn of_subscription(it: &Subscription, ledger: &Ledger<'_>, claim: &Claim) -> Option<Dunning> {
    let invoice = latest(it, ledger)?;
    let attempts = invoice.attempt_count;
    let next_attempt = invoice.next_payment_attempt;
    let level = match (&it.status, next_attempt) {
        (SubscriptionStatus::Unpaid, None) => Level::Last,
        (SubscriptionStatus::PastDue, None) if invoice::is_sent(invoice) => Level::First,
        (SubscriptionStatus::PastDue, None) => Level::Last,
        // The subscription's own event may be late. Where nothing is to come, it is an invoice
        // that the subscription does not depend on, such as that of an upgrade not yet made.
        (SubscriptionStatus::Active | SubscriptionStatus::Trialing, None) => return None,
        _ if attempts <= 1 => Level::First,
        _ => Level::Further,
    };
    let since = period::unpaid_since(it, ledger.owed(it).collect());
    Some(Dunning {
        subscription_id: it.id.to_string(),
        invoice_id: invoice.id.as_ref()?.to_string(),
        since,
        attempts,
        next_attempt,
        level,
        access_until: if claim.granted { claim.until } else { claim.until.or(Some(since)) },
        decides: false,
    })
}

/// The latest invoice that was tried; of those that were only sent, the one that was due first.
fn latest<'a>(it: &Subscription, ledger: &Ledger<'a>) -> Option<&'a Invoice> {
    let (in_trouble, runs) = match it.status {
        SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid => (true, true),
        SubscriptionStatus::Active | SubscriptionStatus::Trialing => (false, true),
        _ => (false, false),
    };
    let owed = || ledger.owed(it).filter(|_| runs);
    let tried = owed().filter(|it| invoice::is_overdue(it) && !invoice::is_sent(it));
    let sent = owed().filter(|it| in_trouble && invoice::is_sent(it));
    let tried = tried.max_by_key(|it| (it.created, &it.id));
    tried.or_else(|| sent.min_by_key(|it| (it.due_date, it.created, &it.id)))
}
