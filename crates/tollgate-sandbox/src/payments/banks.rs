//! Test bank accounts: SEPA accounts by IBAN and US accounts by number, each with what becomes of
//! a debit. Debits are never answered at once.
//!
//! After <https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test-integration> and
//! <https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test> (2026-11).

use crate::object::payment_method::Means;

/// A bank account with a number that Stripe gives out for tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestBank {
    /// The IBAN or the account number; empty for any other.
    pub(crate) number: &'static str,
    /// What follows `pm_usBankAccount_`, if it has a name.
    pub(crate) name: &'static str,
    pub(crate) end: End,
    /// After how many seconds a debit is answered.
    pub(crate) after_secs: i64,
}

/// How a debit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Pays,
    /// The bank sends it back, for this reason.
    Fails(&'static str),
    /// It pays, and the customer disputes it.
    Disputed,
    /// It is never answered.
    Never,
}

/// How long banks take unless Stripe says three minutes. Long enough for a test to see
/// `processing`, short enough for a person to wait.
const SOON: i64 = 2;
const THREE_MINUTES: i64 = 180;

const fn bank(number: &'static str, end: End) -> TestBank {
    TestBank { number, name: "", end, after_secs: SOON }
}

const fn slow(number: &'static str, end: End) -> TestBank {
    TestBank { number, name: "", end, after_secs: THREE_MINUTES }
}

const fn named(number: &'static str, name: &'static str, end: End) -> TestBank {
    TestBank { number, name, end, after_secs: SOON }
}

const RETURNED: End = End::Fails("insufficient_funds");

static ANY: TestBank = bank("", End::Pays);

static IBANS: [TestBank; 17] = [
    bank("AT611904300234573201", End::Pays),
    slow("AT321904300235473204", End::Pays),
    bank("AT861904300235473202", RETURNED),
    slow("AT051904300235473205", RETURNED),
    bank("AT591904300235473203", End::Disputed),
    bank("DE89370400440532013000", End::Pays),
    slow("DE08370400440532013003", End::Pays),
    bank("DE62370400440532013001", RETURNED),
    slow("DE78370400440532013004", RETURNED),
    bank("DE35370400440532013002", End::Disputed),
    bank("FR1420041010050500013M02606", End::Pays),
    slow("FR3020041010050500013M02609", End::Pays),
    bank("FR8420041010050500013M02607", RETURNED),
    slow("FR7920041010050500013M02600", RETURNED),
    bank("FR5720041010050500013M02608", End::Disputed),
    bank("IT40S0542811101000000123456", End::Pays),
    bank("IT60X0542811101000000123456", RETURNED),
];

static US_ACCOUNTS: [TestBank; 8] = [
    named("000123456789", "success", End::Pays),
    named("000111111113", "accountClosed", End::Fails("account_closed")),
    named("000111111116", "noAccount", End::Fails("no_account")),
    named("000222222227", "insufficientFunds", RETURNED),
    named("000333333335", "debitNotAuthorized", End::Fails("debit_not_authorized")),
    named("000444444440", "invalidCurrency", End::Fails("invalid_currency")),
    named("000555555559", "dispute", End::Disputed),
    named("000000000009", "processing", End::Never),
];

/// The routing number of the bank that all US test accounts are at.
pub(super) const ROUTING: &str = "110000000";

/// Returns what becomes of debits of an IBAN.
pub(super) fn iban(number: &str) -> &'static TestBank {
    IBANS.iter().find(|bank| bank.number == number).unwrap_or(&ANY)
}

/// Returns what becomes of debits of a US account.
pub(super) fn us_account(number: &str) -> &'static TestBank {
    US_ACCOUNTS.iter().find(|bank| bank.number == number).unwrap_or(&ANY)
}

/// Returns the account that a name such as `pm_usBankAccount_success` stands for.
pub(super) fn named_account(name: &str) -> Option<&'static TestBank> {
    let name = name.strip_prefix("pm_usBankAccount_")?;
    US_ACCOUNTS.iter().find(|bank| bank.name == name)
}

/// Returns what becomes of a debit of a payment method; `None` for cards.
pub(super) fn of(means: &Means) -> Option<&'static TestBank> {
    match means {
        Means::Card(_) => None,
        Means::SepaDebit(debit) => Some(debit.fate),
        Means::UsBankAccount(account) => Some(account.fate),
    }
}

/// Says whether a text is an IBAN: its letters and digits leave 1 when divided by 97.
pub(super) fn is_iban(text: &str) -> bool {
    let long_enough = text.len() >= 15 && text.len() <= 34;
    if !long_enough || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (head, tail) = text.split_at(4);
    let digits = tail.chars().chain(head.chars()).filter_map(|letter| letter.to_digit(36));
    let rest = digits.fold(0_u32, |rest, digit| {
        let shift = if digit < 10 { 10 } else { 100 };
        (rest * shift + digit) % 97
    });
    head.starts_with(|first: char| first.is_ascii_uppercase()) && rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_iban_is_one() {
        for bank in &IBANS {
            assert!(is_iban(bank.number), "{}", bank.number);
        }
        assert!(!is_iban("AT611904300234573202") && !is_iban("AT61") && !is_iban(""));
    }
}
