//! The views are what users read: they say what Stripe said, and the same on both databases.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use std::collections::{BTreeMap, BTreeSet};

use databases::{Fresh, on_both_databases};
use history::objects::{self, PERIOD_END, customer, event, invoice, subscription, with};
use history::{Piece, START, VERSIONS, cast, rulebook, told};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr, SqliteConnection};
use tollgate::receive::{self, BATCH_MAX, Input};
use tollgate::store;
use tollgate_sandbox::story::STORIES;

const NOW_MS: i64 = (START + 3_600) * 1000;

/// All that users may read.
const VIEWS: [&str; 14] = [
    "checkout_discount",
    "customer",
    "discount",
    "dispute",
    "dunning",
    "entitlement",
    "invoice",
    "payment",
    "payment_method",
    "promotion_code_coupon",
    "redemption",
    "refund",
    "subscription",
    "subscription_item",
];

on_both_databases! {
    a_deleted_customer_is_shown_as_such;
    a_subscription_shows_that_it_ends_with_its_period;
    only_what_decides_over_access_is_shown_to_decide;
    no_view_is_forgotten_here;
    an_operators_own_view_outlives_the_remaking_of_ours;
    no_index_reads_what_changes_with_every_event;
}

type Line = BTreeMap<String, Value>;

/// Asks for one text behind the store's back.
async fn text(fresh: &Fresh, sql: String) -> String {
    let sql = AssertSqlSafe(sql).into_sql_str();
    match fresh.db.is_postgres() {
        true => {
            let mut connection = PgConnection::connect(fresh.url()).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        }
        false => {
            let mut connection = SqliteConnection::connect(fresh.url()).await.unwrap();
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        }
    }
}

/// Returns the rows of a view, sorted. SQLite has 1 and 0 for true and false.
async fn lines(fresh: &Fresh, view: &str) -> Vec<Line> {
    let sql = match fresh.db.is_postgres() {
        true => format!("select coalesce(json_agg(it), '[]')::text from {view} as it"),
        false => {
            let columns = format!(
                "select group_concat('''' || name || ''', ' || name) from pragma_table_info('{view}')"
            );
            let columns = text(fresh, columns).await;
            format!("select json_group_array(json_object({columns})) from {view}")
        }
    };
    let mut lines: Vec<Line> = serde_json::from_str(&text(fresh, sql).await).unwrap();
    for value in lines.iter_mut().flat_map(BTreeMap::values_mut) {
        if let Value::Bool(it) = value {
            *value = i64::from(*it).into();
        }
    }
    lines.sort_by_key(|it| json!(it).to_string());
    lines
}

/// Returns these columns of a view's rows, in the order of the first.
async fn columns<const N: usize>(fresh: &Fresh, view: &str, names: [&str; N]) -> Vec<[Value; N]> {
    let mut rows: Vec<[Value; N]> =
        lines(fresh, view).await.iter().map(|line| names.map(|it| line[it].clone())).collect();
    rows.sort_by_key(|it| it[0].to_string());
    rows
}

async fn take(fresh: &Fresh, pieces: &[Piece]) {
    let inputs: Vec<Input> = pieces.iter().map(Piece::delivery).collect();
    for batch in inputs.chunks(BATCH_MAX) {
        receive::apply(&fresh.db, &objects::rulebook(), batch, NOW_MS).await.unwrap();
    }
}

async fn a_deleted_customer_is_shown_as_such(fresh: Fresh) {
    let other = with(&customer(), &json!({ "id": "cus_2" }));
    let made = event("evt_1", "customer.created", START, &customer());
    let gone = event("evt_2", "customer.deleted", START + 1, &other);
    take(&fresh, &[made, gone]).await;
    let seen = columns(&fresh, "customer", ["id", "deleted", "created_at"]).await;
    assert_eq!(
        seen,
        [[json!("cus_1"), json!(0), json!(START)], [json!("cus_2"), json!(1), json!(START)],]
    );
}

async fn a_subscription_shows_that_it_ends_with_its_period(fresh: Fresh) {
    let it = |id: &str, fields: Value| {
        event(
            &format!("evt_{id}"),
            "customer.subscription.created",
            START,
            &with(&subscription(id, "active"), &fields),
        )
    };
    let item =
        json!({ "id": "si_1", "object": "subscription_item", "price": { "id": "price_pro" } });
    let classic = json!({
        "cancel_at_period_end": true,
        "current_period_end": PERIOD_END - 7,
        "items": { "object": "list", "has_more": false, "data": [item] },
    });
    take(
        &fresh,
        &[
            it("sub_1", json!({})),
            it("sub_2", json!({ "cancel_at_period_end": true })),
            it("sub_3", classic),
            it("sub_4", json!({ "cancel_at": PERIOD_END - 9, "items": { "data": [] } })),
        ],
    )
    .await;
    let names = ["id", "cancel_at", "cancel_at_period_end", "period_end_at"];
    assert_eq!(
        columns(&fresh, "subscription", names).await,
        [
            [json!("sub_1"), Value::Null, json!(0), json!(PERIOD_END)],
            [json!("sub_2"), Value::Null, json!(1), json!(PERIOD_END)],
            [json!("sub_3"), Value::Null, json!(1), json!(PERIOD_END - 7)],
            [json!("sub_4"), json!(PERIOD_END - 9), json!(0), Value::Null],
        ]
    );
}

