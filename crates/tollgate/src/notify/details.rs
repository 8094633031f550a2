//! What each type of notification says beside the user's access. Amounts are in minor units of
//! the currency beside them, times are RFC 3339; what is not known is null.

use serde_json::{Map, Value, json};
use tollgate_stripe::object::{
    Charge, CheckoutSession, Dispute, Invoice, Object, PaymentMethod, Subscription,
};

use super::Subject;
use crate::rules::charge::GivenBack;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;
use crate::wire::{Missing, rfc3339};

/// Returns who pays: as the access says, else the customer or the object itself.
pub(super) fn customer_of(known: &Known) -> Option<String> {
    let of_access = known.access.as_ref().and_then(|it| it.customer_id.clone());
    let of_customer = || known.customer.as_ref().map(|it| it.id.to_string());
    let of_subject = || known.subject.as_ref()?.customer().map(ToString::to_string);
    of_customer().or_else(of_subject).or(of_access)
}

/// Returns what the fact is about; the object itself may be gone.
pub(super) fn subject_of(effect: &Effect, known: &Known) -> Subject {
    let stored = known.subject.as_ref().map(|it| it.kind().as_str());
    let kind = stored.unwrap_or(match type_prefix(effect.kind) {
        "access" => "user",
        "subscription" if effect.subject.starts_with("cus_") => "customer",
        "subscription" => "subscription",
        "payment" => "invoice",
        "order" => "checkout.session",
        "refund" => "charge",
        "dispute" => "dispute",
        "card" => "payment_method",
        _ => "customer",
    });
    Subject { id: effect.subject.clone(), kind }
}

fn type_prefix(kind: EffectKind) -> &'static str {
    super::type_of(kind).and_then(|it| it.split('.').next()).unwrap_or_default()
}

/// Returns the details of a fact.
pub(super) fn of(effect: &Effect, known: &Known) -> Map<String, Value> {
    let details = match &known.subject {
        Some(Object::Subscription(it)) => subscription(effect, it),
        Some(Object::Invoice(it)) => invoice(effect, it, known),
        Some(Object::CheckoutSession(it)) => order(it),
        Some(Object::Charge(it)) => refund(effect, it),
        Some(Object::Dispute(it)) => dispute(it),
        Some(Object::PaymentMethod(it)) => card(it),
        _ => json!({}),
    };
    match details {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn subscription(effect: &Effect, it: &Subscription) -> Value {
    let prices: Vec<&str> =
        it.items.iter().filter_map(|it| it.price.as_ref()).map(AsRef::as_ref).collect();
    let mut details = json!({
        "subscription_id": it.id.as_str(),
        "status": it.status.as_str(),
        "prices": prices,
        "current_period_end": it.current_period_end.map(rfc3339),
        "trial_end": it.trial_end.map(rfc3339),
        "ends_at": it.ends_at().map(rfc3339),
    });
    match effect.kind {
        EffectKind::PlanChanged => {
            let (old, new) = prices_of(&effect.detail);
            details["old_price"] = json!(old);
            details["new_price"] = json!(new);
        }
        EffectKind::RenewalUpcoming => {
            details["renews_at"] = json!(effect.time().map(rfc3339));
        }
        _ => {}
    }
    details
}

/// The detail of a change of plans ends in `old>new`.
fn prices_of(detail: &str) -> (Option<&str>, Option<&str>) {
    let pair = detail.rsplit(':').next().and_then(|it| it.split_once('>'));
    pair.unzip()
}

fn invoice(effect: &Effect, it: &Invoice, known: &Known) -> Value {
    let paid = matches!(effect.kind, EffectKind::InvoicePaid | EffectKind::PaymentRecovered);
    let open = it.amount_remaining.or(it.amount_due);
    json!({
        "invoice_id": it.id.as_ref().map(AsRef::as_ref),
        "subscription_id": it.subscription.as_ref().map(AsRef::as_ref),
        "amount": if paid { it.amount_paid } else { open },
        "currency": it.currency,
        "billing_reason": it.billing_reason,
        "attempt": it.attempt_count,
        "next_attempt": it.next_payment_attempt.map(rfc3339),
        "dunning": known.dunning.as_ref().map(Missing::new),
    })
}

fn order(it: &CheckoutSession) -> Value {
    json!({
        "checkout_session_id": it.id.as_str(),
        "payment_status": it.payment_status.as_str(),
        "amount": it.amount_total,
        "currency": it.currency,
        "prices": it.prices.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
    })
}

/// The fact names what this refund gave back; others may have followed since.
fn refund(effect: &Effect, it: &Charge) -> Value {
    let told = GivenBack::of_detail(&effect.detail)
        .unwrap_or(GivenBack { before: None, total: it.amount_refunded });
    json!({
        "charge_id": it.id.as_str(),
        "invoice_id": it.invoice.as_ref().map(AsRef::as_ref),
        "amount": told.amount(),
        "amount_refunded": told.total,
        "amount_charged": it.amount,
        "currency": it.currency,
        "full": it.refunded && told.total >= it.amount_refunded,
    })
}

fn dispute(it: &Dispute) -> Value {
    json!({
        "charge_id": it.charge.as_ref().map(AsRef::as_ref),
        "status": it.status.as_str(),
        "reason": it.reason,
        "amount": it.amount,
        "currency": it.currency,
        "evidence_due_by": it.due_by.map(rfc3339),
    })
}

fn card(it: &PaymentMethod) -> Value {
    json!({
        "payment_method_id": it.id.as_str(),
        "kind": it.kind,
        "brand": it.brand,
        "last4": it.last4,
        "exp_month": it.exp_month,
        "exp_year": it.exp_year,
    })
}
