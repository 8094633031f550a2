//! The portal as its page shows it. What every page carries stands in [`crate::checkout::view`].

use serde_json::{Value, json};

use super::configuration;
use crate::checkout::invoice;
use crate::checkout::view::{exponents, per};
use crate::money::calendar::civil;
use crate::money::currency::Currency;
use crate::object::customer::Customer;
use crate::object::discount::Discount;
use crate::object::portal_configuration::{PortalConfiguration, PortalQuantity};
use crate::object::portal_session::{Flow, PortalSession};
use crate::object::price::Price;
use crate::object::product::Product;
use crate::object::promotion_code::PromotionCode;
use crate::object::subscription::{Status, Subscription};
use crate::object::subscription_item::SubscriptionItem;
use crate::world::{Method, World};

/// How many invoices and payment methods the page shows.
const ROWS_MAX: i64 = 100;

/// Returns the page of a visit.
pub(super) fn show(world: &mut World, visit: &PortalSession) -> Value {
    let now = world.now_of(Some(&visit.customer));
    let customer = world.get::<Customer>(&visit.customer).ok().cloned();
    let rules = configuration(world, visit).clone();
    let methods = methods(world, visit, now);
    let rows: Vec<Subscription> = world.subscriptions.of(&visit.customer).cloned().collect();
    let shown = rows
        .iter()
        .filter(|row| row.status != Status::IncompleteExpired && row.status != Status::Canceled);
    let mut currencies: Vec<Currency> = rows.iter().map(|row| row.currency).collect();
    currencies.extend(Currency::parse("eur"));
    let euro = currencies.iter().filter(|currency| currency.as_str() == "eur").count() > 1;
    let subscriptions: Vec<Value> =
        shown.map(|row| subscription(world, row, &rules, &methods)).collect();
    let invoices = rules.features.invoice_history.enabled.then(|| invoices(world, visit));
    let update = &rules.features.customer_update;
    let allowed = ["name", "email"]
        .iter()
        .filter(|name| update.enabled && update.allowed_updates.iter().any(|one| one == *name));
    let cancel = &rules.features.subscription_cancel;
    json!({
        "clock": now,
        "exponents": exponents(currencies),
        "merchant": world.settings.business_name,
        "headline": rules.business_profile.headline,
        "return_url": visit.return_url,
        "terms_of_service_url": rules.business_profile.terms_of_service_url,
        "privacy_policy_url": rules.business_profile.privacy_policy_url,
        "customer": {
            "name": customer.as_ref().and_then(|row| row.name.clone()),
            "email": customer.as_ref().and_then(|row| row.email.clone()),
        },
        "customer_update": allowed.collect::<Vec<_>>(),
        "payment_method_update": rules.features.payment_method_update.enabled,
        "methods": invoice::methods(euro.then(|| Currency::parse("eur")).flatten()),
        "payment_methods": methods,
        "cancel": {
            "mode": cancel.mode,
            "reasons": cancel.cancellation_reason.enabled.then_some(&cancel.cancellation_reason.options),
            "refund": cancel.proration_behavior != "none",
        },
        "subscriptions": subscriptions,
        "invoices": invoices,
        "flow": visit.flow.as_ref().filter(|_| !visit.flow_done).map(|one| flow(world, one)),
    })
}

fn methods(world: &mut World, visit: &PortalSession, now: i64) -> Vec<Value> {
    let default = crate::payments::default_method(world, &visit.customer);
    let params = json!({ "customer": visit.customer, "limit": ROWS_MAX });
    let found = world.ask(Method::Get, "/v1/payment_methods", params).unwrap_or_default();
    let rows = found["data"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| method(row, default.as_deref(), now)).collect()
}

fn method(row: &Value, default: Option<&str>, now: i64) -> Value {
    let card = &row["card"];
    let (year, month, _) = civil(now);
    let expires = (card["exp_year"].as_i64(), card["exp_month"].as_i64());
    let expired = match expires {
        (Some(exp_year), Some(exp_month)) => (exp_year, exp_month) < (year, month),
        _ => false,
    };
    json!({
        "id": row["id"],
        "name": method_name(row),
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "expired": expired,
        "is_default": row["id"].as_str() == default,
    })
}

