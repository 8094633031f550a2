//! A visit to Checkout. The caller names a plan; price, customer and user are ours to set, so that
//! nobody chooses their own. A second subscription is refused, by what Stripe says and not only by
//! what we have heard.

use serde_json::{Value, json};
use tollgate_stripe::object::{Kind, Object, Subscription};

use super::customer::Address;
use super::prices::Choice;
use super::visit::Visit;
use super::{Billing, BillingError, places};
use crate::answer;
use crate::rules::access::{Claim, Reason};
use crate::rules::subscription;
use crate::stripe_api::{Answer, StripeError, Trouble};

/// The longest `client_reference_id` that Stripe takes, in characters.
const REFERENCE_CHARS_MAX: usize = 200;
/// The longest value of Stripe's metadata, in characters.
const METADATA_CHARS_MAX: usize = 500;
/// The largest quantity that Stripe takes for a line.
pub(crate) const QUANTITY_MAX: u32 = 999_999;
/// The longest trial that Stripe takes, in days.
const TRIAL_DAYS_MAX: u32 = 730;
/// How often a visit that changes meanwhile is looked at anew.
const TRIES_MAX: usize = 3;

/// How Checkout is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UiMode {
    /// On a page of Stripe's.
    #[default]
    Hosted,
    /// Within a page of the app's.
    Embedded,
}

/// What a caller wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The app's id of the user; none for a guest, who has an address.
    pub user_id: Option<String>,
    /// The app itself asks, and not the user's browser.
    pub by_app: bool,
    /// The user's address, for a new customer.
    pub email: Option<String>,
    /// The plan's name.
    pub plan: Option<String>,
    /// The period's name.
    pub period: Option<String>,
    /// How many; one unless said.
    pub quantity: Option<u32>,
    /// How it is shown.
    pub ui_mode: UiMode,
    /// A code as customers type it.
    pub promotion_code: Option<String>,
    /// A coupon's id.
    pub coupon: Option<String>,
    /// Another trial than the plan's; 0 is none.
    pub trial_days: Option<u32>,
    /// Where to come back to after paying.
    pub return_to: Option<String>,
    /// Our own pricing page asks: who does not pay comes back to it.
    pub by_page: bool,
}

/// An open visit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Opened {
    /// The browser goes there.
    Hosted {
        /// Stripe's id of the session.
        id: String,
        /// Stripe's page.
        url: String,
    },
    /// Stripe's script shows it.
    Embedded {
        /// Stripe's id of the session.
        id: String,
        /// What the script opens it with.
        client_secret: String,
        /// The key of the script.
        publishable_key: String,
    },
}

impl Billing {
    /// Opens a visit to Checkout, or finds the same one open.
    ///
    /// # Errors
    /// What is wanted is not for sale, the user has it, or Stripe did not do it.
    pub async fn checkout(&self, wanted: &Wanted) -> Result<Opened, BillingError> {
        self.check(wanted)?;
        let return_to = self.return_to(wanted)?;
        let choice = self.choose(wanted.plan.as_deref(), wanted.period.as_deref()).await?;
        let discounts = self.discounts(wanted).await?;
        let Some(user_id) = wanted.user_id.as_deref() else {
            return self.guest_checkout(wanted, &choice, discounts, return_to.as_deref()).await;
        };
        let _turn = self.turns.take(user_id).await;
        let address = Address { email: wanted.email.as_deref(), by_app: wanted.by_app };
        let customer = self.customer(user_id, address).await?;
        for _ in 0..TRIES_MAX {
            let held = self.held_visit(user_id).await?;
            let had = self.had(&customer, user_id, &choice).await?;
            let mut params = self.params(wanted, &choice, return_to.as_deref(), had);
            params["customer"] = customer.as_str().into();
            discounts.clone().add_to(&mut params);
            let visit = self.visit(user_id, held, &params).await;
            match visit.map_err(about_discounts)? {
                Visit::Open(session) => return self.opened(&session, wanted.ui_mode),
                Visit::Changed => {}
            }
        }
        Err(StripeError::gave_up("the visit changed again and again").into())
    }

    fn check(&self, wanted: &Wanted) -> Result<(), BillingError> {
        if !wanted.by_app && (wanted.coupon.is_some() || wanted.trial_days.is_some()) {
            let message = "Only the app itself may give a coupon or another trial.";
            let user_id = wanted.user_id.as_deref();
            tracing::warn!(user_id, "A user asked for a coupon or a trial");
            return Err(BillingError::Forbidden(message));
        }
        if wanted.coupon.is_some() && wanted.promotion_code.is_some() {
            let message = "Give either a coupon or a promotion code.";
            return Err(BillingError::invalid("coupon", message));
        }
        if !(1..=QUANTITY_MAX).contains(&wanted.quantity.unwrap_or(1)) {
            return Err(BillingError::invalid("quantity", "quantity must be 1 to 999999."));
        }
        if wanted.trial_days.is_some_and(|it| it > TRIAL_DAYS_MAX) {
            return Err(BillingError::invalid("trial_days", "trial_days must be 0 to 730."));
        }
        if wanted.ui_mode == UiMode::Embedded && self.publishable_key.is_none() {
            let message = "Set STRIPE_PUBLISHABLE_KEY to embed Checkout.";
            return Err(BillingError::NotConfigured(message));
        }
        Ok(())
    }

