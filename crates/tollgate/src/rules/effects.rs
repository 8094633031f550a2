//! The facts that somebody has to hear of. An effect is named by its fact, so that however often
//! and in whatever order the events come, each fact is staged once; and whether it is still true
//! is asked again just before it is told.

use std::fmt::Display;

use serde_json::Value;
use tollgate_stripe::object::{
    CheckoutSession, Invoice, InvoiceStatus, Object, SessionMode, Subscription, SubscriptionStatus,
};

use super::charge::GivenBack;
use super::{checkout, dispute, subscription};

/// How old a subscription may be where an event merely shows that it runs, so that it counts as
/// started: the events that say it outright may be lost, or it was learned by asking Stripe.
const START_IS_NEWS_SECS: i64 = 3 * 86_400;

/// What kind of fact an effect tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectKind {
    /// A subscription became active or began its trial.
    SubscriptionStarted,
    /// A subscription was canceled for good.
    SubscriptionEnded,
    /// A subscription will end.
    CancellationScheduled,
    /// It will go on after all.
    CancellationWithdrawn,
    /// A subscription has another price.
    PlanChanged,
    /// A trial ends in three days.
    TrialEnding,
    /// A renewal is near.
    RenewalUpcoming,
    /// An invoice was paid.
    InvoicePaid,
    /// An attempt to charge an invoice failed.
    PaymentFailed,
    /// The customer must confirm a payment.
    PaymentActionRequired,
    /// An invoice was paid after attempts that failed.
    PaymentRecovered,
    /// A one-time purchase was paid.
    OrderPaid,
    /// Its delayed payment failed.
    OrderFailed,
    /// Money was given back.
    PaymentRefunded,
    /// A customer's bank disputes a payment.
    DisputeOpened,
    /// The dispute is decided.
    DisputeClosed,
    /// A customer's card is gone.
    PaymentMethodDetached,
    /// A user has several subscriptions that all charge again; for the operator.
    DoubleSubscription,
    /// A customer's card expires before it can pay for the next period.
    CardExpiring,
    /// A customer is a user's.
    CustomerLinked,
    /// An event could not be applied.
    EventFailed,
    /// Stripe has sent no event for longer than it should.
    Silence,
    /// A user who had no access has it.
    AccessGranted,
    /// A user who had access has it no more.
    AccessRevoked,
    /// Anything else of a user's access is another than before: plan, features, an end.
    AccessChanged,
    /// An object has to be fetched from Stripe.
    Refresh,
}

const NAMES: &[(EffectKind, &str)] = &[
    (EffectKind::SubscriptionStarted, "subscription_started"),
    (EffectKind::SubscriptionEnded, "subscription_ended"),
    (EffectKind::CancellationScheduled, "cancellation_scheduled"),
    (EffectKind::CancellationWithdrawn, "cancellation_withdrawn"),
    (EffectKind::PlanChanged, "plan_changed"),
    (EffectKind::TrialEnding, "trial_ending"),
    (EffectKind::RenewalUpcoming, "renewal_upcoming"),
    (EffectKind::InvoicePaid, "invoice_paid"),
    (EffectKind::PaymentFailed, "payment_failed"),
    (EffectKind::PaymentActionRequired, "payment_action_required"),
    (EffectKind::PaymentRecovered, "payment_recovered"),
    (EffectKind::OrderPaid, "order_paid"),
    (EffectKind::OrderFailed, "order_failed"),
    (EffectKind::PaymentRefunded, "payment_refunded"),
    (EffectKind::DisputeOpened, "dispute_opened"),
    (EffectKind::DisputeClosed, "dispute_closed"),
    (EffectKind::PaymentMethodDetached, "payment_method_detached"),
    (EffectKind::DoubleSubscription, "double_subscription"),
    (EffectKind::CardExpiring, "card_expiring"),
    (EffectKind::CustomerLinked, "customer_linked"),
    (EffectKind::EventFailed, "event_failed"),
    (EffectKind::Silence, "silence"),
    (EffectKind::AccessGranted, "access_granted"),
    (EffectKind::AccessRevoked, "access_revoked"),
    (EffectKind::AccessChanged, "access_changed"),
    (EffectKind::Refresh, "refresh"),
];

