//! From a draft to its end, by calls and by the clock.

use serde_json::{Value, json};

use super::world::{DAY, START, Sandbox};
use super::{balance, customer, draft, fields, item, show, step, text};

const PAID: [&str; 6] = [
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
];

/// The whole life that most invoices have.
#[test]
fn a_draft_is_finalized_and_paid() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    item(&mut sandbox, &ada, 2_000);
    let params = [("customer", ada.as_str()), ("pending_invoice_items_behavior", "include")];
    let invoice = sandbox.post("/v1/invoices", &params);
    let id = text(&invoice["id"]);
    assert_eq!(
        fields(
            &invoice,
            &["status", "amount_due", "auto_advance", "number", "next_payment_attempt"]
        ),
        [json!("draft"), json!(2_000), json!(false), Value::Null, Value::Null]
    );
    assert_eq!(sandbox.told(), ["customer.updated", "invoiceitem.created", "invoice.created"]);
    let open = step(&mut sandbox, &id, "finalize");
    assert_eq!(
        fields(&open, &["status", "amount_due", "amount_remaining", "ending_balance"]),
        [json!("open"), json!(2_000), json!(2_000), json!(0)]
    );
    assert!(text(&open["number"]).ends_with("-0001"));
    assert_eq!(open["hosted_invoice_url"], format!("http://127.0.0.1:4243/i/{id}"));
    assert_eq!(sandbox.told(), ["payment_intent.created", "invoice.finalized"]);
    let paid = step(&mut sandbox, &id, "pay");
    assert_eq!(
        fields(&paid, &["status", "amount_paid", "amount_remaining", "attempt_count"]),
        [json!("paid"), json!(2_000), json!(0), json!(1)]
    );
    assert_eq!(paid["status_transitions"]["paid_at"], START);
    let events = sandbox.events();
    assert_eq!(events.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), PAID);
    let previous = &events[2].1["data"]["previous_attributes"];
    assert_eq!(previous["status"], "open");
    assert_eq!(previous["amount_paid"], 0);
}

/// The official CLI pays drafts: paying makes them final first.
#[test]
fn paying_a_draft_finalizes_it_first() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    let paid = step(&mut sandbox, &invoice, "pay");
    assert_eq!(paid["status"], "paid");
    let told = sandbox.told();
    assert_eq!(told[..2], ["payment_intent.created", "invoice.finalized"]);
    assert_eq!(told[2..], PAID);
}

#[test]
fn an_invoice_that_advances_finalizes_and_pays_itself_after_an_hour() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[("auto_advance", "true")]);
    let waiting = show(&mut sandbox, &invoice);
    assert_eq!(waiting["automatically_finalizes_at"], START + 3_600);
    assert_eq!(waiting["next_payment_attempt"], START + 3_600);
    sandbox.pass(3_599);
    assert_eq!(sandbox.told(), [""; 0]);
    sandbox.pass(1);
    let events = sandbox.events();
    assert_eq!(events.len(), 8);
    assert!(events.iter().all(|(_, event)| event["request"]["id"].is_null()));
    let paid = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&paid, &["status", "attempt_count", "auto_advance", "next_payment_attempt"]),
        [json!("paid"), json!(1), json!(false), Value::Null]
    );
    assert_eq!(paid["status_transitions"]["finalized_at"], START + 3_600);
}

#[test]
fn a_draft_can_be_scheduled_held_back_and_let_go() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    let later = (START + 2 * DAY).to_string();
    let more = [("auto_advance", "true"), ("automatically_finalizes_at", later.as_str())];
    let invoice = draft(&mut sandbox, &ada, 2_000, &more);
    let path = format!("/v1/invoices/{invoice}");
    sandbox.pass(DAY);
    let held = sandbox.post(&path, &[("auto_advance", "false")]);
    assert_eq!(held["automatically_finalizes_at"], Value::Null);
    sandbox.pass(5 * DAY);
    assert_eq!(show(&mut sandbox, &invoice)["status"], "draft");
    sandbox.post(&path, &[("auto_advance", "true")]);
    sandbox.pass(3_600);
    assert_eq!(show(&mut sandbox, &invoice)["status"], "paid");
}

