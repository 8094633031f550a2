//! Stripe's objects. Each struct *is* the shape on the wire (2026-10-28.endive), field by field
//! in Stripe's order; what only the sandbox knows of an object is `#[serde(skip)]`.
//!
//! A field that the sandbox never fills has the type [`Null`]; it costs no memory and still
//! answers `null`.

pub(crate) mod active_entitlement;
pub(crate) mod address;
pub(crate) mod balance_transaction;
pub(crate) mod charge;
pub(crate) mod checkout_session;
pub(crate) mod coupon;
pub(crate) mod customer;
pub(crate) mod discount;
pub(crate) mod dispute;
pub(crate) mod event_destination;
pub(crate) mod feature;
pub(crate) mod invoice;
pub(crate) mod invoice_payment;
pub(crate) mod invoiceitem;
pub(crate) mod item;
pub(crate) mod line_item;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod portal_configuration;
pub(crate) mod portal_session;
pub(crate) mod price;
pub(crate) mod product;
pub(crate) mod promotion_code;
pub(crate) mod refund;
pub(crate) mod setup_intent;
pub(crate) mod subscription;
pub(crate) mod subscription_item;
pub(crate) mod subscription_schedule;
pub(crate) mod test_clock;
pub(crate) mod token;
pub(crate) mod webhook_endpoint;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::params::Params;
use crate::world::{Table, World};

/// An object's id. Copies share their text.
pub(crate) type Id = Arc<str>;

/// What an app keeps with an object.
pub(crate) type Metadata = BTreeMap<String, String>;

/// Changes an object's metadata as a call asks: a name with an empty value goes, `metadata=`
/// removes all.
pub(crate) fn change_metadata(metadata: &mut Metadata, params: &Params) {
    let Some(change) = params.metadata() else { return };
    if change.clears {
        metadata.clear();
    }
    for (name, value) in change.entries {
        match value {
            Some(value) => metadata.insert(name, value),
            None => metadata.remove(&name),
        };
    }
}

/// Returns the metadata that a call creates an object with.
pub(crate) fn metadata(params: &Params) -> Metadata {
    let mut metadata = Metadata::new();
    change_metadata(&mut metadata, params);
    metadata
}

/// Changes a text that a call may set or clear with an empty value.
pub(crate) fn change_text(place: &mut Option<String>, params: &Params, name: &str) {
    if params.cleared(name) {
        *place = None;
    } else if let Some(text) = params.text(name) {
        *place = Some(text.to_owned());
    }
}

/// A kind of object that the sandbox keeps in a table of its own.
pub(crate) trait Object: Serialize + Clone + Sized + 'static {
    /// The value of `object`, for example `checkout.session`.
    const NAME: &'static str;
    /// What ids begin with, for example `cus_`.
    const PREFIX: &'static str;
    /// Where the list of them is, for example `/v1/customers`.
    const PATH: &'static str;

    /// Returns the object's id.
    fn id(&self) -> &Id;

    /// Returns when it was made, in Unix seconds.
    fn created(&self) -> i64;

    /// Returns the customer it belongs to, and through it to a test clock.
    fn customer(&self) -> Option<&Id> {
        None
    }

    /// Returns the ids by which its lists are narrowed: its customer, subscription, price …
    fn owners(&self) -> Vec<&Id> {
        self.customer().into_iter().collect()
    }

    /// Returns the world's table of this kind.
    fn table(world: &World) -> &Table<Self>;

    /// Returns the world's table of this kind, to change it.
    fn table_mut(world: &mut World) -> &mut Table<Self>;
}

/// A field that is always `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Null;

impl Serialize for Null {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

/// A field that is always an empty list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Empty;

impl Serialize for Empty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(std::iter::empty::<()>())
    }
}

/// A list inside an object, such as a subscription's items. It is always whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct List<T> {
    /// What is in it.
    pub(crate) data: Vec<T>,
    /// Where the rest would be.
    pub(crate) url: String,
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a, T> {
            object: &'static str,
            data: &'a [T],
            has_more: bool,
            url: &'a str,
        }
        Wire { object: "list", data: &self.data, has_more: false, url: &self.url }
            .serialize(serializer)
    }
}
