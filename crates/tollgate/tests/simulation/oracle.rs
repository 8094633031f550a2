//! What Stripe's own objects say a user may use. Written from the promise, not from the rules
//! that are under test: the best living subscription counts, unless its newest paid invoice was
//! given back whole or lost to a dispute.

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

/// Says whether the newest paid invoice of a subscription was refunded whole, or disputed and lost.
fn given_back(market: &mut Market, subscription: &Value) -> bool {
    let query = format!("subscription={}&status=paid", text(subscription, "id"));
    let paid = market.list("/v1/invoices", &query);
    let paid = paid.iter().filter(|it| it["amount_paid"].as_i64().unwrap_or(0) > 0);
    let newest = paid.max_by_key(|it| (it["created"].as_i64(), text(it, "id")));
    let Some(invoice) = newest else { return false };
    let query = format!("invoice={}&status=paid", text(invoice, "id"));
    let payments = market.list("/v1/invoice_payments", &query);
    payments.iter().any(|it| {
        let intent = text(&it["payment"], "payment_intent");
        let of_it = format!("payment_intent={intent}");
        let refunded = market.list("/v1/charges", &of_it).iter().any(|it| it["refunded"] == true);
        let disputes = market.list("/v1/disputes", &of_it);
        refunded || disputes.iter().any(|it| it["status"] == "lost")
    })
}
