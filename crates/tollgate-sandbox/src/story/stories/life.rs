//! A subscription's life: how it begins, how its invoices are made, paid and refused. Stripe does
//! all that follows from one cause within a second, so no time passes inside these functions.

use crate::story::json::Json;
use crate::story::objects::catalog::{Tariff, discount};
use crate::story::objects::customer::{customer, payment_method};
use crate::story::objects::invoice::{self, LineTerms, invoice, invoice_payment};
use crate::story::objects::payment::{charge, payment_error, payment_intent, refuse};
use crate::story::objects::session::{self, Mode, session};
use crate::story::objects::subscription::{period_end, set_period, subscription};
use crate::story::teller::Teller;
use crate::story::versions::ApiVersionShape;

/// A failed payment is tried again after this many days, attempt by attempt.
pub(super) const RETRY_DAYS: [i64; 3] = [3, 5, 7];

/// A customer's subscription and what surrounds it.
#[derive(Debug)]
pub(super) struct Life {
    pub customer: Json,
    pub card: Json,
    pub tariff: Tariff,
    pub subscription: Json,
    pub invoice: Json,
    pub intent: Json,
    pub charge: Json,
    pub invoice_payment: Json,
    /// How many invoices have a number.
    pub invoices: u32,
}

/// The application creates the customer.
pub(super) fn meet(teller: &mut Teller<'_>) -> Json {
    teller.by_request();
    let customer = customer(teller);
    teller.tell("customer.created", &customer);
    customer
}

/// The customer's card becomes the one that pays.
pub(super) fn attach_card(teller: &mut Teller<'_>, customer: &mut Json) -> Json {
    let card = payment_method(teller);
    teller.tell("payment_method.attached", &card);
    let address = teller.person.address.clone();
    teller.change("customer.updated", customer, |customer| {
        customer.set("address", address);
        customer.set("invoice_settings.default_payment_method", card.id());
    });
    card
}

impl Life {
    /// A life before its subscription begins.
    pub(super) fn new(customer: Json, tariff: Tariff) -> Self {
        Self {
            customer,
            card: Json::Null,
            tariff,
            subscription: Json::Null,
            invoice: Json::Null,
            intent: Json::Null,
            charge: Json::Null,
            invoice_payment: Json::Null,
            invoices: 0,
        }
    }

    /// The customer pays in Checkout; the subscription is bought in one second.
    pub(super) fn by_checkout(teller: &mut Teller<'_>, tariff: Tariff) -> Self {
        let customer = meet(teller);
        let mut life = Self::new(customer, tariff);
        life.check_out(teller, None);
        life
    }

    /// Pays in Checkout, with a promotion code or without one.
    pub(super) fn check_out(&mut self, teller: &mut Teller<'_>, code: Option<&Json>) {
        teller.wait_between(2, 20);
        let mut page = session(teller, &self.tariff, Mode::Subscription);
        teller.wait_between(30, 240);
        teller.by_request();
        self.card = attach_card(teller, &mut self.customer);
        self.begin(teller, code.map(|code| (code, page.text("id").to_owned())).as_ref());
        self.come_back(teller, &mut page, "paid", code);
    }

    /// The session completes, which Stripe does by itself.
    pub(super) fn come_back(
        &self,
        teller: &mut Teller<'_>,
        page: &mut Json,
        status: &'static str,
        code: Option<&Json>,
    ) {
        session::complete(teller, page, status);
        page.set("invoice", self.invoice.id());
        page.set("subscription", self.subscription.id());
        page.set("amount_total", self.invoice.int("total"));
        let off = self.invoice.int("subtotal") - self.invoice.int("total");
        page.set("total_details.amount_discount", off);
        if let Some(code) = code {
            let coupon = code.get("promotion.coupon").id();
            let discount = Json::object([("coupon", coupon), ("promotion_code", code.id())]);
            page.set("discounts", vec![discount]);
        }
        teller.by_itself();
        teller.tell("checkout.session.completed", page);
    }

