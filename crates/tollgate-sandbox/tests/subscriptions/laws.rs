//! What holds whatever is done to a subscription, tried with random changes. A failing seed is
//! named; it fails again the same way.

use serde_json::{Value, json};

use tollgate_sandbox::{AfterLastRetry, Method, Settings};

use crate::market::{Market, item, text};
use crate::world::{DAY, START};

/// Numbers that look random and are the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let place = self.below(choices.len() as u64);
        choices[usize::try_from(place).unwrap()]
    }

    fn secs(&mut self, most: i64) -> i64 {
        i64::try_from(self.below(u64::try_from(most).unwrap())).unwrap()
    }
}

const MONTHLY: [&str; 4] = ["@10", "@15", "@100", "@200"];

/// A change that may bill at once or later.
fn change(draw: &mut Draw, market: &mut Market, sub: &Value, any: bool) -> Vec<(String, String)> {
    let sub = market.now(sub);
    let behavior = draw.of(if any {
        &["create_prorations", "always_invoice", "none"]
    } else {
        &["create_prorations", "always_invoice"]
    });
    let mut params = vec![("proration_behavior".to_owned(), behavior.to_owned())];
    let mut put = |name: &str, value: String| params.push((name.to_owned(), value));
    let kinds = if any { 6 } else { 2 };
    match draw.below(kinds) {
        0 => {
            put("items[0][id]", item(&sub, 0));
            put("items[0][price]", draw.of(&MONTHLY).to_owned());
        }
        1 => {
            put("items[0][id]", item(&sub, 0));
            put("items[0][quantity]", draw.below(5).to_string());
        }
        2 => put("items[0][price]", "@0".to_owned()),
        3 => put("billing_cycle_anchor[type]", "now".to_owned()),
        4 => {
            put("items[0][id]", item(&sub, 0));
            put("items[0][price]", draw.of(&["@year", "@100"]).to_owned());
        }
        _ => {
            let end = market.sandbox.world.now() + DAY + draw.secs(20 * DAY);
            put("trial_end", end.to_string());
        }
    }
    params
}

