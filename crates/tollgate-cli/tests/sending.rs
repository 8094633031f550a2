//! `tollgate trigger` against `dev` and `serve`, and the least that `serve` needs.

use serde_json::Value;

use crate::home::{Home, SECRET, deliver};
use crate::process::{Done, Serving};
use crate::stream::histories;

/// The key that `tollgate dev` takes where none is configured.
const DEV_KEY: &str = "dev";
/// The paths that apps with a webhook of their own have used.
const PATHS: [&str; 4] =
    ["/stripe/webhook", "/api/stripe/webhook", "/api/webhooks/stripe", "/webhook"];

/// A server and a home whose commands reach it.
fn serving() -> (Home, Serving) {
    let mut home = Home::sqlite();
    let serving = home.serve();
    home.set("TOLLGATE_LISTEN", &serving.address.to_string());
    (home, serving)
}

fn trigger(home: &Home, arguments: &[&str]) -> Done {
    home.run(&[&["trigger", "checkout.session.completed", "--seed", "7"], arguments].concat())
}

/// The status of each delivery, one a line of JSON.
fn statuses(done: &Done) -> Vec<u64> {
    let line = |it: &str| serde_json::from_str::<Value>(it).expect("a line is JSON");
    done.out.lines().map(|it| line(it)["status"].as_u64().expect("it is a number")).collect()
}

#[test]
fn dev_needs_nothing_and_a_trigger_grants_access() {
    let mut home = Home::empty();
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serving = Serving::start(home.command(&["dev"]));
    home.set("TOLLGATE_LISTEN", &serving.address.to_string());
    assert_eq!(serving.get_as(DEV_KEY, "/access/ada").json()["granted"], false);
    trigger(&home, &["--user", "ada"]).code(0);
    let access = serving.get_as(DEV_KEY, "/access/ada").json();
    assert_eq!((&access["granted"], &access["plan"]), (&true.into(), &"pro".into()), "{access}");
    let page = serving.get_as(DEV_KEY, "/");
    assert!(String::from_utf8_lossy(&page.body).contains("ada"), "the page shows the user");
    serving.stop();
}

#[test]
fn a_trigger_on_serve_grants_access_to_its_user_alone() {
    let (home, serving) = serving();
    trigger(&home, &["--user", "ada", "--customer", "cus_ada"]).code(0);
    let access = serving.get("/access/ada").json();
    assert_eq!((&access["granted"], &access["plan"]), (&true.into(), &"pro".into()), "{access}");
    assert_eq!(access["customer_id"], "cus_ada");
    assert_eq!(serving.get("/access/bob").json()["reason"], "no_customer");
    serving.stop();
}

#[test]
fn a_story_twice_and_shuffled_ends_as_once_in_order() {
    let (calm_home, calm) = serving();
    let (home, serving) = serving();
    let once = trigger(&calm_home, &["--user", "ada", "--json"]).code(0);
    let twice = ["--user", "ada", "--json", "--duplicate", "2", "--shuffle", "3"];
    let twice = trigger(&home, &twice).code(0);
    assert_eq!(statuses(&twice).len(), 2 * statuses(&once).len());
    let seen = home.run(&["events", "list", "--json"]).code(0);
    for line in seen.out.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!((&event["seen"], &event["status"]), (&2.into(), &"applied".into()), "{line}");
    }
    let access = |it: &Serving| {
        let access = it.get("/access/ada").json();
        ["granted", "plan", "status", "reason", "until"].map(|it| access[it].clone())
    };
    assert_eq!(access(&serving), access(&calm));
    assert_eq!(access(&serving)[0], true);
    serving.stop();
    calm.stop();
}

#[test]
fn a_bad_signature_is_refused_and_that_is_what_was_asked_for() {
    let (home, serving) = serving();
    let done = trigger(&home, &["--bad-signature", "--json"]).code(0);
    assert!(statuses(&done).len() > 5 && statuses(&done).iter().all(|it| *it == 400), "{done:?}");
    assert_eq!(home.run(&["events", "list"]).code(0).out, "");
    // Signed with a secret that is not the server's: refused, and nobody asked for that.
    trigger(&home, &["--secret", "whsec_another"]).code(1);
    serving.stop();
}

#[test]
fn trigger_lists_what_it_tells_and_names_what_it_does_not() {
    let home = Home::empty();
    let list = home.run(&["trigger", "list"]).code(0);
    for name in ["checkout.session.completed", "invoice.payment_failed", "renewal_fails_recovers"] {
        assert!(list.out.contains(name), "{name}");
    }
    let unknown = home.run(&["trigger", "checkout.session.complete"]).code(2);
    assert!(unknown.err.contains("checkout.session.complete"), "{unknown:?}");
    home.run(&["trigger"]).code(2);
    home.run(&["trigger", "invoice.paid", "--duplicate", "many"]).code(2);
}

#[test]
fn trigger_says_3_where_nobody_listens() {
    let (home, serving) = serving();
    serving.stop();
    let done = trigger(&home, &[]).code(3);
    assert!(done.err.contains("/stripe/webhook"), "{done:?}");
}

/// Only what every one of those apps had to set: the rest has defaults.
#[test]
fn serve_with_a_signing_secret_alone_answers_all_known_paths() {
    let mut home = Home::empty();
    home.set("STRIPE_WEBHOOK_SECRET", SECRET).set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serving = home.serve();
    let events = histories(1, 2);
    let paths = PATHS.iter().flat_map(|it| [(*it).to_owned(), format!("{it}/")]);
    for (path, event) in paths.zip(&events) {
        let body = event.body.as_bytes();
        let mut line = serving.connect();
        let first = line.deliver(&path, SECRET, body).expect("it answers");
        assert_eq!((first.status, first.json()["received"].clone()), (200, true.into()), "{path}");
        let second = line.deliver(&path, SECRET, body).expect("it answers");
        assert_eq!(second.json()["duplicate"], true, "{path}");
        let wrong = line.deliver(&path, "whsec_wrong", body).expect("it answers");
        assert_eq!(wrong.status, 400, "{path}");
        assert_eq!(wrong.json()["details"]["reason"], "no_matching_signature", "{path}");
    }
    // Without a key nothing is open.
    assert_eq!(serving.get("/access/user_0").status, 503);
    assert!(home.directory().join("tollgate.db").exists(), "the default database is here");
    serving.stop();
}

#[test]
fn serve_without_a_signing_secret_says_so_to_whoever_delivers() {
    let mut home = Home::empty();
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serving = home.serve();
    let reply = deliver(&serving, &histories(1, 1)[0].body);
    assert_eq!((reply.status, &reply.json()["error"]), (503, &"external_service_error".into()));
    serving.stop();
}

#[test]
fn serve_says_which_address_is_taken() {
    let (home, serving) = serving();
    let done = home.run(&["serve"]);
    assert_ne!(done.code, 0);
    assert!(done.err.contains(&serving.address.to_string()), "{done:?}");
    serving.stop();
}
