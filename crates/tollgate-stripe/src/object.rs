//! Stripe's objects as Tollgate sees them: tolerant views over raw JSON of any API version from
//! 2020-08-27 to today. Only what the rules act on is read; every field is optional but the id;
//! ids may be expanded objects; unknown enum values are kept. A view serialises into the current
//! shape, so that a stored view is read back by the same code that reads Stripe.

use serde::Serialize;

use crate::id::*;

/// One of Stripe's objects, as a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Object {
    Customer(Customer),
    Subscription(Subscription),
    Invoice(Invoice),
    InvoicePayment(InvoicePayment),
    CheckoutSession(CheckoutSession),
    PaymentIntent(PaymentIntent),
    Charge(Charge),
    Refund(Refund),
    Dispute(Dispute),
    PaymentMethod(PaymentMethod),
    Entitlements(Entitlements),
    Product(Product),
    Price(Price),
    Coupon(Coupon),
    PromotionCode(PromotionCode),
}

/// What an [`Object`] is; its text is Stripe's `object` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Customer,            // "customer"
    Subscription,        // "subscription"
    Invoice,             // "invoice"
    InvoicePayment,      // "invoice_payment"
    CheckoutSession,     // "checkout.session"
    PaymentIntent,       // "payment_intent"
    Charge,              // "charge"
    Refund,              // "refund"
    Dispute,             // "dispute"
    PaymentMethod,       // "payment_method"
    Entitlements,        // "entitlements.active_entitlement_summary"
    Product,             // "product"
    Price,               // "price"
    Coupon,              // "coupon"
    PromotionCode,       // "promotion_code"
}

/// The metadata keys that Tollgate gives a meaning; all others stay in the raw object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Metadata {
    pub user_id: Option<String>,
    pub plan: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Customer {
    pub id: CustomerId,
    pub created: Option<i64>,
    pub metadata: Metadata,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub customer: Option<CustomerId>,
    pub status: SubscriptionStatus,
    pub items: Vec<SubscriptionItem>,
    /// More items exist than the snapshot carries (Stripe embeds at most ten).
    pub items_truncated: bool,
    pub currency: Option<String>,
    pub created: Option<i64>,
    pub trial_start: Option<i64>,
    pub trial_end: Option<i64>,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// On the subscription before 2025-03-31.basil, on its items since; here the earliest start …
    pub current_period_start: Option<i64>,
    /// … and the latest end of its items' periods.
    pub current_period_end: Option<i64>,
    pub latest_invoice: Option<InvoiceId>,
    pub default_payment_method: Option<PaymentMethodId>,
    pub pause_collection: bool,
    pub pending_update: bool,
    pub schedule: Option<String>,
    pub metadata: Metadata,
}
// impl Subscription { pub fn ends_at(&self) -> Option<i64> } : ended_at, else cancel_at, else current_period_end if cancel_at_period_end

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionItem {
    pub id: Option<String>,
    /// The price (or, before prices, the plan) with its product and lookup key.
    pub price: Option<PriceId>,
    pub product: Option<ProductId>,
    pub lookup_key: Option<String>,
    pub quantity: Option<i64>,
    pub current_period_start: Option<i64>,
    pub current_period_end: Option<i64>,
}

