//! Discounts worked out by hand: on items, on whole invoices, inherited from the customer.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use super::world::Sandbox;
use super::{customer, fields, show, step, text};

/// A case: the items with their own coupon, the invoice's coupons, and what comes out.
struct Case {
    items: &'static [(i64, &'static str)],
    whole: &'static [&'static str],
    /// What each line loses, in the order of the items.
    lost: &'static [i64],
    total: i64,
}

/// The coupons are named for what they do.
const COUPONS: [(&str, &str, &str); 6] = [
    ("ten-percent", "percent_off", "10"),
    ("half", "percent_off", "50"),
    ("third", "percent_off", "33.33"),
    ("all", "percent_off", "100"),
    ("five-off", "amount_off", "500"),
    ("hundred-off", "amount_off", "10000"),
];

#[rustfmt::skip]
const CASES: &[Case] = &[
    // 10 % of 20.00.
    Case { items: &[(2_000, "")], whole: &["ten-percent"], lost: &[200], total: 1_800 },
    // 5.00 off 30.00 is divided in proportion, the last line taking what is left.
    Case { items: &[(1_000, ""), (2_000, "")], whole: &["five-off"], lost: &[166, 334], total: 2_500 },
    // 33.33 % of 9.99 is 3.33, a third for each line.
    Case { items: &[(333, ""), (333, ""), (333, "")], whole: &["third"], lost: &[111, 111, 111], total: 666 },
    // 50 % of 9.99 is 4.995, rounded once: 5.00.
    Case { items: &[(333, ""), (333, ""), (333, "")], whole: &["half"], lost: &[166, 167, 167], total: 499 },
    // One after the other: 10 % of 100.00, then 5.00 off; and the other way round.
    Case { items: &[(10_000, "")], whole: &["ten-percent", "five-off"], lost: &[1_500], total: 8_500 },
    Case { items: &[(10_000, "")], whole: &["five-off", "ten-percent"], lost: &[1_450], total: 8_550 },
    // An item's own discount first: 10.00 less 10 %, then half of 9.00 and of 20.00.
    Case { items: &[(1_000, "ten-percent"), (2_000, "")], whole: &["half"], lost: &[550, 1_000], total: 1_450 },
    // A credit is not discounted.
    Case { items: &[(1_000, ""), (-300, "")], whole: &["ten-percent"], lost: &[100, 0], total: 600 },
    // No more is taken off than there is.
    Case { items: &[(1_000, ""), (500, "")], whole: &["hundred-off"], lost: &[1_000, 500], total: 0 },
    Case { items: &[(1_000, "all")], whole: &[], lost: &[1_000], total: 0 },
    Case { items: &[(1_000, "five-off"), (300, "five-off")], whole: &[], lost: &[500, 300], total: 500 },
];

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    for (id, kind, value) in COUPONS {
        let params = [("id", id), (kind, value), ("currency", "usd"), ("duration", "forever")];
        let params = if kind == "percent_off" {
            vec![params[0], params[1], params[3]]
        } else {
            params.into()
        };
        sandbox.post("/v1/coupons", &params);
    }
    sandbox
}

#[test]
fn discounts_come_out_as_worked_by_hand() {
    for (index, case) in CASES.iter().enumerate() {
        let mut sandbox = sandbox();
        let ada = customer(&mut sandbox, "");
        let mut params = vec![("customer", ada.as_str())];
        let names: Vec<String> =
            (0..case.whole.len()).map(|at| format!("discounts[{at}][coupon]")).collect();
        params.extend(names.iter().map(String::as_str).zip(case.whole.iter().copied()));
        let invoice = text(&sandbox.post("/v1/invoices", &params)["id"]);
        for (amount, coupon) in case.items {
            let amount = amount.to_string();
            let mut params = vec![
                ("customer", ada.as_str()),
                ("invoice", &invoice),
                ("amount", &amount),
                ("currency", "usd"),
            ];
            if !coupon.is_empty() {
                params.push(("discounts[0][coupon]", coupon));
            }
            sandbox.post("/v1/invoiceitems", &params);
        }
        let draft = show(&mut sandbox, &invoice);
        let open = step(&mut sandbox, &invoice, "finalize");
        assert_eq!(draft["total"], open["total"], "case {index}");
        check(&open, case, index);
    }
}

