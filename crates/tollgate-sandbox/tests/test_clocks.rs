//! Test clocks: time that calls move, and everything that lives by it.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

mod schema;
mod world;

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Get, Post};
use world::{DAY, START, Sandbox};

/// 1 April 2030, 00:00 UTC.
const APRIL: i64 = 1_901_232_000;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn clock(sandbox: &mut Sandbox, at: i64) -> String {
    let at = at.to_string();
    text(&sandbox.post("/v1/test_helpers/test_clocks", &[("frozen_time", &at)])["id"])
}

fn advance(sandbox: &mut Sandbox, clock: &str, to: i64) -> Value {
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    sandbox.post(&path, &[("frozen_time", &to.to_string())])
}

/// A customer of a clock with a card, subscribed to 10.00 of an interval.
fn subscriber(sandbox: &mut Sandbox, clock: &str, interval: &str) -> (String, String) {
    let customer = text(&sandbox.post("/v1/customers", &[("test_clock", clock)])["id"]);
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let card = text(&sandbox.post(attach, &[("customer", &customer)])["id"]);
    let params = [
        ("currency", "usd"),
        ("unit_amount", "1000"),
        ("product_data[name]", "Pro"),
        ("recurring[interval]", interval),
    ];
    let price = text(&sandbox.post("/v1/prices", &params)["id"]);
    let params = [
        ("customer", customer.as_str()),
        ("items[0][price]", &price),
        ("default_payment_method", &card),
    ];
    let subscription = text(&sandbox.post("/v1/subscriptions", &params)["id"]);
    (customer, subscription)
}

#[test]
fn a_clock_is_made_found_and_deleted() {
    let mut sandbox = Sandbox::new();
    let params = [("frozen_time", "1577836800"), ("name", "new year")];
    let made = sandbox.post("/v1/test_helpers/test_clocks", &params);
    assert_eq!((&made["status"], &made["name"]), (&json!("ready"), &json!("new year")));
    assert_eq!(made["frozen_time"], 1_577_836_800);
    assert_eq!(made["created"], START);
    assert_eq!(made["deletes_after"], START + 30 * DAY);
    assert_eq!(made["status_details"], json!({}));
    let path = format!("/v1/test_helpers/test_clocks/{}", text(&made["id"]));
    assert_eq!(sandbox.get(&path, &[]), made);
    assert_eq!(sandbox.get("/v1/test_helpers/test_clocks", &[])["data"][0], made);
    sandbox.delete(&path, &[]);
    assert_eq!(sandbox.refused(Get, &path, &[]).0, 404);
    assert_eq!(
        sandbox.told(),
        ["test_helpers.test_clock.created", "test_helpers.test_clock.deleted"]
    );
}

#[test]
fn an_advance_is_told_and_then_over() {
    let mut sandbox = Sandbox::new();
    let id = clock(&mut sandbox, 1_577_836_800);
    sandbox.told();
    let answer = advance(&mut sandbox, &id, 1_580_515_200);
    assert_eq!(
        (&answer["status"], &answer["frozen_time"]),
        (&json!("advancing"), &json!(1_577_836_800))
    );
    assert_eq!(
        answer["status_details"],
        json!({ "advancing": { "target_frozen_time": 1_580_515_200 } })
    );
    let after = sandbox.get(&format!("/v1/test_helpers/test_clocks/{id}"), &[]);
    assert_eq!((&after["status"], &after["frozen_time"]), (&json!("ready"), &json!(1_580_515_200)));
    assert_eq!(after["status_details"], json!({}));
    let events = sandbox.events();
    let told: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(told, ["test_helpers.test_clock.advancing", "test_helpers.test_clock.ready"]);
    assert!(events[0].1["request"]["id"].is_string() && events[1].1["request"]["id"].is_null());
    assert_eq!(events[1].1["created"], START);
}

