//! `tollgate doctor` as an operator runs it: after `setup` and `serve`, and beside `dev`.

use serde_json::{Value, json};
use tollgate_sandbox::server::{Options, Sandbox};
use tollgate_sandbox::{Method, Request};
use tollgate_stripe::form;

use crate::home::{Home, KEY};
use crate::process::Serving;

const PLANS: &str =
    "[plans.pro]\nprices = { monthly = \"m\" }\namounts = { monthly = 900 }\ncurrency = \"usd\"";

fn call(sandbox: &Sandbox, method: Method, path: &str, params: &Value) -> Value {
    let answer = sandbox.call(&Request::new(method, path, form::encode(params)));
    let answer = answer.expect("the sandbox answers");
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("it is JSON")
}

/// Leads the endpoint that `setup` made to where the server came to listen.
fn lead_to(sandbox: &Sandbox, url: &str, params: &Value) {
    let endpoints = call(sandbox, Method::Get, "/v1/webhook_endpoints", &json!({}));
    let id = endpoints["data"][0]["id"].as_str().expect("it was made");
    let mut params = params.clone();
    params["url"] = format!("{url}/stripe/webhook").into();
    call(sandbox, Method::Post, &format!("/v1/webhook_endpoints/{id}"), &params);
}

fn all_is_well_until_it_is_not(mut home: Home) {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    std::fs::write(home.directory().join("tollgate.toml"), PLANS).expect("it can be written");
    home.set("STRIPE_SECRET_KEY", "sk_test_0123456789").set("STRIPE_API_BASE", &sandbox.url());
    home.set("TOLLGATE_ORIGINS", "https://app.example");
    let told = home.run(&["setup"]).code(0).out;
    let (_, secret) = told.split_once("STRIPE_WEBHOOK_SECRET=").expect("it is told");
    let secret = secret.split_whitespace().next().expect("it is told");
    home.set("STRIPE_WEBHOOK_SECRET", secret);
    let serving = home.serve();
    let url = format!("http://{}", serving.address);
    home.set("TOLLGATE_PUBLIC_URL", &url);
    lead_to(&sandbox, &url, &json!({}));

    let well = home.run(&["doctor"]).code(0).out;
    let mut lines: Vec<&str> = well.lines().collect();
    assert_eq!(lines.pop(), Some("All is well."), "{well}");
    lines.retain(|it| !it.is_empty());
    assert!(lines.len() > 15 && lines.iter().all(|it| it.starts_with("✓ ok  ")), "{well}");
    assert!(!well.contains(secret) && !well.contains(KEY), "{well}");
    let report = home.run(&["doctor", "--json"]).code(0).json();
    assert_eq!((&report["verdict"], &report["unreachable"]), (&json!("ok"), &json!(false)));
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(lines.len()), "{report}");

    lead_to(&sandbox, &url, &json!({ "disabled": true }));
    let wrong = home.run(&["doctor"]).code(1).out;
    let fails: Vec<&str> = wrong.lines().filter(|it| !it.starts_with("✓ ok  ")).collect();
    assert!(fails[0].starts_with("✗ fail  endpoint") && fails[0].contains(" → "), "{wrong}");
    assert_eq!(fails[1..], ["", "To mend: 1. To look at: 0."], "{wrong}");
    home.run(&["doctor", "--no-such-option"]).code(2);
    runtime.block_on(sandbox.stop());
    let away = home.run(&["doctor", "--json"]).code(3).json();
    assert_eq!(away["checks"][0]["check"], "key", "{away}");
    serving.stop();
}

#[test]
fn doctor_finds_what_is_wrong_on_sqlite() {
    all_is_well_until_it_is_not(Home::sqlite());
}

#[test]
fn doctor_finds_what_is_wrong_on_postgres() {
    all_is_well_until_it_is_not(Home::postgres());
}

#[test]
fn doctor_finds_nothing_wrong_with_dev() {
    let mut home = Home::empty();
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serving = Serving::start(home.command(&["dev"]));
    let shop = serving.line_after("Or as the sandbox sells:");
    let sandbox = shop.trim_start_matches("http://").trim_end_matches("/shop");
    home.set("TOLLGATE_LISTEN", &serving.address.to_string());
    let well = home.run(&["doctor", "--dev", "--sandbox-listen", sandbox]).code(0).out;
    assert!(well.ends_with("\nAll is well.\n"), "{well}");
    serving.stop();
    let away = home.run(&["doctor", "--dev", "--sandbox-listen", sandbox]).code(3).err;
    assert!(away.contains("tollgate dev"), "{away}");
    home.run(&["doctor", "--database", "x.db"]).code(2);
}
