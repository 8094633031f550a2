//! What is wrong in the five texts that asked for this, each as a test that it is right here.
//! Those of HTTP, mails, Checkout and commands are tested where such things are, and named in a
//! list here.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::path::Path;
use std::sync::Arc;

use databases::{Fresh, on_both_databases};
use futures_util::FutureExt;
use history::objects::{
    self, PERIOD_END, USER, charge, customer, dispute, event, invoice, refund, session,
    subscription, updated, with,
};
use history::{DAY, Piece, START};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::clock::Clock;
use tollgate::receive::{self, Input, Outcome, Receiver, SubmitError};
use tollgate::rules::access::{Access, Reason};
use tollgate::rules::catalog;
use tollgate::rules::effects::EffectKind;
use tollgate::store::{self, Db};
use tollgate_stripe::object::Object;

const NOW: i64 = START + 2 * DAY;

fn open(db: &Db) -> Receiver {
    // The writers end with the runtime of the test.
    receive::open(db, &Arc::new(objects::rulebook()), &Clock::manual(NOW * 1000)).0
}

async fn submit(receiver: &Receiver, piece: &Piece) -> Outcome {
    receiver.submit(piece.delivery()).await.unwrap()
}

/// Delivers events of these types about these objects, each in a second of its own.
async fn deliver(fresh: &Fresh, events: &[(&str, Value)]) {
    let receiver = open(&fresh.db);
    for (at, (kind, object)) in (0..).zip(events) {
        let piece = event(&format!("evt_{at}"), kind, START + at, object);
        assert_eq!(submit(&receiver, &piece).await, Outcome::Applied, "{kind}");
    }
}

async fn access(fresh: &Fresh) -> Access {
    answer::access(&fresh.db, &objects::rulebook(), USER, NOW).await.unwrap().access
}

async fn facts(fresh: &Fresh) -> Vec<String> {
    let staged = store::outbox::page(&fresh.db, "", 1_000).await.unwrap();
    let aside = |kind: EffectKind| kind.is_of_access() || kind == EffectKind::CustomerLinked;
    let facts = staged.iter().filter(|it| !aside(it.effect.kind));
    facts.map(|it| it.effect.key()).collect()
}

const CREATED: &str = "customer.subscription.created";

/// What is right elsewhere: the bug, the file among the crates, and the test. C6 and C7 are samples
/// that do not do what they say; ours are run, and what C7 warns of is C5.
const ELSEWHERE: [(u32, &str, &str); 16] = [
    (6, "tollgate/tests/examples.rs", "an_app_mounts_tollgate_and_its_table_follows"),
    (7, "tollgate/tests/seed_bugs.rs", "c5_the_answer_comes_after_the_work"),
    (9, "tollgate/tests/http_webhook.rs", "refusals_name_their_reason"),
    (9, "tollgate/tests/http_webhook.rs", "nothing_is_taken_while_the_database_is_away"),
    (10, "tollgate/tests/http_webhook.rs", "without_a_signing_secret_the_webhook_says_so"),
    (10, "tollgate/tests/selling.rs", "fifty_calls_at_once_make_one_customer"),
    (
        10,
        "tollgate/tests/selling_refused.rs",
        "nobody_chooses_a_price_a_customer_or_a_foreign_place",
    ),
    (11, "tollgate/tests/receive_traps.rs", "dj_f3_a_failure_midway_tells_each_fact_once"),
    (11, "tollgate/tests/deliver.rs", "two_workers_of_one_destination_tell_nothing_twice"),
    (12, "tollgate-cli/tests/sending.rs", "a_trigger_on_serve_grants_access_to_its_user_alone"),
    (12, "tollgate-cli/tests/sending.rs", "a_story_twice_and_shuffled_ends_as_once_in_order"),
    (14, "tollgate/tests/selling.rs", "checkout_is_shown_as_it_is_wanted"),
    (15, "tollgate/tests/mail.rs", "a_failed_payment_gets_more_urgent"),
    (
        15,
        "tollgate/tests/dunning.rs",
        "a_subscription_that_is_left_unpaid_ends_with_the_last_notice",
    ),
    (20, "tollgate/tests/http_webhook.rs", "any_of_the_secrets_may_sign"),
    (
        20,
        "tollgate/tests/http_webhook.rs",
        "an_event_of_the_other_mode_is_refused_and_its_secret_named",
    ),
];

