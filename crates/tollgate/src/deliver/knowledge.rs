//! What is known around facts at the moment they are told, read for a whole claim in a constant
//! number of statements.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_stripe::object::{Customer, Invoice, Object, PaymentMethod, Subscription};

use crate::receive::access_of;
use crate::rules::access::Access;
use crate::rules::card::Payer;
use crate::rules::double;
use crate::rules::dunning::Dunning;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::gaps;
use crate::rules::known::Known;
use crate::rules::policy::Rulebook;
use crate::store::belonging::Belongings;
use crate::store::event::Status;
use crate::store::object::StoredObject;
use crate::store::outbox::Staged;
use crate::store::{self, Db, StoreError};
use crate::webhook::{self, Reference};

/// Stripe tries an invoice at most some twenty times.
const ATTEMPTS_MAX: i64 = 64;

/// A fact with what is known around it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// The fact and the event that told it.
    pub staged: Staged,
    /// When it was staged, in Unix seconds.
    pub created_at: i64,
    /// What is known around it now.
    pub known: Known,
    /// Whether the same destination was told that this invoice could not be paid.
    pub failure_told: bool,
    /// Of a question to Stripe: how it is asked.
    pub reference: Reference,
    /// The second, Unix, in which what was observed of the subject contradicts itself or leaves
    /// something open.
    pub unsettled_at: Option<i64>,
}

/// Returns the facts of these keys with what is known around them at `now` (Unix seconds) and what
/// this destination was told before.
///
/// # Errors
/// As the database says.
pub async fn gather(
    db: &Db,
    rulebook: &Rulebook,
    destination: &str,
    keys: &[&str],
    now: i64,
) -> Result<Vec<Fact>, StoreError> {
    let found = store::outbox::find(db, keys).await?;
    let mut library = Library::read(db, rulebook, &found).await?;
    library.derive_due(rulebook, now);
    let mut facts = Vec::with_capacity(found.len());
    for (staged, created_at) in found {
        let mut known = library.around(&staged);
        if staged.effect.kind == EffectKind::RenewalUpcoming {
            known.invoice = upcoming(db, staged.event_id.as_deref()).await?;
        }
        let failure_told = match &known.invoice {
            Some(invoice) if staged.effect.kind == EffectKind::PaymentRecovered => {
                has_heard_of_failure(db, destination, &staged.effect.subject, invoice).await?
            }
            _ => false,
        };
        if let Some(other) = other_side(&staged.effect) {
            known.to_confirm = !store::outbox::find(db, &[&other.key()]).await?.is_empty();
        }
        if staged.effect.kind == EffectKind::DoubleSubscription {
            known.still_doubled = Some(is_doubled(db, &staged.effect).await?);
        }
        if staged.effect.kind == EffectKind::EventFailed {
            let outcome = store::event::outcome(db, &staged.effect.subject).await?;
            known.still_failed = outcome.as_ref().map(|(it, _)| *it == Status::Failed);
            known.failure = outcome.and_then(|(_, why)| why);
        }
        if staged.effect.kind == EffectKind::Silence {
            let last = store::event::last(db).await?;
            known.still_silent = Some(last.is_some_and(|it| it.id == staged.effect.subject));
        }
        let reference = match staged.effect.kind {
            EffectKind::Refresh => reference(db, &staged, &library).await?,
            _ => Reference::default(),
        };
        let unsettled_at = library.unsettled_at(&staged.effect.subject);
        facts.push(Fact { staged, created_at, known, failure_told, reference, unsettled_at });
    }
    Ok(facts)
}

/// How an object is asked for, as the event says that made it unsure, else as it is kept.
async fn reference(db: &Db, staged: &Staged, library: &Library) -> Result<Reference, StoreError> {
    let event = match &staged.event_id {
        Some(id) => store::event::find(db, id).await?,
        None => None,
    };
    let told = event.map(|it| webhook::reference(&it.body)).unwrap_or_default();
    let kept = || library.objects.get(&staged.effect.subject)?.account.clone();
    Ok(Reference { account: told.account.or_else(kept), ..told })
}

/// Whether a subscription beside the subject still charges again.
async fn is_doubled(db: &Db, effect: &Effect) -> Result<bool, StoreError> {
    let others = store::object::find_all(db, &double::others(effect)).await?;
    let charges = |it: &StoredObject| match &it.standing.object {
        Object::Subscription(it) => double::still_charges(it),
        _ => false,
    };
    Ok(others.iter().any(charges))
}

/// Stripe says of an attempt that has to be confirmed that it failed, too.
fn other_side(effect: &Effect) -> Option<Effect> {
    let kind = match effect.kind {
        EffectKind::PaymentFailed => EffectKind::PaymentActionRequired,
        EffectKind::PaymentActionRequired => EffectKind::PaymentFailed,
        _ => return None,
    };
    Some(Effect { kind, ..effect.clone() })
}

