//! What holds for every proration, whatever the prices: tried on thousands of drawn changes. And
//! what lines say besides their amounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::calendar::{DAY, Period, midnight};
use super::discount::{Cut, Discount, Division, Line, Off, cuts, sum};
use super::price::Scheme;
use super::proration::{
    BillingMode, Change, Debit, ItemState, Kind, ProrationLine, prorate, settle,
};
use super::share::nearest;

const MODES: [BillingMode; 2] = [BillingMode::Classic, BillingMode::Flexible];
const DRAWS: u64 = 4_000;

/// A fixed sequence that looks like chance (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low + 1).unsigned_abs();
        low + i64::try_from(self.next() % span).expect("less than the span")
    }

    fn period(&mut self) -> Period {
        let start = midnight(2027, 1, 1) + self.within(0, 365 * DAY);
        Period { start, end: start + self.within(1, 366 * DAY) }
    }

    fn item(&mut self, id: &str, period: Period) -> ItemState {
        let quantity = self.within(1, 9).unsigned_abs();
        let unit = self.within(0, 30_000);
        item(id, quantity, unit, period)
    }

    fn items(&mut self, period: Period) -> Vec<ItemState> {
        (0..self.within(1, 4)).map(|place| self.item(&format!("si_{place}"), period)).collect()
    }

    fn discounts(&mut self) -> Vec<Discount> {
        let discount = |place: i64, draw: &mut Self| Discount {
            id: format!("di_{place}").into(),
            off: match draw.next() % 2 {
                0 => Off::Percent(u16::try_from(draw.within(1, 10_000)).expect("a percentage")),
                _ => Off::Amount(draw.within(1, 20_000)),
            },
            products: None,
        };
        (0..self.within(0, 2)).map(|place| discount(place, self)).collect()
    }
}

fn item(id: &str, quantity: u64, unit: i64, period: Period) -> ItemState {
    ItemState {
        id: id.into(),
        price: format!("price_{unit}").into(),
        product: "prod_1".into(),
        name: "Pro".into(),
        quantity,
        amount: Scheme::each(unit).amount(quantity).expect("a small amount"),
        period,
        until: period.end,
        trial: false,
        debits: Vec::new(),
    }
}

/// Has every item debited for its whole period, as the first invoice does.
fn debit_all(items: &mut [ItemState], discounts: &[Discount]) {
    let lines: Vec<Line<'_>> = items
        .iter()
        .map(|item| Line { amount: item.amount, product: None, discountable: true })
        .collect();
    let cuts = cuts(&lines, discounts, Division::Proportional);
    for (item, cuts) in items.iter_mut().zip(cuts) {
        item.debits = vec![item.debit(format!("il_{}", item.id).into(), cuts)];
    }
}

/// Carries the debits through a change, as whoever stores items must.
fn carry(before: &[ItemState], after: &mut [ItemState], lines: &[ProrationLine], step: i64) {
    for item in after {
        let own: Vec<_> = lines.iter().filter(|line| line.item == item.id).cloned().collect();
        let old = before.iter().find(|old| old.id == item.id);
        item.debits = old.map(|old| old.debits.clone()).unwrap_or_default();
        settle(&mut item.debits, &own);
        let source: Arc<str> = format!("ii_{}_{step}", item.id).into();
        item.debits.extend(own.iter().filter_map(|line| line.debit(source.clone())));
    }
}

/// Asks for the lines of a change, with the same discounts before and after.
fn lines(
    at: i64,
    mode: BillingMode,
    before: &[ItemState],
    after: &[ItemState],
    discounts: &[Discount],
) -> Vec<ProrationLine> {
    prorate(&Change { renews: true, at, mode, before, after, used: discounts, discounts })
}

fn total(lines: &[ProrationLine]) -> i64 {
    lines.iter().map(|line| line.amount).sum()
}

