//! Schedules: changes that are due later.

use serde_json::{Value, json};
use tollgate_sandbox::Method;

use crate::market::{Market, text};
use crate::world::{DAY, START};

fn path(schedule: &Value) -> String {
    format!("/v1/subscription_schedules/{}", text(&schedule["id"]))
}

fn scheduled(market: &mut Market, price: &str) -> (Value, Value) {
    let sub = market.subscribe(&[("items[0][price]", price)]);
    market.told();
    let schedule =
        market.post("/v1/subscription_schedules", &[("from_subscription", &text(&sub["id"]))]);
    (sub, schedule)
}

#[test]
fn a_downgrade_waits_for_the_end_of_the_period() {
    let mut market = Market::new();
    let (sub, schedule) = scheduled(&mut market, "@200");
    assert_eq!(market.told(), ["subscription_schedule.created", "customer.subscription.updated"],);
    assert_eq!(market.now(&sub)["schedule"], schedule["id"]);
    assert_eq!(schedule["phases"][0]["items"][0]["price"], json!(market.id("200")));
    let (start, end) = (START.to_string(), (START + 31 * DAY).to_string());
    let later = market.post(
        &path(&schedule),
        &[
            ("phases[0][items][0][price]", "@200"),
            ("phases[0][start_date]", &start),
            ("phases[0][end_date]", &end),
            ("phases[1][items][0][price]", "@100"),
            ("phases[1][duration][interval]", "month"),
            ("end_behavior", "release"),
        ],
    );
    assert_eq!(later["phases"][1]["end_date"], json!(START + 59 * DAY));
    assert_eq!(market.told(), ["subscription_schedule.updated"]);
    assert_eq!(market.now(&sub)["items"], sub["items"], "nothing changes yet");
    market.sandbox.pass(31 * DAY);
    let after = market.now(&sub);
    assert_eq!(after["items"]["data"][0]["price"]["id"], json!(market.id("100")));
    assert_eq!(after["items"]["data"][0]["id"], sub["items"]["data"][0]["id"]);
    assert_eq!(market.latest(&sub)["total"], json!(10_000));
    assert_eq!(market.invoices(&sub).len(), 2);
    market.told();
    market.days(28);
    let told = market.told();
    assert!(told.contains(&"subscription_schedule.released".to_owned()), "{told:?}");
    assert!(told.contains(&"subscription_schedule.expiring".to_owned()), "{told:?}");
    let over = market.get(&path(&schedule));
    assert_eq!(over["status"], json!("released"));
    assert_eq!(over["released_subscription"], sub["id"]);
    assert_eq!(market.now(&sub)["schedule"], json!(null));
    assert_eq!(market.now(&sub)["status"], json!("active"));
}

#[test]
fn a_schedule_may_end_its_subscription() {
    let mut market = Market::new();
    let (sub, schedule) = scheduled(&mut market, "@10");
    market.post(&path(&schedule), &[("end_behavior", "cancel")]);
    market.told();
    market.days(31);
    assert_eq!(market.now(&sub)["status"], json!("canceled"));
    let told = market.told();
    assert!(told.contains(&"subscription_schedule.completed".to_owned()), "{told:?}");
    assert!(told.contains(&"customer.subscription.deleted".to_owned()), "{told:?}");
    assert_eq!(market.get(&path(&schedule))["status"], json!("completed"));
}

#[test]
fn a_schedule_starts_a_subscription_later() {
    let mut market = Market::new();
    let start = (START + 5 * DAY).to_string();
    let schedule = market.post(
        "/v1/subscription_schedules",
        &[
            ("customer", "@customer"),
            ("start_date", &start),
            ("phases[0][items][0][price]", "@10"),
            ("phases[0][items][0][quantity]", "2"),
            ("phases[0][duration][interval]", "month"),
            ("phases[0][duration][interval_count]", "3"),
            ("phases[1][items][0][price]", "@15"),
        ],
    );
    assert_eq!(schedule["status"], json!("not_started"));
    assert_eq!(market.told(), ["subscription_schedule.created"]);
    market.days(5);
    let schedule = market.get(&path(&schedule));
    assert_eq!(schedule["status"], json!("active"));
    let sub = market.get(&format!("/v1/subscriptions/{}", text(&schedule["subscription"])));
    assert_eq!((&sub["status"], &sub["schedule"]), (&json!("active"), &schedule["id"]));
    assert_eq!(market.latest(&sub)["total"], json!(2_000));
    market.sandbox.world.advance(START + (5 + 31 + 28 + 31 + 1) * DAY);
    assert_eq!(market.latest(&sub)["total"], json!(1_500));
    let list = market.ask(
        Method::Get,
        "/v1/subscription_schedules",
        &[("customer", "@customer"), ("scheduled", "false")],
    );
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_schedule_that_starts_now_has_its_subscription_at_once() {
    let mut market = Market::new();
    let params = [
        ("start_date", "now"),
        ("phases[0][items][0][price]", "@10"),
        ("phases[0][trial]", "true"),
        ("phases[0][duration][interval]", "week"),
        ("phases[1][items][0][price]", "@10"),
    ];
    let mut with = vec![("customer", "@customer")];
    with.extend_from_slice(&params);
    let schedule = market.post("/v1/subscription_schedules", &with);
    assert_eq!(schedule["status"], json!("active"));
    let sub = market.get(&format!("/v1/subscriptions/{}", text(&schedule["subscription"])));
    assert_eq!(sub["status"], json!("trialing"));
    assert_eq!(sub["trial_end"], json!(START + 7 * DAY));
    market.days(8);
    assert_eq!(market.latest(&sub)["total"], json!(1_000));
}

#[test]
fn a_phase_that_is_under_way_can_be_changed_and_ended() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let (sub, schedule) = scheduled(&mut market, "@100");
    market.days(15);
    let end = (START + 120 * DAY).to_string();
    market.post(
        &path(&schedule),
        &[
            ("phases[0][items][0][price]", "@200"),
            ("phases[0][end_date]", &end),
            ("proration_behavior", "always_invoice"),
        ],
    );
    assert_eq!(market.latest(&sub)["total"], json!(5_000));
    let released = market.post(&format!("{}/release", path(&schedule)), &[]);
    assert_eq!(released["status"], json!("released"));
    assert_eq!(market.refused(Method::Post, &format!("{}/release", path(&schedule)), &[]).0, 400);
}