/// A payment that failed is told once an attempt, so that the keys of what may have been told are
/// known.
async fn has_heard_of_failure(
    db: &Db,
    destination: &str,
    invoice_id: &str,
    invoice: &Invoice,
) -> Result<bool, StoreError> {
    let attempts = 0..=invoice.attempt_count.clamp(0, ATTEMPTS_MAX);
    let key = |attempt| {
        let detail = format!("attempt_{attempt}");
        Effect::new(EffectKind::PaymentFailed, invoice_id, &*detail).key()
    };
    let keys: Vec<String> = attempts.map(key).collect();
    Ok(!store::delivery::told(db, destination, &keys).await?.is_empty())
}

/// The invoice that is coming has no id and is no object of the store: its event has it.
async fn upcoming(db: &Db, event_id: Option<&str>) -> Result<Option<Invoice>, StoreError> {
    let Some(id) = event_id else { return Ok(None) };
    let event = store::event::find(db, id).await?;
    Ok(event.and_then(|it| match webhook::snapshot(&it.body) {
        Some(Object::Invoice(invoice)) => Some(invoice),
        _ => None,
    }))
}

/// Whether a fact's subject is a user rather than an object.
fn is_about_user(kind: EffectKind) -> bool {
    kind.is_of_access()
}

/// The customer who became a user's, who may be known by no event of their own yet.
fn linked(effect: &Effect) -> Option<&str> {
    (effect.kind == EffectKind::CustomerLinked).then_some(effect.subject.as_str())
}

/// Everything around the facts of one claim.
#[derive(Default)]
struct Library {
    objects: BTreeMap<String, StoredObject>,
    belongings: Vec<Belongings>,
    access: BTreeMap<String, store::access::StoredAccess>,
    named: BTreeMap<String, store::user::AppUser>,
    /// The customers of cards that expire, and their subscriptions.
    payers: Vec<StoredObject>,
}

impl Library {
    async fn read(
        db: &Db,
        rulebook: &Rulebook,
        facts: &[(Staged, i64)],
    ) -> Result<Self, StoreError> {
        let (about_users, about_objects): (Vec<&Staged>, Vec<&Staged>) =
            facts.iter().map(|(it, _)| it).partition(|it| is_about_user(it.effect.kind));
        let mut library = Self::default();
        library.fetch(db, about_objects.iter().map(|it| it.effect.subject.clone())).await?;
        let linked = about_objects.iter().filter_map(|it| linked(&it.effect)).map(str::to_owned);
        let owned = library.objects.values().filter_map(|it| it.owner_id.clone());
        let owners: BTreeSet<String> = owned.chain(linked).collect();
        let users: BTreeSet<&str> =
            about_users.iter().map(|it| it.effect.subject.as_str()).collect();
        library.fetch_users(db, &owners, &users).await?;
        library.leave_out_strangers(rulebook);
        library.fetch_payers(db, facts).await?;
        let beside: Vec<String> = library.objects.values().flat_map(beside).collect();
        library.fetch(db, owners.into_iter().chain(beside)).await?;
        let methods: Vec<String> = library.objects.values().filter_map(method_of).collect();
        library.fetch(db, methods.into_iter()).await?;
        Ok(library)
    }

    /// What time has changed may not be written yet: whoever asks is answered what follows now.
    fn derive_due(&mut self, rulebook: &Rulebook, now: i64) {
        for theirs in &self.belongings {
            let Some(stored) = self.access.get_mut(&theirs.user_id) else { continue };
            if stored.access.due_at.is_some_and(|it| it <= now) {
                stored.access = access_of(&theirs.owned, rulebook, now);
            }
        }
    }

