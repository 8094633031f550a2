//! `tollgate sandbox`, `listen` and `dev` as a user runs them: a world outlives a power cut, events
//! reach an app that no webhook can reach, and a whole subscription lives and ends offline.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tollgate_stripe::signature;

use crate::client::{Line, Reply};
use crate::home::Home;
use crate::process::Serving;

/// 2027-01-01T00:00:00Z.
const NOW: &str = "1798761600";
const DAY: i64 = 86_400;
/// The key that `tollgate dev` takes where none is configured.
const DEV_KEY: &str = "dev";
/// So often something is looked at until it is as it should be, and how long in between.
const LOOKS_MAX: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// No event takes longer to arrive; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is something to see.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(PAUSE);
    }
    panic!("it never came: {what}")
}

/// A sandbox at an address, as an app and as its pages call it.
struct Stripe(SocketAddr);

impl Stripe {
    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Reply {
        let head = format!("authorization: Bearer sk_test_cli\r\ncontent-type: {kind}\r\n");
        let mut line = Line::open(self.0).expect("the sandbox listens");
        line.call(method, path, &head, body.as_bytes()).expect("the sandbox answers")
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "application/x-www-form-urlencoded", "")
    }

    /// Posts a form, and returns the object.
    fn post(&self, path: &str, form: &str) -> Value {
        let reply = self.ask("POST", path, "application/x-www-form-urlencoded", form);
        assert_eq!(reply.status, 200, "{path} {form}: {reply:?}");
        reply.json()
    }

    /// Posts what a page's script posts.
    fn page(&self, path: &str, body: &str) -> Value {
        let reply = self.ask("POST", path, "application/json", body);
        assert_eq!(reply.status, 200, "{path} {body}: {reply:?}");
        reply.json()
    }
}

/// Some of everything, with a clock that is moved in between.
fn fill(stripe: &Stripe) {
    for event in ["checkout.session.completed", "invoice.paid", "charge.dispute.created"] {
        stripe.post("/_sandbox/trigger", &format!("event={event}&user=ada"));
    }
    stripe.post("/_sandbox/advance", "months=1");
    stripe.post("/v1/webhook_endpoints", "url=http://127.0.0.1:9/none&enabled_events[]=*");
    stripe.post("/_sandbox/trigger", "event=invoice.payment_failed&user=grace");
}

/// All that can be seen of it.
fn seen(stripe: &Stripe) -> Vec<(&'static str, Vec<u8>)> {
    const PATHS: [&str; 8] = [
        "/v1/customers?limit=100",
        "/v1/subscriptions?limit=100&status=all",
        "/v1/invoices?limit=100",
        "/v1/charges?limit=100",
        "/v1/payment_intents?limit=100",
        "/v1/webhook_endpoints",
        "/_sandbox/endpoints",
        "/_sandbox/settings",
    ];
    PATHS.iter().map(|path| (*path, stripe.get(path).body)).collect()
}

/// What is kept is a line a call, written before the call is done: a power cut loses nothing that
/// was answered.
#[test]
fn a_killed_sandbox_comes_back_with_the_same_bytes() {
    let home = Home::empty();
    let first = ["sandbox", "--listen", "127.0.0.1:0", "--file", "world", "--now", NOW];
    let killed = Serving::start(home.command(&first));
    let stripe = Stripe(killed.address);
    fill(&stripe);
    let before = seen(&stripe);
    let customers = stripe.get("/v1/customers").json()["data"].as_array().map(Vec::len);
    assert!(customers.is_some_and(|it| it > 1), "there is something to keep");
    killed.kill();
    killed.ended();

    let address = killed.address.to_string();
    let again = Serving::start(home.command(&["sandbox", "--listen", &address, "--file", "world"]));
    for ((path, before), (_, after)) in before.iter().zip(seen(&stripe)) {
        assert_eq!(String::from_utf8_lossy(before), String::from_utf8_lossy(&after), "{path}");
    }
    // A key that was used answers as it did, and time goes on from where it stood.
    assert!(stripe.get("/_sandbox/state").json()["now"].as_i64() > NOW.parse().ok());
    again.stop();
    // At another address its pages are there.
    let moved = ["sandbox", "--listen", "127.0.0.1:0", "--file", "world"];
    let moved = Serving::start(home.command(&moved));
    let settings = Stripe(moved.address).get("/_sandbox/settings").json();
    assert_eq!(settings["public_url"], format!("http://{}", moved.address));
    moved.stop();
}

