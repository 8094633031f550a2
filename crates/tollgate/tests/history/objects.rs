//! Stripe's objects and events written by hand, as small as they can be, all of one customer and
//! one user unless a test says otherwise.

use serde_json::{Value, json};
use tollgate::rules::policy::{Policy, Rulebook};

use super::{DAY, Piece, START, plan};

pub const USER: &str = "user_1";
pub const CUSTOMER: &str = "cus_1";
/// When the current period of every subscription ends.
pub const PERIOD_END: i64 = START + 30 * DAY;

/// `pro` for `price_pro`, `team` for `price_team`, `lifetime` for `price_once`.
pub fn rulebook() -> Rulebook {
    Rulebook {
        plans: vec![
            plan("pro", 10, "monthly", "price_pro", &["export"]),
            plan("team", 20, "monthly", "price_team", &["api", "export"]),
            plan("lifetime", 30, "once", "price_once", &["export"]),
        ],
        any_price: None,
        policy: Policy::default(),
        accounts: Vec::new(),
        routes: tollgate::rules::routes::Routes::default(),
    }
}

/// An event about an object.
pub fn event(id: &str, kind: &str, created: i64, object: &Value) -> Piece {
    written(id, kind, created, json!({ "object": object }))
}

/// An event about an object that changed from what `previous` says.
pub fn change(id: &str, kind: &str, created: i64, object: &Value, previous: &Value) -> Piece {
    written(id, kind, created, json!({ "object": object, "previous_attributes": previous }))
}

/// A `customer.subscription.updated`.
pub fn updated(id: &str, created: i64, object: &Value, previous: &Value) -> Piece {
    change(id, "customer.subscription.updated", created, object, previous)
}

/// An event `at` seconds after the start about `sub_1`, which has this status then.
pub fn sub(id: &str, kind: &str, status: &str, at: i64) -> Piece {
    let ended = (status == "canceled").then_some(at);
    let object = with(&subscription("sub_1", status), &json!({ "ended_at": ended }));
    event(id, kind, START + at, &object)
}

/// The same as a `customer.subscription.updated`.
pub fn update(id: &str, status: &str, at: i64) -> Piece {
    sub(id, "customer.subscription.updated", status, at)
}

/// A good event about a customer and user of its own.
pub fn neighbour(number: usize) -> Piece {
    let subscription = with(
        &subscription(&format!("sub_n{number}"), "active"),
        &json!({
            "customer": format!("cus_n{number}"),
            "metadata": { "user_id": format!("neighbour_{number}") },
        }),
    );
    event(&format!("evt_n{number:02}"), "customer.subscription.created", START, &subscription)
}

#[expect(clippy::needless_pass_by_value, reason = "it is made where it is given")]
fn written(id: &str, kind: &str, created: i64, data: Value) -> Piece {
    let body = json!({
        "id": id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created,
        "data": data,
        "livemode": false,
        "type": kind,
    });
    Piece::new(body.to_string())
}

/// The same event, of a connected account.
pub fn of_account(piece: &Piece, account: &str) -> Piece {
    let mut body: Value = serde_json::from_str(&piece.body).expect("it is JSON");
    body["account"] = account.into();
    Piece::new(body.to_string())
}

/// The object with these fields instead of, or besides, its own.
pub fn with(object: &Value, fields: &Value) -> Value {
    let mut object = object.clone();
    for (key, value) in fields.as_object().expect("fields are an object") {
        object[key] = value.clone();
    }
    object
}

/// A subscription to `price_pro` that names the user.
pub fn subscription(id: &str, status: &str) -> Value {
    json!({
        "id": id,
        "object": "subscription",
        "customer": CUSTOMER,
        "status": status,
        "created": START,
        "currency": "usd",
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "items": items("price_pro", 1),
        "metadata": { "user_id": USER },
    })
}

pub fn items(price: &str, quantity: i64) -> Value {
    json!({ "object": "list", "has_more": false, "data": [{
        "id": "si_1",
        "object": "subscription_item",
        "price": { "id": price, "object": "price" },
        "quantity": quantity,
        "current_period_start": START,
        "current_period_end": PERIOD_END,
    }] })
}

/// A customer who names the user.
pub fn customer() -> Value {
    json!({
        "id": CUSTOMER,
        "object": "customer",
        "created": START,
        "metadata": { "user_id": USER },
    })
}

/// An invoice of `sub_1` over 2900, made in the second `created`.
pub fn invoice(id: &str, status: &str, created: i64) -> Value {
    let paid = status == "paid";
    json!({
        "id": id,
        "object": "invoice",
        "customer": CUSTOMER,
        "status": status,
        "created": created,
        "currency": "usd",
        "amount_due": 2900,
        "amount_paid": if paid { 2900 } else { 0 },
        "attempt_count": i64::from(paid),
        "attempted": paid,
        "parent": { "subscription_details": { "subscription": "sub_1" } },
        "status_transitions": {
            "finalized_at": created,
            "paid_at": if paid { json!(created) } else { Value::Null },
        },
    })
}

/// A charge of 2900 by the payment intent `pi_{number}`, its id `ch_{number}`.
pub fn charge(number: &str, created: i64) -> Value {
    json!({
        "id": format!("ch_{number}"),
        "object": "charge",
        "customer": CUSTOMER,
        "payment_intent": format!("pi_{number}"),
        "status": "succeeded",
        "created": created,
        "currency": "usd",
        "amount": 2900,
        "amount_captured": 2900,
        "amount_refunded": 0,
        "refunded": false,
        "disputed": false,
    })
}

/// A refund of the charge `ch_{number}`.
pub fn refund(id: &str, number: &str, amount: i64) -> Value {
    json!({
        "id": id,
        "object": "refund",
        "charge": format!("ch_{number}"),
        "payment_intent": format!("pi_{number}"),
        "status": "succeeded",
        "amount": amount,
        "currency": "usd",
        "created": START + DAY,
    })
}

/// A dispute of the charge `ch_{number}`.
pub fn dispute(status: &str, number: &str) -> Value {
    json!({
        "id": "dp_1",
        "object": "dispute",
        "charge": format!("ch_{number}"),
        "payment_intent": format!("pi_{number}"),
        "status": status,
        "amount": 2900,
        "currency": "usd",
        "created": START + DAY,
    })
}

/// What ties the invoice `invoice` to `pi_{number}` since basil.
pub fn invoice_payment(invoice: &str, number: &str) -> Value {
    json!({
        "id": format!("inpay_{number}"),
        "object": "invoice_payment",
        "invoice": invoice,
        "status": "paid",
        "amount_paid": 2900,
        "payment": { "type": "payment_intent", "payment_intent": format!("pi_{number}") },
    })
}

/// A complete one-time purchase paid by `pi_1`, which names the user by its reference.
pub fn session(payment_status: &str) -> Value {
    json!({
        "id": "cs_1",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": payment_status,
        "payment_intent": "pi_1",
        "customer": CUSTOMER,
        "client_reference_id": USER,
        "created": START,
        "metadata": { "plan": "lifetime" },
    })
}
