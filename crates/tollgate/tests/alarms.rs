//! What time alone makes known: cards that expire before they can pay, and that Stripe is silent.
//! The clock is moved and steps are made by hand; the mails are those that would have been sent.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[expect(dead_code, reason = "other files need more of it")]
mod databases;
#[expect(dead_code, reason = "other files need more of it")]
mod history;
#[expect(dead_code, reason = "other files need more of it")]
mod log;
mod postroom;

use databases::{Fresh, on_both_databases};
use history::objects::{self, CUSTOMER, PERIOD_END, change, event, updated, with};
use history::{DAY, Piece, START};
use postroom::{OPERATOR, Postroom};
use serde_json::{Value, json};
use tollgate::receive::alarms::Alarms;
use tollgate::rules::silence::Patience;
use tollgate::{store, webhook};

on_both_databases! {
    a_card_that_expires_before_it_can_pay_is_told_of_once;
    a_card_is_found_in_whatever_order_all_becomes_known;
    what_became_of_a_card_meanwhile_stops_the_mail;
    an_announced_renewal_tells_of_its_card_at_once;
    a_card_that_nobody_knows_is_asked_for_and_told_of;
    several_nodes_tell_of_a_card_once;
    more_cards_than_a_page_are_all_told_of;
    a_silence_is_told_once_until_an_event_comes;
    a_clock_that_was_ahead_silences_no_alarm;
    several_nodes_tell_of_a_silence_once;
    what_was_asked_for_breaks_no_silence;
    a_server_that_was_down_gives_stripe_an_hour;
    without_a_setting_silence_counts_where_somebody_pays;
}

const KEY: &str = "card_expiring:pm_1:2026-09";

fn card_of(id: &str, customer: &str, (year, month): (i64, i64)) -> Value {
    let card = json!({ "brand": "visa", "last4": "4242", "exp_month": month, "exp_year": year });
    json!({ "id": id, "object": "payment_method", "customer": customer, "livemode": false,
        "type": "card", "card": card })
}

fn card(month: (i64, i64)) -> Value {
    card_of("pm_1", CUSTOMER, month)
}

fn customer(method: &str) -> Value {
    let fields = json!({
        "email": "ada@example.com",
        "invoice_settings": { "default_payment_method": method },
    });
    with(&objects::customer(), &fields)
}

fn paying() -> Value {
    objects::subscription("sub_1", "active")
}

/// A customer whose card expires in this month and whose subscription renews in the next.
fn shopper() -> [Piece; 3] {
    [
        event("evt_c", "customer.created", START, &customer("pm_1")),
        event("evt_s", "customer.subscription.created", START, &paying()),
        event("evt_p", "payment_method.attached", START, &card((2026, 9))),
    ]
}

/// Steps until nothing is left to do now.
async fn watch(shop: &Postroom, alarms: &mut Alarms) {
    for _ in 0..100 {
        if alarms.step(&shop.db, &shop.receiver, shop.clock.now()).await.unwrap() == 0 {
            return;
        }
    }
    panic!("it finds something to do again and again");
}

fn alarms(shop: &Postroom) -> Alarms {
    Alarms::new(Patience::Endless, shop.clock.now())
}

/// Texts without the breaks of their lines.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn about_cards(shop: &Postroom) -> Vec<String> {
    let mails = shop.mails();
    let of_it = mails.iter().filter(|it| it.subject.contains("expire"));
    of_it.map(|it| it.subject.clone()).collect()
}

async fn a_card_that_expires_before_it_can_pay_is_told_of_once(fresh: Fresh) {
    let mut shop = Postroom::open(&fresh, START + 60);
    shop.take_in(&shopper()).await;
    let mut first = alarms(&shop);
    watch(&shop, &mut first).await;
    shop.post().await;
    assert_eq!(shop.staged("card_expiring").await, [KEY]);
    assert_eq!(about_cards(&shop), ["Your card Visa ending in 4242 expires soon"]);
    let mails = shop.mails();
    let mail = mails.iter().find(|it| it.subject.contains("expires")).unwrap();
    assert_eq!(mail.to, "ada@example.com");
    let text = flat(&mail.text);
    assert!(text.contains("is valid until 09/2026 only"), "{text}");
    assert!(text.contains("your next renewal on 21 October 2026"), "{text}");
    assert!(text.contains("https://app.example.com"), "{text}");
    // Further days, the next month, and a server that starts anew find it again.
    for days in [1, 1, 20] {
        shop.wait(days * DAY);
        watch(&shop, &mut first).await;
        watch(&shop, &mut alarms(&shop)).await;
    }
    shop.post().await;
    assert_eq!(shop.staged("card_expiring").await, [KEY]);
    assert_eq!(about_cards(&shop).len(), 1);
}

