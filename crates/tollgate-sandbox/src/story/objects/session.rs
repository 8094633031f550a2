//! Checkout sessions.

use super::catalog::Tariff;
use crate::story::calendar::DAY;
use crate::story::json::{Blank, Json};
use crate::story::people::shop;
use crate::story::teller::Teller;

static SESSION: Blank = Blank::new(include_str!("session.json"));

/// What a Checkout session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::story) enum Mode {
    Subscription,
    Payment,
}

/// Returns an open session of the cast's customer.
pub(in crate::story) fn session(teller: &mut Teller<'_>, tariff: &Tariff, mode: Mode) -> Json {
    let kind = if teller.cast.livemode { "cs_live_a1" } else { "cs_test_a1" };
    let id = teller.ids.plain(kind, 56);
    let site = shop(&teller.cast.product).to_lowercase().replace(' ', "-");
    let fragment = teller.ids.plain("fid", 120);
    let mut session = SESSION
        .copy()
        .with("amount_subtotal", tariff.amount)
        .with("amount_total", tariff.amount)
        .with("branding_settings.display_name", shop(&teller.cast.product))
        .with("cancel_url", format!("https://{site}.example.com/pricing?canceled=1"))
        .with("client_reference_id", teller.cast.user.as_ref())
        .with("created", teller.now)
        .with("currency", tariff.currency)
        .with("customer", &teller.cast.customer)
        .with("customer_details.email", &teller.person.email)
        .with("expires_at", teller.now + DAY)
        .with("livemode", teller.cast.livemode)
        .with("metadata", tariff.metadata())
        .with(
            "success_url",
            format!("https://{site}.example.com/welcome?session_id={{CHECKOUT_SESSION_ID}}"),
        )
        .with("url", format!("https://checkout.stripe.com/c/pay/{id}#{fragment}"))
        .with("id", id);
    if mode == Mode::Payment {
        session.set("mode", "payment");
        session.set("payment_method_collection", "if_required");
    }
    session
}

/// Completes a session; who pays is known now.
pub(in crate::story) fn complete(teller: &Teller<'_>, session: &mut Json, status: &'static str) {
    session.set("customer_details.address", teller.person.address.clone());
    session.set("customer_details.individual_name", &teller.person.name);
    session.set("collected_information.individual_name", &teller.person.name);
    session.set("customer_details.name", &teller.person.name);
    session.set("customer_details.phone", teller.person.phone.as_ref());
    session.set("payment_status", status);
    session.set("status", "complete");
    session.set("url", Json::Null);
}