/// A bug that no test is named for is one that nobody looks after.
#[test]
fn each_bug_has_a_test_of_its_name() {
    let read = |file: &str| {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        std::fs::read_to_string(crates.join(file)).unwrap()
    };
    let here = read("tollgate/tests/seed_bugs.rs");
    for bug in 1..=20 {
        let named = here.contains(&format!("fn c{bug}_"));
        assert!(named || ELSEWHERE.iter().any(|it| it.0 == bug), "C{bug}");
    }
    for (bug, file, test) in ELSEWHERE {
        assert!(read(file).contains(&format!("fn {test}(")), "C{bug}: {test} in {file}");
    }
}

on_both_databases! {
    (derived anew by objects::rulebook(), at NOW * 1000)
    c1_an_event_that_failed_is_no_duplicate;
    c2_a_second_copy_is_answered_once_the_first_is_done;
    c3_when_the_database_is_away_nothing_is_stranded;
    c4_a_crash_after_the_work_repeats_nothing;
    c5_the_answer_comes_after_the_work;
    c8_a_session_never_overwrites_the_status_of_its_subscription;
    c10_not_every_status_keeps_the_plan;
    c10_the_end_of_another_subscription_is_not_the_end;
    c11_a_plan_change_knows_the_old_price;
    c11_a_second_subscription_does_not_overwrite_the_first;
    c11_the_end_of_what_was_never_seen_is_no_error;
    c11_the_bytes_that_were_signed_are_kept;
    c12_what_stripe_trigger_sends_harms_nobody;
    c13_an_invoice_without_a_subscription_touches_no_other;
    c13_the_end_of_the_period_is_found_on_the_items;
    c15_each_attempt_is_a_fact_of_its_own_and_the_last_is_known;
    c16_a_partial_refund_revokes_nothing;
    c16_a_dispute_keeps_its_deadline;
    c17_an_unpaid_session_grants_nothing;
    c17_a_session_of_another_mode_is_no_purchase;
    c17_an_object_of_another_account_grants_nothing;
    c18_a_second_copy_does_nothing;
    c19_a_session_without_customer_or_details_is_applied;
    c20_a_database_stays_of_its_first_mode;
}

async fn c1_an_event_that_failed_is_no_duplicate(fresh: Fresh) {
    let receiver = open(&fresh.db);
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    fresh.meddle("alter table object rename to object_away").await;
    assert!(matches!(submit(&receiver, &piece).await, Outcome::Failed(_)));
    fresh.meddle("alter table object_away rename to object").await;
    assert_eq!(submit(&receiver, &piece).await, Outcome::Applied, "Stripe's retry");
    assert!(access(&fresh).await.granted);
}

async fn c2_a_second_copy_is_answered_once_the_first_is_done(fresh: Fresh) {
    let (one, other) = (open(&fresh.node().await), open(&fresh.node().await));
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    let mut first = fresh.db.begin().await.unwrap();
    let book = objects::rulebook();
    receive::apply_in(&mut first, &book, &[piece.delivery()], NOW * 1000).await.unwrap();
    let mut copies =
        std::pin::pin!(futures_util::future::join(submit(&one, &piece), submit(&other, &piece)));
    assert!(copies.as_mut().now_or_never().is_none());
    fresh.until_somebody_waits().await;
    assert!(copies.as_mut().now_or_never().is_none(), "a duplicate of what may yet fail");
    // The first fails after all: one of the copies does the work.
    drop(first);
    let (a, b) = copies.await;
    assert!(
        matches!(
            (&a, &b),
            (Outcome::Applied, Outcome::Duplicate) | (Outcome::Duplicate, Outcome::Applied)
        ),
        "{a:?} {b:?}"
    );
}

async fn c3_when_the_database_is_away_nothing_is_stranded(fresh: Fresh) {
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    let node = fresh.separate().await;
    let receiver = open(&node);
    node.close().await;
    let answer = receiver.submit(piece.delivery()).await;
    assert!(matches!(answer, Err(SubmitError::Store(_))), "{answer:?}");
    assert!(store::event::find(&fresh.db, "evt_1").await.unwrap().is_none());
    assert_eq!(submit(&open(&fresh.db), &piece).await, Outcome::Applied);
}

