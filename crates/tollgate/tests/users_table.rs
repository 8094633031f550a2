//! The app's own `users` table follows every change of access in the same transaction: while
//! events of every kind stream in, out of order and twice, no reader ever sees the two disagree.
//! What the operator wrote is checked before anything runs.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use databases::{Fresh, on_both_databases};
use futures_util::future::join_all;
use history::chance::Chance;
use history::objects::{self, CUSTOMER, USER, event, subscription, with};
use history::{Piece, START, VERSIONS, cast, rulebook, told};
use serde_json::json;
use tollgate::clock::Clock;
use tollgate::handlers::Handlers;
use tollgate::receive::{self, Input, Outcome};
use tollgate::store::StoreError;
use tollgate::store::user::AppUser;
use tollgate_sandbox::story::{Cast, STORIES};

const NOW: i64 = START + 3_600;
const LIMIT: Duration = Duration::from_secs(5);
/// Customers whose stories are told at once.
const CUSTOMERS: u64 = 40;
/// Looks that a reader takes at least.
const LOOKS_MIN: u64 = 20;

on_both_databases! {
    no_reader_ever_sees_the_two_disagree;
    the_statement_of_the_readme_follows_a_customer;
    every_parameter_has_its_value;
    a_statement_that_is_wrong_is_refused_with_what_is_right;
    a_broken_table_costs_nothing_but_time;
    an_address_that_the_database_quotes_is_hidden;
}

fn handlers(fresh: &Fresh, statements: &[&str]) -> Handlers {
    let statements: Vec<String> = statements.iter().map(|it| (*it).to_owned()).collect();
    Handlers::of_operator(&statements, LIMIT, &fresh.db).unwrap()
}

const UPSERT: &str = "insert into users (id, plan, status, granted, reason, revision)
    values ($user, $plan, $status, $granted, $reason, $revision)
    on conflict (id) do update set plan = $plan, status = $status, granted = $granted,
        reason = $reason, revision = $revision";

const TABLE: &str = "create table users (id text primary key, plan text, status text,
    granted boolean, reason text, revision bigint)";

/// One statement reads one state of the database.
const DISAGREEING: &str = "select count(*) from access a full join users u on u.id = a.user_id
    where (a.user_id, a.plan, a.status, a.granted, a.reason, a.revision)
        is distinct from (u.id, u.plan, u.status, u.granted, u.reason, u.revision)";

/// All stories of all versions, mixed.
fn stream() -> (Vec<Piece>, Vec<Cast>) {
    let (mut pieces, mut casts) = (Vec::new(), Vec::new());
    for seed in 1..=CUSTOMERS {
        let index = usize::try_from(seed).unwrap();
        let user = Some(format!("user_{seed}"));
        let cast = Cast { user, ..cast(seed, VERSIONS[index % VERSIONS.len()]) };
        pieces.extend(told(STORIES[index % STORIES.len()].name, &cast));
        casts.push(cast);
    }
    pieces.extend(pieces.clone());
    Chance::new(7).shuffle(&mut pieces);
    (pieces, casts)
}

async fn no_reader_ever_sees_the_two_disagree(fresh: Fresh) {
    fresh.meddle(TABLE).await;
    let (pieces, casts) = stream();
    let mut book = rulebook(&casts[0]);
    for (plan, other) in casts[1..].iter().flat_map(|it| rulebook(it).plans).enumerate() {
        book.plans[plan % 2].prices.extend(
            other.prices.into_iter().map(|(period, price)| (format!("{period} {plan}"), price)),
        );
    }
    let clock = Clock::manual(NOW * 1000);
    let handlers = Arc::new(handlers(&fresh, &[UPSERT]));
    let (receiver, _) = receive::open_with(&fresh.db, &Arc::new(book), handlers, &clock);
    let done = AtomicBool::new(false);
    let write = async {
        for some in pieces.chunks(100) {
            let outcomes = join_all(some.iter().map(|it| receiver.submit(it.delivery()))).await;
            assert!(outcomes.iter().all(|it| !matches!(it, Ok(Outcome::Failed(_)) | Err(_))));
        }
        done.store(true, Ordering::Release);
    };
    let read = async {
        let mut looks = 0;
        while !done.load(Ordering::Acquire) || looks < LOOKS_MIN {
            assert_eq!(fresh.ask(DISAGREEING).await, 0, "look {looks}");
            looks += 1;
        }
        looks
    };
    let ((), looks, _) = tokio::join!(write, read, async {});
    let changes = fresh.ask("select cast(sum(revision) as bigint) from users").await;
    println!("{looks} looks at {changes} changes");
    assert!(changes > i64::try_from(CUSTOMERS).unwrap(), "{changes} changes");
    assert!(fresh.ask("select count(*) from users where granted").await > 5);
}

