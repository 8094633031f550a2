//! What an update changes, what it bills, and when.

use serde_json::json;
use tollgate_sandbox::Method;

use crate::market::{Market, item, lines, text};
use crate::world::{DAY, START};

/// A shop whose clock stands on the first of April, a month of 30 days.
fn april() -> Market {
    let mut market = Market::new();
    market.sandbox.world.advance(START + 90 * DAY);
    market
}

#[test]
fn a_hundred_becomes_two_hundred_half_way_and_the_next_invoice_is_250() {
    for mode in ["classic", "flexible"] {
        let mut market = april();
        let sub = market.subscribe(&[("items[0][price]", "@100"), ("billing_mode[type]", mode)]);
        assert_eq!(sub["status"], json!("active"));
        market.days(15);
        let item = item(&sub, 0);
        let change = [("items[0][id]", item.as_str()), ("items[0][price]", "@200")];
        assert_eq!(market.preview(&sub, &change)["total"], json!(25_000), "{mode}");
        market.told();
        let after = market.update(&sub, &change);
        assert_eq!(after["items"]["data"][0]["price"]["id"], json!(market.id("200")));
        assert_eq!(after["items"]["data"][0]["id"], json!(item));
        assert_eq!(
            market.told(),
            ["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"],
        );
        market.sandbox.pass(15 * DAY + 2 * 3_600);
        let invoice = market.latest(&sub);
        assert_eq!(invoice["total"], json!(25_000), "{mode}");
        assert_eq!(invoice["status"], json!("paid"), "{mode}");
        assert_eq!(
            market.told(),
            [
                "invoice.upcoming",
                "invoice.created",
                "customer.subscription.updated",
                "payment_intent.created",
                "invoice.finalized",
                "charge.succeeded",
                "payment_intent.succeeded",
                "invoice.updated",
                "invoice.paid",
                "invoice.payment_succeeded",
                "invoice_payment.paid",
            ],
        );
    }
}

#[test]
fn always_invoice_bills_the_difference_at_once() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@100")]);
    market.days(15);
    market.told();
    let after = market.update(
        &sub,
        &[
            ("items[0][id]", &item(&sub, 0)),
            ("items[0][price]", "@200"),
            ("proration_behavior", "always_invoice"),
        ],
    );
    let invoice = market.latest(&sub);
    assert_eq!(after["latest_invoice"], invoice["id"]);
    assert_eq!((&invoice["total"], &invoice["status"]), (&json!(5_000), &json!("paid")));
    assert_eq!(invoice["billing_reason"], json!("subscription_update"));
    assert_eq!(
        lines(&invoice),
        [
            (-5_000, "Unused time on 100 after 16 Apr 2027".to_owned()),
            (10_000, "Remaining time on 200 after 16 Apr 2027".to_owned()),
        ],
    );
    let credited = &invoice["lines"]["data"][0]["parent"]["subscription_item_details"];
    let first = market.invoices(&sub).pop().unwrap();
    assert_eq!(credited["proration"], json!(true));
    assert_eq!(
        credited["proration_details"]["credited_items"],
        json!({
            "invoice": first["id"],
            "invoice_line_items": [first["lines"]["data"][0]["id"]],
        }),
    );
    let told = market.told();
    assert_eq!(told.last().unwrap(), "customer.subscription.updated");
    assert_eq!(told[..3], ["invoiceitem.created", "invoiceitem.created", "invoice.created"]);
    market.days(16);
    assert_eq!(market.latest(&sub)["total"], json!(20_000));
}

#[test]
fn none_bills_nothing_for_the_difference() {
    for (mode, credit) in [("classic", -6_667), ("flexible", -3_333)] {
        let mut market = april();
        let sub = market.subscribe(&[("items[0][price]", "@100"), ("billing_mode[type]", mode)]);
        let id = item(&sub, 0);
        market.days(10);
        market.told();
        market.update(
            &sub,
            &[("items[0][id]", &id), ("items[0][price]", "@200"), ("proration_behavior", "none")],
        );
        assert_eq!(market.told(), ["customer.subscription.updated"]);
        // Back again: classic credits what was never paid, flexible what was (cases 4 and 5).
        market.days(10);
        let down = [
            ("items[0][id]", id.as_str()),
            ("items[0][price]", "@100"),
            ("proration_behavior", "always_invoice"),
        ];
        market.update(&sub, &down);
        let invoice = market.latest(&sub);
        assert_eq!(lines(&invoice)[0].0, credit, "{mode}");
        assert_eq!(invoice["total"], json!(credit + 3_333), "{mode}");
    }
}