/// What an app got: the signature's header and the body.
type Got = (String, Vec<u8>);

/// A tiny app that takes every event.
fn receiver(address: SocketAddr) -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind(address).expect("it can listen");
    let address = listener.local_addr().expect("it listens");
    let (told, got) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Whoever waited may be gone, and then so is this app.
            if receive(stream).is_some_and(|it| told.send(it).is_err()) {
                return;
            }
        }
    });
    (address, got)
}

fn receive(stream: TcpStream) -> Option<Got> {
    let mut stream = BufReader::new(stream);
    let (mut signature, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "stripe-signature" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    stream.get_mut().write_all(answer).ok()?;
    Some((signature, body))
}

/// Takes events until one of a type came; each is signed with the listener's secret.
fn take_until(got: &Receiver<Got>, secret: &str, wanted: &str) -> Vec<String> {
    let mut kinds = Vec::new();
    loop {
        let (header, body) =
            got.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("only {kinds:?}"));
        signature::verify(&body, Some(&header), &[secret], 0, 0).expect("it is signed");
        let event: Value = serde_json::from_slice(&body).expect("it is JSON");
        kinds.push(event["type"].as_str().expect("it has a type").to_owned());
        if event["type"] == wanted {
            return kinds;
        }
    }
}

#[test]
fn listen_forwards_signed_events_and_outlives_the_sandbox() {
    let home = Home::empty();
    let sandbox = ["sandbox", "--listen", "127.0.0.1:0", "--file", "world"];
    let sandbox = Serving::start(home.command(&sandbox));
    let stripe = Stripe(sandbox.address);
    let (app, got) = receiver(SocketAddr::from(([127, 0, 0, 1], 0)));
    let (hook, base) = (format!("http://{app}/hook"), format!("http://{}", sandbox.address));
    let listen = ["listen", "--forward-to", &hook, "--api-base", &base];
    let listening = Serving::begin(home.command(&listen));
    let secret = listening.line_after("signed with");
    let printed = home.run(&["listen", "--print-secret", "--api-base", &base]).code(0).out;
    assert_eq!(printed.trim(), secret, "the secret stays the same for a key");

    stripe.post("/_sandbox/trigger", "event=invoice.paid&user=ada");
    let kinds = take_until(&got, &secret, "invoice.paid");
    assert!(kinds.contains(&"customer.created".to_owned()), "{kinds:?}");
    listening.line_after("invoice.paid");

    let address = sandbox.address.to_string();
    sandbox.kill();
    sandbox.ended();
    let again = Serving::start(home.command(&["sandbox", "--listen", &address, "--file", "world"]));
    stripe.post("/_sandbox/trigger", "event=coupon.created");
    take_until(&got, &secret, "coupon.created");
    listening.stop();
    again.stop();
}

/// A machine on which `tollgate dev` runs.
struct Dev {
    home: Home,
    serving: Serving,
    stripe: Stripe,
    /// The sandbox's address, as commands are given it.
    sandbox: String,
}

impl Dev {
    fn start() -> Self {
        let mut home = Home::empty();
        home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
        Self::on(home)
    }

    fn on(home: Home) -> Self {
        let serving = Serving::start(home.command(&["dev"]));
        let shop = serving.line_after("Or as the sandbox sells:");
        let sandbox = shop.trim_end_matches("/shop").to_owned();
        let address = sandbox.trim_start_matches("http://").parse().expect("it is an address");
        Self { home, serving, stripe: Stripe(address), sandbox }
    }

