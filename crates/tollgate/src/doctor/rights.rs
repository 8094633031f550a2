//! What a restricted key may do. Reading is tried by reading one object. Writing is tried on objects
//! that do not exist: a key that may write hears that there are none, one that may not hears that
//! first, and nothing is changed either way.

use serde_json::json;

use crate::clock::Clock;
use crate::stripe_api::{Stripe, StripeError};

/// What is read, and where.
const READS: [(&str, &str); 12] = [
    ("customers", "/v1/customers"),
    ("subscriptions", "/v1/subscriptions"),
    ("subscription schedules", "/v1/subscription_schedules"),
    ("Checkout sessions", "/v1/checkout/sessions"),
    ("invoices", "/v1/invoices"),
    ("products", "/v1/products"),
    ("prices", "/v1/prices"),
    ("coupons", "/v1/coupons"),
    ("promotion codes", "/v1/promotion_codes"),
    ("portal configurations", "/v1/billing_portal/configurations"),
    ("webhook endpoints", "/v1/webhook_endpoints"),
    ("events", "/v1/events"),
];

/// What is written while people buy and change, and a call that writes nothing.
const WRITES: [(&str, &str); 8] = [
    ("customers", "/v1/customers/cus_tollgatedoctor"),
    ("Checkout sessions", "/v1/checkout/sessions/cs_test_tollgatedoctor/expire"),
    ("portal sessions", "/v1/billing_portal/sessions"),
    ("subscriptions", "/v1/subscriptions/sub_tollgatedoctor"),
    ("subscription schedules", "/v1/subscription_schedules/sub_sched_tollgatedoctor/release"),
    ("coupons", "/v1/coupons/tollgatedoctor"),
    ("promotion codes", "/v1/promotion_codes/promo_tollgatedoctor"),
    ("invoices", "/v1/invoices/create_preview"),
];

/// Names what the key may not do.
///
/// # Errors
/// Stripe refuses the key altogether, or gave no answer.
pub(super) async fn lacking(stripe: &Stripe, clock: &Clock) -> Result<Vec<String>, StripeError> {
    let mut lacking = Vec::new();
    for (what, path) in READS {
        let answer = stripe.get(path, &json!({ "limit": 1 })).await.map(drop);
        note(&mut lacking, "read", what, answer)?;
    }
    for (what, path) in WRITES {
        // An id in the path, or the customer whom the call needs.
        let params = match path.contains("tollgatedoctor") {
            true => json!({}),
            false => json!({ "customer": "cus_tollgatedoctor" }),
        };
        let key = format!("tollgate-doctor-{}-{path}", clock.now_ms());
        let answer = stripe.post(path, &params, &key).await.map(drop);
        note(&mut lacking, "write", what, answer)?;
    }
    Ok(lacking)
}

fn note(
    lacking: &mut Vec<String>,
    verb: &str,
    what: &str,
    answer: Result<(), StripeError>,
) -> Result<(), StripeError> {
    match answer {
        Err(error) if error.status == Some(403) => {
            lacking.push(format!("{verb} {what}"));
            Ok(())
        }
        // There is no such object, which is what it should say.
        Err(error) if error.is_definite() && error.status != Some(401) => Ok(()),
        answer => answer,
    }
}
