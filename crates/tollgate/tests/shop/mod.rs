//! A server and the offline Stripe beside it, for tests that sell. No webhook comes by itself: a
//! test delivers the events when it wants them.

pub mod ada;
mod relay;
mod token;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::serve::Server;
use tollgate_sandbox::server::{Options, Sandbox};
use tollgate_stripe::{form, signature};

pub use relay::Relay;

pub const KEY: &str = "the-key-of-the-tests-app";
pub const TOKEN_SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";
const WEBHOOK_SECRET: &str = "whsec_the_one_of_the_tests";
/// What is for sale, unless a test wants other things.
pub const PLANS: &str = r#"
    [plans.pro]
    rank = 20
    prices = { monthly = "pro_monthly", yearly = "pro_yearly" }
    trial_days = 14

    [plans.basic]
    rank = 10
    prices = { monthly = "basic_monthly" }

    [plans.lifetime]
    rank = 30
    prices = { once = "lifetime_once" }
"#;

/// The offline Stripe and one or more servers.
pub struct Shop {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub http: Client,
    servers: Vec<Server>,
    dir: tempfile::TempDir,
    database: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    pub body: Value,
}

impl Shop {
    /// Opens a shop with one server on this database, or on SQLite.
    pub async fn open(database: Option<&str>) -> Self {
        Self::selling(database, PLANS).await
    }

