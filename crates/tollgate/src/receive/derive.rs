//! From objects to access: of every user whom a batch touched, and from all of their objects.

use std::collections::{BTreeMap, BTreeSet};

use super::ownership::is_customer;
use crate::rules::access::{Access, access, claims};
use crate::rules::double;
use crate::rules::effects::Effect;
use crate::rules::ledger::Ledger;
use crate::rules::policy::Rulebook;
use crate::store::access::Changed;
use crate::store::belonging::Owned;
use crate::store::{self, StoreError, Tx};

/// What was derived of the users whom a batch touched.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// The access that changed.
    pub(super) changed: Vec<Changed>,
    /// That users pay for several subscriptions, each with the customer of the newest.
    pub(super) doubles: Vec<(Effect, Option<String>)>,
}

/// Derives the access of these users and of all users of these owners, and saves what changed.
pub(super) async fn derive(
    tx: &mut Tx<'_>,
    rulebook: &Rulebook,
    owners: &BTreeSet<String>,
    users: &BTreeSet<&str>,
    now: i64,
) -> Result<Derived, StoreError> {
    let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
    let users: Vec<&str> = users.iter().copied().collect();
    // Whoever ties a user to one of these owners meanwhile is waited for, so that it is found; and
    // from then on nobody else derives the access of these users.
    store::user::hold(tx, &owners).await?;
    store::belonging::hold_users(tx, &owners, &users).await?;
    let belongings = store::belonging::of_users(tx, &owners, &users).await?;
    let mut decided_by = BTreeMap::new();
    let mut doubles = Vec::new();
    let derived = belongings.into_iter().map(|it| {
        let ledger = ledger_of(&it.owned, rulebook);
        let (access, source) = derived(&it.owned, &ledger, rulebook, now);
        decided_by.insert(it.user_id.clone(), source);
        let doubled = double::doubled(&ledger, rulebook);
        let customer = doubled.first().and_then(|it| it.customer.as_ref());
        let customer = customer.map(ToString::to_string);
        doubles.extend(double::fact(&doubled).map(|it| (it, customer)));
        (it.user_id, access)
    });
    let mut changed = store::access::save(tx, derived.collect(), now).await?;
    for it in &mut changed {
        it.decided_by = decided_by.remove(&it.after.user_id).flatten();
    }
    Ok(Derived { changed, doubles })
}

/// Returns what a user may use to whom this belongs.
pub(crate) fn access_of(owned: &[Owned], rulebook: &Rulebook, now: i64) -> Access {
    derived(owned, &ledger_of(owned, rulebook), rulebook, now).0
}

fn ledger_of<'a>(owned: &'a [Owned], rulebook: &Rulebook) -> Ledger<'a> {
    let objects = owned.iter().flat_map(|it| &it.objects);
    let objects = objects.filter(|(account, _)| rulebook.counts(account.as_deref()));
    Ledger::new(objects.map(|(_, object)| object))
}

/// The access, and the subscription or session that decides it.
fn derived(
    owned: &[Owned],
    ledger: &Ledger<'_>,
    rulebook: &Rulebook,
    now: i64,
) -> (Access, Option<String>) {
    let counts = |it: &&Owned| {
        it.priority == 0
            || it.objects.iter().any(|(account, _)| rulebook.counts(account.as_deref()))
    };
    let mut customers = owned.iter().filter(|it| is_customer(&it.owner_id)).filter(counts);
    let customer = customers.next().map(|it| it.owner_id.as_str());
    let claims = claims(ledger, rulebook, now);
    (access(ledger, &claims, customer), claims.first().map(|it| it.source.clone()))
}
