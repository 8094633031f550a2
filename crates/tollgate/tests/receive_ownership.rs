//! Whose an object is, in every order of arrival: refunds and disputes that only name a payment,
//! guests without a customer, users who are named late or anew, connected accounts.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_both_databases, on_sqlite};
use history::objects::{
    self, CUSTOMER, USER, charge, customer, dispute, event, invoice, invoice_payment, of_account,
    refund, session, subscription, with,
};
use history::{DAY, Piece, START};
use serde_json::{Value, json};
use tollgate::answer;
use tollgate::deliver::knowledge;
use tollgate::receive::{self, Input};
use tollgate::rules::access::{Access, Reason};
use tollgate::rules::policy::Rulebook;
use tollgate::store::object::StoredObject;
use tollgate::store::user::AppUser;
use tollgate::store::{self, Db};

const NOW: i64 = START + 10 * DAY;

async fn apply(db: &Db, inputs: &[Input]) {
    receive::apply(db, &objects::rulebook(), inputs, NOW * 1000).await.unwrap();
}

async fn access(db: &Db, user: &str) -> Access {
    answer::access(db, &objects::rulebook(), user, NOW).await.unwrap().access
}

async fn rows(db: &Db) -> Vec<StoredObject> {
    let mut rows = store::object::page(db, "", 1_000).await.unwrap();
    rows.iter_mut().for_each(|it| it.version = 0);
    rows
}

async fn owner(db: &Db, id: &str) -> Option<String> {
    let mut found = store::object::find_all(db, &[id]).await.unwrap();
    found.pop().unwrap_or_else(|| panic!("{id} is not stored")).owner_id
}

/// Empties what was derived, so that one database serves many orders.
async fn empty(fresh: &Fresh) {
    for table in ["event", "object", "access", "outbox", "app_user"] {
        fresh.meddle(&format!("delete from {table}")).await;
    }
}

fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let item = rest.remove(first);
        for mut tail in orders(&rest) {
            tail.insert(0, item.clone());
            all.push(tail);
        }
    }
    all
}

/// Applies the inputs in every order, one by one and then all at once; the rows are always the
/// same and the user's access is for this reason.
async fn in_every_order(fresh: &Fresh, inputs: &[Input], reason: Reason) {
    let mut first: Option<Vec<StoredObject>> = None;
    for (number, order) in orders(inputs).into_iter().enumerate() {
        empty(fresh).await;
        // Every third order comes as one batch, every third in two.
        let size = [1, order.len(), order.len().div_ceil(2)][number % 3];
        for batch in order.chunks(size) {
            apply(&fresh.db, batch).await;
        }
        let rows = rows(&fresh.db).await;
        let first = first.get_or_insert_with(|| rows.clone());
        assert_eq!(&rows, first, "order {number} in batches of {size}");
        let access = access(&fresh.db, USER).await;
        assert_eq!(access.reason, reason, "order {number} in batches of {size}");
    }
}

fn deliveries(pieces: &[(&str, Value)]) -> Vec<Input> {
    let events = pieces.iter().enumerate().map(|(i, (kind, object))| {
        event(&format!("evt_{i}"), kind, START + DAY, object).delivery()
    });
    events.collect()
}

/// Names the charge only, as payments without an intent do.
fn by_charge_only(object: &Value) -> Value {
    with(object, &json!({ "payment_intent": null }))
}

fn nobodys(object: &Value) -> Value {
    with(object, &json!({ "customer": null }))
}

#[test]
fn a_refund_finds_the_purchase_of_a_guest_in_any_order() {
    on_sqlite(async |fresh| {
        let inputs = deliveries(&[
            ("checkout.session.completed", nobodys(&session("paid"))),
            ("charge.succeeded", nobodys(&charge("1", START))),
            ("refund.created", by_charge_only(&refund("re_1", "1", 2900))),
            ("charge.dispute.created", by_charge_only(&dispute("needs_response", "1"))),
        ]);
        in_every_order(&fresh, &inputs, Reason::FullRefund).await;
        for id in ["cs_1", "ch_1", "re_1", "dp_1"] {
            assert_eq!(owner(&fresh.db, id).await.as_deref(), Some("pi_1"), "{id}");
        }
    });
}

