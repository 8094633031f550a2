//! The tables of `docs/proration.md`, read as they stand: their sums must be right by themselves,
//! and the sandbox must come to the same lines.

use std::sync::Arc;

use super::calendar::{DAY, Period};
use super::discount::{Discount, Division, Off, cuts};
use super::proration::{
    BillingMode, Change, Debit, ItemState, Kind, ProrationLine, prorate, settle,
};

const DOCUMENT: &str = include_str!("../../../../docs/proration.md");

/// The first moment of every case; which one does not matter.
const START: i64 = 1_735_689_600;

/// A row of the tables, cell by cell.
struct Row<'a> {
    case: &'a str,
    mode: &'a str,
    discounts: &'a str,
    time: &'a str,
    before: &'a str,
    after: &'a str,
    arithmetic: &'a str,
    lines: &'a str,
    total: &'a str,
}

/// A line of a row: amount, what it is, quantity, name.
type Expected = (i64, Kind, u64, String);

fn rows() -> Vec<Row<'static>> {
    let is_row = |line: &&str| {
        line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    DOCUMENT.lines().filter(is_row).map(row).collect()
}

fn row(line: &'static str) -> Row<'static> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [case, _, mode, discounts, time, before, after, arithmetic, lines, total] = cells[..]
    else {
        panic!("ten cells: {line}");
    };
    Row { case, mode, discounts, time, before, after, arithmetic, lines, total }
}

fn list(cell: &str) -> Vec<&str> {
    if cell == "–" { Vec::new() } else { cell.split("; ").collect() }
}

fn number(text: &str) -> i64 {
    let plain = text.replace('−', "-").replace('+', "");
    plain.parse().unwrap_or_else(|_| panic!("`{text}` is a number"))
}

/// Reads `10 d` or `17 s`.
fn seconds(text: &str) -> i64 {
    let (count, unit) = text.split_once(' ').expect("a number and a unit");
    number(count) * if unit == "d" { DAY } else { 1 }
}

/// Reads `10 d of 30 d → 365 d`: the moment, the length, the length of a new period.
fn time(cell: &str) -> (i64, i64, Option<i64>) {
    let (old, new) = match cell.split_once(" → ") {
        Some((old, new)) => (old, Some(seconds(new))),
        None => (cell, None),
    };
    let (at, length) = old.split_once(" of ").expect("`of`");
    (seconds(at), seconds(length), new)
}

/// Reads `50 %, 500 off → –` into the discounts used and those in force.
fn discounts(cell: &str) -> (Vec<Discount>, Vec<Discount>) {
    let read = |side: &str| match side {
        "–" => Vec::new(),
        _ => side.split(", ").map(discount).collect(),
    };
    match cell.split_once(" → ") {
        Some((used, now)) => (read(used), read(now)),
        None => (read(cell), read(cell)),
    }
}

fn discount(text: &str) -> Discount {
    let (what, product) = match text.split_once(" on ") {
        Some((what, product)) => (what, Some(vec![product.into()])),
        None => (text, None),
    };
    let off = match what.split_once(' ').expect("a number and a word") {
        (percent, "%") => Off::percent(percent).expect("a percentage"),
        (amount, _) => Off::Amount(number(amount)),
    };
    Discount { id: text.into(), off, products: product }
}

/// Reads an item such as `2 × Seat at 1500 per 365 d until 20 d trial`; `–` is none.
fn item(place: usize, text: &str, period: Period) -> Option<ItemState> {
    if text == "–" {
        return None;
    }
    let (quantity, rest) = text.split_once(" × ").expect("a quantity");
    let (name, rest) = rest.split_once(" at ").expect("a price");
    let words: Vec<&str> = rest.split(' ').collect();
    let after = |word: &str| {
        let place = words.iter().position(|one| *one == word)?;
        Some(seconds(&words[place + 1..place + 3].join(" ")))
    };
    let end = after("per").map_or(period.end, |length| period.start + length);
    Some(ItemState {
        id: format!("si_{place}").into(),
        price: format!("{name} at {}", words[0]).into(),
        product: name.into(),
        name: name.into(),
        quantity: number(quantity).unsigned_abs(),
        amount: number(quantity) * number(words[0]),
        period: Period { end, ..period },
        until: after("until").map_or(end, |until| period.start + until),
        trial: words.contains(&"trial"),
        debits: Vec::new(),
    })
}

