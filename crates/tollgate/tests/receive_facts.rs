//! Facts that one event alone does not tell: money that came after a failure, customers who became
//! users', events that could not be applied. Each is found in whatever order the events come.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_both_databases};
use history::objects::{self, CUSTOMER, USER, customer, event, invoice, of_account, with};
use history::{DAY, Piece, START};
use serde_json::{Value, json};
use tollgate::receive::{self, Input};
use tollgate::rules::effects::{Effect, EffectKind};
use tollgate::store::user::AppUser;
use tollgate::store::{self, Db};

on_both_databases! {
    money_after_one_failure_is_a_recovery_in_any_order;
    money_that_came_at_once_is_no_recovery;
    a_failure_that_nothing_followed_is_no_recovery;
    a_customer_is_linked_once_to_each_user;
    a_customer_of_an_account_that_does_not_count_is_no_link;
    a_guest_is_linked_once_they_are_a_customer;
    an_event_that_cannot_be_read_is_a_fact;
}

async fn apply(db: &Db, inputs: &[Input]) {
    let now_ms = (START + 60 * DAY) * 1000;
    receive::apply(db, &objects::rulebook(), inputs, now_ms).await.unwrap();
}

async fn told(db: &Db, kind: EffectKind) -> Vec<String> {
    let staged = store::outbox::page(db, "", 1_000).await.unwrap();
    let staged = staged.iter().filter(|it| it.effect.kind == kind);
    staged.map(|it| Effect::key(&it.effect)).collect()
}

/// An invoice that failed once and was paid by another card, which is no further attempt.
fn recovery(invoice_id: &str) -> [Piece; 4] {
    let once = |status: &str| {
        let fields = json!({ "attempt_count": 1, "attempted": true });
        with(&invoice(invoice_id, status, START), &fields)
    };
    let told = |name: &str, kind: &str, at: i64, object: &Value| {
        event(&format!("evt_{invoice_id}_{name}"), kind, START + at, object)
    };
    [
        told("finalized", "invoice.finalized", 0, &invoice(invoice_id, "open", START)),
        told("failed", "invoice.payment_failed", 1, &once("open")),
        told("paid", "invoice.paid", 9, &once("paid")),
        told("succeeded", "invoice.payment_succeeded", 9, &once("paid")),
    ]
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in items.iter().copied() {
        let rest: Vec<usize> = items.iter().copied().filter(|it| *it != first).collect();
        for mut order in permutations(&rest) {
            order.push(first);
            all.push(order);
        }
    }
    all
}

async fn money_after_one_failure_is_a_recovery_in_any_order(fresh: Fresh) {
    let orders = permutations(&[0, 1, 2, 3]);
    assert_eq!(orders.len(), 24);
    let mut wanted = Vec::new();
    for (number, order) in orders.iter().enumerate() {
        // One event a batch, and all in one.
        for batch in [1, order.len()] {
            let id = format!("in_{number:02}_{batch}");
            let pieces = recovery(&id);
            let inputs: Vec<Input> = order.iter().map(|it| pieces[*it].delivery()).collect();
            for inputs in inputs.chunks(batch) {
                apply(&fresh.db, inputs).await;
            }
            wanted.push(format!("payment_recovered:{id}"));
            let found = told(&fresh.db, EffectKind::PaymentRecovered).await;
            assert_eq!(found, wanted, "{order:?} in batches of {batch}");
        }
    }
}

async fn money_that_came_at_once_is_no_recovery(fresh: Fresh) {
    let pieces = recovery("in_1");
    for at in [0, 2, 3] {
        apply(&fresh.db, &[pieces[at].delivery()]).await;
    }
    assert_eq!(told(&fresh.db, EffectKind::InvoicePaid).await, ["invoice_paid:in_1"]);
    assert!(told(&fresh.db, EffectKind::PaymentRecovered).await.is_empty());
}

async fn a_failure_that_nothing_followed_is_no_recovery(fresh: Fresh) {
    let pieces = recovery("in_1");
    apply(&fresh.db, &[pieces[0].delivery(), pieces[1].delivery()]).await;
    assert_eq!(told(&fresh.db, EffectKind::PaymentFailed).await.len(), 1);
    assert!(told(&fresh.db, EffectKind::PaymentRecovered).await.is_empty());
}

fn named(user: &str, customer: &str) -> Input {
    Input::User(AppUser {
        user_id: user.to_owned(),
        customer_id: Some(customer.to_owned()),
        ..AppUser::default()
    })
}

async fn a_customer_is_linked_once_to_each_user(fresh: Fresh) {
    let created = event("evt_1", "customer.created", START, &customer());
    let again = event("evt_2", "customer.updated", START + 1, &customer());
    apply(&fresh.db, &[created.delivery()]).await;
    apply(&fresh.db, &[again.delivery()]).await;
    apply(&fresh.db, &[named(USER, CUSTOMER)]).await;
    apply(&fresh.db, &[named("bob", CUSTOMER), named("bob", "cus_2")]).await;
    let found = told(&fresh.db, EffectKind::CustomerLinked).await;
    let mut wanted = ["customer_linked:cus_1:user_1", "customer_linked:cus_2:bob"];
    wanted.sort_unstable();
    assert_eq!(found, wanted, "the app's last word on bob counts");
}

async fn a_customer_of_an_account_that_does_not_count_is_no_link(fresh: Fresh) {
    let created = event("evt_1", "customer.created", START, &customer());
    apply(&fresh.db, &[of_account(&created, "acct_1").delivery()]).await;
    assert!(told(&fresh.db, EffectKind::CustomerLinked).await.is_empty());
}

async fn a_guest_is_linked_once_they_are_a_customer(fresh: Fresh) {
    let fields = json!({ "customer": null, "client_reference_id": USER });
    let session = with(&objects::session("paid"), &fields);
    let bought = event("evt_1", "checkout.session.completed", START, &session);
    apply(&fresh.db, &[bought.delivery()]).await;
    assert!(told(&fresh.db, EffectKind::CustomerLinked).await.is_empty());
    let intent = session["payment_intent"].as_str().unwrap();
    let charged = with(&objects::charge("1", START), &json!({ "payment_intent": intent }));
    apply(&fresh.db, &[event("evt_2", "charge.succeeded", START, &charged).delivery()]).await;
    let found = told(&fresh.db, EffectKind::CustomerLinked).await;
    assert_eq!(found, ["customer_linked:cus_1:user_1"]);
}

async fn an_event_that_cannot_be_read_is_a_fact(fresh: Fresh) {
    let broken = event("evt_1", "customer.created", START, &json!({ "object": "customer" }));
    apply(&fresh.db, &[broken.delivery()]).await;
    apply(&fresh.db, &[broken.delivery()]).await;
    assert_eq!(told(&fresh.db, EffectKind::EventFailed).await, ["event_failed:evt_1"]);
    let sound = event("evt_2", "customer.created", START, &customer());
    apply(&fresh.db, &[sound.delivery()]).await;
    assert_eq!(told(&fresh.db, EffectKind::EventFailed).await.len(), 1);
}
