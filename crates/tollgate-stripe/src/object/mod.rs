//! Stripe's objects as Tollgate sees them: tolerant views over raw JSON of any API version from
//! 2020-08-27 to today. Only what the rules act on is read; every field is optional but the id;
//! ids may be expanded objects; unknown enum values are kept. A view serialises into the current
//! shape, so that a stored view is read back by the same code that reads Stripe.

mod catalog;
mod charge;
mod checkout;
mod customer;
mod discount;
mod dispute;
mod invoice;
mod payment_intent;
mod subscription;
mod words;
mod write;

use std::str::FromStr;

use serde::de::MapAccess;
use serde::{Serialize, Serializer};

pub use self::catalog::{Price, Product};
pub use self::charge::{Charge, Refund};
pub use self::checkout::CheckoutSession;
pub use self::customer::{Customer, Entitlements, Metadata, PaymentMethod};
pub use self::discount::{Coupon, Discount, PromotionCode, SessionDiscount};
pub use self::dispute::Dispute;
pub use self::invoice::{Invoice, InvoiceLine, InvoicePayment};
pub use self::payment_intent::PaymentIntent;
pub use self::subscription::{Subscription, SubscriptionItem};
pub use self::words::{
    ChargeStatus, DisputeStatus, InvoiceStatus, PaymentIntentStatus, PaymentStatus, RefundStatus,
    SessionMode, SessionStatus, SubscriptionStatus,
};
use crate::id::CustomerId;
use crate::read::{View, skip, text, whole};

/// One of Stripe's objects, as a view.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the view of its name, documented there")]
pub enum Object {
    Customer(Customer),
    Subscription(Subscription),
    Invoice(Invoice),
    InvoicePayment(InvoicePayment),
    CheckoutSession(CheckoutSession),
    PaymentIntent(PaymentIntent),
    Charge(Charge),
    Refund(Refund),
    Dispute(Dispute),
    PaymentMethod(PaymentMethod),
    Entitlements(Entitlements),
    Product(Product),
    Price(Price),
    Coupon(Coupon),
    PromotionCode(PromotionCode),
    /// A coupon, given to somebody.
    Discount(Discount),
}

/// What an [`Object`] is; its text is Stripe's `object` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `customer`
    Customer,
    /// `subscription`
    Subscription,
    /// `invoice`
    Invoice,
    /// `invoice_payment`
    InvoicePayment,
    /// `checkout.session`
    CheckoutSession,
    /// `payment_intent`
    PaymentIntent,
    /// `charge`
    Charge,
    /// `refund`
    Refund,
    /// `dispute`
    Dispute,
    /// `payment_method`
    PaymentMethod,
    /// `entitlements.active_entitlement_summary`
    Entitlements,
    /// `product`
    Product,
    /// `price`
    Price,
    /// `coupon`
    Coupon,
    /// `promotion_code`
    PromotionCode,
    /// `discount`
    Discount,
}

/// Why a text cannot be read as an object. The messages show nothing of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is not JSON; where it stops being so, counted from 1. A lone surrogate or a number
    /// beyond a float, in a field that is read, counts as such.
    #[error("object is not JSON at line {line} column {column}")]
    NotJson {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// It is JSON, but not an object.
    #[error("object is not a JSON object")]
    NotObject,
    /// Its id, or the customer of an entitlement summary, is missing or not an id.
    #[error("{} has no id", .0.as_str())]
    MissingId(Kind),
    /// Its `object` field names no kind that has a view.
    #[error("object is of no known kind")]
    UnknownKind,
}

impl From<serde_json::Error> for ObjectError {
    /// Keeps the place only: the message could quote the text.
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson { line: error.line(), column: error.column() }
    }
}