fn borrowed(params: &[(String, String)]) -> Vec<(&str, &str)> {
    params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_preview_is_what_is_billed() {
    for seed in 0..60_u64 {
        let mut draw = Draw(seed);
        let mode = draw.of(&["classic", "flexible"]);
        let mut market = Market::new();
        market.coupon("tenth", ("percent_off", "10"), "forever");
        market.coupon("less", ("amount_off", "333"), "forever");
        let mut first = vec![("items[0][price]", "@100"), ("billing_mode[type]", mode)];
        match draw.below(3) {
            0 => first.push(("discounts[0][coupon]", "tenth")),
            1 => first.push(("discounts[0][coupon]", "less")),
            _ => {}
        }
        let sub = market.subscribe(&first);
        for _ in 0..5 {
            market.sandbox.pass(draw.secs(20 * DAY));
            let params = change(&mut draw, &mut market, &sub, true);
            if cannot(&mut market, &sub, &params) {
                continue;
            }
            let preview = market.preview(&sub, &borrowed(&params))["total"].clone();
            let count = market.invoices(&sub).len();
            market.update(&sub, &borrowed(&params));
            if market.invoices(&sub).len() == count {
                let now = market.now(&sub);
                let items = now["items"]["data"].as_array().unwrap();
                let ends = items.iter().map(|item| item["current_period_end"].as_i64().unwrap());
                market.sandbox.world.advance(ends.min().unwrap());
            }
            let billed = market.latest(&sub);
            assert_eq!(billed["total"], preview, "seed {seed}, {mode}: {params:?}");
        }
    }
}

/// Says whether a change would be refused: a price twice, an interval that classic billing does
/// not mix, an anchor that is moved in a trial.
fn cannot(market: &mut Market, sub: &Value, params: &[(String, String)]) -> bool {
    let now = market.now(sub);
    let items = now["items"]["data"].as_array().unwrap();
    let says = |name: &str| params.iter().any(|(one, _)| one == name);
    let wants = |value: &str| params.iter().any(|(_, one)| one == value);
    let many = items.len() > 1;
    now["status"] == json!("trialing") && says("billing_cycle_anchor[type]")
        || many && (wants("@0") || wants("@year"))
        || items.iter().any(|item| item["price"]["recurring"]["interval"] == json!("year"))
}

#[test]
fn what_was_billed_is_what_the_time_costs() {
    for seed in 0..40_u64 {
        let mut draw = Draw(seed);
        let mode = if seed % 2 == 0 { "classic" } else { "flexible" };
        let mut market = Market::new();
        let sub = market.subscribe(&[("items[0][price]", "@100"), ("billing_mode[type]", mode)]);
        // What the subscription costs from when on: moment, amount for a month.
        let mut costs = vec![(START, 10_000)];
        let mut lines = 0;
        for _ in 0..8 {
            market.sandbox.pass(draw.secs(12 * DAY));
            let params = change(&mut draw, &mut market, &sub, false);
            let after = market.update(&sub, &borrowed(&params));
            let row = &after["items"]["data"][0];
            let cost =
                row["price"]["unit_amount"].as_i64().unwrap() * row["quantity"].as_i64().unwrap();
            costs.push((market.sandbox.world.now(), cost));
            lines += 2;
        }
        // At the end of a period everything pending is billed, and the next period in full.
        let end = market.now(&sub)["items"]["data"][0]["current_period_end"].as_i64().unwrap();
        market.sandbox.world.advance(end + 7_200);
        let row = market.now(&sub)["items"]["data"][0].clone();
        let until = row["current_period_end"].as_i64().unwrap();
        let billed: i64 =
            market.invoices(&sub).iter().map(|invoice| invoice["total"].as_i64().unwrap()).sum();
        let expected = worth(&costs, until);
        assert!(
            (billed as f64 - expected).abs() <= f64::from(lines),
            "seed {seed}, {mode}: billed {billed}, worth {expected}: {costs:?}",
        );
    }
}

/// Returns what the time until then costs, second by second of months that begin on the first.
fn worth(costs: &[(i64, i64)], until: i64) -> f64 {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut begin, mut sum) = (START, 0.0);
    for days in lengths {
        let end = begin + days * DAY;
        if begin >= until {
            break;
        }
        for (place, (from, cost)) in costs.iter().enumerate() {
            let to = costs.get(place + 1).map_or(i64::MAX, |(to, _)| *to);
            let secs = (to.min(end) - (*from).max(begin)).max(0);
            sum += *cost as f64 * secs as f64 / (end - begin) as f64;
        }
        begin = end;
    }
    sum
}

#[test]
fn there_and_back_costs_nothing() {
    for seed in 0..30_u64 {
        let mut draw = Draw(seed);
        let mode = if seed % 2 == 0 { "classic" } else { "flexible" };
        let mut market = Market::new();
        let sub = market.subscribe(&[("items[0][price]", "@10"), ("billing_mode[type]", mode)]);
        let id = item(&sub, 0);
        market.sandbox.pass(draw.secs(25 * DAY));
        for _ in 0..draw.below(5) {
            let price = draw.of(&MONTHLY);
            let quantity = draw.below(4).to_string();
            market.update(
                &sub,
                &[
                    ("items[0][id]", &id),
                    ("items[0][price]", price),
                    ("items[0][quantity]", &quantity),
                ],
            );
        }
        let back =
            [("items[0][id]", &*id), ("items[0][price]", "@10"), ("items[0][quantity]", "1")];
        market.update(&sub, &back);
        let total = market.preview(&sub, &[])["total"].as_i64().unwrap();
        assert_eq!(total, 1_000, "seed {seed}, {mode}");
    }
}

