//! Which letter tells which fact, to whom, in which variants, and when it keeps silent.

use tollgate_stripe::object::{CheckoutSession, Invoice, Object, SubscriptionStatus};

use super::plain;
use super::values::Values;
use crate::rules::access::Reason;
use crate::rules::dunning::Level;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;

/// Who hears of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The customer.
    Customer,
    /// Who runs the app.
    Operator,
}

/// One letter.
#[derive(Debug)]
pub struct Letter {
    /// Its name, in files and in the configuration.
    pub name: &'static str,
    /// The facts that it tells.
    pub kinds: &'static [EffectKind],
    /// Who gets it.
    pub audience: Audience,
    /// When it is sent, for people.
    pub when: &'static str,
    /// Its variants; one without a name is the only one.
    pub variants: &'static [&'static str],
    /// The customer can live without it.
    pub declinable: bool,
}

const fn to_customer(
    name: &'static str,
    kinds: &'static [EffectKind],
    when: &'static str,
) -> Letter {
    let audience = Audience::Customer;
    Letter { name, kinds, audience, when, variants: &[""], declinable: false }
}

const fn to_operator(
    name: &'static str,
    kinds: &'static [EffectKind],
    when: &'static str,
) -> Letter {
    Letter { audience: Audience::Operator, ..to_customer(name, kinds, when) }
}

/// The variants of the letter about a payment that failed.
const LEVELS: [&str; 3] = ["first", "further", "last"];

/// Every letter.
pub(super) const ALL: &[Letter] = &[
    to_customer(
        "welcome",
        &[EffectKind::SubscriptionStarted],
        "a subscription or a trial has started",
    ),
    to_customer(
        "receipt",
        &[EffectKind::InvoicePaid, EffectKind::OrderPaid],
        "an invoice or a purchase was paid, and it was more than nothing",
    ),
    Letter {
        variants: &LEVELS,
        ..to_customer(
            "payment_failed",
            &[EffectKind::PaymentFailed],
            "an attempt to charge failed: the first, a further one, or the last that Stripe makes",
        )
    },
    to_customer(
        "action_required",
        &[EffectKind::PaymentActionRequired],
        "the customer's bank wants a payment confirmed (3-D Secure)",
    ),
    to_customer(
        "payment_recovered",
        &[EffectKind::PaymentRecovered],
        "a payment came after attempts that failed",
    ),
    to_customer("trial_ending", &[EffectKind::TrialEnding], "three days before a trial ends"),
    to_customer(
        "renewal_upcoming",
        &[EffectKind::RenewalUpcoming],
        "some days before a renewal, as set at Stripe",
    ),
    to_customer("plan_changed", &[EffectKind::PlanChanged], "a subscription has another price"),
    to_customer(
        "cancellation_scheduled",
        &[EffectKind::CancellationScheduled],
        "a subscription was cancelled and will end",
    ),
    to_customer(
        "cancellation_withdrawn",
        &[EffectKind::CancellationWithdrawn],
        "a cancellation was taken back",
    ),
    Letter {
        declinable: true,
        ..to_customer(
            "survey",
            &[EffectKind::SubscriptionEnded],
            "a subscription has ended, and there is a survey",
        )
    },
    to_customer(
        "card_removed",
        &[EffectKind::PaymentMethodDetached],
        "a payment method was removed",
    ),
    to_customer(
        "card_expiring",
        &[EffectKind::CardExpiring],
        "a card expires before it can pay for the next period",
    ),
    to_customer(
        "refund",
        &[EffectKind::PaymentRefunded],
        "a payment was refunded, in part or in full",
    ),
    to_customer("access_ended", &[EffectKind::AccessRevoked], "a user's access has ended"),
    to_customer(
        "order_failed",
        &[EffectKind::OrderFailed],
        "the delayed payment of a purchase failed",
    ),
    to_operator("dispute_opened", &[EffectKind::DisputeOpened], "a bank asks for a payment back"),
    to_operator("dispute_closed", &[EffectKind::DisputeClosed], "a dispute is decided"),
    to_operator(
        "double_subscription",
        &[EffectKind::DoubleSubscription],
        "a user pays for several subscriptions",
    ),
    to_operator("event_failed", &[EffectKind::EventFailed], "an event could not be applied"),
    to_operator("silence", &[EffectKind::Silence], "Stripe has sent nothing for longer than usual"),
];

/// Returns the letter that tells facts of this kind.
pub(super) fn of(kind: EffectKind) -> Option<&'static Letter> {
    ALL.iter().find(|it| it.kinds.contains(&kind))
}

/// Returns the letter of this name, if it has this variant; a letter with variants has none
/// without a name.
pub(super) fn find(name: &str, variant: &str) -> Option<&'static Letter> {
    ALL.iter().find(|it| it.name == name && it.variants.contains(&variant))
}

impl Letter {
    /// Returns the names that its files begin with.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.variants.iter().map(|it| self.named(it))
    }

    /// Returns the name of the variant that these values ask for.
    pub(super) fn name_of(&self, values: &Values) -> String {
        self.named(if self.variants.len() > 1 { values.level } else { "" })
    }

    fn named(&self, variant: &str) -> String {
        let dot = if variant.is_empty() { "" } else { "." };
        format!("{}{dot}{variant}", self.name)
    }
}

