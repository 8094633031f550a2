//! Asking Stripe once more: for an object of which too little is known, or whose observations
//! contradict each other.

use serde_json::json;

use super::{Billing, BillingError};
use crate::stripe_api::Trouble;

/// The beginning of an id, and where such objects are read.
const PATHS: &[(&str, &str)] = &[
    ("cus_", "/v1/customers"),
    ("sub_", "/v1/subscriptions"),
    ("in_", "/v1/invoices"),
    ("cs_", "/v1/checkout/sessions"),
    ("pi_", "/v1/payment_intents"),
    ("ch_", "/v1/charges"),
    ("py_", "/v1/charges"),
    ("re_", "/v1/refunds"),
    ("du_", "/v1/disputes"),
    ("dp_", "/v1/disputes"),
    ("pm_", "/v1/payment_methods"),
    ("inpay_", "/v1/invoice_payments"),
    ("prod_", "/v1/products"),
    ("price_", "/v1/prices"),
    ("promo_", "/v1/promotion_codes"),
];

impl Billing {
    /// Reads an object of this id and takes it in.
    ///
    /// # Errors
    /// There is no such object, it is of a kind that cannot be read by its id, or its state could
    /// not be learned or kept.
    pub async fn refresh(&self, id: &str) -> Result<(), BillingError> {
        // Where people choose the id, ours are kept under a longer name.
        let id = id.strip_prefix("product::").or(id.strip_prefix("price::")).unwrap_or(id);
        let Some((_, path)) = PATHS.iter().find(|(prefix, _)| id.starts_with(prefix)) else {
            return Err(BillingError::Unknown("Objects of this kind cannot be read by their id."));
        };
        if !id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
            return Err(BillingError::Unknown("This is not an id of Stripe's."));
        }
        match self.observe(&format!("{path}/{id}"), &json!({})).await {
            Ok(_) => Ok(()),
            Err(BillingError::Stripe(error)) if error.trouble == Trouble::Missing => {
                Err(BillingError::Unknown("Stripe has no such object."))
            }
            Err(error) => Err(error),
        }
    }
}
