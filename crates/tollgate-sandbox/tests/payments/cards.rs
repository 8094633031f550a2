//! Test cards and accounts: what they say, how they are declined, authenticated, debited.

use serde_json::{Value, json};
use tollgate_sandbox::Method::{self, Get, Post};

use crate::world::Sandbox;
use crate::{ENABLED, NEVER, charge, customer, decline, pay, payment, text};

/// Name, number, brand, funding, country: what a test card says of itself.
#[test]
fn test_cards_are_what_stripe_says() {
    let mut sandbox = Sandbox::new();
    for (name, number, brand, funding, country) in [
        ("visa", "4242424242424242", "visa", "credit", "US"),
        ("visa_debit", "4000056655665556", "visa", "debit", "US"),
        ("mastercard", "5555555555554444", "mastercard", "credit", "US"),
        ("mastercard_debit", "5200828282828210", "mastercard", "debit", "US"),
        ("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid", "US"),
        ("amex", "378282246310005", "amex", "credit", "US"),
        ("discover", "6011111111111117", "discover", "credit", "US"),
        ("diners", "3056930009020004", "diners", "credit", "US"),
        ("jcb", "3566002020360505", "jcb", "credit", "US"),
        ("unionpay", "6200000000000005", "unionpay", "credit", "US"),
        ("fr", "4000002500000003", "visa", "credit", "FR"),
        ("gb_debit", "4000058260000005", "visa", "debit", "GB"),
    ] {
        let paid = pay(&mut sandbox, &format!("pm_card_{name}"), &[]);
        assert_eq!(paid["status"], "succeeded", "{name}");
        let by_name =
            sandbox.get(&format!("/v1/payment_methods/{}", text(&paid["payment_method"])), &[]);
        let by_number = sandbox.post(
            "/v1/payment_methods",
            &[
                ("type", "card"),
                ("card[number]", number),
                ("card[exp_month]", "12"),
                ("card[exp_year]", "2040"),
            ],
        );
        let card = &by_number["card"];
        let says = [&card["brand"], &card["funding"], &card["country"], &card["last4"]];
        let last4 = &number[number.len() - 4..];
        assert_eq!(says, [brand, funding, country, last4], "{name}");
        assert_eq!(card["fingerprint"], by_name["card"]["fingerprint"], "{name}");
        assert_eq!(card["checks"]["cvc_check"], json!(null), "{name}");
        assert_eq!(by_name["card"]["checks"]["cvc_check"], "pass", "{name}");
        let charge = charge(&mut sandbox, &paid);
        assert_eq!(charge["payment_method_details"]["card"]["last4"], last4, "{name}");
        assert!(text(&charge["id"]).starts_with("ch_3"), "{name}");
    }
}

/// Name, number, code, decline code, whether it lets itself be attached.
const DECLINES: [(&str, &str, &str, &str, bool); 12] = [
    ("chargeDeclined", "4000000000000002", "card_declined", "generic_decline", false),
    ("visa_chargeDeclined", "4000000000000002", "card_declined", "generic_decline", false),
    (
        "visa_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "card_declined",
        "insufficient_funds",
        false,
    ),
    ("visa_chargeDeclinedLostCard", "4000000000009987", "card_declined", "lost_card", false),
    ("visa_chargeDeclinedStolenCard", "4000000000009979", "card_declined", "stolen_card", false),
    ("chargeDeclinedExpiredCard", "4000000000000069", "expired_card", "expired_card", false),
    ("chargeDeclinedIncorrectCvc", "4000000000000127", "incorrect_cvc", "incorrect_cvc", false),
    (
        "chargeDeclinedProcessingError",
        "4000000000000119",
        "processing_error",
        "processing_error",
        false,
    ),
    (
        "visa_chargeDeclinedVelocityLimitExceeded",
        "4000000000006975",
        "card_declined",
        "card_velocity_exceeded",
        false,
    ),
    ("chargeCustomerFail", "4000000000000341", "card_declined", "generic_decline", true),
    ("radarBlock", "4100000000000019", "card_declined", "fraudulent", true),
    ("visa_chargeDeclinedFraudulent", "4100000000000019", "card_declined", "fraudulent", true),
];

