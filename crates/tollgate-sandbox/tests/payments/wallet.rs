//! Customers, tokens and payment methods.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};

use crate::world::Sandbox;
use crate::{customer, pay, payment, text};

#[test]
fn tokens_make_payment_methods_once() {
    let mut sandbox = Sandbox::new();
    let card = [
        ("card[number]", "5555 5555 5555 4444"),
        ("card[exp_month]", "2"),
        ("card[exp_year]", "30"),
        ("card[cvc]", "123"),
    ];
    let answer = sandbox.answer(Post, "/v1/tokens", &card);
    let token: Value = serde_json::from_str(&answer.body).unwrap();
    let says = [&token["card"]["brand"], &token["card"]["exp_year"], &token["used"]];
    assert_eq!(says, [&json!("MasterCard"), &json!(2030), &json!(false)]);
    let id = text(&token["id"]);
    let params = [("type", "card"), ("card[token]", id.as_str())];
    let method = sandbox.post("/v1/payment_methods", &params);
    assert_eq!(method["card"]["last4"], "4444");
    let (status, error) = sandbox.refused(Post, "/v1/payment_methods", &params);
    assert_eq!((status, &error["code"]), (400, &json!("token_already_used")));
    let named = [("type", "card"), ("card[token]", "tok_visa")];
    assert_eq!(sandbox.post("/v1/payment_methods", &named)["card"]["last4"], "4242");
    assert_eq!(sandbox.told(), [""; 0]);
}

#[test]
fn a_customer_comes_changes_and_goes() {
    let mut sandbox = Sandbox::new();
    let made = sandbox.post(
        "/v1/customers",
        &[
            ("email", "ada@example.com"),
            ("name", "Ada"),
            ("phone", "123"),
            ("address[city]", "London"),
            ("shipping[name]", "Ada"),
            ("shipping[address][line1]", "1 Street"),
            ("payment_method", "pm_card_visa"),
            ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ("metadata[user]", "1"),
            ("balance", "-500"),
        ],
    );
    let id = text(&made["id"]);
    assert_eq!(sandbox.told(), ["customer.created", "payment_method.attached"]);
    let path = format!("/v1/customers/{id}");
    let methods = sandbox.get(&format!("{path}/payment_methods"), &[("type", "card")]);
    let method = text(&methods["data"][0]["id"]);
    assert_eq!(made["invoice_settings"]["default_payment_method"], json!(method));
    assert_eq!(methods["data"].as_array().unwrap().len(), 1);
    let one = sandbox.get(&format!("{path}/payment_methods/{method}"), &[]);
    assert_eq!(one["customer"], json!(id));

    let changed = sandbox.post(&path, &[("address", ""), ("metadata[user]", ""), ("balance", "0")]);
    assert_eq!([&changed["address"], &changed["metadata"]], [&json!(null), &json!({})]);
    let events = sandbox.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "customer.updated");
    sandbox.post(&path, &[]);
    assert_eq!(sandbox.told(), [""; 0], "nothing changed");

    let found = sandbox.get("/v1/customers", &[("email", "ada@example.com")]);
    assert_eq!(found["data"][0]["id"], json!(id));
    assert_eq!(sandbox.get("/v1/customers", &[("email", "x@example.com")])["data"], json!([]));
    let found = sandbox.get("/v1/customers/search", &[("query", "email~'ADA@'")]);
    assert_eq!(found["data"][0]["id"], json!(id));

    let gone = sandbox.delete(&path, &[]);
    assert_eq!(gone, json!({ "id": id, "object": "customer", "deleted": true }));
    assert_eq!(sandbox.told(), ["customer.deleted"]);
    assert_eq!(sandbox.get(&path, &[])["deleted"], json!(true));
    let used = sandbox.refused(Post, "/v1/payment_intents", &payment(&method, &[]));
    assert_eq!(used.0, 400);
    let (status, error) = sandbox.refused(
        Post,
        "/v1/payment_intents",
        &payment("pm_card_visa", &[("customer", &id)]),
    );
    assert_eq!((status, &error["param"]), (400, &json!("customer")));
}

#[test]
fn customers_and_intents_include_what_is_expanded() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let lists = [("expand[]", "subscriptions"), ("expand[]", "sources"), ("expand[]", "tax_ids")];
    let shown = sandbox.get(&format!("/v1/customers/{ada}"), &lists);
    for name in ["subscriptions", "sources", "tax_ids"] {
        assert_eq!(shown[name]["data"], json!([]), "{name}");
    }
    let inside = [
        ("customer", ada.as_str()),
        ("expand[]", "customer"),
        ("expand[]", "payment_method"),
        ("expand[]", "latest_charge.balance_transaction"),
    ];
    let paid = pay(&mut sandbox, "pm_card_visa", &inside);
    assert_eq!(paid["customer"]["email"], "ada@example.com");
    assert_eq!(paid["payment_method"]["card"]["last4"], "4242");
    assert_eq!(paid["latest_charge"]["balance_transaction"]["amount"], 2000);
    sandbox.delete(&format!("/v1/customers/{ada}"), &[]);
    let path = format!("/v1/payment_intents/{}", text(&paid["id"]));
    assert_eq!(sandbox.get(&path, &[("expand[]", "customer")])["customer"]["deleted"], true);
}

#[test]
fn what_names_no_object_is_not_expanded() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let paid = pay(&mut sandbox, "pm_card_visa", &[("customer", &ada)]);
    let path = format!("/v1/payment_intents/{}", text(&paid["id"]));
    let deep = "latest_charge.balance_transaction.source.customer.default_source";
    for name in
        ["moon", "status", "amount", "livemode", "customer.email", "customer.email.moon", deep]
    {
        let (status, error) = sandbox.refused(Get, &path, &[("expand[]", name)]);
        assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")), "{name}");
    }
    for name in ["review", "customer.default_source", "latest_charge.refunds"] {
        sandbox.get(&path, &[("expand[]", name)]);
    }
}

