//! Refunds and disputes.

use serde_json::{Value, json};
use tollgate_sandbox::Method::Post;

use crate::world::{DAY, START, Sandbox};
use crate::{PAID, charge, disputed, pay, text};

#[test]
fn refunds_give_back_in_parts() {
    let mut sandbox = Sandbox::new();
    let paid = pay(&mut sandbox, "pm_card_visa", &[]);
    let (intent, of) = (text(&paid["id"]), text(&paid["latest_charge"]));
    sandbox.told();
    let part = [("payment_intent", intent.as_str()), ("amount", "500"), ("reason", "duplicate")];
    let part = sandbox.post("/v1/refunds", &part);
    assert_eq!([&part["status"], &part["reason"]], ["succeeded", "duplicate"]);
    let events = sandbox.events();
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    let told = ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"];
    assert_eq!(kinds, told, "the last two bring the bank's number");
    let half = charge(&mut sandbox, &paid);
    assert_eq!([&half["amount_refunded"], &half["refunded"]], [&json!(500), &json!(false)]);
    let path = format!("/v1/refunds/{}", text(&part["id"]));
    sandbox.post(&path, &[("metadata[order]", "1")]);
    assert_eq!(sandbox.told(), ["refund.updated", "charge.refund.updated"]);

    let rest = sandbox.post("/v1/refunds", &[("charge", &of)]);
    assert_eq!(rest["amount"], 1500);
    assert_eq!(charge(&mut sandbox, &paid)["refunded"], json!(true));
    let full = [("payment_intent", intent.as_str())];
    let (status, error) = sandbox.refused(Post, "/v1/refunds", &full);
    assert_eq!((status, &error["code"]), (400, &json!("charge_already_refunded")));
    let listed = sandbox.get("/v1/refunds", &[("payment_intent", &intent)]);
    let amounts: Vec<&Value> =
        listed["data"].as_array().unwrap().iter().map(|refund| &refund["amount"]).collect();
    assert_eq!(amounts, [1500, 500]);
    let money = sandbox.get("/v1/balance_transactions", &[]);
    let moved: Vec<&Value> =
        money["data"].as_array().unwrap().iter().map(|money| &money["amount"]).collect();
    assert_eq!(moved, [-1500, -500, 2000]);
}

#[test]
fn refunds_may_pend_or_come_back() {
    let mut sandbox = Sandbox::new();
    let paid = pay(&mut sandbox, "pm_card_pendingRefund", &[]);
    let refund = sandbox.post("/v1/refunds", &[("payment_intent", &text(&paid["id"]))]);
    assert_eq!(refund["status"], "pending");
    sandbox.told();
    sandbox.pass(5);
    assert_eq!(sandbox.told(), ["refund.updated", "charge.refund.updated"]);
    let path = format!("/v1/refunds/{}", text(&refund["id"]));
    assert_eq!(sandbox.get(&path, &[])["status"], "succeeded");

    let paid = pay(&mut sandbox, "pm_card_refundFail", &[]);
    let refund = sandbox.post("/v1/refunds", &[("payment_intent", &text(&paid["id"]))]);
    assert_eq!(refund["status"], "succeeded");
    sandbox.told();
    sandbox.pass(5);
    let told = ["refund.updated", "refund.failed", "charge.refund.updated", "charge.updated"];
    assert_eq!(sandbox.told(), told);
    let path = format!("/v1/refunds/{}", text(&refund["id"]));
    assert_eq!(sandbox.get(&path, &[])["status"], "failed");
    assert_eq!(charge(&mut sandbox, &paid)["amount_refunded"], 0);
}

#[test]
fn a_dispute_takes_the_money_and_asks_for_evidence() {
    let mut sandbox = Sandbox::new();
    let (paid, id) = disputed(&mut sandbox, "createDispute");
    let mut told = PAID.to_vec();
    told.extend(["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.updated"]);
    assert_eq!(sandbox.told(), told);
    let dispute = sandbox.get(&format!("/v1/disputes/{id}"), &[]);
    assert_eq!([&dispute["status"], &dispute["reason"]], ["needs_response", "fraudulent"]);
    assert_eq!(dispute["evidence_details"]["due_by"], START + 9 * DAY);
    let money = &dispute["balance_transactions"][0];
    assert_eq!([&money["amount"], &money["fee"], &money["net"]], [-2000, 1500, -3500]);
    assert_eq!(charge(&mut sandbox, &paid)["disputed"], json!(true));
    let (_, error) =
        sandbox.refused(Post, "/v1/refunds", &[("payment_intent", &text(&paid["id"]))]);
    assert_eq!(error["code"], "charge_disputed");
    sandbox.pass(10 * DAY);
    assert_eq!(sandbox.told(), ["charge.dispute.closed"]);
    let dispute = sandbox.get(&format!("/v1/disputes/{id}"), &[]);
    assert_eq!(
        [&dispute["status"], &dispute["evidence_details"]["past_due"]],
        [&json!("lost"), &json!(true)]
    );
}