#[test]
fn another_interval_bills_at_once_and_only_classic_moves_the_anchor() {
    // The year from April 2027 on has a 29th of February: 366 days.
    for (mode, total, moves) in
        [("classic", 100_000 - 6_667, true), ("flexible", 97_268 - 6_667, false)]
    {
        let mut market = april();
        let sub = market.subscribe(&[("items[0][price]", "@100"), ("billing_mode[type]", mode)]);
        let began = sub["billing_cycle_anchor"].as_i64().unwrap();
        market.days(10);
        let after =
            market.update(&sub, &[("items[0][id]", &item(&sub, 0)), ("items[0][price]", "@year")]);
        let invoice = market.latest(&sub);
        assert_eq!(invoice["total"], json!(total), "{mode} {:?}", lines(&invoice));
        let now = market.sandbox.world.now();
        let anchor = if moves { now } else { began };
        assert_eq!(after["billing_cycle_anchor"], json!(anchor), "{mode}");
        assert_eq!(after["items"]["data"][0]["current_period_start"], json!(anchor), "{mode}");
        assert_eq!(
            after["items"]["data"][0]["current_period_end"],
            json!(anchor + 366 * DAY),
            "2028 has a 29th of February",
        );
    }
}

#[test]
fn from_free_to_paid_only_classic_begins_a_new_period() {
    for (mode, total) in [("classic", 20_000), ("flexible", 12_000)] {
        let mut market = april();
        let sub = market.subscribe(&[("items[0][price]", "@0"), ("billing_mode[type]", mode)]);
        market.days(12);
        market.update(
            &sub,
            &[
                ("items[0][id]", &item(&sub, 0)),
                ("items[0][price]", "@200"),
                ("proration_behavior", "always_invoice"),
            ],
        );
        assert_eq!(market.latest(&sub)["total"], json!(total), "{mode}");
    }
}

#[test]
fn the_anchor_can_be_set_to_now() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@200")]);
    market.days(10);
    let after = market.update(&sub, &[("billing_cycle_anchor[type]", "now")]);
    assert_eq!(market.latest(&sub)["total"], json!(20_000 - 13_333));
    assert_eq!(after["billing_cycle_anchor"], json!(market.sandbox.world.now()));
    market.days(30);
    assert_eq!(market.latest(&sub)["total"], json!(20_000), "from 11 April to 11 May");
}

#[test]
fn items_come_change_and_go() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@10"), ("items[0][quantity]", "2")]);
    market.days(20);
    let added = market.post(
        "/v1/subscription_items",
        &[("subscription", &text(&sub["id"])), ("price", "@15"), ("quantity", "3")],
    );
    let path = format!("/v1/subscription_items/{}", text(&added["id"]));
    assert_eq!(market.get(&path)["quantity"], json!(3));
    let list =
        market.ask(Method::Get, "/v1/subscription_items", &[("subscription", &text(&sub["id"]))]);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let changed = market.post(&path, &[("quantity", "0"), ("metadata[a]", "b")]);
    assert_eq!((&changed["quantity"], &changed["metadata"]), (&json!(0), &json!({ "a": "b" })));
    let answer = market.sandbox.answer(Method::Delete, &path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(market.now(&sub)["items"]["data"].as_array().unwrap().len(), 1);
    market.days(11);
    // 3 × 15.00 for a third of a month, and back again in the same second.
    assert_eq!(market.latest(&sub)["total"], json!(2_000));
    assert_eq!(market.refused(Method::Get, &path, &[]).0, 404);
}

