//! Cards that expire before they can pay for what is to be paid with them next. A card is valid to
//! the end of its month, by UTC.

use std::collections::BTreeMap;

use tollgate_stripe::object::{Customer, Object, PaymentMethod, Subscription, SubscriptionStatus};

use super::effects::{Effect, EffectKind};
use super::known::Known;

/// A month of the calendar, counted from the January of year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(i64);

/// Days before each month of a year that is none of a leap.
const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAY: i64 = 86_400;
/// Years that a card may name; no sum of theirs overflows.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9999;

impl Month {
    /// Names a month; `None` where there is no such month.
    pub fn new(year: i64, month: i64) -> Option<Self> {
        let known = YEARS.contains(&year) && (1..=12).contains(&month);
        known.then(|| Self(year * 12 + month - 1))
    }

    /// Returns the month of a time in Unix seconds; times outside of our years are in the nearest.
    pub fn of(time: i64) -> Self {
        let (first, last) = (YEARS.start() * 12, YEARS.end() * 12 + 11);
        // No month is longer than 31 days, so this one is never too late.
        let guess = time.div_euclid(31 * DAY).saturating_add(first).clamp(first, last);
        let mut month = Self(guess);
        while month.0 < last && month.next().begins_at() <= time {
            month = month.next();
        }
        month
    }

    /// Returns the year and the month, 1 to 12.
    pub fn parts(self) -> (i64, i64) {
        (self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }

    /// Returns the month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the month before it.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0 - 1)
    }

    /// Returns its first second, in Unix seconds.
    pub fn begins_at(self) -> i64 {
        let (year, month) = self.parts();
        let leaps = |year: i64| year / 4 - year / 100 + year / 400;
        let is_leap = leaps(year) > leaps(year - 1);
        let leap_day = i64::from(is_leap && month > 2);
        let index = usize::try_from(month - 1).unwrap_or_default();
        let days = 365 * (year - 1970) + leaps(year - 1) - leaps(1969);
        (days + DAYS_BEFORE[index] + leap_day) * DAY
    }

    /// Writes it as it stands in keys: `2026-12`.
    pub fn key(self) -> String {
        let (year, month) = self.parts();
        format!("{year:04}-{month:02}")
    }
}

/// Returns the month in which a card expires; `None` of what does not expire.
pub fn expiry(card: &PaymentMethod) -> Option<Month> {
    Month::new(card.exp_year?, card.exp_month?)
}

/// A customer with all that they pay for.
#[derive(Clone, Debug, Default)]
pub struct Payer<'a> {
    customer: Option<&'a Customer>,
    subscriptions: Vec<&'a Subscription>,
}

impl<'a> Payer<'a> {
    /// Sorts objects out by their customers' ids.
    pub fn all(objects: impl Iterator<Item = &'a Object>) -> BTreeMap<&'a str, Self> {
        let mut payers: BTreeMap<&str, Self> = BTreeMap::new();
        for object in objects {
            match object {
                Object::Customer(it) => {
                    payers.entry(it.id.as_str()).or_default().customer = Some(it);
                }
                Object::Subscription(it) => {
                    let Some(id) = &it.customer else { continue };
                    payers.entry(id.as_str()).or_default().subscriptions.push(it);
                }
                _ => {}
            }
        }
        payers
    }

    /// Returns the payment methods of what this customer pays for, those of one subscription where
    /// `only` names it.
    pub fn methods(&self, only: Option<&str>) -> impl Iterator<Item = &'a str> {
        let of_it = move |it: &&&Subscription| only.is_none_or(|id| it.id.as_str() == id);
        self.subscriptions.iter().filter(of_it).filter_map(|it| self.method_of(it))
    }

    /// What a subscription is paid with: its own payment method, else its customer's.
    fn method_of(&self, it: &'a Subscription) -> Option<&'a str> {
        let theirs = self.customer.and_then(|it| it.default_payment_method.as_ref());
        it.default_payment_method.as_ref().or(theirs).map(AsRef::as_ref)
    }

    /// Returns the subscription that a card is to pay for next and cannot, because it will have
    /// expired: of several, the one that renews first.
    pub fn missed(&self, card: &PaymentMethod) -> Option<&'a Subscription> {
        let expires_at = expiry(card)?.next().begins_at();
        let owner = card.customer.as_ref()?;
        if self.customer.is_some_and(|it| it.deleted) {
            return None;
        }
        let misses = |it: &&Subscription| {
            it.customer.as_ref() == Some(owner) && renews_at(it).is_some_and(|at| at >= expires_at)
        };
        let theirs = self.subscriptions.iter().copied().filter(misses);
        let missed = theirs.filter(|it| self.method_of(it) == Some(card.id.as_str()));
        missed.min_by_key(|it| (it.current_period_end, it.id.as_str()))
    }

    /// Names the fact that a card expires before it can pay, once a card and month.
    pub fn fact(&self, card: &PaymentMethod) -> Option<Effect> {
        let month = expiry(card)?.key();
        self.missed(card)?;
        Some(Effect::new(EffectKind::CardExpiring, card.id.as_str(), month.as_str()))
    }
}

/// When the customer is charged again, in Unix seconds; `None` of what ends before, is paused, or
/// is paid by hand.
fn renews_at(it: &Subscription) -> Option<i64> {
    let runs = matches!(
        it.status,
        SubscriptionStatus::Active | SubscriptionStatus::Trialing | SubscriptionStatus::PastDue
    );
    let charged = it.collection_method.as_deref() != Some("send_invoice") && !it.pause_collection;
    let renews_at = it.current_period_end.filter(|_| runs && charged)?;
    it.ends_at().is_none_or(|end| end > renews_at).then_some(renews_at)
}

/// Whether the fact still holds for what is known now; else why it is not told.
/// [`Known::subscription`] is what [`Payer::missed`] says.
///
/// # Errors
/// The reason to skip it, in a few words.
pub fn still_true(effect: &Effect, known: &Known) -> Result<(), &'static str> {
    let Some(card) = &known.payment_method else { return Err("the card is gone") };
    if card.customer.is_none() {
        return Err("detached since");
    }
    match expiry(card) {
        Some(month) if month.key() != effect.detail => Err("another date is on the card now"),
        _ if known.subscription.is_none() => Err("nothing that renews depends on it any more"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_the_calendar_says() {
        let begins = [
            ((1970, 1), 0),
            ((1970, 3), 59 * DAY),
            ((2000, 2), 949_363_200),
            ((2000, 3), 951_868_800),
            ((2026, 12), 1_796_083_200),
            ((2027, 1), 1_798_761_600),
            ((2028, 3), 1_835_481_600),
            ((2100, 3), 4_107_542_400),
        ];
        for ((year, month), at) in begins {
            let it = Month::new(year, month).expect("there is such a month");
            assert_eq!(it.begins_at(), at, "{year}-{month}");
            assert_eq!(Month::of(at), it);
            assert_eq!(Month::of(it.next().begins_at() - 1), it);
            assert_eq!(it.parts(), (year, month));
            assert_eq!(it.next().before(), it);
        }
    }

    #[test]
    fn no_number_makes_a_month_that_is_none() {
        for (year, month) in [(2026, 0), (2026, 13), (26, 12), (i64::MAX, 1), (i64::MIN, 12)] {
            assert_eq!(Month::new(year, month), None);
        }
        assert_eq!(Month::of(i64::MIN).key(), "1970-01");
        assert_eq!(Month::of(i64::MAX).key(), "9999-12");
    }
}