/// The table and the statement that the README shows.
async fn the_statement_of_the_readme_follows_a_customer(fresh: Fresh) {
    fresh
        .meddle(
            "create table users (id text primary key, plan text not null default 'free',
                stripe_customer_id text, stripe_subscription_status text, updated_at bigint)",
        )
        .await;
    let users = "insert into users (id, stripe_customer_id) values ('u1', 'cus_1'), ('u2', null)";
    fresh.meddle(users).await;
    let statement = "UPDATE users SET plan = $plan, stripe_subscription_status = $status, \
        updated_at = $now WHERE stripe_customer_id = $customer";
    let handlers = handlers(&fresh, &[statement]);
    handlers.check(&fresh.db).await.unwrap();
    let piece =
        event("evt_1", "customer.subscription.created", START, &subscription("sub_1", "active"));
    let tx = fresh.db.begin().await.unwrap();
    let (book, inputs) = (objects::rulebook(), [piece.delivery()]);
    receive::apply_and_commit(tx, &book, &handlers, &inputs, NOW * 1000).await.unwrap();
    let followed = format!(
        "select count(*) from users where id = 'u1' and plan = 'pro' and updated_at = {NOW}
            and stripe_subscription_status = 'active'"
    );
    assert_eq!(fresh.ask(&followed).await, 1);
    assert_eq!(fresh.ask("select count(*) from users where plan = 'free'").await, 1);
}

async fn every_parameter_has_its_value(fresh: Fresh) {
    fresh
        .meddle(
            "create table seen (cancel_at bigint, customer text, email text, event text,
                features text, grace_until bigint, granted boolean, name text, now bigint,
                plan text, reason text, revision bigint, status text, subscription text,
                until bigint, id text, note text)",
        )
        .await;
    let statement = "insert into seen values ($cancel_at, $customer, $email, $event, $features,
        $grace_until, $granted, $name, $now, $plan, $reason, $revision, $status, $subscription,
        $until, $user, 'costs $plan, it''s') -- $nothing";
    let handlers = handlers(&fresh, &[statement]);
    handlers.check(&fresh.db).await.unwrap();
    let user = AppUser {
        user_id: USER.to_owned(),
        customer_id: Some(CUSTOMER.to_owned()),
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada".to_owned()),
    };
    let ends = json!({ "cancel_at": START + 86_400 });
    let object = with(&subscription("sub_1", "active"), &ends);
    let piece = event("evt_1", "customer.subscription.created", START, &object);
    for input in [Input::User(user), piece.delivery()] {
        let tx = fresh.db.begin().await.unwrap();
        let book = objects::rulebook();
        receive::apply_and_commit(tx, &book, &handlers, &[input], NOW * 1000).await.unwrap();
    }
    let named = format!(
        "select count(*) from seen where customer = 'cus_1' and email = 'ada@example.com'
            and name = 'Ada' and now = {NOW} and id = 'user_1' and note = 'costs $plan, it''s'
            and grace_until is null"
    );
    assert_eq!(fresh.ask(&named).await, 2);
    let first = "event is null and not granted and plan = 'free' and subscription is null
        and revision = 1 and status is null and features = '[]' and reason = 'no_purchase'";
    assert_eq!(fresh.ask(&format!("select count(*) from seen where {first}")).await, 1);
    let second = format!(
        "event = 'evt_1' and granted and plan = 'pro' and subscription = 'sub_1'
            and revision = 2 and status = 'active' and features = '[\"export\"]'
            and reason = 'active' and cancel_at = {0} and until = {0}",
        START + 86_400
    );
    assert_eq!(fresh.ask(&format!("select count(*) from seen where {second}")).await, 1);
}

