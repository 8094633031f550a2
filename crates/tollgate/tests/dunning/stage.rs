//! One shop with one customer on the offline Stripe, and Tollgate beside it: what happens there
//! is delivered twice and in any order, and the mails that this makes are kept with the day on
//! which they went out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tollgate::clock::Clock;
use tollgate::config::Config;
use tollgate::deliver::Worker;
use tollgate::deliver::destinations;
use tollgate::deliver::mailbox::{Arrived, Mailbox};
use tollgate::receive::{self, Input, Outcome, Purpose, Receiver, Writers, retry};
use tollgate::rules::policy::Rulebook;
use tollgate::store::Db;
use tollgate::webhook;
use tollgate_sandbox::{Method, Request, Settings, World};

use crate::databases::Fresh;
use crate::history::chance::Chance;
use crate::history::{DAY, START};
use crate::strangers::SECRET;

/// Where the offline Stripe has its pages.
const STRIPE: &str = "http://127.0.0.1:4243";
/// At this time of each day it is looked at what happened: an invoice is a draft for an hour.
const LOOKED_AT: i64 = 2 * 3_600;
/// So many events at most come at once.
const AT_ONCE: usize = 5;
/// Mails wait for what comes a moment later: how long between looks, and how often.
const MOMENT: Duration = Duration::from_secs(5);
const MOMENTS: usize = 6;

/// How letters are told apart: by what stands in the subject.
const SUBJECTS: [(&str, &str); 10] = [
    ("Welcome to", "welcome"),
    ("Your receipt from", "receipt"),
    (" renews on ", "renewal_upcoming"),
    ("Last notice: ", "payment_failed.last"),
    ("did not go through", "payment_failed.first"),
    ("Please pay", "payment_failed.further"),
    ("is still open", "payment_failed.further"),
    ("Please confirm your payment", "action_required"),
    ("went through", "payment_recovered"),
    ("What could we have done better", "survey"),
];

/// What is set: at Stripe, and here for who is past due.
#[derive(Clone, Debug)]
pub struct Rules {
    pub settings: Settings,
    pub past_due: &'static str,
    /// Where the app hears of it: `host:port`.
    pub app: Option<String>,
}

/// The shop, its customer and who writes to them.
pub struct Stage {
    pub world: Box<World>,
    pub customer: String,
    pub subscription: String,
    /// Events come as much as a day late.
    pub late: bool,
    /// Nobody writes mails.
    pub silent: bool,
    pub seed: u64,
    day: i64,
    chance: Chance,
    clock: Clock,
    db: Db,
    door: Option<(Receiver, Writers)>,
    workers: Vec<Worker>,
    mailbox: Arc<Mailbox>,
    read: usize,
    held: Vec<String>,
    heard: Vec<String>,
}

impl Stage {
    /// Opens the shop, and sells a month to its customer.
    pub async fn open(fresh: &Fresh, seed: u64, rules: &Rules) -> Self {
        let settings = Settings {
            keep_events_secs: 10 * 365 * DAY,
            public_url: STRIPE.to_owned(),
            ..rules.settings.clone()
        };
        let mut world = Box::new(World::with(seed, START, settings));
        let price =
            "currency=usd&unit_amount=2000&recurring[interval]=month&product_data[name]=Pro";
        let price = text(&call(&mut world, Method::Post, "/v1/prices", price), "id");
        let form = "email=ada@example.com&name=Ada&payment_method=pm_card_visa\
                    &invoice_settings[default_payment_method]=pm_card_visa";
        let customer = text(&call(&mut world, Method::Post, "/v1/customers", form), "id");
        let config = config(&price, rules);
        let rulebook =
            Rulebook { routes: destinations::routes(&config), ..config.rulebook.clone() };
        let clock = Clock::manual(START * 1000);
        let (mailbox, db) = (Arc::<Mailbox>::default(), fresh.node().await);
        let nodes = [db.clone(), fresh.node().await];
        let workers = nodes.iter().flat_map(|it| workers(it, &clock, &config, &mailbox)).collect();
        let door = Some(receive::open(&db, &Arc::new(rulebook), &clock));
        let form = format!("customer={customer}&items[0][price]={price}&metadata[user_id]=user_1");
        let sold = call(&mut world, Method::Post, "/v1/subscriptions", &form);
        let subscription = text(&sold, "id");
        let (chance, day) = (Chance::new(seed), -1);
        let (read, held, heard) = (0, Vec::new(), Vec::new());
        let (late, silent) = (false, false);
        let mut stage = Self {
            world,
            customer,
            subscription,
            late,
            silent,
            seed,
            day,
            chance,
            clock,
            db,
            door,
            workers,
            mailbox,
            read,
            held,
            heard,
        };
        stage.until(0).await;
        stage
    }

