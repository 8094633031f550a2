//! A feature that customers may be entitled to, and that a product gives one.

use serde::Serialize;

use super::{Id, Metadata, Object};
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/entitlements/feature/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Feature {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) active: bool,
    pub(crate) livemode: bool,
    pub(crate) lookup_key: String,
    pub(crate) metadata: Metadata,
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) created: i64,
}

/// <https://docs.stripe.com/api/product-feature/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProductFeature {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) entitlement_feature: Feature,
    pub(crate) livemode: bool,
    #[serde(skip)]
    pub(crate) product: Id,
    #[serde(skip)]
    pub(crate) created: i64,
}

impl Object for Feature {
    const NAME: &'static str = "entitlements.feature";
    const PREFIX: &'static str = "feat_";
    const PATH: &'static str = "/v1/entitlements/features";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn table(world: &World) -> &Table<Self> {
        &world.features
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.features
    }
}

impl Object for ProductFeature {
    const NAME: &'static str = "product_feature";
    const PREFIX: &'static str = "prodft_";
    const PATH: &'static str = "/v1/products/features";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn owners(&self) -> Vec<&Id> {
        vec![&self.product, &self.entitlement_feature.id]
    }

    fn table(world: &World) -> &Table<Self> {
        &world.product_features
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.product_features
    }
}