#[test]
fn declined_cards_leave_a_charge_and_an_intent_that_wants_another() {
    let mut sandbox = Sandbox::new();
    for (name, number, code, decline_code, attaches) in DECLINES {
        let name = format!("pm_card_{name}");
        let error = decline(&mut sandbox, &name, &[]);
        let said = [&error["type"], &error["code"], &error["decline_code"]];
        assert_eq!(said, ["card_error", code, decline_code], "{name}");
        let intent = &error["payment_intent"];
        assert_eq!(intent["status"], "requires_payment_method", "{name}");
        assert_eq!(intent["payment_method"], json!(null), "{name}");
        assert_eq!(intent["last_payment_error"]["code"], code, "{name}");
        assert_eq!(intent["latest_charge"], error["charge"], "{name}");
        let charge = charge(&mut sandbox, intent);
        assert_eq!([&charge["status"], &charge["failure_code"]], ["failed", code], "{name}");
        assert_eq!(charge["balance_transaction"], json!(null), "{name}");
        let last4 = &charge["payment_method_details"]["card"]["last4"];
        assert_eq!(*last4, number[12..], "{name}");
        assert_eq!(
            sandbox.told(),
            ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"],
            "{name}"
        );
        let customer = customer(&mut sandbox);
        let path = format!("/v1/payment_methods/{name}/attach");
        let answer = sandbox.answer(Post, &path, &[("customer", &customer)]);
        assert_eq!(answer.status == 200, attaches, "{name}: {}", answer.body);
        sandbox.told();
    }
}

/// Card; status when the customer is there; status or code when they are not; the same after
/// they agreed to that.
#[test]
fn authentication_depends_on_the_card_and_on_who_is_there() {
    for (name, here, away, agreed) in [
        ("visa", "succeeded", "succeeded", "succeeded"),
        (
            "threeDSecure2Required",
            "requires_action",
            "authentication_required",
            "authentication_required",
        ),
        (
            "authenticationRequired",
            "requires_action",
            "authentication_required",
            "authentication_required",
        ),
        (
            "authenticationRequiredOnSetup",
            "requires_action",
            "authentication_required",
            "succeeded",
        ),
        ("authenticationRequiredSetupForOffSession", "requires_action", "succeeded", "succeeded"),
        ("threeDSecureOptional", "succeeded", "succeeded", "succeeded"),
    ] {
        let mut sandbox = Sandbox::new();
        let customer = customer(&mut sandbox);
        let attach = format!("/v1/payment_methods/pm_card_{name}/attach");
        let method = text(&sandbox.post(&attach, &[("customer", &customer)])["id"]);
        let status = |sandbox: &mut Sandbox, off_session: &str| {
            let more = [("customer", customer.as_str()), ("off_session", off_session)];
            let answer = sandbox.answer(Post, "/v1/payment_intents", &payment(&method, &more));
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            let said = if answer.status == 200 { &body["status"] } else { &body["error"]["code"] };
            text(said)
        };
        assert_eq!(status(&mut sandbox, "false"), here, "{name}");
        assert_eq!(status(&mut sandbox, "true"), away, "{name}");
        let setup = sandbox.post(
            "/v1/setup_intents",
            &[
                ("customer", &customer),
                ("payment_method", &method),
                ("confirm", "true"),
                NEVER,
                ENABLED,
            ],
        );
        if setup["status"] == "requires_action" {
            let path = format!("/_sandbox/authenticate/{}", text(&setup["id"]));
            assert_eq!(sandbox.post(&path, &[("outcome", "complete")])["status"], "succeeded");
        }
        assert_eq!(status(&mut sandbox, "true"), agreed, "{name}");
        assert_eq!(status(&mut sandbox, "false"), here, "{name}");
    }
}

