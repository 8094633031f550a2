//! Answers about a user: what they may use, and why. Reads only; what it finds out of date it
//! derives for itself and leaves to [`crate::receive::retry::due_step`] to announce.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::receive::access_of;
use crate::rules::access::{Access, Claim, Reason, claims};
use crate::rules::double;
use crate::rules::dunning::{Dunning, dunning};
use crate::rules::gaps;
use crate::rules::ledger::Ledger;
use crate::rules::policy::Rulebook;
use crate::store::access::StoredAccess;
use crate::store::belonging::Owned;
use crate::store::object::StoredObject;
use crate::store::user::Party;
use crate::store::{self, Db, StoreError};
use crate::wire::{self, Answer, Claimed, Owed};
pub use crate::wire::{rfc3339, rfc3339_ms};

/// What a user may use now.
#[derive(Clone, Debug)]
pub struct Current {
    /// The access, under the revision that was announced last.
    pub access: StoredAccess,
    /// Whether that revision is this access. It is not once time has changed the access and the
    /// change could not be announced yet, as while a handler of the app's fails.
    pub is_announced: bool,
}

/// Returns what a user may use at `now` (Unix seconds). A user whom nobody knows has nothing.
///
/// # Errors
/// As the database says.
pub async fn access(
    db: &Db,
    rulebook: &Rulebook,
    user_id: &str,
    now: i64,
) -> Result<StoredAccess, StoreError> {
    Ok(current(db, rulebook, user_id, now).await?.access)
}

/// Returns the same, and whether its revision tells it apart from what was announced.
///
/// # Errors
/// As the database says.
pub async fn current(
    db: &Db,
    rulebook: &Rulebook,
    user_id: &str,
    now: i64,
) -> Result<Current, StoreError> {
    let Some(stored) = store::access::find(db, user_id).await? else {
        let access = StoredAccess {
            user_id: user_id.to_owned(),
            revision: 0,
            changed_at: now,
            access: Access::none(Reason::NoCustomer),
        };
        return Ok(Current { access, is_announced: true });
    };
    if stored.access.due_at.is_none_or(|it| it > now) {
        return Ok(Current { access: stored, is_announced: true });
    }
    let (parties, objects) = belongings(db, user_id).await?;
    let owned: Vec<Owned> = parties.into_iter().map(|it| owned(it, &objects)).collect();
    let derived = StoredAccess { access: access_of(&owned, rulebook, now), ..stored.clone() };
    let is_announced = told(&derived) == told(&stored);
    Ok(Current { access: derived, is_announced })
}

/// What a caller reads of it, without the time of asking.
fn told(it: &StoredAccess) -> Answer {
    Answer::new(it.user_id.clone(), it.access.clone(), it.revision, 0)
}

/// All that names the user, also what is of an account that does not count: it is shown as such.
async fn belongings(db: &Db, user_id: &str) -> Result<(Vec<Party>, Vec<StoredObject>), StoreError> {
    let parties = store::user::parties_of(db, user_id, |_| true).await?;
    let owners: Vec<&str> = parties.iter().map(|it| it.owner_id.as_str()).collect();
    let objects = store::object::read_of_owners(db, &owners).await?;
    Ok((parties, objects))
}

fn owned(party: Party, objects: &[StoredObject]) -> Owned {
    let of_it = objects.iter().filter(|it| it.owner_id.as_ref() == Some(&party.owner_id));
    let objects = of_it.map(|it| (it.account.clone(), it.standing.object.clone())).collect();
    Owned { priority: party.priority, owner_id: party.owner_id, objects }
}

/// Returns what each subscription and purchase of a user claims at `now` (Unix seconds), the best
/// first.
///
/// # Errors
/// As the database says.
pub async fn claims_of(
    db: &Db,
    rulebook: &Rulebook,
    user_id: &str,
    now: i64,
) -> Result<Vec<Claim>, StoreError> {
    let (_, objects) = belongings(db, user_id).await?;
    Ok(claims(&ledger(&objects, rulebook), rulebook, now))
}

fn ledger<'a>(objects: &'a [StoredObject], rulebook: &Rulebook) -> Ledger<'a> {
    let counting = objects.iter().filter(|it| rulebook.counts(it.account.as_deref()));
    Ledger::new(counting.map(|it| &it.standing.object))
}

