//! Renewals that fail, on the offline Stripe from end to end: to recovery and to the end, by
//! Stripe's schedules of retries. However the events come, and with two nodes at work, a customer
//! gets exactly the mails that they have use for, each once, in their order; and the app hears of
//! it all.
//!
//! `TOLLGATE_SIMULATION_SEEDS=FROM..TO` runs other seeds than the usual ones.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
mod dunning {
    pub mod stage;
}
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod strangers;

use std::collections::BTreeSet;

use databases::{Fresh, on_both_databases};
use dunning::stage::{Rules, Stage};
use history::DAY;
use serde_json::Value;
use strangers::{Act, Stranger, answer};
use tollgate::deliver::mailbox::Arrived;
use tollgate_sandbox::{AfterLastRetry, Settings};

/// Days from one attempt to the next: Stripe's schedule without machine learning, and the eight
/// retries in two weeks of Smart Retries.
const DEFAULT: &[i64] = &[3, 5, 7];
const EIGHT: &[i64] = &[1, 1, 2, 2, 2, 2, 2, 2];
/// The day of the renewal, and the one on which the time of grace is over.
const RENEWAL: i64 = 30;
const GRACE_OVER: i64 = RENEWAL + 7;
/// What everybody got before.
const BEFORE: [&str; 3] = ["0 receipt", "0 welcome", "23 renewal_upcoming"];
/// A card with which every payment has to be confirmed.
const ASKS_THE_BANK: &str = "pm_card_authenticationRequired";
/// Nothing more happens until this day.
const END: i64 = 52;

on_both_databases! {
    a_renewal_that_always_fails_is_told_to_the_end;
    who_keeps_access_while_stripe_tries_loses_it_with_the_subscription;
    a_subscription_that_is_left_unpaid_ends_with_the_last_notice;
    a_subscription_that_is_left_past_due_is_not_told_to_renew;
    a_recovery_is_told_once_whatever_brought_it;
    a_payment_that_recovers_while_a_mail_waits_stops_it;
    a_payment_that_recovers_at_once_makes_no_mail_but_the_receipt;
    a_payment_that_the_bank_wants_confirmed_says_so_once;
    a_payment_that_is_never_confirmed_is_told_to_the_end;
    a_payment_after_the_end_brings_a_receipt_alone;
    who_ends_it_meanwhile_hears_of_no_further_attempt;
    events_that_come_a_day_late_make_no_other_mails;
    each_mail_says_what_is_true_on_its_day;
    the_app_hears_of_it_in_order_with_revisions_that_never_fall;
}

fn rules(days: &[i64], after_last_retry: AfterLastRetry, past_due: &'static str) -> Rules {
    let retry_after_secs = days.iter().map(|it| it * DAY).collect();
    let settings = Settings { retry_after_secs, after_last_retry, ..Settings::default() };
    Rules { settings, past_due, app: None }
}

#[expect(clippy::disallowed_methods, reason = "seeds are given by hand to look for failures")]
fn seeds(fresh: &Fresh) -> std::ops::Range<u64> {
    let most = if fresh.db.is_postgres() { 2 } else { 3 };
    let Ok(text) = std::env::var("TOLLGATE_SIMULATION_SEEDS") else { return 0..most };
    let (from, to) = text.split_once("..").expect("seeds are FROM..TO");
    from.parse().expect("a number")..to.parse().expect("a number")
}

/// Plays a story on a database of its own; returns the mails.
async fn mailed(
    fresh: &Fresh,
    seed: u64,
    rules: &Rules,
    story: impl AsyncFnOnce(&mut Stage),
) -> Vec<(String, Arrived)> {
    let own = fresh.another().await;
    let mut stage = Box::pin(Stage::open(&own, seed, rules)).await;
    story(&mut stage).await;
    stage.until(END).await;
    let mails = stage.end().await;
    own.gone().await;
    mails
}

