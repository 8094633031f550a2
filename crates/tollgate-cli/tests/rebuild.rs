//! `tollgate rebuild` beside a running server: it finds exactly what somebody damaged, mends it,
//! and then finds nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::database::sql;
use crate::home::Home;
use crate::state::State;
use crate::stream::{histories, pour, shuffled};

const CUSTOMERS: usize = 10;

/// The tables and ids that a report names.
fn drift(report: &Value) -> BTreeSet<(String, String)> {
    let text = |it: &Value| it.as_str().expect("it is text").to_owned();
    let drift = report["drift"].as_array().expect("a list").iter();
    drift.map(|it| (text(&it["table"]), text(&it["id"]))).collect()
}

fn mends(home: &Home, seed: u64) {
    let users: Vec<String> = (0..=CUSTOMERS).map(|it| format!("user_{it}")).collect();
    let events = histories(seed, CUSTOMERS);
    let serving = home.serve();
    pour(serving.address, &shuffled(&events, seed), |_| ());
    let before = State::of(home, &serving, &users);
    before.holds_something();
    home.run(&["rebuild", "--check"]).code(0);

    sql(home.url(), "update access set granted = not granted where user_id = 'user_3'");
    let found = home.run(&["rebuild", "--check", "--json"]).code(1).json();
    assert_eq!(drift(&found), [("access".to_owned(), "user_3".to_owned())].into());
    let text = home.run(&["rebuild", "--check"]).code(1).out;
    assert!(text.contains("access user_3: it differs"), "{text}");
    let mended = home.run(&["rebuild", "--json"]).code(0).json();
    assert_eq!(drift(&mended), drift(&found));
    home.run(&["rebuild", "--check"]).code(0);

    sql(home.url(), "delete from object; delete from access");
    let found = home.run(&["rebuild", "--check", "--json"]).code(1).json();
    assert!(drift(&found).len() > CUSTOMERS, "{found}");
    home.run(&["rebuild"]).code(0);
    let check = home.run(&["rebuild", "--check", "--json"]).code(0).json();
    assert_eq!(check["events"], events.len(), "{check}");
    // Revisions begin anew where the rows were gone, so only what they say is compared.
    State::of_rows_lost(home, &serving, &users).assert_same(&before, "after mending");
    serving.stop();

    home.hears("app");
    sql(
        home.url(),
        "update access set granted = not granted, revision = 100 where user_id = 'user_3'",
    );
    home.run(&["rebuild"]).code(0);
    let told = home.run(&["outbox", "list", "--to", "notify:app"]).code(0).out;
    assert!(told.lines().count() == 1 && told.contains(":user_3:101"), "{told}");
}

#[test]
fn damage_is_found_and_mended_on_sqlite() {
    mends(&Home::sqlite(), 1);
}

#[test]
fn damage_is_found_and_mended_on_postgres() {
    mends(&Home::postgres(), 2);
}
