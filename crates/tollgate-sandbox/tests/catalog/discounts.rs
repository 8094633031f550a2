//! Discounts on customers, subscriptions and their items: events, lengths and the money, worked
//! out by hand.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{Delete, Post};

use crate::world::{DAY, Sandbox};
use crate::{coupon, lasting, monthly, payer, product, subscribe, text, totals};

/// A customer, and prices of 10.00 and 25.00 a month of two products.
fn shop(sandbox: &mut Sandbox) -> (String, [(String, String); 2]) {
    let customer = payer(sandbox);
    let sold = [("Pro", 1_000), ("Extra", 2_500)].map(|(name, cents)| {
        let product = product(sandbox, name);
        let price = monthly(sandbox, &product, cents);
        (product, price)
    });
    sandbox.told();
    (customer, sold)
}

/// Lets some months go by, and another two hours for drafts.
fn months(sandbox: &mut Sandbox, count: i64) {
    sandbox.pass(count * 31 * DAY);
}

fn kinds<'a>(told: &'a [String], part: &str) -> Vec<&'a str> {
    told.iter().map(String::as_str).filter(|kind| kind.contains(part)).collect()
}

/// The terms of a coupon; whether both prices are bought; what four invoices cost.
type Case = (Vec<(&'static str, &'static str)>, bool, [i64; 4]);

/// Whole prices: 10.00 and, where two are bought, 25.00.
#[test]
fn the_money_of_each_coupon() {
    let once = ("duration", "once");
    let forever = ("duration", "forever");
    let repeating = [("duration", "repeating"), ("duration_in_months", "2")];
    let cases: Vec<Case> = vec![
        (vec![("percent_off", "20"), once], false, [800, 1_000, 1_000, 1_000]),
        (vec![("percent_off", "20"), forever], false, [800; 4]),
        (vec![("percent_off", "12.5"), forever], true, [3_062; 4]),
        (vec![("percent_off", "100"), once], false, [0, 1_000, 1_000, 1_000]),
        (vec![("percent_off", "50"), repeating[0], repeating[1]], false, [500, 500, 1_000, 1_000]),
        (vec![("amount_off", "300"), ("currency", "usd"), once], false, [700, 1_000, 1_000, 1_000]),
        (vec![("amount_off", "300"), ("currency", "usd"), forever], true, [3_200; 4]),
        (vec![("amount_off", "9999"), ("currency", "usd"), forever], false, [0; 4]),
        (
            vec![("amount_off", "300"), ("currency", "usd"), repeating[0], repeating[1]],
            false,
            [700, 700, 1_000, 1_000],
        ),
    ];
    for (terms, both, expected) in cases {
        let mut sandbox = Sandbox::new();
        let (customer, [(_, pro), (_, extra)]) = shop(&mut sandbox);
        let coupon = coupon(&mut sandbox, &terms);
        let mut more = vec![("discounts[0][coupon]", coupon.as_str())];
        if both {
            more.push(("items[1][price]", &extra));
        }
        subscribe(&mut sandbox, &customer, &pro, &more);
        months(&mut sandbox, 3);
        sandbox.pass(DAY);
        assert_eq!(totals(&mut sandbox, &customer), expected, "{terms:?}");
    }
}

#[test]
fn a_coupon_for_one_product_leaves_the_others() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), (extra, extras_price)]) = shop(&mut sandbox);
    let terms = [("percent_off", "40"), ("applies_to[products][0]", extra.as_str())];
    let coupon = coupon(&mut sandbox, &terms);
    let more = [("items[1][price]", extras_price.as_str()), ("discounts[0][coupon]", &coupon)];
    let made = subscribe(&mut sandbox, &customer, &pro, &more);
    // 10.00, and 25.00 less 10.00.
    assert_eq!(totals(&mut sandbox, &customer), [2_500]);
    let invoice = sandbox.get(&format!("/v1/invoices/{}", text(&made["latest_invoice"])), &[]);
    let amounts: Vec<&Value> = invoice["lines"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["discount_amounts"][0]["amount"])
        .collect();
    assert!(amounts.contains(&&json!(1_000)) && amounts.contains(&&Value::Null), "{amounts:?}");
}

#[test]
fn several_discounts_apply_in_order() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let ten = coupon(&mut sandbox, &[("percent_off", "10"), ("duration", "forever")]);
    let two = [("amount_off", "200"), ("currency", "usd"), ("duration", "forever")];
    let two = coupon(&mut sandbox, &two);
    // 10.00 less 10 % is 9.00, less 2.00 is 7.00; the other way 8.00 less 0.80.
    for (first, second, total) in [(&ten, &two, 700), (&two, &ten, 720)] {
        let more = [("discounts[0][coupon]", first.as_str()), ("discounts[1][coupon]", second)];
        let made = subscribe(&mut sandbox, &customer, &pro, &more);
        assert_eq!(made["discounts"].as_array().unwrap().len(), 2);
        assert_eq!(totals(&mut sandbox, &customer).pop(), Some(total));
    }
}

