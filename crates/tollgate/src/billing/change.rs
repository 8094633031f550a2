//! Another plan, period or quantity. Stripe computes what it costs; we show that, and commit exactly
//! that or nothing. What is charged now takes effect only once it is paid.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate_stripe::object::{Subscription, SubscriptionItem};

use super::phases::{self, Then};
use super::prices::Price;
use super::{Billing, BillingError};
use crate::stripe_api::StripeError;

/// How long a preview may be committed, in seconds.
const PREVIEW_LIVES_SECS: i64 = 900;

/// When a change takes effect, and how it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once, charged at once, and only once paid.
    Now,
    /// At once; the difference stands on the next invoice.
    NextInvoice,
    /// When the period ends.
    PeriodEnd,
}

/// What a caller wants to change to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The app's id of the user.
    pub user_id: String,
    /// The plan's name; the present one unless said.
    pub plan: Option<String>,
    /// The period's name.
    pub period: Option<String>,
    /// How many; as many as now unless said.
    pub quantity: Option<i64>,
    /// When.
    pub when: When,
}

/// What a change comes to, as Stripe says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// What is charged by the invoice that the change makes or adds to, in minor units.
    pub amount_due: i64,
    /// Three lower-case letters.
    pub currency: String,
    /// The lines of that invoice.
    pub lines: Vec<Line>,
    /// When the plan changes, RFC 3339.
    pub effective_at: String,
    /// Commits exactly this.
    pub preview: String,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is for, in Stripe's words.
    pub description: String,
    /// In minor units; less than nothing for what is given back.
    pub amount: i64,
    /// What it is for where that can be said in any language.
    #[serde(skip)]
    pub kind: Kind,
    /// How many it is for.
    #[serde(skip)]
    pub quantity: Option<i64>,
}

/// What a line of a change is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is left of the period with the present plan, given back.
    Unused,
    /// What is left of the period with the new plan.
    Remaining,
    /// A whole period of the new plan.
    Period,
    /// Something else: Stripe's words say it.
    Other,
}

/// All that a preview binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bond {
    user_id: String,
    subscription: String,
    item: String,
    price: String,
    quantity: Option<i64>,
    when: When,
    date: i64,
    amount_due: i64,
    currency: String,
    ends_at: i64,
    /// Whether the new price is paid by another period than the present one.
    #[serde(default)]
    begins_anew: bool,
    /// Unix milliseconds at which Stripe was asked: no two previews have one key.
    #[serde(default)]
    asked_ms: i64,
}

impl Billing {
    /// Asks Stripe what a change comes to.
    ///
    /// # Errors
    /// There is nothing to change, or Stripe did not say.
    pub async fn preview(&self, target: &Target) -> Result<Preview, BillingError> {
        let subscription = self.live_subscription(&target.user_id).await?;
        let item = only_item(&subscription)?;
        let named = target.plan.as_deref().or_else(|| self.plan_name(&subscription));
        let choice = self.choose(named, target.period.as_deref()).await?;
        if !choice.price.recurring {
            let message = "A subscription cannot become a purchase; buy it through Checkout.";
            return Err(BillingError::invalid("plan", message));
        }
        let quantity = target.quantity.or(item.quantity).filter(|_| !choice.price.metered);
        let begins_anew = self.is_other_period(item, &choice.price).await?;
        if begins_anew && target.when == When::NextInvoice {
            let message = "Another period is charged at once: change now, or at the period's end.";
            return Err(BillingError::invalid("when", message));
        }
        if is_at(item, &choice.price.id, quantity) {
            return Err(BillingError::invalid("plan", "This is what the user has already."));
        }
        let bond = Bond {
            user_id: target.user_id.clone(),
            subscription: subscription.id.to_string(),
            item: item.id.clone().unwrap_or_default(),
            price: choice.price.id,
            quantity,
            when: target.when,
            date: self.clock.now(),
            amount_due: 0,
            currency: String::new(),
            ends_at: subscription.current_period_end.unwrap_or_default(),
            begins_anew,
            asked_ms: 0,
        };
        self.ask_for_preview(bond).await
    }