/// Three months: a renewal each, by the clock's time and by no call.
#[test]
fn three_months_on_a_clock() {
    let mut sandbox = Sandbox::new();
    let id = clock(&mut sandbox, APRIL);
    let (customer, subscription) = subscriber(&mut sandbox, &id, "month");
    let path = format!("/v1/subscriptions/{subscription}");
    assert_eq!(sandbox.get(&path, &[])["created"], APRIL);
    assert_eq!(sandbox.get(&path, &[])["test_clock"], json!(id));
    let starts = [APRIL + 30 * DAY, APRIL + 61 * DAY, APRIL + 91 * DAY];
    for start in starts {
        sandbox.told();
        advance(&mut sandbox, &id, start + 7_200);
        let seen = sandbox.get(&path, &[]);
        assert_eq!(seen["items"]["data"][0]["current_period_start"], start);
        let events = sandbox.events();
        let paid = events.iter().find(|(kind, _)| kind == "invoice.paid").unwrap();
        assert_eq!(paid.1["created"], start + 3_600);
        assert!(paid.1["request"]["id"].is_null(), "{}", paid.1);
        assert_eq!(paid.1["data"]["object"]["test_clock"], json!(id));
        let advancing = events.iter().filter(|(kind, _)| kind.contains("test_clock")).count();
        assert_eq!(
            (advancing, &events.last().unwrap().0[..]),
            (2, "test_helpers.test_clock.ready")
        );
    }
    let invoices = sandbox.get("/v1/invoices", &[("customer", &customer)]);
    let rows = invoices["data"].as_array().unwrap();
    let seen: Vec<(&Value, i64)> =
        rows.iter().map(|row| (&row["status"], row["created"].as_i64().unwrap())).collect();
    let paid = json!("paid");
    assert_eq!(seen, [(&paid, starts[2]), (&paid, starts[1]), (&paid, starts[0]), (&paid, APRIL)]);
}

#[test]
fn the_main_clock_and_test_clocks_go_apart() {
    let mut sandbox = Sandbox::new();
    let (one, two) = (clock(&mut sandbox, APRIL), clock(&mut sandbox, APRIL));
    let (first, _) = subscriber(&mut sandbox, &one, "month");
    let (second, _) = subscriber(&mut sandbox, &two, "month");
    advance(&mut sandbox, &one, APRIL + 31 * DAY);
    let count = |sandbox: &mut Sandbox, customer: &str| {
        sandbox.get("/v1/invoices", &[("customer", customer)])["data"].as_array().unwrap().len()
    };
    assert_eq!((count(&mut sandbox, &first), count(&mut sandbox, &second)), (2, 1));
    assert_eq!(sandbox.world.now(), START);
    sandbox.pass(29 * DAY);
    assert_eq!((count(&mut sandbox, &first), count(&mut sandbox, &second)), (2, 1));
}

#[test]
fn an_advance_takes_two_intervals_at_most() {
    // From 1 April 2030: two days, two weeks, to 1 June, to 1 April 2032.
    let lengths = [("day", 2), ("week", 14), ("month", 61), ("year", 731)];
    for (interval, days) in lengths {
        let mut sandbox = Sandbox::new();
        let id = clock(&mut sandbox, APRIL);
        subscriber(&mut sandbox, &id, "year");
        subscriber(&mut sandbox, &id, interval);
        let latest = APRIL + days * DAY;
        let path = format!("/v1/test_helpers/test_clocks/{id}/advance");
        let beyond = (latest + 1).to_string();
        let (status, error) = sandbox.refused(Post, &path, &[("frozen_time", &beyond)]);
        assert_eq!((status, &error["param"]), (400, &json!("frozen_time")), "{interval}");
        advance(&mut sandbox, &id, latest);
    }
}

