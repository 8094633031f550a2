//! The sequences that break other systems, each by its name: SE and FK are Stripe's sync engine
//! and its rewrite, CA Cashier, BA better-auth, AU Autumn, T3 the t3 recommendations, TC the
//! transcript app, CX Convex, PO Polar, DJ dj-stripe, S4 the fifth seed. "Arrives" is the order of
//! a list; every other order is tried as well.
//!
//! Those about what is stored when are in `receive_traps.rs`, those about what Stripe answers in
//! `fetch_traps.rs`, but T3-F3, an answer that fails, in `thin.rs`. ME's rolled secret is
//! `any_of_the_secrets_may_sign` in `http_webhook.rs`.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::BTreeMap;
use std::rc::Rc;

use databases::{Fresh, on_both_databases};
use history::objects::{
    self, CUSTOMER, PERIOD_END, USER, change, charge, customer, event, invoice, session, sub,
    subscription, update, updated, with,
};
use history::world::{History, World};
use history::{Piece, START};
use serde_json::json;
use tollgate::rules::access::{Access, Reason};
use tollgate::{answer, receive, store};
use tollgate_stripe::object::Object;

const NOW: i64 = START + 3_600;

const CREATED: &str = "customer.subscription.created";
const DELETED: &str = "customer.subscription.deleted";

on_both_databases! {
    (derived anew by objects::rulebook(), at NOW * 1000)
    se_f1_an_update_of_the_same_second_is_not_dropped;
    fk_f1_a_creation_that_comes_late_in_its_second_does_not_win;
    fk_f3_a_late_update_does_not_bring_a_deleted_customer_back;
    ca_f1_an_update_of_before_the_deletion_does_not_restore_access;
    ca_f2_a_deletion_that_comes_before_the_creation_stays;
    ca_f4_a_scheduled_cancellation_lands_without_a_period_on_the_subscription;
    dj_f4_a_subscription_with_its_period_on_its_items_is_active;
    ba_f1_a_late_update_does_not_undo_a_newer_one;
    ba_f2_an_update_of_a_new_subscription_does_not_rewrite_the_old_one;
    au_f1_a_cancellation_that_was_taken_back_does_not_linger;
    au_f2_a_cancellation_right_after_a_change_is_not_lost;
    t3_f2_a_newer_attempt_that_is_incomplete_does_not_hide_the_active_one;
    tc_f1_a_late_update_does_not_make_a_cancelled_user_pro;
    tc_f2_a_completed_session_is_not_the_status_of_the_subscription;
    tc_f3_the_end_of_one_of_two_subscriptions_leaves_the_other;
    cx_a_creation_after_its_own_deletion_does_not_resurrect;
    po_the_last_writer_of_a_charge_is_not_its_last_state;
    s4_a_creation_that_comes_late_does_not_regress_to_incomplete;
    an_invoice_that_is_paid_before_its_subscription_is_known_counts;
}

/// Lets the pieces arrive as they stand, and then in every other order; `check` sees each end.
/// The first of them goes through the database too, one after the other, and ends the same there.
async fn arrives(fresh: &Fresh, pieces: Vec<Piece>, check: impl Fn(&World, &Access)) {
    let (history, rulebook) = (History::new(pieces), objects::rulebook());
    let end = history.in_order();
    check(&end, &end.access(&rulebook, NOW));
    let all: Vec<usize> = (0..history.pieces.len()).collect();
    history.permutations(&all, &mut |world, _| check(world, &world.access(&rulebook, NOW)));
    for piece in &history.pieces {
        receive::apply(&fresh.db, &rulebook, &[piece.delivery()], NOW * 1000).await.unwrap();
    }
    let stored = store::object::page(&fresh.db, "", 100).await.unwrap();
    let stored = stored.into_iter().map(|it| (it.id, Rc::new(it.standing)));
    assert_eq!(stored.collect::<BTreeMap<_, _>>(), end.standings);
    let answer = answer::access(&fresh.db, &rulebook, USER, NOW).await.unwrap();
    assert_eq!(answer.access, end.access(&rulebook, NOW));
}

async fn ends(fresh: &Fresh, pieces: Vec<Piece>, status: &str, granted: bool) {
    arrives(fresh, pieces, |world, access| {
        match world.object("sub_1") {
            Object::Subscription(it) => assert_eq!(it.status.as_str(), status),
            other => panic!("{other:?}"),
        }
        assert_eq!(access.granted, granted);
    })
    .await;
}