    async fn is_other_period(
        &self,
        item: &SubscriptionItem,
        price: &Price,
    ) -> Result<bool, BillingError> {
        let Some(present) = &item.price else { return Ok(false) };
        match self.price(present.as_str()).await {
            Ok(present) => Ok(present.tag.interval != price.tag.interval),
            // A plan from before there were prices is not found among them.
            Err(BillingError::NotConfigured(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn ask_for_preview(&self, mut bond: Bond) -> Result<Preview, BillingError> {
        let key = self.new_key("preview", &bond.user_id);
        bond.asked_ms = self.clock.now_ms();
        let params = preview_of(&bond);
        let invoice = self.stripe.post("/v1/invoices/create_preview", &params, &key).await?;
        let malformed = || StripeError::not_an_object("it is no invoice");
        let amount_due = invoice.object["amount_due"].as_i64().ok_or_else(malformed)?;
        (bond.amount_due, bond.currency) = (amount_due, invoice.need("currency")?.to_owned());
        let effective_at = if bond.when == When::PeriodEnd { bond.ends_at } else { bond.date };
        let lines = invoice.object["lines"]["data"].as_array().into_iter().flatten();
        Ok(Preview {
            amount_due,
            currency: bond.currency.clone(),
            lines: lines.map(|it| line(it, &bond)).collect(),
            effective_at: crate::answer::rfc3339(effective_at),
            preview: self.seal.close(&json!(bond)),
        })
    }

    /// Commits what was shown, and returns whose it is. Doing it again changes nothing. It takes
    /// the place of what was planned for the period's end.
    ///
    /// # Errors
    /// It would come to something else by now, it is not paid, or Stripe did not do it.
    pub async fn commit(
        &self,
        user_id: Option<&str>,
        preview: &str,
    ) -> Result<String, BillingError> {
        let bond = self.seal.open(preview).and_then(|it| serde_json::from_value(it).ok());
        let message = "This is none of our previews; ask for one.";
        let bond: Bond = bond.ok_or_else(|| BillingError::invalid("preview", message))?;
        if user_id.is_some_and(|it| it != bond.user_id) {
            tracing::warn!(user_id, "A user gave another user's preview");
            return Err(BillingError::Forbidden("This preview is another user's."));
        }
        let _turn = self.turns.take(&bond.user_id).await;
        let subscription = self.live_subscription(&bond.user_id).await?;
        let item = only_item(&subscription)?;
        if is_at(item, &bond.price, bond.quantity) {
            return Ok(bond.user_id);
        }
        self.check_bond(&bond, &subscription, item).await?;
        let key = format!("tollgate-change-{}", self.seal.name(preview));
        match bond.when {
            When::PeriodEnd => self.schedule(&bond, &subscription, &key).await?,
            When::Now | When::NextInvoice => {
                // What was planned before would undo it when the period ends.
                self.release(&subscription).await?;
                self.change_now(&bond, &key).await?;
            }
        }
        Ok(bond.user_id)
    }

    /// Whether it would still come to what was shown.
    async fn check_bond(
        &self,
        bond: &Bond,
        subscription: &Subscription,
        item: &SubscriptionItem,
    ) -> Result<(), BillingError> {
        let same = subscription.id.as_str() == bond.subscription
            && item.id.as_deref() == Some(bond.item.as_str())
            && subscription.current_period_end == Some(bond.ends_at);
        let age = self.clock.now().saturating_sub(bond.date);
        if same && (0..PREVIEW_LIVES_SECS).contains(&age) {
            let now = self.ask_for_preview(bond.clone()).await?;
            if now.amount_due == bond.amount_due && now.currency == bond.currency {
                return Ok(());
            }
        }
        let fresh = Bond {
            subscription: subscription.id.to_string(),
            item: item.id.clone().unwrap_or_default(),
            date: self.clock.now(),
            ends_at: subscription.current_period_end.unwrap_or_default(),
            ..bond.clone()
        };
        Err(BillingError::PreviewChanged(Box::new(self.ask_for_preview(fresh).await?)))
    }

    async fn change_now(&self, bond: &Bond, key: &str) -> Result<(), BillingError> {
        let mut params = json!({
            "items": [item_of(bond)],
            "proration_behavior": behaviour(bond.when),
            "proration_date": bond.date,
        });
        if bond.when == When::Now {
            params["payment_behavior"] = "pending_if_incomplete".into();
        }
        let path = format!("/v1/subscriptions/{}", bond.subscription);
        let changed = match self.change(&path, &params, key).await {
            Err(BillingError::Stripe(error)) if is_spent(&error) => {
                return Err(self.shown_anew(bond).await);
            }
            changed => changed?,
        };
        if changed.object["pending_update"].is_null() {
            return match changed.replayed && !self.is_done(bond).await? {
                true => Err(self.shown_anew(bond).await),
                false => Ok(()),
            };
        }
        let invoice = &changed.object["latest_invoice"];
        let invoice = invoice.as_str().or_else(|| invoice["id"].as_str());
        let invoice = match invoice {
            Some(id) => self.observe(&format!("/v1/invoices/{id}"), &json!({})).await?,
            None => return Err(BillingError::PaymentNeeded { pay_url: None, to_confirm: false }),
        };
        if invoice.text("status") == Some("void") {
            // Stripe remembers the answer of a change that was taken back since.
            return Err(self.shown_anew(bond).await);
        }
        let pay_url = invoice.text("hosted_invoice_url").map(str::to_owned);
        let to_confirm = self.waits_for_customer(invoice.need("id")?).await;
        Err(BillingError::PaymentNeeded { pay_url, to_confirm })
    }

    async fn is_done(&self, bond: &Bond) -> Result<bool, BillingError> {
        let subscription = self.live_subscription(&bond.user_id).await?;
        Ok(is_at(only_item(&subscription)?, &bond.price, bond.quantity))
    }

    /// Whether the bank wants the customer to confirm an invoice's payment. It only chooses the
    /// words, so not to know is as good as no.
    async fn waits_for_customer(&self, invoice: &str) -> bool {
        let path = format!("/v1/invoices/{invoice}");
        let params = json!({ "expand": ["payments.data.payment.payment_intent"] });
        let Ok(invoice) = self.stripe.get(&path, &params).await else { return false };
        let mut payments = invoice.object["payments"]["data"].as_array().into_iter().flatten();
        payments.any(|it| it["payment"]["payment_intent"]["status"] == "requires_action")
    }

    /// Two phases: as it is until the period ends, then as it is wanted.
    async fn schedule(
        &self,
        bond: &Bond,
        subscription: &Subscription,
        key: &str,
    ) -> Result<(), BillingError> {
        match self.plan_ahead(bond, subscription.schedule.as_deref(), key).await {
            Ok(true) => {}
            Ok(false) => return Err(self.shown_anew(bond).await),
            Err(error) if is_spent(&error) => return Err(self.shown_anew(bond).await),
            Err(error) => return Err(error.into()),
        }
        self.observe(&format!("/v1/subscriptions/{}", bond.subscription), &json!({})).await?;
        Ok(())
    }

    /// Plans a change; `false` where Stripe only remembers that it was planned, and it was taken
    /// back since.
    async fn plan_ahead(
        &self,
        bond: &Bond,
        schedule: Option<&str>,
        key: &str,
    ) -> Result<bool, StripeError> {
        let id = match schedule {
            Some(id) => id.to_owned(),
            None => {
                let params = json!({ "from_subscription": bond.subscription });
                let made = self.stripe.post("/v1/subscription_schedules", &params, key).await?;
                made.need("id")?.to_owned()
            }
        };
        let path = format!("/v1/subscription_schedules/{id}");
        let params = json!({ "expand": phases::EXPANDED });
        let found = self.stripe.get(&path, &params).await?;
        if found.text("status") != Some("active") {
            return Ok(false);
        }
        let then = Then {
            price: &bond.price,
            quantity: bond.quantity,
            at: bond.ends_at,
            begins_anew: bond.begins_anew,
        };
        let phases = phases::of(&found.object, &then)?;
        let params = json!({ "phases": phases, "end_behavior": "release" });
        let planned = self.stripe.post(&path, &params, &format!("{key}-phases")).await?;
        if !planned.replayed {
            return Ok(true);
        }
        let now = self.stripe.get(&path, &json!({})).await?;
        Ok(now.text("status") == Some("active") && then.is_last_of(&now.object))
    }

    /// Asks for the preview of the same once more.
    async fn shown_anew(&self, bond: &Bond) -> BillingError {
        let fresh = Bond { date: self.clock.now(), ..bond.clone() };
        match self.ask_for_preview(fresh).await {
            Ok(preview) => BillingError::PreviewChanged(Box::new(preview)),
            Err(error) => error,
        }
    }

    /// Returns the best of the user's subscriptions that go on.
    pub(super) async fn live_subscription(
        &self,
        user_id: &str,
    ) -> Result<Subscription, BillingError> {
        let none = || BillingError::invalid("user_id", "This user has no subscription.");
        self.live_subscriptions(user_id).await?.into_iter().next().ok_or_else(none)
    }

    /// Returns the user's subscriptions that go on, the best first, then the oldest.
    pub(super) async fn live_subscriptions(
        &self,
        user_id: &str,
    ) -> Result<Vec<Subscription>, BillingError> {
        let mut live = Vec::new();
        for customer in self.known_customers(user_id).await? {
            let all = self.subscriptions_of(&customer).await?;
            live.extend(all.into_iter().filter(|it| self.is_live(it)));
        }
        let rank = |it: &Subscription| {
            let plan = self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref());
            plan.map(|it| it.rank)
        };
        live.sort_by_cached_key(|it| (Reverse(rank(it)), it.created, it.id.to_string()));
        Ok(live)
    }

    fn plan_name(&self, it: &Subscription) -> Option<&str> {
        let plan = self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref());
        plan.map(|it| it.name.as_str())
    }
}

/// A subscription of several prices is no plan of ours alone.
fn only_item(it: &Subscription) -> Result<&SubscriptionItem, BillingError> {
    match it.items.as_slice() {
        [item] if !it.items_truncated => Ok(item),
        _ => {
            let message = "This subscription has several prices; it is changed at Stripe.";
            Err(BillingError::invalid("user_id", message))
        }
    }
}

fn is_at(item: &SubscriptionItem, price: &str, quantity: Option<i64>) -> bool {
    let same_price = item.price.as_ref().is_some_and(|it| it.as_str() == price);
    same_price && quantity.is_none_or(|it| item.quantity == Some(it))
}

/// Whether asking with the preview's own key will never come to anything else.
fn is_spent(error: &StripeError) -> bool {
    error.spends_the_key() && !error.is_definite()
}

fn behaviour(when: When) -> &'static str {
    match when {
        When::Now => "always_invoice",
        When::NextInvoice => "create_prorations",
        When::PeriodEnd => "none",
    }
}

fn item_of(bond: &Bond) -> Value {
    let mut item = json!({ "id": bond.item, "price": bond.price });
    if let Some(quantity) = bond.quantity {
        item["quantity"] = quantity.into();
    }
    item
}

fn preview_of(bond: &Bond) -> Value {
    let mut details = json!({
        "items": [item_of(bond)],
        "proration_behavior": behaviour(bond.when),
    });
    if bond.when != When::PeriodEnd {
        details["proration_date"] = bond.date.into();
    }
    json!({ "subscription": bond.subscription, "subscription_details": details })
}

fn line(it: &Value, bond: &Bond) -> Line {
    Line {
        description: it["description"].as_str().unwrap_or_default().to_owned(),
        amount: it["amount"].as_i64().unwrap_or_default(),
        kind: kind(it, bond),
        quantity: it["quantity"].as_i64(),
    }
}

fn kind(it: &Value, bond: &Bond) -> Kind {
    let item = &it["parent"]["subscription_item_details"];
    let is_new = it["pricing"]["price_details"]["price"] == bond.price;
    match (item["subscription_item"] == bond.item, is_new, item["proration"] == true) {
        (true, false, true) => Kind::Unused,
        (true, true, true) => Kind::Remaining,
        (true, true, false) => Kind::Period,
        _ => Kind::Other,
    }
}
