//! Settings: which source wins, what a wrong value says, and that no secret is ever shown.

use std::collections::BTreeMap;
use std::path::Path;

use tollgate::config::{Config, Source};
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate::rules::silence::Patience;

struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory can be made");
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).expect("the file can be written");
        }
        Self(dir)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, String> {
        self.load_file(None, variables)
    }

    fn load_file(&self, path: Option<&Path>, variables: &[(&str, &str)]) -> Result<Config, String> {
        let environment: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::load(path, self.0.path(), &environment).map_err(|it| it.to_string())
    }
}

fn loaded(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Config {
    Place::new(files).load(variables).expect("the settings are right")
}

fn refused(files: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    Place::new(files).load(variables).expect_err("the settings are wrong")
}

fn source_of(config: &Config, key: &str) -> Source {
    let settings = config.describe();
    settings.iter().find(|it| it.key == key).unwrap_or_else(|| panic!("no {key}")).source
}

#[test]
fn nothing_set_is_the_documented_default() {
    let config = loaded(&[], &[]);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:4242");
    assert_eq!(config.database_url.reveal(), "sqlite://tollgate.db");
    assert_eq!(config.server.webhook_tolerance_secs, 300);
    assert_eq!(config.server.rate_limit.map(std::num::NonZeroU32::get), Some(1000));
    assert_eq!(config.server.connections_max, 10_000);
    assert_eq!(config.rulebook, Rulebook::default());
    assert_eq!(config.livemode(), None);
    assert_eq!(config.silence, Patience::WhilePaid(7 * 86_400));
    assert!(config.api_keys.is_empty() && config.webhook_secrets.is_empty() && !config.dev);
}

#[test]
fn the_later_source_wins() {
    let toml = ("tollgate.toml", "[server]\nlisten = \"127.0.0.1:1\"");
    let dotenv = (".env", "TOLLGATE_LISTEN=127.0.0.1:2");
    let local = (".env.local", "TOLLGATE_LISTEN=127.0.0.1:3");
    let environment = [("TOLLGATE_LISTEN", "127.0.0.1:4")];
    for (files, variables, port, key, source) in [
        (vec![toml], &[] as &[(&str, &str)], 1, "server.listen", Source::File),
        (vec![toml, dotenv], &[], 2, "TOLLGATE_LISTEN", Source::Dotenv),
        (vec![toml, dotenv, local], &[], 3, "TOLLGATE_LISTEN", Source::DotenvLocal),
        (vec![toml, dotenv, local], &environment, 4, "TOLLGATE_LISTEN", Source::Environment),
    ] {
        let config = loaded(&files, variables);
        assert_eq!(config.server.listen.port(), port);
        assert_eq!(source_of(&config, key), source);
    }
    // Somebody forgot to fill it in.
    let config = loaded(&[dotenv], &[("TOLLGATE_LISTEN", "")]);
    assert_eq!(config.server.listen.port(), 2);
}

#[test]
fn silence_is_a_time_or_off() {
    let of_file = |text: &str| loaded(&[("tollgate.toml", text)], &[]);
    let config = of_file("[alarms]\nsilence = \"24h\"");
    assert_eq!(config.silence, Patience::Always(86_400));
    assert_eq!(source_of(&config, "alarms.silence"), Source::File);
    assert_eq!(of_file("[alarms]\nsilence = \"off\"").silence, Patience::Endless);
    let variable = [("TOLLGATE_ALARMS_SILENCE", "7d")];
    assert_eq!(loaded(&[], &variable).silence, Patience::Always(7 * 86_400));
    for wrong in ["59s", "never", "-1h", "0"] {
        let why = refused(&[], &[("TOLLGATE_ALARMS_SILENCE", wrong)]);
        assert!(why.contains("TOLLGATE_ALARMS_SILENCE") && why.contains("\"off\""), "{why}");
    }
    let why = refused(&[("tollgate.toml", "[alarms]\nsilent = \"1d\"")], &[]);
    assert!(why.contains("alarms.silent") && why.contains("alarms.silence"), "{why}");
}

#[test]
fn the_file_may_be_named() {
    let place = Place::new(&[("other.toml", "[access]\npast_due = \"1d\"")]);
    let by_variable = place.load(&[("TOLLGATE_CONFIG", "other.toml")]).expect("it is there");
    let path = place.0.path().join("other.toml");
    let by_option = place.load_file(Some(&path), &[]).expect("it is there");
    for config in [by_variable, by_option] {
        assert_eq!(config.rulebook.policy.past_due, Rule::Grace(86_400));
    }
    let error = place.load(&[("TOLLGATE_CONFIG", "none.toml")]).expect_err("it is not there");
    assert!(error.starts_with("read ") && error.ends_with("none.toml"), "{error}");
}

#[test]
fn plans_and_policy_come_from_the_file() {
    let toml = r#"
        [plans.pro]
        title = "Pro"
        rank = 10
        prices = { monthly = "price_1", yearly = "price_2" }
        features = ["export", "api"]
        [plans.lifetime]
        rank = 20
        prices = { once = "price_3" }
        [access]
        past_due = "12h"
        unpaid = "keep"
        dispute_open = "revoke"
        connect_accounts = ["acct_1"]
    "#;
    let Rulebook { plans, any_price, policy, accounts, .. } =
        loaded(&[("tollgate.toml", toml)], &[("STRIPE_PRICE_PRO_MONTHLY", "price_9")]).rulebook;
    let names: Vec<&str> = plans.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(names, ["Lifetime", "Pro"]);
    assert_eq!(plans[1].prices.get("yearly").map(String::as_str), Some("price_2"));
    assert_eq!(plans[1].features, ["export", "api"]);
    assert_eq!((any_price, accounts), (None, vec!["acct_1".to_owned()]));
    let expected = Policy {
        past_due: Rule::Grace(43_200),
        unpaid: Rule::Keep,
        dispute_open: Rule::Revoke,
        ..Policy::default()
    };
    assert_eq!(policy, expected);
}

#[test]
fn three_variables_make_one_plan() {
    let prices = [("STRIPE_PRICE_PRO_MONTHLY", "price_1"), ("STRIPE_PRICE_PRO_YEARLY", "price_2")];
    let config = loaded(&[], &[prices[0], prices[1], ("PRO_PLAN_NAME", "team")]);
    let plan = config.rulebook.plan("team").expect("it is named so");
    assert_eq!((plan.title.as_str(), plan.prices.len()), ("Team", 2));
    assert_eq!(config.rulebook.any_price, None);
    let config = loaded(&[], &[("PRO_PLAN_NAME", "team")]);
    assert_eq!(config.rulebook.any_price.as_deref(), Some("team"));
}

#[test]
fn the_keys_prefix_is_the_mode() {
    for (name, key, live) in [
        ("STRIPE_SECRET_KEY", "sk_test_abcdefgh", false),
        ("STRIPE_SECRET_KEY", "sk_live_abcdefgh", true),
        ("STRIPE_API_KEY", "rk_test_abcdefgh", false),
        ("STRIPE_API_KEY", "rk_live_abcdefgh", true),
    ] {
        assert_eq!(loaded(&[], &[(name, key)]).livemode(), Some(live), "{key}");
    }
}

#[test]
fn a_wrong_value_says_where_what_and_what_is_allowed() {
    for (key, value, allowed) in [
        ("TOLLGATE_LISTEN", "4242", "an address and a port such as 127.0.0.1:4242 or [::]:4242"),
        ("TOLLGATE_RATE_LIMIT", "many", "requests per second from 1 to 1000000, or \"off\""),
        ("TOLLGATE_WEBHOOK_TOLERANCE", "0", "seconds from 1 to 86400"),
        ("TOLLGATE_CONNECTIONS_MAX", "-1", "a number of connections from 1 to 1000000"),
        ("TOLLGATE_LOG_FORMAT", "xml", "\"json\" or \"text\""),
        (
            "TOLLGATE_WEBHOOK_PATH",
            "/access",
            "a path such as /hooks/stripe that no other route begins with",
        ),
        ("PRO_PLAN_NAME", "free", "a name of letters, digits, - and _ other than \"free\""),
    ] {
        let error = refused(&[], &[(key, value)]);
        assert_eq!(error, format!("{key} = {value:?} (environment): allowed is {allowed}"));
    }
    let error = refused(&[("tollgate.toml", "[access]\npast_due = \"soon\"")], &[]);
    assert!(
        error.starts_with("access.past_due = \"soon\" (tollgate.toml): allowed is \"keep\""),
        "{error}"
    );
    let error = refused(&[("tollgate.toml", "[server]\nlisten = \"x\"")], &[]);
    assert!(error.starts_with("server.listen = \"x\" (tollgate.toml): "), "{error}");
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    for (toml, key, nearest) in [
        ("[acess]", "acess", "access"),
        ("plan = 1", "plan", "plans"),
        ("[access]\npastdue = \"7d\"", "access.pastdue", "access.past_due"),
        ("[server]\nlisten_on = \"x\"", "server.listen_on", "server.listen"),
        ("[plans.pro]\nprice = \"x\"", "plans.pro.price", "plans.pro.prices"),
    ] {
        let error = refused(&[("tollgate.toml", toml)], &[]);
        let expected = format!("tollgate.toml: {key} is not a known key; did you mean {nearest}?");
        assert_eq!(error, expected);
    }
}

#[test]
fn a_file_of_another_shape_is_refused_with_its_place() {
    for (toml, place) in [
        ("[plans.pro]\nrank = \"high\"", "plans.pro.rank"),
        ("[plans.pro]\nprices = [\"price_1\"]", "plans.pro.prices"),
        ("plans = 5", "plans"),
        ("[plans]\npro = 5", "plans.pro"),
        ("[access]\npast_due = 7.5", "access.past_due"),
        ("[access]\nconnect_accounts = \"all\"", "access.connect_accounts"),
        ("[access]\nconnect_accounts = [\"cus_1\"]", "access.connect_accounts"),
        ("[plans.free]", "plans.free"),
        (
            "[plans.a]\nprices = { monthly = \"p\" }\n[plans.b]\nprices = { monthly = \"p\" }",
            "plans.b",
        ),
        ("[plans.a]\nprices = { monthly = \" \" }", "plans.a"),
        ("a = 1\nb =", ", line 2"),
    ] {
        let error = refused(&[("tollgate.toml", toml)], &[]);
        assert!(error.contains(place), "{toml}: {error}");
    }
    assert_eq!(refused(&[(".env", "A=1\nwhsec_1")], &[]), ".env, line 2: expected KEY=value");
}

const SECRETS: [(&str, &str); 6] = [
    ("STRIPE_SECRET_KEY", "sk_test_hush-1-abcdefgh"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_hush-2, whsec_hush-3"),
    ("TOLLGATE_API_KEY", "hush-4-abcdefghijkl"),
    ("TOLLGATE_USER_TOKEN_SECRET", "hush-5-abcdefghijklmnopqrstuvwxyz0"),
    ("DATABASE_URL", "postgres://ada:hush-6@db.example.com/tollgate?password=hush-7"),
    ("TOLLGATE_LOG", "debug"),
];

#[test]
fn no_secret_is_ever_shown() {
    let config = loaded(&[], &SECRETS);
    let settings = config.describe();
    let shown = format!(
        "{config:?}\n{settings:?}\n{}",
        serde_json::to_string(&settings).expect("it is JSON")
    );
    assert!(!shown.contains("hush"), "{shown}");
    let value = |key: &str| settings.iter().find(|it| it.key == key).map(|it| it.value.as_str());
    assert_eq!(value("STRIPE_SECRET_KEY"), Some("sk_test_***"));
    assert_eq!(value("STRIPE_WEBHOOK_SECRET"), Some("***,***"));
    assert_eq!(value("DATABASE_URL"), Some("postgres://***@db.example.com/tollgate"));
    assert_eq!(config.stripe_key.map(|it| it.reveal().to_owned()).as_deref(), Some(SECRETS[0].1));
}

#[test]
fn an_error_about_a_secret_hides_it() {
    for (key, value) in [
        ("STRIPE_SECRET_KEY", "pk_test_hush"),
        ("STRIPE_API_KEY", "hush"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_hush"),
        ("TOLLGATE_API_KEY", "hush"),
        ("TOLLGATE_API_KEY", "long-enough-for-a-key, hush"),
        ("TOLLGATE_USER_TOKEN_SECRET", "hush"),
        ("DATABASE_URL", "mysql://ada:hush@db.example.com/tollgate"),
    ] {
        let error = refused(&[], &[(key, value)]);
        assert!(
            error.starts_with(&format!("{key} = \"***\" (environment): allowed is ")),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
    }
}

/// Keys are pasted into the wrong line, and what the start says ends in somebody's log.
#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    for (key, value, shown) in [
        ("STRIPE_PUBLISHABLE_KEY", "sk_live_hush", "sk_live_***"),
        ("STRIPE_PRICE_PRO_MONTHLY", "sk_live_hush", "sk_live_***"),
        ("STRIPE_PRICE_PRO_YEARLY", "rk_test_hush", "rk_test_***"),
        ("STRIPE_PRICE_PRO_YEARLY", "whsec_hush+hush/hush=", "whsec_***"),
        ("TOLLGATE_LISTEN", "sk_hush", "sk_***"),
        ("TOLLGATE_ORIGINS", "https://a.example, rk_live_hush", "https://a.example, rk_live_***"),
        ("STRIPE_API_BASE", "ftp://a?key=sk_test_hush", "ftp://a?key=sk_test_***"),
    ] {
        let error = refused(&[], &[(key, value)]);
        assert!(
            error.starts_with(&format!("{key} = {shown:?} (environment): allowed is ")),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
    }
    let plan = "[plans.pro]\nprices = { monthly = \"sk_live_hush\" }";
    let error = refused(&[("tollgate.toml", plan)], &[]);
    assert!(error.contains("sk_live_***") && !error.contains("hush"), "{error}");
    let plain = refused(&[], &[("TOLLGATE_LISTEN", "desk_task_rsk_1")]);
    assert!(plain.contains("desk_task_rsk_1"), "{plain}");
}

#[test]
fn a_server_is_shown_without_who_may_enter() {
    for (key, url, shown) in [
        ("TOLLGATE_SMTP_URL", "smtp://u:hush@h.example:587", "smtp://***@h.example:587"),
        ("TOLLGATE_SMTP_URL", "smtp://u:hu?sh@h.example", "smtp://***"),
        ("DATABASE_URL", "postgres://u:hu?sh@h/db?password=hush", "postgres://***"),
        ("DATABASE_URL", "postgres://h/db?user=u@h&password=hush", "postgres://***"),
        ("DATABASE_URL", "postgres://u:hush@h/db?password=hush", "postgres://***@h/db"),
        ("DATABASE_URL", "postgres://h/db?password=hush", "postgres://h/db"),
    ] {
        let from = ("TOLLGATE_MAIL_FROM", "Shop <shop@example.com>");
        let config = loaded(&[], &[(key, url), from]);
        let settings = config.describe();
        let setting = settings.iter().find(|it| it.key == key).expect("it is shown");
        assert_eq!(setting.value, shown);
    }
}

#[test]
fn stripe_is_where_it_is_said_to_be() {
    let config = loaded(&[], &[("STRIPE_API_BASE", "http://127.0.0.1:4243/")]);
    assert_eq!(config.stripe_api_base, "http://127.0.0.1:4243");
    assert_eq!(loaded(&[], &[]).stripe_api_base, "https://api.stripe.com");
    let live = ("STRIPE_SECRET_KEY", "sk_live_0123456789");
    let error = refused(&[], &[live, ("STRIPE_API_BASE", "http://proxy.example")]);
    assert!(error.contains("https://"), "{error}");
    let error = refused(&[], &[live, ("STRIPE_PUBLISHABLE_KEY", "pk_test_1")]);
    assert!(error.contains("same mode"), "{error}");
}

#[test]
fn people_are_sent_back_to_the_origins_that_are_named() {
    let config = loaded(&[], &[("TOLLGATE_LISTEN", "127.0.0.1:5000")]);
    assert_eq!(config.selling.origins, ["http://127.0.0.1:5000"]);
    let config = loaded(&[], &[("TOLLGATE_ORIGINS", "https://a.example, https://b.example:8443")]);
    assert_eq!(config.selling.origins, ["https://a.example", "https://b.example:8443"]);
    refused(&[], &[("TOLLGATE_ORIGINS", "*")]);
    refused(&[], &[("STRIPE_SUCCESS_URL", "/thanks")]);
}

#[test]
fn a_trial_has_a_length() {
    let file =
        |days: u32| format!("[plans.pro]\nprices = {{ monthly = \"m\" }}\ntrial_days = {days}");
    let config = loaded(&[("tollgate.toml", &file(14))], &[]);
    let trial = config.selling.trials["pro"];
    assert!(trial.once && trial.days == 14);
    refused(&[("tollgate.toml", &file(0))], &[]);
    refused(&[("tollgate.toml", &file(731))], &[]);
}

#[test]
fn a_brand_is_the_operators_and_checked() {
    let brand = loaded(&[], &[("TOLLGATE_PUBLIC_URL", "https://www.example.com")]).brand;
    assert_eq!((brand.name.as_str(), brand.logo), ("example.com", None));
    assert_eq!(brand.app_url, "https://www.example.com");
    let toml = "[brand]\nname = \"Press\"\naccent = \"#0A7\"";
    let error = refused(&[("tollgate.toml", toml)], &[]);
    assert!(error.contains("brand.accent") && error.contains("#0A7"), "{error}");
    for (key, value) in [("logo", "javascript:1"), ("app_url", "x"), ("support_email", "a b@c.de")]
    {
        let toml = format!("[brand]\n{key} = \"{value}\"");
        let error = refused(&[("tollgate.toml", &toml)], &[]);
        assert!(error.contains(&format!("brand.{key}")), "{error}");
    }
    let error = refused(&[("tollgate.toml", "[brand]\ncolor = \"#123456\"")], &[]);
    assert!(error.contains("brand.color"), "{error}");
}

#[test]
fn the_directory_of_pages_is_meant_from_where_the_file_is() {
    let place = Place::new(&[("tollgate.toml", "[pages]\ntemplates = \"own\"")]);
    let file = place.0.path().join("tollgate.toml");
    let config = place.load_file(Some(&file), &[]).expect("the settings are right");
    assert_eq!(config.pages.templates, Some(place.0.path().join("own")));
    assert_eq!(source_of(&config, "pages.templates"), Source::File);
}

#[test]
fn mails_are_set_in_the_file_and_the_environment_wins() {
    let toml = "[mail]\nfrom = \"Shop <a@example.com>\"\noff = [\"survey\", \"welcome\"]\n\
        locale = \"DE\"\naccount_url = \"https://app.example.com/account\"";
    let files = [("tollgate.toml", toml)];
    let config = loaded(&files, &[]);
    let from = config.mail.from.as_ref().expect("it is set");
    assert_eq!((from.name.as_deref(), from.address.as_str()), (Some("Shop"), "a@example.com"));
    assert_eq!(config.mail.off, ["survey", "welcome"]);
    assert_eq!(config.mail.locale, "de");
    assert_eq!(source_of(&config, "mail.from"), Source::File);
    let other = loaded(&files, &[("TOLLGATE_MAIL_FROM", "b@example.com")]);
    assert_eq!(other.mail.from.map(|it| it.address).as_deref(), Some("b@example.com"));
}

#[test]
fn what_cannot_be_a_mail_setting_is_refused_with_what_is_allowed() {
    let file = |text: &str| refused(&[("tollgate.toml", &format!("[mail]\n{text}"))], &[]);
    let unknown = file("off = [\"reciept\"]");
    assert!(unknown.contains("mail.off") && unknown.contains("receipt"), "{unknown}");
    assert!(file("form = \"a@example.com\"").contains("mail.from"));
    assert!(file("from = \"nobody\"").contains("billing@example.com"));
    assert!(file("operator = \"a@b\\r\\nBcc: x@y.z\"").contains("mail.operator"));
    assert!(file("survey_url = \"javascript:alert(1)\"").contains("mail.survey_url"));
    assert!(file("locale = \"d\"").contains("mail.locale"));
    assert!(file("templates = \"nowhere\"").contains("nowhere"));
    let secret = refused(&[], &[("TOLLGATE_SMTP_URL", "http://user:hunter2@example.com")]);
    assert!(secret.contains("smtp://") && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn the_password_of_the_mail_server_is_not_shown() {
    let config = loaded(&[], &[("TOLLGATE_SMTP_URL", "smtps://user:hunter2@mail.example.com:465")]);
    let shown = format!("{config:?} {:?}", config.describe());
    assert!(!shown.contains("hunter2") && shown.contains("mail.example.com"), "{shown}");
    assert!(config.mail.smtp_url.is_some());
}

#[test]
fn templates_are_read_from_beside_the_file() {
    let place = Place::new(&[("tollgate.toml", "[mail]\ntemplates = \"mails\"")]);
    let mails = place.0.path().join("mails");
    std::fs::create_dir(&mails).expect("it can be made");
    for (name, text) in [("receipt.en.toml", "a"), ("layout.mjml", "b"), ("README.md", "c")] {
        std::fs::write(mails.join(name), text).expect("it can be written");
    }
    let found = place.load(&[]).expect("they are read").mail.templates;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["layout.mjml", "receipt.en.toml"]);
}
