//! Invoices, their lines, and the payments that belong to them.

use super::catalog::Tariff;
use super::customer::{invoice_prefix, user_metadata};
use crate::story::calendar::{DAY, HOUR, day_in_words};
use crate::story::json::{Blank, Json};
use crate::story::people::shop;
use crate::story::teller::Teller;

static INVOICE: Blank = Blank::new(include_str!("invoice.json"));
static LINE: Blank = Blank::new(include_str!("line_item.json"));
static INVOICE_PAYMENT: Blank = Blank::new(include_str!("invoice_payment.json"));

/// What a line bills: an amount for a price and a period.
#[derive(Debug, Clone)]
pub(in crate::story) struct LineTerms<'a> {
    pub tariff: &'a Tariff,
    pub amount: i64,
    pub description: String,
    pub start: i64,
    pub end: i64,
    /// The invoice and the line that a proration credits.
    pub credits: Option<(String, String)>,
    pub proration: bool,
}

impl<'a> LineTerms<'a> {
    /// A whole period of a price.
    pub(in crate::story) fn period(tariff: &'a Tariff, start: i64, end: i64) -> Self {
        let every = if tariff.yearly { "year" } else { "month" };
        let price = tariff.money(tariff.amount);
        let description = format!("1 × {} (at {price} / {every})", tariff.name());
        let amount = tariff.amount;
        Self { tariff, amount, description, start, end, credits: None, proration: false }
    }

    /// A trial, which costs nothing.
    pub(in crate::story) fn trial(tariff: &'a Tariff, start: i64, end: i64) -> Self {
        let description = format!("Free trial for 1 × {}", tariff.name());
        Self { description, amount: 0, ..Self::period(tariff, start, end) }
    }

    /// What is left of a period: charged for the new price, credited for the old one.
    pub(in crate::story) fn rest(
        tariff: &'a Tariff,
        amount: i64,
        start: i64,
        end: i64,
        credits: Option<(String, String)>,
    ) -> Self {
        let word = if amount < 0 { "Unused" } else { "Remaining" };
        let description = format!("{word} time on {} after {}", tariff.name(), day_in_words(start));
        Self { tariff, amount, description, start, end, credits, proration: true }
    }
}

