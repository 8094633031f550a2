//! What Stripe's own objects say a user may use. Written from the promise, not from the rules
//! that are under test: the best living subscription counts, unless what was paid for its present
//! period was given back whole or lost to a dispute.

use std::collections::BTreeMap;

use serde_json::Value;

use super::market::{Market, PLANS, text};

/// User to plan; `free` where nothing is granted.
pub type Access = BTreeMap<String, String>;

/// Asks the offline Stripe about every user.
pub fn access(market: &mut Market) -> Access {
    let people = market.people.clone();
    let answers = people.iter().map(|person| (person.user.clone(), plan(market, &person.customer)));
    answers.collect()
}

fn plan(market: &mut Market, customer: &str) -> String {
    let subscriptions =
        market.list("/v1/subscriptions", &format!("customer={customer}&status=all"));
    let granted = subscriptions.iter().filter(|it| grants(market, it));
    let ranks: Vec<usize> =
        granted.collect::<Vec<_>>().iter().map(|it| rank(it, &market.prices)).collect();
    ranks.into_iter().max().map_or("free", |rank| PLANS[rank].0).to_owned()
}

fn rank(subscription: &Value, prices: &[String]) -> usize {
    let price = text(&subscription["items"]["data"][0]["price"], "id");
    prices.iter().position(|it| *it == price).expect("only our prices are sold")
}

fn grants(market: &mut Market, subscription: &Value) -> bool {
    let living =
        matches!(subscription["status"].as_str(), Some("active" | "trialing" | "past_due"));
    living && !given_back(market, subscription)
}

/// Says whether what was paid for a subscription's present period was refunded whole, or disputed
/// and lost. The renewal stands for the whole where it is the greater part.
fn given_back(market: &mut Market, subscription: &Value) -> bool {
    let shares: Vec<Share> = of_present_period(market, subscription)
        .iter()
        .map(|invoice| share(market, invoice))
        .collect();
    let paid: i64 = shares.iter().map(|it| it.paid).sum();
    let back: i64 = shares.iter().map(|it| it.back).sum();
    let renewal = shares.iter().filter(|it| it.renews).max_by_key(|it| it.paid);
    let renewal_is_back = renewal.is_some_and(|it| it.back == it.paid && 2 * it.paid >= paid);
    shares.iter().any(|it| it.lost) || (paid > 0 && (back == paid || renewal_is_back))
}

/// Returns the paid invoices since the present period began; where there are none, the last one
/// that renewed and those after it.
fn of_present_period(market: &mut Market, subscription: &Value) -> Vec<Value> {
    let query = format!("subscription={}&status=paid", text(subscription, "id"));
    let mut paid = market.list("/v1/invoices", &query);
    paid.retain(|it| it["amount_paid"].as_i64() > Some(0));
    paid.sort_by_key(|it| (it["created"].as_i64(), text(it, "id").to_owned()));
    let begins = subscription["items"]["data"][0]["current_period_start"].as_i64();
    let present = paid.iter().position(|it| it["created"].as_i64() >= begins);
    let first = present.or_else(|| paid.iter().rposition(renews));
    paid.split_off(first.unwrap_or(0))
}

fn renews(invoice: &Value) -> bool {
    invoice["billing_reason"] != "subscription_update"
}

/// One invoice's part of a period.
struct Share {
    paid: i64,
    back: i64,
    renews: bool,
    lost: bool,
}

fn share(market: &mut Market, invoice: &Value) -> Share {
    let query = format!("invoice={}&status=paid", text(invoice, "id"));
    let (mut back, mut lost) = (0, false);
    for payment in market.list("/v1/invoice_payments", &query) {
        let of_it = format!("payment_intent={}", text(&payment["payment"], "payment_intent"));
        let charges = market.list("/v1/charges", &of_it);
        back += charges.iter().filter_map(|it| it["amount_refunded"].as_i64()).sum::<i64>();
        lost |= market.list("/v1/disputes", &of_it).iter().any(|it| it["status"] == "lost");
    }
    let paid = invoice["amount_paid"].as_i64().unwrap_or(0);
    Share { paid, back, renews: renews(invoice), lost }
}
