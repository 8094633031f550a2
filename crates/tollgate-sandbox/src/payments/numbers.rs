//! Card and account numbers as calls give them: checked, and found among the test numbers.

use std::borrow::Cow;

use super::{banks, cards, methods};
use crate::error::StripeError;
use crate::money::calendar::civil;
use crate::object::payment_method::{Card, Checks, Kind, Means, SepaDebit, UsBankAccount};
use crate::params::Params;
use crate::world::World;

/// How many years ahead a card may expire.
const YEARS_MAX: i64 = 50;

/// Reads what a payment method is to be made from: `type`, and the object that it names.
pub(super) fn means(world: &World, params: &Params) -> Result<Means, StripeError> {
    let word = params.need_text("type")?;
    let kind = Kind::parse(word).filter(|kind| *kind != Kind::Link).ok_or_else(|| {
        params.refuse(
            "type",
            format!("Payment methods of the type {word} are not part of the sandbox."),
        )
    })?;
    let given = params.sub(word).ok_or_else(|| params.missing(word))?;
    match kind {
        Kind::Card | Kind::Link => card(world, &given),
        Kind::SepaDebit => sepa_debit(&given),
        Kind::UsBankAccount => us_bank_account(&given),
    }
}

/// Reads a card: a number with its date, or a token.
pub(super) fn card(world: &World, params: &Params) -> Result<Means, StripeError> {
    if let Some(token) = params.text("token") {
        return match methods::look(world, token, &params.path("token")) {
            Ok(methods::Wanted::New(means @ Means::Card(_))) => Ok(means),
            Err(error) if error.text("code") == "token_already_used" => Err(error),
            _ => Err(StripeError::no_such_param("token", token, &params.path("token"))),
        };
    }
    let number = params.need_text("number")?;
    let (month, year) = (whole(params, "exp_month")?, whole(params, "exp_year")?);
    let test = test_card(number)?;
    let year = check_date(month, year, world.now())?;
    let cvc = params.text("cvc");
    check_cvc(cvc, test)?;
    let checks = Checks {
        address_line1_check: None,
        address_postal_code_check: None,
        cvc_check: cvc.map(|_| "unchecked"),
    };
    Ok(Means::Card(Card { test, exp_month: month, exp_year: year, checks }))
}

/// Reads an integer; tokens send theirs as texts.
fn whole(params: &Params, name: &str) -> Result<i64, StripeError> {
    match params.text(name) {
        Some(text) => text.trim().parse().map_err(|_| {
            params
                .refuse(name, format!("Invalid integer: {text}"))
                .code("parameter_invalid_integer")
        }),
        None => params.need_int(name),
    }
}

fn test_card(number: &str) -> Result<&'static cards::TestCard, StripeError> {
    let digits: String = number.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "The card number is not a valid credit card number.";
        return Err(StripeError::card("invalid_number", None, message).with("param", "number"));
    }
    if !cards::is_number(&digits) {
        let message = "Your card number is incorrect.";
        return Err(StripeError::card("incorrect_number", None, message).with("param", "number"));
    }
    cards::by_number(&digits).ok_or_else(|| {
        let message = "Your card was declined. This is test mode, and the card is no test card.";
        StripeError::card("card_declined", Some("test_mode_live_card"), message)
            .with("param", "number")
    })
}

/// Returns the year in full.
pub(super) fn check_date(month: i64, year: i64, now: i64) -> Result<i64, StripeError> {
    let (this_year, this_month, _) = civil(now);
    let year = if (0..100).contains(&year) { year + 2_000 } else { year };
    if !(1..=12).contains(&month) || (year == this_year && month < this_month) {
        let message = "Your card's expiration month is invalid.";
        return Err(
            StripeError::card("invalid_expiry_month", None, message).with("param", "exp_month")
        );
    }
    if !(this_year..=this_year + YEARS_MAX).contains(&year) {
        let message = "Your card's expiration year is invalid.";
        return Err(
            StripeError::card("invalid_expiry_year", None, message).with("param", "exp_year")
        );
    }
    Ok(year)
}

fn check_cvc(cvc: Option<&str>, test: &cards::TestCard) -> Result<(), StripeError> {
    let fits = |cvc: &str| {
        let length = if test.brand == cards::Brand::Amex { 3..=4 } else { 3..=3 };
        length.contains(&cvc.len()) && cvc.bytes().all(|byte| byte.is_ascii_digit())
    };
    if cvc.is_none_or(fits) {
        return Ok(());
    }
    let message = "Your card's security code is invalid.";
    Err(StripeError::card("invalid_cvc", None, message).with("param", "cvc"))
}

fn sepa_debit(params: &Params) -> Result<Means, StripeError> {
    let iban: String =
        params.need_text("iban")?.chars().filter(|sign| !sign.is_whitespace()).collect();
    if !banks::is_iban(&iban) {
        let message = "The IBAN you provided is invalid.";
        return Err(params.refuse("iban", message).code("invalid_bank_account_iban"));
    }
    let fate = banks::iban(&iban);
    Ok(Means::SepaDebit(SepaDebit { iban: Cow::Owned(iban), fate }))
}

/// Reads a US account. Its owner needs not verify it here.
pub(super) fn us_bank_account(params: &Params) -> Result<Means, StripeError> {
    let number = params.need_text("account_number")?;
    let routing = params.need_text("routing_number")?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) || !(4..=17).contains(&number.len()) {
        let message = "The account number is invalid.";
        return Err(params.refuse("account_number", message).code("account_number_invalid"));
    }
    if !is_routing(routing) {
        let message = "The routing number is invalid.";
        return Err(params.refuse("routing_number", message).code("routing_number_invalid"));
    }
    let word = |name: &str, other: &'static str, usual: &'static str| {
        if params.text(name) == Some(other) { other } else { usual }
    };
    Ok(Means::UsBankAccount(UsBankAccount {
        account_holder_type: word("account_holder_type", "company", "individual"),
        account_type: word("account_type", "savings", "checking"),
        account_number: Cow::Owned(number.to_owned()),
        routing_number: Cow::Owned(routing.to_owned()),
        fate: banks::us_account(number),
    }))
}

/// Says whether nine digits are a routing number: weighed with 3, 7, 1 they sum up to tens.
fn is_routing(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|sign| sign.to_digit(10)).collect();
    let sum: u32 = digits.iter().zip([3, 7, 1].into_iter().cycle()).map(|(a, b)| a * b).sum();
    text.len() == 9 && digits.len() == 9 && sum.is_multiple_of(10)
}