#[test]
fn discounts_count_in_prorations() {
    let mut market = april();
    market.coupon("fifth", ("percent_off", "20"), "forever");
    let sub = market.subscribe(&[("items[0][price]", "@100"), ("discounts[0][coupon]", "fifth")]);
    assert_eq!(market.latest(&sub)["total"], json!(8_000));
    market.days(15);
    market.update(
        &sub,
        &[
            ("items[0][id]", &item(&sub, 0)),
            ("items[0][price]", "@200"),
            ("proration_behavior", "always_invoice"),
        ],
    );
    let invoice = market.latest(&sub);
    assert_eq!(lines(&invoice).iter().map(|line| line.0).collect::<Vec<_>>(), [-4_000, 8_000]);
    assert_eq!(invoice["total"], json!(4_000));
    market.told();
    let after = market.update(&sub, &[("discounts", "")]);
    assert_eq!(after["discounts"], json!([]));
    assert_eq!(market.told(), ["customer.discount.deleted", "customer.subscription.updated"]);
    market.days(16);
    assert_eq!(market.latest(&sub)["total"], json!(20_000));
}

#[test]
fn single_amounts_go_on_the_first_and_on_the_next_invoice() {
    let mut market = april();
    market.single("setup", "7700");
    let sub =
        market.subscribe(&[("items[0][price]", "@10"), ("add_invoice_items[0][price]", "@setup")]);
    assert_eq!(market.latest(&sub)["total"], json!(8_700));
    market.update(
        &sub,
        &[("add_invoice_items[0][price]", "@setup"), ("add_invoice_items[0][quantity]", "2")],
    );
    assert_eq!(market.preview(&sub, &[])["total"], json!(16_400));
    market.days(31);
    assert_eq!(market.latest(&sub)["total"], json!(16_400));
}

#[test]
fn what_costs_nothing_is_told_in_one_event() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.told();
    let after = market.update(
        &sub,
        &[
            ("metadata[a]", "1"),
            ("description", "Ours"),
            ("trial_settings[end_behavior][missing_payment_method]", "pause"),
            ("payment_settings[save_default_payment_method]", "on_subscription"),
            ("collection_method", "send_invoice"),
            ("days_until_due", "14"),
        ],
    );
    assert_eq!(after["metadata"], json!({ "a": "1" }));
    assert_eq!(after["days_until_due"], json!(14));
    let events = market.sandbox.events();
    assert_eq!(events.len(), 1);
    let previous = &events[0].1["data"]["previous_attributes"];
    assert_eq!(previous["collection_method"], json!("charge_automatically"));
    assert_eq!(previous["description"], json!(null));
    market.update(&sub, &[("metadata[a]", "1")]);
    assert_eq!(market.told(), [""; 0], "nothing differs");
    market.days(31);
    let invoice = market.latest(&sub);
    assert_eq!(
        (&invoice["status"], &invoice["collection_method"]),
        (&json!("open"), &json!("send_invoice"))
    );
}

#[test]
fn intervals_mix_in_flexible_billing() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@10"), ("items[1][price]", "@quarter")]);
    assert_eq!(market.latest(&sub)["total"], json!(28_000));
    let ends: Vec<i64> = (0..2)
        .map(|place| sub["items"]["data"][place]["current_period_end"].as_i64().unwrap())
        .collect();
    assert_eq!(ends, [START + 120 * DAY, START + 181 * DAY]);
    market.days(31);
    assert_eq!(market.latest(&sub)["total"], json!(1_000));
    market.days(31);
    assert_eq!(market.latest(&sub)["total"], json!(1_000));
    market.days(30);
    assert_eq!(market.latest(&sub)["total"], json!(28_000), "both begin anew on 1 July");
    assert_eq!(market.invoices(&sub).len(), 4);
}

#[test]
fn cancel_at_within_the_period_gives_back_what_lies_after_it() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@200")]);
    market.days(5);
    let at = (START + 110 * DAY).to_string();
    let change = [("cancel_at", at.as_str()), ("proration_behavior", "always_invoice")];
    assert_eq!(market.preview(&sub, &change)["total"], json!(-6_667));
    market.update(&sub, &change);
    assert_eq!(market.latest(&sub)["total"], json!(-6_667), "10 of 30 days");
    market.days(3);
    let back = [("cancel_at", ""), ("proration_behavior", "always_invoice")];
    market.update(&sub, &back);
    assert_eq!(market.latest(&sub)["total"], json!(6_667));
    assert_eq!(market.now(&sub)["cancel_at"], json!(null));
}

