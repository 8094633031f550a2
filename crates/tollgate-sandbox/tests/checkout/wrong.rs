//! What a session or a portal must not be made of, as a table: the parameters, the one that the
//! refusal names, and a part of what it says.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::shop::{SESSIONS, fill, stocked};

/// `{pro}` and `{year}` are recurring prices, `{pen}` a one-time price, `{usd}` one in dollars,
/// `{old}` an inactive one, `{someone}` a customer, `{product}` what `{pen}` is a price of. `+N` is N seconds from now.
type Row = (&'static str, Params, &'static str, &'static str);
pub type Params = &'static [(&'static str, &'static str)];

const HOSTED: (&str, &str) = ("success_url", "https://a.example.com/ok");
const PAYMENT: (&str, &str) = ("mode", "payment");
const SUBSCRIPTION: (&str, &str) = ("mode", "subscription");
const SETUP: (&str, &str) = ("mode", "setup");
const PEN: (&str, &str) = ("line_items[0][price]", "{pen}");
const PRO: (&str, &str) = ("line_items[0][price]", "{pro}");
const ONE: (&str, &str) = ("line_items[0][quantity]", "1");
const EMBEDDED: (&str, &str) = ("ui_mode", "embedded_page");
const RETURN: (&str, &str) = ("return_url", "https://a.example.com/back");

const ROWS: &[Row] = &[
    ("no mode", &[HOSTED, PEN, ONE], "mode", "Missing"),
    ("another mode", &[("mode", "rent"), HOSTED, PEN, ONE], "mode", "must be one of"),
    (
        "another ui_mode",
        &[("ui_mode", "popup"), PAYMENT, PEN, ONE, HOSTED],
        "ui_mode",
        "must be one of",
    ),
    (
        "a form",
        &[("ui_mode", "form"), PAYMENT, PEN, ONE, RETURN],
        "ui_mode",
        "not part of the sandbox",
    ),
    ("an unknown parameter", &[PAYMENT, PEN, ONE, HOSTED, ("colour", "red")], "colour", "unknown"),
    ("no success_url", &[PAYMENT, PEN, ONE], "success_url", "Missing"),
    ("no address", &[PAYMENT, PEN, ONE, ("success_url", "ok")], "success_url", "URL"),
    (
        "no address to cancel",
        &[PAYMENT, PEN, ONE, HOSTED, ("cancel_url", "/back")],
        "cancel_url",
        "URL",
    ),
    ("hosted with return_url", &[PAYMENT, PEN, ONE, HOSTED, RETURN], "return_url", "hosted_page"),
    (
        "hosted with redirect",
        &[PAYMENT, PEN, ONE, HOSTED, ("redirect_on_completion", "never")],
        "redirect_on_completion",
        "hosted_page",
    ),
    ("embedded without return_url", &[EMBEDDED, PAYMENT, PEN, ONE], "return_url", "Missing"),
    (
        "embedded with success_url",
        &[EMBEDDED, PAYMENT, PEN, ONE, HOSTED, RETURN],
        "success_url",
        "embedded_page",
    ),
    (
        "embedded with cancel_url",
        &[EMBEDDED, PAYMENT, PEN, ONE, RETURN, ("cancel_url", "https://a.example.com")],
        "cancel_url",
        "embedded_page",
    ),
    (
        "embedded, never redirecting, with return_url",
        &[EMBEDDED, PAYMENT, PEN, ONE, RETURN, ("redirect_on_completion", "never")],
        "return_url",
        "never",
    ),
    (
        "elements with success_url",
        &[("ui_mode", "elements"), PAYMENT, PEN, ONE, HOSTED],
        "success_url",
        "elements",
    ),
    (
        "elements with submit_type",
        &[("ui_mode", "elements"), PAYMENT, PEN, ONE, RETURN, ("submit_type", "book")],
        "submit_type",
        "elements",
    ),
    (
        "elements with after_expiration",
        &[
            ("ui_mode", "elements"),
            PAYMENT,
            PEN,
            ONE,
            RETURN,
            ("after_expiration[recovery][enabled]", "true"),
        ],
        "after_expiration",
        "elements",
    ),
    ("a payment without lines", &[PAYMENT, HOSTED], "line_items", "required"),
    ("a subscription without lines", &[SUBSCRIPTION, HOSTED], "line_items", "required"),
    ("a setup with lines", &[SETUP, HOSTED, PEN, ONE, ("currency", "eur")], "line_items", "setup"),
    ("a setup without currency", &[SETUP, HOSTED], "currency", "Missing"),
    (
        "a setup with discounts",
        &[SETUP, HOSTED, ("currency", "eur"), ("discounts[0][coupon]", "x")],
        "discounts",
        "setup",
    ),
    (
        "a setup with codes",
        &[SETUP, HOSTED, ("currency", "eur"), ("allow_promotion_codes", "true")],
        "allow_promotion_codes",
        "setup",
    ),
    ("a recurring price in a payment", &[PAYMENT, HOSTED, PRO, ONE], "line_items", "recurring"),
    (
        "only one-time prices in a subscription",
        &[SUBSCRIPTION, HOSTED, PEN, ONE],
        "line_items",
        "at least one recurring",
    ),
    (
        "two intervals",
        &[
            SUBSCRIPTION,
            HOSTED,
            PRO,
            ONE,
            ("line_items[1][price]", "{year}"),
            ("line_items[1][quantity]", "1"),
        ],
        "line_items",
        "intervals",
    ),
    (
        "two currencies",
        &[
            PAYMENT,
            HOSTED,
            PEN,
            ONE,
            ("line_items[1][price]", "{usd}"),
            ("line_items[1][quantity]", "1"),
        ],
        "line_items",
        "one currency",
    ),
    ("another currency", &[PAYMENT, HOSTED, PEN, ONE, ("currency", "usd")], "currency", "eur"),
    (
        "no such price",
        &[PAYMENT, HOSTED, ("line_items[0][price]", "price_none"), ONE],
        "line_items[0][price]",
        "No such price",
    ),
    (
        "an inactive price",
        &[PAYMENT, HOSTED, ("line_items[0][price]", "{old}"), ONE],
        "line_items[0][price]",
        "inactive",
    ),
    ("no price", &[PAYMENT, HOSTED, ONE], "line_items[0][price]", "Missing"),
    ("no quantity", &[PAYMENT, HOSTED, PEN], "line_items[0][quantity]", "Missing"),
    (
        "none of it",
        &[PAYMENT, HOSTED, PEN, ("line_items[0][quantity]", "0")],
        "line_items[0][quantity]",
        "between",
    ),
    (
        "too much of it",
        &[PAYMENT, HOSTED, PEN, ("line_items[0][quantity]", "1000000")],
        "line_items[0][quantity]",
        "between",
    ),
    (
        "price and price_data",
        &[PAYMENT, HOSTED, PEN, ONE, ("line_items[0][price_data][currency]", "eur")],
        "line_items[0][price_data]",
        "only specify one",
    ),
    (
        "price_data without an amount",
        &[
            PAYMENT,
            HOSTED,
            ONE,
            ("line_items[0][price_data][currency]", "eur"),
            ("line_items[0][price_data][product_data][name]", "Pen"),
        ],
        "line_items[0][price_data][unit_amount]",
        "unit_amount",
    ),
    (
        "limits the wrong way round",
        &[
            PAYMENT,
            HOSTED,
            PEN,
            ONE,
            ("line_items[0][adjustable_quantity][enabled]", "true"),
            ("line_items[0][adjustable_quantity][minimum]", "5"),
            ("line_items[0][adjustable_quantity][maximum]", "2"),
        ],
        "line_items[0][adjustable_quantity][minimum]",
        "less than",
    ),
    (
        "too little to charge",
        &[
            PAYMENT,
            HOSTED,
            ONE,
            ("line_items[0][price_data][currency]", "eur"),
            ("line_items[0][price_data][unit_amount]", "20"),
            ("line_items[0][price_data][product_data][name]", "Pen"),
        ],
        "line_items",
        "at least",
    ),
    (
        "customer and e-mail",
        &[PAYMENT, HOSTED, PEN, ONE, ("customer", "{someone}"), ("customer_email", "a@b.co")],
        "customer",
        "only specify one",
    ),
    (
        "customer and customer_creation",
        &[PAYMENT, HOSTED, PEN, ONE, ("customer", "{someone}"), ("customer_creation", "always")],
        "customer",
        "only specify one",
    ),
    (
        "no such customer",
        &[PAYMENT, HOSTED, PEN, ONE, ("customer", "cus_none")],
        "customer",
        "No such customer",
    ),
    (
        "no e-mail address",
        &[PAYMENT, HOSTED, PEN, ONE, ("customer_email", "ada")],
        "customer_email",
        "ada",
    ),
    (
        "customer_update of nobody",
        &[PAYMENT, HOSTED, PEN, ONE, ("customer_update[name]", "auto")],
        "customer_update",
        "customer",
    ),
    (
        "customer_creation in a subscription",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("customer_creation", "always")],
        "customer_creation",
        "subscription",
    ),
    (
        "codes and discounts",
        &[
            PAYMENT,
            HOSTED,
            PEN,
            ONE,
            ("allow_promotion_codes", "true"),
            ("discounts[0][coupon]", "x"),
        ],
        "allow_promotion_codes",
        "only specify one",
    ),
    (
        "two discounts",
        &[PAYMENT, HOSTED, PEN, ONE, ("discounts[0][coupon]", "x"), ("discounts[1][coupon]", "y")],
        "discounts",
        "at most",
    ),
    (
        "coupon and code at once",
        &[
            PAYMENT,
            HOSTED,
            PEN,
            ONE,
            ("discounts[0][coupon]", "x"),
            ("discounts[0][promotion_code]", "y"),
        ],
        "discounts",
        "one of these",
    ),
    (
        "no such coupon",
        &[PAYMENT, HOSTED, PEN, ONE, ("discounts[0][coupon]", "none")],
        "discounts",
        "No such coupon",
    ),
    (
        "no such code",
        &[PAYMENT, HOSTED, PEN, ONE, ("discounts[0][promotion_code]", "promo_none")],
        "discounts",
        "No such promotion code",
    ),
    (
        "it expires too soon",
        &[PAYMENT, HOSTED, PEN, ONE, ("expires_at", "+1799")],
        "expires_at",
        "30 minutes",
    ),
    (
        "it expires too late",
        &[PAYMENT, HOSTED, PEN, ONE, ("expires_at", "+86401")],
        "expires_at",
        "24 hours",
    ),
    (
        "subscription_data in a payment",
        &[PAYMENT, HOSTED, PEN, ONE, ("subscription_data[description]", "x")],
        "subscription_data",
        "payment",
    ),
    (
        "payment_intent_data in a subscription",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("payment_intent_data[description]", "x")],
        "payment_intent_data",
        "subscription",
    ),
    (
        "setup_intent_data in a payment",
        &[PAYMENT, HOSTED, PEN, ONE, ("setup_intent_data[description]", "x")],
        "setup_intent_data",
        "payment",
    ),
    (
        "payment_method_collection in a payment",
        &[PAYMENT, HOSTED, PEN, ONE, ("payment_method_collection", "always")],
        "payment_method_collection",
        "payment",
    ),
    (
        "submit_type in a setup",
        &[SETUP, HOSTED, ("currency", "eur"), ("submit_type", "pay")],
        "submit_type",
        "setup",
    ),
    (
        "two ends of a trial",
        &[
            SUBSCRIPTION,
            HOSTED,
            PRO,
            ONE,
            ("subscription_data[trial_period_days]", "7"),
            ("subscription_data[trial_end]", "+864000"),
        ],
        "subscription_data[trial_end]",
        "only specify one",
    ),
    (
        "a trial of a day and a half",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[trial_end]", "+129600")],
        "subscription_data[trial_end]",
        "2 days",
    ),
    (
        "a trial of no days",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[trial_period_days]", "0")],
        "subscription_data[trial_period_days]",
        "between",
    ),
    (
        "a trial of three years",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[trial_period_days]", "1000")],
        "subscription_data[trial_period_days]",
        "between",
    ),
    (
        "an anchor with a trial",
        &[
            SUBSCRIPTION,
            HOSTED,
            PRO,
            ONE,
            ("subscription_data[billing_cycle_anchor]", "+864000"),
            ("subscription_data[trial_period_days]", "7"),
        ],
        "subscription_data[billing_cycle_anchor]",
        "trial",
    ),
    (
        "an anchor in the past",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[billing_cycle_anchor]", "+0")],
        "subscription_data[billing_cycle_anchor]",
        "future",
    ),
    (
        "an anchor after the first renewal",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[billing_cycle_anchor]", "+3456000")],
        "subscription_data[billing_cycle_anchor]",
        "natural",
    ),
    (
        "prorations of no anchor",
        &[SUBSCRIPTION, HOSTED, PRO, ONE, ("subscription_data[proration_behavior]", "none")],
        "subscription_data[proration_behavior]",
        "billing_cycle_anchor",
    ),
    (
        "methods that the sandbox has not",
        &[PAYMENT, HOSTED, PEN, ONE, ("allowed_payment_method_types[0]", "paypal")],
        "allowed_payment_method_types",
        "left",
    ),
    (
        "a charge that is captured later by a card's own option",
        &[PAYMENT, HOSTED, PEN, ONE, ("payment_method_options[card][capture_method]", "manual")],
        "payment_method_options[card][capture_method]",
        "not part of the sandbox",
    ),
    (
        "custom fields",
        &[
            PAYMENT,
            HOSTED,
            PEN,
            ONE,
            ("custom_fields[0][key]", "a"),
            ("custom_fields[0][type]", "text"),
            ("custom_fields[0][label][type]", "custom"),
            ("custom_fields[0][label][custom]", "A"),
        ],
        "custom_fields",
        "not part of the sandbox",
    ),
    (
        "shipping options",
        &[PAYMENT, HOSTED, PEN, ONE, ("shipping_options[0][shipping_rate]", "shr_1")],
        "shipping_options",
        "not part of the sandbox",
    ),
    (
        "a fee",
        &[PAYMENT, HOSTED, PEN, ONE, ("payment_intent_data[application_fee_amount]", "5")],
        "payment_intent_data[application_fee_amount]",
        "not part of the sandbox",
    ),
    (
        "an invoice of a payment",
        &[PAYMENT, HOSTED, PEN, ONE, ("invoice_creation[enabled]", "true")],
        "invoice_creation[enabled]",
        "not part of the sandbox",
    ),
    (
        "tax rates",
        &[PAYMENT, HOSTED, PEN, ONE, ("line_items[0][tax_rates][0]", "txr_1")],
        "line_items[0][tax_rates]",
        "not part of the sandbox",
    ),
];

/// Wrong combinations fail here as they would fail at Stripe, not in production.
#[test]
fn wrong_sessions_are_refused_by_their_parameter() {
    assert!(ROWS.len() >= 50, "{} rows", ROWS.len());
    let (mut shop, names) = stocked();
    for (title, params, param, says) in ROWS {
        let filled: Vec<(&str, String)> =
            params.iter().map(|(name, value)| (*name, fill(value, &names))).collect();
        let params: Vec<(&str, &str)> =
            filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, error) = shop.sandbox.refused(Method::Post, SESSIONS, &params);
        assert_eq!((status, &error["type"]), (400, &json!("invalid_request_error")), "{title}");
        assert_eq!(error["param"], *param, "{title}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says), "{title}: {message}");
    }
    assert_eq!(shop.sandbox.told(), Vec::<String>::new(), "a refused call leaves nothing");
    assert_eq!(shop.sandbox.get(SESSIONS, &[])["data"], json!([]));
}