async fn c4_a_crash_after_the_work_repeats_nothing(fresh: Fresh) {
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    let book = objects::rulebook();
    let mut crashed = fresh.db.begin().await.unwrap();
    receive::apply_in(&mut crashed, &book, &[piece.delivery()], NOW * 1000).await.unwrap();
    drop(crashed);
    let copies: Vec<Input> = (0..3).map(|_| piece.delivery()).collect();
    let done = receive::apply(&fresh.db, &book, &copies, NOW * 1000).await.unwrap();
    assert_eq!(done.outcomes, [Outcome::Applied, Outcome::Duplicate, Outcome::Duplicate]);
    assert_eq!(done.changed.len(), 1);
    assert_eq!(done.changed[0].after.revision, 1);
    assert_eq!(facts(&fresh).await, ["subscription_started:sub_1"]);
}

async fn c5_the_answer_comes_after_the_work(fresh: Fresh) {
    let receiver = open(&fresh.db);
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    assert_eq!(submit(&receiver, &piece).await, Outcome::Applied);
    // At once, with nothing left to do in memory, over another connection.
    let node = fresh.separate().await;
    let seen = answer::access(&node, &objects::rulebook(), USER, NOW).await.unwrap();
    assert!(seen.access.granted);
    assert_eq!(store::outbox::page(&node, "", 10).await.unwrap().len(), 3);
}

async fn c8_a_session_never_overwrites_the_status_of_its_subscription(fresh: Fresh) {
    let completed = with(
        &session("paid"),
        &json!({ "mode": "subscription", "payment_intent": null, "subscription": "sub_1" }),
    );
    deliver(
        &fresh,
        &[(CREATED, subscription("sub_1", "active")), ("checkout.session.completed", completed)],
    )
    .await;
    let access = access(&fresh).await;
    assert_eq!((access.granted, access.status.as_deref()), (true, Some("active")));
}

async fn c10_not_every_status_keeps_the_plan(fresh: Fresh) {
    for (at, status) in (0..).zip(["unpaid", "paused", "incomplete_expired"]) {
        let id = format!("evt_{status}");
        let piece = updated(&id, START + at, &subscription("sub_1", status), &json!({}));
        submit(&open(&fresh.db), &piece).await;
        assert!(!access(&fresh).await.granted, "{status}");
    }
}

async fn c10_the_end_of_another_subscription_is_not_the_end(fresh: Fresh) {
    deliver(
        &fresh,
        &[
            (CREATED, subscription("sub_1", "active")),
            (CREATED, subscription("sub_2", "active")),
            ("customer.subscription.deleted", subscription("sub_2", "canceled")),
        ],
    )
    .await;
    assert!(access(&fresh).await.granted);
}

async fn c11_a_plan_change_knows_the_old_price(fresh: Fresh) {
    let team = with(
        &subscription("sub_1", "active"),
        &json!({ "items": objects::items("price_team", 1) }),
    );
    let before = json!({ "items": objects::items("price_pro", 1) });
    let receiver = open(&fresh.db);
    submit(&receiver, &updated("evt_1", START + 5, &team, &before)).await;
    let wanted = format!("plan_changed:sub_1:{}:price_pro>price_team", START + 5);
    assert!(facts(&fresh).await.contains(&wanted), "{:?}", facts(&fresh).await);
    let mut before = json!({ "items": objects::items("price_key", 1) });
    before["items"]["data"][0]["price"]["lookup_key"] = "pro:monthly".into();
    submit(&receiver, &updated("evt_2", START + 6, &team, &before)).await;
    let wanted = format!("plan_changed:sub_1:{}:pro:monthly:price_key>price_team", START + 6);
    assert!(facts(&fresh).await.contains(&wanted), "{:?}", facts(&fresh).await);
}

async fn c11_a_second_subscription_does_not_overwrite_the_first(fresh: Fresh) {
    deliver(
        &fresh,
        &[(CREATED, subscription("sub_1", "active")), (CREATED, subscription("sub_2", "unpaid"))],
    )
    .await;
    let found = store::object::find_all(&fresh.db, &["sub_1", "sub_2"]).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(access(&fresh).await.granted);
}