    /// Creates the subscription and pays its first invoice. Before basil, Checkout created the
    /// subscription incomplete and the payment made it active; since then it is paid first.
    fn begin(&mut self, teller: &mut Teller<'_>, code: Option<&(&Json, String)>) {
        let paid_first = teller.cast.api_version >= ApiVersionShape::Basil;
        self.create(teller);
        let discount = code.map(|(code, session)| {
            let discount = discount(teller, code, session, self.subscription.text("id"));
            self.subscription.set("discounts", vec![discount.clone()]);
            discount
        });
        let end = period_end(&self.subscription);
        let terms = LineTerms::period(&self.tariff, teller.now, end);
        let mut first = invoice(teller, &self.subscription, "subscription_create", &[terms]);
        if let Some(discount) = &discount {
            invoice::take_off(&mut first, discount);
        }
        self.subscription.set("latest_invoice", first.id());
        if !paid_first {
            self.subscription.set("status", "incomplete");
        }
        teller.tell("customer.subscription.created", &self.subscription);
        if let Some(discount) = &discount {
            teller.tell("customer.discount.created", discount);
        }
        self.open(teller, first);
        self.pay(teller);
        self.become_status(teller, "active");
    }

    /// Makes the subscription, without telling anyone.
    pub(super) fn create(&mut self, teller: &mut Teller<'_>) {
        let end = self.tariff.period_end(teller.now);
        self.subscription = subscription(teller, &self.tariff, &self.card.id(), end);
    }

    /// The draft becomes an open invoice with a payment to make.
    pub(super) fn open(&mut self, teller: &mut Teller<'_>, draft: Json) {
        teller.tell("invoice.created", &draft);
        self.invoice = draft;
        self.finalize(teller);
    }

    /// Finalizes the current draft.
    pub(super) fn finalize(&mut self, teller: &mut Teller<'_>) {
        self.invoices += 1;
        invoice::finalize(teller, &mut self.invoice, self.invoices);
        if self.invoice.int("amount_due") == 0 {
            teller.tell("invoice.finalized", &self.invoice);
            return;
        }
        let what = if self.invoice.text("billing_reason") == "subscription_create" {
            "Subscription creation"
        } else {
            "Subscription update"
        };
        self.intent = payment_intent(teller, &self.tariff, self.invoice.int("amount_due"), what);
        self.intent.set("invoice", self.invoice.id());
        self.intent.set("payment_method", self.card.id());
        self.invoice_payment = invoice_payment(teller, &self.invoice, &self.intent);
        self.charge = Json::Null;
        self.note_payment();
        teller.tell("invoice.finalized", &self.invoice);
        teller.tell("payment_intent.created", &self.intent);
    }

    /// The invoice knows its payment and, for older versions, the charge.
    fn note_payment(&mut self) {
        let mut payment = self.invoice_payment.clone();
        if !self.charge.is_null() {
            payment.set("payment.charge", self.charge.id());
        }
        self.invoice.set("payments.data", vec![payment]);
    }

    /// The open invoice is paid.
    pub(super) fn pay(&mut self, teller: &mut Teller<'_>) {
        let before = self.invoice.clone();
        let (now, amount) = (teller.now, self.invoice.int("amount_due"));
        if amount > 0 {
            self.succeed(teller, amount);
        }
        let invoice = &mut self.invoice;
        invoice.set("amount_paid", amount);
        invoice.set("amount_remaining", 0);
        invoice.set("attempt_count", before.int("attempt_count") + i64::from(amount > 0));
        invoice.set("attempted", true);
        invoice.set("auto_advance", false);
        invoice.set("next_payment_attempt", Json::Null);
        invoice.set("status", "paid");
        invoice.set("status_transitions.paid_at", now);
        teller.tell_change("invoice.updated", &before, &self.invoice);
        teller.tell("invoice.paid", &self.invoice);
        teller.tell("invoice.payment_succeeded", &self.invoice);
        if amount > 0 {
            teller.tell("invoice_payment.paid", &self.invoice_payment);
        }
    }