#[test]
fn a_deleted_clock_takes_its_customers_along() {
    let mut sandbox = Sandbox::new();
    let id = clock(&mut sandbox, APRIL);
    let (customer, subscription) = subscriber(&mut sandbox, &id, "month");
    let kept = text(&sandbox.post("/v1/customers", &[])["id"]);
    sandbox.told();
    sandbox.delete(&format!("/v1/test_helpers/test_clocks/{id}"), &[]);
    assert_eq!(
        sandbox.told(),
        ["customer.subscription.deleted", "customer.deleted", "test_helpers.test_clock.deleted"]
    );
    assert_eq!(
        sandbox.get(&format!("/v1/subscriptions/{subscription}"), &[])["status"],
        "canceled"
    );
    let gone = sandbox.answer(Get, &format!("/v1/customers/{customer}"), &[]);
    assert!(gone.body.contains("\"deleted\":true"), "{}", gone.body);
    assert_eq!(sandbox.get(&format!("/v1/customers/{kept}"), &[])["id"], json!(kept));
}

#[test]
fn a_clock_is_deleted_after_thirty_days() {
    let mut sandbox = Sandbox::new();
    let id = clock(&mut sandbox, APRIL);
    let path = format!("/v1/test_helpers/test_clocks/{id}");
    sandbox.pass(30 * DAY - 1);
    sandbox.get(&path, &[]);
    sandbox.told();
    sandbox.pass(1);
    assert_eq!(sandbox.refused(Get, &path, &[]).0, 404);
    let events = sandbox.events();
    assert_eq!((events.len(), &events[0].0[..]), (1, "test_helpers.test_clock.deleted"));
    assert!(events[0].1["request"]["id"].is_null());
}

/// Who lists everything does not see what lives by test clocks.
#[test]
fn lists_leave_test_clocks_out_unless_asked() {
    let mut sandbox = Sandbox::new();
    let id = clock(&mut sandbox, APRIL);
    let (customer, _) = subscriber(&mut sandbox, &id, "month");
    for path in ["/v1/customers", "/v1/subscriptions"] {
        for (filter, count) in [
            (vec![], 0),
            (vec![("test_clock", id.as_str())], 1),
            (vec![("customer", &customer)], 1),
        ] {
            if path == "/v1/customers" && filter.first().is_some_and(|one| one.0 == "customer") {
                continue;
            }
            let found = sandbox.get(path, &filter);
            assert_eq!(found["data"].as_array().unwrap().len(), count, "{path} {filter:?}");
        }
    }
}

#[test]
fn a_new_clock_can_take_a_customer_who_bought_nothing() {
    let mut sandbox = Sandbox::new();
    let customer = text(&sandbox.post("/v1/customers", &[("name", "Ada")])["id"]);
    sandbox.told();
    let at = APRIL.to_string();
    let params = [("frozen_time", at.as_str()), ("customer", &customer)];
    let made = sandbox.post("/v1/test_helpers/test_clocks", &params);
    let seen = sandbox.get(&format!("/v1/customers/{customer}"), &[]);
    assert_eq!(seen["test_clock"], made["id"]);
    assert_eq!(sandbox.told(), ["test_helpers.test_clock.created", "customer.updated"]);
}

/// Coupons and codes belong to the account; discounts live by their customer's clock.
#[test]
fn a_discount_lives_by_the_clock_of_its_customer() {
    let mut sandbox = Sandbox::new();
    let terms = [("percent_off", "50"), ("duration", "repeating"), ("duration_in_months", "1")];
    let half = text(&sandbox.post("/v1/coupons", &terms)["id"]);
    let id = clock(&mut sandbox, APRIL);
    let params = [("test_clock", id.as_str()), ("coupon", &half)];
    let customer = sandbox.post("/v1/customers", &params);
    assert_eq!(customer["discount"]["start"], APRIL);
    assert_eq!(customer["discount"]["end"], APRIL + 30 * DAY);
    let path = format!("/v1/customers/{}", text(&customer["id"]));
    advance(&mut sandbox, &id, APRIL + 30 * DAY - 1);
    assert!(sandbox.get(&path, &[])["discount"].is_object());
    advance(&mut sandbox, &id, APRIL + 30 * DAY);
    assert!(sandbox.get(&path, &[])["discount"].is_null());
}
