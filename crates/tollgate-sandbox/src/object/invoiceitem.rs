//! An invoice item: an amount that waits for an invoice, or stands on one.

use serde::{Serialize, Serializer};

use super::line_item::{Credited, DiscountAmount, Period, Pricing};
use super::{Empty, Id, Metadata, Null, Object};
use crate::money::currency::Currency;
use crate::world::{Table, World};

/// <https://docs.stripe.com/api/invoiceitems/object>, as it is kept: the wire has more fields,
/// which follow from these.
#[derive(Debug, Clone)]
pub(crate) struct InvoiceItem {
    pub(crate) id: Id,
    /// In minor units; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) customer: Id,
    pub(crate) date: i64,
    pub(crate) description: Option<String>,
    pub(crate) discountable: bool,
    pub(crate) discounts: Vec<Id>,
    /// The invoice it stands on; none while it is pending.
    pub(crate) invoice: Option<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) subscription: Option<Id>,
    pub(crate) subscription_item: Option<Id>,
    pub(crate) period: Period,
    pub(crate) pricing: Option<Pricing>,
    pub(crate) proration: bool,
    pub(crate) credited: Option<Box<Credited>>,
    pub(crate) quantity: i64,
    pub(crate) test_clock: Option<Id>,
}

#[derive(Serialize)]
struct Parent<'a> {
    subscription_details: SubscriptionDetails<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct SubscriptionDetails<'a> {
    subscription: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_item: Option<&'a Id>,
}

#[derive(Serialize)]
struct ProrationDetails<'a> {
    credited_items: Option<CreditedItems<'a>>,
    discount_amounts: &'a [DiscountAmount],
}

#[derive(Serialize)]
struct CreditedItems<'a> {
    invoice_line_item_details: &'a Credited,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl InvoiceItem {
    fn parent(&self) -> Option<Parent<'_>> {
        let subscription_details = SubscriptionDetails {
            subscription: self.subscription.as_ref()?,
            subscription_item: self.subscription_item.as_ref(),
        };
        Some(Parent { subscription_details, kind: "subscription_details" })
    }

    fn proration_details(&self) -> Option<ProrationDetails<'_>> {
        let credited_items = self.credited.as_deref().map(|credited| CreditedItems {
            invoice_line_item_details: credited,
            kind: "invoice_line_items",
        });
        self.proration.then_some(ProrationDetails { credited_items, discount_amounts: &[] })
    }
}

impl Serialize for InvoiceItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            id: &'a Id,
            object: &'static str,
            amount: i64,
            currency: Currency,
            customer: &'a Id,
            customer_account: Null,
            date: i64,
            description: &'a Option<String>,
            discountable: bool,
            discounts: &'a [Id],
            invoice: &'a Option<Id>,
            livemode: bool,
            metadata: &'a Metadata,
            #[serde(skip_serializing_if = "Option::is_none")]
            net_amount: Option<i64>,
            parent: Option<Parent<'a>>,
            period: Period,
            pricing: &'a Option<Pricing>,
            proration: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            proration_details: Option<ProrationDetails<'a>>,
            quantity: i64,
            quantity_decimal: String,
            tax_rates: Empty,
            test_clock: &'a Option<Id>,
        }
        Wire {
            id: &self.id,
            object: Self::NAME,
            amount: self.amount,
            currency: self.currency,
            customer: &self.customer,
            customer_account: Null,
            date: self.date,
            description: &self.description,
            discountable: self.discountable,
            discounts: &self.discounts,
            invoice: &self.invoice,
            livemode: false,
            metadata: &self.metadata,
            net_amount: (!self.discountable).then_some(self.amount),
            parent: self.parent(),
            period: self.period,
            pricing: &self.pricing,
            proration: self.proration,
            proration_details: self.proration_details(),
            quantity: self.quantity,
            quantity_decimal: self.quantity.to_string(),
            tax_rates: Empty,
            test_clock: &self.test_clock,
        }
        .serialize(serializer)
    }
}

impl Object for InvoiceItem {
    const NAME: &'static str = "invoiceitem";
    const PREFIX: &'static str = "ii_";
    const PATH: &'static str = "/v1/invoiceitems";

    fn id(&self) -> &Id {
        &self.id
    }

    fn created(&self) -> i64 {
        self.date
    }

    fn customer(&self) -> Option<&Id> {
        Some(&self.customer)
    }

    fn owners(&self) -> Vec<&Id> {
        [Some(&self.customer), self.invoice.as_ref()].into_iter().flatten().collect()
    }

    fn table(world: &World) -> &Table<Self> {
        &world.invoiceitems
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.invoiceitems
    }
}
