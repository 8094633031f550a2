//! All that is known of one user's customers, indexed: which payments belong to what, what was
//! given back, what is owed.

use std::collections::BTreeMap;

use tollgate_stripe::id::{CustomerId, InvoiceId};
use tollgate_stripe::object::{
    Charge, CheckoutSession, Customer, Dispute, Entitlements, Invoice, InvoicePayment,
    InvoiceStatus, Object, PaymentIntent, Refund, Subscription,
};

use super::access::Claim;
use super::policy::Policy;
use super::reversal::{self, Returned, Share};
use super::{charge, dispute, invoice, payment, period};

/// A charge and an invoice of one customer with the same amount belong together if no more than
/// this lies between them and nothing else fits: since 2025-03-31.basil a charge does not name
/// its invoice, and not every endpoint listens to `invoice_payment.paid`.
const SAME_PAYMENT_SECS: i64 = 3_600;

/// How much an object weighs for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// Not at all.
    None,
    /// Always.
    Access,
    /// It ties a payment to what it paid; asked for only where money went back.
    Link,
    /// Money went back.
    Reversal,
}

/// Returns how much an object weighs, so that years of paid invoices are not read for nothing.
pub fn bearing(object: &Object) -> Bearing {
    match object {
        Object::Customer(_)
        | Object::Subscription(_)
        | Object::CheckoutSession(_)
        | Object::Entitlements(_) => Bearing::Access,
        Object::Invoice(it) if invoice::is_owed(it) => Bearing::Access,
        Object::Charge(it) if charge::is_reversed(it) => Bearing::Reversal,
        Object::Refund(_) | Object::Dispute(_) => Bearing::Reversal,
        Object::Invoice(_)
        | Object::InvoicePayment(_)
        | Object::PaymentIntent(_)
        | Object::Charge(_) => Bearing::Link,
        Object::PaymentMethod(_)
        | Object::Product(_)
        | Object::Price(_)
        | Object::Coupon(_)
        | Object::PromotionCode(_)
        | Object::Discount(_) => Bearing::None,
    }
}

/// The objects of one user, by kind.
#[derive(Debug, Default)]
pub struct Ledger<'a> {
    /// Customers.
    pub customers: Vec<&'a Customer>,
    /// Subscriptions of any status.
    pub subscriptions: Vec<&'a Subscription>,
    /// Checkout sessions of any mode.
    pub sessions: Vec<&'a CheckoutSession>,
    /// What Stripe says they may use.
    pub entitlements: Vec<&'a Entitlements>,
    invoices: Vec<&'a Invoice>,
    payments: BTreeMap<&'a str, Payment<'a>>,
}

/// One payment: all objects that speak of it.
#[derive(Debug, Default)]
struct Payment<'a> {
    intent: Option<&'a PaymentIntent>,
    charges: Vec<&'a Charge>,
    refunds: Vec<&'a Refund>,
    disputes: Vec<&'a Dispute>,
    links: Vec<&'a InvoicePayment>,
}

impl<'a> Ledger<'a> {
    /// Indexes the objects of one user.
    pub fn new(objects: impl Iterator<Item = &'a Object> + Clone) -> Self {
        let intents = intents_of_charges(objects.clone());
        let mut ledger = Self::default();
        for object in objects {
            let [intent, charge] = payment::names(object);
            let id = intent.or_else(|| charge.map(|it| *intents.get(it).unwrap_or(&it)));
            ledger.enter(object, id);
        }
        ledger
    }

    fn enter(&mut self, object: &'a Object, payment: Option<&'a str>) {
        match (object, payment) {
            (Object::Customer(it), _) => self.customers.push(it),
            (Object::Subscription(it), _) => self.subscriptions.push(it),
            (Object::CheckoutSession(it), _) => self.sessions.push(it),
            (Object::Entitlements(it), _) => self.entitlements.push(it),
            (Object::Invoice(it), _) => self.invoices.push(it),
            (Object::PaymentIntent(it), Some(id)) => self.payment(id).intent = Some(it),
            (Object::Charge(it), Some(id)) => self.payment(id).charges.push(it),
            (Object::Refund(it), Some(id)) => self.payment(id).refunds.push(it),
            (Object::Dispute(it), Some(id)) => self.payment(id).disputes.push(it),
            (Object::InvoicePayment(it), Some(id)) => self.payment(id).links.push(it),
            _ => {}
        }
    }

