//! What follows when an invoice cannot be collected: retries, their end, and what stops them.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;
use tollgate_sandbox::Settings;

use super::world::{DAY, START, Sandbox};
use super::{customer, draft, fields, show, step, text};

const HOUR: i64 = 3_600;
const FAILED: [&str; 4] =
    ["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"];

/// An invoice that advances, of a customer whose card fails; an hour later the first try failed.
fn failing(sandbox: &mut Sandbox) -> (String, String) {
    let ada = customer(sandbox, "pm_card_chargeCustomerFail");
    let invoice = draft(sandbox, &ada, 2_000, &[("auto_advance", "true")]);
    sandbox.pass(HOUR);
    (ada, invoice)
}

#[test]
fn an_invoice_is_tried_again_until_the_schedule_ends() {
    let mut sandbox = Sandbox::new();
    let (_, invoice) = failing(&mut sandbox);
    let told = sandbox.told();
    assert_eq!(told[2..6], FAILED);
    assert_eq!(told[6..], ["customer.updated"], "the customer is delinquent");
    let first = START + HOUR;
    let next = [first + 3 * DAY, first + 8 * DAY, first + 15 * DAY];
    for (count, due) in (1..).zip(next) {
        let open = show(&mut sandbox, &invoice);
        assert_eq!(
            fields(&open, &["status", "attempt_count", "attempted", "next_payment_attempt"]),
            [json!("open"), json!(count), json!(true), json!(due)]
        );
        let now = sandbox.world.now();
        sandbox.pass(due - now - 1);
        assert_eq!(sandbox.told(), [""; 0], "nothing before it is due");
        sandbox.pass(1);
        assert_eq!(sandbox.told(), FAILED);
    }
    let given_up = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&given_up, &["status", "attempt_count", "auto_advance", "next_payment_attempt"]),
        [json!("open"), json!(4), json!(false), Value::Null]
    );
    sandbox.pass(100 * DAY);
    assert_eq!(sandbox.told(), [""; 0], "nothing after the end");
}

#[test]
fn a_new_card_pays_at_the_next_try() {
    let mut sandbox = Sandbox::new();
    let (ada, invoice) = failing(&mut sandbox);
    let method = sandbox.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &ada)]);
    let default = ("invoice_settings[default_payment_method]", method["id"].as_str().unwrap());
    sandbox.post(&format!("/v1/customers/{ada}"), &[default]);
    sandbox.pass(3 * DAY);
    let paid = show(&mut sandbox, &invoice);
    assert_eq!(fields(&paid, &["status", "attempt_count"]), [json!("paid"), json!(2)]);
    let customer = sandbox.get(&format!("/v1/customers/{ada}"), &[]);
    assert_eq!(customer["delinquent"], false);
    sandbox.told();
    sandbox.pass(100 * DAY);
    assert_eq!(sandbox.told(), [""; 0], "a paid invoice is not tried again");
}

/// Tries by hand count only as the first, and leave the schedule as it is.
#[test]
fn a_try_by_hand_does_not_move_the_schedule() {
    let mut sandbox = Sandbox::new();
    let (_, invoice) = failing(&mut sandbox);
    sandbox.pass(DAY);
    let path = format!("/v1/invoices/{invoice}/pay");
    let (status, error) = sandbox.refused(Post, &path, &[]);
    assert_eq!((status, text(&error["type"])), (402, "card_error".to_owned()));
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    let open = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&open, &["attempt_count", "next_payment_attempt"]),
        [json!(1), json!(START + HOUR + 3 * DAY)]
    );
}

#[test]
fn what_ends_an_invoice_ends_its_retries() {
    for end in ["void", "mark_uncollectible", "pay", "hold"] {
        let mut sandbox = Sandbox::new();
        let (_, invoice) = failing(&mut sandbox);
        let path = format!("/v1/invoices/{invoice}");
        let ended = match end {
            "pay" => sandbox.post(&format!("{path}/pay"), &[("payment_method", "pm_card_visa")]),
            "hold" => sandbox.post(&path, &[("auto_advance", "false")]),
            _ => step(&mut sandbox, &invoice, end),
        };
        assert_eq!(ended["next_payment_attempt"], Value::Null, "{end}");
        sandbox.told();
        sandbox.pass(100 * DAY);
        assert_eq!(sandbox.told(), [""; 0], "{end}");
    }
}

#[test]
fn without_a_payment_method_every_try_fails() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[("auto_advance", "true")]);
    sandbox.pass(HOUR);
    assert_eq!(
        sandbox.told(),
        [
            "payment_intent.created",
            "invoice.finalized",
            "invoice.updated",
            "invoice.payment_failed",
            "customer.updated",
        ]
    );
    sandbox.pass(60 * DAY);
    let open = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&open, &["status", "attempt_count", "next_payment_attempt"]),
        [json!("open"), json!(4), Value::Null]
    );
}

#[test]
fn the_schedule_is_the_accounts_own() {
    let settings = Settings { retry_after_secs: vec![DAY], draft_secs: 60, ..Settings::default() };
    let mut sandbox = Sandbox::with(settings);
    let ada = customer(&mut sandbox, "pm_card_chargeCustomerFail");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[("auto_advance", "true")]);
    sandbox.pass(60);
    assert_eq!(show(&mut sandbox, &invoice)["next_payment_attempt"], START + 60 + DAY);
    sandbox.pass(DAY);
    let last = show(&mut sandbox, &invoice);
    assert_eq!(fields(&last, &["attempt_count", "next_payment_attempt"]), [json!(2), Value::Null]);
}

#[test]
fn a_card_that_must_be_authenticated_asks_for_the_customer() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    let path = format!("/v1/invoices/{invoice}/pay");
    let params = [("payment_method", "pm_card_threeDSecure2Required")];
    let (status, error) = sandbox.refused(Post, &path, &params);
    assert_eq!(
        (status, text(&error["type"]), text(&error["code"])),
        (402, "card_error".to_owned(), "invoice_payment_intent_requires_action".to_owned())
    );
    assert_eq!(error["payment_intent"]["status"], "requires_action");
    let told = sandbox.told();
    assert_eq!(
        told[told.len() - 4..],
        [
            "payment_intent.requires_action",
            "invoice.updated",
            "invoice.payment_action_required",
            "invoice.payment_failed",
        ]
    );
    assert_eq!(show(&mut sandbox, &invoice)["status"], "open");
}

/// What cannot be charged at all does not become final by itself; somebody has to mend it.
#[test]
fn a_draft_beyond_all_bounds_stays_a_draft() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 100_000_000, &[("auto_advance", "true")]);
    sandbox.pass(HOUR);
    assert_eq!(sandbox.told(), ["invoice.finalization_failed"]);
    let failed = show(&mut sandbox, &invoice);
    assert_eq!(failed["status"], "draft");
    assert_eq!(failed["last_finalization_error"]["code"], "amount_too_large");
}