impl EffectKind {
    /// Returns all kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(kind, _)| *kind)
    }

    /// Returns the kind's name, as it stands in keys and tables.
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// Returns the kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, it)| *it == name).map(|(kind, _)| *kind)
    }

    /// Returns what it is for a user's access to have been granted or not, and to be so now.
    pub fn of_access(granted_before: bool, granted: bool) -> Self {
        match (granted_before, granted) {
            (false, true) => Self::AccessGranted,
            (true, false) => Self::AccessRevoked,
            _ => Self::AccessChanged,
        }
    }

    /// Whether it tells of a user's access: its subject is the user, its detail the revision.
    pub fn is_of_access(self) -> bool {
        matches!(self, Self::AccessGranted | Self::AccessRevoked | Self::AccessChanged)
    }
}

/// One fact, staged in the transaction that learned of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// What kind of fact.
    pub kind: EffectKind,
    /// The object (or, for access, the user) that the fact is about.
    pub subject: String,
    /// What tells this fact from others of its kind about the same subject.
    pub detail: String,
}

impl Effect {
    /// Names a fact.
    pub fn new(kind: EffectKind, subject: &str, detail: impl Display + Copy) -> Self {
        Self { kind, subject: subject.to_owned(), detail: detail.to_string() }
    }

    /// Returns the time at which its detail begins, Unix seconds, where it does.
    pub fn time(&self) -> Option<i64> {
        self.detail.split(['@', ':']).next().and_then(|it| it.parse().ok())
    }

    /// Returns the key that is unique to the fact: `payment_failed:in_123:attempt_2`.
    pub fn key(&self) -> String {
        let Self { kind, subject, detail } = self;
        match detail.as_str() {
            "" => format!("{}:{subject}", kind.as_str()),
            _ => format!("{}:{subject}:{detail}", kind.as_str()),
        }
    }
}

/// One event, as far as the facts need it.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Stripe's `type`.
    pub event_type: &'a str,
    /// Unix seconds.
    pub created: i64,
    /// The event's snapshot.
    pub object: &'a Object,
    /// `data.previous_attributes`.
    pub previous: Option<&'a Value>,
}

/// Returns the facts that one event tells, whatever else is known.
pub fn facts(news: &News<'_>) -> Vec<Effect> {
    match news.object {
        Object::Subscription(it) => of_subscription(it, news),
        Object::Invoice(it) => of_invoice(it, news.event_type),
        Object::CheckoutSession(it) => of_session(it, news.event_type).into_iter().collect(),
        Object::Charge(it) if news.event_type == "charge.refunded" => {
            let detail = GivenBack::of_event(it, news.previous).detail();
            vec![Effect::new(EffectKind::PaymentRefunded, it.id.as_str(), detail.as_str())]
        }
        Object::Dispute(it) if news.event_type == "charge.dispute.created" => {
            vec![Effect::new(EffectKind::DisputeOpened, it.id.as_str(), "")]
        }
        Object::Dispute(it) if news.event_type == "charge.dispute.closed" => {
            vec![Effect::new(EffectKind::DisputeClosed, it.id.as_str(), it.status.as_str())]
        }
        Object::PaymentMethod(it) if news.event_type == "payment_method.detached" => {
            vec![Effect::new(EffectKind::PaymentMethodDetached, it.id.as_str(), "")]
        }
        _ => Vec::new(),
    }
}

fn of_subscription(it: &Subscription, news: &News<'_>) -> Vec<Effect> {
    let id = it.id.as_str();
    if news.event_type == "customer.subscription.trial_will_end" {
        let end = it.trial_end.unwrap_or_default();
        return vec![Effect::new(EffectKind::TrialEnding, id, end)];
    }
    if subscription::is_terminal(it) {
        let ended = it.status == SubscriptionStatus::Canceled;
        return ended
            .then(|| Effect::new(EffectKind::SubscriptionEnded, id, ""))
            .into_iter()
            .collect();
    }
    let started = starts(it, news).then(|| Effect::new(EffectKind::SubscriptionStarted, id, ""));
    [started, cancellation(it, news), plan_change(it, news)].into_iter().flatten().collect()
}

fn has_started(it: &Subscription) -> bool {
    matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing)
}

