//! What an invoice adds up to: discounts line by line, the total, and what is due after the
//! customer's balance (<https://docs.stripe.com/billing/customer/balance>, read 2026-11).

use crate::catalog::discounts;
use crate::money::currency::Currency;
use crate::money::discount::{Cut, Discount, Division, Line, cuts};
use crate::object::Id;
use crate::object::invoice::{Amounts, Invoice};
use crate::object::line_item::{DiscountAmount, LineItem};
use crate::world::World;

/// Computes the sums of a draft anew; `balance` is the customer's.
pub(super) fn sum(world: &World, invoice: &mut Invoice, balance: i64) {
    take_off(world, &invoice.discounts, &mut invoice.lines, invoice.currency);
    let lines = &invoice.lines;
    let subtotal = lines.iter().map(|line| line.amount).sum();
    let discounts = totals(lines);
    let total = subtotal - discounts.iter().map(|one| one.amount).sum::<i64>();
    let (due, _) = settle(total, balance, invoice.currency);
    invoice.amounts = Amounts {
        subtotal,
        discounts,
        total,
        starting_balance: balance,
        due,
        ..Amounts::default()
    };
}

/// Returns what is due for a total, and the customer's balance after it. A credit pays first, a
/// debt is charged along; what is too little to charge waits on the balance.
pub(super) fn settle(total: i64, balance: i64, currency: Currency) -> (i64, i64) {
    let sum = total + balance;
    if sum < currency.least_charge() { (0, sum) } else { (sum, 0) }
}

/// Discounts each line: first by its own discounts, then by those of the whole invoice.
fn take_off(world: &World, whole: &[Id], lines: &mut [LineItem], currency: Currency) {
    let mut left = Vec::with_capacity(lines.len());
    for line in lines.iter_mut() {
        let own = terms(world, &line.discounts, currency);
        let cut = cuts(&[as_money(line, line.amount, true)], &own, Division::Proportional);
        line.discount_amounts = cut.first().map(|cut| amounts(cut)).unwrap_or_default();
        left.push(line.amount - taken(line));
    }
    let whole = terms(world, whole, currency);
    if whole.is_empty() {
        return;
    }
    let seen: Vec<Line<'_>> = lines
        .iter()
        .zip(left)
        .map(|(line, left)| as_money(line, left, line.discountable))
        .collect();
    let found = cuts(&seen, &whole, Division::Proportional);
    for (line, cut) in lines.iter_mut().zip(found) {
        line.discount_amounts.extend(amounts(&cut));
    }
}

fn terms(world: &World, ids: &[Id], currency: Currency) -> Vec<Discount> {
    ids.iter().filter_map(|id| discounts::terms(world, id, currency)).collect()
}

fn as_money(line: &LineItem, amount: i64, discountable: bool) -> Line<'_> {
    let price = line.pricing.as_ref().and_then(|pricing| pricing.price.as_ref());
    Line { amount, product: price.map(|(_, product)| &**product), discountable }
}

fn amounts(cuts: &[Cut]) -> Vec<DiscountAmount> {
    let amount = |cut: &Cut| DiscountAmount { amount: cut.amount, discount: cut.discount.clone() };
    cuts.iter().map(amount).collect()
}

fn taken(line: &LineItem) -> i64 {
    line.discount_amounts.iter().map(|one| one.amount).sum()
}

/// Adds up what each discount takes off all lines.
fn totals(lines: &[LineItem]) -> Vec<DiscountAmount> {
    let mut totals: Vec<DiscountAmount> = Vec::new();
    for one in lines.iter().flat_map(|line| &line.discount_amounts) {
        match totals.iter_mut().find(|total| total.discount == one.discount) {
            Some(total) => total.amount += one.amount,
            None => totals.push(one.clone()),
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_pays_first_and_small_sums_wait_on_it() {
        let usd = Currency::parse("usd").expect("a code");
        // Total, balance before; due, balance after.
        for (total, before, due, after) in [
            (2_000, 0, 2_000, 0),
            (2_000, -500, 1_500, 0),
            (2_000, -2_500, 0, -500),
            (2_000, 300, 2_300, 0),
            (49, 0, 0, 49),
            (50, 0, 50, 0),
            (2_000, -1_970, 0, 30),
            (20, 30, 50, 0),
            (-700, 0, 0, -700),
            (-700, 1_000, 300, 0),
            (0, 0, 0, 0),
        ] {
            assert_eq!(settle(total, before, usd), (due, after), "{total} with {before}");
        }
    }
}
