//! A customer: who buys, what they owe or are owed, and what their invoices are charged to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::address::{Address, Shipping};
use super::{Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/customers/object>
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: Id,
    pub(crate) object: &'static str,
    pub(crate) address: Option<Address>,
    /// In minor units of `currency`; negative is credit for the next invoices.
    pub(crate) balance: i64,
    /// The same in other currencies, which only invoices in those see.
    #[serde(skip)]
    pub(crate) other_balances: BTreeMap<Currency, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) business_name: Option<String>,
    pub(crate) created: i64,
    /// The currency of the first invoice.
    pub(crate) currency: Option<Currency>,
    pub(crate) customer_account: Null,
    /// The card that it was created with, if any.
    pub(crate) default_source: Option<Id>,
    /// Whether the latest invoice is unpaid though its payment was tried.
    pub(crate) delinquent: bool,
    pub(crate) description: Option<String>,
    /// The whole discount object.
    pub(crate) discount: Option<Value>,
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) individual_name: Option<String>,
    /// What the numbers of the customer's invoices begin with.
    pub(crate) invoice_prefix: String,
    pub(crate) invoice_settings: InvoiceSettings,
    pub(crate) livemode: bool,
    pub(crate) metadata: Metadata,
    pub(crate) name: Option<String>,
    /// The number of the customer's next invoice.
    pub(crate) next_invoice_sequence: i64,
    pub(crate) phone: Option<String>,
    pub(crate) preferred_locales: Vec<String>,
    pub(crate) shipping: Option<Arc<Shipping>>,
    pub(crate) tax_exempt: &'static str,
    pub(crate) test_clock: Option<Id>,
}

impl Customer {
    /// Returns the balance that invoices in a currency see. One that was set before the first
    /// invoice is in whatever currency that has.
    pub(crate) fn balance_in(&self, currency: Currency) -> i64 {
        match self.is_billed_in(currency) {
            true => self.balance,
            false => self.other_balances.get(&currency).copied().unwrap_or(0),
        }
    }

    /// Says whether a currency is the customer's own, or may still become it.
    pub(crate) fn is_billed_in(&self, currency: Currency) -> bool {
        self.currency.is_none_or(|own| own == currency)
    }
}

/// What a customer's invoices begin with.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct InvoiceSettings {
    pub(crate) custom_fields: Option<Vec<CustomField>>,
    pub(crate) default_payment_method: Option<Id>,
    pub(crate) footer: Option<String>,
    pub(crate) rendering_options: Option<RenderingOptions>,
}

/// A line that is printed on invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct CustomField {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// How invoices are printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RenderingOptions {
    pub(crate) amount_tax_display: Option<String>,
    pub(crate) template: Option<String>,
}

impl Object for Customer {
    const NAME: &'static str = "customer";
    const PREFIX: &'static str = "cus_";
    const PATH: &'static str = "/v1/customers";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn customer(&self) -> Option<&Id> {
        Some(&self.id)
    }

    fn owners(&self) -> Vec<&Id> {
        Vec::new()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.customers
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.customers
    }
}