    fn return_to(&self, wanted: &Wanted) -> Result<Option<String>, BillingError> {
        let Some(return_to) = &wanted.return_to else { return Ok(None) };
        let url = places::allowed(&self.selling, return_to)?;
        match url.chars().count() <= METADATA_CHARS_MAX {
            true => Ok(Some(url)),
            false => Err(BillingError::invalid("return_to", "return_to is too long.")),
        }
    }

    /// Refuses who has it already; returns whether the customer ever had a trial.
    async fn had(
        &self,
        customer: &str,
        user_id: &str,
        choice: &Choice<'_>,
    ) -> Result<bool, BillingError> {
        let mut subscriptions = self.subscriptions_of(customer).await?;
        for other in self.known_customers(user_id).await?.iter().filter(|it| *it != customer) {
            subscriptions.extend(self.subscriptions_of(other).await?);
        }
        let live = subscriptions.iter().find(|it| self.is_live(it));
        if let Some(live) = live.filter(|_| choice.price.recurring) {
            let payer = live.customer.as_ref().map_or(customer, AsRef::as_ref);
            let portal = self.portal_url(payer, None).await;
            return Err(BillingError::AlreadySubscribed {
                message: "There is a subscription already; it is changed in the portal.",
                portal_url: portal.ok(),
            });
        }
        if !choice.price.recurring {
            self.refuse_bought(user_id, &choice.plan.name).await?;
        }
        Ok(subscriptions.iter().any(|it| it.trial_start.is_some()))
    }

    /// Refuses to sell once more what is bought once. Whatever else the user has, each purchase of
    /// it counts, also one whose money is on its way.
    async fn refuse_bought(&self, user_id: &str, plan: &str) -> Result<(), BillingError> {
        let claims = answer::claims_of(&self.db, &self.rulebook, user_id, self.clock.now()).await?;
        let of_plan = |it: &&Claim| it.is_purchase() && it.plan.as_deref() == Some(plan);
        for it in claims.iter().filter(of_plan) {
            let message = if it.granted {
                "This was bought already."
            } else if it.reason == Reason::PaymentPending && self.is_under_way(&it.source).await? {
                "This was bought already; the payment is on its way."
            } else {
                continue;
            };
            return Err(BillingError::AlreadySubscribed { message, portal_url: None });
        }
        Ok(())
    }

    /// Whether the payment of a session may still come about, as Stripe says now: a session does
    /// not tell apart what is on its way and what has failed.
    async fn is_under_way(&self, session: &str) -> Result<bool, BillingError> {
        let path = format!("/v1/checkout/sessions/{session}");
        let params = json!({ "expand": ["payment_intent"] });
        let session = match self.stripe.get(&path, &params).await {
            Err(error) if error.trouble == Trouble::Missing => return Ok(false),
            session => session?,
        };
        let is_paid = session.object["payment_status"] == "paid";
        let status = session.object["payment_intent"]["status"].as_str();
        Ok(is_paid || matches!(status, Some("processing" | "succeeded")))
    }

    /// Returns all subscriptions of a customer, as Stripe says now.
    pub(super) async fn subscriptions_of(
        &self,
        customer: &str,
    ) -> Result<Vec<Subscription>, BillingError> {
        let params = json!({ "customer": customer, "status": "all", "limit": 100 });
        let asked_ms = self.clock.now_ms();
        let list = self.stripe.get("/v1/subscriptions", &params).await?;
        let mut subscriptions = Vec::new();
        for object in list.object["data"].as_array().into_iter().flatten() {
            let Ok(Object::Subscription(it)) =
                Object::read(Kind::Subscription, &object.to_string())
            else {
                return Err(StripeError::not_an_object("it is no subscription").into());
            };
            // What goes on is taken in, in case its event is late.
            if subscription::goes_on(&it) {
                self.take_in(object, list.seen_at, asked_ms).await?;
            }
            subscriptions.push(it);
        }
        Ok(subscriptions)
    }

