//! What each template may get, once in full and once with as little as possible: with these every
//! template is tried before the server starts.

use serde_json::{Value, json};

/// Returns views for every page, by the template's name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let pages = [
        ("pricing.html", pricing()),
        ("account.html", account()),
        ("cancel.html", cancel()),
        ("change.html", change()),
        ("checkout.html", checkout()),
        ("message.html", message()),
    ];
    let framed = |(name, mut view): (&'static str, Value)| {
        let mut bare = bare(&view);
        view["page"] = frame();
        bare["page"] = frame();
        for key in ["support_email", "signed_in", "form", "help"] {
            bare["page"][key] = Value::Null;
        }
        bare["page"]["brand"]["logo"] = Value::Null;
        bare["page"]["is_test"] = false.into();
        [(name, view), (name, bare)]
    };
    pages.into_iter().flat_map(framed).collect()
}

/// The same with empty lists and without what may be missing.
fn bare(view: &Value) -> Value {
    let mut bare = view.clone();
    for (name, value) in bare.as_object_mut().into_iter().flatten() {
        let may_be_missing = ["notice", "pending", "resume", "way", "other_way", "nothing_due"];
        match value {
            _ if may_be_missing.contains(&name.as_str()) => *value = Value::Null,
            Value::Array(items) => items.clear(),
            Value::Bool(it) => *it = false,
            _ => {}
        }
    }
    bare
}

fn frame() -> Value {
    json!({
        "brand": {
            "name": "Example",
            "logo": "https://example.com/logo.svg",
            "app_url": "https://app.example.com",
        },
        "support_email": "help@example.com",
        "base": "",
        "style": "/pages/style.css?1",
        "is_test": true,
        "signed_in": "Signed in as ada@example.com",
        "form": "00",
        "path": "/pricing",
        "back": "Back to Example",
        "help": "Questions? Write to help@example.com",
        "languages": [
            { "lang": "en", "name": "English", "url": "/pricing?locale=en", "is_this": true },
            { "lang": "de", "name": "Deutsch", "url": "/pricing?locale=de", "is_this": false },
        ],
    })
}

fn pricing() -> Value {
    let price = |shown_for: Value, amount: Value, action: Value| {
        json!({
            "shown_for": shown_for, "amount": amount, "per": "per month", "usage": "By usage",
            "trial": "14 days free, then $29 per month", "action": action,
        })
    };
    let prices = [
        price(
            json!("0 1"),
            json!("$29"),
            json!({ "kind": "buy", "period": "monthly", "text": "Choose Pro", "is_main": true }),
        ),
        price(
            json!(null),
            json!(null),
            json!({ "kind": "link", "url": "/account", "text": "Change", "is_main": false }),
        ),
        price(json!(null), json!("$499"), json!({ "kind": "none", "text": "Yours" })),
    ];
    json!({
        "title": "Pricing",
        "heading": "Choose your plan",
        "lead": "Change whenever you like.",
        "note": "You pay on Stripe's page.",
        "periods": [
            { "index": 0, "name": "monthly", "title": "Monthly", "is_chosen": true, "save": null },
            { "index": 1, "name": "yearly", "title": "Yearly", "is_chosen": false, "save": "Save" },
        ],
        "offers": [
            {
                "plan": "pro", "title": "Pro", "description": "For a living.",
                "features": ["Export"], "mark": "Your plan", "prices": prices,
            },
            {
                "plan": "basic", "title": "Basic", "description": null, "features": [],
                "mark": null, "prices": [],
            },
        ],
    })
}

fn account() -> Value {
    json!({
        "title": "Your plan",
        "heading": "You are on Pro.",
        "lead": "It renews on 1 December 2026.",
        "mood": "good",
        "notice": "Done.",
        "remarks": ["A change waits for its payment."],
        "plan": "Pro",
        "status": "Active",
        "facts": [{ "name": "Price", "value": "$29 per month" }],
        "features": ["Export"],
        "can_change": true,
        "can_cancel": true,
        "resume": "Keep Pro",
        "has_portal": true,
        "must_pay": true,
        "pending": {
            "kind": "payment",
            "text": "Pro waits for $11.33",
            "lead": "Until then nothing changes.",
            "pay": "https://invoice.example.com/1",
        },
    })
}

fn cancel() -> Value {
    json!({
        "title": "Cancel",
        "heading": "Cancel Pro?",
        "lead": "You keep it until 1 December 2026.",
        "confirm": "Yes, cancel",
        "keep": "Keep Pro",
    })
}

fn change() -> Value {
    json!({
        "title": "Check the change",
        "heading": "Change to Pro?",
        "lead": "From Basic to Pro",
        "notice": "The amount has changed.",
        "times": [
            { "url": "/account/change?when=now", "text": "Now", "is_this": true },
            { "url": "/account/change?when=period_end", "text": "Later", "is_this": false },
        ],
        "lines": [{ "description": "Remaining time on Pro", "amount": "$19.33" }],
        "due": "Due now",
        "amount": "$11.33",
        "nothing_due": "Nothing is charged now.",
        "effect": "The new plan starts as soon as it is paid.",
        "confirm": "Pay $11.33 and change",
        "plan": "pro",
        "period": "monthly",
        "when": "now",
        "preview": "00.00",
    })
}

fn checkout() -> Value {
    json!({
        "title": "Checkout",
        "heading": "Pro, $29 per month",
        "plan": "pro",
        "period": "monthly",
        "stripe_js": "https://js.stripe.com/v3/",
        "client_secret": "cs_test_1_secret_1",
        "publishable_key": "pk_test_1",
    })
}

fn message() -> Value {
    json!({
        "title": "Checkout",
        "mood": "good",
        "heading": "Thank you. Pro is yours.",
        "lead": "It is switched on already.",
        "features": ["Export"],
        "way": { "url": "/account", "text": "Manage your plan" },
        "other_way": { "url": "https://app.example.com", "text": "Back to Example" },
    })
}
