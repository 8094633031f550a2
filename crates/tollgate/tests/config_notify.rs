//! `[[notify]]`: what is read, what is refused and why, where secrets come from, and that none is
//! ever shown.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tollgate::config::notify::{Carrier, Endpoint};
use tollgate::config::{Config, Source};
use tollgate::rules::notice::{TYPES, matches};

/// 32 bytes; and another 32, written in full below so that a leak is found.
const SECRET: &str = "whsec_dGhlIGZpcnN0IHNlY3JldCBvZiB0aGVzZSB0ZXN0cyE=";
const OTHER: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlc2UgdGVzdHMuLi4=";

fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let dir = tempfile::tempdir().expect("a directory can be made");
    std::fs::write(dir.path().join("tollgate.toml"), toml).expect("the file can be written");
    let environment: BTreeMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let loaded = Config::load(None, dir.path(), &environment).map_err(|it| it.to_string());
    for shown in [format!("{loaded:?}"), format!("{:?}", loaded.as_ref().map(Config::describe))] {
        for secret in [SECRET, OTHER, "hunter2"] {
            assert!(!shown.contains(secret.trim_start_matches("whsec_")), "{shown}");
        }
    }
    loaded
}

fn one(more: &str) -> Result<Endpoint, String> {
    let url = if more.contains("url") { "" } else { "url = \"https://app.example.com/hook\"" };
    let secret =
        if more.contains("secret") { String::new() } else { format!("secret = {SECRET:?}") };
    load(&format!("[[notify]]\n{url}\n{secret}\n{more}"), &[]).map(|it| it.notify[0].clone())
}

#[test]
fn what_is_not_said_has_its_default() {
    let it = one("").expect("it is right");
    assert_eq!((it.name.as_str(), it.carrier), ("app.example.com", Carrier::Http));
    assert_eq!((it.timeout, it.concurrency), (Duration::from_secs(10), 8));
    assert!(!it.allow_private && it.keys.len() == 1);
    assert!(TYPES.iter().all(|name| it.wants(name)));
    assert!(load("", &[]).expect("it is right").notify.is_empty());
}

#[test]
fn everything_can_be_said() {
    let it = one(&format!(
        "url = \"http://[::1]:3000/\"\nname = \"app\"\nsecrets = [{SECRET:?}, {OTHER:?}]\n\
         types = [\"access.*\", \"*.failed\"]\nallow_private = true\ntimeout = \"1m\"\n\
         concurrency = 256"
    ));
    let it = it.expect("it is right");
    assert_eq!((it.name.as_str(), it.keys.len(), it.concurrency), ("app", 2, 256));
    assert_eq!((it.timeout, it.allow_private), (Duration::from_secs(60), true));
    let wanted: Vec<&str> = TYPES.iter().copied().filter(|name| it.wants(name)).collect();
    let expected =
        ["access.changed", "access.granted", "access.revoked", "order.failed", "payment.failed"];
    assert_eq!(wanted, expected);
}

