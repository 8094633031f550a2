//! A server that is set up at the offline Stripe as an operator would do it, so that nothing is
//! wrong with it; then a test spoils one thing, and looks at what is found.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::doctor::{self, Report, Verdict};
use tollgate::serve::Server;
use tollgate::setup;
use tollgate::stripe_api::{Patience, Stripe};
use tollgate_sandbox::server::{Options, Sandbox};

pub const PLANS: &str = r#"
    [plans.pro]
    prices = { monthly = "pro_monthly", yearly = "pro_yearly" }
    amounts = { monthly = 2900, yearly = 29000 }
    currency = "eur"

    [plans.lifetime]
    prices = { once = "lifetime_once" }
    amounts = { once = 49900 }
    currency = "eur"
"#;
const KEY: &str = "sk_test_the_key_of_the_tests";
const APP_KEY: &str = "the-key-of-the-tests-app";
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(10),
    whole: Duration::from_secs(20),
    pause: Duration::from_millis(1),
    attempts: 2,
    pace: None,
};

/// All of it.
pub struct Clinic {
    pub sandbox: Sandbox,
    pub clock: Clock,
    /// By which the offline Stripe is changed.
    pub stripe: Stripe,
    /// What the running server and the examination are told.
    pub variables: BTreeMap<String, String>,
    pub plans: String,
    server: Option<Server>,
    /// Calls so far: each is meant once.
    calls: AtomicU64,
    dir: tempfile::TempDir,
}

impl Clinic {
    /// Sets all up and starts the server, on this database or on SQLite.
    pub async fn open(database: Option<&str>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        let clock = Clock::ahead(sandbox.ahead());
        let dir = tempfile::tempdir().expect("a directory can be made");
        let own = format!("sqlite://{}", dir.path().join("tollgate.db").display());
        let variables = [
            ("DATABASE_URL", database.unwrap_or(&own)),
            ("STRIPE_API_BASE", &sandbox.url()),
            ("STRIPE_SECRET_KEY", KEY),
            ("TOLLGATE_API_KEY", APP_KEY),
            ("TOLLGATE_LISTEN", "127.0.0.1:0"),
            ("TOLLGATE_ORIGINS", "https://app.example"),
        ];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = load(&dir, PLANS, &variables);
        let stripe = Stripe::new(&config).expect("there is a key");
        let plans = PLANS.to_owned();
        let (server, calls) = (None, AtomicU64::new(0));
        let mut clinic = Self { sandbox, clock, stripe, variables, plans, server, calls, dir };
        let secret = clinic.set_up().await.pop().expect("Stripe tells the secret");
        clinic.set("STRIPE_WEBHOOK_SECRET", &secret);
        let endpoint = clinic.endpoint().await;
        clinic.start().await;
        let url = format!("{}/stripe/webhook", clinic.variables["TOLLGATE_PUBLIC_URL"]);
        clinic.post(&endpoint, json!({ "url": url })).await;
        clinic
    }

    /// Takes all steps of `tollgate setup`; returns the secrets that were told.
    pub async fn set_up(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        // The portal waits for the prices.
        for _ in 0..2 {
            let found = setup::look(&self.stripe, &self.config()).await.expect("Stripe answers");
            for step in found.steps {
                let told = setup::take(&self.stripe, &self.clock, &step).await;
                secrets.extend(told.expect("Stripe does it"));
            }
        }
        secrets
    }

    /// Starts the server with what is set, in the place of the one before.
    pub async fn start(&mut self) {
        if let Some(before) = self.server.take() {
            before.stop().await;
        }
        let server = Server::start(&self.config(), &self.clock).await.expect("it starts");
        let url = format!("http://{}", server.address());
        self.set("TOLLGATE_PUBLIC_URL", &url);
        self.server = Some(server);
    }

    /// Stops the server.
    pub async fn stop(&mut self) {
        self.server.take().expect("it runs").stop().await;
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(name);
        self
    }

    /// Returns what is set.
    pub fn config(&self) -> Config {
        load(&self.dir, &self.plans, &self.variables)
    }

    /// Returns the path of the endpoint's object.
    pub async fn endpoint(&self) -> String {
        let endpoints = self.get("/v1/webhook_endpoints").await;
        format!("/v1/webhook_endpoints/{}", text(&endpoints["data"][0], "id"))
    }

    /// Returns the path of a price's object.
    pub async fn price(&self, lookup_key: &str) -> String {
        let prices = self.get(&format!("/v1/prices?lookup_keys[0]={lookup_key}")).await;
        format!("/v1/prices/{}", text(&prices["data"][0], "id"))
    }

    pub async fn get(&self, path: &str) -> Value {
        self.stripe.get(path, &json!({})).await.expect("Stripe answers").object
    }

    pub async fn post(&self, path: &str, params: Value) -> Value {
        let key = format!("test-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        self.stripe.post(path, &params, &key).await.expect("Stripe does it").object
    }

    /// Moves the clock of all of it.
    pub async fn advance(&self, secs: i64) {
        self.post("/_sandbox/advance", json!({ "seconds": secs })).await;
    }

    /// Looks at everything; no secret may be in what is said, and whatever is wrong has a next step.
    pub async fn examine(&self) -> Report {
        let report = doctor::examine(&self.config(), &self.clock, PATIENCE).await;
        let said = serde_json::to_string(&report).expect("it is JSON");
        for name in ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "TOLLGATE_API_KEY"] {
            let secrets = self.variables.get(name).map_or("", String::as_str);
            let mut secrets = secrets.split(',').filter(|it| !it.is_empty());
            assert!(secrets.all(|it| !said.contains(it)), "{name} is in {said}");
        }
        for it in &report.checks {
            assert_eq!(it.next.is_none(), it.verdict == Verdict::Ok, "{it:?}");
        }
        report
    }

    /// Says whether what is not well is exactly this: checks, with a part of what is said of each.
    pub async fn finds(&self, wanted: &[(&str, Verdict, &str)]) -> Report {
        let report = self.examine().await;
        let wrong: Vec<_> = report.checks.iter().filter(|it| it.verdict != Verdict::Ok).collect();
        assert_eq!(wrong.len(), wanted.len(), "{wrong:#?}");
        for (it, (check, verdict, part)) in wrong.iter().zip(wanted) {
            assert_eq!((it.check, it.verdict), (*check, *verdict), "{it:#?}");
            assert!(it.says.contains(part), "{part:?} is not in {:?}", it.says);
        }
        report
    }

    pub async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
        self.sandbox.stop().await;
    }
}

/// The operator's files, read anew.
fn load(dir: &tempfile::TempDir, plans: &str, variables: &BTreeMap<String, String>) -> Config {
    let file = dir.path().join("tollgate.toml");
    std::fs::write(&file, plans).expect("it can be written");
    Config::load(None, dir.path(), variables).expect("the settings are right")
}

/// Returns a field that must be a text.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("no {field} in {object}"))
}
