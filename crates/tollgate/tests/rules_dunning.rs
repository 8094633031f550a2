//! Money that is missing: when there is dunning and when none, how far it has come, and until when
//! access lasts.

#[expect(dead_code, reason = "other files need more of it")]
mod history;

use history::objects::{CUSTOMER, invoice, rulebook, session, subscription, with};
use history::{DAY, START};
use serde_json::{Value, json};
use tollgate::rules::access::{access, claims};
use tollgate::rules::dunning::{Dunning, Level};
use tollgate::rules::ledger::Ledger;
use tollgate::rules::policy::{Policy, Rule, Rulebook};
use tollgate_stripe::object::Object;

/// When the invoice of the renewal became final.
const DUE: i64 = START + 30 * DAY;
const NOW: i64 = DUE + DAY;
const NEXT: i64 = DUE + 3 * DAY;

fn under(objects: &[Value], rulebook: &Rulebook) -> Vec<Dunning> {
    let objects: Vec<Object> = objects
        .iter()
        .map(|it| Object::parse_stored(&it.to_string()).expect("it names its kind"))
        .collect();
    let ledger = Ledger::new(objects.iter());
    access(&ledger, &claims(&ledger, rulebook, NOW), Some(CUSTOMER)).dunning
}

fn dunning(objects: &[Value]) -> Vec<Dunning> {
    under(objects, &rulebook())
}

/// Since when the only claim says that money is missing, under rules that give grace.
fn unpaid_since(objects: &[Value]) -> Option<i64> {
    let policy =
        Policy { past_due: Rule::Grace(DAY), unpaid: Rule::Grace(DAY), ..Policy::default() };
    let objects: Vec<Object> = objects
        .iter()
        .map(|it| Object::parse_stored(&it.to_string()).expect("it names its kind"))
        .collect();
    claims(&Ledger::new(objects.iter()), &Rulebook { policy, ..rulebook() }, NOW)[0].unpaid_since
}

fn levels(objects: &[Value]) -> Vec<Level> {
    dunning(objects).iter().map(|it| it.level).collect()
}

/// An invoice of the renewal that was tried so often.
fn tried(id: &str, status: &str, attempts: i64, next: Option<i64>) -> Value {
    let fields = json!({
        "attempt_count": attempts,
        "attempted": attempts > 0,
        "next_payment_attempt": next,
        "collection_method": "charge_automatically",
    });
    with(&invoice(id, status, DUE), &fields)
}

fn sent(id: &str, due: i64) -> Value {
    let fields = json!({ "collection_method": "send_invoice", "due_date": due });
    with(&invoice(id, "open", START), &fields)
}

fn past_due() -> Value {
    subscription("sub_1", "past_due")
}

#[test]
fn a_failed_renewal_says_since_when_and_how_it_goes_on() {
    let wanted = Dunning {
        subscription_id: "sub_1".to_owned(),
        invoice_id: "in_2".to_owned(),
        since: DUE,
        attempts: 1,
        next_attempt: Some(NEXT),
        level: Level::First,
        access_until: Some(DUE + 7 * DAY),
        decides: true,
    };
    assert_eq!(dunning(&[past_due(), tried("in_2", "open", 1, Some(NEXT))]), [wanted]);
}

#[test]
fn the_level_follows_what_stripe_will_do_rather_than_the_attempts() {
    let table = [
        ("past_due", 1, Some(NEXT), Some(Level::First)),
        ("past_due", 2, Some(NEXT), Some(Level::Further)),
        ("past_due", 7, Some(NEXT), Some(Level::Further)),
        ("past_due", 1, None, Some(Level::Last)),
        ("past_due", 4, None, Some(Level::Last)),
        ("unpaid", 4, None, Some(Level::Last)),
        // Its event is late: the attempt alone says it.
        ("active", 1, Some(NEXT), Some(Level::First)),
        ("trialing", 2, Some(NEXT), Some(Level::Further)),
        // An upgrade that waits for its payment; what was there before is paid.
        ("active", 1, None, None),
        ("incomplete", 1, Some(NEXT), None),
        ("incomplete_expired", 1, None, None),
        ("canceled", 4, None, None),
        ("paused", 1, Some(NEXT), None),
        ("some_status_of_2031", 1, Some(NEXT), None),
    ];
    for (status, attempts, next, level) in table {
        let objects = [subscription("sub_1", status), tried("in_2", "open", attempts, next)];
        let wanted: Vec<Level> = level.into_iter().collect();
        assert_eq!(levels(&objects), wanted, "{status} after {attempts}, then {next:?}");
    }
}

#[test]
fn nothing_is_missing_of_an_invoice_that_is_settled_or_was_not_tried() {
    for status in ["paid", "void", "uncollectible", "draft"] {
        assert_eq!(levels(&[past_due(), tried("in_2", status, 2, None)]), [], "{status}");
    }
    assert_eq!(levels(&[past_due(), tried("in_2", "open", 0, Some(NEXT))]), []);
    assert_eq!(levels(&[past_due()]), []);
    let other = json!({ "parent": { "subscription_details": { "subscription": "sub_2" } } });
    let other = with(&tried("in_2", "open", 1, Some(NEXT)), &other);
    assert_eq!(levels(&[past_due(), other]), []);
}

#[test]
fn of_two_open_invoices_the_latest_says_how_it_goes_on_and_the_first_since_when() {
    let later = json!({ "created": DUE + DAY, "status_transitions": {} });
    let later = with(&tried("in_1", "open", 1, Some(NEXT)), &later);
    let found = dunning(&[past_due(), tried("in_2", "open", 4, None), later]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].invoice_id.as_str(), found[0].level), ("in_1", Level::First));
    assert_eq!((found[0].since, found[0].attempts), (DUE, 1));
}

