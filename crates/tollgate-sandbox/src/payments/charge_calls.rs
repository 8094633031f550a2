//! `/v1/charges`. Charges are made by payment intents alone.

use crate::error::StripeError;
use crate::object::address::Shipping;
use crate::object::charge::Charge;
use crate::object::customer::Customer;
use crate::object::{change_metadata, change_text};
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/charges", list),
    Route::post("/v1/charges", |_, _| {
        Err(StripeError::invalid(
            "Charges without a PaymentIntent are not part of the sandbox. Create a PaymentIntent.",
        ))
    }),
    Route::get("/v1/charges/search", |world, call| world.search::<Charge>(call, SEARCHED)),
    Route::get("/v1/charges/{id}", |world, call| world.show::<Charge>(call.id())),
    Route::post("/v1/charges/{id}", update),
];

/// What charges can be searched by.
const SEARCHED: &[(&str, &str)] = &[
    ("amount", "amount"),
    ("created", "created"),
    ("currency", "currency"),
    ("customer", "customer"),
    ("disputed", "disputed"),
    ("metadata", "metadata"),
    ("payment_method_details.card.brand", "payment_method_details.card.brand"),
    ("payment_method_details.card.exp_month", "payment_method_details.card.exp_month"),
    ("payment_method_details.card.exp_year", "payment_method_details.card.exp_year"),
    ("payment_method_details.card.fingerprint", "payment_method_details.card.fingerprint"),
    ("payment_method_details.card.last4", "payment_method_details.card.last4"),
    ("refunded", "refunded"),
    ("status", "status"),
];

fn list(world: &mut World, call: &Call) -> Outcome {
    let (customer, intent) = (call.params.text("customer"), call.params.text("payment_intent"));
    if let Some(customer) = customer {
        world.need::<Customer>(customer, "customer")?;
    }
    world.list::<Charge>(call, intent.or(customer), |row| {
        (customer.is_none() || row.customer.as_deref() == customer)
            && (intent.is_none() || row.payment_intent.as_deref() == intent)
    })
}

fn update(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    super::terms::refuse_absent(params, &["customer", "transfer_group"])?;
    world.get::<Charge>(call.id())?;
    let report = params.sub("fraud_details").and_then(|details| {
        let word = details.text("user_report")?.to_owned();
        ["fraudulent", "safe"].into_iter().find(|known| *known == word)
    });
    world.update::<Charge>(call.id(), "charge.updated", |row| {
        change_text(&mut row.description, params, "description");
        change_text(&mut row.receipt_email, params, "receipt_email");
        Shipping::change(&mut row.shipping, params);
        change_metadata(&mut row.metadata, params);
        row.fraud_details.user_report = report.or(row.fraud_details.user_report);
    });
    world.show::<Charge>(call.id())
}