#[test]
fn there_and_back_in_the_same_second_costs_nothing() {
    let mut draw = Draw(1);
    for _ in 0..DRAWS {
        let period = draw.period();
        let at = draw.within(period.start, period.end - 1);
        let discounts = draw.discounts();
        let (mut here, mut there) = (draw.items(period), draw.items(period));
        debit_all(&mut here, &discounts);
        for mode in MODES {
            let out = lines(at, mode, &here, &there, &discounts);
            carry(&here, &mut there, &out, 0);
            let back = lines(at, mode, &there, &here, &discounts);
            assert_eq!(total(&out) + total(&back), 0, "{mode:?} {at} {here:?} {there:?}");
        }
    }
}

#[test]
fn what_does_not_change_has_no_line() {
    let mut draw = Draw(2);
    for _ in 0..DRAWS {
        let period = draw.period();
        let at = draw.within(period.start, period.end - 1);
        let (used, discounts) = (draw.discounts(), draw.discounts());
        let mut items = draw.items(period);
        debit_all(&mut items, &used);
        for mode in MODES {
            let (before, after) = (&*items, &*items);
            let change = Change {
                renews: true,
                at,
                mode,
                before,
                after,
                used: &used,
                discounts: &discounts,
            };
            assert_eq!(prorate(&change), []);
        }
    }
}

/// What a debit was, and all that was credited of it.
type Credited = BTreeMap<Arc<str>, (Debit, i64)>;

fn note(credited: &mut Credited, debits: &[Debit]) {
    for debit in debits {
        credited.entry(debit.source.clone()).or_insert((debit.clone(), 0));
    }
}

#[test]
fn no_debit_is_credited_by_more_than_it_was() {
    let mut draw = Draw(3);
    for _ in 0..DRAWS {
        let period = draw.period();
        let discounts = draw.discounts();
        let mut items = draw.items(period);
        debit_all(&mut items, &discounts);
        let mut credited = Credited::new();
        for step in 0..draw.within(1, 6) {
            items.iter().for_each(|item| note(&mut credited, &item.debits));
            // The moment may lie before that of the change before, as with `proration_date`.
            let at = draw.within(period.start, period.end - 1);
            let mut after = draw.items(period);
            let lines = lines(at, BillingMode::Flexible, &items, &after, &discounts);
            for line in lines.iter().filter(|line| line.kind == Kind::Credit) {
                let source = line.credits.clone().expect("flexible credits name a debit");
                let entry = credited.get_mut(&source).expect("a known debit");
                entry.1 -= line.amount;
                assert!(line.period.start >= at.max(entry.0.period.start));
            }
            carry(&items, &mut after, &lines, step);
            items = after;
        }
        for (debit, credited) in credited.into_values() {
            assert!((0..=debit.amount).contains(&credited), "{credited} of {debit:?}");
        }
    }
}

#[test]
fn credits_are_what_was_debited_for_the_remaining_time() {
    let mut draw = Draw(4);
    for _ in 0..DRAWS {
        let period = draw.period();
        let at = draw.within(period.start, period.end - 1);
        let mut items = draw.items(period);
        debit_all(&mut items, &draw.discounts());
        let lines = lines(at, BillingMode::Flexible, &items, &[], &[]);
        for (line, item) in lines.iter().zip(&items) {
            let left = i128::from(item.debits[0].amount) * i128::from(period.end - at);
            assert_eq!(Some(-line.amount), nearest(left, i128::from(period.length())));
        }
        assert_eq!(lines.len(), items.len());
    }
}

#[test]
fn a_quantity_in_two_items_costs_what_it_costs_in_one_but_for_rounding() {
    let mut draw = Draw(5);
    for _ in 0..DRAWS {
        let period = draw.period();
        let at = draw.within(period.start, period.end - 1);
        let unit = draw.within(1, 30_000);
        let (one, other) = (draw.within(1, 50).unsigned_abs(), draw.within(1, 50).unsigned_abs());
        let added = |items: &[ItemState]| total(&lines(at, BillingMode::Flexible, &[], items, &[]));
        let whole = added(&[item("si_1", one + other, unit, period)]);
        let parts = added(&[item("si_1", one, unit, period), item("si_2", other, unit, period)]);
        assert!((whole - parts).abs() <= 1, "{one} + {other} at {unit}: {whole} and {parts}");
    }
}

