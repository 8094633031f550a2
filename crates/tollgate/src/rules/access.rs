//! What a user may use, and why: the best of all that their subscriptions and purchases claim.
//! Never "the last event".

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;
use tollgate_stripe::id::CustomerId;
use tollgate_stripe::object::SubscriptionStatus;

use super::dunning::{Dunning, dunning};
use super::ledger::Ledger;
use super::policy::{FREE, Plan, Rulebook};
use super::{checkout, subscription};

/// Why access is granted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Paid.
    Active,
    /// On trial.
    Trialing,
    /// The trial is over and Stripe has not yet told what followed.
    TrialOver,
    /// Unpaid, within the grace that the policy gives.
    Grace,
    /// Unpaid for longer than the grace.
    GraceOver,
    /// A renewal failed.
    PastDue,
    /// Stripe gave up on an invoice.
    Unpaid,
    /// A trial ended without a card.
    Paused,
    /// The first payment is missing.
    Incomplete,
    /// The first payment never came.
    IncompleteExpired,
    /// The subscription ended.
    Canceled,
    /// The scheduled end is past.
    Ended,
    /// Bought once.
    Purchased,
    /// Bought with a delayed payment method, not yet paid.
    PaymentPending,
    /// Paid and given back whole.
    FullRefund,
    /// Paid and given back in part.
    PartialRefund,
    /// The bank took the money; nobody decided yet.
    DisputeOpen,
    /// The customer keeps the money.
    DisputeLost,
    /// The customer was deleted at Stripe.
    CustomerDeleted,
    /// Paid for, but no configured plan has this price.
    UnknownPrice,
    /// A status that Stripe invented since.
    UnknownStatus,
    /// The customer bought nothing.
    NoPurchase,
    /// Nothing links this user to a customer.
    NoCustomer,
}

const REASONS: &[(Reason, &str)] = &[
    (Reason::Active, "active"),
    (Reason::Trialing, "trialing"),
    (Reason::TrialOver, "trial_over"),
    (Reason::Grace, "grace"),
    (Reason::GraceOver, "grace_over"),
    (Reason::PastDue, "past_due"),
    (Reason::Unpaid, "unpaid"),
    (Reason::Paused, "paused"),
    (Reason::Incomplete, "incomplete"),
    (Reason::IncompleteExpired, "incomplete_expired"),
    (Reason::Canceled, "canceled"),
    (Reason::Ended, "ended"),
    (Reason::Purchased, "purchased"),
    (Reason::PaymentPending, "payment_pending"),
    (Reason::FullRefund, "full_refund"),
    (Reason::PartialRefund, "partial_refund"),
    (Reason::DisputeOpen, "dispute_open"),
    (Reason::DisputeLost, "dispute_lost"),
    (Reason::CustomerDeleted, "customer_deleted"),
    (Reason::UnknownPrice, "unknown_price"),
    (Reason::UnknownStatus, "unknown_status"),
    (Reason::NoPurchase, "no_purchase"),
    (Reason::NoCustomer, "no_customer"),
];

impl Reason {
    /// Returns the reason's name as users read it.
    pub fn as_str(self) -> &'static str {
        REASONS.iter().find(|(reason, _)| *reason == self).map_or("", |(_, name)| name)
    }

    /// Returns the reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        REASONS.iter().find(|(_, it)| *it == name).map(|(reason, _)| *reason)
    }

    pub(super) fn of_status(status: &SubscriptionStatus) -> Self {
        match status {
            SubscriptionStatus::Active => Self::Active,
            SubscriptionStatus::Trialing => Self::Trialing,
            SubscriptionStatus::PastDue => Self::PastDue,
            SubscriptionStatus::Unpaid => Self::Unpaid,
            SubscriptionStatus::Paused => Self::Paused,
            SubscriptionStatus::Canceled => Self::Canceled,
            SubscriptionStatus::Incomplete => Self::Incomplete,
            SubscriptionStatus::IncompleteExpired => Self::IncompleteExpired,
            SubscriptionStatus::Unknown(_) => Self::UnknownStatus,
        }
    }
}

/// What one subscription or purchase claims. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The subscription's or session's id.
    pub source: String,
    /// Stripe's customer.
    pub customer_id: Option<CustomerId>,
    /// The plan that it buys, where one has its price.
    pub plan: Option<String>,
    rank: i64,
    created: i64,
    features: Vec<String>,
    /// Whether access is given.
    pub granted: bool,
    /// Why or why not.
    pub reason: Reason,
    /// Stripe's status of the subscription, or the payment status of the purchase.
    pub status: Option<String>,
    /// When this claim ends as things stand; `None` where nothing ends it.
    pub until: Option<i64>,
    /// When the grace ends.
    pub grace_until: Option<i64>,
    /// When a scheduled cancellation takes effect.
    pub cancel_at: Option<i64>,
    /// The end of the period that was paid.
    pub paid_through: Option<i64>,
    /// Since when money is missing.
    pub unpaid_since: Option<i64>,
    /// The next moment at which time alone changes this claim.
    boundary: Option<i64>,
}

impl Claim {
    pub(super) fn new(source: &str, customer: Option<&CustomerId>, created: Option<i64>) -> Self {
        Self {
            source: source.to_owned(),
            customer_id: customer.cloned(),
            plan: None,
            rank: i64::MIN,
            created: created.unwrap_or(0),
            features: Vec::new(),
            granted: false,
            reason: Reason::NoPurchase,
            status: None,
            until: None,
            grace_until: None,
            cancel_at: None,
            paid_through: None,
            unpaid_since: None,
            boundary: None,
        }
    }