#[test]
fn what_is_wrong_says_what_is_allowed() {
    for (more, complaint) in [
        ("url = \"http://app.example.com/\"", "notify[0].url = \"http://app.example.com/\""),
        ("url = \"http://10.0.0.1/\"\nallow_private = true", "http:// on this machine"),
        ("url = \"http://localhost.example.com/\"", "http:// on this machine"),
        ("url = \"https://me:hunter2@app.example.com/\"", "without user and password"),
        ("url = \"https://app.example.com:hunter2/\"", "notify[0].url = \"***\""),
        ("url = \"ftp://app.example.com/?hunter2\"", "allowed is https://"),
        ("url = \"app.example.com\"", "allowed is https://"),
        ("url = 7", "notify[0].url: allowed is a text"),
        ("secret = \"hunter2\"", "notify[0].secret = \"***\" (tollgate.toml): allowed is secrets"),
        ("secret = \"whsec_aHVudGVyMg==\"", "24 to 64 random bytes"),
        ("secret = \"whsec_not base64 at all, but long enough\"", "24 to 64 random bytes"),
        ("secrets = [7]", "notify[0].secrets[0]: allowed is a list of texts"),
        ("secrets = []", "notify[0].secret: allowed is \"whsec_…\", here or in the environment"),
        ("secret = \"\"\nsecrets = []", "secret or secrets, not both"),
        ("types = [\"access.given\"]", "notify[0].types (\"access.given\"): allowed is \"*\""),
        ("types = [\"acc*\"]", "notify[0].types (\"acc*\")"),
        ("types = []", "at least one type"),
        ("types = \"access.*\"", "notify[0].types: allowed is a list of texts"),
        ("timeout = \"0s\"", "\"1s\" to \"60s\""),
        ("timeout = \"2m\"", "\"1s\" to \"60s\""),
        ("timeout = \"soon\"", "\"1s\" to \"60s\""),
        ("concurrency = 0", "a number from 1 to 256"),
        ("concurrency = 257", "a number from 1 to 256"),
        ("concurrency = -1", "a number from 1 to 256"),
        ("allow_private = \"yes\"", "notify[0].allow_private: allowed is true or false"),
        ("name = \"my app\"", "notify[0].name"),
        ("name = \"\"", "up to 64 letters"),
        ("tpyes = []", "notify[0].tpyes is not a known key; did you mean notify[0].types?"),
    ] {
        let error = one(more).expect_err(more);
        assert!(error.contains(complaint), "{more}: {error}");
    }
    let no_url = load(&format!("[[notify]]\nsecret = {SECRET:?}"), &[]).expect_err("no URL");
    assert!(no_url.contains("a URL under the key url"), "{no_url}");
    for (toml, complaint) in
        [("[notify]\nurl = \"\"", "each under [[notify]]"), ("notify = 1", "[[")]
    {
        let error = load(toml, &[]).expect_err(toml);
        assert!(error.contains(complaint), "{error}");
    }
}

#[cfg(not(feature = "nats"))]
#[test]
fn nats_needs_a_build_with_it() {
    let error = one("url = \"nats://localhost:4222/billing\"").expect_err("it is not built in");
    assert!(error.contains("--features nats"), "{error}");
}

#[cfg(feature = "nats")]
#[test]
fn nats_needs_a_subject_and_no_secret() {
    let it = load("[[notify]]\nurl = \"nats://me:hunter2@nats:4222/billing.eu\"", &[]);
    let it = it.expect("it is right").notify[0].clone();
    assert_eq!((it.carrier, it.keys.len(), it.name.as_str()), (Carrier::Nats, 0, "nats"));
    assert_eq!(it.shown_url(), "nats://nats:4222/billing.eu (shortened)");
    for path in ["", "/", "/a..b", "/a.*", "/>", "/a/b", "/.a", "/a b"] {
        let error = one(&format!("url = \"nats://nats:4222{path}\"")).expect_err(path);
        assert!(error.contains("subject.prefix"), "{error}");
    }
}

#[test]
fn two_endpoints_have_two_names() {
    let two = |more: &str| {
        let table = |path: &str| {
            format!("[[notify]]\nurl = \"https://app.example.com/{path}\"\nsecret = {SECRET:?}\n")
        };
        load(&format!("{}{}{more}", table("a"), table("b")), &[])
    };
    let error = two("").expect_err("they have one name");
    assert!(error.starts_with("notify[1].name = \"app.example.com\""), "{error}");
    two("name = \"APP_example.com\"").expect_err("their variables would be one");
    let config = two("name = \"second\"").expect("they have two names");
    let names: Vec<&str> = config.notify.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["app.example.com", "second"]);
}

