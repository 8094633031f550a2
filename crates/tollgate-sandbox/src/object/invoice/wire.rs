//! An invoice in Stripe's shape, field by field.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Invoice, LINES_SHOWN, Moments, Rare, Status, SubscriptionDetails};
use crate::money::currency::Currency;
use crate::object::line_item::{DiscountAmount, LineItem, PretaxCredits};
use crate::object::{Empty, Id, Metadata, Null};

/// What is the same in every invoice of the sandbox.
#[derive(Serialize, Default)]
struct Never {
    account_country: Null,
    account_name: Null,
    account_tax_ids: Null,
    application: Null,
    customer_account: Null,
    customer_tax_ids: Empty,
    default_source: Null,
    default_tax_rates: Empty,
    from_invoice: Null,
    latest_revision: Null,
    on_behalf_of: Null,
    receipt_number: Null,
    shipping_cost: Null,
    total_taxes: Empty,
    amount_shipping: i64,
    post_payment_credit_notes_amount: i64,
    pre_payment_credit_notes_amount: i64,
    livemode: bool,
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    object: &'static str,
    amount_due: i64,
    amount_overpaid: i64,
    amount_paid: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_paid_off_stripe: Option<i64>,
    amount_remaining: i64,
    attempt_count: i64,
    attempted: bool,
    auto_advance: bool,
    automatic_tax: AutomaticTax,
    automatically_finalizes_at: Option<i64>,
    billing_reason: &'static str,
    collection_method: &'static str,
    created: i64,
    currency: Currency,
    custom_fields: &'a Value,
    customer: &'a Id,
    customer_address: &'a Value,
    customer_email: &'a Option<String>,
    customer_name: &'a Option<String>,
    customer_phone: &'a Option<String>,
    customer_shipping: &'a Value,
    customer_tax_exempt: Option<&'static str>,
    default_payment_method: &'a Option<Id>,
    description: &'a Option<String>,
    discounts: &'a [Id],
    due_date: Option<i64>,
    effective_at: Option<i64>,
    ending_balance: Option<i64>,
    footer: Option<&'a String>,
    hosted_invoice_url: Option<String>,
    invoice_pdf: Option<String>,
    issuer: Kind,
    last_finalization_error: &'a Value,
    lines: Lines<'a>,
    metadata: &'a Metadata,
    next_payment_attempt: Option<i64>,
    number: &'a Option<String>,
    parent: Option<Parent<'a>>,
    payment_settings: PaymentSettings<'a>,
    period_end: i64,
    period_start: i64,
    rendering: &'a Value,
    shipping_details: &'a Value,
    starting_balance: i64,
    statement_descriptor: Option<&'a String>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_details: Option<StatusDetails>,
    status_transitions: Transitions,
    subtotal: i64,
    subtotal_excluding_tax: i64,
    test_clock: &'a Option<Id>,
    total: i64,
    total_discount_amounts: &'a [DiscountAmount],
    total_excluding_tax: i64,
    total_pretax_credit_amounts: PretaxCredits<'a>,
    webhooks_delivered_at: Option<i64>,
    #[serde(flatten)]
    never: Never,
}

/// Tax is never computed; where it was asked for, it is complete and zero.
#[derive(Serialize)]
struct AutomaticTax {
    disabled_reason: Null,
    enabled: bool,
    liability: Option<Kind>,
    provider: Option<&'static str>,
    status: Option<&'static str>,
}

#[derive(Serialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Lines<'a> {
    object: &'static str,
    data: &'a [LineItem],
    has_more: bool,
    url: String,
}

#[derive(Serialize)]
struct Parent<'a> {
    quote_details: Null,
    subscription_details: &'a SubscriptionDetails,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct PaymentSettings<'a> {
    default_mandate: Null,
    payment_method_options: &'a Value,
    payment_method_types: &'a Value,
}

#[derive(Serialize)]
struct StatusDetails {
    uncollectible: Uncollectible,
}

#[derive(Serialize)]
struct Uncollectible {
    reason: &'static str,
}

#[derive(Serialize)]
struct Transitions {
    finalized_at: Option<i64>,
    marked_uncollectible_at: Option<i64>,
    paid_at: Option<i64>,
    voided_at: Option<i64>,
}

