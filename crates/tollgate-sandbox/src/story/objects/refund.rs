//! Refunds.

use crate::story::json::{Blank, Json};
use crate::story::teller::Teller;

static REFUND: Blank = Blank::new(include_str!("refund.json"));

/// Returns a refund of part or all of a charge.
pub(in crate::story) fn refund(teller: &mut Teller<'_>, charge: &Json, amount: i64) -> Json {
    let mut refund = REFUND
        .copy()
        .with("id", teller.id("re_3"))
        .with("amount", amount)
        .with("balance_transaction", teller.id("txn_3"))
        .with("charge", charge.id())
        .with("created", teller.now);
    for key in ["currency", "customer", "payment_intent", "payment_method"] {
        refund.set(key, charge.get(key));
    }
    refund
}