#[test]
fn the_end_of_the_period_can_be_set_and_taken_back() {
    let mut market = april();
    let sub = market.subscribe(&[("items[0][price]", "@10")]);
    market.told();
    let after = market.update(
        &sub,
        &[
            ("cancel_at_period_end", "true"),
            ("cancellation_details[feedback]", "too_expensive"),
            ("cancellation_details[comment]", "It is."),
        ],
    );
    assert_eq!(after["cancel_at"], json!(START + 120 * DAY));
    assert_eq!(after["cancellation_details"]["reason"], json!("cancellation_requested"));
    assert_eq!(
        market
            .refused(
                Method::Post,
                "/v1/invoices/create_preview",
                &[("subscription", &text(&sub["id"]))]
            )
            .1["code"],
        json!("invoice_upcoming_none")
    );
    let after = market.update(&sub, &[("cancel_at_period_end", "false")]);
    assert_eq!(
        (&after["cancel_at"], &after["canceled_at"], &after["cancel_at_period_end"]),
        (&json!(null), &json!(null), &json!(false)),
    );
    market.update(&sub, &[("cancel_at", "min_period_end")]);
    market.told();
    market.days(31);
    assert_eq!(market.told(), ["customer.subscription.deleted"]);
    let over = market.now(&sub);
    assert_eq!(over["status"], json!("canceled"));
    assert_eq!(over["ended_at"], json!(START + 120 * DAY));
}

#[test]
fn canceling_now_can_bill_and_give_back() {
    for (params, told, total) in [
        (
            vec![],
            vec!["customer.subscription.deleted", "invoiceitem.deleted", "invoiceitem.deleted"],
            None,
        ),
        (
            vec![("prorate", "true"), ("invoice_now", "true")],
            vec!["invoiceitem.created", "invoiceitem.created", "invoice.created"],
            Some(-5_000),
        ),
    ] {
        let mut market = april();
        let sub = market.subscribe(&[("items[0][price]", "@100")]);
        market.days(15);
        market.update(&sub, &[("items[0][id]", &item(&sub, 0)), ("items[0][price]", "@200")]);
        market.told();
        let path = format!("/v1/subscriptions/{}", text(&sub["id"]));
        let over = market.ask(Method::Delete, &path, &params);
        assert_eq!(over["status"], json!("canceled"));
        let heard = market.told();
        match total {
            None => assert_eq!(heard, told),
            Some(total) => {
                // −5000 and +10000 of the change, and −10000 of it again.
                assert_eq!(market.latest(&sub)["total"], json!(total));
                assert!(heard.contains(&"customer.subscription.deleted".to_owned()), "{heard:?}");
            }
        }
        assert_eq!(market.refused(Method::Delete, &path, &[]).0, 404);
    }
}

/// Auto-paging with a change in its loop.
#[test]
fn a_list_goes_on_from_what_it_no_longer_holds() {
    let mut market = Market::new();
    let subs: Vec<String> =
        (0..5).map(|_| text(&market.subscribe(&[("items[0][price]", "@10")])["id"])).collect();
    let mut page = |place: (&str, &str)| {
        let asked = [("status", "active"), ("limit", "2"), place];
        let list = market.sandbox.get("/v1/subscriptions", &asked);
        let rows = list["data"].as_array().unwrap().clone();
        let ids: Vec<String> = rows.iter().map(|row| text(&row["id"])).collect();
        for id in &ids {
            market.sandbox.delete(&format!("/v1/subscriptions/{id}"), &[]);
        }
        (ids, list["has_more"].as_bool().unwrap())
    };
    assert_eq!(page(("starting_after", &subs[4])), (vec![subs[3].clone(), subs[2].clone()], true));
    assert_eq!(page(("starting_after", &subs[2])), (vec![subs[1].clone(), subs[0].clone()], false));
    assert_eq!(page(("ending_before", &subs[2])), (vec![subs[4].clone()], false));
}
