//! Every statement prepares on both databases, and a batch costs the same number of statements
//! whatever its size.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_both_databases};
use history::chance::Chance;
use history::objects::{self, event, items, subscription, updated, with};
use history::{Piece, START, VERSIONS, cast, told};
use serde_json::json;
use tollgate::receive::{self, BATCH_MAX, Input};
use tollgate::rules::effects::EffectKind;
use tollgate::rules::policy::Rulebook;
use tollgate::store::user::AppUser;
use tollgate::store::{self, Db};

const NOW_MS: i64 = (START + 3_600) * 1000;

on_both_databases! {
    every_statement_prepares;
    a_batch_of_64_costs_as_many_statements_as_one_event;
    telling_costs_the_same_for_one_and_for_many;
    naming_users_costs_the_same_for_one_and_for_many;
    the_tables_are_made_once;
    a_database_belongs_to_one_mode;
}

async fn every_statement_prepares(fresh: Fresh) {
    let statements = store::statements();
    assert!(statements.len() > 20, "{} statements", statements.len());
    for statement in statements {
        fresh.db.prepare(statement).await.unwrap_or_else(|error| {
            panic!("{statement:?}: {}", error.detail());
        });
    }
}

/// Returns how many statements one transaction for these inputs takes.
async fn cost(db: &Db, rulebook: &Rulebook, inputs: &[Input]) -> u64 {
    let before = db.executed();
    receive::apply(db, rulebook, inputs, NOW_MS).await.unwrap();
    db.executed() - before
}

async fn a_batch_of_64_costs_as_many_statements_as_one_event(fresh: Fresh) {
    let rulebook = objects::rulebook();
    let one = event("evt_0", "customer.created", START, &objects::customer());
    let wanted = cost(&fresh.db, &rulebook, &[one.delivery()]).await;
    assert!(wanted < 20, "{wanted} statements");
    assert_eq!(cost(&fresh.db, &rulebook, &[one.delivery()]).await, wanted, "a duplicate");

    let many: Vec<Input> = (1..=BATCH_MAX).map(customer_created).collect();
    assert_eq!(cost(&fresh.db, &rulebook, &many).await, wanted, "{} inputs", many.len());

    // Where observations of one second contradict each other, one statement more reads them all.
    let contest = contest();
    assert_eq!(cost(&fresh.db, &rulebook, &contest[..1]).await, wanted, "nothing to judge");
    assert_eq!(cost(&fresh.db, &rulebook, &contest[1..2]).await, wanted + 1, "one to judge");
    let mut mixed = Vec::new();
    for (seed, story) in (1..).zip(["refund_full", "upgrade", "dispute_lost", "guest_purchase"]) {
        mixed.extend(told(story, &cast(seed, VERSIONS[4])).iter().map(Piece::delivery));
    }
    Chance::new(4).shuffle(&mut mixed);
    mixed.truncate(BATCH_MAX - 2 - 8);
    // Two that contradict what came before, and eight that come twice.
    let twice = mixed[..8].to_vec();
    mixed.extend(contest[2..].iter().cloned().chain(twice));
    assert_eq!(mixed.len(), BATCH_MAX);
    assert_eq!(cost(&fresh.db, &rulebook, &mixed).await, wanted + 1, "all kinds at once");
}

fn customer_created(number: usize) -> Input {
    let customer = with(&objects::customer(), &json!({ "id": format!("cus_{number}") }));
    event(&format!("evt_{number}"), "customer.created", START, &customer).delivery()
}

/// Four events about one object in one second.
fn contest() -> Vec<Input> {
    let price =
        |it: &str| with(&subscription("sub_1", "active"), &json!({ "items": items(it, 1) }));
    let step = |id: &str, from: &str, to: &str| {
        updated(id, START, &price(to), &json!({ "items": items(from, 1) })).delivery()
    };
    vec![
        step("evt_c1", "price_1", "price_2"),
        step("evt_c2", "price_2", "price_3"),
        step("evt_c3", "price_3", "price_team"),
        event("evt_c0", "customer.subscription.created", START, &price("price_1")).delivery(),
    ]
}

/// As a server tells: mails, questions to Stripe and two endpoints of the app's.
async fn telling_costs_the_same_for_one_and_for_many(fresh: Fresh) {
    let mut rulebook = objects::rulebook();
    for kind in EffectKind::all() {
        for (destination, in_order) in
            [("mail", false), ("stripe", false), ("notify:a", true), ("notify:b", true)]
        {
            rulebook.routes.add(kind, destination, in_order);
        }
    }
    let started = |number: usize| {
        let fields = json!({
            "customer": format!("cus_{number}"),
            "metadata": { "user_id": format!("user_{number}") },
        });
        let it = with(&subscription(&format!("sub_{number}"), "active"), &fields);
        let id = format!("evt_{number}");
        event(&id, "customer.subscription.created", START, &it).delivery()
    };
    let before = fresh.db.executed();
    let told = receive::apply(&fresh.db, &rulebook, &[started(0)], NOW_MS).await.unwrap().told;
    let wanted = fresh.db.executed() - before;
    assert!(told >= 8, "{told} told");
    let many: Vec<Input> = (1..=BATCH_MAX).map(started).collect();
    let before = fresh.db.executed();
    let all = receive::apply(&fresh.db, &rulebook, &many, NOW_MS).await.unwrap().told;
    assert_eq!(all, told * BATCH_MAX);
    assert_eq!(fresh.db.executed() - before, wanted);
}

async fn naming_users_costs_the_same_for_one_and_for_many(fresh: Fresh) {
    let user = |number: usize| {
        Input::User(AppUser {
            user_id: format!("user_{number}"),
            customer_id: Some(format!("cus_{number}")),
            ..AppUser::default()
        })
    };
    let rulebook = objects::rulebook();
    let wanted = cost(&fresh.db, &rulebook, &[user(0)]).await;
    let many: Vec<Input> = (0..BATCH_MAX).map(user).collect();
    assert_eq!(cost(&fresh.db, &rulebook, &many).await, wanted);
}

async fn the_tables_are_made_once(fresh: Fresh) {
    let (one, other) = (fresh.node().await, fresh.node().await);
    let (a, b) = tokio::join!(store::schema::migrate(&one), store::schema::migrate(&other));
    a.and(b).unwrap();
}

async fn a_database_belongs_to_one_mode(fresh: Fresh) {
    assert_eq!(store::schema::livemode(&fresh.db).await.unwrap(), None);
    assert!(!store::schema::claim_livemode(&fresh.db, false).await.unwrap());
    assert!(!store::schema::claim_livemode(&fresh.node().await, true).await.unwrap());
    assert_eq!(store::schema::livemode(&fresh.db).await.unwrap(), Some(false));
    // A server that starts beside one that writes, and does not end, knows the mode all the same.
    let (db, other) = (fresh.separate().await, fresh.separate().await);
    let writing = other.begin().await.unwrap();
    assert!(!store::schema::claim_livemode(&db, false).await.unwrap());
    drop(writing);
    other.close().await;
    db.close().await;
}