async fn only_what_decides_over_access_is_shown_to_decide(fresh: Fresh) {
    let team = json!({ "items": objects::items("price_team", 1) });
    let of_team = with(&subscription("sub_2", "past_due"), &team);
    let owed = |id: &str, of: &str| {
        with(
            &invoice(id, "open", START),
            &json!({
                "attempted": true,
                "attempt_count": 1,
                "next_payment_attempt": START + history::DAY,
                "billing_reason": "subscription_cycle",
                "parent": { "subscription_details": { "subscription": of } },
            }),
        )
    };
    let created = "customer.subscription.created";
    take(
        &fresh,
        &[
            event("evt_1", created, START, &subscription("sub_1", "past_due")),
            event("evt_2", created, START, &of_team),
            event("evt_3", "invoice.payment_failed", START, &owed("in_1", "sub_1")),
            event("evt_4", "invoice.payment_failed", START, &owed("in_2", "sub_2")),
        ],
    )
    .await;
    let names = ["subscription_id", "decides", "attempts", "next_attempt_at"];
    let seen = columns(&fresh, "dunning", names).await;
    let next = json!(START + history::DAY);
    assert_eq!(
        seen,
        [
            [json!("sub_1"), json!(0), json!(1), next.clone()],
            [json!("sub_2"), json!(1), json!(1), next],
        ]
    );
}

async fn no_view_is_forgotten_here(fresh: Fresh) {
    let sql = match fresh.db.is_postgres() {
        true => "select json_agg(viewname)::text from pg_views where schemaname = 'public'",
        false => "select json_group_array(name) from sqlite_master where type = 'view'",
    };
    let there: BTreeSet<String> =
        serde_json::from_str(&text(&fresh, sql.to_owned()).await).unwrap();
    assert_eq!(there, VIEWS.into_iter().map(str::to_owned).collect());
}

/// Every story takes all of them away in the end.
fn features() -> Value {
    json!({
        "object": "entitlements.active_entitlement_summary",
        "customer": objects::CUSTOMER,
        "entitlements": { "data": [{ "lookup_key": "sso" }, { "lookup_key": "7" }] },
    })
}

async fn an_operators_own_view_outlives_the_remaking_of_ours(fresh: Fresh) {
    fresh.meddle("create view gone as select id from customer where deleted").await;
    fresh.meddle("delete from schema_version where version = 8").await;
    store::schema::migrate(&fresh.db).await.unwrap();
    let other = with(&customer(), &json!({ "id": "cus_2" }));
    take(&fresh, &[event("evt_1", "customer.deleted", START, &other)]).await;
    assert_eq!(columns(&fresh, "gone", ["id"]).await, [[json!("cus_2")]]);
}

/// Postgres would write every row that changes into all indexes of its table anew.
async fn no_index_reads_what_changes_with_every_event(fresh: Fresh) {
    let indexes = match fresh.db.is_postgres() {
        true => "select indexdef as sql from pg_indexes where tablename = 'object'",
        false => "select sql from sqlite_master where tbl_name = 'object' and type = 'index'",
    };
    let with =
        |what: &str| format!("select count(*) from ({indexes}) as it where sql like '%{what}%'");
    assert!(fresh.ask(&with("kind")).await > 2, "they are asked for");
    for column in ["state", "version", "observed_at", "event_id"] {
        assert_eq!(fresh.ask(&with(column)).await, 0, "{column}");
    }
    fresh.gone().await;
}

/// Value by value, whatever the sandbox can tell.
#[test]
fn every_view_says_the_same_on_sqlite_and_postgres() {
    databases::on_postgres(|postgres| async move {
        let sqlite = Fresh::scratch().await;
        for (seed, story) in (1..).zip(STORIES) {
            let cast = cast(seed, VERSIONS[seed as usize % VERSIONS.len()]);
            let inputs: Vec<Input> = told(story.name, &cast).iter().map(Piece::delivery).collect();
            for batch in inputs.chunks(BATCH_MAX) {
                for db in [&postgres.db, &sqlite.db] {
                    receive::apply(db, &rulebook(&cast), batch, NOW_MS).await.unwrap();
                }
            }
        }
        let last = [
            event("evt_y", "customer.deleted", START, &customer()),
            event("evt_z", "entitlements.active_entitlement_summary.updated", START, &features()),
        ];
        take(&postgres, &last).await;
        take(&sqlite, &last).await;
        for view in VIEWS {
            let (here, there) = (lines(&sqlite, view).await, lines(&postgres, view).await);
            assert_eq!(here, there, "{view}");
            assert!(!here.is_empty(), "no story fills {view}");
        }
    });
}
