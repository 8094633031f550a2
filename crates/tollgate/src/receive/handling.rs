//! Telling the app's handlers what a transaction changed, before it is committed. The built-in
//! part costs the same number of statements whatever the size of the batch; the operator's
//! statements run once for each user whose access changed.

use std::collections::BTreeMap;

use tollgate_stripe::object::Object;

use super::batch::Applied;
use super::{Input, Purpose};
use crate::handlers::{Change, Handlers, Kind};
use crate::rules::access::Access;
use crate::store::access::{Changed, StoredAccess};
use crate::store::outbox::NewFact;
use crate::store::own_sql::Told;
use crate::store::user::AppUser;
use crate::store::{self, StoreError, Tx};
use crate::webhook::Reading;

/// Runs the handlers for all that was applied.
///
/// # Errors
/// A handler failed, or the database did; the transaction is then of no more use.
pub(crate) async fn handle(
    tx: &mut Tx<'_>,
    handlers: &Handlers,
    inputs: &[Input],
    applied: &Applied,
    now: i64,
) -> Result<(), StoreError> {
    let changed = &applied.changed;
    let mut changes: Vec<Change> = match handlers.want(Kind::Access) {
        true => changed.iter().map(|it| of_access(it, Kind::Access, now)).collect(),
        false => Vec::new(),
    };
    if handlers.want_facts() {
        changes.extend(of_facts(tx, handlers, inputs, applied, now).await?);
    }
    let users = match handlers.name_users() && !changed.is_empty() {
        true => named(tx, changed).await?,
        false => BTreeMap::new(),
    };
    let told = changed.iter().filter(|_| handlers.have_statements()).map(|it| Told {
        changed: it,
        user: users.get(&it.after.user_id),
        event_id: it.cause.as_deref(),
    });
    handlers.run(tx, &told.collect::<Vec<_>>(), &changes).await
}

async fn named(
    tx: &mut Tx<'_>,
    changed: &[Changed],
) -> Result<BTreeMap<String, AppUser>, StoreError> {
    let ids: Vec<&str> = changed.iter().map(|it| it.after.user_id.as_str()).collect();
    let users = store::user::of_ids(tx, &ids).await?;
    Ok(users.into_iter().map(|it| (it.user_id.clone(), it)).collect())
}

/// The fact of a change of access is named by its user and revision.
fn is_about(fact: &NewFact, changed: &Changed) -> bool {
    let (effect, after) = (&fact.staged.effect, &changed.after);
    effect.subject == after.user_id && effect.detail == after.revision.to_string()
}

fn of_access(it: &Changed, kind: Kind, now: i64) -> Change {
    Change {
        kind,
        user_id: Some(it.after.user_id.clone()),
        before: it.before.as_ref().map(|it| it.access.clone()),
        access: Some(it.after.access.clone()),
        revision: it.after.revision,
        decided_by: it.decided_by.clone(),
        event_id: it.cause.clone(),
        fact: None,
        object: None,
        at: now,
    }
}

/// The new facts that somebody wants to know of, for each user whom they concern.
async fn of_facts(
    tx: &mut Tx<'_>,
    handlers: &Handlers,
    inputs: &[Input],
    applied: &Applied,
    now: i64,
) -> Result<Vec<Change>, StoreError> {
    let wanted = |it: &&NewFact| handlers.want(Kind::Fact(it.staged.effect.kind));
    let facts: Vec<&NewFact> = applied.facts.iter().filter(wanted).collect();
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let owners: Vec<&str> = facts.iter().filter_map(|it| it.owner_id.as_deref()).collect();
    let tied = store::user::of_owners(tx, &owners).await?;
    let users: Vec<&str> = tied.iter().map(|(_, user)| user.as_str()).collect();
    let access = store::access::of_users(tx, &users).await?;
    let mut changes = Vec::new();
    for fact in facts {
        let kind = Kind::Fact(fact.staged.effect.kind);
        if let Some(changed) = applied.changed.iter().find(|it| is_about(fact, it)) {
            let change = of_access(changed, kind, now);
            changes.push(Change { fact: Some(fact.staged.effect.clone()), ..change });
            continue;
        }
        let of_it = tied.iter().filter(|(owner, _)| Some(owner) == fact.owner_id.as_ref());
        let object = object_of(fact, inputs);
        let before = changes.len();
        for (_, user) in of_it {
            changes.push(of_fact(fact, object, Some(user), access.get(user), now));
        }
        if changes.len() == before {
            changes.push(of_fact(fact, object, None, None, now));
        }
    }
    Ok(changes)
}

fn of_fact(
    fact: &NewFact,
    object: Option<&Object>,
    user: Option<&String>,
    stored: Option<&StoredAccess>,
    now: i64,
) -> Change {
    let access: Option<Access> = stored.map(|it| it.access.clone());
    Change {
        kind: Kind::Fact(fact.staged.effect.kind),
        user_id: user.cloned(),
        before: access.clone(),
        access,
        revision: stored.map_or(0, |it| it.revision),
        decided_by: None,
        event_id: fact.staged.event_id.clone(),
        fact: Some(fact.staged.effect.clone()),
        object: object.cloned(),
        at: now,
    }
}

fn object_of<'a>(fact: &NewFact, inputs: &'a [Input]) -> Option<&'a Object> {
    let event_id = fact.staged.event_id.as_deref()?;
    inputs.iter().find_map(|input| match input {
        Input::Event(it) if it.purpose != Purpose::Rebuild => match &it.incoming.reading {
            Reading::Observed { observation, .. } if it.incoming.id.as_str() == event_id => {
                Some(&observation.object)
            }
            _ => None,
        },
        _ => None,
    })
}