    /// Lets the days pass, this one included; on each it is delivered and written.
    pub async fn until(&mut self, day: i64) {
        while self.day < day {
            self.day += 1;
            self.world.advance(START + self.day * DAY + LOOKED_AT);
            self.hear().await;
            self.write().await;
        }
    }

    /// The customer's card from now on.
    pub fn use_card(&mut self, card: &str) {
        let path = format!("/v1/payment_methods/{card}/attach");
        let method = self.call(&path, &format!("customer={}", self.customer));
        let form = format!("invoice_settings[default_payment_method]={}", text(&method, "id"));
        self.call(&format!("/v1/customers/{}", self.customer), &form);
    }

    /// Lets the customer's cards fail, whichever they are, or work again.
    pub fn let_cards_fail(&mut self, fail: bool) {
        self.call("/_sandbox/cards", &format!("fail={fail}&customer={}", self.customer));
    }

    /// The latest invoice of the subscription.
    pub fn invoice(&mut self) -> String {
        let path = format!("/v1/subscriptions/{}", self.subscription);
        text(&call(&mut self.world, Method::Get, &path, ""), "latest_invoice")
    }

    /// The customer pays the latest invoice on its page, with a card that works.
    pub fn pay_on_the_page(&mut self) {
        let path = format!("/_pages/invoice/{}/pay", self.invoice());
        let form = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034\
                    &card[cvc]=123&name=Ada";
        let answer = self.call(&path, form);
        assert_eq!(answer["status"], "complete", "{answer}");
    }

    /// The customer confirms at their bank what waits for it.
    pub fn confirm_at_the_bank(&mut self) {
        let query = format!("customer={}", self.customer);
        let all = call(&mut self.world, Method::Get, "/v1/payment_intents", &query);
        let waits = |it: &&Value| it["status"] == "requires_action";
        let intent = all["data"].as_array().and_then(|it| it.iter().find(waits));
        let intent = text(intent.expect("a payment waits"), "id");
        self.call(&format!("/_sandbox/authenticate/{intent}"), "outcome=complete");
    }

    /// The customer ends the subscription at once.
    pub fn cancel(&mut self) {
        let path = format!("/v1/subscriptions/{}", self.subscription);
        call(&mut self.world, Method::Delete, &path, "");
    }

    /// Calls the API, which must do it.
    pub fn call(&mut self, path: &str, form: &str) -> Value {
        call(&mut self.world, Method::Post, path, form)
    }

    /// Delivers what happened since, in any order and some of it twice, and looks for mails
    /// between any two deliveries.
    pub async fn hear(&mut self) {
        let behind = self.world.now() - self.clock.now();
        self.clock.advance(Duration::from_secs(behind.max(0).unsigned_abs()));
        let mut waiting = std::mem::take(&mut self.held);
        let new = self.world.kept_events(self.read);
        self.read += new.len();
        for event in new.iter().map(Value::to_string) {
            let waits = self.late && self.chance.below(5) == 0;
            if waits { &mut self.held } else { &mut waiting }.push(event);
        }
        let order = self.chance.deliveries(waiting.len());
        let mut bodies: Vec<String> = order.into_iter().map(|it| waiting[it].clone()).collect();
        // Somewhere between them comes something that was heard long ago.
        for _ in 0..self.chance.below(3).min(self.heard.len()) {
            let again = self.heard[self.chance.below(self.heard.len())].clone();
            let place = self.chance.below(bodies.len() + 1);
            bodies.insert(place, again);
        }
        let mut chance = self.chance.clone();
        for batch in chance.batches(&bodies, AT_ONCE) {
            join_all(batch.iter().map(|it| self.submit(it))).await;
            self.work().await;
        }
        self.chance = chance;
        self.heard.extend(waiting);
    }