impl Object {
    /// Reads one of Stripe's objects, of any API version since 2020-08-27. A field of an
    /// unexpected type counts as absent; of equal keys the last one counts.
    ///
    /// # Errors
    /// When the text is not a JSON object, or lacks the id without which it means nothing.
    pub fn read(kind: Kind, raw: &str) -> Result<Self, ObjectError> {
        let object = match kind {
            Kind::Customer => Self::Customer(view(raw)?),
            Kind::Subscription => Self::Subscription(view::<subscription::Draft>(raw)?.into()),
            Kind::Invoice => Self::Invoice(view::<invoice::Draft>(raw)?.into()),
            Kind::InvoicePayment => Self::InvoicePayment(view(raw)?),
            Kind::CheckoutSession => Self::CheckoutSession(view::<checkout::Draft>(raw)?.into()),
            Kind::PaymentIntent => Self::PaymentIntent(view::<payment_intent::Draft>(raw)?.into()),
            Kind::Charge => Self::Charge(view(raw)?),
            Kind::Refund => Self::Refund(view(raw)?),
            Kind::Dispute => Self::Dispute(view(raw)?),
            Kind::PaymentMethod => Self::PaymentMethod(view(raw)?),
            Kind::Entitlements => Self::Entitlements(view(raw)?),
            Kind::Product => Self::Product(view(raw)?),
            Kind::Price => Self::Price(view(raw)?),
            Kind::Coupon => Self::Coupon(view(raw)?),
            Kind::PromotionCode => Self::PromotionCode(view::<discount::Draft>(raw)?.into()),
            Kind::Discount => Self::Discount(view::<discount::GivenDraft>(raw)?.into()),
        };
        if object.is_named() { Ok(object) } else { Err(ObjectError::MissingId(kind)) }
    }

    /// Reads an object that names its own kind: one that [`Object::to_stored`] wrote, or any of
    /// Stripe's with its `object` field.
    ///
    /// # Errors
    /// As [`Object::read`], and when its kind has no view.
    pub fn parse_stored(raw: &str) -> Result<Self, ObjectError> {
        let named: Named = view(raw)?;
        Self::read(named.kind.as_deref().unwrap_or_default().parse()?, raw)
    }

    /// Writes the view compactly in Stripe's current shape, for [`Object::parse_stored`].
    pub fn to_stored(&self) -> String {
        serde_json::to_string(self).expect("views hold only texts, numbers and lists of them")
    }

