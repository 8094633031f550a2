//! Several subscriptions of one user that all charge again. Two Checkout pages that were open at
//! once can both be paid; which of them was meant, nobody can know but a person, so it is told and
//! never decided here.

use tollgate_stripe::object::Subscription;

use super::effects::{Effect, EffectKind};
use super::ledger::Ledger;
use super::policy::Rulebook;
use super::subscription;

/// Returns the subscriptions to plans of ours that charge again, the newest first, if there are
/// several.
pub fn doubled<'a>(ledger: &Ledger<'a>, rulebook: &Rulebook) -> Vec<&'a Subscription> {
    let charges_again = |it: &&Subscription| {
        subscription::goes_on(it)
            && it.ends_at().is_none()
            && !ledger.is_deleted(it.customer.as_ref())
            && rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref()).is_some()
    };
    let mut all: Vec<&Subscription> =
        ledger.subscriptions.iter().copied().filter(charges_again).collect();
    all.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    if all.len() > 1 { all } else { Vec::new() }
}

/// Whether a subscription that the fact names beside its subject still charges again. What came
/// late may have ended it long before.
pub fn still_charges(other: &Subscription) -> bool {
    subscription::goes_on(other) && other.ends_at().is_none()
}

/// Returns the others that the fact names beside its subject.
pub fn others(effect: &Effect) -> Vec<&str> {
    effect.detail.split('+').collect()
}

/// Names the fact, about the newest of them: it is another one when another subscription joins.
pub fn fact(doubled: &[&Subscription]) -> Option<Effect> {
    let (newest, others) = doubled.split_first()?;
    let others: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
    let detail = others.join("+");
    Some(Effect::new(EffectKind::DoubleSubscription, newest.id.as_str(), detail.as_str()))
}