    async fn fetch(
        &mut self,
        db: &Db,
        ids: impl Iterator<Item = String>,
    ) -> Result<(), StoreError> {
        let ids: BTreeSet<String> = ids.filter(|it| !self.objects.contains_key(it)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        for chunk in ids.chunks(store::sql::ROWS_MAX) {
            let found = store::object::find_all(db, chunk).await?;
            self.objects.extend(found.into_iter().map(|it| (it.id.clone(), it)));
        }
        Ok(())
    }

    fn unsettled_at(&self, id: &str) -> Option<i64> {
        let standing = &self.objects.get(id)?.standing;
        let is_open = standing.unsettled || gaps::may_miss(&standing.object);
        is_open.then_some(standing.at)
    }

    async fn fetch_users(
        &mut self,
        db: &Db,
        owners: &BTreeSet<String>,
        users: &BTreeSet<&str>,
    ) -> Result<(), StoreError> {
        let owners: Vec<&str> = owners.iter().map(String::as_str).collect();
        let users: Vec<&str> = users.iter().copied().collect();
        if owners.is_empty() && users.is_empty() {
            return Ok(());
        }
        self.belongings = store::belonging::read_of_users(db, &owners, &users).await?;
        let ids: Vec<&str> = self.belongings.iter().map(|it| it.user_id.as_str()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let access = store::access::find_all(db, &ids).await?;
        self.access = access.into_iter().map(|it| (it.user_id.clone(), it)).collect();
        let named = store::user::find_all(db, &ids).await?;
        self.named = named.into_iter().map(|it| (it.user_id.clone(), it)).collect();
        Ok(())
    }

    /// What an account that does not count says of our users says nothing: neither who somebody's
    /// user is, nor what a user has, nor where to write.
    fn leave_out_strangers(&mut self, rulebook: &Rulebook) {
        for it in &mut self.belongings {
            for owned in &mut it.owned {
                owned.objects.retain(|(account, _)| rulebook.counts(account.as_deref()));
            }
            it.owned.retain(|it| it.priority == 0 || !it.objects.is_empty());
        }
    }

    async fn fetch_payers(&mut self, db: &Db, facts: &[(Staged, i64)]) -> Result<(), StoreError> {
        let cards = facts.iter().filter(|(it, _)| it.effect.kind == EffectKind::CardExpiring);
        let cards = cards.filter_map(|(it, _)| self.objects.get(&it.effect.subject));
        let owners: BTreeSet<&str> = cards.filter_map(|it| it.owner_id.as_deref()).collect();
        if owners.is_empty() {
            return Ok(());
        }
        let owners: Vec<&str> = owners.into_iter().collect();
        self.payers = store::object::read_payers(db, &owners).await?;
        Ok(())
    }

    /// What a card cannot pay for.
    fn missed(&self, subject: Option<&Object>) -> Option<Subscription> {
        let Some(Object::PaymentMethod(card)) = subject else { return None };
        let payers = Payer::all(self.payers.iter().map(|it| &it.standing.object));
        payers.get(card.customer.as_ref()?.as_str())?.missed(card).cloned()
    }

    fn around(&self, staged: &Staged) -> Known {
        let effect = &staged.effect;
        let stored = self.objects.get(&effect.subject);
        let owner = stored.and_then(|it| it.owner_id.as_deref()).or_else(|| linked(effect));
        let theirs = match is_about_user(effect.kind) {
            true => self.belongings.iter().find(|it| it.user_id == effect.subject),
            false => owner.and_then(|it| self.user_of(it)),
        };
        let user_id = theirs.map(|it| it.user_id.clone());
        let access = user_id.as_deref().and_then(|it| self.access.get(it));
        let named = user_id.as_deref().and_then(|it| self.named.get(it));
        let subject = stored.map(|it| it.standing.object.clone());
        let customer_id = owner.or(access.and_then(|it| it.access.customer_id.as_deref()));
        let customer = self.customer(customer_id, theirs);
        let subscription = match effect.kind {
            EffectKind::CardExpiring => self.missed(subject.as_ref()),
            _ => self.subscription(subject.as_ref(), theirs),
        };
        let dunning = access.and_then(|it| dunning_of(&it.access, subscription.as_ref()));
        let invoice = match (&subject, &dunning, theirs) {
            (None, Some(dunning), Some(theirs)) => owed(theirs, dunning),
            _ => self.invoice(subject.as_ref(), subscription.as_ref()),
        };
        let email = named.and_then(|it| it.email.clone());
        let name = named.and_then(|it| it.name.clone());
        Known {
            email: email.or_else(|| customer.as_ref()?.email.clone()),
            name: name.or_else(|| customer.as_ref()?.name.clone()),
            access: access.map(|it| it.access.clone()),
            revision: access.map_or(0, |it| it.revision),
            payment_method: self.payment_method(
                subject.as_ref(),
                subscription.as_ref(),
                customer.as_ref(),
            ),
            user_id,
            subject,
            customer,
            subscription,
            invoice,
            dunning,
            to_confirm: false,
            still_failed: None,
            failure: None,
            ordered_at: stored.filter(|it| is_order(it)).map(|it| it.standing.at),
            still_doubled: None,
            still_silent: None,
        }
    }

    /// The user whom the app tied to this owner, else one whom an object names.
    fn user_of(&self, owner: &str) -> Option<&Belongings> {
        let owners = self.belongings.iter().filter_map(|it| {
            let owned = it.owned.iter().find(|it| it.owner_id == owner)?;
            Some((owned.priority, it))
        });
        owners.min_by_key(|(priority, it)| (*priority, it.user_id.as_str())).map(|(_, it)| it)
    }

    fn customer(&self, id: Option<&str>, theirs: Option<&Belongings>) -> Option<Customer> {
        let of_store = id.and_then(|it| match &self.objects.get(it)?.standing.object {
            Object::Customer(it) => Some(it.clone()),
            _ => None,
        });
        let all = theirs.into_iter().flat_map(|it| &it.owned).flat_map(|it| &it.objects);
        let mut owned = all.filter_map(|(_, it)| match it {
            Object::Customer(it) if id.is_none_or(|id| it.id.as_str() == id) => Some(it.clone()),
            _ => None,
        });
        of_store.or_else(|| owned.next())
    }

    /// The subscription that the subject is or is for; about a user, their latest.
    fn subscription(
        &self,
        subject: Option<&Object>,
        theirs: Option<&Belongings>,
    ) -> Option<Subscription> {
        let named = match subject {
            Some(Object::Subscription(it)) => return Some(it.clone()),
            Some(Object::Invoice(it)) => it.subscription.as_ref().map(ToString::to_string),
            Some(Object::CheckoutSession(it)) => it.subscription.as_ref().map(ToString::to_string),
            Some(_) => return None,
            None => None,
        };
        if let Some(id) = named {
            return match &self.objects.get(&id)?.standing.object {
                Object::Subscription(it) => Some(it.clone()),
                _ => None,
            };
        }
        let all = theirs?.owned.iter().flat_map(|it| &it.objects);
        let subscriptions = all.filter_map(|(_, it)| match it {
            Object::Subscription(it) => Some(it),
            _ => None,
        });
        subscriptions.max_by_key(|it| (it.created, it.id.as_str())).cloned()
    }

    fn invoice(
        &self,
        subject: Option<&Object>,
        subscription: Option<&Subscription>,
    ) -> Option<Invoice> {
        if let Some(Object::Invoice(it)) = subject {
            return Some(it.clone());
        }
        let id = subscription?.latest_invoice.as_ref()?;
        match &self.objects.get(id.as_str())?.standing.object {
            Object::Invoice(it) => Some(it.clone()),
            _ => None,
        }
    }

    fn payment_method(
        &self,
        subject: Option<&Object>,
        subscription: Option<&Subscription>,
        customer: Option<&Customer>,
    ) -> Option<PaymentMethod> {
        if let Some(Object::PaymentMethod(it)) = subject {
            return Some(it.clone());
        }
        let own = subscription.and_then(|it| it.default_payment_method.as_ref());
        let theirs = customer.and_then(|it| it.default_payment_method.as_ref());
        let id = own.or(theirs.filter(|_| subscription.is_some()))?;
        match &self.objects.get(id.as_str())?.standing.object {
            Object::PaymentMethod(it) => Some(it.clone()),
            _ => None,
        }
    }
}

/// The invoice that is missing, where the fact is about a user.
fn owed(theirs: &Belongings, dunning: &Dunning) -> Option<Invoice> {
    let all = theirs.owned.iter().flat_map(|it| &it.objects);
    let mut owed = all.filter_map(|(_, it)| match it {
        Object::Invoice(it) if it.id.as_ref()?.as_str() == dunning.invoice_id => Some(it.clone()),
        _ => None,
    });
    owed.next()
}

/// Nothing happens to such a purchase after its payment: what is known last of it tells that.
fn is_order(it: &StoredObject) -> bool {
    matches!(it.standing.object, Object::CheckoutSession(_))
}

/// What is missing of this subscription; where the fact is about none, of the one that decides.
fn dunning_of(access: &Access, subscription: Option<&Subscription>) -> Option<Dunning> {
    let of_it = |it: &&Dunning| match subscription {
        Some(subscription) => it.subscription_id == subscription.id.as_str(),
        None => it.decides,
    };
    access.dunning.iter().find(of_it).cloned()
}

/// The ids of the objects that are told of together with this one.
fn beside(stored: &StoredObject) -> Vec<String> {
    let ids = match &stored.standing.object {
        Object::Invoice(it) => vec![it.subscription.as_ref().map(ToString::to_string)],
        Object::CheckoutSession(it) => vec![it.subscription.as_ref().map(ToString::to_string)],
        Object::Subscription(it) => vec![it.latest_invoice.as_ref().map(ToString::to_string)],
        _ => Vec::new(),
    };
    ids.into_iter().flatten().collect()
}

fn method_of(stored: &StoredObject) -> Option<String> {
    match &stored.standing.object {
        Object::Subscription(it) => it.default_payment_method.as_ref().map(ToString::to_string),
        Object::Customer(it) => it.default_payment_method.as_ref().map(ToString::to_string),
        _ => None,
    }
}