async fn c11_the_end_of_what_was_never_seen_is_no_error(fresh: Fresh) {
    let ended = subscription("sub_1", "canceled");
    deliver(&fresh, &[("customer.subscription.deleted", ended)]).await;
    assert_eq!(access(&fresh).await.reason, Reason::Canceled);
}

async fn c11_the_bytes_that_were_signed_are_kept(fresh: Fresh) {
    let body = event("evt_1", CREATED, START, &subscription("sub_1", "active")).body;
    // Spaces, order and an escaped letter that a parser would not write again.
    let body = body.replace("{\"", "{ \t\"").replace("active", "\\u0061ctive");
    let piece = Piece::new(body.clone());
    assert_eq!(submit(&open(&fresh.db), &piece).await, Outcome::Applied);
    let (_, kept) = store::event::show(&fresh.db, "evt_1").await.unwrap().unwrap();
    assert_eq!(String::from_utf8(kept).unwrap(), body);
}

/// The fixtures of Stripe's own command: a payment without customer, an invoice without
/// subscription, a subscription of a customer whom nobody knows.
async fn c12_what_stripe_trigger_sends_harms_nobody(fresh: Fresh) {
    let alone = json!({ "customer": null, "client_reference_id": null, "metadata": {} });
    let stranger = json!({ "customer": "cus_fresh", "metadata": {} });
    deliver(
        &fresh,
        &[
            ("customer.created", customer()),
            ("checkout.session.completed", with(&session("paid"), &alone)),
            ("invoice.payment_failed", unrelated_failure()),
            (CREATED, with(&subscription("sub_fresh", "active"), &stranger)),
        ],
    )
    .await;
    let access = access(&fresh).await;
    assert_eq!((access.granted, access.reason), (false, Reason::NoPurchase));
    let users = store::access::page(&fresh.db, "", 10).await.unwrap();
    assert_eq!(users.len(), 1, "nobody else came to have anything");
}

/// A one-off invoice that was tried in vain.
fn unrelated_failure() -> Value {
    let fields = json!({ "parent": null, "attempted": true, "attempt_count": 1 });
    with(&invoice("in_once", "open", START), &fields)
}

async fn c13_an_invoice_without_a_subscription_touches_no_other(fresh: Fresh) {
    let somebody = json!({ "customer": "cus_2", "metadata": { "user_id": "user_2" } });
    deliver(
        &fresh,
        &[
            (CREATED, with(&subscription("sub_2", "active"), &somebody)),
            (CREATED, subscription("sub_1", "past_due")),
            ("invoice.payment_failed", unrelated_failure()),
        ],
    )
    .await;
    let other = answer::access(&fresh.db, &objects::rulebook(), "user_2", NOW).await.unwrap();
    assert_eq!((other.access.granted, other.access.reason), (true, Reason::Active));
    // Nor does it move the grace of the same customer's subscription.
    assert_eq!(access(&fresh).await.grace_until, Some(START + 7 * DAY));
}

async fn c13_the_end_of_the_period_is_found_on_the_items(fresh: Fresh) {
    let object = with(&subscription("sub_1", "active"), &json!({ "cancel_at_period_end": true }));
    deliver(&fresh, &[(CREATED, object)]).await;
    assert_eq!(access(&fresh).await.until, Some(PERIOD_END));
}

async fn c15_each_attempt_is_a_fact_of_its_own_and_the_last_is_known(fresh: Fresh) {
    const ATTEMPTS: i64 = 8;
    let attempt = |count: i64| {
        let next = (count < ATTEMPTS).then_some(START + count * DAY);
        let fields =
            json!({ "attempted": true, "attempt_count": count, "next_payment_attempt": next });
        ("invoice.payment_failed", with(&invoice("in_1", "open", START), &fields))
    };
    deliver(&fresh, &(1..=ATTEMPTS).map(attempt).collect::<Vec<_>>()).await;
    let wanted: Vec<String> =
        (1..=ATTEMPTS).map(|it| format!("payment_failed:in_1:attempt_{it}")).collect();
    assert_eq!(facts(&fresh).await, wanted);
    let found = store::object::find_all(&fresh.db, &["in_1"]).await.unwrap();
    match &found[0].standing.object {
        Object::Invoice(it) => assert_eq!((it.attempt_count, it.next_payment_attempt), (8, None)),
        other => panic!("{other:?}"),
    }
}