/// How an answer about access came about. Its JSON has times in RFC 3339, but for `state` of
/// [`Basis`].
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The app's id of the user.
    pub user_id: String,
    /// Whether access is given.
    pub granted: bool,
    /// The plan's name.
    pub plan: String,
    /// Why or why not.
    pub reason: Reason,
    /// Counts the changes of this user's access.
    pub revision: i64,
    /// Unix seconds at which this was derived.
    #[serde(serialize_with = "wire::moment")]
    pub as_of: i64,
    /// Who the user's customers are, and who says so.
    pub owners: Vec<Owner>,
    /// What each subscription and purchase claims; the first decides.
    #[serde(serialize_with = "claimed")]
    pub claims: Vec<Claim>,
    /// The subscriptions that all charge this user again, the newest first; none where it is one.
    pub double_subscriptions: Vec<String>,
    /// Whose money is missing, since when and how it goes on.
    #[serde(serialize_with = "owed")]
    pub dunning: Vec<Dunning>,
    /// The objects that were looked at, and the event that says what each is.
    pub objects: Vec<Basis>,
    /// What is wrong or unusual, in sentences.
    pub remarks: Vec<String>,
}

fn claimed<S: Serializer>(all: &[Claim], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(all.iter().map(Claimed::new))
}

fn owed<S: Serializer>(all: &[Dunning], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(all.iter().map(Owed::new))
}

/// One of the customers (or payments of a guest) that count for a user.
#[derive(Clone, Debug, Serialize)]
pub struct Owner {
    /// Stripe's id.
    pub id: String,
    /// `app` where the app named it, else `stripe`: an object's metadata or reference.
    pub named_by: &'static str,
}

/// An object that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Basis {
    /// Stripe's id.
    pub id: String,
    /// Stripe's `object`.
    pub kind: &'static str,
    /// The customer, or the payment where no customer is known.
    pub owner_id: Option<String>,
    /// The connected account.
    pub account: Option<String>,
    /// Whether the object's account counts.
    pub counts: bool,
    /// The event that the state is taken from.
    pub event_id: String,
    /// Unix seconds.
    #[serde(serialize_with = "wire::moment")]
    pub observed_at: i64,
    /// Two observations of one second contradict each other, and nothing tells which is later.
    pub unsettled: bool,
    /// What the events leave open.
    #[serde(skip)]
    missing: Option<&'static str>,
    /// What the rules read of it, in Stripe's words: its times are Unix seconds, as Stripe's are.
    pub state: Box<serde_json::value::RawValue>,
}

/// Explains what a user may use at `now` (Unix seconds).
///
/// # Errors
/// As the database says.
pub async fn explain(
    db: &Db,
    rulebook: &Rulebook,
    user_id: &str,
    now: i64,
) -> Result<Explanation, StoreError> {
    let stored = access(db, rulebook, user_id, now).await?;
    let (parties, objects) = belongings(db, user_id).await?;
    let ledger = ledger(&objects, rulebook);
    let owners = parties.iter().map(|it| Owner {
        id: it.owner_id.clone(),
        named_by: if it.priority == 0 { "app" } else { "stripe" },
    });
    let claims = claims(&ledger, rulebook, now);
    let dunning = dunning(&ledger, &claims);
    let doubled = double::doubled(&ledger, rulebook);
    let double_subscriptions = doubled.iter().map(|it| it.id.to_string()).collect();
    let objects = objects.iter().map(|it| basis(it, rulebook)).collect::<Result<Vec<_>, _>>()?;
    let mut explanation = Explanation {
        user_id: user_id.to_owned(),
        granted: stored.access.granted,
        plan: stored.access.plan,
        reason: stored.access.reason,
        revision: stored.revision,
        as_of: now,
        owners: owners.collect(),
        claims,
        dunning,
        double_subscriptions,
        objects,
        remarks: Vec::new(),
    };
    explanation.remarks = remarks(&explanation);
    explanation.remarks.extend(due_failure(db, user_id).await?);
    Ok(explanation)
}

fn basis(it: &StoredObject, rulebook: &Rulebook) -> Result<Basis, StoreError> {
    let state = serde_json::value::RawValue::from_string(it.standing.object.to_stored());
    Ok(Basis {
        id: it.id.clone(),
        kind: it.standing.object.kind().as_str(),
        owner_id: it.owner_id.clone(),
        account: it.account.clone(),
        counts: rulebook.counts(it.account.as_deref()),
        event_id: it.standing.event_id.to_string(),
        observed_at: it.standing.at,
        unsettled: it.standing.unsettled,
        missing: gaps::missing(&it.standing.object, rulebook),
        state: state.map_err(|it| StoreError::Corrupt { what: "object", why: it.to_string() })?,
    })
}

