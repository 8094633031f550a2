//! What is sold: products and their prices, and, for the views that embed them, the price of a
//! line, which older versions called its plan.

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

use super::{Kind, write};
use crate::id::{self, PriceId, ProductId};
use crate::read::{View, flag, int, nested, own_id, reference, skip, text};

/// Something that is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// It can be bought.
    pub active: bool,
    /// Its name.
    pub name: Option<String>,
    /// It is gone for good.
    pub deleted: bool,
}

impl<'de> View<'de> for Product {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "active" => self.active = flag(map)?,
            "name" => self.name = text(map)?,
            "deleted" => self.deleted = flag(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Product {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::open(to, Kind::Product)?;
        fields.put("id", &self.id)?;
        fields.flag("active", self.active)?;
        fields.some("name", &self.name)?;
        fields.flag("deleted", self.deleted)?;
        fields.end()
    }
}

/// What a product costs, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Its id.
    pub id: PriceId,
    /// What it is the price of.
    pub product: Option<ProductId>,
    /// It can be bought.
    pub active: bool,
    /// The name under which an app finds it.
    pub lookup_key: Option<String>,
    /// Its currency, three lower-case letters.
    pub currency: Option<String>,
    /// The amount of one unit, in minor units of the currency.
    pub unit_amount: Option<i64>,
    /// `recurring.interval`: `day`, `week`, `month` or `year`; none for a one-time price.
    pub interval: Option<String>,
    /// How many intervals lie between two payments.
    pub interval_count: Option<i64>,
    /// It is gone for good.
    pub deleted: bool,
}

impl<'de> View<'de> for Price {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?.unwrap_or_default(),
            "product" => self.product = reference(map)?,
            "active" => self.active = flag(map)?,
            "lookup_key" => self.lookup_key = text(map)?,
            "currency" => self.currency = text(map)?,
            "unit_amount" => self.unit_amount = int(map)?,
            "recurring" => {
                let recurring = nested::<A, Recurring>(map)?.unwrap_or_default();
                self.interval = recurring.interval;
                self.interval_count = recurring.interval_count;
            }
            "deleted" => self.deleted = flag(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let recurring =
            Recurring { interval: self.interval.clone(), interval_count: self.interval_count };
        let mut fields = write::open(to, Kind::Price)?;
        fields.put("id", &self.id)?;
        fields.some("product", &self.product)?;
        fields.flag("active", self.active)?;
        fields.some("lookup_key", &self.lookup_key)?;
        fields.some("currency", &self.currency)?;
        fields.some("unit_amount", &self.unit_amount)?;
        fields.some("recurring", &(recurring != Recurring::default()).then_some(recurring))?;
        fields.flag("deleted", self.deleted)?;
        fields.end()
    }
}

#[derive(Default, PartialEq)]
struct Recurring {
    interval: Option<String>,
    interval_count: Option<i64>,
}

impl<'de> View<'de> for Recurring {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "interval" => self.interval = text(map)?,
            "interval_count" => self.interval_count = int(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Serialize for Recurring {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("interval", &self.interval)?;
        fields.some("interval_count", &self.interval_count)?;
        fields.end()
    }
}

/// The price of a line: its id alone, or the price or plan that was embedded.
#[derive(Default, PartialEq)]
pub(super) struct LinePrice {
    pub(super) id: Option<PriceId>,
    pub(super) product: Option<ProductId>,
    pub(super) lookup_key: Option<String>,
}

impl LinePrice {
    /// The price, or the plan where the line has no price.
    pub(super) fn or_plan(price: Option<Self>, plan: Option<Self>) -> Self {
        let named = |line: &Self| line.id.is_some();
        match (price, plan) {
            (Some(price), Some(plan)) if !named(&price) && named(&plan) => plan,
            (Some(price), _) => price,
            (None, plan) => plan.unwrap_or_default(),
        }
    }
}

impl<'de> View<'de> for LinePrice {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "id" => self.id = own_id(map)?,
            "product" => self.product = reference(map)?,
            "lookup_key" => self.lookup_key = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }

    fn bare(text: &str) -> Option<Self> {
        id::check(text).is_ok().then(|| Self { id: Some(text.into()), ..Self::default() })
    }
}

impl Serialize for LinePrice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = write::plain(to)?;
        fields.some("id", &self.id)?;
        fields.some("product", &self.product)?;
        fields.some("lookup_key", &self.lookup_key)?;
        fields.end()
    }
}
