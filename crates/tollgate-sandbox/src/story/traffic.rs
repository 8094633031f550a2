//! The traffic of many customers, for load tests and for training a compression dictionary.

use std::collections::BTreeMap;
use std::vec::IntoIter;

use super::StoryEvent;
use super::cast::Cast;
use super::repertoire::story;
use crate::dice::{Dice, short};

/// How many customers' stories are told at once.
const OPEN_STORIES: usize = 512;
/// A new customer comes about every so many seconds.
const SECONDS_BETWEEN_CUSTOMERS: i64 = 2;
/// A shop has so many prices.
const PRICES: u64 = 6;

/// How often each story is told, in parts of the sum.
const WEIGHTS: &[(&str, u64)] = &[
    ("renewal", 40),
    ("subscribe_checkout", 22),
    ("subscribe_api", 8),
    ("trial_to_paid", 5),
    ("one_time_purchase", 4),
    ("renewal_fails_recovers", 4),
    ("upgrade", 3),
    ("cancel_at_period_end", 3),
    ("upcoming_invoice", 2),
    ("cancel_uncancel", 1),
    ("checkout_expired", 1),
    ("renewal_fails_canceled", 1),
    ("refund_full", 1),
    ("refund_partial", 1),
    ("payment_method", 1),
    ("action_required", 1),
    ("dispute_lost", 1),
    ("delayed_payment", 1),
];

/// Returns `count` events of many customers, each with a user of its own, in the order in which
/// they happened, as traffic is. Stories are told only when they are reached, and the last ones
/// may be cut off.
pub fn mix(seed: u64, count: usize, start: i64) -> impl Iterator<Item = StoryEvent> {
    let dice = Dice::new(seed, "traffic");
    let mut traffic =
        Traffic { dice, shop: Cast::new(seed, start), customers: 0, open: BTreeMap::new() };
    for _ in 0..OPEN_STORIES {
        traffic.open_next();
    }
    traffic.take(count)
}

#[derive(Debug)]
struct Traffic {
    dice: Dice,
    /// Sells what all the customers buy; its start moves on with every customer.
    shop: Cast,
    /// How many customers have come.
    customers: u64,
    /// The stories under way, by the time of their next event and the customer's number.
    open: BTreeMap<(i64, u64), Open>,
}

/// A story under way.
#[derive(Debug)]
struct Open {
    next: StoryEvent,
    rest: IntoIter<StoryEvent>,
}

impl Traffic {
    fn open_next(&mut self) {
        let rest = self.next_customer();
        self.go_on(self.customers, rest);
    }

    /// Puts a story back by the time of its next event; false if it is over.
    fn go_on(&mut self, customer: u64, mut rest: IntoIter<StoryEvent>) -> bool {
        let Some(next) = rest.next() else { return false };
        self.open.insert((next.created, customer), Open { next, rest });
        true
    }

    fn next_customer(&mut self) -> IntoIter<StoryEvent> {
        let wait = self.dice.between(0, 2 * SECONDS_BETWEEN_CUSTOMERS);
        self.shop.start += wait;
        self.customers += 1;
        let price = self.dice.below(PRICES);
        let yearly = price.is_multiple_of(3);
        let mut person = Dice::new(self.dice.next(), "customer");
        let cast = Cast {
            user: Some(format!("user_{:09}", self.customers)),
            price: format!("price_1{}", Dice::new(price, &self.shop.price).word(23)),
            product: self.shop.product.clone(),
            customer: short(&mut person, "cus_", self.shop.start),
            lookup_key: Some(if yearly { "pro_yearly" } else { "pro_monthly" }.to_owned()),
            ..Cast::new(self.dice.next(), self.shop.start)
        };
        let name = self.next_name();
        story(name, &cast).expect("every weighted story is told").into_iter()
    }

    fn next_name(&mut self) -> &'static str {
        let sum = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut left = self.dice.below(sum);
        for (name, weight) in WEIGHTS {
            if left < *weight {
                return name;
            }
            left -= weight;
        }
        unreachable!("a number below the sum falls into one of the parts")
    }
}

impl Iterator for Traffic {
    type Item = StoryEvent;

    fn next(&mut self) -> Option<StoryEvent> {
        let ((at, customer), Open { next, rest }) = self.open.pop_first()?;
        if !self.go_on(customer, rest) {
            self.shop.start = self.shop.start.max(at);
            self.open_next();
        }
        Some(next)
    }
}
