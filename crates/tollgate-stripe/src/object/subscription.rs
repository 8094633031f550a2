//! Subscriptions and their items. The current period moved from the subscription to its items
//! with 2025-03-31.basil; the single plan of a subscription without items is older than that.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::catalog::LinePrice;
use super::{Kind, Metadata, SubscriptionStatus, write};
use crate::id::{CustomerId, InvoiceId, PaymentMethodId, PriceId, ProductId, SubscriptionId};
use crate::read::{
    List, View, flag, int, list, nested, own_id, present, reference, skip, text, time, word,
};

/// A customer's standing order. Times are Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// What is subscribed to.
    pub items: Vec<SubscriptionItem>,
    /// More items exist than the snapshot carries (Stripe embeds at most ten).
    pub items_truncated: bool,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// When it was made.
    pub created: Option<i64>,
    /// When its trial began.
    pub trial_start: Option<i64>,
    /// When its trial ends or ended.
    pub trial_end: Option<i64>,
    /// When it will be canceled.
    pub cancel_at: Option<i64>,
    /// It will be canceled at the end of the period.
    pub cancel_at_period_end: bool,
    /// When somebody asked to cancel it, which may be long before it ends.
    pub canceled_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// On the subscription before 2025-03-31.basil, on its items since; here the earliest start …
    pub current_period_start: Option<i64>,
    /// … and the latest end of its items' periods.
    pub current_period_end: Option<i64>,
    /// Its last invoice.
    pub latest_invoice: Option<InvoiceId>,
    /// What it is paid with, unless with the customer's default.
    pub default_payment_method: Option<PaymentMethodId>,
    /// `charge_automatically`, or `send_invoice` where the customer is asked to pay.
    pub collection_method: Option<String>,
    /// Payment collection is paused; the status does not say so.
    pub pause_collection: bool,
    /// A change waits for its payment.
    pub pending_update: bool,
    /// The schedule that will change it.
    pub schedule: Option<String>,
    /// Who it is in the app.
    pub metadata: Metadata,
}

impl Subscription {
    /// Returns when it ended or will end, Unix seconds: `ended_at`, else `cancel_at`, else the
    /// end of the period where it cancels then. None while it goes on.
    pub fn ends_at(&self) -> Option<i64> {
        let at_period_end = self.current_period_end.filter(|_| self.cancel_at_period_end);
        self.ended_at.or(self.cancel_at).or(at_period_end)
    }

    /// The earliest start and the latest end that the items themselves say.
    fn item_period(&self) -> (Option<i64>, Option<i64>) {
        let starts = self.items.iter().filter_map(|item| item.current_period_start);
        let ends = self.items.iter().filter_map(|item| item.current_period_end);
        (starts.min(), ends.max())
    }
}

/// One price of a subscription, and how many of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionItem {
    /// Its id, `si_…`.
    pub id: Option<String>,
    /// The price (or, before prices, the plan) with its product and lookup key.
    pub price: Option<PriceId>,
    /// The product of the price.
    pub product: Option<ProductId>,
    /// The name under which an app finds the price.
    pub lookup_key: Option<String>,
    /// How many; none where usage is metered.
    pub quantity: Option<i64>,
    /// When its current period began, Unix seconds.
    pub current_period_start: Option<i64>,
    /// When its current period ends, Unix seconds.
    pub current_period_end: Option<i64>,
}

/// A subscription with its items and period as any shape has them.
#[derive(Default)]
pub(super) struct Draft {
    /// Its period is the one at the top level so far.
    subscription: Subscription,
    plan: Option<LinePrice>,
    quantity: Option<i64>,
}

impl From<Draft> for Subscription {
    fn from(draft: Draft) -> Self {
        let mut subscription = draft.subscription;
        if subscription.items.is_empty() && draft.plan.is_some() {
            let mut item = SubscriptionItem::priced(None, draft.plan);
            item.quantity = draft.quantity;
            subscription.items.push(item);
        }
        let (start, end) = subscription.item_period();
        subscription.current_period_start = start.or(subscription.current_period_start);
        subscription.current_period_end = end.or(subscription.current_period_end);
        subscription
    }
}