#[test]
fn a_refund_finds_the_customer_whom_only_the_session_names_in_any_order() {
    on_sqlite(async |fresh| {
        let inputs = deliveries(&[
            ("customer.created", customer()),
            ("checkout.session.completed", session("paid")),
            ("charge.succeeded", nobodys(&charge("1", START))),
            ("charge.dispute.closed", by_charge_only(&dispute("lost", "1"))),
        ]);
        in_every_order(&fresh, &inputs, Reason::DisputeLost).await;
        assert_eq!(owner(&fresh.db, "dp_1").await.as_deref(), Some(CUSTOMER));
    });
}

#[test]
fn a_refund_finds_the_invoice_through_its_payment_in_any_order() {
    on_sqlite(async |fresh| {
        let inputs = deliveries(&[
            ("customer.subscription.created", subscription("sub_1", "active")),
            ("invoice.paid", invoice("in_1", "paid", START - DAY)),
            ("invoice_payment.paid", invoice_payment("in_1", "1")),
            ("charge.succeeded", charge("1", START)),
            ("refund.created", refund("re_1", "1", 2900)),
        ]);
        in_every_order(&fresh, &inputs, Reason::FullRefund).await;
    });
}

/// Before basil; the charge itself never comes.
#[test]
fn an_invoice_that_names_charge_and_intent_owns_alike_in_any_order() {
    on_sqlite(async |fresh| {
        let names = json!({ "payment_intent": "pi_1", "charge": "ch_1" });
        let inputs = deliveries(&[
            ("customer.subscription.created", subscription("sub_1", "active")),
            ("invoice.paid", with(&invoice("in_1", "paid", START), &names)),
            ("payment_intent.created", intent(None)),
            ("refund.created", refund("re_1", "1", 2900)),
            ("charge.dispute.created", by_charge_only(&dispute("needs_response", "1"))),
        ]);
        in_every_order(&fresh, &inputs, Reason::FullRefund).await;
    });
}

/// The customer comes to be known while the guest pays.
#[test]
fn a_guest_who_becomes_a_customer_takes_the_payment_along_in_any_order() {
    on_sqlite(async |fresh| {
        let later = |id: &str, at: i64, object: &Value| {
            event(id, "checkout.session.completed", at, object).delivery()
        };
        let mut inputs = vec![
            later("evt_a", START, &nobodys(&session("unpaid"))),
            later("evt_b", START + 5, &session("paid")),
        ];
        inputs.extend(deliveries(&[
            ("payment_intent.succeeded", intent(None)),
            ("refund.created", refund("re_1", "1", 900)),
        ]));
        in_every_order(&fresh, &inputs, Reason::Purchased).await;
        assert_eq!(owner(&fresh.db, "re_1").await.as_deref(), Some(CUSTOMER));
    });
}

fn intent(customer: Option<&str>) -> Value {
    json!({
        "id": "pi_1",
        "object": "payment_intent",
        "customer": customer,
        "status": "requires_payment_method",
        "amount": 2900,
    })
}

/// The later customer is the customer, also of what names none.
#[test]
fn a_payment_that_changes_hands_belongs_to_the_later_one_in_any_order() {
    on_sqlite(async |fresh| {
        let event = |id: &str, at: i64, customer| {
            event(id, "payment_intent.created", at, &intent(Some(customer))).delivery()
        };
        let mut inputs = vec![event("evt_a", START, "cus_z"), event("evt_b", START + 5, CUSTOMER)];
        inputs.extend(deliveries(&[
            ("customer.created", customer()),
            ("refund.created", refund("re_1", "1", 900)),
        ]));
        in_every_order(&fresh, &inputs, Reason::NoPurchase).await;
        assert_eq!(owner(&fresh.db, "re_1").await.as_deref(), Some(CUSTOMER));
    });
}

fn app_user(user: &str, customer: Option<&str>) -> Input {
    Input::User(AppUser {
        user_id: user.to_owned(),
        customer_id: customer.map(str::to_owned),
        ..AppUser::default()
    })
}

/// Promise 4, TC-F4, PAY-F2: what was paid before the app knew the user is linked when it does.
#[test]
fn a_user_whom_only_the_app_names_gets_what_was_paid_in_any_order() {
    on_sqlite(async |fresh| {
        let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
        let mut inputs = deliveries(&[
            ("customer.created", with(&customer(), &json!({ "metadata": {} }))),
            ("customer.subscription.created", unnamed),
            ("invoice.paid", invoice("in_1", "paid", START)),
        ]);
        inputs.push(app_user(USER, Some(CUSTOMER)));
        in_every_order(&fresh, &inputs, Reason::Active).await;
    });
}

