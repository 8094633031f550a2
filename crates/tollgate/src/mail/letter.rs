//! Which letter tells which fact, to whom, in which variants, and when it keeps silent.

use tollgate_stripe::object::{Object, SubscriptionStatus};

use super::values::Values;
use crate::rules::dunning::Level;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;

/// Who hears of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The customer.
    Customer,
    /// Who runs the app.
    Operator,
}

/// One letter.
#[derive(Debug)]
pub struct Letter {
    /// Its name, in files and in the configuration.
    pub name: &'static str,
    /// The facts that it tells.
    pub kinds: &'static [EffectKind],
    /// Who gets it.
    pub audience: Audience,
    /// When it is sent, for people.
    pub when: &'static str,
    /// Its variants; one without a name is the only one.
    pub variants: &'static [&'static str],
    /// The customer can live without it.
    pub declinable: bool,
}

const fn to_customer(
    name: &'static str,
    kinds: &'static [EffectKind],
    when: &'static str,
) -> Letter {
    let audience = Audience::Customer;
    Letter { name, kinds, audience, when, variants: &[""], declinable: false }
}

const fn to_operator(
    name: &'static str,
    kinds: &'static [EffectKind],
    when: &'static str,
) -> Letter {
    Letter { audience: Audience::Operator, ..to_customer(name, kinds, when) }
}

/// The variants of the letter about a payment that failed.
const LEVELS: [&str; 3] = ["first", "further", "last"];

/// Every letter.
pub(super) const ALL: &[Letter] = &[to_customer(
    "receipt",
    &[EffectKind::InvoicePaid, EffectKind::OrderPaid],
    "an invoice or a purchase was paid, and it was more than nothing",
)];

/// Returns the letter that tells facts of this kind.
pub(super) fn of(kind: EffectKind) -> Option<&'static Letter> {
    ALL.iter().find(|it| it.kinds.contains(&kind))
}

/// Returns the letter of this name, if it has this variant; a letter with variants has none
/// without a name.
pub(super) fn find(name: &str, variant: &str) -> Option<&'static Letter> {
    ALL.iter().find(|it| it.name == name && it.variants.contains(&variant))
}

impl Letter {
    /// Returns the names that its files begin with.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.variants.iter().map(|it| self.named(it))
    }

    /// Returns the name of the variant that these values ask for.
    pub(super) fn name_of(&self, values: &Values) -> String {
        self.named(if self.variants.len() > 1 { values.level } else { "" })
    }

    fn named(&self, variant: &str) -> String {
        let dot = if variant.is_empty() { "" } else { "." };
        format!("{}{dot}{variant}", self.name)
    }
}

/// Returns where a customer is written to.
pub(super) fn address_of(known: &Known) -> Option<&str> {
    let odd = |it: char| it.is_control() || it.is_whitespace() || "<>,;\"\\".contains(it);
    let right = |it: &&str| {
        let (name, host) = it.rsplit_once('@').unwrap_or_default();
        !name.is_empty() && !host.is_empty() && it.len() <= 254 && !it.contains(odd)
    };
    known.email.as_deref().filter(right)
}

/// Returns the languages that a customer prefers, the best first.
pub(super) fn preferred_locales(known: &Known) -> &[String] {
    let _ = known;
    &[]
}

/// Returns how urgent a payment that failed is: as the dunning says, else as the invoice does.
pub(super) fn level(known: &Known) -> &'static str {
    let of_invoice = || {
        let invoice = known.invoice.as_ref()?;
        Some(match (invoice.next_payment_attempt, invoice.attempt_count) {
            (None, _) => Level::Last,
            (Some(_), ..=1) => Level::First,
            (Some(_), _) => Level::Further,
        })
    };
    let level = known.dunning.as_ref().map(|it| it.level).or_else(of_invoice);
    match level.unwrap_or(Level::First) {
        Level::First => LEVELS[0],
        Level::Further => LEVELS[1],
        Level::Last => LEVELS[2],
    }
}

/// Says why there is nothing to say; `None` where there is.
pub(super) fn silence(effect: &Effect, known: &Known) -> Option<&'static str> {
    let subscription = known.subscription.as_ref().map(|it| &it.status);
    match (effect.kind, known.subject.as_ref()) {
        (EffectKind::InvoicePaid, _) => {
            let paid = known.invoice.as_ref().and_then(|it| it.amount_paid);
            (paid.unwrap_or_default() == 0).then_some("nothing was paid")
        }
        (EffectKind::OrderPaid, Some(Object::CheckoutSession(it))) if it.invoice.is_some() => {
            Some("its invoice has a receipt")
        }
        (EffectKind::OrderPaid, Some(Object::CheckoutSession(it))) => {
            (it.amount_total.unwrap_or_default() == 0).then_some("nothing was paid")
        }
        (EffectKind::PaymentFailed, _) if subscription == Some(&SubscriptionStatus::Incomplete) => {
            Some("the page where they pay has said so")
        }
        _ => None,
    }
}