#[test]
fn an_authentication_succeeds_or_fails() {
    let mut sandbox = Sandbox::new();
    let asked = pay(&mut sandbox, "pm_card_threeDSecure2Required", &[]);
    assert_eq!(asked["next_action"]["type"], "use_stripe_sdk");
    assert_eq!(sandbox.told(), ["payment_intent.created", "payment_intent.requires_action"]);
    let path = format!("/_sandbox/authenticate/{}", text(&asked["id"]));
    let (status, error) = sandbox.refused(Post, &path, &[("outcome", "fail")]);
    assert_eq!((status, &error["code"]), (400, &json!("payment_intent_authentication_failure")));
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(sandbox.told(), ["payment_intent.payment_failed"]);

    let back = [("return_url", "https://example.com/back")];
    let asked = pay(&mut sandbox, "pm_card_threeDSecure2Required", &back);
    let action = &asked["next_action"];
    assert_eq!(action["redirect_to_url"]["return_url"], "https://example.com/back");
    let path = format!("/_sandbox/authenticate/{}", text(&asked["id"]));
    let paid = sandbox.post(&path, &[("outcome", "complete")]);
    assert_eq!([&paid["status"], &paid["next_action"]], [&json!("succeeded"), &json!(null)]);
    let charge = charge(&mut sandbox, &paid);
    let secure = &charge["payment_method_details"]["card"]["three_d_secure"];
    assert_eq!(secure["result"], "authenticated");

    let then = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds";
    let asked = pay(&mut sandbox, then, &[]);
    let path = format!("/_sandbox/authenticate/{}", text(&asked["id"]));
    let (_, error) = sandbox.refused(Post, &path, &[("outcome", "complete")]);
    assert_eq!(error["decline_code"], "insufficient_funds");
}

#[test]
fn cards_may_be_asked_to_authenticate_any_payment() {
    let mut sandbox = Sandbox::new();
    let any = [("payment_method_options[card][request_three_d_secure]", "any")];
    assert_eq!(pay(&mut sandbox, "pm_card_visa", &any)["status"], "requires_action");
    let never = [("error_on_requires_action", "true")];
    let error = decline(&mut sandbox, "pm_card_authenticationRequired", &never);
    assert_eq!(error["code"], "authentication_required");
}

fn debit(sandbox: &mut Sandbox, iban: &str) -> Value {
    let method = sandbox.post(
        "/v1/payment_methods",
        &[
            ("type", "sepa_debit"),
            ("sepa_debit[iban]", iban),
            ("billing_details[name]", "Ada"),
            ("billing_details[email]", "ada@example.com"),
        ],
    );
    let method = text(&method["id"]);
    sandbox.post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "eur"),
            ("confirm", "true"),
            ("payment_method", &method),
            NEVER,
            ENABLED,
        ],
    )
}

/// IBAN, seconds, status then, events then.
#[test]
fn debits_are_answered_later() {
    let arrives: &[&str] = &["charge.succeeded", "payment_intent.succeeded"];
    let bounces: &[&str] = &["charge.failed", "payment_intent.payment_failed"];
    let disputed: &[&str] = &[
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.updated",
        "charge.dispute.closed",
    ];
    for (iban, secs, status, told) in [
        ("AT611904300234573201", 10, "succeeded", arrives),
        ("AT32 1904 3002 3547 3204", 10, "processing", &[][..]),
        ("AT321904300235473204", 180, "succeeded", arrives),
        ("AT861904300235473202", 10, "requires_payment_method", bounces),
        ("AT051904300235473205", 180, "requires_payment_method", bounces),
        ("IT60X0542811101000000123456", 10, "requires_payment_method", bounces),
        ("AT591904300235473203", 10, "succeeded", disputed),
    ] {
        let mut sandbox = Sandbox::new();
        let begun = debit(&mut sandbox, iban);
        assert_eq!(begun["status"], "processing", "{iban}");
        let first = ["payment_intent.created", "charge.pending", "payment_intent.processing"];
        assert_eq!(sandbox.told(), first, "{iban}");
        let pending = charge(&mut sandbox, &begun);
        assert!(text(&pending["id"]).starts_with("py_3"), "{iban}");
        let mandate = &pending["payment_method_details"]["sepa_debit"]["mandate"];
        assert!(text(mandate).starts_with("mandate_"), "{iban}");
        sandbox.pass(secs);
        let path = format!("/v1/payment_intents/{}", text(&begun["id"]));
        assert_eq!(sandbox.get(&path, &[])["status"], status, "{iban}");
        assert_eq!(sandbox.told(), told, "{iban}");
    }
}

/// Name, status after it settled.
#[test]
fn us_accounts_are_debited() {
    for (name, status) in [
        ("success", "succeeded"),
        ("accountClosed", "requires_payment_method"),
        ("insufficientFunds", "requires_payment_method"),
        ("debitNotAuthorized", "requires_payment_method"),
        ("processing", "processing"),
    ] {
        let mut sandbox = Sandbox::new();
        let begun = pay(&mut sandbox, &format!("pm_usBankAccount_{name}"), &[]);
        assert_eq!(begun["status"], "processing", "{name}");
        sandbox.pass(10);
        let path = format!("/v1/payment_intents/{}", text(&begun["id"]));
        let end = sandbox.get(&path, &[]);
        assert_eq!(end["status"], status, "{name}");
        sandbox.told();
    }
}