/// Names a payment method: `Visa •••• 4242`.
fn method_name(row: &Value) -> String {
    let kind = row["type"].as_str().unwrap_or_default();
    let last = row[kind]["last4"].as_str().unwrap_or("????");
    let name = match (kind, row["card"]["brand"].as_str()) {
        ("card", Some("amex")) => "American Express".to_owned(),
        ("card", Some("jcb")) => "JCB".to_owned(),
        ("card", Some("unionpay")) => "UnionPay".to_owned(),
        ("card", Some(brand)) => {
            let mut letters = brand.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
        ("sepa_debit", _) => "SEPA debit".to_owned(),
        ("us_bank_account", _) => "Bank account".to_owned(),
        _ => "Payment method".to_owned(),
    };
    format!("{name} •••• {last}")
}

fn product_name(world: &World, product: &str) -> String {
    world.get::<Product>(product).map_or_else(|_| String::new(), |row| row.name.clone())
}

/// Names a subscription by its products: `Pro`, or `Pro and 1 more`.
pub(super) fn name(world: &World, row: &Subscription) -> String {
    let first = row.items.data.first().map(|item| product_name(world, &item.price.product));
    let first = first.unwrap_or_default();
    match row.items.data.len() {
        0 | 1 => first,
        count => format!("{first} and {} more", count - 1),
    }
}

fn per_of(item: &SubscriptionItem) -> Option<String> {
    item.price.interval().map(per)
}

fn subscription(
    world: &World,
    row: &Subscription,
    rules: &PortalConfiguration,
    methods: &[Value],
) -> Value {
    let item = &row.items.data[0];
    let amount: i64 = row.items.data.iter().map(|one| one.price.amount(one.count())).sum();
    let items: Vec<Value> = row
        .items
        .data
        .iter()
        .map(|one| {
            json!({
                "name": product_name(world, &one.price.product),
                "quantity": one.count(),
                "amount": one.price.amount(one.count()),
                "per": per_of(one),
            })
        })
        .collect();
    let options = options(world, row, rules);
    let can = can(row, rules, &options);
    let owes = matches!(row.status, Status::PastDue | Status::Unpaid | Status::Incomplete);
    json!({
        "id": row.id,
        "status": row.status,
        "name": name(world, row),
        "price": item.price.id,
        "quantity": item.count(),
        "amount": amount,
        "currency": row.currency,
        "per": per_of(item),
        "items": items,
        "discount": discount(world, row),
        "next": next(world, row, methods),
        "cancels_at": row.cancel_at.unwrap_or(row.period().1),
        "open_invoice": owes.then(|| row.latest_invoice.clone()).flatten(),
        "can": can,
        "options": options,
    })
}

fn can(row: &Subscription, rules: &PortalConfiguration, options: &[Value]) -> Value {
    let update = &rules.features.subscription_update;
    let ending = row.cancel_at.is_some();
    let whole = row.items.data.len() == 1 && !row.items.data[0].price.is_metered();
    let open = update.enabled
        && whole
        && !ending
        && row.schedule.is_none()
        && matches!(row.status, Status::Active | Status::Trialing | Status::PastDue);
    let allows = |what: &str| update.default_allowed_updates.iter().any(|one| one == what);
    let limits = limits(row, rules).filter(|limits| limits.enabled && allows("quantity"));
    let price = allows("price")
        && options.iter().any(|option| option["price"] != json!(row.items.data[0].price.id));
    let kind = match (price, limits.is_some()) {
        (true, _) => Some("price"),
        (false, true) => Some("quantity"),
        _ => None,
    };
    let cancels =
        rules.features.subscription_cancel.enabled && !ending && row.status != Status::Incomplete;
    json!({
        "update": kind.filter(|_| open),
        "quantity": limits.filter(|_| open).map(|limits| json!({
            "minimum": limits.minimum,
            "maximum": limits.maximum,
        })),
        "cancel": cancels,
        "resume": ending || row.schedule.is_some(),
    })
}

/// Returns which quantities the configuration allows for the product of a subscription.
pub(super) fn limits(row: &Subscription, rules: &PortalConfiguration) -> Option<PortalQuantity> {
    let product = &row.items.data.first()?.price.product;
    match &rules.features.subscription_update.products {
        None => Some(PortalQuantity { enabled: true, maximum: None, minimum: 1 }),
        Some(products) => {
            products.iter().find(|one| one.product == *product).map(|one| one.adjustable_quantity)
        }
    }
}

/// Returns the prices that a subscription can change to, the cheapest first.
fn options(world: &World, row: &Subscription, rules: &PortalConfiguration) -> Vec<Value> {
    let mut prices = on_offer(world, row, rules);
    prices.sort_by_key(|price| (length(price), price.amount(1), price.created));
    let show = |price: &&Price| {
        json!({
            "price": price.id,
            "name": product_name(world, &price.product),
            "unit_amount": price.amount(1),
            "currency": price.currency,
            "per": price.interval().map(per),
        })
    };
    prices.iter().map(show).collect()
}

/// Returns roughly how many days a price lasts.
pub(super) fn length(price: &Price) -> i64 {
    let Some(interval) = price.interval() else { return 0 };
    let days = match interval.unit.as_str() {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        _ => 365,
    };
    days * i64::from(interval.count)
}

/// Returns the prices on offer: those of the configuration, or everything on sale.
pub(super) fn on_offer<'a>(
    world: &'a World,
    row: &Subscription,
    rules: &PortalConfiguration,
) -> Vec<&'a Price> {
    let usable = |price: &&Price| {
        price.active
            && price.currency == row.currency
            && price.recurring.is_some()
            && !price.is_metered()
    };
    match &rules.features.subscription_update.products {
        Some(products) => {
            let ids = products.iter().flat_map(|product| &product.prices);
            ids.filter_map(|id| world.get::<Price>(id).ok()).filter(usable).collect()
        }
        None => {
            let sold = |price: &&Price| {
                world.get::<Product>(&price.product).is_ok_and(|product| product.active)
            };
            world.prices.newest().filter(usable).filter(sold).collect()
        }
    }
}

