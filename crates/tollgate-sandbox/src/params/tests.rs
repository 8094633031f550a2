//! What is taken, what is refused and how: the tables `refused.txt`, `taken.txt` and `legacy.txt`
//! beside this file, one call a line, with forms as the libraries send them.

use serde_json::{Value, json};
use tollgate_stripe::form;
use tollgate_stripe::version::{ApiVersion, PINNED};

use super::{Params, check, endpoints};
use crate::error::StripeError;

/// The rows of a table.
fn rows<const COLUMNS: usize>(table: &str) -> Vec<[&str; COLUMNS]> {
    let cells = |line| -> [&str; COLUMNS] {
        let cells: Vec<&str> = str::split(line, " | ").collect();
        cells.try_into().unwrap_or_else(|_| panic!("{line}"))
    };
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(cells).collect()
}

/// Checks a form as a call of this version, or of none.
fn send(endpoint: &str, body: &str, version: &str) -> Result<Params, StripeError> {
    let version: Option<ApiVersion> = (!version.is_empty()).then(|| version.parse().unwrap());
    let body = if body == "(none)" { "" } else { body };
    check(endpoint, form::decode(body).unwrap(), version.as_ref())
}

fn assert_taken(endpoint: &str, body: &str, version: &str, expected: &str) {
    let expected: Value = serde_json::from_str(expected).unwrap();
    match send(endpoint, body, version) {
        Ok(params) => assert_eq!(params.into_value(), expected, "{endpoint} {body} {version}"),
        Err(error) => panic!("{endpoint} {body} {version}: {}", error.text("message")),
    }
}

fn assert_refused(endpoint: &str, body: &str, version: &str, code: &str, param: &str) -> String {
    let Err(error) = send(endpoint, body, version) else { panic!("taken: {endpoint} {body}") };
    let code = if code == "-" { "" } else { code };
    let seen = (error.http_status(), error.text("type"), error.text("code"), error.text("param"));
    assert_eq!(seen, (400, "invalid_request_error", code, param), "{endpoint} {body} {version}");
    error.text("message").to_owned()
}

#[test]
fn wrong_calls_are_refused_as_stripe_refuses_them() {
    let table = rows(include_str!("refused.txt"));
    assert!(table.len() > 90);
    for [endpoint, body, code, param, says] in table {
        let message = assert_refused(endpoint, body, PINNED, code, param);
        assert!(message.contains(says), "{endpoint} {body}: {message}");
    }
}

#[test]
fn texts_become_the_types_of_their_parameters() {
    for [endpoint, body, expected] in rows(include_str!("taken.txt")) {
        assert_taken(endpoint, body, PINNED, expected);
    }
}

/// The official CLI sends no version and old names; handlers see the newer ones.
#[test]
fn old_names_are_taken_until_the_version_that_dropped_them() {
    for [last, next, endpoint, body, expected, code, param] in rows(include_str!("legacy.txt")) {
        assert_taken(endpoint, body, "", expected);
        assert_taken(endpoint, body, last, expected);
        assert_refused(endpoint, body, next, code, param);
        assert_refused(endpoint, body, PINNED, code, param);
    }
}

#[test]
fn old_names_are_checked_as_new_ones_are() {
    let refused = |endpoint: &str, body: &str, code: &str, param: &str| {
        assert_refused(endpoint, body, "", code, param);
    };
    refused("POST /v1/customers", "coupon[id]=X", "-", "coupon");
    refused("POST /v1/subscriptions", "tax_percent=x", "-", "tax_percent");
    refused("POST /v1/subscriptions", "coupon[id]=X", "-", "discounts[0][coupon]");
    refused("POST /v1/subscriptions/{id}", "prorate=maybe", "parameter_unknown", "prorate");
}

#[test]
fn too_many_elements_are_refused() {
    let many = |count: usize, one: &str| {
        (0..count).map(|index| one.replace('#', &index.to_string())).collect::<Vec<_>>().join("&")
    };
    let items = |count| send("POST /v1/subscriptions", &many(count, "items[#][price]=p"), PINNED);
    assert!(items(20).is_ok());
    let error = items(21).unwrap_err();
    assert_eq!((error.text("param"), error.http_status()), ("items", 400));
    assert!(error.text("message").contains("at most 20"), "{}", error.text("message"));
    let metadata = |count| send("POST /v1/customers", &many(count, "metadata[k#]=v"), PINNED);
    assert!(metadata(50).is_ok());
    assert_eq!(metadata(51).unwrap_err().text("param"), "metadata");
}

#[test]
fn metadata_has_bounds() {
    let send = |name: usize, value: usize| {
        let metadata = json!({ "é".repeat(name): "é".repeat(value) });
        check("POST /v1/customers", json!({ "metadata": metadata }), None)
    };
    assert!(send(40, 500).is_ok());
    assert_eq!(send(41, 1).unwrap_err().text("param"), "metadata");
    assert!(send(1, 501).unwrap_err().text("param").starts_with("metadata[é]"));
}

#[test]
fn json_bodies_keep_their_types() {
    let endpoint = "POST /v2/core/event_destinations";
    let body = json!({
        "name": "d", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.customer.created"], "webhook_endpoint": { "url": "https://a.test" },
        "metadata": { "n": 1 },
    });
    let params = check(endpoint, body.clone(), None).unwrap();
    assert_eq!(params.sub("webhook_endpoint").unwrap().text("url"), Some("https://a.test"));
    assert_eq!(params.metadata().unwrap().entries["n"].as_deref(), Some("1"));
    let mut wrong = body;
    wrong["enabled_events"] = json!("all");
    assert_eq!(check(endpoint, wrong, None).unwrap_err().text("param"), "enabled_events");
    let typed = json!({ "amount": 5, "currency": "usd", "confirm": false });
    assert_eq!(check("POST /v1/payment_intents", typed.clone(), None).unwrap().into_value(), typed);
    assert_eq!(check("POST /v1/customers", Value::Null, None).unwrap().names().count(), 0);
    assert!(check("POST /v1/customers", json!([1]), None).is_err());
}

#[test]
fn only_a_whole_number_is_an_integer_in_json() {
    for amount in [json!(5.5), json!(true), json!([5]), json!({})] {
        let body = json!({ "amount": amount, "currency": "usd" });
        let error = check("POST /v1/payment_intents", body, None).unwrap_err();
        assert_eq!(error.text("code"), "parameter_invalid_integer");
    }
}

#[test]
fn every_v1_endpoint_takes_expand_and_none_takes_everything() {
    for endpoint in endpoints() {
        let error = check(endpoint, json!({ "no_such_parameter": "1" }), None).unwrap_err();
        assert_eq!(error.text("code"), "parameter_unknown", "{endpoint}");
        match check(endpoint, json!({ "expand": ["a"] }), None) {
            Ok(params) => assert_eq!(params.expand(), ["a"], "{endpoint}"),
            Err(error) if endpoint.contains(" /v1/") => {
                assert_eq!(error.text("code"), "parameter_missing", "{endpoint}");
            }
            Err(error) => assert_eq!(error.text("param"), "expand", "{endpoint}"),
        }
    }
}
