//! What Postgres's codes mean to whoever asked: do it again, wait, or never mind. A trigger says
//! them, so that this shows only how they are understood; that Postgres does say them is shown
//! from outside, where it is locked, full or shut down.

#[expect(dead_code, unused_imports, unused_macros, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;

use databases::{Fresh, on_postgres};
use history::START;
use history::objects::{self, customer, event};
use tollgate::receive::{self, Outcome};
use tollgate::store::StoreError;

const NOW_MS: i64 = START * 1000;

/// At least one code for each entry of the lists, and some that are in none
/// (postgresql.org/docs/current/errcodes-appendix.html, November 2026).
const CODES: [(&str, &str); 22] = [
    ("40001", "conflict"),    // serialization_failure
    ("40P01", "conflict"),    // deadlock_detected
    ("55P03", "conflict"),    // lock_not_available
    ("08000", "unavailable"), // connection_exception
    ("08006", "unavailable"), // connection_failure
    ("53000", "unavailable"), // insufficient_resources
    ("53100", "unavailable"), // disk_full
    ("53200", "unavailable"), // out_of_memory
    ("53300", "unavailable"), // too_many_connections
    ("57014", "unavailable"), // query_canceled, by a time limit
    ("57P01", "unavailable"), // admin_shutdown
    ("57P02", "unavailable"), // crash_shutdown
    ("57P03", "unavailable"), // cannot_connect_now
    ("58030", "unavailable"), // io_error
    ("25006", "unavailable"), // read_only_sql_transaction, of a replica
    ("3D000", "unavailable"), // invalid_catalog_name
    ("22021", "rejected"),    // character_not_in_repertoire
    ("23505", "rejected"),    // unique_violation
    ("25P02", "rejected"),    // in_failed_sql_transaction
    ("42501", "rejected"),    // insufficient_privilege
    ("42P01", "rejected"),    // undefined_table
    ("XX000", "rejected"),    // internal_error
];

const SAYING: &str = "
    create table said (code text);
    create function say() returns trigger language plpgsql as $$
        declare wanted text;
        begin
            select code into wanted from said;
            if wanted is null then return new; end if;
            raise exception 'it cannot' using errcode = wanted;
        end $$;
    create trigger say before insert on event for each row execute function say()";

fn meaning(error: &StoreError) -> &'static str {
    match error {
        StoreError::Conflict(_) => "conflict",
        StoreError::Unavailable(_) => "unavailable",
        StoreError::Rejected(_) => "rejected",
        _ => "something else",
    }
}

#[test]
fn each_code_of_postgres_is_understood() {
    on_postgres(|fresh: Fresh| async move {
        fresh.meddle(SAYING).await;
        let inputs = [event("evt_1", "customer.created", START, &customer()).delivery()];
        let book = objects::rulebook();
        for (code, wanted) in CODES {
            fresh.meddle(&format!("delete from said; insert into said values ('{code}')")).await;
            let error = receive::apply(&fresh.db, &book, &inputs, NOW_MS).await.unwrap_err();
            assert_eq!(meaning(&error), wanted, "{code}: {}", error.detail());
        }
        // Whatever it was, nothing of it was kept and the connection goes on.
        fresh.meddle("delete from said").await;
        let applied = receive::apply(&fresh.db, &book, &inputs, NOW_MS).await.unwrap();
        assert_eq!(applied.outcomes, [Outcome::Applied]);
    });
}
