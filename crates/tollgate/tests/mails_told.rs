//! What a mail says that its fact alone does not: it is read when the mail is written.

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod postroom;

use databases::{Fresh, on_both_databases};
use history::objects::{self, event, with};
use history::{DAY, START};
use postroom::{OPERATOR, Postroom};
use serde_json::{Value, json};

on_both_databases! {
    the_operator_reads_why_an_event_failed;
    a_delayed_purchase_was_paid_on_the_day_of_its_money;
}

async fn the_operator_reads_why_an_event_failed(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START);
    let broken = event("evt_1", "customer.created", START, &json!({ "object": "customer" }));
    shop.take_in(&[broken]).await;
    shop.post().await;
    let [mail] = <[_; 1]>::try_from(shop.mails()).expect("it is one mail");
    assert_eq!(mail.to, OPERATOR);
    assert!(mail.text.contains("read customer: customer has no id"), "{}", mail.text);
}

/// A purchase of 49 €, paid by a way that takes days.
fn session(payment_status: &str) -> Value {
    let fields = json!({ "amount_total": 4_900, "currency": "eur" });
    with(&objects::session(payment_status), &fields)
}

async fn a_delayed_purchase_was_paid_on_the_day_of_its_money(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START);
    let customer = with(&objects::customer(), &json!({ "email": "ada@example.com" }));
    shop.take_in(&[
        event("evt_1", "customer.created", START, &customer),
        event("evt_2", "checkout.session.completed", START, &session("unpaid")),
    ])
    .await;
    shop.post().await;
    assert!(shop.mails().is_empty(), "{:?}", shop.mails());

    shop.wait(6 * DAY);
    let kind = "checkout.session.async_payment_succeeded";
    shop.take_in(&[event("evt_3", kind, START + 6 * DAY, &session("paid"))]).await;
    shop.post().await;
    let mails = shop.mails();
    let receipt = mails.iter().find(|it| it.text.contains("€49.00")).expect("it has a receipt");
    assert!(receipt.text.contains("27 September 2026"), "{}", receipt.text);
    assert!(!receipt.text.contains("21 September 2026"), "{}", receipt.text);
}
