//! Which stories there are, and which of them tells of an event type.

use super::StoryEvent;
use super::cast::Cast;
use super::stories::{
    disputes, endings, failures, invoices, money_back, orders, plan_changes, shop, subscribing,
    thin, trials,
};
use super::teller::Teller;
use super::versions::ApiVersionShape;
use crate::dice::Dice;

/// What a story is called and what happens in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoryInfo {
    /// The name that [`story`] takes.
    pub name: &'static str,
    /// What happens, in one line.
    pub summary: &'static str,
}

type Telling = fn(&mut Teller<'_>);

/// Every story with its telling, in reading order.
const TOLD: &[(&str, &str, Telling)] = &[
    ("subscribe_checkout", "A subscription is bought in Checkout", subscribing::checkout),
    ("subscribe_api", "A subscription is created incomplete and paid at once", subscribing::api),
    ("renewal", "A subscription renews once", subscribing::renewal),
    ("upcoming_invoice", "A renewal is announced a week before", subscribing::upcoming_invoice),
    ("discounted", "A subscription is bought with a promotion code", subscribing::discounted),
    ("entitlements", "Features come and go with a subscription", subscribing::entitlements),
    ("first_payment_fails", "A first payment fails and expires", subscribing::first_payment_fails),
    ("trial_to_paid", "A trial ends and is paid", trials::trial_to_paid),
    ("paused_resumed", "A trial ends without a card, and resumes with one", trials::paused_resumed),
    ("upgrade", "The price changes now, with a proration", plan_changes::upgrade),
    (
        "downgrade_at_period_end",
        "The price changes at the renewal",
        plan_changes::downgrade_at_period_end,
    ),
    ("pending_update", "A change waits for its payment, which comes", plan_changes::pending_update),
    (
        "pending_update_expired",
        "A change waits for its payment in vain",
        plan_changes::pending_update_expired,
    ),
    ("cancel_uncancel", "A cancellation is taken back", endings::cancel_uncancel),
    ("cancel_at_period_end", "A subscription ends with its period", endings::cancel_at_period_end),
    ("cancel_in_portal", "The same through `cancel_at` alone", endings::cancel_in_portal),
    ("cancel_now", "A subscription ends at once", endings::cancel_now),
    ("customer_deleted", "A customer is deleted with the subscription", endings::customer_deleted),
    (
        "two_subscriptions",
        "A second subscription goes on when the first ends",
        endings::two_subscriptions,
    ),
    ("renewal_fails", "A renewal fails and stays past due", failures::renewal_fails),
    (
        "renewal_fails_recovers",
        "Two attempts fail, the third is paid",
        failures::renewal_fails_recovers,
    ),
    (
        "renewal_fails_canceled",
        "Four attempts fail and the subscription ends",
        endings::renewal_fails_canceled,
    ),
    (
        "renewal_fails_unpaid",
        "Four attempts fail and the subscription is unpaid",
        endings::renewal_fails_unpaid,
    ),
    ("action_required", "A renewal needs the customer, who confirms", failures::action_required),
    ("one_time_purchase", "A one-time purchase, paid at once", orders::one_time_purchase),
    ("guest_purchase", "A one-time purchase without a customer", orders::guest_purchase),
    ("delayed_payment", "A one-time purchase, paid days later", orders::delayed_payment),
    (
        "delayed_payment_failed",
        "A one-time purchase whose debit is returned",
        orders::delayed_payment_failed,
    ),
    ("checkout_expired", "A Checkout session expires", orders::checkout_expired),
    ("authorize_capture", "An amount is held and captured", orders::authorize_capture),
    ("authorize_expired", "An amount is held and let go", orders::authorize_expired),
    ("refund_full", "A subscription's payment is refunded", money_back::refund_full),
    ("refund_partial", "A quarter of it is refunded", money_back::refund_partial),
    ("order_refund_full", "A one-time purchase is refunded", money_back::order_refund_full),
    ("order_refund_partial", "A quarter of it is refunded", money_back::order_refund_partial),
    ("refund_failed", "A refund does not reach the customer", money_back::refund_failed),
    ("dispute_lost", "A dispute is lost", disputes::dispute_lost),
    ("dispute_won", "A dispute is won and the money returns", disputes::dispute_won),
    ("invoice_sent_overdue", "An invoice is sent, overdue, given up", invoices::sent_overdue),
    ("invoice_voided", "An invoice is voided", invoices::voided),
    ("invoice_draft_deleted", "A draft is deleted", invoices::draft_deleted),
    ("invoice_finalization_failed", "A draft stays one", invoices::finalization_failed),
    ("catalog", "Products, prices, coupons and codes come and go", shop::catalog),
    ("customer", "A customer's address changes", shop::customer),
    ("payment_method", "A card comes, changes and goes", shop::payment_method),
    // Told as thin events, which `story` sees to.
    ("thin", "A renewal and what led to it, as thin events", subscribing::renewal),
];

/// Every story, by name.
pub const STORIES: &[StoryInfo] = &{
    let mut list = [StoryInfo { name: "", summary: "" }; TOLD.len()];
    let mut index = 0;
    while index < list.len() {
        list[index] = StoryInfo { name: TOLD[index].0, summary: TOLD[index].1 };
        index += 1;
    }
    list
};

/// The story that shows each event type best: it ends in the state that the type stands for.
const SHOWN_IN: &[(&str, &str)] = &[
    ("charge.captured", "authorize_capture"),
    ("charge.dispute.closed", "dispute_lost"),
    ("charge.dispute.created", "dispute_lost"),
    ("charge.dispute.funds_reinstated", "dispute_won"),
    ("charge.dispute.funds_withdrawn", "dispute_lost"),
    ("charge.dispute.updated", "dispute_lost"),
    ("charge.expired", "authorize_expired"),
    ("charge.failed", "renewal_fails"),
    ("charge.pending", "delayed_payment"),
    ("charge.refund.updated", "refund_full"),
    ("charge.refunded", "refund_full"),
    ("charge.succeeded", "subscribe_checkout"),
    ("charge.updated", "refund_full"),
    ("checkout.session.async_payment_failed", "delayed_payment_failed"),
    ("checkout.session.async_payment_succeeded", "delayed_payment"),
    ("checkout.session.completed", "subscribe_checkout"),
    ("checkout.session.expired", "checkout_expired"),
    ("coupon.created", "catalog"),
    ("coupon.deleted", "catalog"),
    ("coupon.updated", "catalog"),
    ("customer.created", "customer"),
    ("customer.deleted", "customer_deleted"),
    ("customer.discount.created", "discounted"),
    ("customer.subscription.created", "subscribe_checkout"),
    ("customer.subscription.deleted", "cancel_now"),
    ("customer.subscription.paused", "paused_resumed"),
    ("customer.subscription.pending_update_applied", "pending_update"),
    ("customer.subscription.pending_update_expired", "pending_update_expired"),
    ("customer.subscription.resumed", "paused_resumed"),
    ("customer.subscription.trial_will_end", "trial_to_paid"),
    ("customer.subscription.updated", "upgrade"),
    ("customer.updated", "customer"),
    ("entitlements.active_entitlement_summary.updated", "entitlements"),
    ("invoice.created", "renewal"),
    ("invoice.deleted", "invoice_draft_deleted"),
    ("invoice.finalization_failed", "invoice_finalization_failed"),
    ("invoice.finalized", "renewal"),
    ("invoice.marked_uncollectible", "invoice_sent_overdue"),
    ("invoice.overdue", "invoice_sent_overdue"),
    ("invoice.paid", "renewal"),
    ("invoice.payment_action_required", "action_required"),
    ("invoice.payment_failed", "renewal_fails"),
    ("invoice.payment_succeeded", "renewal"),
    ("invoice.sent", "invoice_sent_overdue"),
    ("invoice.upcoming", "upcoming_invoice"),
    ("invoice.updated", "renewal"),
    ("invoice.voided", "invoice_voided"),
    ("invoice.will_be_due", "invoice_sent_overdue"),
    ("invoice_payment.paid", "renewal"),
    ("payment_intent.amount_capturable_updated", "authorize_capture"),
    ("payment_intent.canceled", "authorize_expired"),
    ("payment_intent.created", "one_time_purchase"),
    ("payment_intent.payment_failed", "renewal_fails"),
    ("payment_intent.processing", "delayed_payment"),
    ("payment_intent.requires_action", "action_required"),
    ("payment_intent.succeeded", "one_time_purchase"),
    ("payment_method.attached", "payment_method"),
    ("payment_method.automatically_updated", "payment_method"),
    ("payment_method.detached", "payment_method"),
    ("payment_method.updated", "payment_method"),
    ("price.created", "catalog"),
    ("price.deleted", "catalog"),
    ("price.updated", "catalog"),
    ("product.created", "catalog"),
    ("product.deleted", "catalog"),
    ("product.updated", "catalog"),
    ("promotion_code.created", "catalog"),
    ("promotion_code.updated", "catalog"),
    ("refund.created", "refund_full"),
    ("refund.failed", "refund_failed"),
    ("refund.updated", "refund_full"),
];

/// Every event type that [`for_event`] knows. Each is also known with the prefix `v1.`, which
/// asks for thin events.
pub const EVENT_TYPES: &[&str] = &{
    let mut list = [""; SHOWN_IN.len()];
    let mut index = 0;
    while index < list.len() {
        list[index] = SHOWN_IN[index].0;
        index += 1;
    }
    list
};

/// Tells a story: its events in the true order in which they happened, or None for a name that is
/// not in [`STORIES`].
pub fn story(name: &str, cast: &Cast) -> Option<Vec<StoryEvent>> {
    let (name, _, telling) = TOLD.iter().find(|(known, _, _)| *known == name)?;
    let mut teller = Teller::new(cast, name);
    telling(&mut teller);
    let events = teller.finish();
    Some(if *name == "thin" { thinned(cast, &events) } else { events })
}

/// Tells a story whose last event happens at `end` or shortly before, whatever the cast's start;
/// so nothing in it lies in the future of someone for whom it is `end`.
pub fn story_until(name: &str, cast: &Cast, end: i64) -> Option<Vec<StoryEvent>> {
    until(cast, end, |cast| story(name, cast))
}

/// Tells a story that contains an event type, as [`for_event`], and ends as [`story_until`].
pub fn for_event_until(event_type: &str, cast: &Cast, end: i64) -> Option<Vec<StoryEvent>> {
    until(cast, end, |cast| for_event(event_type, cast))
}

fn until(
    cast: &Cast,
    end: i64,
    tell: impl Fn(&Cast) -> Option<Vec<StoryEvent>>,
) -> Option<Vec<StoryEvent>> {
    /// Months differ in length: moving the start can move the end by days, so it is done again.
    const TRIES: usize = 4;
    let mut cast = Cast { start: end, ..cast.clone() };
    let mut events = tell(&cast)?;
    for _ in 0..TRIES {
        let over = events.last().map_or(0, |last| last.created - end);
        if over <= 0 {
            break;
        }
        cast.start -= over;
        events = tell(&cast)?;
    }
    Some(events)
}

/// Returns events as a network may deliver them: each `copies` times, in the order that `seed`
/// gives.
pub fn delivered(events: &[StoryEvent], copies: usize, seed: u64) -> Vec<StoryEvent> {
    let mut dice = Dice::new(seed, "delivery");
    let mut all: Vec<StoryEvent> =
        events.iter().flat_map(|it| std::iter::repeat_n(it, copies)).cloned().collect();
    for last in (1..all.len()).rev() {
        let other = dice.below(last as u64 + 1);
        all.swap(last, usize::try_from(other).unwrap_or(last));
    }
    all
}

/// Tells a coherent story that contains an event type of [`EVENT_TYPES`], or None for a type that
/// is unknown or that the cast's API version does not have.
pub fn for_event(event_type: &str, cast: &Cast) -> Option<Vec<StoryEvent>> {
    let (bare, as_thin) = match event_type.strip_prefix(thin::PREFIX) {
        Some(bare) => (bare, true),
        None => (event_type, false),
    };
    let (_, name) = SHOWN_IN.iter().find(|(known, _)| *known == bare)?;
    if bare.starts_with("invoice_payment.") && cast.api_version < ApiVersionShape::Basil {
        return None;
    }
    let events = story(name, cast)?;
    Some(if as_thin { thinned(cast, &events) } else { events })
}

fn thinned(cast: &Cast, events: &[StoryEvent]) -> Vec<StoryEvent> {
    events.iter().map(|event| thin::twin(cast, event)).collect()
}
