//! What Stripe's events leave open of an object, so that Stripe has to be asked: the lines of a
//! purchase, and the end of a list that was cut.

use tollgate_stripe::object::Object;

use super::checkout;
use super::policy::Rulebook;

/// Returns what is missing of an object, in a few words; `None` if it is whole.
pub fn missing(object: &Object, rulebook: &Rulebook) -> Option<&'static str> {
    match object {
        Object::CheckoutSession(it) if checkout::is_of_unknown_goods(it, rulebook) => {
            Some("what was bought")
        }
        Object::Subscription(it) if it.items_truncated => Some("its further items"),
        Object::Entitlements(it) if it.truncated => Some("its further features"),
        _ => None,
    }
}

/// Whether something may be missing, whatever the plans are.
pub fn may_miss(object: &Object) -> bool {
    match object {
        Object::CheckoutSession(it) => checkout::is_without_lines(it),
        Object::Subscription(it) => it.items_truncated,
        Object::Entitlements(it) => it.truncated,
        _ => false,
    }
}

/// Whether asking makes it whole. A session that came without any lines has none; a list that was
/// cut is read to its end.
pub fn is_worth_asking(object: &Object, was_fetched: bool) -> bool {
    !(was_fetched && matches!(object, Object::CheckoutSession(_)))
}
