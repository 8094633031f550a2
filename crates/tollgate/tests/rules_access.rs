//! What a user may use, by hand: every status under every policy, every boundary to the second,
//! and the promise that nothing changes before `due_at`.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::judged::{NOW, at, now, under, verdict};
use history::objects::{
    CUSTOMER, PERIOD_END, USER, customer, invoice, items, rulebook, session, subscription, with,
};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::rules::access::Reason;
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate::rules::subscription::TRIAL_SETTLE_SECS;

#[test]
fn each_status_means_what_the_default_policy_says() {
    let table = [
        ("trialing", true, Reason::Trialing),
        ("active", true, Reason::Active),
        ("past_due", true, Reason::Grace),
        ("unpaid", false, Reason::Unpaid),
        ("paused", false, Reason::Paused),
        ("incomplete", false, Reason::Incomplete),
        ("incomplete_expired", false, Reason::IncompleteExpired),
        ("canceled", false, Reason::Canceled),
        ("some_status_of_2031", false, Reason::UnknownStatus),
    ];
    for (status, granted, reason) in table {
        let access = now(&[subscription("sub_1", status)]);
        let plan = if granted { "pro" } else { "free" };
        assert_eq!(verdict(&access), (granted, plan, reason), "{status}");
        assert_eq!(access.status.as_deref(), Some(status));
        let features: &[&str] = if granted { &["export"] } else { &[] };
        assert_eq!(access.features, features, "{status}");
    }
}

/// Sets one of the four rules that a status can have.
fn ruled(status: &str, rule: Rule) -> Rulebook {
    let mut policy = Policy::default();
    match status {
        "past_due" => policy.past_due = rule,
        "unpaid" => policy.unpaid = rule,
        "paused" => policy.paused = rule,
        _ => policy.incomplete = rule,
    }
    under(policy)
}

#[test]
fn each_status_with_a_rule_follows_each_rule() {
    let table = [
        ("past_due", Reason::PastDue),
        ("unpaid", Reason::Unpaid),
        ("paused", Reason::Paused),
        ("incomplete", Reason::Incomplete),
    ];
    for (status, reason) in table {
        let objects = [subscription("sub_1", status)];
        let found = |rule, at_time| {
            let access = at(&objects, &ruled(status, rule), at_time);
            (access.granted, access.reason, access.grace_until)
        };
        assert_eq!(found(Rule::Keep, NOW), (true, reason, None), "{status}");
        assert_eq!(found(Rule::Revoke, NOW), (false, reason, None), "{status}");
        let end = Some(START + 3 * DAY);
        assert_eq!(found(Rule::Grace(3 * DAY), NOW), (true, Reason::Grace, end), "{status}");
        let later = found(Rule::Grace(3 * DAY), START + 3 * DAY);
        assert_eq!(later, (false, Reason::GraceOver, end), "{status}");
    }
}

#[test]
fn statuses_without_a_rule_follow_none() {
    let keep = Policy {
        past_due: Rule::Keep,
        unpaid: Rule::Keep,
        paused: Rule::Keep,
        incomplete: Rule::Keep,
        ..Policy::default()
    };
    for status in ["canceled", "incomplete_expired", "some_status_of_2031"] {
        assert!(!at(&[subscription("sub_1", status)], &under(keep.clone()), NOW).granted);
    }
}

fn trialing(end: i64) -> Value {
    with(&subscription("sub_1", "trialing"), &json!({ "trial_end": end }))
}

/// Stripe tells what followed a trial, but perhaps late: for a day nobody is locked out.
#[test]
fn a_trial_ends_to_the_second_and_then_settles() {
    let end = START + 14 * DAY;
    let access = |now| at(&[trialing(end)], &rulebook(), now);
    assert_eq!(verdict(&access(end - 1)), (true, "pro", Reason::Trialing));
    assert_eq!(access(end - 1).due_at, Some(end));
    assert_eq!(verdict(&access(end)), (true, "pro", Reason::TrialOver));
    assert_eq!(access(end).due_at, Some(end + TRIAL_SETTLE_SECS));
    let over = end + TRIAL_SETTLE_SECS;
    assert_eq!(verdict(&access(over - 1)), (true, "pro", Reason::TrialOver));
    assert_eq!(verdict(&access(over)), (false, "free", Reason::TrialOver));
    assert_eq!(access(over).due_at, None);
}

