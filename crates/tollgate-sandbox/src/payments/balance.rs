//! Balance transactions: how money comes to the account and leaves it, and what Stripe keeps.

use crate::money::currency::Currency;
use crate::object::balance_transaction::{BalanceTransaction, Movement};
use crate::object::{Id, Object as _};
use crate::world::{Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/v1/balance_transactions", |world, call| {
        let (source, kind) = (call.params.text("source"), call.params.text("type"));
        world.list::<BalanceTransaction>(call, source, |row| {
            kind.is_none_or(|kind| row.movement.kind() == kind)
        })
    }),
    Route::get("/v1/balance_transactions/{id}", |world, call| show(world, call.id())),
];

/// How long the money of a charge waits before it is available: two days.
const WAIT_SECS: i64 = 2 * 86_400;
/// What a dispute costs, in minor units.
const DISPUTE_FEE: i64 = 1_500;
/// The most that a bank debit costs, in minor units.
const DEBIT_FEE_MAX: i64 = 500;

/// A movement to be written down.
pub(super) struct Entry<'a> {
    pub(super) movement: Movement,
    /// In minor units; negative where money leaves.
    pub(super) amount: i64,
    pub(super) currency: Currency,
    pub(super) source: &'a Id,
    pub(super) customer: Option<&'a Id>,
    pub(super) description: Option<String>,
}

/// Writes a movement down.
pub(super) fn enter(world: &mut World, entry: Entry<'_>) -> Id {
    let id = world.new_id(BalanceTransaction::PREFIX);
    let now = world.now_of(entry.customer);
    let waits = matches!(entry.movement, Movement::Charge | Movement::Payment);
    world.add(BalanceTransaction {
        id: id.clone(),
        amount: entry.amount,
        fee: fee(entry.movement, entry.amount),
        available_on: if waits { now + WAIT_SECS } else { now },
        created: now,
        currency: entry.currency,
        description: entry.description,
        source: entry.source.clone(),
        movement: entry.movement,
    });
    id
}

/// Returns what Stripe keeps: 2.9 % and 30 of a card payment, 0.8 % of a debit up to 500.
fn fee(movement: Movement, amount: i64) -> i64 {
    match movement {
        Movement::Charge => (amount * 29 + 500) / 1_000 + 30,
        Movement::Payment => ((amount * 8 + 500) / 1_000).min(DEBIT_FEE_MAX),
        Movement::Dispute => DISPUTE_FEE,
        _ => 0,
    }
}

/// Answers a transaction; the money of a charge becomes available as time goes by.
pub(crate) fn show(world: &World, id: &str) -> Outcome {
    let mut shown = world.show::<BalanceTransaction>(id)?;
    let row = world.get::<BalanceTransaction>(id)?;
    if row.available_on <= world.now_of(customer_of(world, row)) {
        shown["status"] = "available".into();
    }
    Ok(shown)
}

fn customer_of<'a>(world: &'a World, row: &BalanceTransaction) -> Option<&'a Id> {
    world.charges.get(&row.source).and_then(|charge| charge.customer.as_ref())
}
