//! Each command as a user runs it: what it prints, and what its exit code says.

use serde_json::Value;
use tollgate_sandbox::server::{Options, Sandbox};
use tollgate_stripe::signature;

use crate::database::sql;
use crate::home::{Home, SECRET, deliver};
use crate::process::{Done, Serving};
use crate::stream::histories;

/// 2026-11-22T12:00:00Z.
const NOW: &str = "1795348800";
const SIGNED_AT: i64 = 1_795_348_700;
const PLAN: &str = "[plans.pro]
prices = { monthly = \"m\" }
amounts = { monthly = 900 }
currency = \"usd\"";

fn verify(home: &Home, signed: &[u8], received: &[u8], secret: &str, more: &[&str]) -> Done {
    let header = signature::header(signed, &[SECRET], SIGNED_AT);
    let arguments = ["verify", "--secret", secret, "--header", &header, "--now", NOW];
    home.run_with(&[&arguments, more].concat(), received)
}

#[test]
fn verify_says_which_secret_signed() {
    let home = Home::empty();
    verify(&home, b"{}", b"{}", SECRET, &[]).code(0);
    let both = format!("whsec_old,{SECRET}");
    let done = verify(&home, b"{}", b"{}", &both, &["--json"]).code(0).json();
    assert_eq!((&done["verified"], &done["secret"]), (&true.into(), &2.into()), "{done}");
}

#[test]
fn verify_says_why_a_signature_is_refused() {
    let home = Home::empty();
    let reason = |done: Done, hint: &str| {
        let done = done.code(1).json();
        assert_eq!(done["verified"], false);
        let hints = done["hints"].to_string();
        assert!(hints.contains(hint), "{hints} does not say {hint:?}");
        done["reason"].as_str().expect("there is a reason").to_owned()
    };
    let cases: [(&[u8], &[u8], &str, &str); 6] = [
        (b"{}", b"{}", "whsec_another", "another endpoint"),
        (b"{}", b"{}", "sk_test_key", "begins with whsec_"),
        (b"{}\n", b"{}", SECRET, "with a newline at its end"),
        (b"{}", b"{}\n", SECRET, "without the newline"),
        (b"{\"a\":1}", b"{\n  \"a\": 1\n}", SECRET, "without its white space"),
        (b"{\n  \"a\": 1\n}", b"{\"a\":1}", SECRET, "two spaces"),
    ];
    for (signed, received, secret, hint) in cases {
        let done = verify(&home, signed, received, secret, &["--json"]);
        assert_eq!(reason(done, hint), "no_matching_signature");
    }
    let spaced = format!("{SECRET} ");
    let done = verify(&home, b"{}", b"{}", &spaced, &["--json"]);
    assert_eq!(reason(done, "white space around the secret"), "no_matching_signature");
    let done = verify(&home, b"{}", b"{}", SECRET, &["--json", "--tolerance", "99"]);
    assert_eq!(reason(done, "old delivery"), "timestamp_too_old");
    let with_header = |header: &str| {
        home.run_with(&["verify", "--secret", SECRET, "--header", header, "--json"], b"{}")
    };
    assert_eq!(reason(with_header("v1=12"), "t=1761700000"), "malformed_header");
    assert_eq!(reason(with_header(""), "empty"), "missing_header");
}

#[test]
fn verify_takes_the_secret_from_the_environment_and_shows_it_nowhere() {
    let mut home = Home::empty();
    home.run_with(&["verify", "--header", "t=1,v1=2"], b"{}").code(2);
    home.set("STRIPE_WEBHOOK_SECRET", SECRET);
    let refused = home.run_with(&["verify", "--header", "t=1,v1=2"], b"{}").code(1);
    let help = home.run(&["verify", "--help"]).code(0);
    for done in [refused, help] {
        assert!(!done.out.contains(SECRET) && !done.err.contains(SECRET), "{done:?}");
    }
}

/// Every line is JSON in which these times are as they are everywhere in our own JSON.
fn assert_rfc3339(lines: &str, times: &[&str]) {
    for line in lines.lines() {
        let shown: Value = serde_json::from_str(line).expect("it is JSON");
        for time in times {
            let at = shown[*time].as_str().unwrap_or_default();
            assert!(at.starts_with("20") && at.ends_with('Z'), "{time} in {line}");
        }
    }
}

/// A server with a history of its own.
fn with_history(home: &Home) -> Serving {
    let serving = home.serve();
    for event in histories(1, 3) {
        assert_eq!(deliver(&serving, &event.body).status, 200, "{}", event.kind);
    }
    serving
}

fn explains(home: &Home) {
    let serving = with_history(home);
    let text = home.run(&["explain", "user_1"]).code(0).out;
    let json = home.run(&["explain", "user_1", "--json"]).code(0).json();
    let access = serving.get("/access/user_1").json();
    assert_eq!(json["granted"], access["granted"]);
    let (reason, customer) = (access["reason"].as_str(), access["customer_id"].as_str());
    for part in [reason, customer, Some("user_1")] {
        let part = part.expect("it is text");
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!json["objects"].as_array().expect("objects").is_empty(), "{json}");
    let nobody = home.run(&["explain", "nobody", "--json"]).code(0).json();
    assert_eq!((&nobody["reason"], &nobody["granted"]), (&"no_customer".into(), &false.into()));
    serving.stop();
}

#[test]
fn explain_tells_what_the_server_answers_on_sqlite() {
    explains(&Home::sqlite());
}

#[test]
fn explain_tells_what_the_server_answers_on_postgres() {
    explains(&Home::postgres());
}

fn lists(home: &Home) {
    let serving = with_history(home);
    let events = histories(1, 3);
    let all = home.run(&["events", "list", "--json", "--limit", "1000"]).code(0);
    assert_eq!(all.out.lines().count(), events.len());
    assert_rfc3339(&all.out, &["created_at", "received_at"]);
    assert_eq!(home.run(&["events", "list", "--limit", "2"]).code(0).out.lines().count(), 2);
    assert_eq!(home.run(&["events", "list", "--status", "failed"]).code(0).out, "");
    for event in &events {
        let shown = home.run(&["events", "show", &event.id]).code(0);
        assert_eq!(shown.bytes, event.body.as_bytes(), "{}", event.kind);
        assert!(shown.err.contains(&event.kind), "{}", shown.err);
    }
    let shown = home.run(&["events", "show", &events[0].id, "--json"]).code(0).json();
    assert_eq!((&shown["status"], &shown["event"]["id"]), (&"applied".into(), &shown["id"]));
    home.run(&["events", "show", "evt_unknown"]).code(1);
    home.run(&["events", "list", "--status", "lost"]).code(2);
    home.run(&["events", "list", "--limit", "0"]).code(2);
    serving.stop();
}

#[test]
fn events_are_listed_and_shown_byte_for_byte_on_sqlite() {
    lists(&Home::sqlite());
}

#[test]
fn events_are_listed_and_shown_byte_for_byte_on_postgres() {
    lists(&Home::postgres());
}

/// An event that this version cannot read fails again; one that an older version could not read
/// is applied.
fn replays(home: &Home) {
    let serving = with_history(home);
    let broken = r#"{"id":"evt_broken","object":"event","type":"customer.created","created":1780000000,
        "livemode":false,"data":{"object":{"object":"customer"}}}"#;
    assert_eq!(deliver(&serving, broken).status, 200);
    serving.stop();
    let line = home.run(&["events", "list", "--status", "failed"]).code(0).out;
    assert!(line.contains("evt_broken") && line.contains("1 attempts"), "{line}");
    let done = home.run(&["events", "replay", "--failed"]).code(1);
    assert!(done.out.starts_with("evt_broken  failed: read customer"), "{done:?}");

    let events = histories(1, 3);
    let paid = events.iter().find(|it| it.kind == "invoice.paid").expect("an invoice is paid");
    let set = "status = 'failed', error = 'not known', object_id = null, attempts = 1";
    sql(home.url(), &format!("update event set {set} where id = '{}'", paid.id));
    let done = home.run(&["events", "replay", &paid.id]).code(0);
    assert_eq!(done.out, format!("{}  applied\n", paid.id));
    let shown = home.run(&["events", "show", &paid.id]).code(0).err;
    assert!(shown.contains("applied") && !shown.contains("not known"), "{shown}");
    home.run(&["rebuild", "--check"]).code(0);
    tells_what_it_replays(home, &paid.id);

    assert_eq!(
        home.run(&["events", "replay", "evt_unknown"]).code(1).out,
        "evt_unknown  not stored\n"
    );
    let as_json = home.run(&["events", "replay", "evt_unknown", "--json"]).code(1).json();
    assert_eq!(as_json["outcome"], "not_stored", "{as_json}");
    home.run(&["events", "replay"]).code(2);
    home.run(&["events", "replay", "--failed", &paid.id]).code(2);
}