async fn a_card_is_found_in_whatever_order_all_becomes_known(fresh: Fresh) {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let fresh = fresh.another().await;
        let shop = Postroom::open(&fresh, START + 60);
        let mut alarms = alarms(&shop);
        let pieces = shopper();
        for piece in order {
            shop.take_in(&pieces[piece..=piece]).await;
            shop.wait(DAY);
            watch(&shop, &mut alarms).await;
        }
        assert_eq!(shop.staged("card_expiring").await, [KEY], "{order:?}");
        drop(shop);
        fresh.gone().await;
    }
}

async fn what_became_of_a_card_meanwhile_stops_the_mail(fresh: Fresh) {
    let at = START + 120;
    let ending = with(&paying(), &json!({ "cancel_at_period_end": true }));
    let own = with(&paying(), &json!({ "default_payment_method": "pm_2" }));
    let nothing = "nothing that renews depends on it any more";
    let renewed = "payment_method.automatically_updated";
    let off = json!({ "cancel_at_period_end": false });
    let detached = with(&card((2026, 9)), &json!({ "customer": null }));
    let table = [
        (event("evt_2", renewed, at, &card((2029, 9))), "another date is on the card now"),
        (event("evt_2", "payment_method.detached", at, &detached), "detached since"),
        (event("evt_2", "customer.updated", at, &customer("pm_2")), nothing),
        (updated("evt_2", at, &ending, &off), nothing),
        (updated("evt_2", at, &own, &json!({ "default_payment_method": null })), nothing),
    ];
    for (piece, why) in table {
        let fresh = fresh.another().await;
        let mut shop = Postroom::open(&fresh, START + 60);
        shop.take_in(&shopper()).await;
        watch(&shop, &mut alarms(&shop)).await;
        shop.take_in(&[piece]).await;
        shop.post().await;
        assert_eq!(shop.why_skipped(KEY).await.as_deref(), Some(why));
        assert!(about_cards(&shop).is_empty());
        drop(shop);
        fresh.gone().await;
    }
}

/// A year's subscription, whose card expires before it renews; Stripe says so a week before.
fn announced() -> (Value, Piece) {
    let mut it = paying();
    let renews_at = PERIOD_END + 365 * DAY;
    it["items"]["data"][0]["current_period_end"] = renews_at.into();
    let upcoming = json!({
        "object": "invoice",
        "customer": CUSTOMER,
        "currency": "usd",
        "amount_due": 2900,
        "period_end": renews_at,
        "parent": { "subscription_details": { "subscription": "sub_1" } },
    });
    (it, event("evt_u", "invoice.upcoming", renews_at - 7 * DAY, &upcoming))
}

async fn an_announced_renewal_tells_of_its_card_at_once(fresh: Fresh) {
    let (subscription, upcoming) = announced();
    let mut shop = Postroom::open(&fresh, upcoming.incoming.created);
    let [customer, _, _] = shopper();
    let paid_by = |month| event("evt_p", "payment_method.attached", START, &card(month));
    let renews = event("evt_s", "customer.subscription.created", START, &subscription);
    shop.take_in(&[customer, renews, paid_by((2027, 3)), upcoming.clone()]).await;
    assert_eq!(shop.staged("card_expiring").await, ["card_expiring:pm_1:2027-03"]);
    let staged = store::outbox::find(&shop.db, &["card_expiring:pm_1:2027-03"]).await.unwrap();
    assert_eq!(staged[0].0.event_id.as_deref(), Some("evt_u"));
    shop.take_in(&[upcoming]).await;
    shop.post().await;
    assert_eq!(about_cards(&shop), ["Your card Visa ending in 4242 has expired"]);
    assert!(shop.staged("refresh").await.is_empty());
}

