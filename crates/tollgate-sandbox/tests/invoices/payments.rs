//! Invoice payments: which intents pay an invoice, and how others can be let to.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use super::world::Sandbox;
use super::{customer, draft, fields, show, step, text};

fn intent(sandbox: &mut Sandbox, customer: &str, amount: &str, confirm: bool) -> String {
    let mut params = vec![("customer", customer), ("amount", amount), ("currency", "usd")];
    if confirm {
        let more = [
            ("payment_method", "pm_card_visa"),
            ("confirm", "true"),
            ("automatic_payment_methods[enabled]", "true"),
            ("automatic_payment_methods[allow_redirects]", "never"),
        ];
        params.extend(more);
    }
    text(&sandbox.post("/v1/payment_intents", &params)["id"])
}

#[test]
fn an_invoice_names_its_payments() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    step(&mut sandbox, &invoice, "finalize");
    let path = format!("/v1/invoices/{invoice}");
    let expand = [("expand[]", "payments"), ("expand[]", "confirmation_secret")];
    let open = sandbox.get(&path, &expand);
    let bond = &open["payments"]["data"][0];
    assert_eq!(
        fields(bond, &["amount_paid", "amount_requested", "is_default", "status"]),
        [Value::Null, json!(2_000), json!(true), json!("open")]
    );
    let intent = text(&bond["payment"]["payment_intent"]);
    assert!(text(&open["confirmation_secret"]["client_secret"]).starts_with(&intent));
    step(&mut sandbox, &invoice, "pay");
    let id = text(&bond["id"]);
    let paid = sandbox.get(&format!("/v1/invoice_payments/{id}"), &[]);
    assert_eq!(fields(&paid, &["amount_paid", "status"]), [json!(2_000), json!("paid")]);
    let by_intent = [("payment[type]", "payment_intent"), ("payment[payment_intent]", &intent)];
    for filter in [&[("invoice", invoice.as_str())][..], &[("status", "paid")], &by_intent] {
        let list = sandbox.get("/v1/invoice_payments", filter);
        assert_eq!(list["data"], json!([paid]), "{filter:?}");
    }
    let none = sandbox.get("/v1/invoice_payments", &[("status", "open")]);
    assert_eq!(none["data"], json!([]));
}

/// Deposits and the like: two payments share an invoice, the second one ends it.
#[test]
fn attached_payments_pay_an_invoice_in_parts() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    step(&mut sandbox, &invoice, "finalize");
    let deposit = intent(&mut sandbox, &ada, "500", true);
    sandbox.told();
    let path = format!("/v1/invoices/{invoice}/attach_payment");
    let part = sandbox.post(&path, &[("payment_intent", &deposit)]);
    assert_eq!(
        fields(&part, &["status", "amount_paid", "amount_remaining"]),
        [json!("open"), json!(500), json!(1_500)]
    );
    assert_eq!(sandbox.told(), ["invoice.updated", "invoice_payment.paid"]);
    let (status, _) = sandbox.refused(Post, &path, &[("payment_intent", &deposit)]);
    assert_eq!(status, 400, "it is attached already");
    let paid = step(&mut sandbox, &invoice, "pay");
    assert_eq!(
        fields(&paid, &["status", "amount_paid", "amount_overpaid"]),
        [json!("paid"), json!(2_000), json!(0)]
    );
    let list = sandbox.get("/v1/invoice_payments", &[("invoice", &invoice)]);
    let states: Vec<Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bond| json!([bond["status"], bond["amount_requested"], bond["is_default"]]))
        .collect();
    assert_eq!(
        states,
        [
            json!(["paid", 1_500, false]),
            json!(["paid", 500, false]),
            json!(["canceled", 2_000, true])
        ]
    );
}

#[test]
fn an_attached_payment_that_succeeds_later_pays_then() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    step(&mut sandbox, &invoice, "finalize");
    let later = intent(&mut sandbox, &ada, "2500", false);
    let path = format!("/v1/invoices/{invoice}/attach_payment");
    sandbox.post(&path, &[("payment_intent", &later)]);
    assert_eq!(show(&mut sandbox, &invoice)["status"], "open");
    let path = format!("/v1/payment_intents/{later}/confirm");
    let params = [("payment_method", "pm_card_visa"), ("return_url", "https://example.com")];
    sandbox.post(&path, &params);
    let paid = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&paid, &["status", "amount_paid", "amount_overpaid", "amount_remaining"]),
        [json!("paid"), json!(2_500), json!(500), json!(0)]
    );
    assert!(sandbox.told().contains(&"invoice.overpaid".to_owned()));
}