    /// What time alone changes, and mails until none is due, a moment after the other.
    pub async fn write(&mut self) {
        let now = self.clock.now();
        let (receiver, _) = self.door.as_ref().expect("it is open");
        while retry::due_step(&self.db, receiver, now).await.unwrap() > 0 {}
        for _ in 0..MOMENTS {
            self.work().await;
            self.clock.advance(MOMENT);
        }
    }

    /// Both nodes work at the same time, until there is nothing to do now.
    async fn work(&mut self) {
        while !self.silent {
            let steps = join_all(self.workers.iter_mut().map(Worker::step)).await;
            if steps.into_iter().all(|it| it.unwrap() == 0) {
                return;
            }
        }
    }

    async fn submit(&self, body: &str) {
        let incoming = webhook::read(body.as_bytes()).expect("the sandbox sends events");
        let input = Input::event(incoming, body.as_bytes(), Purpose::Delivery);
        let (receiver, _) = self.door.as_ref().expect("it is open");
        let outcome = receiver.submit(input).await.expect("the database is there");
        assert!(!matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    }

    /// Returns the mails in the order in which they went out; those of one moment by name.
    pub fn mails(&self) -> Vec<(String, Arrived)> {
        let mut all: Vec<Arrived> = self.mailbox.all();
        all.sort_by_cached_key(|it| (it.at, name(&it.mail.subject).to_owned()));
        let days = all.into_iter().map(|it| {
            let day = (it.at - START).div_euclid(DAY);
            (format!("{day} {}", name(&it.mail.subject)), it)
        });
        days.collect()
    }

    /// Closes the shop and returns its mails, none of which went out twice.
    pub async fn end(mut self) -> Vec<(String, Arrived)> {
        let (receiver, writers) = self.door.take().expect("it is open");
        drop(receiver);
        writers.finish().await;
        let mails = self.mails();
        let ids: BTreeSet<&str> = mails.iter().map(|(_, it)| it.mail.message_id.as_str()).collect();
        assert_eq!(ids.len(), mails.len(), "seed {}: {mails:?}", self.seed);
        assert!(mails.iter().all(|(_, it)| it.mail.to == "ada@example.com"));
        mails
    }
}

/// Workers of all that is configured, on one node.
fn workers(db: &Db, clock: &Clock, config: &Config, mailbox: &Arc<Mailbox>) -> Vec<Worker> {
    let all = destinations::all(config, None, Some(mailbox)).expect("it can work");
    all.into_iter().map(|it| Worker::new(it, db, clock)).collect()
}

fn config(price: &str, rules: &Rules) -> Config {
    let past_due = rules.past_due;
    let app = rules.app.as_ref().map(|it| {
        format!("[[notify]]\nurl = \"http://{it}/\"\nsecret = {SECRET:?}\ntypes = [\"*\"]\n")
    });
    let app = app.unwrap_or_default();
    let toml = format!(
        "[brand]\nname = \"Example\"\napp_url = \"https://app.example.com\"\n\
         [plans.pro]\ntitle = \"Pro\"\nrank = 10\nprices = {{ monthly = \"{price}\" }}\n\
         [access]\npast_due = \"{past_due}\"\n\
         [mail]\nfrom = \"Example <billing@example.com>\"\n\
         survey_url = \"https://app.example.com/why\"\n{app}"
    );
    let dir = tempfile::tempdir().expect("a directory can be made");
    std::fs::write(dir.path().join("tollgate.toml"), toml).expect("the file can be written");
    let environment = BTreeMap::from([("STRIPE_API_BASE".to_owned(), STRIPE.to_owned())]);
    Config::load(None, dir.path(), &environment).unwrap_or_else(|it| panic!("{it}"))
}

fn name(subject: &str) -> &str {
    if subject.starts_with("Your access to") && subject.ends_with("has ended") {
        return "access_ended";
    }
    let known = SUBJECTS.iter().find(|(part, _)| subject.contains(part));
    known.map_or(subject, |(_, name)| name)
}

fn call(world: &mut World, method: Method, path: &str, form: &str) -> Value {
    let mut request = Request::new(method, path, "");
    match method {
        Method::Post => form.clone_into(&mut request.body),
        _ => form.clone_into(&mut request.query),
    }
    let answer: Value = serde_json::from_str(&world.call(&request).body).expect("it is JSON");
    assert!(answer["error"].is_null(), "{path} {form}: {answer}");
    answer
}

fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_else(|| panic!("no {name}: {object}")).to_owned()
}