/// Does one thing that may happen to a subscription; a refusal is as good as an answer.
fn step(draw: &mut Draw, market: &mut Market, sub: &Value) {
    let customer = market.id("customer");
    let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
    let post = |market: &mut Market, path: &str, params: &[(&str, &str)]| {
        market.sandbox.answer(Method::Post, path, params);
    };
    match draw.below(12) {
        0 => market.give(&customer, "pm_card_chargeCustomerFail"),
        1 => market.give(&customer, "pm_card_visa"),
        2 => post(market, &path, &[("cancel_at_period_end", draw.of(&["true", "false"]))]),
        3 => post(market, &format!("{path}/pause"), &[]),
        4 => {
            let behavior = draw.of(&["resume_on_payment_attempt", "resume_on_payment_success"]);
            post(market, &format!("{path}/resume"), &[("payment_behavior", behavior)]);
        }
        5 => {
            let params = [("from_subscription", &*text(&sub["id"]))];
            post(market, "/v1/subscription_schedules", &params);
        }
        6 => {
            let behavior = draw.of(&["void", "keep_as_draft", "mark_uncollectible"]);
            post(market, &path, &[("pause_collection[behavior]", behavior)]);
        }
        7 => post(market, &path, &[("pause_collection", ""), ("trial_end", "now")]),
        8 => {
            let latest = text(&market.now(sub)["latest_invoice"]);
            let verb = draw.of(&["pay", "void", "finalize"]);
            post(market, &format!("/v1/invoices/{latest}/{verb}"), &[]);
        }
        9 => {
            let behavior =
                draw.of(&["allow_incomplete", "pending_if_incomplete", "default_incomplete"]);
            let id = item(&market.now(sub), 0);
            let price = market.id(draw.of(&["10", "100", "200"]));
            post(
                market,
                &path,
                &[
                    ("items[0][id]", &id),
                    ("items[0][price]", &price),
                    ("proration_behavior", "always_invoice"),
                    ("payment_behavior", behavior),
                ],
            );
        }
        _ => {
            let params = change(draw, market, sub, true);
            let fill = |value: &str| match value.strip_prefix('@') {
                Some(name) => market.id(name),
                None => value.to_owned(),
            };
            let params: Vec<(String, String)> =
                params.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
            post(market, &path, &borrowed(&params));
        }
    }
}

#[test]
fn whoever_follows_the_events_knows_every_subscription_as_it_is() {
    for seed in 0..80_u64 {
        let mut draw = Draw(seed + 1_000);
        let after_last_retry =
            if seed % 2 == 0 { AfterLastRetry::Cancel } else { AfterLastRetry::Unpaid };
        let mut market = Market::with(Settings { after_last_retry, ..Settings::default() });
        let mut params = vec![("items[0][price]", "@100")];
        params.push(("billing_mode[type]", draw.of(&["classic", "flexible"])));
        if seed % 3 == 0 {
            params.push(("trial_period_days", "10"));
        }
        let sub = market.subscribe(&params);
        let mut known = sub.clone();
        for place in 0..14 {
            step(&mut draw, &mut market, &sub);
            market.sandbox.pass(draw.secs(12 * DAY));
            for (kind, event) in market.sandbox.events() {
                if kind.starts_with("customer.subscription.") {
                    let object = &event["data"]["object"];
                    if let Some(previous) = event["data"]["previous_attributes"].as_object() {
                        for (name, value) in previous.iter().filter(|(name, _)| *name != "items") {
                            let before = known.get(name).unwrap_or(&Value::Null);
                            let nested = value.is_object();
                            assert!(
                                nested || before == value,
                                "seed {seed}, step {place}: {kind} {name}: {before} was not {value}"
                            );
                        }
                    }
                    known = object.clone();
                }
            }
            assert_eq!(known, market.now(&sub), "seed {seed}, step {place}");
        }
    }
}