#[test]
fn an_amount_in_another_currency_takes_nothing_off() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let euros = [("amount_off", "300"), ("currency", "eur"), ("duration", "forever")];
    let euros = coupon(&mut sandbox, &euros);
    sandbox.post(&format!("/v1/customers/{customer}"), &[("coupon", &euros)]);
    subscribe(&mut sandbox, &customer, &pro, &[]);
    assert_eq!(totals(&mut sandbox, &customer), [1_000]);
    let both = [
        ("amount_off", "300"),
        ("currency", "eur"),
        ("currency_options[usd][amount_off]", "250"),
        ("duration", "forever"),
    ];
    let both = coupon(&mut sandbox, &both);
    sandbox.post(&format!("/v1/customers/{customer}"), &[("coupon", &both)]);
    subscribe(&mut sandbox, &customer, &pro, &[]);
    assert_eq!(totals(&mut sandbox, &customer), [1_000, 750]);
}

#[test]
fn a_customers_discount_is_given_changed_and_taken() {
    let mut sandbox = Sandbox::new();
    let ten = coupon(&mut sandbox, &[("percent_off", "10")]);
    let thirty = coupon(&mut sandbox, &[("percent_off", "30")]);
    sandbox.told();
    let made = sandbox.post("/v1/customers", &[("coupon", &ten)]);
    assert_eq!(made["discount"]["source"], json!({ "type": "coupon", "coupon": ten }));
    assert_eq!(sandbox.told(), ["customer.created", "customer.discount.created"]);
    let path = format!("/v1/customers/{}", text(&made["id"]));
    let changed = sandbox.post(&path, &[("coupon", &thirty)]);
    assert_eq!(changed["discount"]["source"]["coupon"], json!(thirty));
    let events = sandbox.events();
    let told: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(told, ["customer.updated", "customer.discount.updated"]);
    let data = &events[1].1["data"];
    assert_eq!(data["object"]["id"], changed["discount"]["id"]);
    assert_eq!(data["previous_attributes"]["id"], made["discount"]["id"]);
    assert_eq!(data["previous_attributes"]["source"], json!({ "coupon": ten }));
    assert_eq!(sandbox.post(&path, &[("coupon", "")])["discount"], Value::Null);
    assert_eq!(sandbox.told(), ["customer.updated", "customer.discount.deleted"]);
    sandbox.post(&path, &[("coupon", &ten)]);
    sandbox.told();
    let deleted = sandbox.delete(&format!("{path}/discount"), &[]);
    assert_eq!((&deleted["deleted"], &deleted["customer"]), (&json!(true), &made["id"]));
    assert_eq!(sandbox.told(), ["customer.discount.deleted", "customer.updated"]);
    let (status, error) = sandbox.refused(Delete, &format!("{path}/discount"), &[]);
    assert_eq!((status, &error["code"]), (404, &json!("resource_missing")));
}

#[test]
fn the_subscriptions_discount_comes_before_the_customers() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let tenth = coupon(&mut sandbox, &[("percent_off", "10"), ("duration", "forever")]);
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("duration", "once")]);
    sandbox.post(&format!("/v1/customers/{customer}"), &[("coupon", &tenth)]);
    subscribe(&mut sandbox, &customer, &pro, &[("discounts[0][coupon]", &half)]);
    months(&mut sandbox, 1);
    sandbox.pass(DAY);
    assert_eq!(totals(&mut sandbox, &customer), [500, 900]);
}

#[test]
fn a_discount_that_counts_once_leaves_with_the_first_invoice() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("duration", "once")]);
    sandbox.told();
    let made = subscribe(&mut sandbox, &customer, &pro, &[("discounts[0][coupon]", &half)]);
    assert_eq!(made["discounts"], json!([]));
    let told = sandbox.told();
    assert_eq!(
        kinds(&told, "discount"),
        ["customer.discount.created", "customer.discount.deleted"]
    );
    let invoice = sandbox.get(
        &format!("/v1/invoices/{}", text(&made["latest_invoice"])),
        &[("expand[]", "discounts")],
    );
    let discount = &invoice["discounts"][0];
    assert_eq!((&discount["subscription"], &discount["customer"]), (&made["id"], &json!(customer)));
    assert_eq!(invoice["total_discount_amounts"][0]["amount"], 500);
}

#[test]
fn a_discount_of_two_months_ends_after_them() {
    let mut sandbox = lasting();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let terms = [("percent_off", "50"), ("duration", "repeating"), ("duration_in_months", "2")];
    let half = coupon(&mut sandbox, &terms);
    let made = subscribe(
        &mut sandbox,
        &customer,
        &pro,
        &[("discounts[0][coupon]", &half), ("expand[]", "discounts")],
    );
    // From 1 January to 1 March 2027.
    let discount = &made["discounts"][0];
    assert_eq!(discount["end"].as_i64().unwrap() - discount["start"].as_i64().unwrap(), 59 * DAY);
    sandbox.told();
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    sandbox.pass(59 * DAY - 1);
    assert_eq!(sandbox.get(&path, &[])["discounts"].as_array().unwrap().len(), 1);
    assert!(kinds(&sandbox.told(), "discount").is_empty());
    sandbox.pass(1);
    assert_eq!(sandbox.get(&path, &[])["discounts"], json!([]));
    assert_eq!(kinds(&sandbox.told(), "discount"), ["customer.discount.deleted"]);
}

