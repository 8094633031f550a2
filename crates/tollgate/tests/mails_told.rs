//! What a mail says that its fact alone does not: it is read when the mail is written.

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod postroom;

use databases::{Fresh, on_both_databases};
use history::START;
use history::objects::event;
use postroom::{OPERATOR, Postroom};
use serde_json::json;

on_both_databases! {
    the_operator_reads_why_an_event_failed;
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
