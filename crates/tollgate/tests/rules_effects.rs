//! Facts: which events tell them, under which key, and whether they are still true later.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::fmt::Display;

use history::objects::{
    PERIOD_END, change, charge, dispute, event, invoice, items, session, subscription, updated,
    with,
};
use history::{DAY, Piece, START};
use serde_json::{Value, json};
use tollgate::rules::effects::{Effect, EffectKind, still_true};
use tollgate_stripe::object::Object;

fn keys(piece: &Piece) -> Vec<String> {
    piece.effects().iter().map(Effect::key).collect()
}

fn told(kind: &str, object: &Value) -> Vec<String> {
    keys(&event("evt_1", kind, START, object))
}

fn holds(kind: EffectKind, detail: impl Display + Copy, object: &Value) -> bool {
    let object = Object::parse_stored(&object.to_string()).expect("it names its kind");
    let subject = object.id().unwrap_or_default().to_owned();
    still_true(&Effect::new(kind, &subject, detail), &object).is_ok()
}

fn tried(status: &str, attempts: i64) -> Value {
    let fields = json!({ "attempt_count": attempts, "attempted": true });
    with(&invoice("in_1", status, START), &fields)
}

/// Stripe sends both for a payment by card.
#[test]
fn paid_and_payment_succeeded_are_one_fact() {
    let paid = invoice("in_1", "paid", START);
    assert_eq!(told("invoice.paid", &paid), ["invoice_paid:in_1"]);
    assert_eq!(told("invoice.payment_succeeded", &paid), ["invoice_paid:in_1"]);
    let recovered = tried("paid", 3);
    assert_eq!(told("invoice.paid", &recovered), ["invoice_paid:in_1", "payment_recovered:in_1"]);
}

#[test]
fn each_failed_attempt_is_a_fact_of_its_own() {
    let told = |attempts| told("invoice.payment_failed", &tried("open", attempts));
    assert_eq!(told(1), ["payment_failed:in_1:attempt_1"]);
    assert_eq!(told(2), ["payment_failed:in_1:attempt_2"]);
}

#[test]
fn a_failed_attempt_is_told_until_the_next_one_or_the_money() {
    let table = [
        ("open", 1, true),
        ("open", 2, false),
        ("uncollectible", 1, true),
        ("uncollectible", 4, false),
        ("paid", 1, false),
        ("void", 1, false),
    ];
    for (status, attempts, told) in table {
        let found = holds(EffectKind::PaymentFailed, "attempt_1", &tried(status, attempts));
        assert_eq!(found, told, "{status} after {attempts}");
    }
}

#[test]
fn a_receipt_is_told_only_of_a_paid_invoice() {
    for (status, told) in [("paid", true), ("open", false), ("void", false)] {
        assert_eq!(holds(EffectKind::InvoicePaid, "", &tried(status, 1)), told, "{status}");
    }
}

#[test]
fn a_start_is_told_only_while_the_subscription_runs() {
    let table = [
        ("active", true),
        ("trialing", true),
        ("incomplete", false),
        ("past_due", false),
        ("canceled", false),
    ];
    for (status, told) in table {
        let object = subscription("sub_1", status);
        assert_eq!(holds(EffectKind::SubscriptionStarted, "", &object), told, "{status}");
        let starts = told && !self::told("customer.subscription.created", &object).is_empty();
        assert_eq!(starts, told, "{status}");
    }
}

/// Who subscribed years before Tollgate was there must not be welcomed at the next renewal, nor for
/// a look at the account page.
#[test]
fn only_what_has_just_started_is_told_as_started() {
    const YEARS: i64 = START + 800 * DAY;
    let active = subscription("sub_1", "active");
    let started = |it: &Piece| keys(it).contains(&"subscription_started:sub_1".to_owned());
    let was = |status: &str| json!({ "status": status });
    let renewal = json!({ "latest_invoice": "in_0" });
    let table = [
        (event("evt_1", "customer.subscription.created", YEARS, &active), true),
        (updated("evt_1", YEARS, &active, &was("incomplete")), true),
        (updated("evt_1", START + 2 * DAY, &active, &renewal), true),
        (event("evt_1", "tollgate.fetched", START + 2 * DAY, &active), true),
        (updated("evt_1", YEARS, &active, &renewal), false),
        (updated("evt_1", YEARS, &active, &was("past_due")), false),
        (updated("evt_1", YEARS, &active, &was("trialing")), false),
        (event("evt_1", "customer.subscription.resumed", YEARS, &active), false),
        (event("evt_1", "tollgate.fetched", YEARS, &active), false),
        (updated("evt_1", YEARS, &with(&active, &json!({ "created": null })), &renewal), false),
    ];
    for (piece, told) in &table {
        assert_eq!(started(piece), *told, "{}", piece.body);
    }
}

#[test]
fn an_end_is_told_of_what_ended_and_not_of_what_never_began() {
    let told = |status| told("customer.subscription.deleted", &subscription("sub_1", status));
    assert_eq!(told("canceled"), ["subscription_ended:sub_1"]);
    assert!(told("incomplete_expired").is_empty());
}

#[test]
fn a_trial_that_was_moved_is_not_announced_for_its_old_end() {
    let (end, later) = (START + 14 * DAY, START + 21 * DAY);
    let trialing =
        |end: i64| with(&subscription("sub_1", "trialing"), &json!({ "trial_end": end }));
    let kind = "customer.subscription.trial_will_end";
    assert_eq!(told(kind, &trialing(end)), [format!("trial_ending:sub_1:{end}")]);
    assert!(holds(EffectKind::TrialEnding, end, &trialing(end)));
    assert!(!holds(EffectKind::TrialEnding, end, &trialing(later)));
    assert!(!holds(EffectKind::TrialEnding, end, &subscription("sub_1", "active")));
}