/// A month of 30 days, its 15th day, and two items billed for it with 20 % and 300 off.
fn month() -> (Period, i64, [ItemState; 2], Vec<Discount>) {
    let start = midnight(2026, 3, 1);
    let period = Period { start, end: start + 30 * DAY };
    let discounts = vec![
        Discount { id: "di_percent".into(), off: Off::Percent(2_000), products: None },
        Discount { id: "di_amount".into(), off: Off::Amount(300), products: None },
    ];
    let mut items = [item("si_1", 2, 1_000, period), item("si_2", 1, 3_000, period)];
    debit_all(&mut items, &discounts);
    (period, start + 15 * DAY, items, discounts)
}

#[test]
fn lines_say_what_they_are_and_what_they_credit() {
    let (period, at, before, _) = month();
    let after = [item("si_1", 1, 5_000, period), before[1].clone()];
    for mode in MODES {
        let lines = lines(at, mode, &before, &after, &[]);
        let said: Vec<_> = lines.iter().map(|line| &*line.description).collect();
        assert_eq!(
            said,
            ["Unused time on 2 × Pro after 16 Mar 2026", "Remaining time on Pro after 16 Mar 2026"]
        );
        let source = (mode == BillingMode::Flexible).then(|| Arc::from("il_si_1"));
        assert_eq!(lines[0].credits, source);
        assert_eq!(lines[1].credits, None);
        let rest = Period { start: at, end: period.end };
        assert!(lines.iter().all(|line| line.period == rest && line.is_proration()));
        assert_eq!((&*lines[0].price, &*lines[1].price), ("price_1000", "price_5000"));
    }
}

#[test]
fn discounts_of_a_proration_can_be_itemized() {
    let (_, at, before, discounts) = month();
    // 5000 less 20 % is 4000, of which 2000 − 400 = 1600 and 2400 share the 300 as 120 and 180.
    assert_eq!(before[0].debits[0].amount, 2_000 - 400 - 120);
    let after = [before[1].clone()];
    let lines = lines(at, BillingMode::Flexible, &before, &after, &discounts);
    let [credit] = &lines[..] else { panic!("one line: {lines:?}") };
    assert_eq!((credit.amount, credit.gross()), (-740, -1_000));
    let cut = |discount: &str, amount| Cut { discount: discount.into(), amount };
    assert_eq!(credit.cuts, [cut("di_percent", -200), cut("di_amount", -60)]);
    assert_eq!(sum(&credit.cuts), -260);
}

#[test]
fn a_trial_is_named_as_its_billing_mode_does() {
    let (_, at, before, _) = month();
    let period = Period { start: at, end: at + 14 * DAY };
    let after =
        before.clone().map(|item| ItemState { period, until: period.end, trial: true, ..item });
    for (mode, said) in [
        (BillingMode::Classic, "Trial period for Pro"),
        (BillingMode::Flexible, "Free trial for 2 × Pro"),
    ] {
        let lines = lines(at, mode, &before, &after, &[]);
        let trial = lines.iter().find(|line| line.kind == Kind::Trial).expect("a trial");
        assert_eq!((&*trial.description, trial.amount, trial.period), (said, 0, period));
        assert!(!trial.is_proration() && trial.debit("ii_1".into()).is_none());
    }
}

#[test]
fn a_canceled_debit_is_gone_and_a_shortened_one_is_not() {
    let (period, at, before, _) = month();
    let mut debits = before[0].debits.clone();
    let credits = |before, after| lines(at, BillingMode::Flexible, before, after, &[]);
    settle(&mut debits, &credits(&before, &before[1..]));
    assert_eq!(debits[0].until, at, "half of it is still paid");
    assert_eq!(debits[0].period, period);
    // One that begins with the change is credited to nothing.
    let rest = Debit { period: Period { start: at, ..period }, ..before[0].debits[0].clone() };
    let item = ItemState { debits: vec![rest.clone()], ..before[0].clone() };
    let mut debits = vec![rest];
    settle(&mut debits, &credits(&[item], &[]));
    assert_eq!(debits, []);
}