    /// Waits until the user's access is as it should be.
    fn access(&self, user: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            let access = self.serving.get_as(DEV_KEY, &format!("/access/{user}")).json();
            is(&access).then_some(access)
        })
    }

    /// Chooses a plan on the pricing page and pays with a card on the hosted page.
    fn buys(&self, user: &str, lookup_key: &str, card: &str) {
        let shop = self.stripe.get(&format!("/_sandbox/shop?user={user}")).json();
        let products = shop["products"].as_array().expect("products").iter();
        let mut prices = products.flat_map(|it| it["prices"].as_array().expect("prices"));
        let price = prices.find(|it| it["lookup_key"] == lookup_key).expect("it is for sale");
        let wanted = format!(r#"{{"user":"{user}","price":{}}}"#, price["id"]);
        let session = self.stripe.page("/_sandbox/shop/session", &wanted);
        assert_eq!(session["success_url"], format!("http://{}/", self.serving.address));
        let url = session["url"].as_str().expect("it has a page");
        assert!(url.starts_with(&self.sandbox), "{url}");
        let page = format!("/_pages/checkout/{}", session["id"].as_str().expect("it has an id"));
        let shown = self.stripe.get(&page).json();
        assert_eq!(shown["total"], price["amount"], "{shown}");
        let paid = self.pays(&page, user, card);
        assert_eq!(paid["redirect"], format!("http://{}/", self.serving.address), "{paid}");
    }

    /// Pays at the page of a session.
    fn pays(&self, page: &str, user: &str, card: &str) -> Value {
        let paid = self.stripe.page(
            &format!("{page}/pay"),
            &format!(
                r#"{{"email":"{user}@example.com","name":"{user}","card":{{"number":"{card}","exp_month":12,"exp_year":2040,"cvc":"123"}}}}"#
            ),
        );
        assert_eq!(paid["status"], "complete", "{paid}");
        paid
    }
}

/// The whole story that the page tells: buy, renew, fail, lose it.
#[test]
fn a_subscription_lives_and_ends_offline() {
    let dev = Dev::start();
    let page = dev.serving.get_as(DEV_KEY, "/");
    let text = String::from_utf8_lossy(&page.body).replace("&#x2f;", "/");
    assert!(text.contains(&format!("{}/shop", dev.sandbox)), "the page leads to the plans");
    assert!(page.header("content-security-policy").contains(&dev.sandbox), "and asks the sandbox");

    dev.buys("ada", "pro_monthly", "4242424242424242");
    let access = dev.access("ada", "granted", |it| it["granted"] == true);
    assert_eq!((&access["plan"], &access["status"]), (&"pro".into(), &"active".into()));

    let before = dev.stripe.get("/_sandbox/state").json();
    let after = dev.stripe.post("/_sandbox/advance", "months=1");
    let passed = after["now"].as_i64().expect("a time") - before["now"].as_i64().expect("a time");
    assert!((28 * DAY..32 * DAY).contains(&passed), "{passed}");
    let invoices = "/v1/invoices?status=paid";
    let paid = dev.stripe.get(invoices).json()["data"].as_array().map(Vec::len);
    assert_eq!(paid, Some(2), "it was renewed");
    let as_of = after["now"].as_i64().expect("a time");
    let year = dev.access("ada", "its time passed too", |it| it["granted"] == true);
    let shown = dev.stripe.get("/_sandbox/state").json()["now"].as_i64().expect("a time");
    assert!(shown >= as_of && year["status"] == "active", "{year}");

    dev.stripe.post("/_sandbox/cards", "fail=true");
    dev.stripe.post("/_sandbox/advance", "next=renewal");
    let access = dev.access("ada", "past due", |it| it["status"] == "past_due");
    assert_eq!((&access["granted"], &access["reason"]), (&true.into(), &"grace".into()));
    dev.stripe.post("/_sandbox/advance", &format!("seconds={}", 8 * DAY));
    dev.access("ada", "no access after the grace", |it| it["granted"] == false);
    dev.stripe.post("/_sandbox/advance", &format!("seconds={}", 14 * DAY));
    let access = dev.access("ada", "ended", |it| it["status"] == "canceled");
    assert_eq!(access["granted"], false);

    // The card works again, and so she comes back, for good this time.
    dev.stripe.post("/_sandbox/cards", "fail=false");
    dev.buys("ada", "lifetime_once", "5555555555554444");
    let access = dev.access("ada", "bought once", |it| it["plan"] == "lifetime");
    assert_eq!(access["granted"], true, "{access}");
    dev.serving.stop();
}

