//! Wrong calls: a table of refusals, none of which may change anything.

use serde_json::Value;
use tollgate_sandbox::Method::{Delete, Get, Post};

use crate::world::Sandbox;
use crate::{ENABLED, NEVER, customer, decline, disputed, pay, text};

/// Makes what the table of wrong calls names.
fn cast(sandbox: &mut Sandbox) -> Vec<(&'static str, String)> {
    let id = |value: Value| text(&value["id"]);
    let ada = customer(sandbox);
    let bob = customer(sandbox);
    let gone = customer(sandbox);
    sandbox.delete(&format!("/v1/customers/{gone}"), &[]);
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let method = id(sandbox.post(attach, &[("customer", &ada)]));
    let other = id(sandbox.post(attach, &[("customer", &bob)]));
    let once = pay(sandbox, "pm_card_visa", &[]);
    let base = [("amount", "2000"), ("currency", "usd")];
    let made = id(sandbox.post("/v1/payment_intents", &base));
    let canceled = id(sandbox.post("/v1/payment_intents", &base));
    sandbox.post(&format!("/v1/payment_intents/{canceled}/cancel"), &[]);
    let held = pay(sandbox, "pm_card_visa", &[("capture_method", "manual")]);
    let processing = pay(sandbox, "pm_usBankAccount_processing", &[]);
    let failed = decline(sandbox, "pm_card_chargeDeclined", &[]);
    let charge = text(&once["latest_charge"]);
    let refund = id(sandbox.post("/v1/refunds", &[("charge", &charge), ("amount", "500")]));
    let setup = id(sandbox.post("/v1/setup_intents", &[]));
    let done = [("payment_method", "pm_card_visa"), ("confirm", "true"), NEVER, ENABLED];
    let done = id(sandbox.post("/v1/setup_intents", &done));
    let (_, closed) = disputed(sandbox, "createDispute");
    sandbox.post(&format!("/v1/disputes/{closed}/close"), &[]);
    let (_, open) = disputed(sandbox, "createDispute");
    vec![
        ("{ada}", ada),
        ("{gone}", gone),
        ("{method}", method),
        ("{other}", other),
        ("{used}", text(&once["payment_method"])),
        ("{made}", made),
        ("{paid}", text(&once["id"])),
        ("{canceled}", canceled),
        ("{held}", text(&held["id"])),
        ("{lone}", text(&held["latest_charge"])),
        ("{processing}", text(&processing["id"])),
        ("{charge}", charge),
        ("{failed}", text(&failed["charge"])),
        ("{refund}", refund),
        ("{setup}", setup),
        ("{done}", done),
        ("{closed}", closed),
        ("{open}", open),
    ]
}

#[test]
fn wrong_calls_are_refused_and_change_nothing() {
    let mut sandbox = Sandbox::new();
    let cast = cast(&mut sandbox);
    sandbox.told();
    let fill =
        |part: &str| cast.iter().fold(part.to_owned(), |part, (name, id)| part.replace(name, id));
    let mut faults = Vec::new();
    let mut rows = 0;
    for line in include_str!("refused.txt").lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        rows += 1;
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let [endpoint, form, status, code, param, message] = parts[..] else {
            panic!("six parts: {line}")
        };
        let (verb, path) = endpoint.split_once(' ').unwrap();
        let method = match verb {
            "GET" => Get,
            "DELETE" => Delete,
            _ => Post,
        };
        let (path, form) = (fill(path), fill(form));
        let params: Vec<(&str, &str)> =
            form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let answer = sandbox.answer(method, &path, &params);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let error = &body["error"];
        let word = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let kind = if answer.status == 402 { "card_error" } else { "invalid_request_error" };
        let found = [answer.status.to_string(), word("code"), word("param"), word("type")];
        let told = sandbox.told();
        if found != [status, code, param, kind] || !word("message").contains(message) {
            faults.push(format!("{line}\n  {found:?} {}", word("message")));
        } else if !told.is_empty() {
            faults.push(format!("{line}\n  told {told:?}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(rows >= 60, "{rows} rows");
}