fn items(cell: &str, period: Period) -> Vec<ItemState> {
    let item = |(place, text): (usize, &str)| item(place, text.trim(), period);
    cell.split(';').enumerate().filter_map(item).collect()
}

/// Reads `−1000 unused 2 × Seat`.
fn expected(text: &str) -> Expected {
    let (amount, rest) = text.split_once(' ').expect("an amount");
    let (kind, what) = rest.split_once(' ').expect("a kind");
    let kind = match kind {
        "unused" => Kind::Credit,
        "remaining" => Kind::Debit,
        "full" => Kind::Full,
        "trial" => Kind::Trial,
        _ => panic!("`{kind}` is a kind"),
    };
    let (quantity, name) = what.split_once(" × ").unwrap_or(("1", what));
    (number(amount), kind, number(quantity).unsigned_abs(), name.to_owned())
}

/// What came before in a case whose rows are lettered.
#[derive(Default)]
struct Story {
    case: String,
    start: i64,
    items: Vec<ItemState>,
}

impl Story {
    /// Plays a row and returns its lines.
    fn play(&mut self, row: &Row<'_>) -> Vec<ProrationLine> {
        let (at, length, new) = time(row.time);
        let (used, now) = discounts(row.discounts);
        self.begin(row, length, &used);
        let at = self.start + at;
        let old = Period { start: self.start, end: self.start + length };
        let period = new.map_or(old, |length| Period { start: at, end: at + length });
        let (mode, behavior) = row.mode.split_once(", ").unwrap_or((row.mode, ""));
        let mode = match mode {
            "classic" => BillingMode::Classic,
            _ => BillingMode::Flexible,
        };
        let mut after = items(row.after, period);
        let (before, used, discounts) = (&self.items, &used, &now);
        let lines = match behavior {
            "none" => Vec::new(),
            _ => {
                prorate(&Change { renews: true, at, mode, before, after: &after, used, discounts })
            }
        };
        for item in &mut after {
            item.debits = debits(before, item, &lines, row.case);
        }
        (self.items, self.start) = (after, period.start);
        lines
    }

    /// A row without a letter, or with the first one, starts anew with everything debited.
    fn begin(&mut self, row: &Row<'_>, length: i64, used: &[Discount]) {
        let case = row.case.trim_end_matches(|c: char| c.is_ascii_lowercase());
        if case != self.case {
            (self.case, self.start) = (case.to_owned(), START);
            self.items.clear();
        }
        let period = Period { start: self.start, end: self.start + length };
        let mut items = items(row.before, period);
        if row.case.ends_with(|c: char| ('b'..='z').contains(&c)) {
            let states = |items: &[ItemState]| -> Vec<ItemState> {
                items.iter().cloned().map(|item| ItemState { debits: vec![], ..item }).collect()
            };
            assert_eq!(states(&items), states(&self.items), "{} goes on from above", row.case);
            return;
        }
        let lines: Vec<_> = items
            .iter()
            .map(|item| super::discount::Line {
                amount: item.amount,
                product: Some(&item.product),
                discountable: true,
            })
            .collect();
        let cuts = cuts(&lines, used, Division::Proportional);
        for (item, cuts) in items.iter_mut().zip(cuts).filter(|(item, _)| !item.trial) {
            let paid = item.debit("il_first".into(), cuts);
            item.debits.push(Debit { until: item.until, ..paid });
        }
        self.items = items;
    }
}

/// What an item's debits are after a row.
fn debits(
    before: &[ItemState],
    item: &ItemState,
    lines: &[ProrationLine],
    source: &str,
) -> Vec<Debit> {
    let own: Vec<_> = lines.iter().filter(|line| line.item == item.id).cloned().collect();
    let old = before.iter().find(|old| old.id == item.id);
    let mut debits = old.map(|old| old.debits.clone()).unwrap_or_default();
    settle(&mut debits, &own);
    let source: Arc<str> = format!("ii_{source}").into();
    for line in &own {
        debits.extend(match line.kind {
            Kind::Full => Some(item.debit(source.clone(), Vec::new())),
            _ => line.debit(source.clone()),
        });
    }
    debits
}