    fn payment(&mut self, id: &'a str) -> &mut Payment<'a> {
        self.payments.entry(id).or_default()
    }

    /// Whether this customer was deleted at Stripe.
    pub fn is_deleted(&self, customer: Option<&CustomerId>) -> bool {
        self.customers.iter().any(|it| it.deleted && Some(&it.id) == customer)
    }

    /// The subscription's invoices whose money was asked for and has not come.
    pub fn owed(&self, subscription: &Subscription) -> impl Iterator<Item = &'a Invoice> {
        let of_it = |it: &&Invoice| it.subscription.as_ref() == Some(&subscription.id);
        self.invoices.iter().copied().filter(of_it).filter(|it| invoice::is_owed(it))
    }

    /// Applies refunds and disputes of what was paid for the subscription's present period: giving
    /// back an older one takes nothing from it.
    pub fn reverse_subscription(
        &self,
        it: &Subscription,
        policy: &Policy,
        now: i64,
        claim: &mut Claim,
    ) {
        let paid = self.invoices.iter().copied().filter(|invoice| {
            invoice.subscription.as_ref() == Some(&it.id)
                && invoice.status == InvoiceStatus::Paid
                && invoice.amount_paid.unwrap_or(0) > 0
                && invoice.id.is_some()
        });
        let shares: Vec<Share> =
            period::paid_for(it, paid.collect()).into_iter().map(|it| self.share(it)).collect();
        reversal::of_period(&shares).judge(policy, now, claim);
    }

    /// What was paid with an invoice, and what went back of it.
    fn share(&self, invoice: &Invoice) -> Share {
        let of_it = self.payments.iter().filter(|(id, payment)| {
            self.invoice_of(id, payment).is_some_and(|it| Some(it) == invoice.id.as_ref())
        });
        let payments: Vec<&Payment<'_>> = of_it.map(|(_, payment)| payment).collect();
        let since = |state| payments.iter().filter_map(|it| it.disputed(state)).min();
        Share {
            paid: invoice.amount_paid.unwrap_or(0),
            back: payments.iter().map(|it| it.back()).sum(),
            is_more: invoice::is_more(invoice),
            lost: since(dispute::is_lost),
            open: since(dispute::is_open),
            refunded: payments.iter().filter_map(|it| it.refunded()).max(),
        }
    }

    /// Applies refunds and disputes of a one-time purchase.
    pub fn reverse_purchase(
        &self,
        it: &CheckoutSession,
        policy: &Policy,
        now: i64,
        claim: &mut Claim,
    ) {
        let intent = it.payment_intent.as_ref().map(AsRef::as_ref);
        for (id, payment) in &self.payments {
            let by_invoice =
                it.invoice.is_some() && self.invoice_of(id, payment) == it.invoice.as_ref();
            if Some(*id) == intent || by_invoice {
                payment.returned(it.amount_total).judge(policy, now, claim);
            }
        }
    }

    fn invoice_of(&self, id: &str, payment: &'a Payment<'a>) -> Option<&InvoiceId> {
        let named = (payment.links.iter().filter_map(|it| it.invoice.as_ref()))
            .chain(payment.charges.iter().filter_map(|it| it.invoice.as_ref()))
            .chain(payment.intent.iter().filter_map(|it| it.invoice.as_ref()))
            .next();
        named.or_else(|| self.invoice_naming(id, payment)).or_else(|| self.invoice_like(payment))
    }

    fn invoice_naming(&self, id: &str, payment: &Payment<'_>) -> Option<&InvoiceId> {
        let names_it = |invoice: &&&Invoice| {
            invoice.payment_intent.as_ref().is_some_and(|it| it.as_str() == id)
                || payment.charges.iter().any(|it| invoice.charge.as_ref() == Some(&it.id))
        };
        self.invoices.iter().find(names_it).and_then(|it| it.id.as_ref())
    }

