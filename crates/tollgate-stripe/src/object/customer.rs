//! Customers, what Stripe says they may use, and what they pay with.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{Kind, write};
use crate::id::{CustomerId, PaymentMethodId};
use crate::read::{View, flag, int, list, nested, own_id, reference, skip, text, texts, time};

/// The metadata keys that Tollgate gives a meaning; all others stay in the raw object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The app's own id of the user.
    pub user_id: Option<String>,
    /// The plan the app meant.
    pub plan: Option<String>,
}

impl Metadata {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Itself, unless there is nothing to write.
    pub(super) fn stored(&self) -> Option<&Self> {
        (!self.is_empty()).then_some(self)
    }
}

impl<'de> View<'de> for Metadata {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "user_id" => self.user_id = text(map)?,
            "plan" => self.plan = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("user_id", &self.user_id)?;
        fields.some("plan", &self.plan)?;
        fields.end()
    }
}

/// Someone who pays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// When it was made, Unix seconds.
    pub created: Option<i64>,
    /// Where to write to.
    pub email: Option<String>,
    /// How to address them.
    pub name: Option<String>,
    /// The languages they prefer, the best first.
    pub preferred_locales: Vec<String>,
    /// What they pay with where a subscription names nothing else:
    /// `invoice_settings.default_payment_method`.
    pub default_payment_method: Option<PaymentMethodId>,
    /// Who it is in the app.
    pub metadata: Metadata,
    /// It is gone for good.
    pub deleted: bool,
}

impl<'de> View<'de> for Customer {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "created" => self.created = time(map)?,
            "email" => self.email = text(map)?,
            "name" => self.name = text(map)?,
            "preferred_locales" => self.preferred_locales = texts(map)?,
            "invoice_settings" => {
                let settings = nested::<A, InvoiceSettings>(map)?.unwrap_or_default();
                self.default_payment_method = settings.0;
            }
            "metadata" => self.metadata = nested(map)?.unwrap_or_default(),
            "deleted" => self.deleted = flag(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Customer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Customer)?;
        fields.put("id", &self.id)?;
        fields.some("created", &self.created)?;
        fields.some("email", &self.email)?;
        fields.some("name", &self.name)?;
        fields.texts("preferred_locales", &self.preferred_locales)?;
        let settings = InvoiceSettings(self.default_payment_method.clone());
        fields.some("invoice_settings", &settings.0.is_some().then_some(settings))?;
        fields.some("metadata", &self.metadata.stored())?;
        fields.flag("deleted", self.deleted)?;
        fields.end()
    }
}

/// How a customer pays invoices.
#[derive(Default)]
struct InvoiceSettings(Option<PaymentMethodId>);

impl<'de> View<'de> for InvoiceSettings {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "default_payment_method" => self.0 = reference(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for InvoiceSettings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("default_payment_method", &self.0)?;
        fields.end()
    }
}

/// `entitlements.active_entitlement_summary`: what Stripe says a customer may use. It has no id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entitlements {
    /// Whose they are.
    pub customer: CustomerId,
    /// The lookup keys of the features, sorted, each once.
    pub features: Vec<String>,
    /// More features exist than the snapshot carries.
    pub truncated: bool,
}

impl<'de> View<'de> for Entitlements {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "customer" => self.customer = reference(map)?.unwrap_or_default(),
            "entitlements" => {
                let found = list::<A, Entitlement>(map)?;
                self.features = found.data.into_iter().filter_map(|each| each.0).collect();
                self.features.sort_unstable();
                self.features.dedup();
                self.truncated = found.has_more;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Entitlements {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Entitlements)?;
        fields.put("customer", &self.customer)?;
        let data: Vec<_> = self.features.iter().map(|key| write::In("lookup_key", key)).collect();
        fields.list("entitlements", &data, self.truncated)?;
        fields.end()
    }
}

/// The lookup key of one entitlement.
#[derive(Default)]
struct Entitlement(Option<String>);

impl<'de> View<'de> for Entitlement {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "lookup_key" => self.0 = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// A card or another way to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// Whose it is; none once detached.
    pub customer: Option<CustomerId>,
    /// Its `type`, such as `card`.
    pub kind: Option<String>,
    /// The brand of a card.
    pub brand: Option<String>,
    /// The last four digits of a card.
    pub last4: Option<String>,
    /// The month in which a card expires, 1 to 12.
    pub exp_month: Option<i64>,
    /// The year in which a card expires.
    pub exp_year: Option<i64>,
}

impl<'de> View<'de> for PaymentMethod {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "customer" => self.customer = reference(map)?,
            "type" => self.kind = text(map)?,
            "card" => {
                let card = nested::<A, Card>(map)?.unwrap_or_default();
                self.brand = card.brand;
                self.last4 = card.last4;
                self.exp_month = card.exp_month;
                self.exp_year = card.exp_year;
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for PaymentMethod {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let card = Card {
            brand: self.brand.clone(),
            last4: self.last4.clone(),
            exp_month: self.exp_month,
            exp_year: self.exp_year,
        };
        let mut fields = write::open(to, Kind::PaymentMethod)?;
        fields.put("id", &self.id)?;
        fields.some("customer", &self.customer)?;
        fields.some("type", &self.kind)?;
        fields.some("card", &(card != Card::default()).then_some(card))?;
        fields.end()
    }
}

/// What is told of a card.
#[derive(Default, PartialEq)]
pub(super) struct Card {
    pub(super) brand: Option<String>,
    pub(super) last4: Option<String>,
    pub(super) exp_month: Option<i64>,
    pub(super) exp_year: Option<i64>,
}

impl<'de> View<'de> for Card {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "brand" => self.brand = text(map)?,
            "last4" => self.last4 = text(map)?,
            "exp_month" => self.exp_month = int(map)?,
            "exp_year" => self.exp_year = int(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Card {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("brand", &self.brand)?;
        fields.some("last4", &self.last4)?;
        fields.some("exp_month", &self.exp_month)?;
        fields.some("exp_year", &self.exp_year)?;
        fields.end()
    }
}