/// Whether it has only just started: a subscriber of years ago, of whom an event or an answer of
/// Stripe tells for the first time, is not welcomed.
fn starts(it: &Subscription, news: &News<'_>) -> bool {
    let before = news.previous.and_then(|it| it.get("status")?.as_str());
    let age = it.created.map(|it| news.created.saturating_sub(it));
    has_started(it)
        && (news.event_type == "customer.subscription.created"
            || before == Some("incomplete")
            || age.is_some_and(|it| it <= START_IS_NEWS_SECS))
}

fn cancellation(it: &Subscription, news: &News<'_>) -> Option<Effect> {
    let previous = news.previous?.as_object()?;
    let changed = ["cancel_at", "cancel_at_period_end"].iter().any(|it| previous.contains_key(*it));
    changed.then(|| match it.ends_at() {
        Some(end) => {
            let detail = format!("{end}@{}", news.created);
            Effect::new(EffectKind::CancellationScheduled, it.id.as_str(), &*detail)
        }
        None => Effect::new(EffectKind::CancellationWithdrawn, it.id.as_str(), news.created),
    })
}

/// The first price before and after; Stripe repeats all items if any of them changed. The old
/// one's lookup key stands before them, by which alone a plan may know it: nothing else keeps it.
fn plan_change(it: &Subscription, news: &News<'_>) -> Option<Effect> {
    let previous = news.previous?;
    let item = previous.pointer("/items/data/0")?;
    let old = ["/price/id", "/plan/id"].iter().find_map(|path| item.pointer(path)?.as_str())?;
    let new = it.items.first()?.price.as_ref()?.as_str();
    let key = item.pointer("/price/lookup_key").and_then(|it| it.as_str());
    let key = key.map_or(String::new(), |it| format!("{it}:"));
    let detail = format!("{}:{key}{old}>{new}", news.created);
    (old != new).then(|| Effect::new(EffectKind::PlanChanged, it.id.as_str(), &*detail))
}

fn of_invoice(it: &Invoice, event_type: &str) -> Vec<Effect> {
    if event_type == "invoice.upcoming" {
        return renewal(it).into_iter().collect();
    }
    let Some(id) = it.id.as_ref().map(AsRef::as_ref) else { return Vec::new() };
    let attempt = format!("attempt_{}", it.attempt_count);
    match event_type {
        // Stripe sends both for a payment by card; one fact, one key.
        "invoice.paid" | "invoice.payment_succeeded" => paid(it, id),
        "invoice.payment_failed" => vec![Effect::new(EffectKind::PaymentFailed, id, &*attempt)],
        "invoice.payment_action_required" => {
            vec![Effect::new(EffectKind::PaymentActionRequired, id, &*attempt)]
        }
        _ => Vec::new(),
    }
}

fn paid(it: &Invoice, id: &str) -> Vec<Effect> {
    let receipt = Effect::new(EffectKind::InvoicePaid, id, "");
    let recovered = Effect::new(EffectKind::PaymentRecovered, id, "");
    match it.attempt_count {
        ..=1 => vec![receipt],
        _ => vec![receipt, recovered],
    }
}

/// What else has to be known before an invoice counts as recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// That an attempt failed: the event says that it is paid, and no more than one attempt.
    IfFailed,
    /// That it is paid: the event says that an attempt failed.
    IfPaid,
}

/// Returns the recovery that an event makes known together with something else. A customer who pays
/// by another card after the first attempt leaves the number of attempts as it is, so the number
/// alone does not tell. The fact is a function of both events, whichever comes first; that a
/// recovery is of interest only to whom the failure was told is for who tells it to see to.
pub fn recovery(event_type: &str, object: &Object) -> Option<(Effect, Recovery)> {
    let Object::Invoice(it) = object else { return None };
    let recovered = Effect::new(EffectKind::PaymentRecovered, it.id.as_ref()?.as_str(), "");
    match event_type {
        "invoice.paid" | "invoice.payment_succeeded" if it.attempt_count <= 1 => {
            Some((recovered, Recovery::IfFailed))
        }
        "invoice.payment_failed" => Some((recovered, Recovery::IfPaid)),
        _ => None,
    }
}

/// The invoice that is coming has no id: its subscription and period name it.
fn renewal(it: &Invoice) -> Option<Effect> {
    let subject = it.subscription.as_ref().map(AsRef::as_ref);
    let subject = subject.or(it.customer.as_ref().map(AsRef::as_ref))?;
    Some(Effect::new(EffectKind::RenewalUpcoming, subject, it.period_end.unwrap_or_default()))
}

