//! Money that is given back in parts: the customer hears of each sum once, and of all of it,
//! whether the mails go out between the refunds or after the last.

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod postroom;

use databases::{Fresh, on_both_databases};
use history::objects::{self, change, charge, event, with};
use history::{Piece, START};
use postroom::Postroom;
use serde_json::{Value, json};
use tollgate::mail::Mail;

on_both_databases! {
    each_refund_is_told_where_the_mails_go_out_in_between;
    each_refund_is_told_where_all_of_them_wait;
    a_total_is_told_once_where_nobody_knows_what_it_was_before;
    a_refund_that_failed_before_it_was_told_is_not_told;
}

fn customer() -> Piece {
    let it = with(&objects::customer(), &json!({ "email": "ada@example.com" }));
    event("evt_customer", "customer.created", START, &it)
}

fn refunded(total: i64) -> Value {
    with(&charge("1", START), &json!({ "amount_refunded": total, "refunded": total == 2_900 }))
}

/// A refund that brings what was given back from one sum to another.
fn refund(before: i64, total: i64) -> Piece {
    let previous = json!({ "amount_refunded": before });
    let id = format!("evt_refund_{total}");
    change(&id, "charge.refunded", START + total, &refunded(total), &previous)
}

/// The same, where its event says nothing of before.
fn told_alone(total: i64) -> Piece {
    event(&format!("evt_refund_{total}"), "charge.refunded", START + total, &refunded(total))
}

fn subjects(mails: &[Mail]) -> Vec<&str> {
    let mut subjects: Vec<&str> = mails.iter().map(|it| it.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects
}

fn says(mails: &[Mail], text: &str) -> usize {
    let said = |it: &&Mail| it.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(text);
    mails.iter().filter(said).count()
}

/// What three refunds of 5, 7 and the last 17 say in all.
fn assert_three(mails: &[Mail]) {
    let wanted = [
        "Your refund of $17.00 from Example",
        "Your refund of $5.00 from Example",
        "Your refund of $7.00 from Example",
    ];
    assert_eq!(subjects(mails), wanted);
    assert_eq!(says(mails, "Of your payment of $29.00, $5.00 was refunded."), 1, "{mails:?}");
    assert_eq!(says(mails, "another $7.00 was refunded, $12.00 in all."), 1, "{mails:?}");
    assert_eq!(says(mails, "another $17.00 was refunded, $29.00 in all."), 1, "{mails:?}");
}

async fn each_refund_is_told_where_the_mails_go_out_in_between(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START + 60);
    shop.take_in(&[customer()]).await;
    for (before, total) in [(0, 500), (500, 1_200), (1_200, 2_900)] {
        shop.take_in(&[refund(before, total)]).await;
        shop.post().await;
    }
    assert_three(&shop.mails());
}

async fn each_refund_is_told_where_all_of_them_wait(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START + 60);
    let all = [customer(), refund(1_200, 2_900), refund(0, 500), refund(500, 1_200)];
    shop.take_in(&all).await;
    shop.take_in(&all).await;
    shop.post().await;
    assert_three(&shop.mails());
}

async fn a_total_is_told_once_where_nobody_knows_what_it_was_before(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START + 60);
    shop.take_in(&[customer(), told_alone(500), told_alone(1_200)]).await;
    shop.post().await;
    assert_eq!(subjects(&shop.mails()), ["Your refund of $12.00 from Example"]);
    let why = shop.why_skipped("payment_refunded:ch_1:500").await;
    assert_eq!(why.as_deref(), Some("another amount is refunded now"));
}

async fn a_refund_that_failed_before_it_was_told_is_not_told(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START + 60);
    let failed = event("evt_failed", "charge.updated", START + 5_000, &refunded(0));
    shop.take_in(&[customer(), refund(0, 500), failed]).await;
    shop.post().await;
    assert!(shop.mails().is_empty());
    let why = shop.why_skipped("payment_refunded:ch_1:0>500").await;
    assert_eq!(why.as_deref(), Some("the refund failed since"));
}