/// Grace counts from the first invoice that was tried in vain, whatever came in between.
#[test]
fn grace_counts_from_the_invoice_that_is_missing() {
    let failed = |id: &str, created: i64| {
        let open = invoice(id, "open", created);
        with(&open, &json!({ "attempted": true, "attempt_count": 1 }))
    };
    let renewal = START + 10 * DAY;
    let objects = [
        subscription("sub_1", "past_due"),
        failed("in_2", renewal),
        failed("in_3", renewal + 2 * DAY),
        invoice("in_1", "paid", START),
        // Not tried yet, and of another subscription: neither is missing.
        invoice("in_4", "open", START + DAY),
        with(
            &failed("in_5", START + DAY),
            &json!({ "parent": { "subscription_details": { "subscription": "sub_other" } } }),
        ),
    ];
    let end = renewal + 7 * DAY;
    let access = at(&objects, &rulebook(), end - 1);
    assert_eq!(verdict(&access), (true, "pro", Reason::Grace));
    assert_eq!(
        (access.grace_until, access.until, access.due_at),
        (Some(end), Some(end), Some(end))
    );
    let access = at(&objects, &rulebook(), end);
    assert_eq!(verdict(&access), (false, "free", Reason::GraceOver));
    assert_eq!(access.due_at, None);
}

#[test]
fn a_scheduled_cancellation_ends_access_to_the_second() {
    let at_period_end = json!({ "cancel_at_period_end": true });
    let by_date = json!({ "cancel_at": PERIOD_END });
    for fields in [at_period_end, by_date] {
        let objects = [with(&subscription("sub_1", "active"), &fields)];
        let before = at(&objects, &rulebook(), PERIOD_END - 1);
        assert_eq!(verdict(&before), (true, "pro", Reason::Active));
        assert_eq!((before.cancel_at, before.until), (Some(PERIOD_END), Some(PERIOD_END)));
        assert_eq!(before.due_at, Some(PERIOD_END));
        let after = at(&objects, &rulebook(), PERIOD_END);
        assert_eq!(verdict(&after), (false, "free", Reason::Ended));
        assert_eq!(after.due_at, None);
    }
}

/// A renewal whose event is late must not lock anybody out: only Stripe ends a subscription.
#[test]
fn a_period_that_is_over_ends_nothing() {
    let access = at(&[subscription("sub_1", "active")], &rulebook(), PERIOD_END + 90 * DAY);
    assert_eq!(verdict(&access), (true, "pro", Reason::Active));
    assert_eq!(access.due_at, None);
}

#[test]
fn the_best_of_several_subscriptions_decides() {
    let team = with(&subscription("sub_2", "active"), &json!({ "items": items("price_team", 1) }));
    let ended = subscription("sub_0", "canceled");
    let unpaid_team = with(&team, &json!({ "id": "sub_3", "status": "unpaid" }));
    let pro = subscription("sub_1", "active");
    let all = [ended.clone(), pro.clone(), team.clone(), unpaid_team.clone()];
    let access = now(&all);
    assert_eq!(verdict(&access), (true, "team", Reason::Active));
    assert_eq!(access.features, ["api", "export"]);
    let reversed: Vec<Value> = all.iter().rev().cloned().collect();
    assert_eq!(now(&reversed), access);
    // What is granted beats what would be better.
    assert_eq!(verdict(&now(&[unpaid_team, pro])), (true, "pro", Reason::Active));
    assert_eq!(verdict(&now(&[ended])), (false, "free", Reason::Canceled));
}

#[test]
fn of_equal_plans_the_one_that_lasts_decides() {
    let ending = with(&subscription("sub_1", "active"), &json!({ "cancel_at": NOW + 60 }));
    let access = now(&[ending.clone(), subscription("sub_2", "active")]);
    assert_eq!((access.granted, access.until), (true, None));
    // Time still changes something: nobody may sleep beyond it.
    assert_eq!(access.due_at, Some(NOW + 60));
}

#[test]
fn features_of_all_grants_add_up_and_stripe_adds_its_own() {
    let lifetime = session("paid");
    let team = with(&subscription("sub_2", "active"), &json!({ "items": items("price_team", 1) }));
    let summary = json!({
        "object": "entitlements.active_entitlement_summary",
        "customer": CUSTOMER,
        "entitlements": { "data": [{ "lookup_key": "priority-support" }] },
    });
    let access = now(&[lifetime, team, summary.clone()]);
    assert_eq!(verdict(&access), (true, "lifetime", Reason::Purchased));
    assert_eq!(access.features, ["api", "export", "priority-support"]);
    let denied = now(&[subscription("sub_1", "unpaid"), summary]);
    assert!(denied.features.is_empty(), "what is not granted has no features");
}