/// Returns where a customer is written to.
pub(super) fn address_of(known: &Known) -> Option<&str> {
    let odd = |it: char| it.is_control() || it.is_whitespace() || "<>,;\"\\".contains(it);
    let right = |it: &&str| {
        let (name, host) = it.rsplit_once('@').unwrap_or_default();
        !name.is_empty() && !host.is_empty() && it.len() <= 254 && !it.contains(odd)
    };
    let of_page = || session(known).and_then(|it| it.email.as_deref());
    known.email.as_deref().filter(right).or_else(|| of_page().filter(right))
}

/// Returns the languages that a customer prefers, the best first; somebody who bought without
/// being a customer reads the language of the page.
pub(super) fn preferred_locales(known: &Known) -> Vec<&str> {
    let customer = known.customer.iter().flat_map(|it| &it.preferred_locales);
    let page = session(known).and_then(|it| it.locale.as_ref());
    customer.chain(page).map(String::as_str).collect()
}

/// Returns how a customer is called.
pub(super) fn name_of(known: &Known) -> String {
    let of_page = || session(known).and_then(|it| it.name.as_deref());
    known.name.as_deref().or_else(of_page).map(plain::name).unwrap_or_default()
}

fn session(known: &Known) -> Option<&CheckoutSession> {
    match &known.subject {
        Some(Object::CheckoutSession(it)) => Some(it),
        _ => None,
    }
}

/// Returns how urgent a payment that failed is: as the dunning says, else as the invoice does.
pub(super) fn level(known: &Known) -> &'static str {
    let of_invoice = || {
        let invoice = invoice(known)?;
        Some(match (invoice.next_payment_attempt, invoice.attempt_count) {
            (None, _) => Level::Last,
            (Some(_), ..=1) => Level::First,
            (Some(_), _) => Level::Further,
        })
    };
    let level = known.dunning.as_ref().map(|it| it.level).or_else(of_invoice);
    match level.unwrap_or(Level::First) {
        Level::First => LEVELS[0],
        Level::Further => LEVELS[1],
        Level::Last => LEVELS[2],
    }
}

/// Says why there is nothing to say; `None` where there is.
pub(super) fn silence(effect: &Effect, known: &Known) -> Option<&'static str> {
    let nothing =
        |amount: Option<i64>| (amount.unwrap_or_default() <= 0).then_some("nothing was paid");
    match effect.kind {
        EffectKind::InvoicePaid => nothing(invoice(known).and_then(|it| it.amount_paid)),
        EffectKind::OrderPaid => match session(known) {
            Some(it) if it.invoice.is_some() => Some("its invoice has a receipt"),
            it => nothing(it.and_then(|it| it.amount_total)),
        },
        EffectKind::PaymentFailed if is_first_payment(known) => {
            Some("the page where they pay has said so")
        }
        EffectKind::PaymentRecovered if has_ended(known) => {
            Some("the subscription has ended all the same")
        }
        EffectKind::RenewalUpcoming if owes(known) => Some("the last renewal is not paid"),
        EffectKind::AccessRevoked => of_access(known),
        EffectKind::PaymentMethodDetached if known.customer.is_none() => {
            Some("nobody knows whose it was")
        }
        EffectKind::DisputeOpened | EffectKind::DisputeClosed if known.subject.is_none() => {
            Some("the dispute is gone")
        }
        _ => None,
    }
}

/// Which other mail tells of the same attempt: one is enough. Whoever has to confirm a payment
/// reads that, and whoever has no further chance reads the last notice.
pub(super) fn instead(effect: &Effect, known: &Known) -> Option<EffectKind> {
    let is_last = level(known) == LEVELS[2] && !is_first_payment(known);
    match effect.kind {
        _ if !known.to_confirm => None,
        EffectKind::PaymentFailed if !is_last => Some(EffectKind::PaymentActionRequired),
        EffectKind::PaymentActionRequired if is_last => Some(EffectKind::PaymentFailed),
        _ => None,
    }
}

/// The invoice that the fact is about, else the one around it.
pub(super) fn invoice(known: &Known) -> Option<&Invoice> {
    match &known.subject {
        Some(Object::Invoice(it)) => Some(it),
        _ => known.invoice.as_ref(),
    }
}

/// Whether the subscription is over, so that no payment brings it back.
pub(super) fn has_ended(known: &Known) -> bool {
    let status = known.subscription.as_ref().map(|it| &it.status);
    matches!(status, Some(SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired))
}

fn owes(known: &Known) -> bool {
    let status = known.subscription.as_ref().map(|it| &it.status);
    matches!(status, Some(SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid))
}

/// A subscription that never began has nothing to lose.
fn is_first_payment(known: &Known) -> bool {
    let status = known.subscription.as_ref().map(|it| &it.status);
    matches!(status, Some(SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired))
}

/// Who lost a dispute, or is gone, is not written to.
fn of_access(known: &Known) -> Option<&'static str> {
    match known.access.as_ref()?.reason {
        Reason::CustomerDeleted => Some("the customer was deleted"),
        Reason::DisputeLost | Reason::DisputeOpen => Some("the payment is disputed"),
        _ => None,
    }
}
