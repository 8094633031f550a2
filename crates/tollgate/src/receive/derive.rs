//! From objects to access: of every user whom a batch touched, and from all of their objects.

use std::collections::{BTreeMap, BTreeSet};

use super::ownership::is_customer;
use crate::rules::access::{Access, Reason, access, claims};
use crate::rules::ledger::Ledger;
use crate::rules::policy::Rulebook;
use crate::store::access::StoredAccess;
use crate::store::belonging::Owned;
use crate::store::{self, StoreError, Tx};

/// Derives the access of these users and of all users of these owners, and saves what changed.
pub(super) async fn derive(
    tx: &mut Tx,
    rulebook: &Rulebook,
    owners: &BTreeSet<String>,
    users: &BTreeSet<&str>,
    now: i64,
) -> Result<Vec<StoredAccess>, StoreError> {
    let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
    let users: Vec<&str> = users.iter().copied().collect();
    // Whoever ties a user to one of these owners meanwhile is waited for, so that it is found; and
    // from then on nobody else derives the access of these users.
    store::user::hold(tx, &owners).await?;
    store::belonging::hold_users(tx, &owners, &users).await?;
    let belongings = store::belonging::of_users(tx, &owners, &users).await?;
    let users: Vec<&str> = belongings.iter().map(|it| it.user_id.as_str()).collect();
    let known = store::access::of_users(tx, &users).await?;
    let known: BTreeMap<&str, &StoredAccess> =
        known.iter().map(|it| (it.user_id.as_str(), it)).collect();
    let changed: Vec<StoredAccess> = belongings
        .iter()
        .filter_map(|it| {
            let access = access_of(&it.owned, rulebook, now);
            next_revision(&it.user_id, known.get(it.user_id.as_str()).copied(), access, now)
        })
        .collect();
    store::access::save(tx, &changed).await?;
    Ok(changed)
}

/// Returns what a user may use to whom this belongs.
pub(crate) fn access_of(owned: &[Owned], rulebook: &Rulebook, now: i64) -> Access {
    let counts = |it: &&Owned| {
        it.priority == 0
            || it.objects.iter().any(|(account, _)| rulebook.counts(account.as_deref()))
    };
    let objects = owned.iter().flat_map(|it| &it.objects);
    let objects = objects.filter(|(account, _)| rulebook.counts(account.as_deref()));
    let ledger = Ledger::new(objects.map(|(_, object)| object));
    let mut customers = owned.iter().filter(|it| is_customer(&it.owner_id)).filter(counts);
    let customer = customers.next().map(|it| it.owner_id.as_str());
    access(&ledger, &claims(&ledger, rulebook, now), customer)
}

fn next_revision(
    user: &str,
    known: Option<&StoredAccess>,
    access: Access,
    now: i64,
) -> Option<StoredAccess> {
    let unchanged = known.is_some_and(|it| it.access == access);
    // A user whom nothing links to anything has no row, and the same answer.
    if unchanged || known.is_none() && access.reason == Reason::NoCustomer {
        return None;
    }
    let revision = known.map_or(0, |it| it.revision) + 1;
    Some(StoredAccess { user_id: user.to_owned(), revision, changed_at: now, access })
}
