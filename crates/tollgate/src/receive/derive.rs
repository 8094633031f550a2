//! From objects to access: of every user whom a batch touched, and from all of their objects.

use std::collections::{BTreeMap, BTreeSet};

use super::ownership::is_customer;
use crate::rules::access::{Access, Reason, access, claims};
use crate::rules::double;
use crate::rules::effects::Effect;
use crate::rules::ledger::Ledger;
use crate::rules::policy::Rulebook;
use crate::store::access::{Changed, StoredAccess};
use crate::store::belonging::{Belongings, Owned};
use crate::store::{self, StoreError, Tx};

/// What was derived of the users whom a batch touched.
#[derive(Debug, Default)]
pub(super) struct Derived {
    /// The access that changed.
    pub(super) changed: Vec<Changed>,
    /// That users pay for several subscriptions, each with the customer of the newest.
    pub(super) doubles: Vec<(Effect, Option<String>)>,
}
/// The newest event of a batch, as its second and id, by the owners and users that it touched.
pub(super) type Causes = BTreeMap<String, (i64, String)>;

/// Derives the access of these users and of all users of these owners, and saves what changed.
pub(super) async fn derive(
    tx: &mut Tx<'_>,
    rulebook: &Rulebook,
    owners: &BTreeSet<String>,
    users: &BTreeSet<&str>,
    causes: &Causes,
    now: i64,
) -> Result<Derived, StoreError> {
    let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
    let users: Vec<&str> = users.iter().copied().collect();
    // Whoever ties a user to one of these owners meanwhile is waited for, so that it is found; and
    // from then on nobody else derives the access of these users.
    store::user::hold(tx, &owners).await?;
    store::belonging::hold_users(tx, &owners, &users).await?;
    let belongings = store::belonging::of_users(tx, &owners, &users).await?;
    let (mut changes, mut doubles) = (Vec::new(), Vec::new());
    for user in belongings {
        let ledger = ledger_of(&user.owned, rulebook);
        let doubled = double::doubled(&ledger, rulebook);
        let customer = doubled.first().and_then(|it| it.customer.as_ref());
        let customer = customer.map(ToString::to_string);
        doubles.extend(double::fact(&doubled).map(|it| (it, customer)));
        let (access, decided_by) = derived(&user.owned, &ledger, rulebook, now);
        changes.extend(change(user, access, decided_by, causes, now));
    }
    let changed = store::access::save(tx, changes).await?;
    Ok(Derived { changed, doubles })
}

/// A user whom nothing links to anything gets no row: the answer would be the same.
fn change(
    user: Belongings,
    access: Access,
    decided_by: Option<String>,
    causes: &Causes,
    now: i64,
) -> Option<Changed> {
    let same = match &user.access {
        Some(before) => before.access == access,
        None => access.reason == Reason::NoCustomer,
    };
    let names = user.owned.iter().map(|it| &it.owner_id).chain([&user.user_id]);
    let cause = names.filter_map(|it| causes.get(it)).max().map(|(_, id)| id.clone());
    let before = user.access;
    let after = StoredAccess { user_id: user.user_id, revision: 0, changed_at: now, access };
    (!same).then_some(Changed { before, after, decided_by, cause })
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