/// Returns a draft of an invoice over these lines; without a subscription it has no parent.
pub(in crate::story) fn invoice(
    teller: &mut Teller<'_>,
    subscription: &Json,
    reason: &'static str,
    lines: &[LineTerms<'_>],
) -> Json {
    let id = teller.id("in_1");
    let currency = lines.first().map_or("usd", |line| line.tariff.currency);
    let total: i64 = lines.iter().map(|line| line.amount).sum();
    let rendered: Vec<Json> =
        lines.iter().map(|terms| line(teller, subscription, &id, terms)).collect();
    let mut invoice = INVOICE
        .copy()
        .with("account_country", "US")
        .with("account_name", shop(&teller.cast.product))
        .with("automatically_finalizes_at", teller.now + HOUR)
        .with("billing_reason", reason)
        .with("created", teller.now)
        .with("currency", currency)
        .with("lines.data", rendered)
        .with("lines.url", format!("/v1/invoices/{id}/lines"))
        .with("livemode", teller.cast.livemode)
        .with("period_end", teller.now)
        .with("period_start", teller.now)
        .with("id", id);
    address_to(teller, &mut invoice);
    set_total(&mut invoice, total);
    if subscription.is_null() {
        invoice.set("parent", Json::Null);
    } else {
        invoice.set("parent.subscription_details.subscription", subscription.id());
        invoice.set("parent.subscription_details.metadata", subscription.get("metadata"));
    }
    invoice
}

fn address_to(teller: &Teller<'_>, invoice: &mut Json) {
    let person = &teller.person;
    invoice.set("customer", &teller.cast.customer);
    invoice.set("customer_address", person.address.clone());
    invoice.set("customer_email", &person.email);
    invoice.set("customer_name", &person.name);
    invoice.set("customer_phone", person.phone.as_ref());
}

fn set_total(invoice: &mut Json, total: i64) {
    for key in ["amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax"] {
        invoice.set(key, total);
    }
    invoice.set("total", total);
    invoice.set("total_excluding_tax", total);
}

/// Takes a discount's percentage off an invoice of one line.
pub(in crate::story) fn take_off(invoice: &mut Json, discount: &Json) {
    let full = invoice.int("subtotal");
    let off = full * discount.get("source.coupon").int("percent_off") / 100;
    let amounts = vec![Json::object([("amount", off.into()), ("discount", discount.id())])];
    let credits = vec![Json::object([
        ("amount", off.into()),
        ("discount", discount.id()),
        ("type", "discount".into()),
    ])];
    set_total(invoice, full - off);
    invoice.set("subtotal", full);
    invoice.set("subtotal_excluding_tax", full);
    invoice.set("discounts", vec![discount.clone()]);
    invoice.set("total_discount_amounts", amounts.clone());
    invoice.set("total_pretax_credit_amounts", credits.clone());
    invoice.set("lines.data.0.discount_amounts", amounts);
    invoice.set("lines.data.0.pretax_credit_amounts", credits);
}

fn line(
    teller: &mut Teller<'_>,
    subscription: &Json,
    invoice: &str,
    terms: &LineTerms<'_>,
) -> Json {
    let mut line = LINE
        .copy()
        .with("id", teller.id("il_1"))
        .with("amount", terms.amount)
        .with("currency", terms.tariff.currency)
        .with("description", terms.description.clone())
        .with("invoice", invoice.to_owned())
        .with("livemode", teller.cast.livemode)
        .with("period.end", terms.end)
        .with("period.start", terms.start)
        .with("pricing.price_details.price", terms.tariff.price_object())
        .with("pricing.price_details.product", &terms.tariff.product)
        .with("pricing.unit_amount_decimal", terms.tariff.amount.to_string())
        .with("subtotal", terms.amount);
    if subscription.is_null() {
        let item = teller.id("ii_1");
        line.set("parent", invoice_item(item));
    } else {
        line.set("metadata", user_metadata(teller));
        line.set("subscription", subscription.id());
        subscription_parent(teller, &mut line, subscription, terms);
    }
    line
}

fn subscription_parent(
    teller: &mut Teller<'_>,
    line: &mut Json,
    subscription: &Json,
    terms: &LineTerms<'_>,
) {
    let item = subscription.get("items.data.0.id");
    line.set("parent.subscription_item_details.subscription", subscription.id());
    line.set("parent.subscription_item_details.subscription_item", item);
    if !terms.proration {
        return;
    }
    line.set("discountable", false);
    line.set("parent.subscription_item_details.proration", true);
    line.set("parent.subscription_item_details.invoice_item", teller.id("ii_1"));
    if let Some((invoice, line_id)) = &terms.credits {
        let credited = Json::object([
            ("invoice", invoice.into()),
            ("invoice_line_items", vec![line_id.into()].into()),
        ]);
        line.set("parent.subscription_item_details.proration_details.credited_items", credited);
    }
}

/// The parent of a line that an invoice item of its own put on the invoice.
fn invoice_item(id: String) -> Json {
    let details = Json::object([
        ("invoice_item", id.into()),
        ("proration", false.into()),
        ("proration_details", Json::object([("credited_items", Json::Null)])),
        ("subscription", Json::Null),
    ]);
    Json::object([
        ("invoice_item_details", details),
        ("subscription_item_details", Json::Null),
        ("type", "invoice_item_details".into()),
    ])
}

/// Opens a draft: it gets its number, its pages and its place in the customer's books.
pub(in crate::story) fn finalize(teller: &mut Teller<'_>, invoice: &mut Json, number: u32) {
    let account = teller.cast.account.clone().unwrap_or_else(|| teller.ids.account());
    let mode = if teller.cast.livemode { "live" } else { "test" };
    let secret = teller.ids.plain("", 78);
    let page = format!("https://invoice.stripe.com/i/{account}/{mode}_{secret}?s=ap");
    let file = format!("https://pay.stripe.com/invoice/{account}/{mode}_{secret}/pdf?s=ap");
    invoice.set("automatically_finalizes_at", Json::Null);
    invoice.set("effective_at", teller.now);
    invoice.set("ending_balance", 0);
    invoice.set("hosted_invoice_url", page);
    invoice.set("invoice_pdf", file);
    invoice.set("number", format!("{}-{number:04}", invoice_prefix(teller)));
    invoice.set("status", "open");
    invoice.set("status_transitions.finalized_at", teller.now);
    invoice.set("webhooks_delivered_at", invoice.int("created"));
}

/// Returns the payment of an invoice by a payment intent, still open.
pub(in crate::story) fn invoice_payment(
    teller: &mut Teller<'_>,
    invoice: &Json,
    payment_intent: &Json,
) -> Json {
    INVOICE_PAYMENT
        .copy()
        .with("id", teller.id("inpay_1"))
        .with("amount_requested", invoice.int("amount_due"))
        .with("created", teller.now)
        .with("currency", invoice.get("currency"))
        .with("invoice", invoice.id())
        .with("livemode", teller.cast.livemode)
        .with("payment.payment_intent", payment_intent.id())
}

/// Returns the notice of an invoice to come: an invoice that has no id yet.
pub(in crate::story) fn upcoming(
    teller: &mut Teller<'_>,
    subscription: &Json,
    terms: LineTerms<'_>,
) -> Json {
    let (start, due) = (subscription.int("items.data.0.current_period_start"), terms.start);
    let mut invoice = invoice(teller, subscription, "upcoming", &[terms]);
    invoice.take("id");
    invoice.take("hosted_invoice_url");
    invoice.take("invoice_pdf");
    invoice
        .with("automatically_finalizes_at", due + HOUR)
        .with("created", due)
        .with("next_payment_attempt", due + HOUR)
        .with("period_end", due)
        .with("period_start", start)
        .with("lines.data.0.invoice", Json::Null)
        .with("lines.url", "/v1/invoices/upcoming/lines")
}

/// Returns when an invoice that is sent is due.
pub(in crate::story) fn due_in(teller: &Teller<'_>, days: i64) -> i64 {
    teller.now + days * DAY
}