/// As [`mailed`]; returns of each mail its day and what it is.
async fn played(
    fresh: &Fresh,
    seed: u64,
    rules: &Rules,
    story: impl AsyncFnOnce(&mut Stage),
) -> Vec<String> {
    mailed(fresh, seed, rules, story).await.into_iter().map(|(it, _)| it).collect()
}

/// The day of an attempt, counted from 1.
fn day_of(days: &[i64], attempt: usize) -> i64 {
    RENEWAL + days[..attempt - 1].iter().sum::<i64>()
}

/// What is told of so many failed attempts, and of the end of access between them if there is one.
fn failures(days: &[i64], attempts: usize, access_ends: Option<i64>) -> Vec<(i64, &'static str)> {
    let level = |attempt| match attempt {
        _ if attempt == days.len() + 1 => "payment_failed.last",
        1 => "payment_failed.first",
        _ => "payment_failed.further",
    };
    let mut told: Vec<_> = (1..=attempts).map(|it| (day_of(days, it), level(it))).collect();
    let last = day_of(days, attempts);
    told.extend(access_ends.filter(|it| *it <= last).map(|it| (it, "access_ended")));
    told.sort_by_key(|(day, _)| *day);
    told
}

fn wanted(told: &[(i64, &str)]) -> Vec<String> {
    let told = told.iter().map(|(day, it)| format!("{day} {it}"));
    BEFORE.iter().map(|it| (*it).to_owned()).chain(told).collect()
}

/// Lets the customer's card fail from the renewal on.
async fn fails(stage: &mut Stage, attempts: usize, days: &[i64]) {
    stage.use_card("pm_card_chargeCustomerFail");
    stage.until(day_of(days, attempts)).await;
}

