//! The customers: what they do, by calls of Stripe's API to the offline Stripe.

use serde_json::{Value, json};
use tollgate_sandbox::{Method, Request, Settings, World};

use crate::history::chance::Chance;
use crate::history::{DAY, START};

/// The plans on sale: name, monthly price in cents, rank.
pub const PLANS: [(&str, i64, i64); 3] =
    [("basic", 500, 10), ("pro", 2_000, 20), ("max", 9_900, 30)];

/// How much events carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// The object.
    Snapshot,
    /// A reference.
    Thin,
}

/// One customer, and the user behind it.
#[derive(Debug, Clone)]
pub struct Person {
    pub user: String,
    pub customer: String,
}

/// The offline Stripe and who buys there.
pub struct Market {
    pub world: World,
    pub people: Vec<Person>,
    /// The price of each plan.
    pub prices: Vec<String>,
    /// What signs deliveries.
    pub secret: String,
    pub payload: Payload,
    told: Vec<String>,
}

impl Market {
    /// Opens a market with three plans and four people, whose deliveries go wrong in every way.
    pub fn open(seed: u64, payload: Payload) -> Self {
        // The market lives longer than Stripe keeps events; what was lost in its first month must
        // still be there to be fetched.
        let settings = Settings { keep_events_secs: 10 * 365 * DAY, ..Settings::default() };
        let mut world = World::with(seed, START, settings);
        let secret = match payload {
            Payload::Snapshot => endpoint(&mut world),
            Payload::Thin => destination(&mut world),
        };
        let prices = PLANS.iter().map(|plan| price(&mut world, plan)).collect();
        let people = (0..4).map(|index| person(&mut world, index)).collect();
        let faults = format!(
            "seed={seed}&duplicate=150&reorder=200&delay=150&drop=100&truncated=30&wrong_secret=30"
        );
        call(&mut world, Method::Post, "/_sandbox/faults", &faults);
        Self { world, people, prices, secret, payload, told: Vec::new() }
    }

    /// Lets one thing happen, and time pass.
    pub fn step(&mut self, chance: &mut Chance) {
        let person = self.people[chance.below(self.people.len())].clone();
        match chance.below(16) {
            0..=3 => self.subscribe(&person, chance),
            4 | 5 => self.switch(&person, chance),
            6 => self.use_card(&person, "pm_card_chargeCustomerFail"),
            7 => self.use_card(&person, "pm_card_visa"),
            8 => self.pay_what_is_open(&person),
            9 => self.cancel(&person, "cancel_at_period_end=true"),
            10 => self.cancel(&person, "cancel_at_period_end=false"),
            11 => self.cancel_now(&person),
            12 => self.refund(&person, chance),
            13 => self.dispute(&person, chance),
            14 => self.check_out(&person, chance),
            _ => {}
        }
        let days = i64::try_from(chance.below(14)).unwrap();
        let seconds = i64::try_from(chance.below(80_000)).unwrap();
        self.world.advance(self.world.now() + days * DAY + seconds);
    }

    /// Calls the API and notes what was done, for whoever reads a failure.
    pub fn call(&mut self, method: Method, path: &str, form: &str) -> Value {
        let answer = call(&mut self.world, method, path, form);
        if method != Method::Get {
            let error = answer["error"]["message"].as_str().unwrap_or_default();
            self.told.push(format!("{} {path} {form} {error}", self.world.now()));
        }
        answer
    }

