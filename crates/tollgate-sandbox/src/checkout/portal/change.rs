//! Another price or quantity in the portal: what it costs, and the change itself.

use serde_json::{Value, json};

use super::{configuration, done, not_allowed, subscription, view, visit};
use crate::checkout::given;
use crate::checkout::invoice as invoice_page;
use crate::checkout::page::on_page;
use crate::error::StripeError;
use crate::invoices;
use crate::object::portal_configuration::PortalConfiguration;
use crate::object::portal_session::{PortalSession, Waiting};
use crate::object::price::Price;
use crate::object::product::Product;
use crate::object::subscription::{Status, Subscription};
use crate::params::Params;
use crate::world::{Call, Method, Outcome, World};

/// What a visitor wants, checked.
struct Wanted {
    row: Subscription,
    price: Price,
    quantity: i64,
    rules: PortalConfiguration,
}

impl Wanted {
    /// Says whether the change waits for the end of the period.
    fn waits(&self) -> bool {
        let item = &self.row.items.data[0];
        let (before, after) = (item.price.amount(item.count()), self.price.amount(self.quantity));
        let (long, short) = (view::length(&item.price), view::length(&self.price));
        let conditions = &self.rules.features.subscription_update.schedule_at_period_end.conditions;
        conditions.iter().any(|condition| match condition.kind {
            // Amounts of different intervals compare by the day.
            "decreasing_item_amount" => after * long < before * short,
            _ => short < long,
        })
    }

    fn same_interval(&self) -> bool {
        let item = &self.row.items.data[0];
        match (item.price.interval(), self.price.interval()) {
            (Some(one), Some(other)) => one.equals(other),
            _ => true,
        }
    }

    fn proration(&self) -> &'static str {
        self.rules.features.subscription_update.proration_behavior
    }
}

fn wanted(world: &World, visit: &PortalSession, params: &Params) -> Result<Wanted, StripeError> {
    let row = subscription(world, visit, params.need_text("subscription")?)?.clone();
    let rules = configuration(world, visit).clone();
    let open = matches!(row.status, Status::Active | Status::Trialing | Status::PastDue);
    if !rules.features.subscription_update.enabled || !open || row.items.data.len() != 1 {
        return Err(not_allowed());
    }
    let item = &row.items.data[0];
    let price = params.text("price").unwrap_or(&item.price.id);
    let price = world.need::<Price>(price, "price")?.clone();
    let quantity = params.int("quantity").unwrap_or_else(|| item.count());
    let confirms = fixed(visit, &row, &price, quantity);
    let offered = view::on_offer(world, &row, &rules).iter().any(|one| one.id == price.id);
    if !confirms && price.id != item.price.id && !offered {
        return Err(StripeError::param("price", "This plan is not on offer."));
    }
    if !confirms && quantity != item.count() {
        check_quantity(&row, &rules, quantity)?;
    }
    Ok(Wanted { row, price, quantity, rules })
}

/// Says whether the deep link asks for just this change.
fn fixed(visit: &PortalSession, row: &Subscription, price: &Price, quantity: i64) -> bool {
    let confirm = visit.flow.as_ref().and_then(|flow| flow.subscription_update_confirm.as_ref());
    let Some(item) = confirm.and_then(|confirm| confirm.items.first()) else { return false };
    let known = &row.items.data[0];
    item.id == known.id
        && *item.price.as_ref().unwrap_or(&known.price.id) == price.id
        && item.quantity.unwrap_or_else(|| known.count()) == quantity
}

fn check_quantity(
    row: &Subscription,
    rules: &PortalConfiguration,
    quantity: i64,
) -> Result<(), StripeError> {
    let limits = view::limits(row, rules).filter(|limits| limits.enabled);
    let limits = limits.ok_or_else(not_allowed)?;
    if quantity < limits.minimum || limits.maximum.is_some_and(|most| quantity > most) {
        return Err(StripeError::param("quantity", "This quantity is not on offer."));
    }
    Ok(())
}

