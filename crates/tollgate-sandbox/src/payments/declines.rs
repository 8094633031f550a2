//! Declines: what a bank says when it refuses a card, by Stripe's decline codes.
//!
//! Codes after <https://docs.stripe.com/declines/codes> (2026-11).

use serde_json::Value;

use crate::error::StripeError;

/// One way of being refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    /// The error's `code`.
    pub(crate) code: &'static str,
    pub(crate) decline_code: &'static str,
    pub(crate) message: &'static str,
    /// What the seller reads in the dashboard.
    pub(crate) seller_message: &'static str,
    pub(crate) network_code: &'static str,
    pub(crate) advice: Option<&'static str>,
}

const DECLINED: &str = "Your card was declined.";
const NO_DETAILS: &str = "The bank gave no reason for this decline.";

const fn declined(
    decline_code: &'static str,
    network_code: &'static str,
    advice: &'static str,
) -> Decline {
    Decline {
        code: "card_declined",
        decline_code,
        message: DECLINED,
        seller_message: NO_DETAILS,
        network_code,
        advice: Some(advice),
    }
}

/// Every decline that a test card or the failing switch can bring; the first is the general one.
static DECLINES: [Decline; 15] = [
    declined("generic_decline", "01", "try_again_later"),
    Decline {
        message: "Your card has insufficient funds.",
        ..declined("insufficient_funds", "51", "try_again_later")
    },
    declined("lost_card", "41", "do_not_try_again"),
    declined("stolen_card", "43", "do_not_try_again"),
    Decline {
        code: "expired_card",
        message: "Your card has expired.",
        ..declined("expired_card", "54", "do_not_try_again")
    },
    Decline {
        code: "incorrect_cvc",
        message: "Your card's security code is incorrect.",
        ..declined("incorrect_cvc", "82", "confirm_card_data")
    },
    Decline {
        code: "processing_error",
        message: "An error occurred while processing your card. Try again in a little bit.",
        ..declined("processing_error", "96", "try_again_later")
    },
    Decline {
        message: "Your card was declined: it was used too often or over its limit.",
        ..declined("card_velocity_exceeded", "65", "try_again_later")
    },
    Decline {
        seller_message: "Stripe blocked this payment as too risky.",
        ..declined("fraudulent", "59", "do_not_try_again")
    },
    Decline {
        code: "authentication_required",
        message: "Your card was declined. This transaction requires authentication.",
        ..declined("authentication_required", "1A", "try_again_later")
    },
    declined("do_not_honor", "05", "try_again_later"),
    declined("card_not_supported", "57", "do_not_try_again"),
    declined("pickup_card", "04", "do_not_try_again"),
    declined("withdrawal_count_limit_exceeded", "61", "try_again_later"),
    declined("try_again_later", "91", "try_again_later"),
];

/// Returns the decline with a code; one that nobody knows is the general one.
pub(crate) fn find(decline_code: &str) -> &'static Decline {
    let known = DECLINES.iter().find(|decline| decline.decline_code == decline_code);
    known.unwrap_or(&DECLINES[0])
}

/// The refusal of a call whose payment method was declined.
pub(super) fn refusal(
    decline: &Decline,
    charge: Option<&str>,
    method: Option<Value>,
) -> StripeError {
    let page = decline.code.replace('_', "-");
    let mut error = StripeError::card(decline.code, Some(decline.decline_code), decline.message)
        .with("doc_url", format!("https://docs.stripe.com/error-codes/{page}"))
        .with("network_decline_code", decline.network_code);
    if let Some(method) = method {
        error = error.with("payment_method", method);
    }
    if let Some(advice) = decline.advice {
        error = error.with("advice_code", advice);
    }
    if decline.code == "incorrect_cvc" {
        error = error.with("param", "cvc");
    }
    if decline.code == "expired_card" {
        error = error.with("param", "exp_month");
    }
    match charge {
        Some(charge) => error.with("charge", charge),
        None => error,
    }
}