#[test]
fn dev_keeps_plans_endpoint_and_clock_over_a_restart() {
    let dev = Dev::start();
    dev.buys("ada", "starter_yearly", "4242424242424242");
    dev.access("ada", "granted", |it| it["plan"] == "starter");
    let now = dev.stripe.post("/_sandbox/advance", "months=2")["now"].as_i64();
    let before = dev.stripe.get("/_sandbox/endpoints").json();
    let prices = dev.stripe.get("/v1/prices?limit=100").body;
    let Dev { home, serving, .. } = dev;
    serving.kill();
    serving.ended();

    let dev = Dev::on(home);
    assert_eq!(dev.stripe.get("/v1/prices?limit=100").body, prices, "nothing is sold twice");
    let after = dev.stripe.get("/_sandbox/endpoints").json();
    let endpoint = |it: &Value| {
        assert_eq!(it["data"].as_array().map(Vec::len), Some(1), "{it}");
        (it["data"][0]["id"].clone(), it["data"][0]["secret"].clone())
    };
    assert_eq!(endpoint(&before), endpoint(&after));
    let url = format!("http://{}/stripe/webhook", dev.serving.address);
    assert_eq!(after["data"][0]["url"], url, "it follows where the server listens");
    assert!(dev.stripe.get("/_sandbox/state").json()["now"].as_i64() >= now);
    dev.access("ada", "still granted", |it| it["plan"] == "starter");
    dev.buys("grace", "pro_monthly", "4242424242424242");
    dev.access("grace", "granted after the restart", |it| it["plan"] == "pro");
    dev.serving.stop();
}

#[test]
fn trigger_drives_a_sandbox_where_one_runs_and_tells_stories_elsewhere() {
    let dev = Dev::start();
    let address = dev.sandbox.trim_start_matches("http://").to_owned();
    let trigger = |arguments: &[&str]| {
        let mut command = dev.home.command(&[&["trigger"], arguments].concat());
        command.env("TOLLGATE_SANDBOX_LISTEN", &address);
        crate::process::run(command, b"")
    };
    let done = trigger(&["checkout.session.completed", "--user", "ada"]).code(0);
    assert!(done.out.contains("customer.subscription.created"), "{done:?}");
    // It waits until the app has them, so no waiting here.
    let access = dev.serving.get_as(DEV_KEY, "/access/ada").json();
    assert_eq!((&access["granted"], &access["plan"]), (&true.into(), &"pro".into()), "{access}");

    let done = trigger(&["customer.subscription.deleted", "--user", "ada", "--json"]).code(0);
    let first: Value =
        serde_json::from_str(done.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["type"], "customer.subscription.deleted");
    assert_eq!(dev.serving.get_as(DEV_KEY, "/access/ada").json()["granted"], false);

    trigger(&["invoice.paid", "--customer", "cus_nobody"]).code(1);
    trigger(&["no.such.event"]).code(2);
    let nobody = ["invoice.paid", "--sandbox", "http://127.0.0.1:9"];
    dev.home.run(&[&["trigger"], &nobody[..]].concat()).code(3);
    // A story is told to whoever listens, whether or not a sandbox runs.
    let hook = format!("http://{}/stripe/webhook", dev.serving.address);
    let told = trigger(&["checkout.session.completed", "--user", "bob", "--url", &hook]).code(0);
    assert!(told.out.starts_with("200  "), "{told:?}");
    assert_eq!(dev.serving.get_as(DEV_KEY, "/access/bob").json()["granted"], true);
    let list = trigger(&["list"]).code(0).out;
    for name in ["entitlements.active_entitlement_summary.updated", "renewal_fails_recovers"] {
        assert!(list.contains(name), "{name}");
    }
    dev.serving.stop();
}