/// Answers what a change costs: `{ currency, when: now|next_invoice|period_end, lines, due_now,
/// credit, next_invoice, starts_at, then, proration_date }`.
pub(super) fn preview(world: &mut World, call: &Call) -> Outcome {
    let visit = visit(world, call.id())?;
    let wanted = wanted(world, &visit, &call.params)?;
    let now = world.now_of(Some(&visit.customer));
    let end = wanted.row.period().1;
    let amount = wanted.price.amount(wanted.quantity);
    let per = wanted.price.interval().map(crate::checkout::view::per);
    if wanted.waits() {
        return Ok(json!({
            "currency": wanted.row.currency, "when": "period_end", "lines": [], "due_now": 0,
            "credit": 0, "next_invoice": null, "starts_at": end,
            "then": { "amount": amount, "per": per, "at": end }, "proration_date": now,
        }));
    }
    let changed = change_params(&wanted, now);
    let mut details = changed.clone();
    let behavior = wanted.proration();
    let params = json!({ "subscription": wanted.row.id, "subscription_details": details.take() });
    let invoice = world.ask(Method::Post, "/v1/invoices/create_preview", params)?;
    let lines = invoice["lines"]["data"].as_array().cloned().unwrap_or_default();
    let at_once = behavior == "always_invoice" || resets(&wanted);
    let counted: Vec<Value> =
        lines.iter().filter(|line| at_once || is_proration(line)).map(show_line).collect();
    let sum: i64 = counted.iter().filter_map(|line| line["amount"].as_i64()).sum();
    let next = lines_end(&lines).filter(|_| at_once).unwrap_or(end);
    let due = if at_once { invoice["amount_due"].as_i64().unwrap_or(0).max(0) } else { 0 };
    Ok(json!({
        "currency": wanted.row.currency,
        "when": if at_once { "now" } else { "next_invoice" },
        "lines": counted,
        "due_now": due,
        "credit": if at_once { (-sum).max(0) } else { 0 },
        "next_invoice": (!at_once).then(|| json!({ "amount": (amount + sum).max(0), "at": end })),
        "starts_at": null,
        "then": { "amount": amount, "per": per, "at": next },
        "proration_date": now,
    }))
}

fn is_proration(line: &Value) -> bool {
    let parent = &line["parent"];
    ["subscription_item_details", "invoice_item_details"]
        .iter()
        .any(|name| parent[name]["proration"] == true)
}

fn show_line(line: &Value) -> Value {
    json!({ "description": line["description"], "amount": line["amount"] })
}

fn lines_end(lines: &[Value]) -> Option<i64> {
    lines.iter().filter_map(|line| line["period"]["end"].as_i64()).max()
}

/// Says whether the change begins a new period, which is billed at once.
fn resets(wanted: &Wanted) -> bool {
    let trial_ends = wanted.row.status == Status::Trialing
        && wanted.rules.features.subscription_update.trial_update_behavior == "end_trial";
    let now = wanted.rules.features.subscription_update.billing_cycle_anchor == Some("now");
    !wanted.same_interval() || trial_ends || now
}

/// Returns the parameters of a change, as an app would send them.
fn change_params(wanted: &Wanted, proration_date: i64) -> Value {
    let item = &wanted.row.items.data[0];
    let mut params = json!({
        "items": [{ "id": item.id, "price": wanted.price.id, "quantity": wanted.quantity }],
        "proration_behavior": wanted.proration(),
    });
    let update = &wanted.rules.features.subscription_update;
    let trial = wanted.row.status == Status::Trialing;
    if trial && update.trial_update_behavior == "end_trial" {
        params["trial_end"] = json!("now");
    } else if !trial {
        if wanted.proration() != "none" {
            params["proration_date"] = json!(proration_date);
        }
        if update.billing_cycle_anchor == Some("now") {
            params["billing_cycle_anchor"] = json!("now");
        }
    }
    params
}