fn check(invoice: &Value, case: &Case, index: usize) {
    let sum = |amounts: &Value| -> i64 {
        amounts.as_array().unwrap().iter().map(|one| one["amount"].as_i64().unwrap()).sum()
    };
    let lines = invoice["lines"]["data"].as_array().unwrap();
    let lost: Vec<i64> = lines.iter().map(|line| sum(&line["discount_amounts"])).collect();
    assert_eq!(lost, case.lost, "case {index}");
    assert_eq!(invoice["total"], case.total, "case {index}");
    let all: i64 = case.lost.iter().sum();
    assert_eq!(sum(&invoice["total_discount_amounts"]), all, "case {index}");
    assert_eq!(sum(&invoice["total_pretax_credit_amounts"]), all, "case {index}");
    let items: i64 = case.items.iter().map(|(amount, _)| amount).sum();
    assert_eq!(
        fields(invoice, &["subtotal", "total_excluding_tax"]),
        [json!(items), json!(case.total)],
        "case {index}"
    );
}

/// A discount of the customer counts on each invoice, unless a call says otherwise.
#[test]
fn an_invoice_inherits_its_customers_discount() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "");
    sandbox.post(&format!("/v1/customers/{ada}"), &[("coupon", "ten-percent")]);
    for (more, total) in [
        (&[][..], 1_800),
        (&[("discounts", "")], 2_000),
        (&[("discounts[0][coupon]", "half")], 1_000),
    ] {
        let invoice = super::draft(&mut sandbox, &ada, 2_000, more);
        assert_eq!(show(&mut sandbox, &invoice)["total"], total, "{more:?}");
    }
}

#[test]
fn a_drafts_discounts_can_be_changed_and_what_is_left_alone_is() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "");
    let invoice = super::draft(&mut sandbox, &ada, 2_000, &[]);
    let path = format!("/v1/invoices/{invoice}");
    sandbox.post(&path, &[("discounts[0][coupon]", "half")]);
    let params = [
        ("customer", ada.as_str()),
        ("invoice", &invoice),
        ("amount", "700"),
        ("currency", "usd"),
        ("discountable", "false"),
    ];
    sandbox.post("/v1/invoiceitems", &params);
    let halved = show(&mut sandbox, &invoice);
    assert_eq!(fields(&halved, &["subtotal", "total"]), [json!(2_700), json!(1_700)]);
    assert_eq!(sandbox.post(&path, &[("discounts", "")])["total"], 2_700);
}

/// A coupon for one product takes nothing off the others.
#[test]
fn a_coupon_for_a_product_is_for_that_product() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "");
    let mut prices = Vec::new();
    for name in ["A", "B"] {
        let product = text(&sandbox.post("/v1/products", &[("name", name)])["id"]);
        let params = [("product", product.as_str()), ("currency", "usd"), ("unit_amount", "1000")];
        prices.push((product.clone(), text(&sandbox.post("/v1/prices", &params)["id"])));
    }
    let params = [("id", "a"), ("percent_off", "50"), ("applies_to[products][0]", &prices[0].0)];
    sandbox.post("/v1/coupons", &params);
    for (_, price) in &prices {
        let params = [("customer", ada.as_str()), ("pricing[price]", price)];
        sandbox.post("/v1/invoiceitems", &params);
    }
    let invoice = super::draft(&mut sandbox, &ada, 400, &[("discounts[0][coupon]", "a")]);
    assert_eq!(show(&mut sandbox, &invoice)["total"], 1_900);
}

#[test]
fn a_discount_that_cannot_be_redeemed_leaves_no_trace() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "");
    for (path, more) in [
        ("/v1/invoices", vec![("discounts[0][coupon]", "gone")]),
        ("/v1/invoices", vec![("discounts[0][coupon]", "half"), ("discounts[1][coupon]", "half")]),
        (
            "/v1/invoiceitems",
            vec![("amount", "5"), ("currency", "usd"), ("discounts[0][coupon]", "gone")],
        ),
    ] {
        let mut params = vec![("customer", ada.as_str())];
        params.extend(more);
        sandbox.told();
        let (status, _) = sandbox.refused(Post, path, &params);
        assert_eq!(status, 400, "{params:?}");
        assert_eq!(sandbox.told(), [""; 0], "{params:?}");
    }
    assert_eq!(sandbox.get("/v1/coupons/half", &[])["times_redeemed"], 0);
}