async fn a_card_that_nobody_knows_is_asked_for_and_told_of(fresh: Fresh) {
    let (subscription, upcoming) = announced();
    let mut shop = Postroom::open(&fresh, upcoming.incoming.created);
    let now = shop.clock.now();
    let [customer, _, _] = shopper();
    let renews = event("evt_s", "customer.subscription.created", START, &subscription);
    shop.take_in(&[customer, renews, upcoming]).await;
    assert_eq!(shop.staged("refresh").await, [format!("refresh:pm_1:{now}")]);
    assert!(shop.staged("card_expiring").await.is_empty());
    let (_, body) = webhook::fetched(&card((2027, 3)), now + 1, (now + 1) * 1000, None).unwrap();
    shop.take_in(&[Piece::new(String::from_utf8(body).unwrap())]).await;
    assert_eq!(shop.staged("card_expiring").await, ["card_expiring:pm_1:2027-03"]);
    shop.post().await;
    assert_eq!(about_cards(&shop).len(), 1);
}

async fn several_nodes_tell_of_a_card_once(fresh: Fresh) {
    let mut one = Postroom::open(&fresh, START + 60);
    let mut other = one.another(fresh.node().await);
    one.take_in(&shopper()).await;
    let (mut here, mut there) = (alarms(&one), alarms(&other));
    tokio::join!(watch(&one, &mut here), watch(&other, &mut there));
    one.wait(60);
    tokio::join!(one.send(), other.send());
    assert_eq!(one.staged("card_expiring").await, [KEY]);
    assert_eq!(about_cards(&one).len(), 1);
}

async fn more_cards_than_a_page_are_all_told_of(fresh: Fresh) {
    const MANY: usize = 150;
    let shop = Postroom::open(&fresh, START + 60);
    let pieces = (0..MANY).flat_map(|number| {
        let (customer, card) = (format!("cus_{number}"), format!("pm_{number}"));
        let fields = json!({ "customer": customer, "default_payment_method": card,
            "metadata": { "user_id": format!("user_{number}") } });
        let it = with(&objects::subscription(&format!("sub_{number}"), "active"), &fields);
        let card = card_of(&card, &customer, (2026, 9));
        [
            event(&format!("evt_s{number}"), "customer.subscription.created", START, &it),
            event(&format!("evt_p{number}"), "payment_method.attached", START, &card),
        ]
    });
    shop.take_in(&pieces.collect::<Vec<_>>()).await;
    let mut alarms = alarms(&shop);
    let first = alarms.step(&shop.db, &shop.receiver, shop.clock.now()).await.unwrap();
    assert_eq!(first, 64, "a step looks at one page");
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("card_expiring").await.len(), MANY);
    // On the same day nothing is looked at again.
    shop.wait(3_600);
    assert_eq!(alarms.step(&shop.db, &shop.receiver, shop.clock.now()).await.unwrap(), 0);
}

fn pulse(id: &str, at: i64) -> Piece {
    event(id, "product.created", at, &json!({ "id": format!("prod_{id}"), "object": "product" }))
}

fn about_silence(shop: &Postroom) -> Vec<String> {
    let mails = shop.mails();
    let to_operator = mails.iter().filter(|it| it.to == OPERATOR);
    to_operator.map(|it| it.subject.clone()).collect()
}

async fn a_silence_is_told_once_until_an_event_comes(fresh: Fresh) {
    let (log, _listening) = log::listen();
    let mut shop = Postroom::open(&fresh, START);
    let mut alarms = Alarms::new(Patience::Always(DAY), START);
    watch(&shop, &mut alarms).await;
    shop.take_in(&[pulse("evt_1", START)]).await;
    shop.wait(DAY - 1);
    watch(&shop, &mut alarms).await;
    assert!(shop.staged("silence").await.is_empty(), "a second is missing");
    for _ in 0..3 {
        shop.wait(DAY);
        watch(&shop, &mut alarms).await;
        shop.post().await;
    }
    let first = format!("silence:evt_1:{START}");
    assert_eq!(shop.staged("silence").await, [first.as_str()]);
    assert_eq!(about_silence(&shop), ["No event from Stripe since 21 September 2026"]);
    assert_eq!(log.lines("Stripe has sent no event for too long").len(), 1);
    // The next one: its mail waits, and then an event comes.
    shop.take_in(&[pulse("evt_2", shop.clock.now())]).await;
    let second = format!("silence:evt_2:{}", shop.clock.now());
    shop.wait(DAY);
    watch(&shop, &mut alarms).await;
    shop.take_in(&[pulse("evt_3", shop.clock.now())]).await;
    shop.post().await;
    assert_eq!(shop.staged("silence").await, [first, second.clone()]);
    assert_eq!(shop.why_skipped(&second).await.as_deref(), Some("an event came since"));
    assert_eq!(about_silence(&shop).len(), 1);
}