impl From<&Moments> for Transitions {
    fn from(moments: &Moments) -> Self {
        Self {
            finalized_at: moments.finalized_at,
            marked_uncollectible_at: moments.marked_uncollectible_at,
            paid_at: moments.paid_at,
            voided_at: moments.voided_at,
        }
    }
}

impl Serialize for Invoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let usual;
        let rare = match &self.rare {
            Some(rare) => rare,
            None => {
                usual = Rare::default();
                &usual
            }
        };
        self.wire(rare).serialize(serializer)
    }
}

impl Invoice {
    fn wire<'a>(&'a self, rare: &'a Rare) -> Wire<'a> {
        let (amounts, attempts, moments) = (&self.amounts, &self.attempts, &self.moments);
        Wire {
            id: &self.id,
            object: "invoice",
            amount_due: amounts.due,
            amount_overpaid: amounts.overpaid,
            amount_paid: amounts.paid,
            amount_paid_off_stripe: Some(amounts.paid_off_stripe).filter(|&paid| paid > 0),
            amount_remaining: amounts.remaining(),
            attempt_count: attempts.count,
            attempted: attempts.attempted,
            auto_advance: self.auto_advance,
            automatic_tax: self.automatic_tax(),
            automatically_finalizes_at: moments.automatically_finalizes_at,
            billing_reason: self.billing_reason,
            collection_method: self.collection_method,
            created: self.created,
            currency: self.currency,
            custom_fields: &rare.custom_fields,
            customer: &self.customer,
            customer_address: &self.buyer.address,
            customer_email: &self.buyer.email,
            customer_name: &self.buyer.name,
            customer_phone: &self.buyer.phone,
            customer_shipping: &self.buyer.shipping,
            customer_tax_exempt: self.buyer.tax_exempt,
            default_payment_method: &self.default_payment_method,
            description: &self.description,
            discounts: &self.discounts,
            due_date: moments.due_date,
            effective_at: moments.effective_at,
            ending_balance: amounts.ending_balance,
            footer: rare.footer.as_ref(),
            hosted_invoice_url: self.page.as_ref().map(|base| format!("{base}/i/{}", self.id)),
            invoice_pdf: self.page.as_ref().map(|base| format!("{base}/i/{}/pdf", self.id)),
            issuer: Kind { kind: "self" },
            last_finalization_error: &rare.last_finalization_error,
            lines: self.shown_lines(),
            metadata: &self.metadata,
            next_payment_attempt: attempts.next,
            number: &self.number,
            parent: self.parent(),
            payment_settings: PaymentSettings {
                default_mandate: Null,
                payment_method_options: &rare.payment_method_options,
                payment_method_types: &rare.payment_method_types,
            },
            period_end: self.period.end,
            period_start: self.period.start,
            rendering: &rare.rendering,
            shipping_details: &rare.shipping_details,
            starting_balance: amounts.starting_balance,
            statement_descriptor: rare.statement_descriptor.as_ref(),
            status: self.status,
            status_details: self
                .uncollectible_reason
                .map(|reason| StatusDetails { uncollectible: Uncollectible { reason } }),
            status_transitions: moments.into(),
            subtotal: amounts.subtotal,
            subtotal_excluding_tax: amounts.subtotal,
            test_clock: &self.test_clock,
            total: amounts.total,
            total_discount_amounts: &amounts.discounts,
            total_excluding_tax: amounts.total,
            total_pretax_credit_amounts: PretaxCredits(&amounts.discounts),
            webhooks_delivered_at: self.is_real().then_some(self.created),
            never: Never::default(),
        }
    }

    fn automatic_tax(&self) -> AutomaticTax {
        let enabled = self.automatic_tax;
        AutomaticTax {
            disabled_reason: Null,
            enabled,
            liability: enabled.then_some(Kind { kind: "self" }),
            provider: enabled.then_some("stripe"),
            status: enabled.then_some("complete"),
        }
    }

    fn shown_lines(&self) -> Lines<'_> {
        Lines {
            object: "list",
            data: &self.lines[..self.lines.len().min(LINES_SHOWN)],
            has_more: self.lines.len() > LINES_SHOWN,
            url: self.lines_url(),
        }
    }

    fn parent(&self) -> Option<Parent<'_>> {
        Some(Parent {
            quote_details: Null,
            subscription_details: self.subscription.as_ref()?,
            kind: "subscription_details",
        })
    }
}
