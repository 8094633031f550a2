//! Objects made whole: Stripe puts a few entries of a list into an object and says that there are
//! more; the rest is read in pages.

use serde_json::{Value, json};

use super::{Billing, BillingError};
use crate::stripe_api::StripeError;
use crate::webhook;

/// Entries of a page, which is as many as Stripe gives.
const PAGE: usize = 100;
/// Pages that are read, so that no answer keeps us for ever.
const PAGES_MAX: usize = 50;

impl Billing {
    /// Reads the rest of a list that was cut, where the object has one that we keep.
    pub(super) async fn make_whole(
        &self,
        account: Option<&str>,
        object: &mut Value,
    ) -> Result<(), BillingError> {
        let Some(id) = object["id"].as_str() else { return Ok(()) };
        let (list, path, params) = match object["object"].as_str() {
            Some("subscription") => {
                ("items", "/v1/subscription_items".to_owned(), json!({ "subscription": id }))
            }
            Some("checkout.session") => {
                let path = format!("/v1/checkout/sessions/{id}/line_items");
                ("line_items", path, json!({}))
            }
            _ => return Ok(()),
        };
        if object[list]["has_more"] == true {
            let (entries, _) = self.all(account, &path, params).await?;
            object[list]["data"] = entries.into();
            object[list]["has_more"] = false.into();
        }
        Ok(())
    }

    /// Reads what a customer may use by Stripe's word, which has no id to be read by, and takes it
    /// in as the summary that events carry; returns when it was seen.
    pub(super) async fn observe_features(
        &self,
        account: Option<&str>,
        customer: &str,
    ) -> Result<i64, BillingError> {
        let asked_ms = self.clock.now_ms();
        let path = "/v1/entitlements/active_entitlements";
        let (entries, seen_at) = self.all(account, path, json!({ "customer": customer })).await?;
        let Some(livemode) = entries.first().map(|it| it["livemode"].clone()) else {
            return Err(BillingError::Unknown("Stripe has no features of this customer."));
        };
        let summary = json!({
            "object": "entitlements.active_entitlement_summary",
            "customer": customer,
            "livemode": livemode,
            "entitlements": { "object": "list", "has_more": false, "data": entries },
        });
        self.submit(webhook::fetched(&summary, seen_at, asked_ms, account)).await?;
        Ok(seen_at)
    }

    /// Returns all entries of a list, and the second by Stripe's clock of its first page.
    async fn all(
        &self,
        account: Option<&str>,
        path: &str,
        mut params: Value,
    ) -> Result<(Vec<Value>, i64), BillingError> {
        params["limit"] = PAGE.into();
        let (mut entries, mut seen_at) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self.stripe.get_of(account, path, &params).await?;
            let data = page.object["data"].as_array();
            let data = data.ok_or_else(|| StripeError::not_an_object("it is no list"))?;
            entries.extend(data.iter().cloned());
            let seen_at = *seen_at.get_or_insert(page.seen_at);
            let last = data.last().map(|it| it["id"].clone());
            match last.filter(|_| page.object["has_more"] == true) {
                Some(last) => params["starting_after"] = last,
                None => return Ok((entries, seen_at)),
            }
        }
        Err(StripeError::not_an_object("its list has no end").into())
    }
}
