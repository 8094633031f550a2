//! Coupons and promotion codes from the command line, at an offline Stripe.

use tollgate_sandbox::server::{Options, Sandbox};

use crate::home::Home;

/// An offline Stripe, and a directory that sells there.
fn with_stripe(mut home: Home) -> (Home, Sandbox, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    home.set("STRIPE_SECRET_KEY", "sk_test_0123456789");
    home.set("STRIPE_API_BASE", &sandbox.url());
    (home, sandbox, runtime)
}

fn made_listed_and_ended(home: Home) {
    let (home, sandbox, runtime) = with_stripe(home);
    let create = ["coupons", "create", "--id", "launch", "--percent-off", "20"];
    let made = home.run(&create).code(0).out;
    assert!(made.starts_with("launch ") && made.contains("20% off, once"), "{made}");
    let code =
        ["promotion-codes", "create", "launch", "--code", "LAUNCH", "--max-redemptions", "5"];
    let code = home.run(&[&code[..], &["--json"]].concat()).code(0).json();
    assert_eq!((&code["code"], &code["coupon"]), (&"LAUNCH".into(), &"launch".into()));
    let id = code["id"].as_str().expect("it has an id");

    let listed = home.run(&["coupons", "list", "--json"]).code(0).json();
    assert_eq!((&listed["id"], &listed["used"]), (&"launch".into(), &0.into()), "{listed}");
    let listed = home.run(&["promotion-codes", "list", "--coupon", "launch"]).code(0).out;
    assert!(listed.contains("LAUNCH") && listed.contains("used 0 of 5"), "{listed}");

    let ended = home.run(&["promotion-codes", "deactivate", id]).code(0).out;
    assert!(ended.contains("ended"), "{ended}");
    assert_eq!(home.run(&["coupons", "deactivate", "launch"]).code(0).out, "launch  ended\n");
    assert_eq!(home.run(&["coupons", "deactivate", "launch"]).code(1).out, "");
    assert_eq!(home.run(&["coupons", "list"]).code(0).out, "");
    runtime.block_on(sandbox.stop());
}

#[test]
fn coupons_and_codes_are_made_listed_and_ended() {
    made_listed_and_ended(Home::sqlite());
}

#[test]
fn coupons_and_codes_are_made_listed_and_ended_on_postgres() {
    made_listed_and_ended(Home::postgres());
}

#[test]
fn what_is_wrong_with_a_discount_is_said() {
    let home = Home::sqlite();
    assert_eq!(home.run(&["coupons", "list"]).code(2).out, "");
    let (home, sandbox, runtime) = with_stripe(home);
    for arguments in [
        &["coupons", "create"][..],
        &["coupons", "create", "--percent-off", "120"],
        &["coupons", "create", "--percent-off", "10", "--duration", "weekly"],
        &["coupons", "create", "--percent-off", "10", "--amount-off", "10", "--currency", "usd"],
        &["coupons", "create", "--percent-off", "10", "--plan", "gold"],
        &["coupons", "create", "--percent-off", "10", "--redeem-by", "soon"],
        &["promotion-codes", "create", "none"],
    ] {
        assert_eq!(home.run(arguments).code(2).out, "", "{arguments:?}");
    }
    runtime.block_on(sandbox.stop());
    assert_eq!(home.run(&["coupons", "list"]).code(3).out, "");
}
