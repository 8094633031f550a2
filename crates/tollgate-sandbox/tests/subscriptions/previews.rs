//! Previews: what a change or the next period would bring, without bringing it.

use serde_json::{Value, json};
use tollgate_sandbox::{Method, Request};

use crate::market::{Market, item, lines, text};
use crate::world::{DAY, START};

#[test]
fn a_preview_leaves_everything_as_it_is() {
    let mut market = Market::new();
    market.coupon("half", ("percent_off", "50"), "once");
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.days(3);
    market.told();
    let before = market.now(&sub);
    let preview = market.preview(
        &sub,
        &[
            ("items[0][id]", &item(&sub, 0)),
            ("items[0][price]", "@100"),
            ("items[1][price]", "@15"),
            ("discounts[0][coupon]", "half"),
        ],
    );
    assert_eq!(preview["billing_reason"], json!("upcoming"));
    assert_eq!(preview["status"], json!("draft"));
    assert!(text(&preview["id"]).starts_with("upcoming_in_"));
    assert_eq!(market.told(), [""; 0]);
    assert_eq!(market.now(&sub), before);
    assert_eq!(market.get("/v1/coupons/half")["times_redeemed"], json!(0));
    assert_eq!(market.invoices(&sub).len(), 1);
}

#[test]
fn a_new_subscription_is_previewed() {
    let mut market = Market::new();
    let detail = [
        ("customer", "@customer"),
        ("subscription_details[items][0][price]", "@10"),
        ("subscription_details[items][0][quantity]", "3"),
    ];
    let preview = market.post("/v1/invoices/create_preview", &detail);
    assert_eq!(preview["total"], json!(3_000));
    let anchor = (START + 10 * DAY).to_string();
    let mut early = detail.to_vec();
    early.push(("subscription_details[billing_cycle_anchor][type]", "timestamp"));
    early.push(("subscription_details[billing_cycle_anchor][timestamp]", &anchor));
    let preview = market.post("/v1/invoices/create_preview", &early);
    assert_eq!(preview["total"], json!(968), "ten of 31 days");
    let mut wrong = detail.to_vec();
    wrong[1].1 = "price_none";
    let (_, error) = market.refused(Method::Post, "/v1/invoices/create_preview", &wrong);
    assert_eq!(error["param"], json!("subscription_details[items][0][price]"));
}

/// Old libraries still ask for it.
#[test]
fn the_upcoming_invoice_of_old_versions_is_a_preview() {
    let mut market = Market::new();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.days(10);
    let (id, item) = (text(&sub["id"]), item(&sub, 0));
    let mut request = Request::new(Method::Get, "/v1/invoices/upcoming", "");
    request.query = format!(
        "subscription={id}&subscription_items[0][id]={item}&subscription_items[0][quantity]=3\
         &subscription_proration_behavior=none"
    );
    request.version = Some("2024-06-20".to_owned());
    let answer = market.sandbox.world.call(&request);
    let invoice: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &invoice["total"]), (200, &json!(3_000)), "{invoice}");
    assert_eq!((&invoice["subscription"], invoice.get("id")), (&json!(id), None));
    request.version = Some("2025-03-31.basil".to_owned());
    assert_eq!(market.sandbox.world.call(&request).status, 404);
}

#[test]
fn the_recurring_mode_shows_what_every_period_costs() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let sub = market.subscribe(&[("items[0][price]", "@100")]);
    market.days(15);
    let id = text(&sub["id"]);
    let item = item(&sub, 0);
    let params = [
        ("subscription", id.as_str()),
        ("subscription_details[items][0][id]", item.as_str()),
        ("subscription_details[items][0][price]", "@200"),
        ("preview_mode", "recurring"),
    ];
    let preview = market.post("/v1/invoices/create_preview", &params);
    assert_eq!(preview["total"], json!(20_000));
    assert_eq!(lines(&preview).len(), 1);
}

#[test]
fn the_end_and_the_resumption_of_a_subscription_are_previewed() {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    let sub = market.subscribe(&[("items[0][price]", "@100")]);
    market.days(15);
    let preview = market.preview(&sub, &[("cancel_now", "true")]);
    assert_eq!(preview["total"], json!(-5_000));
    let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
    market.post(&format!("{path}/pause"), &[]);
    let preview = market.preview(&sub, &[("resume_at", "now")]);
    market.post(&format!("{path}/resume"), &[]);
    assert_eq!(preview["total"], market.latest(&sub)["total"]);
}

#[test]
fn what_waits_for_a_customer_is_previewed() {
    let mut market = Market::new();
    let path = "/v1/invoices/create_preview";
    let (status, error) =
        market.refused(Method::Post, path, &[("customer", "@customer"), ("currency", "usd")]);
    assert_eq!((status, &error["code"]), (404, &json!("invoice_upcoming_none")));
    let preview = market.post(
        path,
        &[
            ("customer", "@customer"),
            ("currency", "usd"),
            ("invoice_items[0][amount]", "250"),
            ("invoice_items[0][description]", "Ink"),
        ],
    );
    assert_eq!(preview["total"], json!(250));
}