/// What only a replay makes known is told as if the event had been applied at once.
fn tells_what_it_replays(home: &Home, id: &str) {
    home.hears("app");
    let facts = format!("select id from outbox where event_id = '{id}'");
    let unheard = format!(
        "delete from delivery where effect_id in ({facts}); delete from outbox where event_id = '{id}';
         update event set status = 'failed', error = 'not known', attempts = 1 where id = '{id}'"
    );
    sql(home.url(), &unheard);
    let replayed = home.run(&["events", "replay", id, "--json"]).code(0).json();
    assert_eq!((&replayed["id"], &replayed["outcome"]), (&id.into(), &"applied".into()));
    let waiting = home.run(&["outbox", "list", "--to", "notify:app"]).code(0).out;
    let as_json = home.run(&["outbox", "list", "--to", "notify:app", "--json"]).code(0).out;
    assert_eq!(as_json.lines().count(), 1, "{as_json}");
    assert_rfc3339(&as_json, &["created_at", "due_at"]);
    let fact: Value = serde_json::from_str(&as_json).expect("it is one line");
    let fact = fact["effect_id"].as_str().expect("it is text").to_owned();
    for (fact, code) in [(fact.as_str(), 0), ("nothing", 1)] {
        let retry = ["outbox", "retry", fact, "--to", "notify:app", "--json"];
        let retried = home.run(&retry).code(code).json();
        assert_eq!(retried["retried"], code == 0, "{retried}");
    }
    assert!(waiting.contains("pending") && waiting.contains("invoice_paid:"), "{waiting}");
}