async fn a_clock_that_was_ahead_silences_no_alarm(fresh: Fresh) {
    let shop = Postroom::open(&fresh, START);
    let ahead = START + 10 * DAY;
    let mut alarms = Alarms::new(Patience::Always(DAY), ahead);
    alarms.step(&shop.db, &shop.receiver, ahead).await.unwrap();
    shop.take_in(&shopper()).await;
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("card_expiring").await, [KEY]);
    shop.wait(DAY);
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("silence").await.len(), 1);
}

async fn several_nodes_tell_of_a_silence_once(fresh: Fresh) {
    let (log, _listening) = log::listen();
    let mut one = Postroom::open(&fresh, START);
    let mut other = one.another(fresh.node().await);
    let mut here = Alarms::new(Patience::Always(DAY), START);
    let mut there = Alarms::new(Patience::Always(DAY), START);
    one.take_in(&[pulse("evt_1", START)]).await;
    one.wait(2 * DAY);
    tokio::join!(watch(&one, &mut here), watch(&other, &mut there));
    // One of them starts anew.
    let mut there = Alarms::new(Patience::Always(DAY), one.clock.now());
    one.wait(DAY);
    tokio::join!(watch(&one, &mut here), watch(&other, &mut there));
    one.wait(60);
    tokio::join!(one.send(), other.send());
    assert_eq!(one.staged("silence").await.len(), 1);
    assert_eq!(about_silence(&one).len(), 1);
    assert_eq!(log.lines("Stripe has sent no event for too long").len(), 1);
}

async fn what_was_asked_for_breaks_no_silence(fresh: Fresh) {
    let shop = Postroom::open(&fresh, START);
    let mut alarms = Alarms::new(Patience::Always(DAY), START);
    shop.take_in(&[pulse("evt_1", START)]).await;
    shop.wait(DAY);
    let now = shop.clock.now();
    let (_, body) = webhook::fetched(&card((2030, 1)), now, now * 1000, None).unwrap();
    shop.take_in(&[Piece::new(String::from_utf8(body).unwrap())]).await;
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("silence").await, [format!("silence:evt_1:{START}")]);
}

async fn a_server_that_was_down_gives_stripe_an_hour(fresh: Fresh) {
    let shop = Postroom::open(&fresh, START);
    shop.take_in(&[pulse("evt_1", START)]).await;
    shop.wait(9 * DAY);
    let mut alarms = Alarms::new(Patience::Always(DAY), shop.clock.now());
    shop.wait(3_599);
    watch(&shop, &mut alarms).await;
    assert!(shop.staged("silence").await.is_empty());
    shop.wait(60);
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("silence").await.len(), 1);
}

async fn without_a_setting_silence_counts_where_somebody_pays(fresh: Fresh) {
    let shop = Postroom::open(&fresh, START);
    let mut alarms = Alarms::new(Patience::DEFAULT, START);
    shop.take_in(&[pulse("evt_1", START)]).await;
    shop.wait(30 * DAY);
    watch(&shop, &mut alarms).await;
    assert!(shop.staged("silence").await.is_empty(), "nobody pays");
    let previous = json!({ "status": "incomplete" });
    let paid = change("evt_2", "customer.subscription.updated", START, &paying(), &previous);
    shop.take_in(&[paid]).await;
    let since = shop.clock.now();
    shop.wait(7 * DAY - 61);
    watch(&shop, &mut alarms).await;
    assert!(shop.staged("silence").await.is_empty(), "it is not yet long");
    shop.wait(61);
    watch(&shop, &mut alarms).await;
    assert_eq!(shop.staged("silence").await, [format!("silence:evt_2:{since}")]);
}