fn discount(world: &World, row: &Subscription) -> Option<String> {
    let discount = world.get::<Discount>(row.discounts.first()?).ok()?;
    let words = crate::checkout::coupon::offer(world, &discount.source.coupon, row.currency)?;
    let code = discount.promotion_code.as_ref();
    Some(match code.and_then(|id| world.get::<PromotionCode>(id).ok()) {
        Some(code) => format!("{words} ({})", code.code),
        None => words,
    })
}

/// Says what happens next, and when.
fn next(world: &World, row: &Subscription, methods: &[Value]) -> Value {
    let end = row.period().1;
    let amount: i64 = row.items.data.iter().map(|one| one.price.amount(one.count())).sum();
    let own = row.default_payment_method.as_ref().map(|id| json!(id));
    let pays = |one: &&Value| match &own {
        Some(id) => one["id"] == *id,
        None => one["is_default"] == true,
    };
    let method = methods.iter().find(pays).map(|one| one["name"].clone());
    let told = |kind: &str, at: i64| json!({ "kind": kind, "at": at, "amount": amount, "payment_method": method });
    if row.status.is_over() {
        return json!({ "kind": "ended", "at": row.ended_at });
    }
    if let Some(at) = row.cancel_at {
        return json!({ "kind": "ends", "at": at });
    }
    if let Some(change) = super::change::scheduled(world, row) {
        return change;
    }
    match row.status {
        Status::Trialing => told("trial_ends", row.trial_end.unwrap_or(end)),
        Status::Active => told("renews", end),
        Status::PastDue => match retry(world, row) {
            Some(at) => told("retries", at),
            None => json!({ "kind": "none" }),
        },
        _ => json!({ "kind": "none" }),
    }
}

fn retry(world: &World, row: &Subscription) -> Option<i64> {
    let invoice = crate::api::object(world, row.latest_invoice.as_ref()?)?;
    invoice["next_payment_attempt"].as_i64()
}

fn invoices(world: &mut World, visit: &PortalSession) -> Vec<Value> {
    let params = json!({ "customer": visit.customer, "limit": ROWS_MAX });
    let found = world.ask(Method::Get, "/v1/invoices", params).unwrap_or_default();
    let rows = found["data"].as_array().cloned().unwrap_or_default();
    let base = world.public_url.clone();
    rows.iter()
        .filter(|row| row["status"] != "draft")
        .map(|row| {
            json!({
                "id": row["id"],
                "number": row["number"],
                "created": row["created"],
                "total": row["total"],
                "amount_due": row["amount_remaining"],
                "currency": row["currency"],
                "status": row["status"],
                "url": row["id"].as_str().map(|id| format!("{base}/i/{id}")),
            })
        })
        .collect()
}

fn flow(world: &World, flow: &Flow) -> Value {
    let after = &flow.after_completion;
    let retention = flow.subscription_cancel.as_ref().and_then(|cancel| cancel.retention.as_ref());
    let offer = retention.map(|retention| retention.coupon_offer.coupon.clone());
    let currency = flow.subscription().and_then(|id| world.get::<Subscription>(id).ok());
    let currency = currency.map(|row| row.currency);
    let offer = offer.zip(currency);
    let offer = offer
        .and_then(|(coupon, currency)| crate::checkout::coupon::offer(world, &coupon, currency));
    json!({
        "type": flow.kind,
        "subscription": flow.subscription(),
        "after_completion": {
            "type": after.kind,
            "return_url": after.redirect.as_ref().map(|redirect| &redirect.return_url),
            "custom_message": after.hosted_confirmation.as_ref().and_then(|page| page.custom_message.as_ref()),
        },
        "update": update(world, flow),
        "retention": offer.map(|words| json!({ "text": format!("stay, and get {words}") })),
    })
}

/// Returns the change that a flow only lets confirm.
fn update(world: &World, flow: &Flow) -> Option<Value> {
    let confirm = flow.subscription_update_confirm.as_ref()?;
    let item = confirm.items.first()?;
    let row = world.get::<Subscription>(&confirm.subscription).ok()?;
    let known = row.items.data.iter().find(|one| one.id == item.id)?;
    let price =
        item.price.as_ref().and_then(|id| world.get::<Price>(id).ok()).unwrap_or(&known.price);
    let quantity = item.quantity.unwrap_or(known.count());
    let product = product_name(world, &price.product);
    let name = if quantity == 1 { product } else { format!("{quantity} × {product}") };
    Some(json!({ "price": price.id, "quantity": quantity, "name": name }))
}
