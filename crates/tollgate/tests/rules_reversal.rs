//! What refunds and disputes take from access: of which payment, of which period, and how much of it
//! has to come back.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::judged::{NOW, at, now, under, verdict};
use history::objects::{
    PERIOD_END, charge, dispute, invoice, invoice_payment, refund, session, subscription, with,
};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::rules::access::Reason;
use tollgate::rules::policy::{Policy, Rule};

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

/// An invoice of `amount` made for `reason`, and its payment by `pi_{number}`.
fn paid_by(number: &str, reason: &str, created: i64, amount: i64) -> [Value; 3] {
    let id = format!("in_{number}");
    let invoice = with(
        &invoice(&id, "paid", created),
        &json!({ "billing_reason": reason, "amount_paid": amount, "amount_due": amount }),
    );
    let money = json!({ "amount": amount, "amount_captured": amount });
    let link = with(&invoice_payment(&id, number), &json!({ "amount_paid": amount }));
    [invoice, with(&charge(number, created), &money), link]
}

/// A period at `amount`, and something more for `added` within it.
fn period_and_more(amount: i64, added: i64) -> Vec<Value> {
    let period = paid_by("period", "subscription_cycle", START, amount);
    let more = paid_by("more", "subscription_update", START + DAY, added);
    [&[subscription("sub_1", "active")][..], &period, &more].concat()
}

/// Neither decides the money for a seat about the whole period, nor is the period kept for a seat.
#[test]
fn a_reversal_is_judged_by_all_that_was_paid_for_the_period() {
    let seat = period_and_more(100_000, 500);
    let table = [
        (vec![refund("re_1", "more", 500)], Reason::Active),
        (vec![refund("re_1", "period", 99_999)], Reason::Active),
        (vec![refund("re_1", "period", 100_000)], Reason::FullRefund),
        (vec![dispute("lost", "period")], Reason::DisputeLost),
        (vec![dispute("lost", "more")], Reason::DisputeLost),
    ];
    for (reversals, reason) in table {
        let access = now(&[seat.clone(), reversals.clone()].concat());
        assert_eq!(access.reason, reason, "{reversals:?}");
        assert_eq!(access.granted, reason == Reason::Active, "{reversals:?}");
    }
    let strict = under(Policy { partial_refund: Rule::Revoke, ..Policy::default() });
    let access = at(&[seat, vec![refund("re_1", "more", 500)]].concat(), &strict, NOW);
    assert_eq!(access.reason, Reason::PartialRefund);
}

/// Who paid for an upgrade keeps it where the little that was paid before is given back.
#[test]
fn an_upgrade_that_cost_more_than_the_period_is_not_lost_with_it() {
    let upgrade = period_and_more(1_000, 99_000);
    let back = [refund("re_1", "period", 1_000), refund("re_2", "more", 99_000)];
    for one in &back {
        let access = now(&[upgrade.clone(), vec![one.clone()]].concat());
        assert_eq!(verdict(&access), (true, "pro", Reason::Active), "{one}");
    }
    assert_eq!(now(&[upgrade, back.to_vec()].concat()).reason, Reason::FullRefund);
}

/// A change that begins a new period at once is all that was paid for it.
#[test]
fn an_upgrade_that_begins_a_period_is_that_periods_money() {
    let mut objects = period_and_more(1_000, 99_000);
    objects[0]["items"]["data"][0]["current_period_start"] = (START + DAY).into();
    let refunded = |number, amount| {
        now(&[objects.clone(), vec![refund("re_1", number, amount)]].concat()).reason
    };
    assert_eq!(refunded("more", 99_000), Reason::FullRefund);
    assert_eq!(refunded("period", 1_000), Reason::Active);
}

/// Until the money of a period has come, what was paid last is judged.
#[test]
fn where_nothing_is_paid_for_the_period_the_last_one_is_judged() {
    let mut objects = period_and_more(100_000, 500);
    objects[0]["items"]["data"][0]["current_period_start"] = PERIOD_END.into();
    let refunded = |number, amount| {
        now(&[objects.clone(), vec![refund("re_1", number, amount)]].concat()).reason
    };
    assert_eq!(refunded("period", 100_000), Reason::FullRefund);
    assert_eq!(refunded("more", 500), Reason::Active);
}

/// Since basil an invoice may be paid in parts.
#[test]
fn one_of_two_payments_of_an_invoice_is_a_part_of_it() {
    let [invoice, first, link] = paid_by("1", "subscription_cycle", START, 2_900);
    let part = |of: &Value, amount: i64| {
        with(of, &json!({ "amount": amount, "amount_captured": amount, "amount_paid": amount }))
    };
    let flagged = |of: &Value| with(of, &json!({ "refunded": true, "amount_refunded": 900 }));
    let second = with(&charge("2", START), &json!({ "amount": 2000, "amount_captured": 2000 }));
    let rest = [
        subscription("sub_1", "active"),
        invoice,
        part(&link, 900),
        part(&invoice_payment("in_1", "2"), 2000),
        second,
    ];
    let with_first = |it: Value| [&rest[..], &[it]].concat();
    assert_eq!(now(&with_first(flagged(&part(&first, 900)))).reason, Reason::Active);
    let mut both = with_first(flagged(&part(&first, 900)));
    both.push(refund("re_2", "2", 2000));
    assert_eq!(now(&both).reason, Reason::FullRefund);
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
