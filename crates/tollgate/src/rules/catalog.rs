//! Every event type we act on, the object it carries, and why we listen to it. A type that is not
//! here is stored as `ignored`. `tollgate setup` subscribes to exactly these.

use tollgate_stripe::object::Kind;

/// How an event type is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stripe's event type.
    pub event_type: &'static str,
    /// The object it carries.
    pub kind: Kind,
    /// Why we listen to it.
    pub why: &'static str,
}

/// Returns how to read this event type; `None` is to be ignored.
pub fn entry(event_type: &str) -> Option<&'static Entry> {
    // The table is sorted, a test sees to it.
    let found = CATALOG.binary_search_by(|it| it.event_type.cmp(event_type));
    found.ok().map(|i| &CATALOG[i])
}

const fn on(event_type: &'static str, kind: Kind, why: &'static str) -> Entry {
    Entry { event_type, kind, why }
}

/// Sorted by event type.
pub const CATALOG: &[Entry] = &[
    on("charge.captured", Kind::Charge, "money that was only authorised is taken"),
    on("charge.dispute.closed", Kind::Dispute, "decides whether a disputed payment still counts"),
    on("charge.dispute.created", Kind::Dispute, "the operator must answer in time"),
    on("charge.dispute.funds_reinstated", Kind::Dispute, "the money of a dispute came back"),
    on("charge.dispute.funds_withdrawn", Kind::Dispute, "the money of a dispute left"),
    on("charge.dispute.updated", Kind::Dispute, "its status and deadline change"),
    on("charge.expired", Kind::Charge, "an authorisation was never captured"),
    on("charge.failed", Kind::Charge, "shows why a payment failed"),
    on("charge.pending", Kind::Charge, "a delayed payment is under way"),
    on("charge.refund.updated", Kind::Refund, "a refund may fail after all"),
    on("charge.refunded", Kind::Charge, "a full refund revokes, a partial one does not"),
    on("charge.succeeded", Kind::Charge, "ties a payment to its customer"),
    on("charge.updated", Kind::Charge, "keeps the charge as Stripe has it"),
    on("checkout.session.async_payment_failed", Kind::CheckoutSession, "a delayed payment failed"),
    on("checkout.session.async_payment_succeeded", Kind::CheckoutSession, "a delayed payment came"),
    on("checkout.session.completed", Kind::CheckoutSession, "a purchase, and who made it"),
    on("checkout.session.expired", Kind::CheckoutSession, "nothing was bought"),
    on("coupon.created", Kind::Coupon, "lists the discounts"),
    on("coupon.deleted", Kind::Coupon, "lists the discounts"),
    on("coupon.updated", Kind::Coupon, "counts how often a discount was used"),
    on("customer.created", Kind::Customer, "its metadata may name the user"),
    on("customer.deleted", Kind::Customer, "ends whatever the customer had"),
    on("customer.discount.created", Kind::Discount, "counts how often a discount was given"),
    on("customer.subscription.created", Kind::Subscription, "the start of paid access"),
    on("customer.subscription.deleted", Kind::Subscription, "the end of paid access"),
    on("customer.subscription.paused", Kind::Subscription, "a trial ended without a card"),
    on(
        "customer.subscription.pending_update_applied",
        Kind::Subscription,
        "a change that waited for its payment took effect",
    ),
    on(
        "customer.subscription.pending_update_expired",
        Kind::Subscription,
        "a change that waited for its payment was dropped",
    ),
    on("customer.subscription.resumed", Kind::Subscription, "access returns after a pause"),
    on("customer.subscription.trial_will_end", Kind::Subscription, "three days to add a card"),
    on("customer.subscription.updated", Kind::Subscription, "status, plan, period, cancellation"),
    on("customer.updated", Kind::Customer, "its metadata may name the user"),
    on(
        "entitlements.active_entitlement_summary.updated",
        Kind::Entitlements,
        "features that Stripe grants",
    ),
    on("invoice.created", Kind::Invoice, "the next invoice of a subscription"),
    on("invoice.deleted", Kind::Invoice, "a draft is gone"),
    on("invoice.finalization_failed", Kind::Invoice, "Stripe cannot ask for the money"),
    on("invoice.finalized", Kind::Invoice, "the money is asked for; grace counts from here"),
    on("invoice.marked_uncollectible", Kind::Invoice, "Stripe gave up on the money"),
    on("invoice.overdue", Kind::Invoice, "an invoice was not paid in time"),
    on("invoice.overpaid", Kind::Invoice, "more came than was asked for"),
    on("invoice.paid", Kind::Invoice, "the money came; one fact with payment_succeeded"),
    on("invoice.payment_action_required", Kind::Invoice, "the customer must confirm a payment"),
    on(
        "invoice.payment_attempt_required",
        Kind::Invoice,
        "the money must come by a way that Stripe does not serve",
    ),
    on("invoice.payment_failed", Kind::Invoice, "an attempt failed: dunning"),
    on("invoice.payment_succeeded", Kind::Invoice, "the money came; one fact with paid"),
    on("invoice.sent", Kind::Invoice, "an invoice went out by mail"),
    on("invoice.upcoming", Kind::Invoice, "a renewal is near; the object has no id"),
    on("invoice.updated", Kind::Invoice, "keeps the invoice as Stripe has it"),
    on("invoice.voided", Kind::Invoice, "the money is not owed any more"),
    on("invoice.will_be_due", Kind::Invoice, "an invoice is due soon"),
    on("invoice_payment.paid", Kind::InvoicePayment, "ties a payment to its invoice"),
    on("payment_intent.amount_capturable_updated", Kind::PaymentIntent, "money is authorised"),
    on("payment_intent.canceled", Kind::PaymentIntent, "the payment will not come"),
    on("payment_intent.created", Kind::PaymentIntent, "a payment begins"),
    on("payment_intent.partially_funded", Kind::PaymentIntent, "part of a bank transfer came"),
    on("payment_intent.payment_failed", Kind::PaymentIntent, "shows why a payment failed"),
    on("payment_intent.processing", Kind::PaymentIntent, "a delayed payment is under way"),
    on("payment_intent.requires_action", Kind::PaymentIntent, "the customer must confirm"),
    on("payment_intent.succeeded", Kind::PaymentIntent, "the money of an order came"),
    on("payment_method.attached", Kind::PaymentMethod, "the customer has a card"),
    on(
        "payment_method.automatically_updated",
        Kind::PaymentMethod,
        "the card network replaced a card",
    ),
    on("payment_method.detached", Kind::PaymentMethod, "the customer needs another card"),
    on("payment_method.updated", Kind::PaymentMethod, "a card's expiry changed"),
    on("price.created", Kind::Price, "lists what is sold"),
    on("price.deleted", Kind::Price, "lists what is sold"),
    on("price.updated", Kind::Price, "a lookup key may move to another price"),
    on("product.created", Kind::Product, "lists what is sold"),
    on("product.deleted", Kind::Product, "lists what is sold"),
    on("product.updated", Kind::Product, "lists what is sold"),
    on("promotion_code.created", Kind::PromotionCode, "lists the codes"),
    on("promotion_code.updated", Kind::PromotionCode, "counts how often a code was used"),
    on("refund.created", Kind::Refund, "money is given back"),
    on("refund.failed", Kind::Refund, "money could not be given back"),
    on("refund.updated", Kind::Refund, "a refund proceeds"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_is_sorted_without_repetition() {
        assert!(CATALOG.windows(2).all(|it| it[0].event_type < it[1].event_type));
    }

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        for it in CATALOG {
            assert_eq!(entry(it.event_type), Some(it));
        }
        assert_eq!(entry("customer.discount.deleted"), None);
        assert_eq!(entry(""), None);
    }
}