#[test]
fn a_secret_of_the_environment_wins() {
    let toml = "[[notify]]\nurl = \"https://app.example.com/\"\n";
    let with = format!("{toml}secret = {SECRET:?}");
    let both = format!("{OTHER}, {SECRET}");
    for (toml, variables, count, key, source) in [
        (with.as_str(), &[] as &[(&str, &str)], 1, "notify.app.example.com.secret", Source::File),
        (
            toml,
            &[("TOLLGATE_NOTIFY_SECRET", OTHER)],
            1,
            "TOLLGATE_NOTIFY_SECRET",
            Source::Environment,
        ),
        (
            &with,
            &[("TOLLGATE_NOTIFY_SECRET", &both)],
            2,
            "TOLLGATE_NOTIFY_SECRET",
            Source::Environment,
        ),
        (
            &with,
            &[("TOLLGATE_NOTIFY_SECRET_APP_EXAMPLE_COM", &both), ("TOLLGATE_NOTIFY_SECRET", OTHER)],
            2,
            "TOLLGATE_NOTIFY_SECRET_APP_EXAMPLE_COM",
            Source::Environment,
        ),
    ] {
        let config = load(toml, variables).expect("it is right");
        assert_eq!(config.notify[0].keys.len(), count, "{variables:?}");
        let shown = config.describe();
        let shown: Vec<_> = shown.iter().filter(|it| it.value.contains("***")).collect();
        let [setting] = shown.as_slice() else { panic!("one secret: {shown:?}") };
        assert_eq!((setting.key.as_str(), setting.source), (key, source));
    }
    let error = load(&with, &[("TOLLGATE_NOTIFY_SECRET", "hunter2")]).expect_err("it is none");
    assert!(error.starts_with("TOLLGATE_NOTIFY_SECRET = \"***\" (environment)"), "{error}");
}

#[test]
fn of_several_endpoints_none_takes_the_secret_of_the_only_one() {
    let toml = "[[notify]]\nname = \"a\"\nurl = \"https://a.example.com/\"\n\
                [[notify]]\nname = \"b\"\nurl = \"https://b.example.com/\"\n";
    let error = load(toml, &[("TOLLGATE_NOTIFY_SECRET", OTHER)]).expect_err("whose is it?");
    assert!(error.contains("notify[0].secret"), "{error}");
    let own = [("TOLLGATE_NOTIFY_SECRET_A", OTHER), ("TOLLGATE_NOTIFY_SECRET_B", SECRET)];
    let config = load(toml, &own).expect("each has its own");
    assert_ne!(config.notify[0].keys, config.notify[1].keys);
}

#[test]
fn a_query_is_not_shown() {
    let it =
        one("url = \"https://app.example.com/hook?token=hunter2#hunter2\"").expect("it is right");
    assert_eq!(it.shown_url(), "https://app.example.com/hook (shortened)");
}

/// What a pattern means, said in another way: each way of giving the rest to a last `*` is tried.
fn means(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (["*"], [_, ..]) => true,
        ([first, pattern @ ..], [segment, name @ ..]) => {
            (*first == "*" || first == segment) && means(pattern, name)
        }
        _ => false,
    }
}

fn words(segments: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(segments), 1..5)
}

proptest! {
    #[test]
    fn a_pattern_means_what_it_says(
        pattern in words(&["a", "b", "*", "", "a*"]),
        name in words(&["a", "b", "ab", ""]),
    ) {
        let (pattern_text, name_text) = (pattern.join("."), name.join("."));
        prop_assert_eq!(matches(&pattern_text, &name_text), means(&pattern, &name));
    }

    #[test]
    fn a_name_is_a_pattern_for_itself_alone(
        one in prop::sample::select(TYPES),
        other in prop::sample::select(TYPES),
    ) {
        prop_assert_eq!(matches(one, other), one == other);
        prop_assert!(matches("*", one));
        let (first, second) = one.split_once('.').expect("it has two segments");
        let same_group = other.starts_with(&format!("{first}."));
        prop_assert_eq!(matches(&format!("{first}.*"), other), same_group);
        let same_end = other.split_once('.').is_some_and(|it| it.1 == second);
        prop_assert_eq!(matches(&format!("*.{second}"), other), same_end);
    }
}