    /// Whether a subscription goes on and is one to a plan of ours.
    pub(super) fn is_live(&self, it: &Subscription) -> bool {
        let plan = self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref());
        plan.is_some() && subscription::goes_on(it)
    }

    /// Whether and how long it may be tried.
    fn trial_days(&self, wanted: &Wanted, choice: &Choice<'_>, had: bool) -> Option<u32> {
        let trial = self.trial_of(&choice.plan.name);
        let days = wanted.trial_days.or(trial.map(|it| it.days)).filter(|it| *it > 0);
        days.filter(|_| !(had && trial.is_some_and(|it| it.once)))
    }

    pub(super) fn params(
        &self,
        wanted: &Wanted,
        choice: &Choice<'_>,
        return_to: Option<&str>,
        had_trial: bool,
    ) -> Value {
        let selling = &self.selling;
        let mut metadata = json!({ "plan": choice.plan.name });
        if let Some(user_id) = &wanted.user_id {
            metadata["user_id"] = user_id.as_str().into();
        }
        let of_what = metadata.clone();
        metadata["period"] = choice.period.into();
        if let Some(return_to) = return_to {
            metadata["return_to"] = return_to.into();
        }
        let mut line = json!({ "price": choice.price.id });
        if !choice.price.metered {
            line["quantity"] = wanted.quantity.unwrap_or(1).into();
        }
        let mut params = json!({ "line_items": [line], "metadata": metadata });
        let short = |it: &&String| it.chars().count() <= REFERENCE_CHARS_MAX;
        if let Some(user_id) = wanted.user_id.as_ref().filter(short) {
            params["client_reference_id"] = user_id.as_str().into();
        }
        if choice.price.recurring {
            params["mode"] = "subscription".into();
            params["subscription_data"] = json!({ "metadata": of_what });
            if let Some(days) = self.trial_days(wanted, choice, had_trial) {
                params["subscription_data"]["trial_period_days"] = days.into();
            }
        } else {
            params["mode"] = "payment".into();
            params["payment_intent_data"] = json!({ "metadata": of_what });
        }
        match wanted.ui_mode {
            UiMode::Hosted => {
                params["success_url"] = places::arrival(selling).into();
                params["cancel_url"] = match wanted.by_page {
                    true => places::to_prices(selling),
                    false => places::turned_back(selling, return_to, None),
                }
                .into();
            }
            UiMode::Embedded => {
                params["ui_mode"] = "embedded_page".into();
                params["return_url"] = places::arrival(selling).into();
            }
        }
        params
    }

    async fn discounts(&self, wanted: &Wanted) -> Result<Discounts, BillingError> {
        if let Some(coupon) = &wanted.coupon {
            return Ok(Discounts::Coupon(coupon.clone()));
        }
        let Some(code) = &wanted.promotion_code else {
            let ask = self.selling.promotion_codes;
            return Ok(if ask { Discounts::Ask } else { Discounts::None });
        };
        let params = json!({ "code": code, "active": true, "limit": 1 });
        let found = self.stripe.get("/v1/promotion_codes", &params).await?;
        let id = found.object["data"][0]["id"].as_str().map(str::to_owned);
        let message = "There is no such promotion code, or it has ended.";
        let id = id.ok_or_else(|| BillingError::invalid("promotion_code", message))?;
        Ok(Discounts::PromotionCode(id))
    }

    pub(super) fn opened(&self, session: &Answer, ui_mode: UiMode) -> Result<Opened, BillingError> {
        let id = session.need("id")?.to_owned();
        Ok(match (ui_mode, &self.publishable_key) {
            (UiMode::Embedded, Some(key)) => Opened::Embedded {
                id,
                client_secret: session.need("client_secret")?.to_owned(),
                publishable_key: key.clone(),
            },
            _ => Opened::Hosted { id, url: session.need("url")?.to_owned() },
        })
    }
}

/// What is taken off the price.
#[derive(Clone, Debug)]
pub(super) enum Discounts {
    None,
    /// Checkout asks for a code.
    Ask,
    Coupon(String),
    PromotionCode(String),
}

impl Discounts {
    pub(super) fn add_to(self, params: &mut Value) {
        match self {
            Self::None => {}
            Self::Ask => params["allow_promotion_codes"] = true.into(),
            Self::Coupon(it) => params["discounts"] = json!([{ "coupon": it }]),
            Self::PromotionCode(it) => params["discounts"] = json!([{ "promotion_code": it }]),
        }
    }
}

/// What Stripe refuses of a discount, the caller can mend.
pub(super) fn about_discounts(error: BillingError) -> BillingError {
    match error {
        BillingError::Stripe(it)
            if matches!(it.trouble, Trouble::Invalid | Trouble::Missing)
                && it.param.as_deref().is_some_and(|it| it.starts_with("discounts")) =>
        {
            let of_code = it.param.as_deref().is_some_and(|it| it.contains("promotion_code"));
            let field = if of_code { "promotion_code" } else { "coupon" };
            BillingError::invalid(field, it.message.clone())
        }
        error => error,
    }
}
