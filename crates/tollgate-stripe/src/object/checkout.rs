//! Checkout sessions: one visit to Stripe's payment page.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::catalog::LinePrice;
use super::discount::SessionDiscount;
use super::{Kind, Metadata, PaymentStatus, SessionMode, SessionStatus, write};
use crate::id::{
    CheckoutSessionId, CustomerId, InvoiceId, PaymentIntentId, PriceId, SubscriptionId,
};
use crate::read::{View, int, list, nested, own_id, reference, skip, text, time, word};

/// One visit to Stripe's payment page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckoutSession {
    /// Its id.
    pub id: CheckoutSessionId,
    /// What it is for.
    pub mode: SessionMode,
    /// Where it stands.
    pub status: SessionStatus,
    /// Whether the money has arrived.
    pub payment_status: PaymentStatus,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// The subscription it made; since 2025-03-31.basil only once paid.
    pub subscription: Option<SubscriptionId>,
    /// The payment it made.
    pub payment_intent: Option<PaymentIntentId>,
    /// The invoice it made.
    pub invoice: Option<InvoiceId>,
    /// The app's own id of the user, as the app passed it.
    pub client_reference_id: Option<String>,
    /// Who it is in the app.
    pub metadata: Metadata,
    /// What they gave as their address, or the app as theirs.
    pub email: Option<String>,
    /// What they gave as their name.
    pub name: Option<String>,
    /// The language of the page, or `auto`.
    pub locale: Option<String>,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// How much it comes to, in minor units.
    pub amount_total: Option<i64>,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
    /// When it closes unless completed, Unix seconds.
    pub expires_at: Option<i64>,
    /// Price ids of `line_items`, where the session was fetched with them expanded.
    pub prices: Vec<PriceId>,
    /// The names under which an app finds these prices, those that have one.
    pub lookup_keys: Vec<String>,
    /// What it takes off.
    pub discounts: Vec<SessionDiscount>,
}

impl CheckoutSession {
    /// Returns all by which a plan may name one of its prices: their ids and lookup keys.
    pub fn price_names(&self) -> impl Iterator<Item = &str> {
        let ids = self.prices.iter().map(AsRef::as_ref);
        ids.chain(self.lookup_keys.iter().map(String::as_str))
    }

    fn buys(&mut self, lines: Vec<LinePrice>) {
        self.prices = lines.iter().filter_map(|it| it.id.clone()).collect();
        self.lookup_keys = lines.into_iter().filter_map(|it| it.lookup_key).collect();
    }

    /// Its lines as they are stored.
    fn lines(&self) -> Vec<write::In<LinePrice>> {
        let ids = self.prices.iter().cloned();
        let ids = ids.map(|it| LinePrice { id: Some(it), ..LinePrice::default() });
        let keys = self.lookup_keys.iter().cloned();
        let keys = keys.map(|it| LinePrice { lookup_key: Some(it), ..LinePrice::default() });
        ids.chain(keys).map(|it| write::In("price", it)).collect()
    }
}

/// A session with its lines as either shape has them.
#[derive(Default)]
pub(super) struct Draft {
    session: CheckoutSession,
    /// `display_items`, the lines before 2020-08-27 and in texts copied from then.
    display_items: Vec<LinePrice>,
    details: Details,
}

impl From<Draft> for CheckoutSession {
    fn from(draft: Draft) -> Self {
        let mut session = draft.session;
        if session.prices.is_empty() {
            session.buys(draft.display_items);
        }
        session.email = draft.details.email.or(session.email);
        session.name = draft.details.name;
        session
    }
}

impl<'de> View<'de> for Draft {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let session = &mut self.session;
        match key {
            "id" => session.id = own_id(map)?.unwrap_or_default(),
            "mode" => session.mode = word(map)?,
            "status" => session.status = word(map)?,
            "payment_status" => session.payment_status = word(map)?,
            "customer" => session.customer = reference(map)?,
            "subscription" => session.subscription = reference(map)?,
            "payment_intent" => session.payment_intent = reference(map)?,
            "invoice" => session.invoice = reference(map)?,
            "client_reference_id" => session.client_reference_id = text(map)?,
            "metadata" => session.metadata = nested(map)?.unwrap_or_default(),
            "customer_details" => self.details = nested(map)?.unwrap_or_default(),
            "customer_email" => session.email = text(map)?,
            "locale" => session.locale = text(map)?,
            "currency" => session.currency = text(map)?,
            "amount_total" => session.amount_total = int(map)?,
            "created" => session.created = time(map)?,
            "expires_at" => session.expires_at = time(map)?,
            "line_items" => session.buys(lines(map)?),
            "discounts" => {
                let given = list::<A, SessionDiscount>(map)?.data.into_iter();
                session.discounts = given.filter(|it| *it != SessionDiscount::default()).collect();
            }
            "display_items" => self.display_items = lines(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for CheckoutSession {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::CheckoutSession)?;
        fields.put("id", &self.id)?;
        fields.word("mode", self.mode.as_str())?;
        fields.word("status", self.status.as_str())?;
        fields.word("payment_status", self.payment_status.as_str())?;
        fields.some("customer", &self.customer)?;
        fields.some("subscription", &self.subscription)?;
        fields.some("payment_intent", &self.payment_intent)?;
        fields.some("invoice", &self.invoice)?;
        fields.some("client_reference_id", &self.client_reference_id)?;
        fields.some("metadata", &self.metadata.stored())?;
        let details = Details { email: self.email.clone(), name: self.name.clone() };
        fields.some("customer_details", &(details != Details::default()).then_some(details))?;
        fields.some("locale", &self.locale)?;
        fields.some("currency", &self.currency)?;
        fields.some("amount_total", &self.amount_total)?;
        fields.some("created", &self.created)?;
        fields.some("expires_at", &self.expires_at)?;
        fields.list("line_items", &self.lines(), false)?;
        fields.list("discounts", &self.discounts, false)?;
        fields.end()
    }
}

/// `customer_details`: what they typed.
#[derive(Default, PartialEq)]
struct Details {
    email: Option<String>,
    name: Option<String>,
}

impl<'de> View<'de> for Details {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "email" => self.email = text(map)?,
            "name" => self.name = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("email", &self.email)?;
        fields.some("name", &self.name)?;
        fields.end()
    }
}

/// The prices of a session's lines.
fn lines<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<LinePrice>, A::Error> {
    let lines = list::<A, Line>(map)?.data.into_iter();
    Ok(lines.map(|line| LinePrice::or_plan(line.price, line.plan)).collect())
}

#[derive(Default)]
struct Line {
    price: Option<LinePrice>,
    plan: Option<LinePrice>,
}

impl<'de> View<'de> for Line {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "price" => self.price = nested(map)?,
            "plan" => self.plan = nested(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
