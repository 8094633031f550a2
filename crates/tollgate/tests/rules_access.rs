//! What a user may use, by hand: every status under every policy, every boundary to the second,
//! every reversal, and the promise that nothing changes before `due_at`.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::objects::{
    CUSTOMER, PERIOD_END, USER, charge, customer, dispute, invoice, invoice_payment, items, refund,
    rulebook, session, subscription, with,
};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::rules::access::{Access, Reason, access, claims};
use tollgate::rules::ledger::Ledger;
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate::rules::subscription::TRIAL_SETTLE_SECS;
use tollgate_stripe::object::Object;

/// Somewhere within the first period.
const NOW: i64 = START + 2 * DAY;

fn at(objects: &[Value], rulebook: &Rulebook, now: i64) -> Access {
    let objects: Vec<Object> = objects
        .iter()
        .map(|it| Object::parse_stored(&it.to_string()).expect("it names its kind"))
        .collect();
    let ledger = Ledger::new(objects.iter());
    access(&ledger, &claims(&ledger, rulebook, now), Some(CUSTOMER))
}

fn now(objects: &[Value]) -> Access {
    at(objects, &rulebook(), NOW)
}

fn under(policy: Policy) -> Rulebook {
    Rulebook { policy, ..rulebook() }
}

fn verdict(it: &Access) -> (bool, &str, Reason) {
    (it.granted, it.plan.as_str(), it.reason)
}

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

/// An object of each way in which a payment was tied to its invoice over the years.
fn ties() -> Vec<(&'static str, Vec<Value>)> {
    let old = START - 30 * DAY;
    let plain = || vec![invoice("in_old", "paid", old), invoice("in_new", "paid", START)];
    let charges = |old_fields: Value, new_fields: Value| {
        vec![with(&charge("old", old), &old_fields), with(&charge("new", START), &new_fields)]
    };
    let bare = || charges(json!({}), json!({}));
    let by_charge = charges(json!({ "invoice": "in_old" }), json!({ "invoice": "in_new" }));
    let by_link = vec![invoice_payment("in_old", "old"), invoice_payment("in_new", "new")];
    let naming = vec![
        with(&invoice("in_old", "paid", old), &json!({ "payment_intent": "pi_old" })),
        with(&invoice("in_new", "paid", START), &json!({ "charge": "ch_new" })),
    ];
    vec![
        ("the charge names its invoice", [plain(), by_charge].concat()),
        ("an invoice payment ties them", [plain(), bare(), by_link].concat()),
        ("the invoice names its payment", [naming, bare()].concat()),
        ("amount and time fit one invoice only", [plain(), bare()].concat()),
    ]
}

#[test]
fn a_full_refund_of_the_newest_invoice_revokes_and_of_an_older_one_does_not() {
    for (tie, objects) in ties() {
        for (number, granted) in [("new", false), ("old", true)] {
            let mut objects = objects.clone();
            objects.push(subscription("sub_1", "active"));
            objects.push(refund("re_1", number, 2900));
            let access = now(&objects);
            assert_eq!(access.granted, granted, "{tie}: refund of the {number} one");
            let reason = if granted { Reason::Active } else { Reason::FullRefund };
            assert_eq!(access.reason, reason, "{tie}: refund of the {number} one");
        }
    }
}

#[test]
fn a_partial_refund_keeps_and_parts_that_make_a_whole_revoke() {
    for (tie, objects) in ties() {
        let mut objects = objects.clone();
        objects.push(subscription("sub_1", "active"));
        objects.push(refund("re_1", "new", 900));
        assert!(now(&objects).granted, "{tie}");
        objects.push(refund("re_2", "new", 2000));
        assert_eq!(now(&objects).reason, Reason::FullRefund, "{tie}");
        // A refund that failed gives nothing back.
        let last = objects.len() - 1;
        objects[last]["status"] = "failed".into();
        assert!(now(&objects).granted, "{tie}");
    }
}