/// Card, evidence, status while the bank thinks, status in the end, events in the end.
#[test]
fn evidence_decides_disputes() {
    for (card, evidence, thinking, end, told) in [
        (
            "createDispute",
            "winning_evidence",
            "under_review",
            "won",
            &["charge.dispute.closed", "charge.dispute.funds_reinstated"][..],
        ),
        ("createDispute", "losing_evidence", "under_review", "lost", &["charge.dispute.closed"]),
        ("createDispute", "a long story", "under_review", "under_review", &[]),
        (
            "createDisputeInquiry",
            "winning_evidence",
            "warning_under_review",
            "warning_closed",
            &["charge.dispute.closed"],
        ),
        (
            "createDisputeInquiry",
            "escalate_inquiry_evidence",
            "warning_under_review",
            "needs_response",
            &["charge.dispute.updated", "charge.dispute.funds_withdrawn"],
        ),
    ] {
        let mut sandbox = Sandbox::new();
        let (_, id) = disputed(&mut sandbox, card);
        let path = format!("/v1/disputes/{id}");
        let staged = [("evidence[customer_name]", "Ada"), ("submit", "false")];
        let staged = sandbox.post(&path, &staged);
        assert_eq!(staged["evidence_details"]["submission_count"], 0, "{evidence}");
        sandbox.told();
        let sent = sandbox.post(&path, &[("evidence[uncategorized_text]", evidence)]);
        assert_eq!(sent["status"], thinking, "{evidence}");
        assert_eq!(sent["evidence_details"]["submission_count"], 1, "{evidence}");
        assert_eq!(sandbox.told(), ["charge.dispute.updated"], "{evidence}");
        sandbox.pass(10);
        assert_eq!(sandbox.get(&path, &[])["status"], end, "{evidence}");
        assert_eq!(sandbox.told(), told, "{evidence}");
    }
}

#[test]
fn debits_are_refunded_and_disputed_in_their_own_way() {
    let mut sandbox = Sandbox::new();
    let paid = pay(&mut sandbox, "pm_usBankAccount_success", &[]);
    let full = [("payment_intent", text(&paid["id"]))];
    let full: Vec<(&str, &str)> = full.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let (_, error) = sandbox.refused(Post, "/v1/refunds", &full);
    assert_eq!(error["code"], "charge_not_refundable", "it is pending");
    sandbox.pass(5);
    sandbox.told();
    let refund = sandbox.post("/v1/refunds", &full);
    assert_eq!([&refund["status"], &refund["pending_reason"]], ["pending", "processing"]);
    assert_eq!(refund["destination_details"]["type"], "us_bank_transfer");
    sandbox.pass(5);
    let path = format!("/v1/refunds/{}", text(&refund["id"]));
    assert_eq!(sandbox.get(&path, &[])["status"], "succeeded");

    let paid = pay(&mut sandbox, "pm_usBankAccount_dispute", &[]);
    sandbox.pass(5);
    sandbox.told();
    let listed = sandbox.get("/v1/disputes", &[("payment_intent", &text(&paid["id"]))]);
    let dispute = &listed["data"][0];
    assert_eq!([&dispute["status"], &dispute["reason"]], ["lost", "debit_not_authorized"]);
    assert_eq!(dispute["evidence_details"]["due_by"], 0, "banks hear no answer");
}

#[test]
fn a_question_of_the_bank_takes_nothing_and_can_be_closed() {
    let mut sandbox = Sandbox::new();
    let (paid, id) = disputed(&mut sandbox, "createDisputeInquiry");
    let mut told = PAID.to_vec();
    told.extend(["charge.dispute.created", "charge.updated"]);
    assert_eq!(sandbox.told(), told);
    let closed = sandbox.post(&format!("/v1/disputes/{id}/close"), &[]);
    assert_eq!(
        [&closed["status"], &closed["balance_transactions"]],
        [&json!("warning_closed"), &json!([])]
    );
    assert_eq!(sandbox.told(), ["charge.dispute.closed"]);
    sandbox.post("/v1/refunds", &[("payment_intent", &text(&paid["id"]))]);
    let (_, other) = disputed(&mut sandbox, "createDisputeProductNotReceived");
    let closed = sandbox.post(&format!("/v1/disputes/{other}/close"), &[]);
    assert_eq!([&closed["status"], &closed["reason"]], ["lost", "product_not_received"]);
    let (two, _) = disputed(&mut sandbox, "createMultipleDisputes");
    let listed = sandbox.get("/v1/disputes", &[("payment_intent", &text(&two["id"]))]);
    let amounts: i64 =
        listed["data"].as_array().unwrap().iter().filter_map(|one| one["amount"].as_i64()).sum();
    assert_eq!((listed["data"].as_array().unwrap().len(), amounts), (2, 2000));
}
