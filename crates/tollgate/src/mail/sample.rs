//! Facts to look at a letter with: one or more for each, of an imagined customer. They are what
//! the templates are tried with at the start, so every branch of ours has one.

use tollgate_stripe::object::{
    Charge, CheckoutSession, Customer, Dispute, DisputeStatus, Invoice, InvoiceLine, InvoiceStatus,
    Object, PaymentMethod, Subscription, SubscriptionItem, SubscriptionStatus,
};

use super::letter::{self, Letter};
use crate::rules::access::{Access, Reason};
use crate::rules::charge::GivenBack;
use crate::rules::dunning::{Dunning, Level};
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;
use crate::rules::policy::Rulebook;

/// 22 November 2026, noon.
const NOW: i64 = 1_795_348_800;
const DAY: i64 = 86_400;
/// The imagined customer's price, and the one before.
const PRICE: &str = "price_sample";
const OLD_PRICE: &str = "price_sample_before";

/// Facts that make a letter.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The letter's name, and behind a hyphen what is special here.
    pub name: &'static str,
    /// The fact.
    pub effect: Effect,
    /// What is known around it.
    pub known: Known,
    /// When it is told.
    pub now: i64,
}

impl Sample {
    /// Returns the letter that tells it.
    pub fn letter(&self) -> &'static Letter {
        letter::of(self.effect.kind).expect("samples are of facts that a letter tells")
    }
}

/// Returns the samples of every letter, in the letters' order.
pub fn all() -> Vec<Sample> {
    [of_subscriptions(), of_payments(), of_cards(), of_orders(), for_operators()].concat()
}

/// Returns the operator's plans with the imagined prices: the best is bought, the one below it was
/// the one before.
pub(super) fn rulebook(rulebook: &Rulebook) -> Rulebook {
    let mut rulebook = rulebook.clone();
    rulebook.plans.sort_by_key(|it| std::cmp::Reverse(it.rank));
    let single = rulebook.plans.len() == 1;
    let mut sell = |at: usize, period: &str, price: &str| {
        if let Some(plan) = rulebook.plans.get_mut(at) {
            plan.prices.insert(period.to_owned(), price.to_owned());
        }
    };
    sell(0, if single { "yearly" } else { "monthly" }, PRICE);
    sell(usize::from(!single), "monthly", OLD_PRICE);
    rulebook
}

fn of(name: &'static str, kind: EffectKind, subject: &str, detail: &str, known: Known) -> Sample {
    Sample { name, effect: Effect::new(kind, subject, detail), known, now: NOW }
}

fn of_subscriptions() -> Vec<Sample> {
    let of_it = |name, kind, detail: &str, it: Subscription| {
        let known = Known { subject: Some(Object::Subscription(it.clone())), ..with(it) };
        of(name, kind, "sub_1Sample", detail, known)
    };
    let end = NOW + 30 * DAY;
    let trial = || Subscription {
        status: SubscriptionStatus::Trialing,
        trial_start: Some(NOW),
        trial_end: Some(NOW + 14 * DAY),
        ..subscription()
    };
    let ending = || Subscription { cancel_at_period_end: true, ..subscription() };
    let ended = || Subscription {
        status: SubscriptionStatus::Canceled,
        ended_at: Some(NOW),
        ..subscription()
    };
    let trial_detail = (NOW + 3 * DAY).to_string();
    let mut without_card =
        of_it("trial_ending-without-card", EffectKind::TrialEnding, &trial_detail, trial());
    without_card.known.payment_method = None;
    let mut renewal =
        of_it("renewal_upcoming", EffectKind::RenewalUpcoming, &end.to_string(), subscription());
    renewal.known.invoice = Some(Invoice { id: None, number: None, lines: Vec::new(), ..open() });
    vec![
        of_it("welcome", EffectKind::SubscriptionStarted, "", subscription()),
        of_it("welcome-trial", EffectKind::SubscriptionStarted, "", trial()),
        of_it("trial_ending", EffectKind::TrialEnding, &trial_detail, trial()),
        without_card,
        renewal,
        of_it(
            "plan_changed",
            EffectKind::PlanChanged,
            &format!("{NOW}:{OLD_PRICE}>{PRICE}"),
            subscription(),
        ),
        of_it(
            "cancellation_scheduled",
            EffectKind::CancellationScheduled,
            &format!("{end}@{NOW}"),
            ending(),
        ),
        of_it(
            "cancellation_withdrawn",
            EffectKind::CancellationWithdrawn,
            &NOW.to_string(),
            subscription(),
        ),
        of_it("survey", EffectKind::SubscriptionEnded, "", ended()),
    ]
}