#[test]
fn a_subscriptions_discounts_are_deleted() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let half = coupon(&mut sandbox, &[("percent_off", "50"), ("duration", "forever")]);
    let made = subscribe(&mut sandbox, &customer, &pro, &[("discounts[0][coupon]", &half)]);
    sandbox.told();
    let path = format!("/v1/subscriptions/{}", text(&made["id"]));
    let deleted = sandbox.delete(&format!("{path}/discount"), &[]);
    assert_eq!(deleted["subscription"], made["id"]);
    assert_eq!(sandbox.told(), ["customer.discount.deleted", "customer.subscription.updated"]);
    assert_eq!(sandbox.get(&path, &[])["discounts"], json!([]));
    months(&mut sandbox, 1);
    sandbox.pass(DAY);
    assert_eq!(totals(&mut sandbox, &customer), [500, 1_000]);
}

/// A refused call redeems nothing.
#[test]
fn only_calls_that_stand_redeem() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), _]) = shop(&mut sandbox);
    let half = coupon(&mut sandbox, &[("percent_off", "50")]);
    for wrong in [("discounts[1][coupon]", "NONE"), ("trial_end", "1")] {
        let params = [
            ("customer", customer.as_str()),
            ("items[0][price]", &pro),
            ("discounts[0][coupon]", &half),
            wrong,
        ];
        assert_eq!(sandbox.refused(Post, "/v1/subscriptions", &params).0, 400);
    }
    assert_eq!(sandbox.get(&format!("/v1/coupons/{half}"), &[])["times_redeemed"], 0);
}

/// Half off by a code that wants a purchase of so many cents.
fn code_from(sandbox: &mut Sandbox, coupon: &str, least: &str) -> String {
    let params = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", coupon),
        ("restrictions[minimum_amount]", least),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    text(&sandbox.post("/v1/promotion_codes", &params)["id"])
}

/// The price is 10.00 dollars.
#[test]
fn a_discount_that_would_take_nothing_off_is_refused() {
    let mut sandbox = Sandbox::new();
    let (customer, [(_, pro), (_, extra)]) = shop(&mut sandbox);
    let once = ("duration", "once");
    let euros = coupon(&mut sandbox, &[("amount_off", "500"), ("currency", "eur"), once]);
    let half = coupon(&mut sandbox, &[("percent_off", "50"), once]);
    let fair = code_from(&mut sandbox, &half, "1000");
    let dear = code_from(&mut sandbox, &half, "1001");
    let sub = subscribe(&mut sandbox, &customer, &pro, &[]);
    let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
    let item = text(&sub["items"]["data"][0]["id"]);
    for (name, id) in [("coupon", &euros), ("promotion_code", &dear)] {
        let whole = format!("discounts[0][{name}]");
        let of_item = format!("items[0][discounts][0][{name}]");
        let bought = [("customer", customer.as_str()), ("items[0][price]", pro.as_str())];
        for of in [&whole, &of_item] {
            let new = [bought[0], bought[1], (of.as_str(), id.as_str())];
            assert_eq!(sandbox.refused(Post, "/v1/subscriptions", &new).0, 400, "new: {of}");
            let change = [("items[0][id]", item.as_str()), (of.as_str(), id.as_str())];
            assert_eq!(sandbox.refused(Post, &path, &change).0, 400, "update: {of}");
        }
    }
    let invoice = [("customer", customer.as_str()), ("currency", "usd")];
    let discount = ("discounts[0][coupon]", euros.as_str());
    let (status, _) = sandbox.refused(Post, "/v1/invoices", &[invoice[0], invoice[1], discount]);
    assert_eq!(status, 400);
    let amount = ("amount", "700");
    let added = [invoice[0], invoice[1], amount, discount];
    assert_eq!(sandbox.refused(Post, "/v1/invoiceitems", &added).0, 400);
    for coupon in [&euros, &half] {
        let kept = sandbox.get(&format!("/v1/coupons/{coupon}"), &[]);
        assert_eq!(kept["times_redeemed"], 0, "what is refused is not redeemed");
    }
    sandbox.post(&path, &[("discounts[0][promotion_code]", &fair)]);
    // With another item it costs enough for the other code as well.
    let with_extra = [("items[0][price]", extra.as_str()), ("discounts[0][promotion_code]", &dear)];
    let after = sandbox.post(&path, &with_extra);
    assert_eq!(after["discounts"].as_array().unwrap().len(), 1);
}
