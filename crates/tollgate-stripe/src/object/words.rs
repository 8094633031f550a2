//! Stripe's closed lists of words, open to words that it adds later: an unknown one is kept as it
//! came, never an error. The empty word stands for one that was absent.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares an enum of words with `Unknown` for all others.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("Stripe's `", $text, "`.")] $word,)+
            /// A word that this version of Tollgate does not know; empty where there was none.
            Unknown(String),
        }

        impl $name {
            /// The words that are known, in Stripe's order.
            pub const KNOWN: &'static [&'static str] = &[$($text),+];

            /// Returns Stripe's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$word,)+
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        /// The absent word.
        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(|text| Self::from(text.as_str()))
            }
        }
    )+};
}

words! {
    /// Where a subscription stands.
    SubscriptionStatus {
        Trialing = "trialing",
        Active = "active",
        PastDue = "past_due",
        Unpaid = "unpaid",
        Paused = "paused",
        Canceled = "canceled",
        Incomplete = "incomplete",
        IncompleteExpired = "incomplete_expired",
    }
    /// Where an invoice stands.
    InvoiceStatus {
        Draft = "draft",
        Open = "open",
        Paid = "paid",
        Uncollectible = "uncollectible",
        Void = "void",
    }
    /// What a Checkout session is for.
    SessionMode {
        Payment = "payment",
        Subscription = "subscription",
        Setup = "setup",
    }
    /// Where a Checkout session stands; versions before 2022 did not say.
    SessionStatus {
        Open = "open",
        Complete = "complete",
        Expired = "expired",
    }
    /// Whether a Checkout session's money has arrived.
    PaymentStatus {
        Paid = "paid",
        Unpaid = "unpaid",
        NoPaymentRequired = "no_payment_required",
    }
    /// Where a payment intent stands.
    PaymentIntentStatus {
        RequiresPaymentMethod = "requires_payment_method",
        RequiresConfirmation = "requires_confirmation",
        RequiresAction = "requires_action",
        Processing = "processing",
        RequiresCapture = "requires_capture",
        Canceled = "canceled",
        Succeeded = "succeeded",
    }
    /// Where a charge stands.
    ChargeStatus {
        Pending = "pending",
        Succeeded = "succeeded",
        Failed = "failed",
    }
    /// Where a refund stands.
    RefundStatus {
        Pending = "pending",
        RequiresAction = "requires_action",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
    }
    /// Where a dispute stands.
    DisputeStatus {
        WarningNeedsResponse = "warning_needs_response",
        WarningUnderReview = "warning_under_review",
        WarningClosed = "warning_closed",
        NeedsResponse = "needs_response",
        UnderReview = "under_review",
        Won = "won",
        Lost = "lost",
        Prevented = "prevented",
        AppealNeedsResponse = "appeal_needs_response",
        AppealUnderReview = "appeal_under_review",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_comes_back_as_itself() {
        for word in SubscriptionStatus::KNOWN {
            let status = SubscriptionStatus::from(*word);
            assert!(!matches!(status, SubscriptionStatus::Unknown(_)), "{word}");
            assert_eq!(status.as_str(), *word);
        }
        assert_eq!(DisputeStatus::KNOWN.len(), 10);
    }

    #[test]
    fn an_unknown_word_is_kept() {
        let status: InvoiceStatus = serde_json::from_str("\"frozen\"").unwrap();
        assert_eq!(status, InvoiceStatus::Unknown("frozen".to_owned()));
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"frozen\"");
        assert_eq!(SessionMode::default().as_str(), "");
    }
}