/// Cards fail whatever they are, for one customer or for all.
#[test]
fn cards_can_be_let_fail_from_now_on() {
    let mut sandbox = Sandbox::new();
    let (ada, bob) = (customer(&mut sandbox), customer(&mut sandbox));
    let code = "insufficient_funds";
    let fail = [("customer", ada.as_str()), ("fail", "true"), ("decline_code", code)];
    sandbox.answer(Post, "/_sandbox/cards", &fail);
    let error = decline(&mut sandbox, "pm_card_visa", &[("customer", &ada)]);
    assert_eq!(error["decline_code"], "insufficient_funds");
    assert_eq!(pay(&mut sandbox, "pm_card_visa", &[("customer", &bob)])["status"], "succeeded");
    sandbox.answer(Post, "/_sandbox/cards", &[("customer", &ada), ("fail", "false")]);
    assert_eq!(pay(&mut sandbox, "pm_card_visa", &[("customer", &ada)])["status"], "succeeded");
    sandbox.answer(Post, "/_sandbox/cards", &[("fail", "true"), ("decline_code", "lost_card")]);
    assert_eq!(decline(&mut sandbox, "pm_card_visa", &[])["decline_code"], "lost_card");
}

/// What the page of a bank is answered.
fn page(sandbox: &mut Sandbox, method: Method, path: &str, params: &[(&str, &str)]) -> Value {
    let answer = sandbox.answer(method, path, params);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("it is JSON")
}

#[test]
fn the_banks_page_confirms_and_leads_back() {
    let mut sandbox = Sandbox::new();
    let back = [("return_url", "https://example.com/back?cart=7#end")];
    for (outcome, redirect, status) in
        [("complete", "succeeded", "succeeded"), ("fail", "failed", "requires_payment_method")]
    {
        let asked = pay(&mut sandbox, "pm_card_threeDSecure2Required", &back);
        let id = text(&asked["id"]);
        let url = text(&asked["next_action"]["redirect_to_url"]["url"]);
        assert!(url.ends_with(&format!("/authenticate/{id}")), "{url}");
        let path = format!("/_pages/authenticate/{id}");
        let shown = page(&mut sandbox, Get, &path, &[]);
        assert_eq!((&shown["waits"], &shown["amount"]), (&json!(true), &asked["amount"]));
        assert_eq!(shown["back_url"], back[0].1);

        let done = page(&mut sandbox, Post, &format!("{path}/answer"), &[("outcome", outcome)]);
        let secret = text(&asked["client_secret"]);
        let told = format!("payment_intent={id}&payment_intent_client_secret={secret}");
        let url = format!("https://example.com/back?cart=7&{told}&redirect_status={redirect}#end");
        assert_eq!((&done["status"], &done["back_url"]), (&json!(redirect), &json!(url)));
        let intent = sandbox.get(&format!("/v1/payment_intents/{id}"), &[]);
        assert_eq!((&intent["status"], intent.get("return_url")), (&json!(status), None));
        let shown = page(&mut sandbox, Get, &path, &[]);
        assert_eq!((&shown["waits"], &shown["back_url"]), (&json!(false), &json!(back[0].1)));
        let again = sandbox.refused(Post, &format!("{path}/answer"), &[("outcome", outcome)]);
        assert_eq!(again.0, 409);
    }
}

#[test]
fn the_banks_page_confirms_a_card_that_is_saved() {
    let mut sandbox = Sandbox::new();
    let asked = sandbox.post(
        "/v1/setup_intents",
        &[
            ("payment_method", "pm_card_threeDSecure2Required"),
            ("confirm", "true"),
            ("return_url", "https://example.com/back"),
        ],
    );
    let path = format!("/_pages/authenticate/{}", text(&asked["id"]));
    assert_eq!(page(&mut sandbox, Get, &path, &[])["amount"], json!(null));
    let done = page(&mut sandbox, Post, &format!("{path}/answer"), &[("outcome", "complete")]);
    let url = text(&done["back_url"]);
    assert!(url.starts_with("https://example.com/back?setup_intent=seti_"), "{url}");
    let path = format!("/v1/setup_intents/{}", text(&asked["id"]));
    assert_eq!(sandbox.get(&path, &[])["status"], "succeeded");
}
