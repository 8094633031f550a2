//! Customers and their payment methods.

use crate::dice::{Dice, hash};
use crate::story::json::{Blank, Json};
use crate::story::people::Card;
use crate::story::teller::Teller;

static CUSTOMER: Blank = Blank::new(include_str!("customer.json"));
static PAYMENT_METHOD: Blank = Blank::new(include_str!("payment_method.json"));

/// Returns the cast's customer, as the application creates it.
pub(in crate::story) fn customer(teller: &Teller<'_>) -> Json {
    let person = &teller.person;
    CUSTOMER
        .copy()
        .with("id", &teller.cast.customer)
        .with("created", teller.now)
        .with("email", &person.email)
        .with("invoice_prefix", invoice_prefix(teller))
        .with("livemode", teller.cast.livemode)
        .with("metadata", user_metadata(teller))
        .with("name", &person.name)
        .with("phone", person.phone.as_ref())
}

/// Returns `metadata` that names the application's user, if the cast has one.
pub(in crate::story) fn user_metadata(teller: &Teller<'_>) -> Json {
    Json::Object(teller.cast.user.iter().map(|user| ("user_id", user.into())).collect())
}

/// Returns the eight characters with which the numbers of a customer's invoices begin.
pub(in crate::story) fn invoice_prefix(teller: &Teller<'_>) -> String {
    Dice::new(hash(&teller.cast.customer), "invoice prefix").capitals(8)
}

/// Returns the person's card as a payment method of the customer.
pub(in crate::story) fn payment_method(teller: &mut Teller<'_>) -> Json {
    let id = teller.id("pm_1");
    let mut method = PAYMENT_METHOD
        .copy()
        .with("id", id)
        .with("billing_details", teller.person.billing_details())
        .with("created", teller.now)
        .with("customer", &teller.cast.customer)
        .with("livemode", teller.cast.livemode);
    write_card(&mut method, &teller.person.card);
    method
}

/// Puts a card into a payment method.
pub(in crate::story) fn write_card(method: &mut Json, card: &Card) {
    method.set("card.brand", card.brand);
    method.set("card.country", card.country);
    method.set("card.display_brand", card.brand);
    method.set("card.exp_month", card.exp_month);
    method.set("card.exp_year", card.exp_year);
    method.set("card.fingerprint", &card.fingerprint);
    method.set("card.funding", card.funding);
    method.set("card.last4", &card.last4);
    method.set("card.networks.available", vec![card.network.into()]);
}
