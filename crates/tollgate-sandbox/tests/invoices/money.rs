//! Sums worked out by hand: balances, amounts too small to charge, other currencies.

use serde_json::json;

use super::world::Sandbox;
use super::{balance, customer, draft, fields, show, step, text};

/// Each row: the balance before, the item; what is due, the balance after.
#[test]
fn balances_are_applied_when_an_invoice_becomes_final() {
    for (before, amount, due, after) in [
        (0, 2_000, 2_000, 0),
        (-500, 2_000, 1_500, 0),
        (-2_000, 2_000, 0, 0),
        (-2_500, 2_000, 0, -500),
        (300, 2_000, 2_300, 0),
        (0, -700, 0, -700),
        (-100, -700, 0, -800),
        (1_000, -700, 300, 0),
        (700, -700, 0, 0),
        (0, 49, 0, 49),
        (0, 50, 50, 0),
        (-1_970, 2_000, 0, 30),
        (30, 20, 50, 0),
    ] {
        let mut sandbox = Sandbox::new();
        let ada = customer(&mut sandbox, "pm_card_visa");
        let set = before.to_string();
        sandbox.post(&format!("/v1/customers/{ada}"), &[("balance", &set)]);
        let invoice = draft(&mut sandbox, &ada, amount, &[]);
        let waiting = show(&mut sandbox, &invoice);
        assert_eq!(
            fields(&waiting, &["total", "amount_due", "starting_balance", "ending_balance"]),
            [json!(amount), json!(due), json!(before), json!(null)],
            "{amount} with {before}"
        );
        let open = step(&mut sandbox, &invoice, "finalize");
        assert_eq!(
            fields(&open, &["total", "amount_due", "starting_balance", "ending_balance"]),
            [json!(amount), json!(due), json!(before), json!(after)],
            "{amount} with {before}"
        );
        assert_eq!(open["status"], if due == 0 { "paid" } else { "open" });
        assert_eq!(balance(&mut sandbox, &ada), after, "{amount} with {before}");
        let told = sandbox.told();
        let changes = told.iter().filter(|kind| *kind == "customer.updated").count();
        assert_eq!(changes, usize::from(after != before), "{amount} with {before}");
    }
}

#[test]
fn an_invoice_that_owes_nothing_is_paid_without_a_payment() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let params = [("customer", ada.as_str())];
    let empty = sandbox.post("/v1/invoices", &params);
    let id = text(&empty["id"]);
    sandbox.told();
    let paid = step(&mut sandbox, &id, "finalize");
    assert_eq!(
        fields(&paid, &["status", "attempted", "attempt_count", "amount_paid"]),
        [json!("paid"), json!(true), json!(0), json!(0)]
    );
    assert_eq!(
        sandbox.told(),
        ["invoice.finalized", "invoice.updated", "invoice.paid", "invoice.payment_succeeded"]
    );
    let payments = sandbox.get("/v1/invoice_payments", &[("invoice", &id)]);
    assert_eq!(payments["data"], json!([]));
}

/// Each currency has its own least charge: 50 yen, 30 pence, 500 fils as any other.
#[test]
fn amounts_are_minor_units_of_their_currency() {
    for (currency, amount, due) in [
        ("jpy", "500", 500),
        ("jpy", "49", 0),
        ("gbp", "30", 30),
        ("gbp", "29", 0),
        ("kwd", "1250", 1_250),
        ("huf", "17499", 0),
    ] {
        let mut sandbox = Sandbox::new();
        let ada = customer(&mut sandbox, "pm_card_visa");
        let params = [("customer", ada.as_str()), ("amount", amount), ("currency", currency)];
        sandbox.post("/v1/invoiceitems", &params);
        let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "include")];
        let invoice = sandbox.post("/v1/invoices", &params);
        assert_eq!(invoice["currency"], currency, "the customer's currency by now");
        let id = text(&invoice["id"]);
        let paid = step(&mut sandbox, &id, "pay");
        assert_eq!(
            fields(&paid, &["status", "amount_paid", "currency"]),
            [json!("paid"), json!(due), json!(currency)]
        );
    }
}

/// An invoice takes what is in its currency and leaves the rest.
#[test]
fn items_in_another_currency_stay_pending() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    super::item(&mut sandbox, &ada, 1_000);
    let params = [("customer", ada.as_str()), ("amount", "700"), ("currency", "eur")];
    let euros = text(&sandbox.post("/v1/invoiceitems", &params)["id"]);
    let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "include")];
    assert_eq!(sandbox.post("/v1/invoices", &params)["total"], 1_000);
    let params = [("customer", ada.as_str()), ("pending", "true")];
    let pending = sandbox.get("/v1/invoiceitems", &params);
    assert_eq!(pending["data"][0]["id"], euros);
}

#[test]
fn what_was_paid_elsewhere_is_paid_and_never_charged() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    let path = format!("/v1/invoices/{invoice}/pay");
    let paid = sandbox.post(&path, &[("paid_out_of_band", "true")]);
    assert_eq!(
        fields(&paid, &["status", "amount_paid", "amount_paid_off_stripe", "amount_remaining"]),
        [json!("paid"), json!(2_000), json!(2_000), json!(0)]
    );
    assert_eq!(
        sandbox.told(),
        [
            "payment_intent.created",
            "invoice.finalized",
            "payment_intent.canceled",
            "invoice.updated",
            "invoice.paid",
        ],
        "no payment succeeded"
    );
}

/// Stripe keeps a balance for each currency; the customer's own is the one that is shown.
#[test]
fn a_credit_pays_only_invoices_in_its_currency() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let mut make = |currency: &str, amount: &str, balance_after: i64| {
        let item = [("customer", ada.as_str()), ("amount", amount), ("currency", currency)];
        sandbox.post("/v1/invoiceitems", &item);
        let include = ("pending_invoice_items_behavior", "include");
        let params = [("customer", ada.as_str()), ("currency", currency), include];
        let invoice = sandbox.post("/v1/invoices", &params);
        let open = step(&mut sandbox, &text(&invoice["id"]), "finalize");
        assert_eq!(open["amount_due"], invoice["amount_due"], "{currency} {amount}");
        assert_eq!(balance(&mut sandbox, &ada), balance_after, "{currency} {amount}");
        (text(&open["id"]), open["amount_due"].as_i64().unwrap())
    };
    make("usd", "-5000", -5_000);
    let (yen, due) = make("jpy", "6000", -5_000);
    assert_eq!(due, 6_000, "dollars pay no yen");
    make("jpy", "-700", -5_000);
    assert_eq!(make("jpy", "1000", -5_000).1, 300, "a credit in yen does");
    assert_eq!(make("usd", "6000", 0).1, 1_000);
    step(&mut sandbox, &yen, "void");
    assert_eq!(balance(&mut sandbox, &ada), 0, "what took no credit gives none back");
}
