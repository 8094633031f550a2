//! A price: how much a product costs, and how often.

use serde::{Serialize, Serializer};

use super::{Id, Metadata, Null, Object};
use crate::money;
use crate::money::calendar::{Interval, Unit};
use crate::money::currency::Currency;
use crate::money::price::{Decimal, Scheme, TiersMode};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/prices/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Price {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) active: bool,
    pub(crate) billing_scheme: &'static str,
    pub(crate) created: i64,
    pub(crate) currency: Currency,
    pub(crate) custom_unit_amount: Null,
    pub(crate) livemode: bool,
    pub(crate) lookup_key: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) nickname: Option<String>,
    pub(crate) product: Id,
    pub(crate) recurring: Option<Recurring>,
    pub(crate) tax_behavior: &'static str,
    pub(crate) tiers_mode: Option<&'static str>,
    pub(crate) transform_quantity: Option<TransformQuantity>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// In minor units; `None` where the amount has a fraction or comes from tiers.
    pub(crate) unit_amount: Option<i64>,
    /// In minor units, as a decimal.
    pub(crate) unit_amount_decimal: Option<String>,
    /// Answered only where a call expands them.
    #[serde(skip)]
    pub(crate) tiers: Vec<Tier>,
}

/// How often a price comes again.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Recurring {
    pub(crate) interval: Unit,
    pub(crate) interval_count: i64,
    pub(crate) meter: Null,
    pub(crate) trial_period_days: Option<i64>,
    pub(crate) usage_type: &'static str,
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Price {
    /// Returns how often it comes again.
    pub(crate) fn interval(&self) -> Option<Interval> {
        let recurring = self.recurring.as_ref()?;
        let count = u32::try_from(recurring.interval_count).ok()?;
        Some(Interval { unit: recurring.interval, count })
    }

    /// Says whether it is billed by usage, which the sandbox counts as none.
    pub(crate) fn is_metered(&self) -> bool {
        self.recurring.as_ref().is_some_and(|recurring| recurring.usage_type == "metered")
    }

    /// Returns how it turns a quantity into an amount.
    pub(crate) fn scheme(&self) -> Scheme {
        if let Some(mode) = self.tiers_mode {
            let mode = if mode == "volume" { TiersMode::Volume } else { TiersMode::Graduated };
            return Scheme::Tiered { mode, tiers: self.tiers.iter().map(Tier::step).collect() };
        }
        let transform = self.transform_quantity.map(|transform| money::price::Transform {
            divide_by: u64::try_from(transform.divide_by).unwrap_or(1),
            round_up: transform.round == "up",
        });
        Scheme::PerUnit { unit: self.unit(), transform }
    }

    /// Returns what one unit costs, in minor units; 0 for a price with tiers.
    pub(crate) fn unit(&self) -> Decimal {
        decimal(self.unit_amount, self.unit_amount_decimal.as_deref())
    }

    /// Returns what a quantity costs for one period, in minor units.
    pub(crate) fn amount(&self, quantity: i64) -> i64 {
        let quantity = u64::try_from(quantity).unwrap_or(0);
        self.scheme().amount(quantity).unwrap_or(i64::MAX)
    }
}

impl Tier {
    fn step(&self) -> money::price::Tier {
        money::price::Tier {
            up_to: self.up_to.and_then(|up_to| u64::try_from(up_to).ok()),
            unit: decimal(self.unit_amount, self.unit_amount_decimal.as_deref()),
            flat: decimal(self.flat_amount, self.flat_amount_decimal.as_deref()),
        }
    }
}

fn decimal(whole: Option<i64>, exact: Option<&str>) -> Decimal {
    let exact = exact.and_then(Decimal::parse);
    exact.or(whole.map(Decimal::whole)).unwrap_or(Decimal::whole(0))
}

/// How a quantity becomes packages.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct TransformQuantity {
    pub(crate) divide_by: i64,
    pub(crate) round: &'static str,
}

/// One step of a tiered price; the last has no `up_to`.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Tier {
    pub(crate) flat_amount: Option<i64>,
    pub(crate) flat_amount_decimal: Option<String>,
    pub(crate) unit_amount: Option<i64>,
    pub(crate) unit_amount_decimal: Option<String>,
    pub(crate) up_to: Option<i64>,
}

/// The older form of a recurring price, which items and events still carry.
#[derive(Debug, Clone)]
pub(crate) struct Plan(pub(crate) Price);

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            id: &'a Id,
            object: &'static str,
            active: bool,
            amount: Option<i64>,
            amount_decimal: &'a Option<String>,
            billing_scheme: &'static str,
            created: i64,
            currency: Currency,
            interval: Option<Unit>,
            interval_count: Option<i64>,
            livemode: bool,
            metadata: &'a Metadata,
            meter: Null,
            nickname: &'a Option<String>,
            product: &'a Id,
            tiers_mode: Option<&'static str>,
            transform_usage: Option<TransformQuantity>,
            trial_period_days: Option<i64>,
            usage_type: &'static str,
        }
        let price = &self.0;
        let recurring = price.recurring.as_ref();
        Wire {
            id: &price.id,
            object: "plan",
            active: price.active,
            amount: price.unit_amount,
            amount_decimal: &price.unit_amount_decimal,
            billing_scheme: price.billing_scheme,
            created: price.created,
            currency: price.currency,
            interval: recurring.map(|recurring| recurring.interval),
            interval_count: recurring.map(|recurring| recurring.interval_count),
            livemode: price.livemode,
            metadata: &price.metadata,
            meter: Null,
            nickname: &price.nickname,
            product: &price.product,
            tiers_mode: price.tiers_mode,
            transform_usage: price.transform_quantity,
            trial_period_days: recurring.and_then(|recurring| recurring.trial_period_days),
            usage_type: recurring.map_or("licensed", |recurring| recurring.usage_type),
        }
        .serialize(serializer)
    }
}

impl Object for Price {
    const NAME: &'static str = "price";
    const PREFIX: &'static str = "price_";
    const PATH: &'static str = "/v1/prices";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn owners(&self) -> Vec<&Id> {
        vec![&self.product]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.prices
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.prices
    }
}
