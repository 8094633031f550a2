//! Where somebody is to be found: addresses, shipping, and the billing details of a payment.

use std::sync::Arc;

use serde::Serialize;

use super::change_text;
use crate::params::Params;

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Address {
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) state: Option<String>,
}

impl Address {
    /// Returns the address that a call gives.
    pub(crate) fn from_params(params: &Params) -> Self {
        let mut address = Self::default();
        address.change(params);
        address
    }

    /// Changes the lines that a call gives.
    pub(crate) fn change(&mut self, params: &Params) {
        change_text(&mut self.city, params, "city");
        change_text(&mut self.country, params, "country");
        change_text(&mut self.line1, params, "line1");
        change_text(&mut self.line2, params, "line2");
        change_text(&mut self.postal_code, params, "postal_code");
        change_text(&mut self.state, params, "state");
    }
}

/// Where goods go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Shipping {
    pub(crate) address: Address,
    pub(crate) carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) tracking_number: Option<String>,
}

impl Shipping {
    /// Returns the shipping that a call gives.
    pub(crate) fn from_params(params: &Params) -> Self {
        Self {
            address: params.sub("address").map(|at| Address::from_params(&at)).unwrap_or_default(),
            carrier: params.text("carrier").map(str::to_owned),
            name: params.text("name").map(str::to_owned),
            phone: params.text("phone").map(str::to_owned),
            tracking_number: params.text("tracking_number").map(str::to_owned),
        }
    }

    /// Changes a shipping as a call asks: set, or removed with an empty value.
    pub(crate) fn change(place: &mut Option<Arc<Self>>, params: &Params) {
        if params.cleared("shipping") {
            *place = None;
        } else if let Some(shipping) = params.sub("shipping") {
            *place = Some(Arc::new(Self::from_params(&shipping)));
        }
    }
}

/// Whom a payment method belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BillingDetails {
    pub(crate) address: Address,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) tax_id: Option<String>,
}

impl BillingDetails {
    /// Changes what a call's `billing_details` give.
    pub(crate) fn change(&mut self, params: &Params) {
        let Some(details) = params.sub("billing_details") else { return };
        if details.cleared("address") {
            self.address = Address::default();
        } else if let Some(address) = details.sub("address") {
            self.address.change(&address);
        }
        change_text(&mut self.email, &details, "email");
        change_text(&mut self.name, &details, "name");
        change_text(&mut self.phone, &details, "phone");
        change_text(&mut self.tax_id, &details, "tax_id");
    }
}
