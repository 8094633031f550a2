//! Payments of invoices: whoever pays the intent pays the invoice.

use tollgate_sandbox::Method::Post;

use crate::world::Sandbox;
use crate::{customer, text};

/// A final invoice over ten dollars and its payment intent; the events are read.
fn open_invoice(sandbox: &mut Sandbox, ada: &str) -> (String, String) {
    let item = [("customer", ada), ("amount", "1000"), ("currency", "usd")];
    sandbox.post("/v1/invoiceitems", &item);
    let include = [("customer", ada), ("pending_invoice_items_behavior", "include")];
    let invoice = text(&sandbox.post("/v1/invoices", &include)["id"]);
    let paths = [("expand[]", "payments")];
    let open = sandbox.post(&format!("/v1/invoices/{invoice}/finalize"), &paths);
    let intent = text(&open["payments"]["data"][0]["payment"]["payment_intent"]);
    sandbox.told();
    (invoice, intent)
}

#[test]
fn confirming_an_invoices_intent_pays_the_invoice() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let (invoice, intent) = open_invoice(&mut sandbox, &ada);
    let path = format!("/v1/payment_intents/{intent}");
    let card = [("payment_method", "pm_card_visa")];
    assert_eq!(sandbox.post(&format!("{path}/confirm"), &card)["status"], "succeeded");
    let told = sandbox.told();
    assert_eq!(told[..2], ["charge.succeeded", "payment_intent.succeeded"]);
    assert!(told.contains(&"invoice.paid".to_owned()), "{told:?}");
    let paid = sandbox.get(&format!("/v1/invoices/{invoice}"), &[]);
    assert_eq!(paid["status"], "paid");
}

#[test]
fn a_declined_intent_of_an_invoice_fails_the_invoice() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let (invoice, intent) = open_invoice(&mut sandbox, &ada);
    let path = format!("/v1/payment_intents/{intent}/confirm");
    let (status, _) = sandbox.refused(Post, &path, &[("payment_method", "pm_card_chargeDeclined")]);
    assert_eq!(status, 402);
    let told = sandbox.told();
    assert_eq!(told[..2], ["charge.failed", "payment_intent.payment_failed"]);
    assert!(told.contains(&"invoice.payment_failed".to_owned()), "{told:?}");
    assert_eq!(sandbox.get(&format!("/v1/invoices/{invoice}"), &[])["status"], "open");
    let (status, _) = sandbox.refused(Post, &format!("/v1/payment_intents/{intent}/cancel"), &[]);
    assert_eq!(status, 400, "only the invoice can cancel it");
    let amount = [("amount", "500")];
    let (status, error) = sandbox.refused(Post, &format!("/v1/payment_intents/{intent}"), &amount);
    assert_eq!((status, text(&error["param"])), (400, "amount".to_owned()));
}

#[test]
fn an_authenticated_payment_of_an_invoice_pays_it() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let (invoice, intent) = open_invoice(&mut sandbox, &ada);
    let card = [("payment_method", "pm_card_threeDSecure2Required")];
    let asked = sandbox.post(&format!("/v1/payment_intents/{intent}/confirm"), &card);
    assert_eq!(asked["status"], "requires_action");
    let told = sandbox.told();
    assert!(told.contains(&"invoice.payment_action_required".to_owned()), "{told:?}");
    sandbox.post(&format!("/_sandbox/authenticate/{intent}"), &[("outcome", "complete")]);
    assert_eq!(sandbox.get(&format!("/v1/invoices/{invoice}"), &[])["status"], "paid");
}