async fn se_f1_an_update_of_the_same_second_is_not_dropped(fresh: Fresh) {
    let pieces = vec![sub("evt_b", CREATED, "incomplete", 100), update("evt_a", "active", 100)];
    ends(&fresh, pieces, "active", true).await;
}

async fn fk_f1_a_creation_that_comes_late_in_its_second_does_not_win(fresh: Fresh) {
    let pieces = vec![update("evt_a", "active", 100), sub("evt_b", CREATED, "incomplete", 100)];
    ends(&fresh, pieces, "active", true).await;
}

async fn fk_f3_a_late_update_does_not_bring_a_deleted_customer_back(fresh: Fresh) {
    let pieces = vec![
        sub("evt_c", CREATED, "active", 0),
        event("evt_b", "customer.deleted", START + 200, &customer()),
        event("evt_a", "customer.updated", START + 150, &customer()),
        event("evt_d", "customer.updated", START + 250, &customer()),
    ];
    arrives(&fresh, pieces, |world, access| {
        assert!(matches!(world.object(CUSTOMER), Object::Customer(it) if it.deleted));
        assert_eq!(access.reason, Reason::CustomerDeleted);
    })
    .await;
}

async fn ca_f1_an_update_of_before_the_deletion_does_not_restore_access(fresh: Fresh) {
    ends(
        &fresh,
        vec![sub("evt_b", DELETED, "canceled", 100), update("evt_a", "active", 99)],
        "canceled",
        false,
    )
    .await;
}

async fn ca_f2_a_deletion_that_comes_before_the_creation_stays(fresh: Fresh) {
    let pieces = vec![sub("evt_b", DELETED, "canceled", 100), sub("evt_a", CREATED, "active", 0)];
    ends(&fresh, pieces, "canceled", false).await;
}

/// The period stands on the items since basil; there is no other.
async fn ca_f4_a_scheduled_cancellation_lands_without_a_period_on_the_subscription(fresh: Fresh) {
    let object = with(&subscription("sub_1", "active"), &json!({ "cancel_at_period_end": true }));
    assert!(object.get("current_period_end").is_none());
    let pieces = vec![updated("evt_a", START, &object, &json!({ "cancel_at_period_end": false }))];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!((access.granted, access.cancel_at), (true, Some(PERIOD_END)));
    })
    .await;
}

async fn dj_f4_a_subscription_with_its_period_on_its_items_is_active(fresh: Fresh) {
    ends(&fresh, vec![sub("evt_a", CREATED, "active", 0)], "active", true).await;
}

async fn ba_f1_a_late_update_does_not_undo_a_newer_one(fresh: Fresh) {
    let unpaid = |id: &str, at| update(id, "past_due", at);
    ends(&fresh, vec![unpaid("evt_a", 105), update("evt_b", "active", 100)], "past_due", true)
        .await;
}

fn second(status: &str, id: &str, kind: &str, at: i64) -> Piece {
    let fields = json!({ "items": objects::items("price_team", 1) });
    event(id, kind, START + at, &with(&subscription("sub_2", status), &fields))
}

async fn ba_f2_an_update_of_a_new_subscription_does_not_rewrite_the_old_one(fresh: Fresh) {
    let pieces = vec![
        sub("evt_a", CREATED, "active", 0),
        second("active", "evt_b", "customer.subscription.updated", 50),
        sub("evt_c", DELETED, "canceled", 100),
    ];
    arrives(&fresh, pieces, |world, access| {
        assert_eq!(world.standings.len(), 2);
        assert_eq!((access.granted, access.plan.as_str()), (true, "team"));
    })
    .await;
}

/// Edges: the cancellation's own event says "cancelled", the later state says it is not.
async fn au_f1_a_cancellation_that_was_taken_back_does_not_linger(fresh: Fresh) {
    let kept = subscription("sub_1", "active");
    let going = with(&kept, &json!({ "cancel_at_period_end": true, "canceled_at": START + 10 }));
    let pieces = vec![
        sub("evt_0", CREATED, "active", 0),
        updated(
            "evt_z",
            START + 10,
            &going,
            &json!({ "cancel_at_period_end": false, "canceled_at": null }),
        ),
        updated(
            "evt_a",
            START + 11,
            &kept,
            &json!({ "cancel_at_period_end": true, "canceled_at": START + 10 }),
        ),
    ];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!((access.granted, access.cancel_at, access.until), (true, None, None));
    })
    .await;
}

