//! Wrong calls: the table `refused-catalog.txt`.

use serde_json::Value;
use tollgate_sandbox::Method;

use crate::world::{DAY, START, Sandbox};
use crate::{coupon, monthly, payer, product, subscribe, text};

/// Makes what the table refers to, by name.
fn objects(sandbox: &mut Sandbox) -> Vec<(&'static str, String)> {
    let customer = payer(sandbox);
    let product = product(sandbox, "Pro");
    let price = monthly(sandbox, &product, 1_000);
    sandbox.post(
        &format!("/v1/prices/{price}"),
        &[("lookup_key", "taken"), ("tax_behavior", "exclusive")],
    );
    let other = text(&sandbox.post("/v1/products", &[("name", "Other"), ("id", "other")])["id"]);
    let others = monthly(sandbox, &other, 500);
    let default = monthly(sandbox, &other, 600);
    sandbox.post("/v1/products/other", &[("default_price", &default)]);
    let off = [
        ("product", product.as_str()),
        ("currency", "usd"),
        ("unit_amount", "5"),
        ("active", "false"),
    ];
    let off = text(&sandbox.post("/v1/prices", &off)["id"]);
    let later = (START + 9 * DAY).to_string();
    let terms =
        [("id", "HALF"), ("percent_off", "50"), ("max_redemptions", "3"), ("redeem_by", &later)];
    let half = coupon(sandbox, &terms);
    let spent = coupon(sandbox, &[("id", "SPENT"), ("percent_off", "5"), ("max_redemptions", "1")]);
    sandbox.post(&format!("/v1/customers/{customer}"), &[("coupon", &spent)]);
    let code = [("promotion[type]", "coupon"), ("promotion[coupon]", "HALF"), ("code", "WORD")];
    let code = text(&sandbox.post("/v1/promotion_codes", &code)["id"]);
    let idle = [("promotion[type]", "coupon"), ("promotion[coupon]", "HALF"), ("active", "false")];
    let idle = text(&sandbox.post("/v1/promotion_codes", &idle)["id"]);
    let feature = [("lookup_key", "export"), ("name", "Export")];
    let feature = text(&sandbox.post("/v1/entitlements/features", &feature)["id"]);
    let old = text(
        &sandbox.post("/v1/entitlements/features", &[("lookup_key", "old"), ("name", "Old")])["id"],
    );
    sandbox.post(&format!("/v1/entitlements/features/{old}"), &[("active", "false")]);
    let given = format!("/v1/products/{product}/features");
    let given = text(&sandbox.post(&given, &[("entitlement_feature", &feature)])["id"]);
    let clock = [("frozen_time", "1577836800")];
    let clock = text(&sandbox.post("/v1/test_helpers/test_clocks", &clock)["id"]);
    let timed = text(&sandbox.post("/v1/customers", &[("test_clock", &clock)])["id"]);
    let subscriber = payer(sandbox);
    let made = subscribe(sandbox, &subscriber, &price, &[]);
    vec![
        ("customer", customer),
        ("product", product),
        ("price", price),
        ("others", others),
        ("off", off),
        ("default", default),
        ("half", half),
        ("code", code),
        ("idle", idle),
        ("feature", feature),
        ("old", old),
        ("given", given),
        ("clock", clock),
        ("timed", timed),
        ("subscriber", subscriber),
        ("subscription", text(&made["id"])),
        ("past", START.to_string()),
        ("late", (START + 10 * DAY).to_string()),
        ("decade", (START + 3_660 * DAY).to_string()),
        ("long", "x".repeat(501)),
    ]
}

#[test]
fn wrong_calls_are_refused_and_leave_no_trace() {
    let mut sandbox = Sandbox::new();
    let objects = objects(&mut sandbox);
    let fill = |text: &str| {
        objects
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    };
    sandbox.told();
    let (mut rows, mut faults) = (0, Vec::new());
    let table = include_str!("../refused-catalog.txt");
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
        let (path, form) = (fill(path), fill(form));
        let params: Vec<(&str, &str)> =
            form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let answer = sandbox.answer(method, &path, &params);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let word = |name: &str| body["error"][name].as_str().unwrap_or("-").to_owned();
        let found = [answer.status.to_string(), word("code"), word("param"), word("type")];
        let told = sandbox.told();
        if found != [status, code, param, "invalid_request_error"]
            || !word("message").contains(says)
        {
            faults.push(format!("{line}\n  {found:?} {}", word("message")));
        } else if !told.is_empty() {
            faults.push(format!("{line}\n  told {told:?}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(rows >= 90, "{rows} rows");
}
