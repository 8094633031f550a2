//! Stripe's ids as types, so that an invoice is never looked up by a customer's id. No prefix is
//! checked: coupons and products may carry any text their owner chose.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest id taken from outside, in bytes; Stripe's own are far shorter.
pub const ID_BYTES_MAX: usize = 255;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no characters.
    #[error("id is empty")]
    Empty,
    /// It has a NUL character, which Postgres cannot store.
    #[error("id has a NUL character")]
    Nul,
    /// It is longer than [`ID_BYTES_MAX`].
    #[error("id is longer than {ID_BYTES_MAX} bytes")]
    TooLong,
}

/// Checks that a text from outside can be an id: not empty, no NUL, at most [`ID_BYTES_MAX`] bytes.
pub fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        Err(IdError::Empty)
    } else if text.len() > ID_BYTES_MAX {
        Err(IdError::TooLong)
    } else if text.contains('\0') {
        Err(IdError::Nul)
    } else {
        Ok(())
    }
}

/// Declares id types. `From` trusts its text; deserialising runs [`check`] first.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// The default is the blank id: what a view holds before its own is read, never stored.
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the id's text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                check(&text).map_err(serde::de::Error::custom)?;
                Ok(Self(text))
            }
        }
    )+};
}

id! {
    /// A customer's id, `cus_…`.
    CustomerId;
    /// A subscription's id, `sub_…`.
    SubscriptionId;
    /// An invoice's id, `in_…`.
    InvoiceId;
    /// The id of a payment made on an invoice, `inpay_…`.
    InvoicePaymentId;
    /// A Checkout session's id, `cs_…`.
    CheckoutSessionId;
    /// A payment intent's id, `pi_…`.
    PaymentIntentId;
    /// A charge's id, `ch_…` or `py_…`.
    ChargeId;
    /// A refund's id, `re_…`.
    RefundId;
    /// A dispute's id, `dp_…` or `du_…`.
    DisputeId;
    /// A payment method's id, `pm_…`, or the card or source of older accounts.
    PaymentMethodId;
    /// A product's id, `prod_…` or a text of its owner's choice.
    ProductId;
    /// A price's id, `price_…`, or a plan's, which may be any text.
    PriceId;
    /// A coupon's id, any text.
    CouponId;
    /// A promotion code's id, `promo_…`.
    PromotionCodeId;
    /// A discount's id, `di_…`.
    DiscountId;
    /// An event's id, `evt_…`.
    EventId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_and_writes_as_plain_text() {
        let id: CouponId = serde_json::from_str("\"10% off, ☃\"").unwrap();
        assert_eq!(id, "10% off, ☃");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"10% off, ☃\"");
        assert_eq!(id.to_string(), id.as_str());
    }

    #[test]
    fn an_id_that_no_database_could_hold_is_refused() {
        assert_eq!(check(""), Err(IdError::Empty));
        assert_eq!(check("cus_\0"), Err(IdError::Nul));
        assert_eq!(check(&"x".repeat(256)), Err(IdError::TooLong));
        assert_eq!(check(&"x".repeat(255)), Ok(()));
        for bad in ["\"\"", "\"a\\u0000b\"", "null", "7", "{}"] {
            assert!(serde_json::from_str::<EventId>(bad).is_err(), "{bad} was taken for an id");
        }
        let long = format!("\"{}\"", "x".repeat(256));
        assert!(serde_json::from_str::<EventId>(&long).is_err());
    }

    #[test]
    fn ids_are_found_in_a_map_by_their_text() {
        let map = std::collections::HashMap::from([(PriceId::from("price_1"), 1)]);
        assert_eq!(map.get("price_1"), Some(&1));
    }
}