    /// The only paid invoice with the charge's customer, amount, currency and time, if the
    /// payment is no purchase of its own.
    fn invoice_like(&self, payment: &Payment<'_>) -> Option<&InvoiceId> {
        let charge = payment.charges.first()?;
        let bought = |it: &&CheckoutSession| it.payment_intent == charge.payment_intent;
        if charge.payment_intent.is_some() && self.sessions.iter().any(bought) {
            return None;
        }
        let mut alike = self.invoices.iter().filter(|it| {
            it.status == InvoiceStatus::Paid
                && it.customer == charge.customer
                && it.amount_paid == Some(charge.amount)
                && it.currency == charge.currency
                && near(it.paid_at.or(it.created), charge.created)
        });
        match (alike.next(), alike.next()) {
            (Some(invoice), None) => invoice.id.as_ref(),
            _ => None,
        }
    }
}

fn near(a: Option<i64>, b: Option<i64>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.abs_diff(b) <= SAME_PAYMENT_SECS.unsigned_abs())
}

/// Charge id to payment intent id, where a charge that was seen tells it.
fn intents_of_charges<'a>(objects: impl Iterator<Item = &'a Object>) -> BTreeMap<&'a str, &'a str> {
    let pairs = objects.filter_map(|object| match payment::names(object) {
        [Some(intent), Some(charge)] => Some((charge, intent)),
        _ => None,
    });
    pairs.collect()
}

impl Payment<'_> {
    /// What went back. `paid` is what it paid for, in the currency's minor units: not every
    /// endpoint listens to charges.
    fn returned(&self, paid: Option<i64>) -> Returned {
        let whole = self.fully_refunded(paid);
        Returned {
            lost: self.disputed(dispute::is_lost),
            whole,
            open: self.disputed(dispute::is_open),
            part: self.refunded().xor(whole),
        }
    }

    fn disputed(&self, state: fn(&Dispute) -> bool) -> Option<i64> {
        self.disputes.iter().filter(|it| state(it)).map(|it| it.created.unwrap_or(0)).min()
    }

    fn fully_refunded(&self, paid: Option<i64>) -> Option<i64> {
        let amount = self.amount().or(paid).filter(|it| *it > 0);
        let by_charge = self.charges.iter().any(|it| it.refunded);
        let whole = by_charge || amount.is_some_and(|it| self.given_back() >= it);
        whole.then(|| self.refunded_at())
    }

    fn refunded(&self) -> Option<i64> {
        let by_charge = self.charges.iter().any(|it| it.refunded);
        (by_charge || self.given_back() > 0).then(|| self.refunded_at())
    }

    fn amount(&self) -> Option<i64> {
        let succeeded = self.charges.iter().find(|it| it.amount_captured.unwrap_or(it.amount) > 0);
        succeeded
            .map(|it| it.amount_captured.filter(|it| *it > 0).unwrap_or(it.amount))
            .or_else(|| self.intent.and_then(|it| it.amount_received.or(it.amount)))
    }

    /// What the charges say was given back, or the sum of the refunds, whichever knows of more.
    fn given_back(&self) -> i64 {
        let by_charges: i64 = self.charges.iter().map(|it| it.amount_refunded).sum();
        let by_refunds = self.refunds.iter().filter(|it| charge::gives_back(it));
        by_charges.max(by_refunds.map(|it| it.amount).sum())
    }

    /// The same, at least all of a charge that says so.
    fn back(&self) -> i64 {
        let whole = self.charges.iter().filter(|it| it.refunded);
        let whole = whole.map(|it| it.amount_captured.filter(|it| *it > 0).unwrap_or(it.amount));
        self.given_back().max(whole.sum())
    }

    fn refunded_at(&self) -> i64 {
        let by_refunds = self.refunds.iter().filter_map(|it| it.created).max();
        by_refunds.or_else(|| self.charges.iter().filter_map(|it| it.created).max()).unwrap_or(0)
    }
}