    /// Whether it is bought once, and not again and again.
    pub fn is_purchase(&self) -> bool {
        self.source.starts_with("cs_")
    }

    pub(super) fn buys(&mut self, plan: &Plan) {
        self.plan = Some(plan.name.clone());
        self.rank = plan.rank;
        self.features.clone_from(&plan.features);
    }

    pub(super) fn grant(&mut self, reason: Reason) {
        self.granted = true;
        self.reason = reason;
    }

    /// Grants until `end`, then denies for the reason `over`.
    pub(super) fn grant_until(&mut self, reason: Reason, end: i64, now: i64, over: Reason) {
        self.until = Some(self.until.map_or(end, |until| until.min(end)));
        self.grace_until = Some(self.grace_until.map_or(end, |until| until.min(end)));
        if now < end {
            self.grant(reason);
            self.changes_at(Some(end));
        } else {
            self.deny(over);
        }
    }

    /// Denies; a moment that was noted stays, because the reason may change then.
    pub(super) fn deny(&mut self, reason: Reason) {
        self.granted = false;
        self.reason = reason;
    }

    pub(super) fn denied(mut self, reason: Reason) -> Self {
        self.deny(reason);
        self
    }

    /// Notes a moment that lies ahead, at which time alone changes this claim.
    pub(super) fn changes_at(&mut self, at: Option<i64>) {
        self.boundary = [self.boundary, at].into_iter().flatten().min();
    }

    /// The better claim is greater: granted, then the plan's rank, then the one that lasts longer
    /// or, where nothing is granted, began later.
    fn merit(&self) -> (bool, i64, i64, Reverse<&str>) {
        let lasts = self.until.unwrap_or(i64::MAX);
        let last = if self.granted { lasts } else { self.created };
        (self.granted, self.rank, last, Reverse(&self.source))
    }
}

/// What a user may use. All times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Stripe's customer.
    pub customer_id: Option<String>,
    /// Whether access is given.
    pub granted: bool,
    /// The plan's name; `free` where nothing is granted.
    pub plan: String,
    /// Sorted, without repetition.
    pub features: Vec<String>,
    /// Stripe's status of what decides.
    pub status: Option<String>,
    /// Why or why not.
    pub reason: Reason,
    /// When access ends as things stand; `None` where nothing ends it.
    pub until: Option<i64>,
    /// When the grace ends.
    pub grace_until: Option<i64>,
    /// When a scheduled cancellation takes effect.
    pub cancel_at: Option<i64>,
    /// The next moment at which time alone may change this answer.
    pub due_at: Option<i64>,
    /// Whose money is missing, and how that goes on.
    pub dunning: Vec<Dunning>,
}

impl Access {
    /// What a user has whom nothing links to a customer.
    pub fn none(reason: Reason) -> Self {
        Self {
            customer_id: None,
            granted: false,
            plan: FREE.to_owned(),
            features: Vec::new(),
            status: None,
            reason,
            until: None,
            grace_until: None,
            cancel_at: None,
            due_at: None,
            dunning: Vec::new(),
        }
    }
}

/// Returns what every subscription and purchase claims, the best first.
pub fn claims(ledger: &Ledger<'_>, rulebook: &Rulebook, now: i64) -> Vec<Claim> {
    let subscriptions = ledger.subscriptions.iter();
    let subscriptions = subscriptions.map(|it| subscription::claim(it, ledger, rulebook, now));
    let purchases = ledger.sessions.iter();
    let purchases = purchases.filter_map(|it| checkout::claim(it, ledger, rulebook, now));
    let mut claims: Vec<Claim> = subscriptions.chain(purchases).collect();
    claims.sort_by(|a, b| b.merit().cmp(&a.merit()));
    claims
}

/// Returns what these claims together give a user whose first customer is `customer_id`.
pub fn access(ledger: &Ledger<'_>, claims: &[Claim], customer_id: Option<&str>) -> Access {
    let Some(best) = claims.first() else {
        let known = customer_id.is_some();
        let reason = if known { Reason::NoPurchase } else { Reason::NoCustomer };
        let customer_id = customer_id.map(str::to_owned);
        return Access { customer_id, ..Access::none(reason) };
    };
    let customer = best.customer_id.as_ref().map(CustomerId::as_str);
    Access {
        customer_id: customer.or(customer_id).map(str::to_owned),
        granted: best.granted,
        plan: match &best.plan {
            Some(plan) if best.granted => plan.clone(),
            _ => FREE.to_owned(),
        },
        features: features(ledger, claims),
        status: best.status.clone(),
        reason: best.reason,
        until: best.until,
        grace_until: best.grace_until,
        cancel_at: best.cancel_at,
        due_at: claims.iter().filter_map(|it| it.boundary).min(),
        dunning: dunning(ledger, claims),
    }
}

/// What all granted claims give, and what Stripe's entitlements add to them.
fn features(ledger: &Ledger<'_>, claims: &[Claim]) -> Vec<String> {
    let granted: Vec<&Claim> = claims.iter().filter(|it| it.granted).collect();
    if granted.is_empty() {
        return Vec::new();
    }
    let by_plan = granted.iter().flat_map(|it| &it.features);
    let by_stripe = ledger.entitlements.iter().flat_map(|it| &it.features);
    let all: BTreeSet<&String> = by_plan.chain(by_stripe).collect();
    all.into_iter().cloned().collect()
}