/// A trial of a week with 20 % off for good, its schedule, and how long its phase lasts.
fn scheduled_trial(market: &mut Market) -> (Value, Value, String, String) {
    market.coupon("FIFTH", ("percent_off", "20"), "forever");
    let end = (START + 7 * DAY).to_string();
    let sub = market.subscribe(&[
        ("items[0][price]", "@100"),
        ("trial_end", &end),
        ("discounts[0][coupon]", "FIFTH"),
    ]);
    let schedule =
        market.post("/v1/subscription_schedules", &[("from_subscription", &text(&sub["id"]))]);
    (sub, schedule, START.to_string(), end)
}

#[test]
fn what_an_update_does_not_name_of_a_phase_is_unset() {
    let mut market = Market::new();
    let (sub, schedule, start, end) = scheduled_trial(&mut market);
    assert_eq!(schedule["phases"][0]["trial_end"], sub["trial_end"]);
    assert_eq!(schedule["phases"][0]["discounts"][0]["discount"], sub["discounts"][0]);
    let params = [
        ("phases[0][items][0][price]", "@100"),
        ("phases[0][start_date]", start.as_str()),
        ("phases[0][end_date]", &end),
    ];
    market.post(&path(&schedule), &params);
    let after = market.now(&sub);
    assert_eq!((&after["status"], &after["discounts"]), (&json!("active"), &json!([])));
    assert_eq!(market.latest(&sub)["amount_paid"], json!(10_000));
}

#[test]
fn what_an_update_names_of_a_phase_stays() {
    let mut market = Market::new();
    let (sub, schedule, start, end) = scheduled_trial(&mut market);
    let discount = text(&sub["discounts"][0]);
    let params = [
        ("phases[0][items][0][price]", "@100"),
        ("phases[0][start_date]", start.as_str()),
        ("phases[0][end_date]", &end),
        ("phases[0][trial_end]", &end),
        ("phases[0][discounts][0][discount]", &discount),
        ("phases[1][items][0][price]", "@200"),
    ];
    market.post(&path(&schedule), &params);
    let after = market.now(&sub);
    assert_eq!((&after["status"], &after["discounts"]), (&json!("trialing"), &sub["discounts"]));
    market.days(8);
    let after = market.now(&sub);
    assert_eq!((&after["status"], &after["discounts"]), (&json!("active"), &json!([])));
    assert_eq!(market.latest(&sub)["total"], json!(20_000), "the second phase names no discount");
}

/// Nobody has to have a payment method before: the first invoice is a draft for an hour, like that
/// of a renewal.
#[test]
fn the_first_invoice_of_a_schedule_is_charged_an_hour_later() {
    let mut market = Market::new();
    let schedule = market.post(
        "/v1/subscription_schedules",
        &[("customer", "@customer"), ("start_date", "now"), ("phases[0][items][0][price]", "@10")],
    );
    let sub = market.get(&format!("/v1/subscriptions/{}", text(&schedule["subscription"])));
    assert_eq!(sub["status"], json!("active"));
    assert_eq!(market.latest(&sub)["status"], json!("draft"));
    market.sandbox.world.advance(START + 3_600);
    assert_eq!(market.latest(&sub)["status"], json!("paid"));
}

#[test]
fn a_canceled_schedule_ends_its_subscription_and_the_other_way_round() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let (sub, schedule) = scheduled(&mut market, "@100");
    market.days(15);
    market.told();
    let over = market.post(&format!("{}/cancel", path(&schedule)), &[]);
    assert_eq!(over["status"], json!("canceled"));
    assert_eq!(market.now(&sub)["status"], json!("canceled"));
    assert_eq!(market.latest(&sub)["total"], json!(-5_000), "prorated and billed");
    let told = market.told();
    let canceled = told.iter().filter(|kind| *kind == "subscription_schedule.canceled").count();
    assert_eq!(canceled, 1, "{told:?}");
    let (sub, schedule) = scheduled(&mut market, "@10");
    market.ask(Method::Delete, &format!("/v1/subscriptions/{}", text(&sub["id"])), &[]);
    assert_eq!(market.get(&path(&schedule))["status"], json!("canceled"));
}