on_both_databases! {
    a_payment_of_nobody_is_kept_until_the_app_names_the_user;
    what_the_app_says_in_pieces_within_one_batch_is_kept_whole;
    a_customer_who_is_renamed_leaves_nothing_with_the_first_user;
    two_customers_of_one_user_both_count;
    two_users_of_one_customer_both_have_access;
    a_connected_account_cannot_give_access_to_a_user;
    nothing_is_told_of_an_account_that_does_not_count;
    a_connected_account_says_nothing_of_our_user;
    a_connected_account_that_is_named_counts;
}

async fn a_payment_of_nobody_is_kept_until_the_app_names_the_user(fresh: Fresh) {
    let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    apply(&fresh.db, &deliveries(&[("customer.subscription.created", unnamed)])).await;
    assert_eq!(access(&fresh.db, USER).await.reason, Reason::NoCustomer);
    apply(&fresh.db, &[app_user(USER, Some(CUSTOMER))]).await;
    let access = access(&fresh.db, USER).await;
    assert_eq!((access.granted, access.plan.as_str()), (true, "pro"));
}

async fn what_the_app_says_in_pieces_within_one_batch_is_kept_whole(fresh: Fresh) {
    apply(&fresh.db, &deliveries(&[("customer.created", customer())])).await;
    let mail = Input::User(AppUser {
        user_id: "user_2".to_owned(),
        email: Some("ada@example.com".to_owned()),
        ..AppUser::default()
    });
    apply(&fresh.db, &[app_user("user_2", Some(CUSTOMER)), mail, app_user("user_2", None)]).await;
    let users = store::user::page(&fresh.db, "", 10).await.unwrap();
    assert_eq!(users[0].customer_id.as_deref(), Some(CUSTOMER));
    assert_eq!(users[0].email.as_deref(), Some("ada@example.com"));
}

async fn a_customer_who_is_renamed_leaves_nothing_with_the_first_user(fresh: Fresh) {
    let unnamed = with(&subscription("sub_1", "active"), &json!({ "metadata": {} }));
    let first = event("evt_a", "customer.created", START, &customer()).delivery();
    let renamed = with(&customer(), &json!({ "metadata": { "user_id": "user_2" } }));
    let second = event("evt_b", "customer.updated", START + 1, &renamed).delivery();
    let paid = event("evt_c", "customer.subscription.created", START, &unnamed).delivery();
    for order in orders(&[first, second, paid]) {
        empty(&fresh).await;
        for input in order {
            apply(&fresh.db, &[input]).await;
        }
        assert!(!access(&fresh.db, USER).await.granted);
        assert!(access(&fresh.db, "user_2").await.granted);
    }
}

async fn two_customers_of_one_user_both_count(fresh: Fresh) {
    let other =
        json!({ "id": "sub_2", "customer": "cus_2", "items": objects::items("price_team", 1) });
    let other = with(&subscription("sub_2", "active"), &other);
    apply(
        &fresh.db,
        &deliveries(&[
            ("customer.subscription.created", subscription("sub_1", "active")),
            ("customer.subscription.created", other.clone()),
        ]),
    )
    .await;
    assert_eq!(access(&fresh.db, USER).await.plan, "team");
    let ended = with(&other, &json!({ "status": "canceled" }));
    let ended = event("evt_z", "customer.subscription.deleted", START + 2 * DAY, &ended);
    apply(&fresh.db, &[ended.delivery()]).await;
    assert_eq!(access(&fresh.db, USER).await.plan, "pro");
}

async fn two_users_of_one_customer_both_have_access(fresh: Fresh) {
    let paid = deliveries(&[("customer.subscription.created", subscription("sub_1", "active"))]);
    apply(&fresh.db, &paid).await;
    apply(&fresh.db, &[app_user("user_2", Some(CUSTOMER))]).await;
    assert!(access(&fresh.db, USER).await.granted);
    assert!(access(&fresh.db, "user_2").await.granted);
}