#[test]
fn a_renewal_is_not_announced_once_it_came_or_will_not_come() {
    let upcoming =
        with(&invoice("in_1", "draft", START), &json!({ "id": null, "period_end": PERIOD_END }));
    assert_eq!(
        told("invoice.upcoming", &upcoming),
        [format!("renewal_upcoming:sub_1:{PERIOD_END}")]
    );
    let running = subscription("sub_1", "active");
    assert!(holds(EffectKind::RenewalUpcoming, PERIOD_END, &running));
    let ending = with(&running, &json!({ "cancel_at_period_end": true }));
    assert!(!holds(EffectKind::RenewalUpcoming, PERIOD_END, &ending));
    let mut renewed = running;
    renewed["items"]["data"][0]["current_period_start"] = PERIOD_END.into();
    assert!(!holds(EffectKind::RenewalUpcoming, PERIOD_END, &renewed));
}

#[test]
fn a_cancellation_and_its_withdrawal_are_told_only_while_they_hold() {
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at": PERIOD_END }));
    let scheduled = updated("evt_1", START, &going, &json!({ "cancel_at": null }));
    assert_eq!(keys(&scheduled)[1], format!("cancellation_scheduled:sub_1:{PERIOD_END}@{START}"));
    let withdrawn = updated("evt_2", START + 9, &kept, &json!({ "cancel_at": PERIOD_END }));
    assert_eq!(keys(&withdrawn)[1], format!("cancellation_withdrawn:sub_1:{}", START + 9));
    let detail = format!("{PERIOD_END}@{START}");
    assert!(holds(EffectKind::CancellationScheduled, detail.as_str(), &going));
    assert!(!holds(EffectKind::CancellationScheduled, detail.as_str(), &kept));
    assert!(holds(EffectKind::CancellationWithdrawn, START, &kept));
    assert!(!holds(EffectKind::CancellationWithdrawn, START, &going));
}

/// An update that does not touch the cancellation does not tell it again.
#[test]
fn only_what_changed_is_told() {
    let going = with(&subscription("sub_1", "active"), &json!({ "cancel_at": PERIOD_END }));
    let piece = updated("evt_1", START, &going, &json!({ "default_payment_method": "pm_0" }));
    assert_eq!(keys(&piece), ["subscription_started:sub_1"]);
}

#[test]
fn a_plan_change_is_told_only_while_the_plan_is_the_new_one() {
    let team = with(&subscription("sub_1", "active"), &json!({ "items": items("price_team", 1) }));
    let detail = format!("{START}:price_pro>price_team");
    assert!(holds(EffectKind::PlanChanged, detail.as_str(), &team));
    assert!(!holds(EffectKind::PlanChanged, detail.as_str(), &subscription("sub_1", "active")));
    // More of the same plan is no other plan.
    let more = updated("evt_1", START, &team, &json!({ "items": items("price_team", 5) }));
    assert_eq!(keys(&more), ["subscription_started:sub_1"]);
}

#[test]
fn an_order_is_told_once_its_money_is_there() {
    assert!(told("checkout.session.completed", &session("unpaid")).is_empty());
    let kind = "checkout.session.async_payment_succeeded";
    assert_eq!(told(kind, &session("paid")), ["order_paid:cs_1"]);
    assert_eq!(told("checkout.session.completed", &session("paid")), ["order_paid:cs_1"]);
    let kind = "checkout.session.async_payment_failed";
    assert_eq!(told(kind, &session("unpaid")), ["order_failed:cs_1"]);
    assert!(holds(EffectKind::OrderFailed, "", &session("unpaid")));
    assert!(!holds(EffectKind::OrderFailed, "", &session("paid")));
}

#[test]
fn each_refund_is_a_fact_that_stays_true_when_another_follows() {
    let refunded = |amount: i64| with(&charge("1", START), &json!({ "amount_refunded": amount }));
    for (before, total, key) in [(0, 500, "0>500"), (500, 1_200, "500>1200")] {
        let previous = json!({ "amount_refunded": before });
        let it = change("evt_1", "charge.refunded", START, &refunded(total), &previous);
        let keys: Vec<String> = it.effects().iter().map(Effect::key).collect();
        assert_eq!(keys, [format!("payment_refunded:ch_1:{key}")]);
    }
    assert!(holds(EffectKind::PaymentRefunded, "0>500", &refunded(500)));
    assert!(holds(EffectKind::PaymentRefunded, "0>500", &refunded(1_200)));
    assert!(holds(EffectKind::PaymentRefunded, "500>1200", &refunded(2_900)));
    assert!(!holds(EffectKind::PaymentRefunded, "0>500", &refunded(0)), "it failed");
}

#[test]
fn a_total_of_refunds_is_told_only_while_it_is_the_total() {
    let refunded = |amount: i64| with(&charge("1", START), &json!({ "amount_refunded": amount }));
    assert_eq!(told("charge.refunded", &refunded(900)), ["payment_refunded:ch_1:900"]);
    assert!(holds(EffectKind::PaymentRefunded, 900, &refunded(900)));
    assert!(!holds(EffectKind::PaymentRefunded, 900, &refunded(2900)));
}

#[test]
fn a_dispute_that_is_closed_is_not_announced_as_open() {
    assert_eq!(
        told("charge.dispute.created", &dispute("needs_response", "1")),
        ["dispute_opened:dp_1"]
    );
    assert_eq!(told("charge.dispute.closed", &dispute("won", "1")), ["dispute_closed:dp_1:won"]);
    assert!(!holds(EffectKind::DisputeOpened, "", &dispute("lost", "1")));
    assert!(!holds(EffectKind::DisputeClosed, "won", &dispute("lost", "1")));
}