/// Old tools give a token as the source of a new customer: a card that is a payment method, too.
#[test]
fn a_customer_may_come_with_a_source() {
    let mut sandbox = Sandbox::new();
    let ada = sandbox.post("/v1/customers", &[("source", "tok_visa"), ("expand[]", "sources")]);
    let told = ["customer.created", "customer.source.created", "payment_method.attached"];
    assert_eq!(sandbox.told(), told);
    let (id, card) = (text(&ada["id"]), text(&ada["default_source"]));
    assert!(card.starts_with("card_"), "{card}");
    assert_eq!(ada["sources"]["data"][0]["id"], json!(card));
    let path = format!("/v1/customers/{id}");
    let shown = sandbox.get(&path, &[("expand[]", "default_source")]);
    assert_eq!(shown["default_source"]["object"], "card");
    let source = sandbox.get(&format!("{path}/sources/{card}"), &[]);
    assert_eq!([&source["customer"], &source["last4"]], [&json!(id), &json!("4242")]);
    let paid = pay(&mut sandbox, &card, &[("customer", &id), ("expand[]", "payment_method")]);
    assert_eq!(
        [&paid["status"], &paid["payment_method"]["object"]],
        ["succeeded", "payment_method"]
    );
    sandbox.post(&format!("/v1/payment_methods/{card}/detach"), &[]);
    assert_eq!(sandbox.get(&path, &[])["default_source"], json!(null));
}

#[test]
fn accounts_are_set_up_with_a_mandate() {
    let mut sandbox = Sandbox::new();
    let ada = customer(&mut sandbox);
    let iban = [
        ("customer", ada.as_str()),
        ("confirm", "true"),
        ("payment_method_data[type]", "sepa_debit"),
        ("payment_method_data[sepa_debit][iban]", "DE89370400440532013000"),
        ("payment_method_data[billing_details][name]", "Ada"),
        ("allowed_payment_method_types[]", "sepa_debit"),
    ];
    let done = sandbox.post("/v1/setup_intents", &iban);
    assert_eq!(done["status"], "succeeded");
    assert!(text(&done["mandate"]).starts_with("mandate_"));
    let listed = sandbox.get("/v1/payment_methods", &[("customer", &ada)]);
    assert_eq!(listed["data"][0]["sepa_debit"]["last4"], "3000");
    assert_eq!(listed["data"][0]["billing_details"]["name"], "Ada");
}

#[test]
fn a_declined_card_leaves_no_customer_behind() {
    let mut sandbox = Sandbox::new();
    let params = [("payment_method", "pm_card_chargeDeclined")];
    let (status, error) = sandbox.refused(Post, "/v1/customers", &params);
    assert_eq!((status, &error["code"]), (402, &json!("card_declined")));
    assert_eq!(sandbox.get("/v1/customers", &[])["data"], json!([]));
    assert_eq!(sandbox.told(), [""; 0]);
}

#[test]
fn payment_methods_are_attached_and_detached() {
    let mut sandbox = Sandbox::new();
    let (ada, bob) = (customer(&mut sandbox), customer(&mut sandbox));
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let first = text(&sandbox.post(attach, &[("customer", &ada)])["id"]);
    let second = text(&sandbox.post(attach, &[("customer", &ada)])["id"]);
    assert_ne!(first, second, "each use of a test name is a new one");
    assert_eq!(sandbox.told(), ["payment_method.attached"; 2]);
    let path = format!("/v1/payment_methods/{first}");
    sandbox.post(&format!("{path}/attach"), &[("customer", &ada)]);
    assert_eq!(sandbox.told(), [""; 0], "it was attached already");
    let (status, _) = sandbox.refused(Post, &format!("{path}/attach"), &[("customer", &bob)]);
    assert_eq!(status, 400);

    sandbox.post(&path, &[("card[exp_year]", "2035"), ("billing_details[name]", "Ada")]);
    assert_eq!(sandbox.told(), ["payment_method.updated"]);
    sandbox.post(
        &format!("/v1/customers/{ada}"),
        &[("invoice_settings[default_payment_method]", &second)],
    );
    sandbox.told();
    let gone = sandbox.post("/v1/payment_methods/pm_card_visa/detach", &[]);
    assert_eq!([&gone["id"], &gone["customer"]], [&json!(second), &json!(null)]);
    let events = sandbox.events();
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["payment_method.detached", "customer.updated"]);
    let (status, _) = sandbox.refused(
        Post,
        &format!("/v1/payment_methods/{second}/attach"),
        &[("customer", &ada)],
    );
    assert_eq!(status, 400, "it may not be used again");
    let left = sandbox.get("/v1/payment_methods", &[("customer", &ada), ("type", "card")]);
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_payment_method_of_nobody_is_used_once() {
    let mut sandbox = Sandbox::new();
    let named = [("type", "card"), ("card[token]", "tok_visa")];
    let method = text(&sandbox.post("/v1/payment_methods", &named)["id"]);
    assert_eq!(pay(&mut sandbox, &method, &[])["status"], "succeeded");
    let (status, _) = sandbox.refused(Post, "/v1/payment_intents", &payment(&method, &[]));
    assert_eq!(status, 400);
    let ada = customer(&mut sandbox);
    let path = format!("/v1/payment_methods/{method}/attach");
    assert_eq!(sandbox.refused(Post, &path, &[("customer", &ada)]).0, 400);
}