impl<'de> View<'de> for Draft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let view = &mut self.subscription;
        match key {
            "id" => view.id = own_id(map)?.unwrap_or_default(),
            "customer" => view.customer = reference(map)?,
            "status" => view.status = word(map)?,
            "items" => {
                let items: List<ItemDraft> = list(map)?;
                view.items = items.data.into_iter().map(Into::into).collect();
                view.items_truncated = items.has_more;
            }
            "plan" => self.plan = nested(map)?,
            "quantity" => self.quantity = int(map)?,
            "currency" => view.currency = text(map)?,
            "created" => view.created = time(map)?,
            "trial_start" => view.trial_start = time(map)?,
            "trial_end" => view.trial_end = time(map)?,
            "cancel_at" => view.cancel_at = time(map)?,
            "cancel_at_period_end" => view.cancel_at_period_end = flag(map)?,
            "canceled_at" => view.canceled_at = time(map)?,
            "ended_at" => view.ended_at = time(map)?,
            "current_period_start" => view.current_period_start = time(map)?,
            "current_period_end" => view.current_period_end = time(map)?,
            "latest_invoice" => view.latest_invoice = reference(map)?,
            "default_payment_method" => view.default_payment_method = reference(map)?,
            "collection_method" => view.collection_method = text(map)?,
            "pause_collection" => view.pause_collection = present(map)?,
            "pending_update" => view.pending_update = present(map)?,
            "schedule" => view.schedule = reference(map)?,
            "metadata" => view.metadata = nested(map)?.unwrap_or_default(),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Subscription {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (start, end) = self.item_period();
        let mut fields = write::open(to, Kind::Subscription)?;
        fields.put("id", &self.id)?;
        fields.some("customer", &self.customer)?;
        fields.word("status", self.status.as_str())?;
        fields.list("items", &self.items, self.items_truncated)?;
        fields.some("currency", &self.currency)?;
        fields.some("created", &self.created)?;
        fields.some("trial_start", &self.trial_start)?;
        fields.some("trial_end", &self.trial_end)?;
        fields.some("cancel_at", &self.cancel_at)?;
        fields.flag("cancel_at_period_end", self.cancel_at_period_end)?;
        fields.some("canceled_at", &self.canceled_at)?;
        fields.some("ended_at", &self.ended_at)?;
        // Where the items say it, they say it for the subscription too.
        fields
            .some("current_period_start", &self.current_period_start.filter(|_| start.is_none()))?;
        fields.some("current_period_end", &self.current_period_end.filter(|_| end.is_none()))?;
        fields.some("latest_invoice", &self.latest_invoice)?;
        fields.some("default_payment_method", &self.default_payment_method)?;
        fields.some("collection_method", &self.collection_method)?;
        fields.mark("pause_collection", self.pause_collection)?;
        fields.mark("pending_update", self.pending_update)?;
        fields.some("schedule", &self.schedule)?;
        fields.some("metadata", &self.metadata.stored())?;
        fields.end()
    }
}

impl SubscriptionItem {
    fn priced(price: Option<LinePrice>, plan: Option<LinePrice>) -> Self {
        let line = LinePrice::or_plan(price, plan);
        let (price, product) = (line.id, line.product);
        Self { price, product, lookup_key: line.lookup_key, ..Self::default() }
    }
}

/// An item with its price as either shape has it.
#[derive(Default)]
struct ItemDraft {
    item: SubscriptionItem,
    price: Option<LinePrice>,
    plan: Option<LinePrice>,
}

impl From<ItemDraft> for SubscriptionItem {
    fn from(draft: ItemDraft) -> Self {
        let priced = Self::priced(draft.price, draft.plan);
        let Self { price, product, lookup_key, .. } = priced;
        Self { price, product, lookup_key, ..draft.item }
    }
}

impl<'de> View<'de> for ItemDraft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let item = &mut self.item;
        match key {
            "id" => item.id = own_id(map)?,
            "price" => self.price = nested(map)?,
            "plan" => self.plan = nested(map)?,
            "quantity" => item.quantity = int(map)?,
            "current_period_start" => item.current_period_start = time(map)?,
            "current_period_end" => item.current_period_end = time(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for SubscriptionItem {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let price = LinePrice {
            id: self.price.clone(),
            product: self.product.clone(),
            lookup_key: self.lookup_key.clone(),
        };
        let mut fields = write::plain(to)?;
        fields.some("id", &self.id)?;
        fields.some("price", &(price != LinePrice::default()).then_some(price))?;
        fields.some("quantity", &self.quantity)?;
        fields.some("current_period_start", &self.current_period_start)?;
        fields.some("current_period_end", &self.current_period_end)?;
        fields.end()
    }
}