/// A draft shows what changes, and forgets nothing: its items wait again when it is deleted.
#[test]
fn a_draft_can_be_changed_and_deleted() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[("description", "One"), ("metadata[a]", "1")]);
    let path = format!("/v1/invoices/{invoice}");
    let params = [
        ("description", "Two"),
        ("footer", "Thanks"),
        ("metadata[a]", ""),
        ("metadata[b]", "2"),
        ("collection_method", "send_invoice"),
        ("days_until_due", "30"),
        ("custom_fields[0][name]", "PO"),
        ("custom_fields[0][value]", "77"),
        ("automatic_tax[enabled]", "true"),
        ("rendering[amount_tax_display]", "exclude_tax"),
        ("number", "MINE-1"),
        ("shipping_details[name]", "Ada"),
        ("shipping_details[address][city]", "London"),
        ("payment_settings[payment_method_types][0]", "card"),
    ];
    let changed = sandbox.post(&path, &params);
    assert_eq!(
        fields(&changed, &["description", "footer", "metadata", "due_date", "number"]),
        [
            json!("Two"),
            json!("Thanks"),
            json!({ "b": "2" }),
            json!(START + 30 * DAY),
            json!("MINE-1")
        ]
    );
    assert_eq!(changed["automatic_tax"]["status"], "complete");
    assert_eq!(changed["shipping_details"]["address"]["city"], "London");
    let events = sandbox.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1["data"]["previous_attributes"]["description"], "One");
    assert_eq!(sandbox.post(&path, &[("description", "Two")])["description"], "Two");
    assert_eq!(sandbox.told(), [""; 0], "nothing changed");
    let gone = sandbox.delete(&path, &[]);
    assert_eq!(gone["deleted"], true);
    assert_eq!(sandbox.told(), ["invoice.deleted"]);
    let params = [("customer", ada.as_str()), ("pending", "true")];
    let pending = sandbox.get("/v1/invoiceitems", &params);
    assert_eq!(pending["data"].as_array().unwrap().len(), 1);
}

#[test]
fn an_invoice_is_printed_as_its_customer_wants_it() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let params = [
        ("name", "Ada"),
        ("address[city]", "London"),
        ("invoice_settings[footer]", "Thanks"),
        ("invoice_settings[custom_fields][0][name]", "VAT"),
        ("invoice_settings[custom_fields][0][value]", "GB1"),
    ];
    let path = format!("/v1/customers/{ada}");
    sandbox.post(&path, &params);
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    let open = step(&mut sandbox, &invoice, "finalize");
    assert_eq!(
        fields(&open, &["footer", "customer_name", "custom_fields"]),
        [json!("Thanks"), json!("Ada"), json!([{ "name": "VAT", "value": "GB1" }])]
    );
    sandbox.post(&path, &[("name", "Lovelace")]);
    let kept = show(&mut sandbox, &invoice);
    assert_eq!(kept["customer_name"], "Ada", "a final invoice is a document");
    assert_eq!(kept["customer_address"]["city"], "London");
}

#[test]
fn a_final_invoice_keeps_what_is_fixed_and_changes_its_metadata() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    step(&mut sandbox, &invoice, "finalize");
    sandbox.told();
    let path = format!("/v1/invoices/{invoice}");
    let changed = sandbox.post(&path, &[("metadata[k]", "v")]);
    assert_eq!(changed["metadata"], json!({ "k": "v" }));
    assert_eq!(sandbox.told(), ["invoice.updated"]);
}

#[test]
fn a_sent_invoice_falls_due() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let more = [("collection_method", "send_invoice"), ("days_until_due", "14")];
    let invoice = draft(&mut sandbox, &ada, 2_000, &more);
    let sent = step(&mut sandbox, &invoice, "send");
    assert_eq!(fields(&sent, &["status", "due_date"]), [json!("open"), json!(START + 14 * DAY)]);
    assert_eq!(sandbox.told(), ["payment_intent.created", "invoice.finalized", "invoice.sent"]);
    sandbox.pass(14 * DAY);
    assert_eq!(sandbox.told(), ["invoice.overdue", "customer.updated"]);
    sandbox.pass(100 * DAY);
    assert_eq!(sandbox.told(), [""; 0]);
    let paid =
        sandbox.post(&format!("/v1/invoices/{invoice}/pay"), &[("payment_method", "pm_card_visa")]);
    assert_eq!(paid["status"], "paid");
    assert_eq!(paid["attempt_count"], 1);
}

/// What goes out by itself is sent by becoming final, once.
#[test]
fn an_invoice_that_advances_is_sent_by_itself() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "");
    let more =
        [("collection_method", "send_invoice"), ("days_until_due", "1"), ("auto_advance", "true")];
    let invoice = draft(&mut sandbox, &ada, 2_000, &more);
    sandbox.pass(3_600);
    assert_eq!(sandbox.told(), ["payment_intent.created", "invoice.finalized", "invoice.sent"]);
    assert_eq!(show(&mut sandbox, &invoice)["next_payment_attempt"], Value::Null);
}

#[test]
fn a_voided_invoice_gives_back_what_the_balance_paid() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    sandbox.post(&format!("/v1/customers/{ada}"), &[("balance", "-500")]);
    let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
    assert_eq!(step(&mut sandbox, &invoice, "finalize")["amount_due"], 1_500);
    assert_eq!(balance(&mut sandbox, &ada), 0);
    sandbox.told();
    let void = step(&mut sandbox, &invoice, "void");
    assert_eq!(void["status"], "void");
    assert_eq!(void["status_transitions"]["voided_at"], START);
    assert_eq!(balance(&mut sandbox, &ada), -500);
    assert_eq!(
        sandbox.told(),
        ["payment_intent.canceled", "invoice.updated", "invoice.voided", "customer.updated"]
    );
}