/// Open enums: Known variants plus Unknown(String); Serialize/Deserialize as Stripe's text; Display/as_str.
pub enum SubscriptionStatus { Trialing, Active, PastDue, Unpaid, Paused, Canceled, Incomplete, IncompleteExpired, Unknown(String) }
pub enum InvoiceStatus { Draft, Open, Paid, Uncollectible, Void, Unknown(String) } // absent => Unknown("")
pub enum SessionMode { Payment, Subscription, Setup, Unknown(String) }
pub enum SessionStatus { Open, Complete, Expired, Unknown(String) }
pub enum PaymentStatus { Paid, Unpaid, NoPaymentRequired, Unknown(String) }
pub enum PaymentIntentStatus { RequiresPaymentMethod, RequiresConfirmation, RequiresAction, Processing, RequiresCapture, Canceled, Succeeded, Unknown(String) }
pub enum ChargeStatus { Pending, Succeeded, Failed, Unknown(String) }
pub enum RefundStatus { Pending, RequiresAction, Succeeded, Failed, Canceled, Unknown(String) }
pub enum DisputeStatus { WarningNeedsResponse, WarningUnderReview, WarningClosed, NeedsResponse, UnderReview, Won, Lost, Prevented, AppealNeedsResponse, AppealUnderReview, Unknown(String) }

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invoice {
    /// Absent on the object of `invoice.upcoming`.
    pub id: Option<InvoiceId>,
    pub customer: Option<CustomerId>,
    /// `subscription` before 2025-03-31.basil, `parent.subscription_details.subscription` since.
    pub subscription: Option<SubscriptionId>,
    pub status: InvoiceStatus,
    pub billing_reason: Option<String>,
    pub currency: Option<String>,
    pub amount_due: Option<i64>,
    pub amount_paid: Option<i64>,
    pub amount_remaining: Option<i64>,
    pub total: Option<i64>,
    pub attempt_count: i64,
    pub attempted: bool,
    pub next_payment_attempt: Option<i64>,
    pub created: Option<i64>,
    pub period_start: Option<i64>,
    pub period_end: Option<i64>,
    pub finalized_at: Option<i64>,   // status_transitions.finalized_at
    pub paid_at: Option<i64>,        // status_transitions.paid_at
    /// `payment_intent` before basil, `payments.data[].payment.payment_intent` where expanded since.
    pub payment_intent: Option<PaymentIntentId>,
    /// The `charge` of an invoice before basil (or payments.data[].payment.charge).
    pub charge: Option<ChargeId>,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvoicePayment {
    pub id: InvoicePaymentId,
    pub invoice: Option<InvoiceId>,
    pub payment_intent: Option<PaymentIntentId>,
    pub charge: Option<ChargeId>,
    pub status: Option<String>,   // open | paid | canceled
    pub amount_paid: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckoutSession {
    pub id: CheckoutSessionId,
    pub mode: SessionMode,
    pub status: SessionStatus,
    pub payment_status: PaymentStatus,
    pub customer: Option<CustomerId>,
    pub subscription: Option<SubscriptionId>,
    pub payment_intent: Option<PaymentIntentId>,
    pub invoice: Option<InvoiceId>,
    pub client_reference_id: Option<String>,
    pub metadata: Metadata,
    pub currency: Option<String>,
    pub amount_total: Option<i64>,
    pub created: Option<i64>,
    pub expires_at: Option<i64>,
    /// Price ids of `line_items`, where the session was fetched with them expanded.
    pub prices: Vec<PriceId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentIntent {
    pub id: PaymentIntentId,
    pub customer: Option<CustomerId>,
    pub status: PaymentIntentStatus,
    pub currency: Option<String>,
    pub amount: Option<i64>,
    pub amount_received: Option<i64>,
    pub invoice: Option<InvoiceId>,        // before basil
    pub latest_charge: Option<ChargeId>,   // or charges.data[0] before 2022-11-15
    pub error_code: Option<String>,        // last_payment_error.decline_code, else .code
    pub created: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    pub id: ChargeId,
    pub customer: Option<CustomerId>,
    pub payment_intent: Option<PaymentIntentId>,
    pub invoice: Option<InvoiceId>,   // before basil
    pub status: ChargeStatus,
    pub currency: Option<String>,
    pub amount: i64,
    pub amount_captured: Option<i64>,
    pub amount_refunded: i64,
    pub refunded: bool,
    pub disputed: bool,
    pub failure_code: Option<String>,
    pub created: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refund {
    pub id: RefundId,
    pub charge: Option<ChargeId>,
    pub payment_intent: Option<PaymentIntentId>,
    pub customer: Option<CustomerId>,
    pub status: RefundStatus,
    pub currency: Option<String>,
    pub amount: i64,
    pub reason: Option<String>,
    pub created: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dispute {
    pub id: DisputeId,
    pub charge: Option<ChargeId>,
    pub payment_intent: Option<PaymentIntentId>,
    pub status: DisputeStatus,
    pub reason: Option<String>,
    pub currency: Option<String>,
    pub amount: i64,
    pub due_by: Option<i64>,          // evidence_details.due_by
    pub created: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    pub customer: Option<CustomerId>,
    pub kind: Option<String>,         // `type`
    pub brand: Option<String>,        // card.brand
    pub last4: Option<String>,
    pub exp_month: Option<i64>,
    pub exp_year: Option<i64>,
}

/// `entitlements.active_entitlement_summary`: what Stripe says a customer may use. It has no id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entitlements {
    pub customer: CustomerId,
    pub features: Vec<String>,        // entitlements.data[].lookup_key, sorted
    pub truncated: bool,              // entitlements.has_more
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product { pub id: ProductId, pub active: bool, pub name: Option<String>, pub deleted: bool }

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    pub id: PriceId,
    pub product: Option<ProductId>,
    pub active: bool,
    pub lookup_key: Option<String>,
    pub currency: Option<String>,
    pub unit_amount: Option<i64>,
    pub interval: Option<String>,         // recurring.interval
    pub interval_count: Option<i64>,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coupon {
    pub id: CouponId,
    pub percent_off: Option<String>,      // a decimal, kept as its text
    pub amount_off: Option<i64>,
    pub currency: Option<String>,
    pub duration: Option<String>,
    pub times_redeemed: Option<i64>,
    pub valid: bool,
    pub deleted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromotionCode {
    pub id: PromotionCodeId,
    pub code: Option<String>,
    pub coupon: Option<CouponId>,         // `coupon` or `promotion.coupon`
    pub customer: Option<CustomerId>,
    pub active: bool,
    pub times_redeemed: Option<i64>,
    pub max_redemptions: Option<i64>,
    pub expires_at: Option<i64>,
}