async fn a_statement_that_is_wrong_is_refused_with_what_is_right(fresh: Fresh) {
    fresh.meddle(TABLE).await;
    let refused = |sql: &str| {
        let read =
            Handlers::of_operator(&["select 1".to_owned(), sql.to_owned()], LIMIT, &fresh.db);
        let Err(StoreError::Misconfigured(why)) = read else { panic!("{sql}: {read:?}") };
        assert!(why.starts_with("on_access_change 2: "), "{why}");
        why
    };
    let unknown = refused("update users set plan = $plann");
    assert!(unknown.contains("$plann is no parameter") && unknown.contains("$plan,"), "{unknown}");
    refused("update users set plan = $plan; delete from users");
    refused("commit");
    for (sql, word) in [
        ("update userz set plan = $plan", "userz"),
        ("update users set plann = $plan", "plann"),
        ("update users sett plan = $plan", "syntax error"),
    ] {
        let checked = handlers(&fresh, &[sql]).check(&fresh.db).await;
        let Err(StoreError::Misconfigured(why)) = checked else { panic!("{sql}: {checked:?}") };
        assert!(why.contains(word) && why.starts_with("on_access_change 1: "), "{why}");
    }
    handlers(&fresh, &[UPSERT]).check(&fresh.db).await.unwrap();
}

/// The app's migration takes the table away: every event is kept, and applied when it is back.
async fn a_broken_table_costs_nothing_but_time(fresh: Fresh) {
    fresh.meddle(TABLE).await;
    let clock = Clock::manual(NOW * 1000);
    let handlers = Arc::new(handlers(&fresh, &[UPSERT]));
    let book = Arc::new(objects::rulebook());
    let (receiver, _) = receive::open_with(&fresh.db, &book, handlers, &clock);
    fresh.meddle("alter table users rename to users_old").await;
    let piece =
        event("evt_1", "customer.subscription.created", START, &subscription("sub_1", "active"));
    let outcome = receiver.submit(piece.delivery()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Failed(why) if why.contains("users")), "{outcome:?}");
    assert_eq!(fresh.ask("select count(*) from access").await, 0);
    fresh.meddle("alter table users_old rename to users").await;
    assert_eq!(receiver.submit(piece.delivery()).await.unwrap(), Outcome::Applied);
    assert_eq!(fresh.ask("select count(*) from users where plan = 'pro'").await, 1);
    assert_eq!(fresh.ask(DISAGREEING).await, 0);
}

/// Postgres quotes a value that it cannot read as another type.
async fn an_address_that_the_database_quotes_is_hidden(fresh: Fresh) {
    fresh.meddle("create table odd (number integer check (number > 0))").await;
    let handlers = handlers(&fresh, &["insert into odd values (cast($email as integer))"]);
    let user = AppUser {
        user_id: USER.to_owned(),
        customer_id: Some(CUSTOMER.to_owned()),
        email: Some("ada@example.com".to_owned()),
        name: None,
    };
    let tx = fresh.db.begin().await.unwrap();
    let (book, inputs) = (objects::rulebook(), [Input::User(user)]);
    let applied = receive::apply_and_commit(tx, &book, &handlers, &inputs, NOW * 1000).await;
    let Err(StoreError::Handler { why, .. }) = applied else { panic!("{applied:?}") };
    assert!(!why.contains("ada@"), "{why}");
}