/// Whatever a plan calls its prices, and whether or not it says what they cost.
#[test]
fn dev_sells_the_plans_of_the_settings() {
    let mut home = Home::empty();
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let settings = r#"
[plans.solo]
rank = 5
prices = { monthly = "price_1OfAnotherAccount", once = "solo_once" }

[plans.studio]
rank = 10
prices = { yearly = "studio_yearly" }
amounts = { yearly = 54321 }
currency = "eur"
"#;
    std::fs::write(home.directory().join("tollgate.toml"), settings).expect("it can be written");
    let dev = Dev::on(home);
    assert_eq!(
        [
            dev.serving.line_after("solo, monthly:"),
            dev.serving.line_after("solo, once:"),
            dev.serving.line_after("studio, yearly:"),
        ],
        [
            "1000 eur (price_1OfAnotherAccount)",
            "10000 eur (solo_once)",
            "54321 eur (studio_yearly)"
        ]
    );
    for (user, plan, period, amount) in [
        ("ada", "solo", "monthly", 1_000),
        ("bea", "solo", "once", 10_000),
        ("cy", "studio", "yearly", 54_321),
    ] {
        let wanted = format!(r#"{{"user_id":"{user}","plan":"{plan}","period":"{period}"}}"#);
        let opened = dev.serving.post_as(DEV_KEY, "/billing/checkout-session", &wanted);
        let opened = opened.json();
        let id = opened["id"].as_str().expect("it is opened");
        let page = format!("/_pages/checkout/{id}");
        assert_eq!(dev.stripe.get(&page).json()["total"], amount, "{user}");
        dev.pays(&page, user, "4242424242424242");
        dev.access(user, "granted", |it| it["plan"] == plan);
    }
    let prices = dev.stripe.get("/v1/prices?limit=100").body;
    let Dev { home, serving, .. } = dev;
    serving.stop();

    let mut dev = Dev::on(home);
    assert_eq!(dev.stripe.get("/v1/prices?limit=100").body, prices, "nothing is made twice");
    dev.home.set("TOLLGATE_LISTEN", &dev.serving.address.to_string());
    let sandbox = dev.sandbox.trim_start_matches("http://");
    let well = dev.home.run(&["doctor", "--dev", "--sandbox-listen", sandbox]).code(0).out;
    assert!(well.ends_with("\nAll is well.\n"), "{well}");
    dev.serving.stop();
}

/// Its pages are there, and a page from elsewhere cannot steer it.
#[test]
fn the_sandbox_serves_its_desk_and_shop_to_this_machine_alone() {
    let home = Home::empty();
    let sandbox = Serving::start(home.command(&["sandbox", "--listen", "127.0.0.1:0"]));
    let stripe = Stripe(sandbox.address);
    for path in ["/", "/shop", "/shop/embedded"] {
        let page = stripe.get(path);
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let text = String::from_utf8_lossy(&page.body).into_owned();
        assert!(text.contains("SANDBOX"), "{path}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
        for part in text.split('"').filter(|it| it.starts_with("/_")) {
            assert_eq!(stripe.get(part).status, 200, "{path} uses {part}");
        }
    }
    let advance = |origin: &str| {
        let head =
            format!("origin: {origin}\r\ncontent-type: application/x-www-form-urlencoded\r\n");
        let mut line = sandbox.connect();
        let body = b"seconds=60";
        line.call("POST", "/_sandbox/advance", &head, body).expect("it answers").status
    };
    assert_eq!(advance("http://127.0.0.1:4242"), 200);
    assert_eq!(advance("https://example.com"), 403);
    sandbox.stop();
}