/// A connected account writes its own objects, and so could name any user.
fn of_a_stranger() -> Vec<Piece> {
    let strange = json!({ "customer": "cus_strange" });
    let customer = with(&customer(), &json!({ "id": "cus_strange" }));
    [
        event("evt_1", "customer.created", START, &customer),
        event(
            "evt_2",
            "customer.subscription.created",
            START,
            &with(&subscription("sub_strange", "active"), &strange),
        ),
        event("evt_3", "checkout.session.completed", START, &with(&session("paid"), &strange)),
    ]
    .iter()
    .map(|it| of_account(it, "acct_strange"))
    .collect()
}

async fn a_connected_account_cannot_give_access_to_a_user(fresh: Fresh) {
    let inputs: Vec<Input> = of_a_stranger().iter().map(Piece::delivery).collect();
    apply(&fresh.db, &inputs).await;
    let access = access(&fresh.db, USER).await;
    assert_eq!((access.granted, access.reason), (false, Reason::NoCustomer));
    assert_eq!(access.customer_id, None, "nor make its customer the user's");
    let explained = answer::explain(&fresh.db, &objects::rulebook(), USER, NOW).await.unwrap();
    assert!(explained.claims.is_empty());
    assert!(explained.objects.iter().all(|it| !it.counts));
}

/// Else its customers would have mails in our name, and the app notifications of its users.
async fn nothing_is_told_of_an_account_that_does_not_count(fresh: Fresh) {
    let failed = invoice("in_strange", "open", START);
    let failed = with(&failed, &json!({ "customer": "cus_strange", "attempt_count": 2 }));
    let failed = event("evt_4", "invoice.payment_failed", START, &failed);
    let mut pieces = of_a_stranger();
    pieces.push(of_account(&failed, "acct_strange"));
    let inputs: Vec<Input> = pieces.iter().map(Piece::delivery).collect();
    apply(&fresh.db, &inputs).await;
    assert_eq!(store::outbox::page(&fresh.db, "", 1_000).await.unwrap(), []);

    let rulebook = Rulebook { accounts: vec!["acct_strange".to_owned()], ..objects::rulebook() };
    let (again, now_ms) = (fresh.another().await, NOW * 1000);
    receive::apply(&again.db, &rulebook, &inputs, now_ms).await.unwrap();
    let told = store::outbox::page(&again.db, "", 1_000).await.unwrap();
    let kinds: Vec<&str> = told.iter().map(|it| it.effect.kind.as_str()).collect();
    assert!(
        kinds.contains(&"payment_failed") && kinds.contains(&"subscription_started"),
        "{kinds:?}"
    );
}

/// What is told of our user is not written from a stranger's objects, nor to a stranger's address.
async fn a_connected_account_says_nothing_of_our_user(fresh: Fresh) {
    let started = event(
        "evt_0",
        "customer.subscription.created",
        START - DAY,
        &subscription("sub_1", "active"),
    );
    let mut pieces = of_a_stranger();
    let address = json!({ "id": "cus_strange", "email": "strange@example.com" });
    let strange = event("evt_9", "customer.updated", START, &with(&customer(), &address));
    pieces.extend([of_account(&strange, "acct_strange"), started]);
    let inputs: Vec<Input> = pieces.iter().map(Piece::delivery).collect();
    apply(&fresh.db, &inputs).await;
    let (db, key) = (&fresh.db, format!("access_granted:{USER}:1"));
    let facts = knowledge::gather(db, &objects::rulebook(), "mail", &[&key], NOW).await.unwrap();
    let [fact] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!((fact.known.user_id.as_deref(), &fact.known.email), (Some(USER), &None));
    let told_of = fact.known.subscription.as_ref().map(|it| it.id.to_string());
    assert_eq!(told_of.as_deref(), Some("sub_1"));
}

async fn a_connected_account_that_is_named_counts(fresh: Fresh) {
    let rulebook = Rulebook { accounts: vec!["acct_strange".to_owned()], ..objects::rulebook() };
    let inputs: Vec<Input> = of_a_stranger().iter().map(Piece::delivery).collect();
    receive::apply(&fresh.db, &rulebook, &inputs, NOW * 1000).await.unwrap();
    let access = answer::access(&fresh.db, &rulebook, USER, NOW).await.unwrap().access;
    assert_eq!((access.granted, access.plan.as_str()), (true, "lifetime"));
}