/// Makes a change; a payment that is declined leaves everything as it was.
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let token = call.id().to_owned();
    let visit = visit(world, &token)?;
    let wanted = wanted(world, &visit, &call.params)?;
    let now = world.now_of(Some(&visit.customer));
    if wanted.waits() {
        schedule(world, &wanted)?;
        return done(world, &token);
    }
    // What the preview showed is what is charged, unless the page was left open for a day.
    let date = call.params.int("proration_date").filter(|at| (now - 86_400..=now).contains(at));
    let mut params = change_params(&wanted, date.unwrap_or(now));
    params["payment_behavior"] = json!("pending_if_incomplete");
    if let Some(discounts) = flow_discounts(&visit) {
        params["discounts"] = discounts;
        // Discounts cannot wait for a payment.
        params["payment_behavior"] = json!("error_if_incomplete");
    }
    if params.get("trial_end").is_some() {
        params["payment_behavior"] = json!("allow_incomplete");
    }
    let before = wanted.row.latest_invoice.clone();
    let path = format!("/v1/subscriptions/{}", wanted.row.id);
    let changed = world.ask(Method::Post, &path, params);
    let changed = changed.map_err(|error| on_page(given::at_field(error)))?;
    let latest = changed["latest_invoice"].as_str().map(str::to_owned);
    let fresh = latest.filter(|latest| before.as_deref() != Some(latest));
    match (changed["pending_update"].is_object(), fresh) {
        (true, Some(invoice)) => unpaid(world, &visit, &wanted.row.id, &invoice),
        _ => done(world, &token),
    }
}

fn flow_discounts(visit: &PortalSession) -> Option<Value> {
    let confirm = visit.flow.as_ref()?.subscription_update_confirm.as_ref()?;
    let discount = confirm.discounts.as_ref()?.first()?;
    Some(match &discount.promotion_code {
        Some(code) => json!([{ "promotion_code": code }]),
        None => json!([{ "coupon": discount.coupon }]),
    })
}

/// The payment of a change did not go through at once: the bank asks, or it was declined. A
/// change that was declined is taken back.
fn unpaid(world: &mut World, visit: &PortalSession, id: &str, invoice: &str) -> Outcome {
    let intent = invoices::payment_intent(world, invoice);
    let shown = intent.as_ref().and_then(|intent| crate::api::object(world, intent));
    let shown = shown.unwrap_or_default();
    if let (Some(intent), Some("requires_action")) = (intent, shown["status"].as_str()) {
        let waiting = Waiting::Payment { intent };
        world.edit::<PortalSession>(&visit.id, |row| row.action = Some(waiting));
        let action = invoice_page::action(world, invoice);
        return Ok(json!({ "status": "requires_action", "action": action }));
    }
    // The invoice of the change is void, and with it the change.
    let _void = world.ask(Method::Post, &format!("/v1/invoices/{invoice}/void"), json!({}));
    let error = &shown["last_payment_error"];
    let message = error["message"].as_str().unwrap_or("The payment failed.");
    let code = error["code"].as_str().unwrap_or("card_declined");
    debug_assert!(world.get::<Subscription>(id).is_ok(), "a change leaves the subscription");
    Err(StripeError::card(code, error["decline_code"].as_str(), message))
}

/// Puts a change off to the end of the period, by a schedule that then lets go.
fn schedule(world: &mut World, wanted: &Wanted) -> Result<(), StripeError> {
    let path = "/v1/subscription_schedules";
    let made = world.ask(Method::Post, path, json!({ "from_subscription": wanted.row.id }))?;
    let id = made["id"].as_str().unwrap_or_default();
    let item = &wanted.row.items.data[0];
    let (start, end) = wanted.row.period();
    let phases = json!([
        { "items": [{ "price": item.price.id, "quantity": item.count() }],
          "start_date": start, "end_date": end },
        { "items": [{ "price": wanted.price.id, "quantity": wanted.quantity }],
          "proration_behavior": "none", "start_date": end,
          "duration": { "interval": wanted.price.interval().map(|every| every.unit.as_str()),
                        "interval_count": wanted.price.interval().map(|every| every.count) } },
    ]);
    let params = json!({ "end_behavior": "release", "phases": phases });
    world.ask(Method::Post, &format!("{path}/{id}"), params).map(|_| ())
}

/// Returns the change that a schedule makes at the end of the period, as the page tells it.
pub(super) fn scheduled(world: &World, row: &Subscription) -> Option<Value> {
    let schedule = crate::api::object(world, row.schedule.as_ref()?)?;
    let now = world.now_of(Some(&row.customer));
    let phases = schedule["phases"].as_array()?;
    let next =
        phases.iter().find(|phase| phase["start_date"].as_i64().is_some_and(|at| at > now))?;
    let item = next["items"].get(0)?;
    let price = world.get::<Price>(item["price"].as_str()?).ok()?;
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let name = world.get::<Product>(&price.product).ok()?.name.clone();
    let amount = price.amount(quantity);
    Some(json!({ "kind": "changes", "at": next["start_date"], "amount": amount, "name": name }))
}
