//! A visit to Checkout for somebody whom the app does not know yet: an e-mail address is all there
//! is. What they buy is kept with their customer, and is a user's once the app names that customer.

use serde_json::{Value, json};

use super::checkout::{Discounts, Opened, Wanted, about_discounts};
use super::prices::Choice;
use super::{Billing, BillingError};
use crate::stripe_api::Trouble;

/// How many customers of one address are looked at.
const CUSTOMERS_MAX: i64 = 10;

impl Billing {
    /// Opens a visit for a guest. Stripe makes a customer of its own when they pay: an address that
    /// nobody has checked opens nobody else's cards.
    pub(super) async fn guest_checkout(
        &self,
        wanted: &Wanted,
        choice: &Choice<'_>,
        discounts: Discounts,
        return_to: Option<&str>,
    ) -> Result<Opened, BillingError> {
        let message = "Say which user, or give the e-mail address of a guest.";
        let email = wanted.email.as_deref();
        let email = email.ok_or_else(|| BillingError::invalid("user_id", message))?;
        let had = self.guest_had(email, choice).await?;
        let mut params = self.params(wanted, choice, return_to, had);
        params["customer_email"] = email.into();
        if !choice.price.recurring {
            params["customer_creation"] = "always".into();
        }
        discounts.add_to(&mut params);
        let key = self.new_key("guest", email);
        let made = self.stripe.post("/v1/checkout/sessions", &params, &key).await;
        let made = made.map_err(|it| about_email(about_discounts(it.into())))?;
        self.opened(&made, wanted.ui_mode)
    }

    /// Refuses an address that pays already; returns whether it ever had a trial.
    async fn guest_had(&self, email: &str, choice: &Choice<'_>) -> Result<bool, BillingError> {
        let params = json!({ "email": email, "limit": CUSTOMERS_MAX });
        let known = self.stripe.get("/v1/customers", &params).await?;
        let known = known.object["data"].as_array().into_iter().flatten();
        let mut had_trial = false;
        for customer in known.filter_map(|it: &Value| it["id"].as_str()) {
            let subscriptions = self.subscriptions_of(customer).await?;
            if choice.price.recurring && subscriptions.iter().any(|it| self.is_live(it)) {
                return Err(BillingError::AlreadySubscribed {
                    message: "This address has a subscription already.",
                    portal_url: None,
                });
            }
            had_trial |= subscriptions.iter().any(|it| it.trial_start.is_some());
        }
        Ok(had_trial)
    }
}

/// What Stripe refuses of an address, the caller can mend.
fn about_email(error: BillingError) -> BillingError {
    match error {
        BillingError::Stripe(it)
            if it.trouble == Trouble::Invalid && it.param.as_deref() == Some("customer_email") =>
        {
            BillingError::invalid("email", it.message.clone())
        }
        error => error,
    }
}