#[test]
fn a_price_that_no_plan_names_gives_nothing_but_says_so() {
    let foreign = with(&subscription("sub_1", "active"), &json!({ "items": items("price_x", 1) }));
    assert_eq!(
        verdict(&now(std::slice::from_ref(&foreign))),
        (false, "free", Reason::UnknownPrice)
    );
    // Metadata names the plan where the price does not.
    let named = with(&foreign, &json!({ "metadata": { "user_id": USER, "plan": "team" } }));
    assert_eq!(verdict(&now(&[named])), (true, "team", Reason::Active));
    let nonsense = with(&foreign, &json!({ "metadata": { "plan": "platinum" } }));
    assert_eq!(verdict(&now(&[nonsense])), (false, "free", Reason::UnknownPrice));
}

/// The price is what is paid for; metadata is only what the app once meant.
#[test]
fn a_known_price_beats_the_plan_in_the_metadata() {
    let claims_team = json!({ "metadata": { "user_id": USER, "plan": "team" } });
    let access = now(&[with(&subscription("sub_1", "active"), &claims_team)]);
    assert_eq!(access.plan, "pro");
}

/// A shop may sell other things than the only plan that is sold once.
#[test]
fn a_purchase_of_something_else_buys_no_plan() {
    let unnamed = with(&session("paid"), &json!({ "metadata": {} }));
    let of = |price: &str| {
        with(&unnamed, &json!({ "line_items": { "data": [{ "price": { "id": price } }] } }))
    };
    assert_eq!(verdict(&now(&[of("price_once")])), (true, "lifetime", Reason::Purchased));
    assert_eq!(verdict(&now(&[of("price_mug")])), (false, "free", Reason::UnknownPrice));
    assert_eq!(
        verdict(&now(std::slice::from_ref(&unnamed))),
        (false, "free", Reason::UnknownPrice)
    );
    // The name is written by the app, which may sell a plan at a price of its own.
    let named = with(&of("price_made_up"), &json!({ "metadata": { "plan": "lifetime" } }));
    assert_eq!(verdict(&now(&[named])), (true, "lifetime", Reason::Purchased));
}

#[test]
fn a_purchase_counts_once_its_money_is_there() {
    assert_eq!(verdict(&now(&[session("paid")])), (true, "lifetime", Reason::Purchased));
    let free = session("no_payment_required");
    assert_eq!(verdict(&now(&[free])), (true, "lifetime", Reason::Purchased));
    let delayed = session("unpaid");
    assert_eq!(verdict(&now(&[delayed])), (false, "free", Reason::PaymentPending));
    let open = with(&session("unpaid"), &json!({ "status": "open" }));
    assert_eq!(verdict(&now(&[open])), (false, "free", Reason::NoPurchase));
    let expired = with(&session("unpaid"), &json!({ "status": "expired" }));
    assert_eq!(verdict(&now(&[expired])), (false, "free", Reason::NoPurchase));
}

#[test]
fn sessions_of_other_modes_claim_nothing_themselves() {
    for mode in ["subscription", "setup"] {
        let session = with(&session("paid"), &json!({ "mode": mode }));
        assert_eq!(verdict(&now(&[session])), (false, "free", Reason::NoPurchase), "{mode}");
    }
}

#[test]
fn a_deleted_customer_loses_subscriptions_whose_end_is_not_told_yet() {
    let deleted = with(&customer(), &json!({ "deleted": true }));
    let objects = [deleted, subscription("sub_1", "active")];
    assert_eq!(verdict(&now(&objects)), (false, "free", Reason::CustomerDeleted));
}

#[test]
fn who_bought_nothing_has_nothing_to_wait_for() {
    let access = now(&[customer()]);
    assert_eq!(verdict(&access), (false, "free", Reason::NoPurchase));
    assert_eq!((access.until, access.due_at, access.cancel_at), (None, None, None));
    assert_eq!(access.customer_id.as_deref(), Some(CUSTOMER));
}

#[test]
fn objects_of_connected_accounts_count_only_where_they_are_named() {
    let all = |accounts: &[&str]| {
        let accounts = accounts.iter().map(|it| (*it).to_owned()).collect();
        Rulebook { accounts, ..rulebook() }
    };
    assert!(all(&[]).counts(None));
    assert!(!all(&[]).counts(Some("acct_1")));
    assert!(all(&["acct_1"]).counts(Some("acct_1")));
    assert!(!all(&["acct_1"]).counts(Some("acct_2")));
    assert!(all(&["all"]).counts(Some("acct_2")));
}