#[test]
fn a_failed_event_is_replayed_on_sqlite() {
    replays(&Home::sqlite());
}

#[test]
fn a_failed_event_is_replayed_on_postgres() {
    replays(&Home::postgres());
}

#[test]
fn config_names_sources_and_hides_secrets() {
    let mut home = Home::sqlite();
    let key = "sk_test_51SecretSecretSecret";
    home.set("STRIPE_SECRET_KEY", key)
        .set("DATABASE_URL", "postgres://me:hidden@db.example.com/app");
    std::fs::write(home.directory().join(".env"), "TOLLGATE_LOG=warn\nTOLLGATE_LISTEN=0.0.0.0:1\n")
        .expect("it can be written");
    let text = home.run(&["config"]).code(0).out;
    for secret in [key, SECRET, crate::home::KEY, "hidden"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let settings = home.run(&["config", "--json"]).code(0).json();
    let setting = |key: &str| {
        let all = settings.as_array().expect("a list").iter();
        let found: Vec<&Value> = all.filter(|it| it["key"] == key).collect();
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        ["value", "source"].map(|it| found[0][it].as_str().expect("it is text").to_owned())
    };
    assert_eq!(setting("TOLLGATE_LOG"), ["warn", ".env"]);
    assert_eq!(setting("TOLLGATE_LISTEN"), ["127.0.0.1:0", "environment"]);
    assert_eq!(setting("TOLLGATE_LOG_FORMAT"), ["json", "default"]);
    assert_eq!(setting("DATABASE_URL")[0], "postgres://***@db.example.com/app");
    assert!(text.lines().any(|it| it.starts_with("plans.pro") && it.contains("(tollgate.toml)")));
}

#[test]
fn a_wrong_value_stops_every_command_with_key_value_and_what_is_allowed() {
    let mut home = Home::sqlite();
    home.set("TOLLGATE_LISTEN", "the moon");
    for command in [&["serve"][..], &["config"], &["dev"], &["events", "list"], &["migrate"]] {
        let err = home.run(command).code(2).err;
        for part in ["TOLLGATE_LISTEN", "the moon", "environment", "allowed is"] {
            assert!(err.contains(part), "{command:?}: {part} in {err}");
        }
    }
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0").set("STRIPE_WEBHOOK_SECRET", "sk_test_wrong_kind");
    let err = home.run(&["config"]).code(2).err;
    assert!(err.contains("STRIPE_WEBHOOK_SECRET") && err.contains("whsec_"), "{err}");
    assert!(!err.contains("sk_test_wrong_kind"), "{err}");
    home.set("STRIPE_WEBHOOK_SECRET", SECRET).set("DATABASE_URL", "mysql://db");
    home.run(&["serve"]).code(2);
    home.run(&["no-such-command"]).code(2);
    home.run(&["--config", "missing.toml", "config"]).code(2);
}

fn migrates(home: &Home) {
    assert_eq!(home.run(&["migrate"]).code(0).out, "The database is up to date.\n");
    assert_eq!(home.run(&["migrate"]).code(0).out, "The database is up to date.\n");
    assert_eq!(home.run(&["rebuild", "--check", "--json"]).code(0).json()["events"], 0);
}

#[test]
fn migrate_can_be_run_again_on_sqlite() {
    migrates(&Home::sqlite());
}

#[test]
fn migrate_can_be_run_again_on_postgres() {
    migrates(&Home::postgres());
}

#[test]
fn openapi_prints_what_the_server_serves() {
    let home = Home::sqlite();
    let printed = home.run(&["openapi"]).code(0).json();
    assert!(printed["openapi"].as_str().is_some_and(|it| it.starts_with("3.1.")), "3.1");
    for path in ["/stripe/webhook", "/access/{user_id}", "/users/{user_id}", "/readyz"] {
        assert!(printed["paths"][path].is_object(), "{path}");
    }
    let serving = home.serve();
    assert_eq!(serving.get("/openapi.json").json(), printed);
    serving.stop();
}

#[test]
fn setup_shows_makes_and_then_finds_nothing_to_do() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    let mut home = Home::sqlite();
    std::fs::write(home.directory().join("tollgate.toml"), PLAN).expect("it can be written");
    assert_eq!(home.run(&["setup"]).code(2).out, "");
    home.set("STRIPE_SECRET_KEY", "sk_test_0123456789");
    home.set("STRIPE_API_BASE", &sandbox.url());
    home.set("TOLLGATE_PUBLIC_URL", "https://billing.example");
    for _ in 0..2 {
        let shown = home.run(&["setup", "--dry-run"]).code(0).out;
        assert_eq!(shown.lines().filter(|it| it.starts_with("+ ")).count(), 4, "{shown}");
        assert!(!shown.contains("whsec_"), "{shown}");
    }
    let made = home.run(&["setup"]).code(0).out;
    assert_eq!(made.matches("STRIPE_WEBHOOK_SECRET=whsec_").count(), 1, "{made}");
    let right = home.run(&["setup", "--json"]).code(0).out;
    assert!(right.lines().all(|it| it.contains(r#""state":"right""#)), "{right}");
    let again = home.run(&["setup"]).code(0).out;
    assert!(again.lines().all(|it| it.starts_with("= ")) && again.lines().count() == 3, "{again}");
    runtime.block_on(sandbox.stop());
    assert_eq!(home.run(&["setup"]).code(3).out, "");
}

/// A script takes the new endpoint's secret from it: Stripe tells it only once.
#[test]
fn setup_tells_a_script_what_it_did() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    let mut home = Home::sqlite();
    std::fs::write(home.directory().join("tollgate.toml"), PLAN).expect("it can be written");
    home.set("STRIPE_SECRET_KEY", "sk_test_0123456789");
    home.set("STRIPE_API_BASE", &sandbox.url());
    home.set("TOLLGATE_PUBLIC_URL", "https://billing.example");
    let states = |more: &[&str]| {
        let out = home.run(&[&["setup", "--json"], more].concat()).code(0).out;
        let lines = out.lines().map(|it| serde_json::from_str(it).expect("it is JSON"));
        let of = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let states = lines.map(|it: Value| (of(&it, "state"), of(&it, "signing_secret")));
        states.collect::<Vec<_>>()
    };
    let planned = states(&["--dry-run"]);
    assert!(planned.iter().all(|(state, secret)| state != "done" && secret.is_empty()));
    let done = states(&[]);
    assert_eq!(done.iter().filter(|(_, secret)| secret.starts_with("whsec_")).count(), 1);
    assert!(done.iter().all(|(state, _)| ["right", "done"].contains(&state.as_str())), "{done:?}");
    runtime.block_on(sandbox.stop());
}

#[test]
fn lists_are_made_for_scripts_too() {
    let home = Home::sqlite();
    let letters = home.run(&["mails", "list", "--json"]).code(0).out;
    for line in letters.lines() {
        let letter: Value = serde_json::from_str(line).expect("it is JSON");
        assert!(letter["letter"].is_string() && letter["sent"].is_boolean(), "{letter}");
    }
    assert_eq!(letters.lines().count(), tollgate::mail::all().len());
    let known = home.run(&["trigger", "list", "--json"]).code(0).json();
    for list in ["sandbox_events", "story_events", "stories"] {
        assert!(known[list].as_array().is_some_and(|it| !it.is_empty()), "{known}");
    }
}

#[test]
fn what_does_not_fit_says_2() {
    let home = Home::sqlite();
    home.run(&["mails", "show", "nothing"]).code(2);
    home.run(&["mails", "show", "receipt", "--locale", "xx"]).code(2);
    home.run(&["migrate"]).code(0);
    let of_a_newer_one = "update schema_version set version = 9999
        where version = (select max(version) from schema_version)";
    sql(home.url(), of_a_newer_one);
    for command in [&["migrate"][..], &["explain", "ada"], &["serve"]] {
        home.run(command).code(2);
    }
    let mut home = Home::sqlite();
    home.set("TOLLGATE_SMTP_URL", "smtp://127.0.0.1:1");
    let done = home.run(&["serve"]).code(2);
    assert!(done.err.contains("TOLLGATE_MAIL_FROM"), "{done:?}");
}

#[test]
fn the_version_and_the_help_are_there() {
    let home = Home::empty();
    let version = home.run(&["--version"]).code(0).out;
    assert_eq!(version, format!("tollgate {}\n", env!("CARGO_PKG_VERSION")));
    let help = home.run(&["--help"]).code(0).out;
    for command in ["serve", "dev", "trigger", "verify", "explain", "events", "rebuild"] {
        assert!(help.lines().any(|it| it.trim_start().starts_with(command)), "{command}");
    }
}

/// The commands look at the database that is configured, and `dev` has one of its own.
#[test]
fn what_dev_keeps_is_looked_at_with_dev() {
    let mut home = Home::empty();
    home.set("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serving = Serving::start(home.command(&["dev", "--sandbox-listen", "127.0.0.1:0"]));
    let shop = serving.line_after("Or as the sandbox sells:");
    let sandbox = shop.trim_start_matches("http://").trim_end_matches("/shop");
    home.set("TOLLGATE_SANDBOX_LISTEN", sandbox);
    home.run(&["trigger", "checkout.session.completed", "--user", "ada"]).code(0);
    for words in [&["explain", "ada"][..], &["events", "list"], &["coupons", "list"]] {
        let stray = home.run(words).code(2).err;
        assert!(stray.contains("add --dev"), "{words:?}: {stray}");
    }
    assert!(!home.directory().join("tollgate.db").exists(), "no empty database is left behind");
    let why = home.run(&["explain", "ada", "--dev"]).code(0).out;
    assert!(why.starts_with("ada may use plan pro (active)\n"), "{why}");
    let why = home.run(&["explain", "bob", "--dev"]).code(0).out;
    assert!(why.starts_with("bob has no access (no_customer)\n\n! Nothing links"), "{why}");
    for (words, part) in [
        (&["events", "list", "--dev"][..], "checkout.session.completed"),
        (&["events", "--dev", "list"], "checkout.session.completed"),
        (&["outbox", "list", "--dev"], "mail"),
        (&["rebuild", "--check", "--dev"], "; 0 differ."),
        (&["coupons", "list", "--dev"], "20% off"),
        (&["promotion-codes", "list", "--dev"], "LAUNCH20"),
    ] {
        let seen = home.run(words).code(0).out;
        assert!(seen.contains(part), "{words:?}: {seen}");
    }
    home.run(&["explain", "ada", "--database", "x.db"]).code(2);
    serving.stop();
}