fn of_payments() -> Vec<Sample> {
    let of_it = |name, kind, detail: &str, known| of(name, kind, "in_1Sample", detail, known);
    vec![
        of_it("receipt", EffectKind::InvoicePaid, "", about(paid())),
        of_it(
            "payment_failed-first",
            EffectKind::PaymentFailed,
            "attempt_1",
            missing(Level::First, 1),
        ),
        of_it(
            "payment_failed-further",
            EffectKind::PaymentFailed,
            "attempt_3",
            missing(Level::Further, 3),
        ),
        of_it(
            "payment_failed-last",
            EffectKind::PaymentFailed,
            "attempt_4",
            missing(Level::Last, 4),
        ),
        of_it("payment_failed-ended", EffectKind::PaymentFailed, "attempt_4", ended()),
        of_it(
            "action_required",
            EffectKind::PaymentActionRequired,
            "attempt_1",
            missing(Level::First, 1),
        ),
        of_it(
            "payment_recovered",
            EffectKind::PaymentRecovered,
            "",
            about(Invoice { attempt_count: 2, ..paid() }),
        ),
        of(
            "access_ended",
            EffectKind::AccessRevoked,
            "user_1",
            "7",
            revoked(Reason::Canceled, paid()),
        ),
        of(
            "access_ended-unpaid",
            EffectKind::AccessRevoked,
            "user_1",
            "7",
            revoked(Reason::GraceOver, open()),
        ),
    ]
}

fn of_cards() -> Vec<Sample> {
    let of_it = |name, kind, it: PaymentMethod| {
        let known = Known { subject: Some(Object::PaymentMethod(it)), ..with(subscription()) };
        of(name, kind, "pm_1Sample", "", known)
    };
    vec![
        of_it(
            "card_removed",
            EffectKind::PaymentMethodDetached,
            PaymentMethod { customer: None, ..card() },
        ),
        of_it("card_expiring", EffectKind::CardExpiring, card()),
    ]
}

fn of_orders() -> Vec<Sample> {
    let order = |name, kind| {
        let known = Known { subject: Some(Object::CheckoutSession(session())), ..with_customer() };
        of(name, kind, "cs_test_Sample", "", known)
    };
    let refund = |name, before: i64, total: i64| {
        let charge = Charge { amount_refunded: total, refunded: total == 2_900, ..charge() };
        let known = Known { subject: Some(Object::Charge(charge)), ..with(subscription()) };
        let detail = GivenBack { before: Some(before), total }.detail();
        of(name, EffectKind::PaymentRefunded, "ch_1Sample", &detail, known)
    };
    vec![
        order("receipt-order", EffectKind::OrderPaid),
        order("order_failed", EffectKind::OrderFailed),
        refund("refund", 0, 2_900),
        refund("refund-partial", 0, 1_000),
        refund("refund-further", 1_000, 1_500),
    ]
}

fn for_operators() -> Vec<Sample> {
    let dispute = |name, kind, status: DisputeStatus| {
        let it = dispute(status);
        let detail = if kind == EffectKind::DisputeClosed {
            it.status.as_str().to_owned()
        } else {
            String::new()
        };
        let known = Known { subject: Some(Object::Dispute(it)), ..with(subscription()) };
        of(name, kind, "dp_1Sample", &detail, known)
    };
    let failure = Some("read customer: customer has no id".to_owned());
    let failed = Known { failure, ..Known::default() };
    vec![
        dispute("dispute_opened", EffectKind::DisputeOpened, DisputeStatus::NeedsResponse),
        dispute("dispute_closed-won", EffectKind::DisputeClosed, DisputeStatus::Won),
        dispute("dispute_closed-lost", EffectKind::DisputeClosed, DisputeStatus::Lost),
        of(
            "double_subscription",
            EffectKind::DoubleSubscription,
            "sub_1Sample",
            "",
            with(subscription()),
        ),
        of("event_failed", EffectKind::EventFailed, "evt_1Sample", "", failed),
        of(
            "silence",
            EffectKind::Silence,
            "evt_1Sample",
            &(NOW - DAY).to_string(),
            Known::default(),
        ),
    ]
}

