//! Whose an object is. Most of Stripe's objects name their customer; refunds, disputes and
//! payments of invoices only name their payment, and a guest's purchase has no customer at all.
//! All objects of one payment have one owner: the customer whom any of them names, else the
//! payment itself. Objects are re-owned when a later one of the payment tells more, so that the
//! end does not depend on who came first.

use std::collections::BTreeMap;

use tollgate_stripe::object::Object;

use crate::rules::payment;
use crate::store::object::StoredObject;

/// Returns the user that an object names.
pub fn user_of(object: &Object) -> Option<&str> {
    let named = match object {
        Object::Customer(it) => it.metadata.user_id.as_deref(),
        Object::Subscription(it) => it.metadata.user_id.as_deref(),
        Object::CheckoutSession(it) => {
            it.metadata.user_id.as_deref().or(it.client_reference_id.as_deref())
        }
        _ => None,
    };
    named.filter(|it| !it.is_empty())
}

/// Whether an owner is a customer rather than a guest's payment.
pub fn is_customer(owner: &str) -> bool {
    !["pi_", "ch_", "py_"].iter().any(|prefix| owner.starts_with(prefix))
}

/// Returns the customer whom an object names.
pub fn customer_of(object: &Object) -> Option<&str> {
    match object {
        Object::Customer(it) => Some(it.id.as_str()),
        Object::PromotionCode(_) => None,
        _ => object.customer().map(AsRef::as_ref),
    }
}

/// Names payment and owner of every object of `objects` anew; returns the ids of those that
/// changed. `objects` holds all that is known of the payments concerned.
pub fn resolve(objects: &mut BTreeMap<String, StoredObject>) -> Vec<String> {
    let intents = intents_of_charges(objects);
    let payments: BTreeMap<String, Option<String>> = objects
        .iter()
        .map(|(id, it)| (id.clone(), payment_of(&it.standing.object, &intents)))
        .collect();
    let customers = customers_of_payments(objects, &payments);
    let mut changed = Vec::new();
    for (id, it) in objects.iter_mut() {
        let payment_id = payments.get(id).cloned().flatten();
        let by_payment = payment_id.as_ref().map(|it| customers.get(it).unwrap_or(it).clone());
        let owner_id = customer_of(&it.standing.object).map(str::to_owned).or(by_payment);
        if it.payment_id != payment_id || it.owner_id != owner_id {
            it.payment_id = payment_id;
            it.owner_id = owner_id;
            changed.push(id.clone());
        }
    }
    changed
}

/// Only the charge itself tells its intent: whoever names the charge finds it by its id, so that
/// the answer does not depend on who came first.
fn intents_of_charges(objects: &BTreeMap<String, StoredObject>) -> BTreeMap<String, String> {
    let pairs = objects.values().filter_map(|it| match &it.standing.object {
        Object::Charge(it) => Some((it.id.to_string(), it.payment_intent.as_ref()?.to_string())),
        _ => None,
    });
    pairs.collect()
}

fn payment_of(object: &Object, intents: &BTreeMap<String, String>) -> Option<String> {
    let [intent, charge] = payment::names(object);
    let by_charge = || charge.map(|it| intents.get(it).map_or(it, String::as_str));
    intent.or_else(by_charge).map(str::to_owned)
}

/// What an object says itself counts more than what was concluded before.
fn customers_of_payments(
    objects: &BTreeMap<String, StoredObject>,
    payments: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    let named = |customer: fn(&StoredObject) -> Option<&str>| {
        objects.iter().filter_map(move |(id, it)| {
            Some((payments.get(id)?.clone()?, customer(it)?.to_owned()))
        })
    };
    let concluded = named(|it| it.owner_id.as_deref().filter(|it| is_customer(it)));
    concluded.chain(named(|it| customer_of(&it.standing.object))).collect()
}