async fn c16_a_partial_refund_revokes_nothing(fresh: Fresh) {
    let part = with(&charge("1", START), &json!({ "amount_refunded": 1, "refunded": false }));
    deliver(
        &fresh,
        &[
            ("checkout.session.completed", session("paid")),
            ("charge.refunded", part),
            ("refund.created", refund("re_1", "1", 1)),
        ],
    )
    .await;
    assert!(access(&fresh).await.granted);
}

async fn c16_a_dispute_keeps_its_deadline(fresh: Fresh) {
    let due = json!({ "evidence_details": { "due_by": START + 21 * DAY } });
    let object = with(&dispute("needs_response", "1"), &due);
    deliver(&fresh, &[("charge.dispute.created", object)]).await;
    let found = store::object::find_all(&fresh.db, &["dp_1"]).await.unwrap();
    match &found[0].standing.object {
        Object::Dispute(it) => assert_eq!(it.due_by, Some(START + 21 * DAY)),
        other => panic!("{other:?}"),
    }
}

async fn c17_an_unpaid_session_grants_nothing(fresh: Fresh) {
    deliver(&fresh, &[("checkout.session.completed", session("unpaid"))]).await;
    assert_eq!(access(&fresh).await.reason, Reason::PaymentPending);
    let paid = event(
        "evt_paid",
        "checkout.session.async_payment_succeeded",
        START + 3 * DAY,
        &session("paid"),
    );
    submit(&open(&fresh.db), &paid).await;
    assert_eq!(access(&fresh).await.reason, Reason::Purchased);
}

async fn c17_a_session_of_another_mode_is_no_purchase(fresh: Fresh) {
    let setup = with(&session("no_payment_required"), &json!({ "mode": "setup" }));
    deliver(&fresh, &[("checkout.session.completed", setup)]).await;
    assert_eq!(access(&fresh).await.reason, Reason::NoPurchase);
    assert_eq!(facts(&fresh).await, Vec::<String>::new());
}

async fn c17_an_object_of_another_account_grants_nothing(fresh: Fresh) {
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    submit(&open(&fresh.db), &objects::of_account(&piece, "acct_other")).await;
    assert!(!access(&fresh).await.granted);
}

/// All that no seed handles is handled.
#[test]
fn c17_the_forgotten_types_are_acted_on() {
    for kind in [
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "customer.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "invoice.payment_action_required",
    ] {
        assert!(catalog::entry(kind).is_some(), "{kind}");
    }
}

async fn c18_a_second_copy_does_nothing(fresh: Fresh) {
    let receiver = open(&fresh.db);
    let piece = event("evt_1", CREATED, START, &subscription("sub_1", "active"));
    assert_eq!(submit(&receiver, &piece).await, Outcome::Applied);
    let held = async || {
        let objects = store::object::page(&fresh.db, "", 10).await.unwrap();
        let access = store::access::page(&fresh.db, "", 10).await.unwrap();
        (objects, access, store::outbox::page(&fresh.db, "", 10).await.unwrap())
    };
    let once = held().await;
    for _ in 0..3 {
        assert_eq!(submit(&receiver, &piece).await, Outcome::Duplicate);
    }
    let again = held().await;
    assert_eq!((once.0, once.1, once.2.len()), (again.0, again.1, again.2.len()));
}

async fn c19_a_session_without_customer_or_details_is_applied(fresh: Fresh) {
    let bare = json!({ "customer": null, "customer_details": null });
    deliver(&fresh, &[("checkout.session.completed", with(&session("paid"), &bare))]).await;
    let access = access(&fresh).await;
    assert_eq!((access.granted, access.customer_id), (true, None));
}

/// That the webhook keeps events of the other mode out is shown in `http_webhook.rs`.
async fn c20_a_database_stays_of_its_first_mode(fresh: Fresh) {
    assert!(store::schema::claim_livemode(&fresh.db, true).await.unwrap());
    assert!(store::schema::claim_livemode(&fresh.db, false).await.unwrap(), "it stays live");
}