#[test]
fn every_case_comes_out_as_documented() {
    let mut story = Story::default();
    let rows = rows();
    for row in &rows {
        let lines: Vec<Expected> = story
            .play(row)
            .iter()
            .map(|line| (line.amount, line.kind, line.quantity, line.name.to_string()))
            .collect();
        let expected: Vec<Expected> = list(row.lines).into_iter().map(expected).collect();
        assert_eq!(lines, expected, "case {}", row.case);
        let total: i64 = expected.iter().map(|line| line.0).sum();
        assert_eq!(total, number(row.total), "the total of case {}", row.case);
    }
    assert!(rows.len() >= 79, "{} rows were read", rows.len());
}

#[test]
fn the_documents_own_arithmetic_is_right() {
    for row in rows() {
        let sums: Vec<i64> = list(row.arithmetic).into_iter().map(work_out).collect();
        let amounts: Vec<i64> =
            list(row.lines).into_iter().map(|line| expected(line).0.abs()).collect();
        assert!(sums.ends_with(&amounts), "case {}: {sums:?} and {amounts:?}", row.case);
    }
}

/// Checks `2000 × 10/30 = 666.67 → 667` and returns the 667.
fn work_out(text: &str) -> i64 {
    let (sum, result) = text.split_once(" = ").expect("a sum and its result");
    let mut rest = sum;
    let exact = terms(&mut rest);
    assert!(rest.trim().is_empty(), "`{rest}` is left of `{sum}`");
    let Some((shown, rounded)) = result.split_once(" → ") else {
        assert_eq!(exact.0, i128::from(number(result)) * exact.1, "{text}");
        return number(result);
    };
    let shown = factor(&mut &*shown);
    let off = (shown.0 * exact.1 - exact.0 * shown.1).abs();
    assert!(off * 200 <= shown.1 * exact.1, "{text}: what is shown is off by more than 0.005");
    assert_ne!(exact.0 % exact.1, 0, "{text}: nothing is to be rounded");
    // All sums are positive, so that halves go up.
    assert_eq!(i128::from(number(rounded)), (2 * exact.0 + exact.1) / (2 * exact.1), "{text}");
    number(rounded)
}

/// A numerator and a positive denominator.
type Fraction = (i128, i128);

fn terms(rest: &mut &str) -> Fraction {
    let mut sum = factors(rest);
    loop {
        let sign = match next(rest) {
            Some('+') => 1,
            Some('−') => -1,
            _ => return sum,
        };
        skip(rest);
        let term = factors(rest);
        sum = (sum.0 * term.1 + sign * term.0 * sum.1, sum.1 * term.1);
    }
}

fn factors(rest: &mut &str) -> Fraction {
    let mut product = factor(rest);
    loop {
        let sign = next(rest);
        if !matches!(sign, Some('×' | '/')) {
            return product;
        }
        skip(rest);
        let factor = factor(rest);
        product = match sign {
            Some('×') => (product.0 * factor.0, product.1 * factor.1),
            _ => (product.0 * factor.1, product.1 * factor.0),
        };
    }
}

fn factor(rest: &mut &str) -> Fraction {
    if next(rest) == Some('(') {
        skip(rest);
        let inner = terms(rest);
        assert_eq!(next(rest), Some(')'), "`{rest}` closes");
        skip(rest);
        return inner;
    }
    let length = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (digits, tail) = rest.split_at(length);
    *rest = tail;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let scaled: i128 = format!("{whole}{fraction}").parse().expect("a number");
    (scaled, 10_i128.pow(u32::try_from(fraction.len()).expect("few digits")))
}

fn next(rest: &mut &str) -> Option<char> {
    *rest = rest.trim_start();
    rest.chars().next()
}

fn skip(rest: &mut &str) {
    let mut characters = rest.chars();
    characters.next();
    *rest = characters.as_str();
}