    /// As [`Shop::open`], with these plans.
    pub async fn selling(database: Option<&str>, plans: &str) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        let clock = Clock::ahead(sandbox.ahead());
        let dir = tempfile::tempdir().expect("a directory can be made");
        std::fs::write(dir.path().join("tollgate.toml"), plans).expect("it can be written");
        let own = format!("sqlite://{}", dir.path().join("tollgate.db").display());
        let database = database.map_or(own, str::to_owned);
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.build().expect("a client can be built");
        let mut shop = Self { sandbox, clock, http, servers: Vec::new(), dir, database };
        shop.stock().await;
        let url = shop.sandbox.url();
        shop.add_server(&url).await;
        shop
    }

    /// Starts one more server on the same database, with another way to Stripe; returns its index.
    pub async fn add_server(&mut self, stripe: &str) -> usize {
        let variables = [
            ("DATABASE_URL", self.database.as_str()),
            ("STRIPE_API_BASE", stripe),
            ("STRIPE_SECRET_KEY", "sk_test_the_key_of_the_tests"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_test_the_key_of_the_tests"),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("TOLLGATE_API_KEY", KEY),
            ("TOLLGATE_USER_TOKEN_SECRET", TOKEN_SECRET),
            ("TOLLGATE_PUBLIC_URL", "https://billing.example"),
            ("TOLLGATE_LISTEN", "127.0.0.1:0"),
            ("TOLLGATE_ORIGINS", "https://app.example,http://localhost:3000"),
            ("STRIPE_CANCEL_URL", "{origin}/pricing"),
        ];
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = Config::load(None, self.dir.path(), &variables).expect("they are right");
        let server = Server::start(&config, &self.clock).await.expect("the server starts");
        self.servers.push(server);
        self.servers.len() - 1
    }

    /// Returns where the first server is.
    pub fn url(&self) -> String {
        self.url_of(0)
    }

    /// Returns where a server is.
    pub fn url_of(&self, server: usize) -> String {
        format!("http://{}", self.servers[server].address())
    }

    pub async fn close(self) {
        for server in self.servers {
            server.stop().await;
        }
        self.sandbox.stop().await;
    }

    async fn stock(&self) {
        for (plan, period, amount) in [
            ("pro", "month", 2900),
            ("pro", "year", 29000),
            ("basic", "month", 900),
            ("lifetime", "", 49900),
        ] {
            let name = match period {
                "month" => "monthly",
                "year" => "yearly",
                _ => "once",
            };
            let mut price = json!({
                "currency": "usd", "unit_amount": amount, "lookup_key": format!("{plan}_{name}"),
                "product_data": { "name": plan },
            });
            if !period.is_empty() {
                price["recurring"] = json!({ "interval": period });
            }
            self.stripe(Method::POST, "/v1/prices", &price).await;
        }
    }

    /// Calls the offline Stripe; whatever is refused fails the test.
    pub async fn stripe(&self, method: Method, path: &str, params: &Value) -> Value {
        let form = form::encode(params);
        let mut url = format!("{}{path}", self.sandbox.url());
        let is_get = method == Method::GET;
        if is_get && !form.is_empty() {
            url = format!("{url}?{form}");
        }
        let mut request = self.http.request(method, &url).bearer_auth("sk_test_1");
        if !is_get {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form);
        }
        let response = request.send().await.expect("the sandbox answers");
        let (status, body) = (response.status(), response.text().await.expect("it has a body"));
        assert!(status.is_success(), "{url}: {body}");
        serde_json::from_str(&body).expect("it is JSON")
    }

    /// Reads one of the offline Stripe's objects or lists.
    pub async fn find(&self, path: &str) -> Value {
        self.stripe(Method::GET, path, &json!({})).await
    }

    /// Calls a server.
    pub async fn call(
        &self,
        server: usize,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> Reply {
        let url = format!("http://{}{path}", self.servers[server].address());
        let mut request = self.http.request(method, url);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.expect("the server answers");
        let location = response.headers().get("location");
        let location = location.map(|it| it.to_str().expect("it is text").to_owned());
        let status = response.status().as_u16();
        let body = response.text().await.expect("it has a body");
        Reply { status, location, body: serde_json::from_str(&body).unwrap_or_default() }
    }

    /// Calls the first server as the app.
    pub async fn app(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.call(0, method, path, Some(KEY), body).await
    }

    /// Asks for a visit to Checkout as the app.
    pub async fn checkout(&self, body: &Value) -> Reply {
        self.app(Method::POST, "/billing/checkout-session", Some(body)).await
    }

    /// Opens a visit and returns its session.
    pub async fn session(&self, body: &Value) -> Value {
        let reply = self.checkout(body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let id = reply.body["id"].as_str().expect("it has an id");
        self.find(&format!("/v1/checkout/sessions/{id}")).await
    }

    /// Pays a session with a good card, as a person does on Stripe's page.
    pub async fn pay(&self, session: &Value) {
        let card = json!({ "type": "card", "card": { "token": "tok_visa" } });
        let card = self.stripe(Method::POST, "/v1/payment_methods", &card).await;
        let path = format!("/v1/payment_pages/{}/confirm", text(session, "id"));
        let amount = &session["amount_total"];
        let params = json!({ "payment_method": card["id"], "expected_amount": amount });
        self.stripe(Method::POST, &path, &params).await;
    }

    /// Comes back from Checkout as a browser does; returns where it goes on to.
    pub async fn come_back(&self, session: &Value) -> String {
        let path = format!("/billing/return?session_id={}", text(session, "id"));
        let reply = self.call(0, Method::GET, &path, None, None).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{reply:?}");
        reply.location.expect("it leads somewhere")
    }

    pub async fn access(&self, user: &str) -> Value {
        self.app(Method::GET, &format!("/access/{user}"), None).await.body
    }

    /// Delivers every event so far, the newest first.
    pub async fn deliver_all(&self) -> usize {
        let events = self.stripe(Method::GET, "/v1/events", &json!({ "limit": 100 })).await;
        let events = events["data"].as_array().expect("it is a list").clone();
        for event in &events {
            let body = event.to_string();
            let header = signature::header(body.as_bytes(), &[WEBHOOK_SECRET], self.clock.now());
            let url = format!("http://{}/stripe/webhook", self.servers[0].address());
            let sent = self.http.post(url).header("stripe-signature", header).body(body);
            assert_eq!(sent.send().await.expect("it answers").status(), StatusCode::OK);
        }
        events.len()
    }
}

/// Returns a field that must be a text.
pub fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_else(|| panic!("no {field} in {object}"))
}
