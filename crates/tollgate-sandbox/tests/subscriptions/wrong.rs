//! Wrong calls: the table `refused-subscriptions.txt`.

use serde_json::Value;
use tollgate_sandbox::Method;

use crate::market::{Market, text};
use crate::world::{DAY, START};

/// Makes what the table refers to, by name.
fn objects(market: &mut Market) -> Vec<(&'static str, String)> {
    let mut named: Vec<(&'static str, String)> = Vec::new();
    let prices = [("monthly", "10"), ("other", "15"), ("year", "year"), ("week", "week")];
    named.extend(prices.map(|(name, price)| (name, market.id(price))));
    market.single("single", "500");
    named.push(("single", market.id("single")));
    market.coupon("half", ("percent_off", "50"), "once");
    named.push(("half", "half".to_owned()));
    let price = |market: &mut Market, more: &[(&str, &str)]| {
        let mut params = vec![
            ("product_data[name]", "More"),
            ("unit_amount", "900"),
            ("recurring[interval]", "month"),
        ];
        params.extend_from_slice(more);
        text(&market.post("/v1/prices", &params)["id"])
    };
    named.push(("euro", price(market, &[("currency", "eur")])));
    named.push(("off", price(market, &[("currency", "usd"), ("active", "false")])));
    named.push(("customer", market.id("customer")));
    named.push(("nobody", market.customer("")));
    named.extend(subscriptions(market));
    for (name, at) in
        [("past", START + DAY), ("soon", START + 60 * DAY), ("late", START + 3_000 * DAY)]
    {
        named.push((name, at.to_string()));
    }
    named
}

fn subscriptions(market: &mut Market) -> Vec<(&'static str, String)> {
    market.days(40);
    let monthly = ("items[0][price]", "@10");
    let sub = market.subscribe(&[monthly]);
    let trial = market.subscribe(&[monthly, ("trial_period_days", "30")]);
    let waiting = market.subscribe(&[monthly, ("payment_behavior", "default_incomplete")]);
    let held = market.subscribe(&[monthly]);
    market.post(&format!("/v1/subscriptions/{}/pause", text(&held["id"])), &[]);
    let over = market.subscribe(&[monthly]);
    market.ask(Method::Delete, &format!("/v1/subscriptions/{}", text(&over["id"])), &[]);
    let managed = market.subscribe(&[monthly]);
    let schedules = "/v1/subscription_schedules";
    let schedule = market.post(schedules, &[("from_subscription", &text(&managed["id"]))]);
    let freed = market.subscribe(&[monthly]);
    let done = market.post(schedules, &[("from_subscription", &text(&freed["id"]))]);
    market.post(&format!("{schedules}/{}/release", text(&done["id"])), &[]);
    let classic = market.subscribe(&[monthly, ("billing_mode[type]", "classic")]);
    vec![
        ("item", crate::market::item(&sub, 0)),
        ("sub", text(&sub["id"])),
        ("trial", text(&trial["id"])),
        ("waiting", text(&waiting["id"])),
        ("held", text(&held["id"])),
        ("over", text(&over["id"])),
        ("managed", text(&managed["id"])),
        ("schedule", text(&schedule["id"])),
        ("done", text(&done["id"])),
        ("classic", text(&classic["id"])),
    ]
}

#[test]
fn wrong_calls_are_refused_and_leave_no_trace() {
    let mut market = Market::new();
    let objects = objects(&mut market);
    let fill = |text: &str| {
        let one =
            |text: String, (name, id): &(&str, String)| text.replace(&format!("{{{name}}}"), id);
        objects.iter().fold(text.to_owned(), one)
    };
    market.told();
    let (mut rows, mut faults) = (0, Vec::new());
    let table = include_str!("../refused-subscriptions.txt");
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        rows += 1;
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [call, form, status, code, param, says] = parts[..] else {
            panic!("six parts: {line}")
        };
        let (verb, path) = call.split_once(' ').unwrap();
        let method = match verb {
            "GET" => Method::Get,
            "DELETE" => Method::Delete,
            _ => Method::Post,
        };
        let form = if form == "-" { String::new() } else { fill(form) };
        let params: Vec<(&str, &str)> =
            form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let answer = market.sandbox.answer(method, &fill(path), &params);
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        let error = &error["error"];
        let is = |name: &str, wanted: &str| error[name].as_str().unwrap_or("-") == wanted;
        let message = error["message"].as_str().unwrap_or_default();
        let right = answer.status.to_string() == status
            && is("code", code)
            && is("param", param)
            && message.contains(says)
            && is("type", "invalid_request_error");
        if !right {
            faults.push(format!("{line}\n    {} {}", answer.status, answer.body));
        }
        let told = market.told();
        if !told.is_empty() {
            faults.push(format!("{line}\n    told {told:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows >= 100, "{rows} rows");
}
