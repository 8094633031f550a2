//! A line of an invoice. Lines live inside their invoice; they have no table.

use serde::{Serialize, Serializer};

use super::{Empty, Id, Metadata};
use crate::money::currency::Currency;

/// <https://docs.stripe.com/api/invoice-line-item/object>, as it is kept: the wire has more
/// fields, which follow from these.
#[derive(Debug, Clone)]
pub(crate) struct LineItem {
    pub(crate) id: Id,
    /// In minor units; negative for a credit.
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) description: Option<String>,
    pub(crate) discount_amounts: Vec<DiscountAmount>,
    pub(crate) discountable: bool,
    pub(crate) discounts: Vec<Id>,
    pub(crate) invoice: Option<Id>,
    pub(crate) metadata: Metadata,
    pub(crate) origin: Origin,
    pub(crate) period: Period,
    pub(crate) pricing: Option<Pricing>,
    pub(crate) quantity: Option<i64>,
}

/// Where a line comes from; on the wire its `parent`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) invoice_item: Option<Id>,
    pub(crate) subscription: Option<Id>,
    pub(crate) subscription_item: Option<Id>,
    pub(crate) proration: bool,
    pub(crate) credited: Option<Box<Credited>>,
}

/// The lines of an earlier invoice that a proration gives back.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Credited {
    pub(crate) invoice: Id,
    pub(crate) invoice_line_items: Vec<Id>,
}

/// What one discount takes off, in minor units.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct DiscountAmount {
    pub(crate) amount: i64,
    pub(crate) discount: Id,
}

/// A stretch of time, in Unix seconds.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) end: i64,
    pub(crate) start: i64,
}

/// What one unit costs, and by which price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pricing {
    /// The price and its product; none for a bare amount.
    pub(crate) price: Option<(Id, Id)>,
    pub(crate) unit_amount_decimal: Option<String>,
}

impl Serialize for Pricing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Details<'a> {
            price: &'a Id,
            product: &'a Id,
        }
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            price_details: Option<Details<'a>>,
            #[serde(rename = "type")]
            kind: &'static str,
            unit_amount_decimal: &'a Option<String>,
        }
        let price_details = self.price.as_ref().map(|(price, product)| Details { price, product });
        Wire {
            price_details,
            kind: "price_details",
            unit_amount_decimal: &self.unit_amount_decimal,
        }
        .serialize(serializer)
    }
}

/// The same discounts as `pretax_credit_amounts` names them.
pub(crate) struct PretaxCredits<'a>(pub(crate) &'a [DiscountAmount]);

impl Serialize for PretaxCredits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            amount: i64,
            discount: &'a Id,
            #[serde(rename = "type")]
            kind: &'static str,
        }
        serializer.collect_seq(self.0.iter().map(|one| Wire {
            amount: one.amount,
            discount: &one.discount,
            kind: "discount",
        }))
    }
}

#[derive(Serialize)]
struct Parent<'a> {
    invoice_item_details: Option<ItemDetails<'a>>,
    subscription_item_details: Option<SubscriptionItemDetails<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ItemDetails<'a> {
    invoice_item: &'a Id,
    proration: bool,
    proration_details: ProrationDetails<'a>,
    subscription: Option<&'a Id>,
}

#[derive(Serialize)]
struct SubscriptionItemDetails<'a> {
    invoice_item: Option<&'a Id>,
    proration: bool,
    proration_details: ProrationDetails<'a>,
    subscription: Option<&'a Id>,
    subscription_item: &'a Id,
}

#[derive(Serialize)]
struct ProrationDetails<'a> {
    credited_items: Option<&'a Credited>,
}

impl Origin {
    fn parent(&self) -> Option<Parent<'_>> {
        let proration_details = ProrationDetails { credited_items: self.credited.as_deref() };
        let (subscription, invoice_item) = (self.subscription.as_ref(), self.invoice_item.as_ref());
        if let Some(subscription_item) = &self.subscription_item {
            return Some(Parent {
                invoice_item_details: None,
                subscription_item_details: Some(SubscriptionItemDetails {
                    invoice_item,
                    proration: self.proration,
                    proration_details,
                    subscription,
                    subscription_item,
                }),
                kind: "subscription_item_details",
            });
        }
        Some(Parent {
            invoice_item_details: Some(ItemDetails {
                invoice_item: invoice_item?,
                proration: self.proration,
                proration_details,
                subscription,
            }),
            subscription_item_details: None,
            kind: "invoice_item_details",
        })
    }
}

impl Serialize for LineItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            id: &'a Id,
            object: &'static str,
            amount: i64,
            currency: Currency,
            description: &'a Option<String>,
            discount_amounts: &'a [DiscountAmount],
            discountable: bool,
            discounts: &'a [Id],
            invoice: &'a Option<Id>,
            livemode: bool,
            metadata: &'a Metadata,
            parent: Option<Parent<'a>>,
            period: Period,
            pretax_credit_amounts: PretaxCredits<'a>,
            pricing: &'a Option<Pricing>,
            quantity: Option<i64>,
            quantity_decimal: Option<String>,
            subscription: &'a Option<Id>,
            subtotal: i64,
            taxes: Empty,
        }
        Wire {
            id: &self.id,
            object: "line_item",
            amount: self.amount,
            currency: self.currency,
            description: &self.description,
            discount_amounts: &self.discount_amounts,
            discountable: self.discountable,
            discounts: &self.discounts,
            invoice: &self.invoice,
            livemode: false,
            metadata: &self.metadata,
            parent: self.origin.parent(),
            period: self.period,
            pretax_credit_amounts: PretaxCredits(&self.discount_amounts),
            pricing: &self.pricing,
            quantity: self.quantity,
            quantity_decimal: self.quantity.map(|quantity| quantity.to_string()),
            subscription: &self.origin.subscription,
            subtotal: self.amount,
            taxes: Empty,
        }
        .serialize(serializer)
    }
}