fn of_session(it: &CheckoutSession, event_type: &str) -> Option<Effect> {
    if it.mode != SessionMode::Payment {
        return None;
    }
    match event_type {
        "checkout.session.async_payment_failed" => {
            Some(Effect::new(EffectKind::OrderFailed, it.id.as_str(), ""))
        }
        _ if checkout::is_paid(it) => Some(Effect::new(EffectKind::OrderPaid, it.id.as_str(), "")),
        _ => None,
    }
}

/// Whether the fact still holds for what its subject has become; else why it is not told.
///
/// # Errors
/// The reason to skip it, in a few words.
pub fn still_true(effect: &Effect, subject: &Object) -> Result<(), &'static str> {
    match subject {
        Object::Subscription(it) => subscription_still(effect, it),
        Object::Invoice(it) => invoice_still(effect, it),
        Object::CheckoutSession(it) => match effect.kind {
            EffectKind::OrderFailed if checkout::is_paid(it) => Err("paid since"),
            _ => Ok(()),
        },
        Object::Charge(it) => match effect.kind {
            EffectKind::PaymentRefunded => match GivenBack::of_detail(&effect.detail) {
                Some(given_back) => given_back.still_true(it),
                None => Err("it tells no amount"),
            },
            _ => Ok(()),
        },
        Object::Dispute(it) => match effect.kind {
            EffectKind::DisputeOpened if dispute::is_closed(it) => Err("closed since"),
            EffectKind::DisputeClosed if it.status.as_str() != effect.detail => {
                Err("decided otherwise since")
            }
            _ => Ok(()),
        },
        Object::Customer(it) if it.deleted && effect.kind == EffectKind::CustomerLinked => {
            Err("deleted since")
        }
        Object::PaymentMethod(it) => match effect.kind {
            EffectKind::PaymentMethodDetached if it.customer.is_some() => Err("attached"),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn subscription_still(effect: &Effect, it: &Subscription) -> Result<(), &'static str> {
    let ended = subscription::is_terminal(it);
    match effect.kind {
        EffectKind::SubscriptionEnded if !ended => Err("not ended"),
        EffectKind::SubscriptionEnded => Ok(()),
        _ if ended => Err("ended since"),
        EffectKind::DoubleSubscription if it.ends_at().is_some() => Err("ends by itself now"),
        EffectKind::SubscriptionStarted if !has_started(it) => Err("not active any more"),
        EffectKind::TrialEnding if it.status != SubscriptionStatus::Trialing => {
            Err("trial is over")
        }
        EffectKind::TrialEnding if !says(effect, it.trial_end) => Err("the trial ends later now"),
        EffectKind::RenewalUpcoming if it.ends_at().is_some() => Err("ends before it renews"),
        EffectKind::RenewalUpcoming if renewed(effect, it) => Err("renewed since"),
        EffectKind::CancellationScheduled if !says(effect, it.ends_at()) => Err("changed since"),
        EffectKind::CancellationWithdrawn if it.ends_at().is_some() => Err("cancelled again"),
        EffectKind::PlanChanged if !has_price(effect, it) => Err("changed again"),
        _ => Ok(()),
    }
}

fn says(effect: &Effect, value: Option<i64>) -> bool {
    value.is_some() && value == effect.time()
}

fn renewed(effect: &Effect, it: &Subscription) -> bool {
    effect.time().zip(it.current_period_start).is_some_and(|(announced, start)| start >= announced)
}

fn has_price(effect: &Effect, it: &Subscription) -> bool {
    let price = it.items.first().and_then(|it| it.price.as_ref()).map_or("", AsRef::as_ref);
    effect.detail.rsplit('>').next() == Some(price)
}

fn invoice_still(effect: &Effect, it: &Invoice) -> Result<(), &'static str> {
    let attempt = format!("attempt_{}", it.attempt_count);
    match effect.kind {
        EffectKind::InvoicePaid | EffectKind::PaymentRecovered
            if it.status != InvoiceStatus::Paid =>
        {
            Err("not paid")
        }
        EffectKind::PaymentFailed | EffectKind::PaymentActionRequired => match it.status {
            InvoiceStatus::Paid => Err("paid since"),
            InvoiceStatus::Void => Err("voided since"),
            _ if attempt != effect.detail => Err("tried again since"),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}