#[test]
fn an_invoice_that_was_given_up_can_still_be_paid_or_voided() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox, "pm_card_visa");
    for end in ["pay", "void"] {
        let invoice = draft(&mut sandbox, &ada, 2_000, &[]);
        step(&mut sandbox, &invoice, "finalize");
        sandbox.told();
        let given_up = step(&mut sandbox, &invoice, "mark_uncollectible");
        assert_eq!(given_up["status"], "uncollectible");
        assert_eq!(given_up["status_details"]["uncollectible"]["reason"], "user_forgiven");
        assert_eq!(sandbox.told(), ["invoice.updated", "invoice.marked_uncollectible"]);
        let ended = step(&mut sandbox, &invoice, end);
        assert_eq!(ended["status"], if end == "pay" { "paid" } else { "void" });
    }
}

#[test]
fn invoices_are_listed_and_searched() {
    let mut sandbox = Sandbox::new();
    let (ada, bob) = (customer(&mut sandbox, "pm_card_visa"), customer(&mut sandbox, ""));
    let first = draft(&mut sandbox, &ada, 1_000, &[("metadata[order]", "a'1")]);
    let second = draft(&mut sandbox, &ada, 2_000, &[]);
    let more = [("collection_method", "send_invoice"), ("days_until_due", "3")];
    let third = draft(&mut sandbox, &bob, 3_000, &more);
    step(&mut sandbox, &first, "pay");
    step(&mut sandbox, &third, "finalize");
    let due = (START + 3 * DAY).to_string();
    for (filter, value, found) in [
        ("customer", ada.as_str(), vec![&second, &first]),
        ("status", "draft", vec![&second]),
        ("status", "open", vec![&third]),
        ("collection_method", "charge_automatically", vec![&second, &first]),
        ("due_date[gte]", &due, vec![&third]),
        ("limit", "2", vec![&third, &second]),
        ("starting_after", second.as_str(), vec![&first]),
        ("ending_before", second.as_str(), vec![&third]),
    ] {
        let list = sandbox.get("/v1/invoices", &[(filter, value)]);
        assert_eq!(ids(&list).iter().collect::<Vec<_>>(), found, "{filter}={value}");
    }
    for (query, found) in [
        ("status:'paid'", vec![&first]),
        ("total>1000", vec![&third, &second]),
        ("total>=1000 AND -status:'draft'", vec![&third, &first]),
        ("metadata['order']:'a\\'1'", vec![&first]),
        ("number:null", vec![&second]),
    ] {
        let list = sandbox.get("/v1/invoices/search", &[("query", query)]);
        assert_eq!(ids(&list).iter().collect::<Vec<_>>(), found, "{query}");
    }
    let page = sandbox.get("/v1/invoices/search", &[("query", "total>0"), ("limit", "2")]);
    assert_eq!(page["has_more"], true);
    let next = text(&page["next_page"]);
    let rest = sandbox.get("/v1/invoices/search", &[("query", "total>0"), ("page", &next)]);
    assert_eq!(ids(&rest), [first]);
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect()
}

/// A customer's test clock moves their invoices, and no other clock does.
#[test]
fn an_invoice_lives_by_its_customers_clock() {
    let mut sandbox = Sandbox::new();
    let start = (START - 100 * DAY).to_string();
    let clock = sandbox.post("/v1/test_helpers/test_clocks", &[("frozen_time", &start)]);
    let clock = text(&clock["id"]);
    let ada = text(&sandbox.post("/v1/customers", &[("test_clock", &clock)])["id"]);
    let more =
        [("collection_method", "send_invoice"), ("days_until_due", "3"), ("auto_advance", "true")];
    let invoice = draft(&mut sandbox, &ada, 2_000, &more);
    let made = show(&mut sandbox, &invoice);
    assert_eq!(
        fields(&made, &["test_clock", "created", "due_date"]),
        [json!(clock), json!(START - 100 * DAY), json!(START - 97 * DAY)]
    );
    sandbox.pass(20 * DAY);
    assert_eq!(show(&mut sandbox, &invoice)["status"], "draft");
    let later = (START - 97 * DAY).to_string();
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    sandbox.post(&path, &[("frozen_time", &later)]);
    sandbox.pass(DAY);
    assert_eq!(show(&mut sandbox, &invoice)["status"], "open");
    let told = sandbox.told();
    for kind in ["invoice.finalized", "invoice.sent", "invoice.overdue"] {
        assert_eq!(told.iter().filter(|told| *told == kind).count(), 1, "{kind}: {told:?}");
    }
}