    fn succeed(&mut self, teller: &mut Teller<'_>, amount: i64) {
        self.intent.set("payment_method", self.card.id());
        self.charge = charge(teller, &self.intent);
        self.intent.set("amount_received", amount);
        self.intent.set("last_payment_error", Json::Null);
        self.intent.set("latest_charge", self.charge.clone());
        self.intent.set("next_action", Json::Null);
        self.intent.set("status", "succeeded");
        teller.tell("payment_intent.succeeded", &self.intent);
        teller.tell("charge.succeeded", &self.charge);
        self.invoice_payment.set("amount_paid", amount);
        self.invoice_payment.set("status", "paid");
        self.invoice_payment.set("status_transitions.paid_at", teller.now);
        self.note_payment();
    }

    /// The bank refuses; Stripe tries again at `next`, or never.
    pub(super) fn decline(&mut self, teller: &mut Teller<'_>, next: Option<i64>) {
        const CODES: [&str; 3] = ["insufficient_funds", "generic_decline", "do_not_honor"];
        let code = teller.ids.dice().pick(&CODES);
        self.charge = charge(teller, &self.intent);
        refuse(&mut self.charge, code);
        let error = payment_error(&self.charge, &self.card, code);
        self.intent.set("last_payment_error", error);
        self.intent.set("latest_charge", self.charge.clone());
        self.intent.set("payment_method", Json::Null);
        self.intent.set("status", "requires_payment_method");
        teller.tell("charge.failed", &self.charge);
        teller.tell("payment_intent.payment_failed", &self.intent);
        self.count_attempt(teller, next);
        teller.tell("invoice.payment_failed", &self.invoice);
        self.intent.set("payment_method", self.card.id());
    }

    /// The invoice counts an attempt that did not pay it.
    pub(super) fn count_attempt(&mut self, teller: &mut Teller<'_>, next: Option<i64>) {
        let before = self.invoice.clone();
        self.note_payment();
        let invoice = &mut self.invoice;
        invoice.set("attempt_count", before.int("attempt_count") + 1);
        invoice.set("attempted", true);
        invoice.set("auto_advance", next.is_some());
        invoice.set("next_payment_attempt", next);
        teller.tell_change("invoice.updated", &before, invoice);
    }

    /// The subscription's status changes, if it is another one.
    pub(super) fn become_status(&mut self, teller: &mut Teller<'_>, status: &'static str) {
        if self.subscription.text("status") != status {
            self.update(teller, |subscription| subscription.set("status", status));
        }
    }

    /// The subscription changes.
    pub(super) fn update(&mut self, teller: &mut Teller<'_>, edit: impl FnOnce(&mut Json)) {
        teller.change("customer.subscription.updated", &mut self.subscription, edit);
    }

    /// A period ends: the next one begins with a draft, which is final an hour later.
    pub(super) fn renew(&mut self, teller: &mut Teller<'_>, edit: impl FnOnce(&mut Json)) {
        let start = period_end(&self.subscription);
        let end = self.tariff.period_end(start);
        teller.until(start);
        teller.by_itself();
        let terms = LineTerms::period(&self.tariff, start, end);
        let mut draft = invoice(teller, &self.subscription, "subscription_cycle", &[terms]);
        draft.set("period_start", self.subscription.int("items.data.0.current_period_start"));
        draft.set("next_payment_attempt", draft.int("automatically_finalizes_at"));
        let id = draft.id();
        self.update(teller, |subscription| {
            set_period(subscription, start, end);
            subscription.set("latest_invoice", id);
            edit(subscription);
        });
        teller.tell("invoice.created", &draft);
        self.invoice = draft;
        teller.wait(crate::story::calendar::HOUR);
        self.finalize(teller);
    }

    /// A period ends and the next one is paid.
    pub(super) fn renew_and_pay(&mut self, teller: &mut Teller<'_>) {
        self.renew(teller, |_| {});
        self.pay(teller);
    }

    /// The subscription ends now.
    pub(super) fn end(&mut self, teller: &mut Teller<'_>, reason: &'static str) {
        let now = teller.now;
        let subscription = &mut self.subscription;
        if subscription.get("canceled_at").is_null() {
            subscription.set("canceled_at", now);
        }
        subscription.set("ended_at", now);
        subscription.set("status", "canceled");
        subscription.set("cancellation_details.reason", reason);
        teller.tell("customer.subscription.deleted", &self.subscription);
    }
}