/// The renewal of this month of a subscription that has renewed each month since `START`.
fn month(number: i64) -> i64 {
    START + number * 30 * DAY
}

/// A subscription in its period of this month.
fn in_month(status: &str, number: i64) -> Value {
    let mut it = subscription("sub_1", status);
    it["items"]["data"][0]["current_period_start"] = month(number).into();
    it["items"]["data"][0]["current_period_end"] = month(number + 1).into();
    it
}

/// The invoice of this month's renewal, tried in vain.
fn failed(number: i64) -> Value {
    let fields = json!({
        "attempt_count": 4,
        "attempted": true,
        "billing_reason": "subscription_cycle",
        "period_start": month(number - 1),
        "period_end": month(number),
    });
    with(&invoice(&format!("in_{number}"), "open", month(number)), &fields)
}

/// An upgrade within this month, tried in vain.
fn upgrade(number: i64) -> Value {
    let made = month(number) + 10 * DAY;
    let fields = json!({
        "attempt_count": 1,
        "attempted": true,
        "billing_reason": "subscription_update",
        "period_start": made,
    });
    with(&invoice(&format!("in_up_{number}"), "open", made), &fields)
}

fn bare(invoice: &Value) -> Value {
    with(invoice, &json!({ "period_start": null, "billing_reason": null }))
}

/// An invoice may stay open for ever while the ones after it are paid; and those are not looked at.
#[test]
fn money_is_missing_since_the_first_of_the_invoices_that_follow_each_other() {
    let table = [
        ("past_due", 5, vec![failed(5)], month(5)),
        ("past_due", 5, vec![failed(0), failed(5)], month(5)),
        ("past_due", 5, vec![failed(3), failed(5)], month(5)),
        ("past_due", 5, vec![failed(1), failed(4), failed(5)], month(4)),
        ("past_due", 5, vec![bare(&failed(3)), bare(&failed(5))], month(5)),
        ("past_due", 5, vec![bare(&failed(4)), bare(&failed(5))], month(4)),
        // The renewal is not tried yet: they have not paid since the month before.
        ("past_due", 5, vec![failed(3), failed(4)], month(3)),
        // Its event is late, and what is open was left behind.
        ("past_due", 5, vec![failed(0)], month(5)),
        ("past_due", 5, vec![], month(5)),
        ("past_due", 5, vec![failed(4), upgrade(5)], month(5) + 10 * DAY),
        ("past_due", 5, vec![failed(4), failed(5), upgrade(5)], month(4)),
        // Stripe only drafts invoices by then.
        ("unpaid", 5, vec![failed(0), failed(2)], month(2)),
        ("unpaid", 5, vec![failed(1), failed(2)], month(1)),
    ];
    for (status, number, owed, since) in table {
        let ids: Vec<&str> = owed.iter().filter_map(|it| it["id"].as_str()).collect();
        let objects: Vec<Value> =
            [in_month(status, number)].into_iter().chain(owed.clone()).collect();
        assert_eq!(unpaid_since(&objects), Some(since), "{status} with {ids:?}");
        let found = dunning(&objects);
        assert!(found.iter().all(|it| it.since == since), "{status} with {ids:?}");
    }
}

#[test]
fn an_invoice_that_was_sent_is_missing_from_the_day_it_was_due() {
    let found = dunning(&[past_due(), sent("in_2", DUE), sent("in_3", DUE + 30 * DAY)]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].invoice_id.as_str(), found[0].since), ("in_2", DUE));
    assert_eq!((found[0].level, found[0].attempts), (Level::First, 0));
    assert_eq!(found[0].access_until, Some(DUE + 7 * DAY));
    let unpaid = levels(&[subscription("sub_1", "unpaid"), sent("in_2", DUE)]);
    assert_eq!(unpaid, [Level::Last]);
    // Before that day nothing is missing, also where the customer tried a card in vain.
    let attempted = with(&sent("in_2", NEXT), &json!({ "attempted": true }));
    assert_eq!(levels(&[subscription("sub_1", "active"), attempted]), []);
}

#[test]
fn access_lasts_as_the_policy_says() {
    let objects = [past_due(), tried("in_2", "open", 1, Some(NEXT))];
    let until = |past_due, objects: &[Value]| {
        let policy = Policy { past_due, ..Policy::default() };
        under(objects, &Rulebook { policy, ..rulebook() })[0].access_until
    };
    assert_eq!(until(Rule::Grace(2 * DAY), &objects), Some(DUE + 2 * DAY));
    assert_eq!(until(Rule::Grace(60), &objects), Some(DUE + 60), "it is over");
    assert_eq!(until(Rule::Revoke, &objects), Some(DUE), "it ended when the money did not come");
    assert_eq!(until(Rule::Keep, &objects), None);
    let ending = with(&past_due(), &json!({ "cancel_at": NOW + DAY }));
    assert_eq!(until(Rule::Keep, &[ending, objects[1].clone()]), Some(NOW + DAY));
}

#[test]
fn only_the_subscription_that_access_depends_on_decides() {
    let missing = tried("in_2", "open", 1, Some(NEXT));
    let bought = with(&session("paid"), &json!({ "metadata": { "plan": "lifetime" } }));
    let found = dunning(&[past_due(), missing.clone(), bought]);
    assert_eq!((found.len(), found[0].decides), (1, false));
    let alone = dunning(&[past_due(), missing]);
    assert_eq!((alone.len(), alone[0].decides), (1, true));
}
