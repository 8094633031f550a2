//! A product: what is sold.

use serde::Serialize;

use super::{Id, Metadata, Null, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/products/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Product {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) active: bool,
    pub(crate) created: i64,
    pub(crate) default_price: Option<Id>,
    pub(crate) description: Option<String>,
    pub(crate) images: Vec<String>,
    pub(crate) livemode: bool,
    pub(crate) marketing_features: Vec<MarketingFeature>,
    pub(crate) metadata: Metadata,
    pub(crate) name: String,
    pub(crate) package_dimensions: Null,
    pub(crate) shippable: Option<bool>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) tax_code: Null,
    pub(crate) tax_details: Null,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) unit_label: Option<String>,
    pub(crate) updated: i64,
    pub(crate) url: Option<String>,
}

/// A line on a pricing page.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MarketingFeature {
    pub(crate) name: String,
}

impl Object for Product {
    const NAME: &'static str = "product";
    const PREFIX: &'static str = "prod_";
    const PATH: &'static str = "/v1/products";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.products
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.products
    }
}
