//! Setting Stripe up: what is missing is made, what is there is left alone, and a second look finds
//! nothing to do.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::setup::{self, Found};
use tollgate::stripe_api::Stripe;
use tollgate_sandbox::server::{Options, Sandbox};

const PLANS: &str = r#"
    [plans.pro]
    title = "Pro"
    prices = { monthly = "pro_monthly", yearly = "pro_yearly" }
    amounts = { monthly = 2900, yearly = 29000 }
    currency = "eur"

    [plans.lifetime]
    prices = { once = "lifetime_once" }
    amounts = { once = 49900 }
    currency = "eur"
"#;

struct Account {
    sandbox: Sandbox,
    config: Config,
    stripe: Stripe,
}

impl Account {
    async fn new(plans: &str) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        let config = Self::config(&sandbox, plans);
        let stripe = Stripe::new(&config).expect("there is a key");
        Self { sandbox, config, stripe }
    }

    fn config(sandbox: &Sandbox, plans: &str) -> Config {
        let dir = tempfile::tempdir().expect("a directory can be made");
        std::fs::write(dir.path().join("tollgate.toml"), plans).expect("it can be written");
        let url = sandbox.url();
        let variables = [
            ("STRIPE_SECRET_KEY", "sk_test_the_key_of_the_tests"),
            ("STRIPE_API_BASE", url.as_str()),
            ("TOLLGATE_PUBLIC_URL", "https://billing.example"),
        ];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::load(None, dir.path(), &variables).expect("the settings are right")
    }

    async fn look(&self) -> Found {
        setup::look(&self.stripe, &self.config).await.expect("Stripe answers")
    }

    /// Takes all steps; returns the secrets that were told.
    async fn set_up(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        // The portal waits for the prices.
        for _ in 0..2 {
            for step in self.look().await.steps {
                let told = setup::take(&self.stripe, &Clock::system(), &step).await;
                secrets.extend(told.expect("Stripe does it"));
            }
        }
        secrets
    }

    async fn get(&self, path: &str) -> Value {
        self.stripe.get(path, &json!({})).await.expect("Stripe answers").object
    }
}

#[tokio::test]
async fn what_is_missing_is_made_once() {
    let account = Account::new(PLANS).await;
    let steps: Vec<String> = account.look().await.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps.len(), 7, "{steps:#?}");
    let secrets = account.set_up().await;
    assert!(secrets.len() == 1 && secrets[0].starts_with("whsec_"));
    let found = account.look().await;
    assert!(found.steps.is_empty() && found.right.len() == 5, "{found:#?}");
    assert_eq!(account.set_up().await, Vec::<String>::new());

    let endpoints = account.get("/v1/webhook_endpoints").await;
    let endpoint = &endpoints["data"][0];
    assert_eq!(endpoint["url"], "https://billing.example/stripe/webhook");
    assert_eq!(endpoint["api_version"], "2026-10-28.endive");
    let prices = account.get("/v1/prices").await["data"].clone();
    let yearly = prices.as_array().expect("it is a list").iter();
    let yearly =
        yearly.into_iter().find(|it| it["lookup_key"] == "pro_yearly").expect("it is there");
    assert_eq!((&yearly["unit_amount"], &yearly["currency"]), (&json!(29000), &json!("eur")));
    assert_eq!(yearly["recurring"]["interval"], "year");
    assert_eq!(account.get("/v1/products/tollgate_pro").await["name"], "Pro");
    let portal = setup::portal::ours(&account.stripe).await.expect("Stripe answers");
    let offered = portal.expect("it was made")["features"]["subscription_update"].clone();
    assert_eq!(offered["products"][0]["prices"].as_array().map(Vec::len), Some(2), "{offered}");
    account.sandbox.stop().await;
}

#[tokio::test]
async fn what_was_changed_is_set_right() {
    let account = Account::new(PLANS).await;
    account.set_up().await;
    let endpoints = account.get("/v1/webhook_endpoints").await;
    let path = format!(
        "/v1/webhook_endpoints/{}",
        endpoints["data"][0]["id"].as_str().expect("it has an id")
    );
    let less = json!({ "enabled_events": ["invoice.paid", "account.updated"], "disabled": true });
    account.stripe.post(&path, &less, "less").await.expect("Stripe does it");
    let found = account.look().await;
    assert_eq!(found.steps.len(), 2, "{found:#?}");
    account.set_up().await;
    assert!(account.look().await.steps.is_empty());
    let endpoint = account.get(&path).await;
    assert_eq!(endpoint["status"], "enabled");
    account.sandbox.stop().await;
}

#[tokio::test]
async fn what_only_the_operator_can_do_is_told() {
    let mut account = Account::new(PLANS).await;
    account.set_up().await;
    let dearer = PLANS.replace("2900,", "3900,").replace("lifetime_once", "price_none");
    account.config = Account::config(&account.sandbox, &dearer);
    let found = account.look().await;
    assert_eq!(found.steps.len(), 2, "{found:#?}");
    assert!(found.steps.iter().all(|it| !it.can_be_taken()));
    let without = "[plans.pro]\nprices = { monthly = \"other\" }";
    account.config = Account::config(&account.sandbox, without);
    let found = account.look().await;
    assert!(found.steps.len() == 1 && !found.steps[0].can_be_taken(), "{found:#?}");
    account.sandbox.stop().await;
}

/// A machine may be faster than its clock: no two calls may share a key.
#[tokio::test]
async fn steps_of_one_moment_are_calls_of_their_own() {
    let account = Account::new(PLANS).await;
    let clock = Clock::manual(1_795_348_800_000);
    for step in account.look().await.steps {
        setup::take(&account.stripe, &clock, &step).await.expect("Stripe does it");
    }
    assert_eq!(account.get("/v1/products").await["data"].as_array().map(Vec::len), Some(2));
    account.sandbox.stop().await;
}

#[tokio::test]
async fn a_lookup_key_of_an_archived_price_goes_to_a_new_one() {
    let account = Account::new(PLANS).await;
    account.set_up().await;
    let prices = account.get("/v1/prices?lookup_keys[0]=pro_monthly").await;
    let old = prices["data"][0]["id"].as_str().expect("it has an id").to_owned();
    let path = format!("/v1/prices/{old}");
    account.stripe.post(&path, &json!({ "active": false }), "end").await.expect("Stripe does it");
    account.set_up().await;
    assert!(account.look().await.steps.is_empty());
    let prices = account.get("/v1/prices?lookup_keys[0]=pro_monthly").await;
    assert_eq!(prices["data"].as_array().map(Vec::len), Some(1));
    assert!(prices["data"][0]["id"] != *old && prices["data"][0]["product"] == "tollgate_pro");
    account.sandbox.stop().await;
}

/// Whoever made the endpoint by hand, on another of our paths, gets no second one.
#[tokio::test]
async fn an_endpoint_on_another_path_of_ours_is_left_where_it_is() {
    let account = Account::new(PLANS).await;
    let url = "https://billing.example/api/webhooks/stripe/";
    let params = json!({ "url": url, "enabled_events": ["invoice.paid"] });
    account.stripe.post("/v1/webhook_endpoints", &params, "by hand").await.expect("it is made");
    account.set_up().await;
    let endpoints = account.get("/v1/webhook_endpoints").await["data"].clone();
    assert_eq!(endpoints.as_array().map(Vec::len), Some(1));
    assert_eq!(endpoints[0]["enabled_events"], json!(setup::events()));
    account.sandbox.stop().await;
}