fn with_customer() -> Known {
    Known {
        user_id: Some("user_1".to_owned()),
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada Lovelace".to_owned()),
        customer: Some(Customer { id: "cus_Sample".into(), ..Customer::default() }),
        payment_method: Some(card()),
        ..Known::default()
    }
}

fn with(it: Subscription) -> Known {
    Known { subscription: Some(it), ..with_customer() }
}

fn about(it: Invoice) -> Known {
    let subject = Some(Object::Invoice(it.clone()));
    Known { subject, invoice: Some(it), ..with(subscription()) }
}

/// An invoice that Stripe has tried so often.
fn missing(level: Level, attempts: i64) -> Known {
    let next = (level != Level::Last).then_some(NOW + 3 * DAY);
    let invoice = Invoice { attempt_count: attempts, next_payment_attempt: next, ..open() };
    let dunning = Dunning {
        subscription_id: "sub_1Sample".to_owned(),
        invoice_id: "in_1Sample".to_owned(),
        since: NOW - 4 * DAY,
        attempts,
        next_attempt: next,
        level,
        access_until: Some(NOW + 7 * DAY),
        decides: true,
    };
    Known { dunning: Some(dunning), ..about(invoice) }
}

/// The last attempt failed, and the subscription went with it.
fn ended() -> Known {
    let status = SubscriptionStatus::Canceled;
    let subscription = Some(Subscription { status, ..subscription() });
    let access = Some(Access::none(Reason::Canceled));
    Known { dunning: None, subscription, access, ..missing(Level::Last, 4) }
}

fn revoked(reason: Reason, invoice: Invoice) -> Known {
    let access = Some(Access::none(reason));
    Known { access, subject: None, ..about(invoice) }
}

fn subscription() -> Subscription {
    let item = SubscriptionItem {
        price: Some(PRICE.into()),
        quantity: Some(1),
        ..SubscriptionItem::default()
    };
    Subscription {
        id: "sub_1Sample".into(),
        customer: Some("cus_Sample".into()),
        status: SubscriptionStatus::Active,
        items: vec![item],
        currency: Some("eur".to_owned()),
        current_period_start: Some(NOW),
        current_period_end: Some(NOW + 30 * DAY),
        ..Subscription::default()
    }
}

fn paid() -> Invoice {
    Invoice {
        status: InvoiceStatus::Paid,
        amount_paid: Some(2_900),
        amount_remaining: None,
        paid_at: Some(NOW),
        ..open()
    }
}

fn open() -> Invoice {
    let line = InvoiceLine {
        description: Some("1 × Pro (at €29.00 / month)".to_owned()),
        amount: 2_900,
        period_start: Some(NOW),
        period_end: Some(NOW + 30 * DAY),
    };
    Invoice {
        id: Some("in_1Sample".into()),
        status: InvoiceStatus::Open,
        currency: Some("eur".to_owned()),
        amount_due: Some(2_900),
        amount_remaining: Some(2_900),
        attempt_count: 1,
        number: Some("A1B2C3D4-0007".to_owned()),
        hosted_invoice_url: Some("https://invoice.stripe.com/i/acct_1/sample".to_owned()),
        tax: Some(463),
        lines: vec![line],
        ..Invoice::default()
    }
}

fn session() -> CheckoutSession {
    CheckoutSession {
        id: "cs_test_Sample".into(),
        currency: Some("eur".to_owned()),
        amount_total: Some(49_900),
        created: Some(NOW),
        prices: vec![PRICE.into()],
        ..CheckoutSession::default()
    }
}

fn charge() -> Charge {
    Charge {
        id: "ch_1Sample".into(),
        currency: Some("eur".to_owned()),
        amount: 2_900,
        receipt_url: Some("https://pay.stripe.com/receipts/sample".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        ..Charge::default()
    }
}

fn dispute(status: DisputeStatus) -> Dispute {
    Dispute {
        id: "dp_1Sample".into(),
        status,
        reason: Some("fraudulent".to_owned()),
        currency: Some("eur".to_owned()),
        amount: 2_900,
        due_by: Some(NOW + 9 * DAY),
        ..Dispute::default()
    }
}

fn card() -> PaymentMethod {
    PaymentMethod {
        id: "pm_1Sample".into(),
        kind: Some("card".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        exp_month: Some(12),
        exp_year: Some(2026),
        ..PaymentMethod::default()
    }
}