/// No window in which a change counts as our own and is skipped.
async fn au_f2_a_cancellation_right_after_a_change_is_not_lost(fresh: Fresh) {
    let team = with(
        &subscription("sub_1", "active"),
        &json!({ "items": objects::items("price_team", 1) }),
    );
    let going = with(&team, &json!({ "cancel_at_period_end": true }));
    let pieces = vec![
        updated("evt_b", START + 30, &team, &json!({ "items": objects::items("price_pro", 1) })),
        updated("evt_a", START + 31, &going, &json!({ "cancel_at_period_end": false })),
    ];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!((access.plan.as_str(), access.cancel_at), ("team", Some(PERIOD_END)));
    })
    .await;
}

async fn t3_f2_a_newer_attempt_that_is_incomplete_does_not_hide_the_active_one(fresh: Fresh) {
    let pieces =
        vec![sub("evt_a", CREATED, "active", 0), second("incomplete", "evt_b", CREATED, 500)];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!((access.granted, access.plan.as_str()), (true, "pro"));
    })
    .await;
}

async fn tc_f1_a_late_update_does_not_make_a_cancelled_user_pro(fresh: Fresh) {
    ends(
        &fresh,
        vec![sub("evt_b", DELETED, "canceled", 100), update("evt_a", "active", 50)],
        "canceled",
        false,
    )
    .await;
}

async fn tc_f2_a_completed_session_is_not_the_status_of_the_subscription(fresh: Fresh) {
    let done = with(&session("paid"), &json!({ "mode": "subscription", "payment_intent": null }));
    let pieces = vec![
        sub("evt_a", CREATED, "active", 0),
        event("evt_b", "checkout.session.completed", START + 1, &done),
    ];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!(access.status.as_deref(), Some("active"));
        assert_eq!((access.granted, access.plan.as_str()), (true, "pro"));
    })
    .await;
}

async fn tc_f3_the_end_of_one_of_two_subscriptions_leaves_the_other(fresh: Fresh) {
    let pieces = vec![
        sub("evt_a", CREATED, "active", 0),
        second("active", "evt_b", CREATED, 50),
        second("canceled", "evt_c", DELETED, 100),
    ];
    arrives(&fresh, pieces, |_, access| {
        assert_eq!((access.granted, access.plan.as_str()), (true, "pro"));
    })
    .await;
}

async fn cx_a_creation_after_its_own_deletion_does_not_resurrect(fresh: Fresh) {
    let pieces = vec![sub("evt_b", DELETED, "canceled", 9), sub("evt_a", CREATED, "active", 1)];
    ends(&fresh, pieces, "canceled", false).await;
}

async fn po_the_last_writer_of_a_charge_is_not_its_last_state(fresh: Fresh) {
    let refunded = with(&charge("1", START), &json!({ "amount_refunded": 2900, "refunded": true }));
    let pieces = vec![
        event("evt_s", "checkout.session.completed", START, &session("paid")),
        change("evt_b", "charge.updated", START + 20, &refunded, &json!({ "refunded": false })),
        event("evt_a", "charge.updated", START + 10, &charge("1", START)),
    ];
    arrives(&fresh, pieces, |_, access| assert_eq!(access.reason, Reason::FullRefund)).await;
}

async fn s4_a_creation_that_comes_late_does_not_regress_to_incomplete(fresh: Fresh) {
    let pieces = vec![update("evt_a", "active", 2), sub("evt_b", CREATED, "incomplete", 0)];
    ends(&fresh, pieces, "active", true).await;
}

/// Everything of a first payment carries one second, and money before its subscription.
async fn an_invoice_that_is_paid_before_its_subscription_is_known_counts(fresh: Fresh) {
    let pieces = vec![
        event("evt_c", "invoice.paid", START, &invoice("in_1", "paid", START)),
        event("evt_b", "customer.created", START, &customer()),
        sub("evt_a", CREATED, "incomplete", 0),
        update("evt_d", "active", 0),
    ];
    ends(&fresh, pieces, "active", true).await;
}