async fn a_renewal_that_always_fails_is_told_to_the_end(fresh: Fresh) {
    for (days, seed) in
        [DEFAULT, EIGHT].into_iter().flat_map(|it| seeds(&fresh).map(move |seed| (it, seed)))
    {
        let rules = rules(days, AfterLastRetry::Cancel, "7d");
        let all = days.len() + 1;
        let mails = played(&fresh, seed, &rules, async |it| fails(it, all, days).await).await;
        let mut told = failures(days, all, Some(GRACE_OVER));
        told.push((day_of(days, all), "survey"));
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

async fn who_keeps_access_while_stripe_tries_loses_it_with_the_subscription(fresh: Fresh) {
    for (days, seed) in
        [DEFAULT, EIGHT].into_iter().flat_map(|it| seeds(&fresh).map(move |seed| (it, seed)))
    {
        let rules = rules(days, AfterLastRetry::Cancel, "keep");
        let all = days.len() + 1;
        let mails = played(&fresh, seed, &rules, async |it| fails(it, all, days).await).await;
        let mut told = failures(days, all, None);
        let end = day_of(days, all);
        told.extend([(end, "access_ended"), (end, "survey")]);
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

async fn a_subscription_that_is_left_unpaid_ends_with_the_last_notice(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Unpaid, "keep");
        let mails = played(&fresh, seed, &rules, async |it| fails(it, 4, DEFAULT).await).await;
        let mut told = failures(DEFAULT, 4, None);
        told.push((day_of(DEFAULT, 4), "access_ended"));
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

/// The next renewal is near, but nobody who owes the last is told that there is nothing to do.
async fn a_subscription_that_is_left_past_due_is_not_told_to_renew(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Leave, "7d");
        let story = async |it: &mut Stage| {
            fails(it, 4, DEFAULT).await;
            it.until(60).await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        assert_eq!(mails, wanted(&failures(DEFAULT, 4, Some(GRACE_OVER))), "seed {seed}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Rescue {
    /// A card that works is paid with at the next attempt.
    AnotherCard,
    /// Whatever was wrong with the card is not any more at the next attempt.
    SameCard,
    /// They pay on the invoice's page.
    Page,
}

async fn a_recovery_is_told_once_whatever_brought_it(fresh: Fresh) {
    let cases = [(DEFAULT, 1), (EIGHT, 5), (DEFAULT, 2), (DEFAULT, 3), (EIGHT, 1), (EIGHT, 8)];
    // Each is a database of its own, which takes Postgres a while to make.
    let cases = if fresh.db.is_postgres() { &cases[..2] } else { &cases[..] };
    let mut seed = 0;
    for &(days, attempts) in cases {
        for rescue in [Rescue::AnotherCard, Rescue::SameCard, Rescue::Page] {
            seed += 1;
            recovers(&fresh, seed, days, attempts, rescue).await;
        }
    }
}

async fn recovers(fresh: &Fresh, seed: u64, days: &[i64], attempts: usize, rescue: Rescue) {
    let rules = rules(days, AfterLastRetry::Cancel, "7d");
    let story = async |it: &mut Stage| {
        it.let_cards_fail(true);
        it.until(day_of(days, attempts)).await;
        it.let_cards_fail(false);
        match rescue {
            Rescue::AnotherCard => it.use_card("pm_card_mastercard"),
            Rescue::SameCard => {}
            Rescue::Page => {
                it.pay_on_the_page();
                it.hear().await;
                it.write().await;
            }
        }
    };
    let mails = played(fresh, seed, &rules, story).await;
    let paid = match rescue {
        Rescue::Page => day_of(days, attempts),
        _ => day_of(days, attempts + 1),
    };
    let mut told = failures(days, attempts, Some(GRACE_OVER));
    if GRACE_OVER < paid && !told.contains(&(GRACE_OVER, "access_ended")) {
        told.push((GRACE_OVER, "access_ended"));
    }
    told.extend([(paid, "payment_recovered"), (paid, "receipt")]);
    assert_eq!(mails, wanted(&told), "{rescue:?} after {attempts} of {days:?}, seed {seed}");
}

/// Nobody was told that it failed: the receipt is all there is to say.
async fn a_payment_that_recovers_while_a_mail_waits_stops_it(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
        let story = async |it: &mut Stage| {
            it.use_card("pm_card_chargeCustomerFail");
            it.until(RENEWAL - 1).await;
            it.silent = true;
            it.until(RENEWAL).await;
            it.pay_on_the_page();
            it.hear().await;
            it.silent = false;
            it.write().await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        assert_eq!(mails, wanted(&[(RENEWAL, "receipt")]), "seed {seed}");
    }
}

/// All of it is delivered together, while mails are looked for.
async fn a_payment_that_recovers_at_once_makes_no_mail_but_the_receipt(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
        let story = async |it: &mut Stage| {
            it.use_card("pm_card_chargeCustomerFail");
            it.until(RENEWAL - 1).await;
            it.world.advance(history::START + RENEWAL * DAY + 3_700);
            it.pay_on_the_page();
        };
        let mails = played(&fresh, seed, &rules, story).await;
        assert_eq!(mails, wanted(&[(RENEWAL, "receipt")]), "seed {seed}");
    }
}

/// Stripe tells of the same attempt that it failed and that it has to be confirmed.
async fn a_payment_that_the_bank_wants_confirmed_says_so_once(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
        let story = async |it: &mut Stage| {
            it.use_card(ASKS_THE_BANK);
            it.until(RENEWAL + 1).await;
            it.confirm_at_the_bank();
            it.hear().await;
            it.write().await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        let told = [(RENEWAL, "action_required"), (RENEWAL + 1, "receipt")];
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

async fn a_payment_that_is_never_confirmed_is_told_to_the_end(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "keep");
        let story = async |it: &mut Stage| it.use_card(ASKS_THE_BANK);
        let mails = played(&fresh, seed, &rules, story).await;
        let asked = (1..=3).map(|it| (day_of(DEFAULT, it), "action_required"));
        let end = ["payment_failed.last", "access_ended", "survey"];
        let end = end.map(|it| (day_of(DEFAULT, 4), it));
        let told: Vec<_> = asked.chain(end).collect();
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

/// Whoever pays what they owe after the subscription has ended does not have it back.
async fn a_payment_after_the_end_brings_a_receipt_alone(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
        let story = async |it: &mut Stage| {
            fails(it, 4, DEFAULT).await;
            it.until(46).await;
            it.pay_on_the_page();
            it.hear().await;
            it.write().await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        let mut told = failures(DEFAULT, 4, Some(GRACE_OVER));
        told.extend([(day_of(DEFAULT, 4), "survey"), (46, "receipt")]);
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

async fn who_ends_it_meanwhile_hears_of_no_further_attempt(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "keep");
        let story = async |it: &mut Stage| {
            fails(it, 2, DEFAULT).await;
            it.until(34).await;
            it.cancel();
            it.hear().await;
            it.write().await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        let mut told = failures(DEFAULT, 2, None);
        told.extend([(34, "access_ended"), (34, "survey")]);
        assert_eq!(mails, wanted(&told), "seed {seed}");
    }
}

/// On which day they come may be another, but not which.
async fn events_that_come_a_day_late_make_no_other_mails(fresh: Fresh) {
    let names = |it: &[String]| {
        let names = it.iter().filter_map(|it| it.split_once(' '));
        let mut names: Vec<String> = names.map(|(_, name)| name.to_owned()).collect();
        names.sort();
        names
    };
    for seed in seeds(&fresh).map(|it| it + 100) {
        let rules = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
        let story = async |it: &mut Stage| {
            it.late = true;
            fails(it, 4, DEFAULT).await;
        };
        let mails = played(&fresh, seed, &rules, story).await;
        let mut told = failures(DEFAULT, 4, Some(GRACE_OVER));
        told.push((day_of(DEFAULT, 4), "survey"));
        assert_eq!(names(&mails), names(&wanted(&told)), "seed {seed}: {mails:?}");
    }
}

/// What is true then stands in the mail, and nothing that is not.
fn check(mails: &[(String, Arrived)], which: &str, says: &[&str], says_not: &[&str]) {
    let found = mails.iter().find(|(it, _)| it == which);
    let mail = &found.unwrap_or_else(|| panic!("there is no {which}")).1.mail;
    let all = format!("{}\n{}", mail.subject, mail.text);
    says.iter().for_each(|it| assert!(all.contains(it), "{which} without {it}:\n{all}"));
    says_not.iter().for_each(|it| assert!(!all.contains(it), "{which} with {it}:\n{all}"));
}

async fn each_mail_says_what_is_true_on_its_day(fresh: Fresh) {
    let pay = "Pay now:\nhttp://127.0.0.1:4243/";
    let returns = "It returns as soon as the payment arrives";
    let ends = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
    let mails = mailed(&fresh, 7, &ends, async |it| fails(it, 4, DEFAULT).await).await;
    let gentle = "We will try again on 24 October 2026. You keep your access";
    check(&mails, "30 payment_failed.first", &[gentle, pay], &["has ended"]);
    let urgent = ["your access to Pro ends on 28 October 2026", "attempt: 29 October 2026", pay];
    check(&mails, "33 payment_failed.further", &urgent, &["has ended"]);
    check(&mails, "37 access_ended", &[returns, "Open amount: $20.00", pay], &["come back"]);
    let over = ["has ended. It returns", "Next attempt: 5 November 2026", pay];
    check(&mails, "38 payment_failed.further", &over, &["Access until"]);
    let last = ["not try again", "subscribe again at any time", "Attempts: 4"];
    check(&mails, "45 payment_failed.last", &last, &["Pay now", "still pay", returns]);
    check(&mails, "45 survey", &["https://app.example.com/why"], &["Pay now"]);

    let stays = rules(DEFAULT, AfterLastRetry::Unpaid, "keep");
    let mails = mailed(&fresh, 8, &stays, async |it| fails(it, 4, DEFAULT).await).await;
    let more = ["Your payment of $20.00 is still open", pay];
    check(&mails, "38 payment_failed.further", &more, &["has ended", "ends on"]);
    let last = ["not try again", "Your access to Pro has ended", "you can still pay", pay];
    check(&mails, "45 payment_failed.last", &last, &["subscribe again"]);
    check(&mails, "45 access_ended", &[returns, "Open amount: $20.00", pay], &["come back"]);

    let owes = rules(DEFAULT, AfterLastRetry::Leave, "7d");
    let next_month = async |it: &mut Stage| {
        fails(it, 4, DEFAULT).await;
        it.until(RENEWAL + 32).await;
    };
    let mails = mailed(&fresh, 10, &owes, next_month).await;
    let over = ["has ended. It returns", pay];
    check(&mails, "61 payment_failed.first", &over, &["keep your access", "tried again"]);

    let mails = mailed(&fresh, 11, &stays, async |it| it.use_card(ASKS_THE_BANK)).await;
    let confirm = "Confirm payment:\nhttp://127.0.0.1:4243/";
    check(&mails, "30 action_required", &[confirm, "$20.00"], &["declined"]);
    let last = ["you can still pay", pay];
    check(&mails, "45 payment_failed.last", &last, &["confirm"]);
}

/// What the app hears until a renewal has failed three times and access is over.
const HEARD: [&str; 9] = [
    "09-21 access.granted",
    "09-21 customer.linked",
    "09-21 payment.succeeded",
    "09-21 subscription.started",
    "10-14 subscription.renewal_upcoming",
    "10-21 payment.failed",
    "10-24 payment.failed",
    "10-28 access.revoked",
    "10-29 payment.failed",
];

async fn the_app_hears_of_it_in_order_with_revisions_that_never_fall(fresh: Fresh) {
    for seed in seeds(&fresh) {
        let to_the_end = async |it: &mut Stage| fails(it, 4, DEFAULT).await;
        let (told, granted) = heard(&fresh, seed, to_the_end).await;
        let end = ["11-05 payment.failed", "11-05 subscription.ended"];
        assert_eq!(told, [&HEARD[..], &end].concat(), "seed {seed}");
        assert!(!granted, "seed {seed}: the last that it hears is how it is");

        let to_recovery = async |it: &mut Stage| {
            fails(it, 3, DEFAULT).await;
            it.use_card("pm_card_visa");
            it.pay_on_the_page();
            it.hear().await;
            it.until(50).await;
        };
        let (told, granted) = heard(&fresh, seed, to_recovery).await;
        let end = ["10-29 access.granted", "10-29 payment.recovered", "10-29 payment.succeeded"];
        let mut wanted = [&HEARD[..], &end].concat();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "seed {seed}");
        assert!(granted, "seed {seed}: the last that it hears is how it is");
    }
}

/// What the app heard, but for mere changes of access: each fact with its day, those of one day by
/// name; and whether access is granted after the last.
async fn heard(
    fresh: &Fresh,
    seed: u64,
    story: impl AsyncFnOnce(&mut Stage),
) -> (Vec<String>, bool) {
    let app = Stranger::start(Act::Say(answer(200, "", ""))).await;
    let ends = rules(DEFAULT, AfterLastRetry::Cancel, "7d");
    mailed(fresh, seed, &Rules { app: Some(app.address.clone()), ..ends }, story).await;
    let heard = app.heard();
    let body = |it: &String| serde_json::from_str(it.split_once("\r\n\r\n")?.1).ok();
    let bodies: Vec<Value> = heard.iter().map(|it| body(it).unwrap()).collect();
    let ids: BTreeSet<&str> = bodies.iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(ids.len(), bodies.len(), "seed {seed}: something was told twice");
    let revisions: Vec<i64> =
        bodies.iter().filter_map(|it| it["data"]["revision"].as_i64()).collect();
    assert_eq!(revisions.len(), bodies.len());
    assert!(revisions.is_sorted(), "seed {seed}: {revisions:?}");
    let day =
        |it: &Value| it["timestamp"].as_str().and_then(|it| it.get(5..10)).unwrap().to_owned();
    let told = bodies.iter().map(|it| format!("{} {}", day(it), it["type"].as_str().unwrap()));
    let mut told: Vec<String> = told.filter(|it| !it.ends_with("access.changed")).collect();
    told.sort();
    (told, bodies.last().unwrap()["data"]["access"]["granted"] == true)
}