/// Two invoices of the same amount within the hour: nothing tells which was refunded, and access
/// is not taken on a guess.
#[test]
fn a_refund_that_fits_two_invoices_revokes_nothing() {
    let objects = [
        subscription("sub_1", "active"),
        invoice("in_1", "paid", START),
        invoice("in_2", "paid", START + 600),
        charge("1", START + 60),
        refund("re_1", "1", 2900),
    ];
    assert_eq!(verdict(&now(&objects)), (true, "pro", Reason::Active));
}

#[test]
fn a_refund_of_a_purchase_leaves_the_subscription_alone() {
    let objects = [
        subscription("sub_1", "active"),
        invoice("in_1", "paid", START),
        invoice_payment("in_1", "sub"),
        session("paid"),
        charge("1", START + 60),
        refund("re_1", "1", 2900),
    ];
    assert_eq!(verdict(&now(&objects)), (true, "pro", Reason::Active));
    assert_eq!(now(&objects[3..]).reason, Reason::FullRefund);
}

#[test]
fn a_dispute_takes_access_only_once_it_is_lost() {
    let table = [
        ("warning_needs_response", true),
        ("warning_under_review", true),
        ("warning_closed", true),
        ("needs_response", true),
        ("under_review", true),
        ("won", true),
        ("prevented", true),
        ("lost", false),
    ];
    for (status, granted) in table {
        let objects = [session("paid"), charge("1", START), dispute(status, "1")];
        let access = now(&objects);
        assert_eq!(access.granted, granted, "{status}");
        let reason = if granted { Reason::Purchased } else { Reason::DisputeLost };
        assert_eq!(access.reason, reason, "{status}");
    }
}

#[test]
fn an_open_dispute_revokes_where_the_policy_says_so_but_an_inquiry_never() {
    let rulebook = under(Policy { dispute_open: Rule::Revoke, ..Policy::default() });
    for (status, granted) in [
        ("warning_needs_response", true),
        ("needs_response", false),
        ("under_review", false),
        ("won", true),
    ] {
        let objects = [session("paid"), charge("1", START), dispute(status, "1")];
        assert_eq!(at(&objects, &rulebook, NOW).granted, granted, "{status}");
    }
}

#[test]
fn a_reversal_with_grace_ends_to_the_second() {
    let rulebook = under(Policy { full_refund: Rule::Grace(3 * DAY), ..Policy::default() });
    let objects = [session("paid"), charge("1", START), refund("re_1", "1", 2900)];
    let end = START + DAY + 3 * DAY;
    let before = at(&objects, &rulebook, end - 1);
    assert_eq!(verdict(&before), (true, "lifetime", Reason::FullRefund));
    assert_eq!((before.due_at, before.until), (Some(end), Some(end)));
    assert_eq!(verdict(&at(&objects, &rulebook, end)), (false, "free", Reason::FullRefund));
}

/// A milder reversal must not give back what a graver one took.
#[test]
fn the_worst_reversal_of_a_payment_decides() {
    let rulebook = under(Policy {
        dispute_lost: Rule::Grace(DAY),
        partial_refund: Rule::Grace(300 * DAY),
        ..Policy::default()
    });
    let objects =
        [session("paid"), charge("1", START), dispute("lost", "1"), refund("re_1", "1", 100)];
    assert_eq!(
        verdict(&at(&objects, &rulebook, START + DAY)),
        (true, "lifetime", Reason::PartialRefund)
    );
    let access = at(&objects, &rulebook, START + 2 * DAY);
    assert_eq!(verdict(&access), (false, "free", Reason::DisputeLost));
    assert_eq!(access.due_at, None);
}

/// A policy that is lenient on full refunds but not on parts of them is the operator's choice.
#[test]
fn a_full_refund_is_not_judged_as_a_partial_one() {
    let rulebook = under(Policy {
        full_refund: Rule::Keep,
        partial_refund: Rule::Revoke,
        ..Policy::default()
    });
    let objects = |amount| [session("paid"), charge("1", START), refund("re_1", "1", amount)];
    assert!(at(&objects(2900), &rulebook, NOW).granted);
    assert_eq!(at(&objects(1), &rulebook, NOW).reason, Reason::PartialRefund);
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