fn remarks(it: &Explanation) -> Vec<String> {
    let mut remarks = Vec::new();
    if it.owners.is_empty() {
        let text = "Nothing links this user to a Stripe customer: name the user with PUT /users, \
                    or put user_id into the metadata of the customer, subscription or session.";
        remarks.push(text.to_owned());
    }
    let mut owners: Vec<&str> = it.owners.iter().map(|it| it.id.as_str()).collect();
    owners.dedup();
    if owners.len() > 1 {
        remarks
            .push(format!("{} owners count for this user; the best of all decides.", owners.len()));
    }
    if !it.double_subscriptions.is_empty() {
        let all = it.double_subscriptions.join(" and ");
        remarks.push(format!("{all} all charge this user again; end those that are a mistake."));
    }
    let granted = it.claims.iter().filter(|it| it.granted).count();
    if granted > 1 {
        remarks
            .push(format!("{granted} purchases grant access at once; is one of them a mistake?"));
    }
    let gaps: Vec<(&str, &str)> =
        it.objects.iter().filter_map(|it| Some((it.id.as_str(), it.missing?))).collect();
    let is_whole = |source: &str| gaps.iter().all(|(id, _)| *id != source);
    let unknown = it.claims.iter().filter(|it| it.reason == Reason::UnknownPrice);
    remarks.extend(
        unknown
            .filter(|it| is_whole(&it.source))
            .map(|it| format!("No plan of tollgate.toml has a price of {}.", it.source)),
    );
    let ask = |(id, what): &(&str, &str)| format!("Stripe has to be asked about {id}: {what}.");
    remarks.extend(gaps.iter().map(ask));
    let foreign = it.objects.iter().filter(|it| !it.counts);
    remarks.extend(foreign.map(|it| format!("{} is of an account that does not count.", it.id)));
    let unsettled = it.objects.iter().filter(|it| it.unsettled);
    remarks.extend(unsettled.map(|it| {
        format!("{} was observed in two ways within one second; Stripe has to be asked.", it.id)
    }));
    remarks
}

/// What time should have changed by now, and why it could not.
async fn due_failure(db: &Db, user_id: &str) -> Result<Option<String>, StoreError> {
    let failure = store::due_failure::find(db, user_id).await?;
    Ok(failure.map(|it| {
        let (error, attempts, next) = (it.error, it.attempts, rfc3339(it.retry_at));
        format!("What time brought failed {attempts} times; it is tried again at {next}: {error}")
    }))
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, why) = (&self.user_id, self.reason.as_str());
        match self.granted {
            true => writeln!(f, "{user} may use plan {} ({why})", self.plan)?,
            false => writeln!(f, "{user} has no access ({why})")?,
        }
        title(f, "Customers", self.owners.is_empty())?;
        for it in &self.owners {
            writeln!(f, "  {}  named by {}", it.id, it.named_by)?;
        }
        title(f, "Claims, the best first", self.claims.is_empty())?;
        for it in &self.claims {
            let verdict = if it.granted { "grants" } else { "denies" };
            let plan = it.plan.as_deref().unwrap_or("no plan");
            let status = it.status.as_deref().unwrap_or("-");
            write!(
                f,
                "  {}  {verdict} {plan}: {} (status {status})",
                it.source,
                it.reason.as_str()
            )?;
            write_times(f, it)?;
        }
        write_dunning(f, &self.dunning)?;
        title(f, "Objects", self.objects.is_empty())?;
        for it in &self.objects {
            let at = rfc3339(it.observed_at);
            writeln!(f, "  {} {}  from {} of {at}", it.kind, it.id, it.event_id)?;
        }
        for it in &self.remarks {
            writeln!(f, "\n! {it}")?;
        }
        Ok(())
    }
}

/// A title where something stands below it.
fn title(f: &mut fmt::Formatter<'_>, text: &str, is_empty: bool) -> fmt::Result {
    if is_empty { Ok(()) } else { writeln!(f, "\n{text}") }
}

fn write_dunning(f: &mut fmt::Formatter<'_>, all: &[Dunning]) -> fmt::Result {
    if !all.is_empty() {
        writeln!(f, "\nMoney that is missing")?;
    }
    for it in all {
        let (since, level) = (rfc3339(it.since), it.level.as_str());
        let next = it.next_attempt.map_or_else(|| "never".to_owned(), rfc3339);
        writeln!(
            f,
            "  {} of {}  since {since}, tried {} times, next {next} (level {level})",
            it.invoice_id, it.subscription_id, it.attempts
        )?;
    }
    Ok(())
}

fn write_times(f: &mut fmt::Formatter<'_>, it: &Claim) -> fmt::Result {
    let times = [
        ("until", it.until),
        ("grace until", it.grace_until),
        ("cancels", it.cancel_at),
        ("paid through", it.paid_through),
        ("unpaid since", it.unpaid_since),
    ];
    for (name, at) in times {
        if let Some(at) = at {
            write!(f, ", {name} {}", rfc3339(at))?;
        }
    }
    writeln!(f)
}