    /// Returns every object of a list.
    pub fn list(&mut self, path: &str, query: &str) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let after = rows.last().map(|row| format!("&starting_after={}", text(row, "id")));
            let query = format!("limit=100&{query}{}", after.unwrap_or_default());
            let mut page = call(&mut self.world, Method::Get, path, &query);
            let Value::Array(data) = page["data"].take() else { panic!("no list: {page}") };
            rows.extend(data);
            if page["has_more"] != true {
                return rows;
            }
        }
    }

    /// Returns all thin events, oldest first.
    pub fn thin_events(&mut self) -> Vec<Value> {
        let (path, mut query) = ("/v2/core/events", "limit=100".to_owned());
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let mut page = call(&mut self.world, Method::Get, path, &query);
            let Value::Array(data) = page["data"].take() else { panic!("no list: {page}") };
            rows.extend(data);
            let Some(next) = page["next_page_url"].as_str() else { break };
            next.split_once('?').expect("it has parameters").1.clone_into(&mut query);
        }
        rows.reverse();
        rows
    }

    /// Returns what was done, one call a line.
    pub fn told(&self) -> String {
        self.told.join("\n")
    }

    fn living(&mut self, person: &Person) -> Option<Value> {
        let query = format!("customer={}", person.customer);
        self.list("/v1/subscriptions", &query).into_iter().next()
    }

    fn subscribe(&mut self, person: &Person, chance: &mut Chance) {
        let price = self.prices[chance.below(self.prices.len())].clone();
        let trial = if chance.below(4) == 0 { "&trial_period_days=5" } else { "" };
        let behavior = ["allow_incomplete", "default_incomplete", "error_if_incomplete"];
        let behavior = behavior[chance.below(behavior.len())];
        let form = format!(
            "customer={}&items[0][price]={price}&payment_behavior={behavior}{trial}",
            person.customer
        );
        self.call(Method::Post, "/v1/subscriptions", &form);
    }

    fn switch(&mut self, person: &Person, chance: &mut Chance) {
        let Some(subscription) = self.living(person) else { return };
        let price = self.prices[chance.below(self.prices.len())].clone();
        let behavior = ["create_prorations", "always_invoice", "none"][chance.below(3)];
        let item = text(&subscription["items"]["data"][0], "id");
        let form =
            format!("items[0][id]={item}&items[0][price]={price}&proration_behavior={behavior}");
        let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
        self.call(Method::Post, &path, &form);
    }

    fn use_card(&mut self, person: &Person, card: &str) {
        let path = format!("/v1/payment_methods/{card}/attach");
        let method = self.call(Method::Post, &path, &format!("customer={}", person.customer));
        let form = format!("invoice_settings[default_payment_method]={}", text(&method, "id"));
        self.call(Method::Post, &format!("/v1/customers/{}", person.customer), &form);
    }

    fn pay_what_is_open(&mut self, person: &Person) {
        let query = format!("customer={}&status=open", person.customer);
        for invoice in self.list("/v1/invoices", &query) {
            self.call(Method::Post, &format!("/v1/invoices/{}/pay", text(&invoice, "id")), "");
        }
    }

    fn cancel(&mut self, person: &Person, form: &str) {
        if let Some(subscription) = self.living(person) {
            let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
            self.call(Method::Post, &path, form);
        }
    }

    fn cancel_now(&mut self, person: &Person) {
        if let Some(subscription) = self.living(person) {
            let path = format!("/v1/subscriptions/{}", text(&subscription, "id"));
            self.call(Method::Delete, &path, "");
        }
    }

    fn refund(&mut self, person: &Person, chance: &mut Chance) {
        let charges = self.list("/v1/charges", &format!("customer={}", person.customer));
        let Some(charge) = charges.iter().find(|it| it["paid"] == true) else { return };
        let part = if chance.below(3) == 0 { "&amount=100" } else { "" };
        self.call(Method::Post, "/v1/refunds", &format!("charge={}{part}", text(charge, "id")));
    }

    /// The next charge is disputed; a dispute that is open already is lost or won.
    fn dispute(&mut self, person: &Person, chance: &mut Chance) {
        let open = self
            .list("/v1/disputes", "")
            .into_iter()
            .find(|it| matches!(it["status"].as_str(), Some("needs_response" | "under_review")));
        match open {
            None => self.use_card(person, "pm_card_createDispute"),
            Some(dispute) if chance.below(2) == 0 => {
                let path = format!("/v1/disputes/{}/close", text(&dispute, "id"));
                self.call(Method::Post, &path, "");
            }
            Some(dispute) => {
                let path = format!("/v1/disputes/{}", text(&dispute, "id"));
                let form = "evidence[uncategorized_text]=winning_evidence&submit=true";
                self.call(Method::Post, &path, form);
            }
        }
    }

    fn check_out(&mut self, person: &Person, chance: &mut Chance) {
        let price = self.prices[chance.below(self.prices.len())].clone();
        let form = format!(
            "mode=subscription&customer={}&client_reference_id={}&line_items[0][price]={price}\
             &line_items[0][quantity]=1&success_url=http://127.0.0.1/ok",
            person.customer, person.user
        );
        let session = self.call(Method::Post, "/v1/checkout/sessions", &form);
        if chance.below(4) == 0 {
            return;
        }
        let method =
            self.call(Method::Post, "/v1/payment_methods", "type=card&card[token]=tok_visa");
        let path = format!("/v1/payment_pages/{}/confirm", text(&session, "id"));
        self.call(Method::Post, &path, &format!("payment_method={}", text(&method, "id")));
    }
}

/// Returns the secret of an endpoint that takes snapshots.
fn endpoint(world: &mut World) -> String {
    let form = "url=http://127.0.0.1:1/hook&enabled_events[]=*";
    text(&call(world, Method::Post, "/v1/webhook_endpoints", form), "secret")
}

/// Returns the secret of one that takes thin events.
fn destination(world: &mut World) -> String {
    let params = json!({
        "name": "tollgate",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["*"],
        "webhook_endpoint": { "url": "http://127.0.0.1:1/hook" },
        "include": ["webhook_endpoint.signing_secret"],
    });
    let path = "/v2/core/event_destinations";
    let mut request = Request::new(Method::Post, path, params.to_string());
    request.json = true;
    let made: Value = serde_json::from_str(&world.call(&request).body).expect("answers are JSON");
    text(&made["webhook_endpoint"], "signing_secret")
}

fn price(world: &mut World, (name, amount, _): &(&str, i64, i64)) -> String {
    let form = format!(
        "currency=usd&unit_amount={amount}&recurring[interval]=month&lookup_key={name}\
         &product_data[name]={name}"
    );
    text(&call(world, Method::Post, "/v1/prices", &form), "id")
}

fn person(world: &mut World, index: usize) -> Person {
    let user = format!("user_{index}");
    let form = format!(
        "email=user{index}@example.com&metadata[user_id]={user}&payment_method=pm_card_visa\
         &invoice_settings[default_payment_method]=pm_card_visa"
    );
    let customer = call(world, Method::Post, "/v1/customers", &form);
    Person { user, customer: text(&customer, "id") }
}

fn call(world: &mut World, method: Method, path: &str, form: &str) -> Value {
    let mut request = Request::new(method, path, "");
    match method {
        Method::Post => form.clone_into(&mut request.body),
        _ => form.clone_into(&mut request.query),
    }
    serde_json::from_str(&world.call(&request).body).expect("answers are JSON")
}

/// Returns a text of an object, which must be there.
pub fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no {name}: {object}")).to_owned()
}