    /// Returns what it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Customer(_) => Kind::Customer,
            Self::Subscription(_) => Kind::Subscription,
            Self::Invoice(_) => Kind::Invoice,
            Self::InvoicePayment(_) => Kind::InvoicePayment,
            Self::CheckoutSession(_) => Kind::CheckoutSession,
            Self::PaymentIntent(_) => Kind::PaymentIntent,
            Self::Charge(_) => Kind::Charge,
            Self::Refund(_) => Kind::Refund,
            Self::Dispute(_) => Kind::Dispute,
            Self::PaymentMethod(_) => Kind::PaymentMethod,
            Self::Entitlements(_) => Kind::Entitlements,
            Self::Product(_) => Kind::Product,
            Self::Price(_) => Kind::Price,
            Self::Coupon(_) => Kind::Coupon,
            Self::PromotionCode(_) => Kind::PromotionCode,
            Self::Discount(_) => Kind::Discount,
        }
    }

    /// Returns its id; entitlement summaries and previews of invoices have none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Customer(object) => Some(object.id.as_str()),
            Self::Subscription(object) => Some(object.id.as_str()),
            Self::Invoice(object) => object.id.as_ref().map(AsRef::as_ref),
            Self::InvoicePayment(object) => Some(object.id.as_str()),
            Self::CheckoutSession(object) => Some(object.id.as_str()),
            Self::PaymentIntent(object) => Some(object.id.as_str()),
            Self::Charge(object) => Some(object.id.as_str()),
            Self::Refund(object) => Some(object.id.as_str()),
            Self::Dispute(object) => Some(object.id.as_str()),
            Self::PaymentMethod(object) => Some(object.id.as_str()),
            Self::Entitlements(_) => None,
            Self::Product(object) => Some(object.id.as_str()),
            Self::Price(object) => Some(object.id.as_str()),
            Self::Coupon(object) => Some(object.id.as_str()),
            Self::PromotionCode(object) => Some(object.id.as_str()),
            Self::Discount(object) => Some(object.id.as_str()),
        }
    }

    /// Returns the customer it belongs to, or is; of a promotion code, the one it is kept for.
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Customer(object) => Some(&object.id),
            Self::Subscription(object) => object.customer.as_ref(),
            Self::Invoice(object) => object.customer.as_ref(),
            Self::CheckoutSession(object) => object.customer.as_ref(),
            Self::PaymentIntent(object) => object.customer.as_ref(),
            Self::Charge(object) => object.customer.as_ref(),
            Self::Refund(object) => object.customer.as_ref(),
            Self::PaymentMethod(object) => object.customer.as_ref(),
            Self::Entitlements(object) => Some(&object.customer),
            Self::PromotionCode(object) => object.customer.as_ref(),
            Self::Discount(object) => object.customer.as_ref(),
            Self::InvoicePayment(_)
            | Self::Dispute(_)
            | Self::Product(_)
            | Self::Price(_)
            | Self::Coupon(_) => None,
        }
    }

    /// Says whether it has what it is stored under; views start with a blank id.
    fn is_named(&self) -> bool {
        match self {
            Self::Entitlements(summary) => !summary.customer.as_str().is_empty(),
            _ => self.id() != Some(""),
        }
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Customer(object) => object.serialize(to),
            Self::Subscription(object) => object.serialize(to),
            Self::Invoice(object) => object.serialize(to),
            Self::InvoicePayment(object) => object.serialize(to),
            Self::CheckoutSession(object) => object.serialize(to),
            Self::PaymentIntent(object) => object.serialize(to),
            Self::Charge(object) => object.serialize(to),
            Self::Refund(object) => object.serialize(to),
            Self::Dispute(object) => object.serialize(to),
            Self::PaymentMethod(object) => object.serialize(to),
            Self::Entitlements(object) => object.serialize(to),
            Self::Product(object) => object.serialize(to),
            Self::Price(object) => object.serialize(to),
            Self::Coupon(object) => object.serialize(to),
            Self::PromotionCode(object) => object.serialize(to),
            Self::Discount(object) => object.serialize(to),
        }
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Customer,
        Self::Subscription,
        Self::Invoice,
        Self::InvoicePayment,
        Self::CheckoutSession,
        Self::PaymentIntent,
        Self::Charge,
        Self::Refund,
        Self::Dispute,
        Self::PaymentMethod,
        Self::Entitlements,
        Self::Product,
        Self::Price,
        Self::Coupon,
        Self::PromotionCode,
        Self::Discount,
    ];

    /// Returns Stripe's word, the `object` field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Subscription => "subscription",
            Self::Invoice => "invoice",
            Self::InvoicePayment => "invoice_payment",
            Self::CheckoutSession => "checkout.session",
            Self::PaymentIntent => "payment_intent",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::PaymentMethod => "payment_method",
            Self::Entitlements => "entitlements.active_entitlement_summary",
            Self::Product => "product",
            Self::Price => "price",
            Self::Coupon => "coupon",
            Self::PromotionCode => "promotion_code",
            Self::Discount => "discount",
        }
    }
}

impl FromStr for Kind {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or(ObjectError::UnknownKind)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn view<'de, V: View<'de>>(raw: &'de str) -> Result<V, ObjectError> {
    whole(raw)?.ok_or(ObjectError::NotObject)
}

/// The kind that an object says it is.
#[derive(Default)]
struct Named {
    kind: Option<String>,
}

impl<'de> View<'de> for Named {
    fn take<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "object" => self.kind = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
