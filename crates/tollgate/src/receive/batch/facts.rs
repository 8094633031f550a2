//! The facts of a batch: what its events tell, what follows from the objects as they now are, and
//! what became of access. Each is found in whatever order the events come.

use std::collections::BTreeMap;

use super::super::derive::Derived;
use super::super::ownership::{customer_of, is_customer};
use super::super::{EventInput, Purpose};
use super::{Batch, News, Objects, tie};
use crate::rules::effects::{Effect, EffectKind, Recovery, recovery};
use crate::rules::gaps;
use crate::rules::merge::Standing;
use crate::rules::policy::Rulebook;
use crate::store::access::{Changed, StoredAccess};
use crate::store::object::StoredObject;
use crate::store::outbox::{NewFact, Staged};
use crate::webhook::{self, Incoming, Reading};

/// What came in.
pub(super) struct Found<'a> {
    pub(super) rulebook: &'a Rulebook,
    pub(super) batch: &'a Batch<'a>,
    pub(super) news: &'a [News<'a>],
    /// What they mean for cards.
    pub(super) cards: Vec<NewFact>,
}

/// The facts so far, each once.
#[derive(Default)]
struct Facts(BTreeMap<Effect, NewFact>);

impl Facts {
    fn add(&mut self, effect: Effect, event_id: Option<String>, owner_id: Option<String>) {
        let fact = fact(effect.clone(), event_id, owner_id);
        self.0.insert(effect, fact);
    }
}

pub(super) fn fact(effect: Effect, event_id: Option<String>, owner_id: Option<String>) -> NewFact {
    NewFact { staged: Staged { effect, event_id }, owner_id, only_if_failed: false }
}

/// Returns the facts of the events, the objects that Stripe has to be asked about, the customers
/// who became users', the access that changed.
pub(super) fn facts(found: &Found<'_>, objects: &Objects, derived: &Derived) -> Vec<NewFact> {
    let mut facts = Facts::default();
    let heard = found.news.iter().filter(|it| it.event.purpose != Purpose::Rebuild);
    for it in heard.map(|it| it.event) {
        of_event(it, found.rulebook, objects, &mut facts);
    }
    for it in objects.saved.iter().filter(|it| has_to_be_asked(it, found.rulebook)) {
        let effect = Effect::new(EffectKind::Refresh, &it.id, it.standing.at);
        facts.add(effect, Some(it.standing.event_id.to_string()), it.owner_id.clone());
    }
    for it in found.batch.noticed.iter().copied().chain(&found.cards) {
        facts.0.entry(it.staged.effect.clone()).or_insert_with(|| it.clone());
    }
    links(found, objects, &mut facts);
    for (effect, customer) in &derived.doubles {
        facts.add(effect.clone(), None, customer.clone());
    }
    let told = |it: &&Changed| it.after.access.granted || it.before.is_some();
    for it in derived.changed.iter().filter(told) {
        let StoredAccess { user_id, revision, access, .. } = &it.after;
        let kind = EffectKind::of_access(it.was_granted(), access.granted);
        let owner = access.customer_id.clone().unwrap_or_else(|| user_id.clone());
        facts.add(Effect::new(kind, user_id, *revision), it.cause.clone(), Some(owner));
    }
    facts.0.into_values().collect()
}

/// Whether Stripe has to be asked: its events contradict each other, or do not say it all.
fn has_to_be_asked(it: &StoredObject, rulebook: &Rulebook) -> bool {
    let Standing { object, event_id, unsettled, .. } = &it.standing;
    let has_gaps = gaps::missing(object, rulebook).is_some();
    *unsettled || (has_gaps && gaps::is_worth_asking(object, webhook::is_fetched(event_id)))
}

/// What happens in an account that does not count is not told: it is nobody's of ours, whomever its
/// objects name.
fn of_event(event: &EventInput, rulebook: &Rulebook, objects: &Objects, facts: &mut Facts) {
    let incoming = &event.incoming;
    let counts = rulebook.counts(incoming.account.as_deref());
    let cause = Some(incoming.id.to_string());
    let effects = match &incoming.reading {
        Reading::Observed { effects, .. } | Reading::Noted { effects, .. } => effects,
        Reading::Broken(_) => return facts.add(failed(event).staged.effect, cause, None),
        Reading::Ignored => return,
    };
    let owner = owner_of(incoming, objects);
    for effect in effects.iter().filter(|it| counts || it.kind == EffectKind::Refresh) {
        facts.add(effect.clone(), cause.clone(), owner.clone());
    }
    let Reading::Observed { key, observation, .. } = &incoming.reading else { return };
    if !counts {
        return;
    }
    match recovery(&incoming.event_type, &observation.object) {
        Some((effect, Recovery::IfPaid)) if objects.paid.contains(key) => {
            facts.add(effect, cause, owner);
        }
        Some((effect, Recovery::IfFailed)) => {
            let fact = NewFact { only_if_failed: true, ..fact(effect.clone(), cause, owner) };
            facts.0.entry(effect).or_insert(fact);
        }
        _ => {}
    }
}

/// The fact that an event could not be applied.
pub(super) fn failed(event: &EventInput) -> NewFact {
    let id = event.incoming.id.as_str();
    fact(Effect::new(EffectKind::EventFailed, id, ""), Some(id.to_owned()), None)
}

/// Customers who became users': the app named them, or an object that did not name the user before.
fn links(found: &Found<'_>, objects: &Objects, facts: &mut Facts) {
    if found.news.iter().any(|it| it.event.purpose == Purpose::Rebuild) {
        return;
    }
    for user in found.batch.users.values() {
        if let Some(customer) = &user.customer_id {
            let effect = Effect::new(EffectKind::CustomerLinked, customer, user.user_id.as_str());
            facts.add(effect, None, Some(customer.clone()));
        }
    }
    let counting = objects.saved.iter().filter(|it| found.rulebook.counts(it.account.as_deref()));
    for object in counting {
        let Some(tie) = tie(object).filter(|it| !objects.ties.contains(it)) else { continue };
        if is_customer(&tie.0) {
            let effect = Effect::new(EffectKind::CustomerLinked, &tie.0, tie.1.as_str());
            facts.add(effect, Some(object.standing.event_id.to_string()), Some(tie.0));
        }
    }
}

/// Whose an event's object is: its customer, else the payment where no customer is known.
fn owner_of(incoming: &Incoming, objects: &Objects) -> Option<String> {
    let saved = objects.saved.iter().find(|it| Some(it.id.as_str()) == incoming.object_id());
    let customer = || match &incoming.reading {
        Reading::Observed { observation, .. } => customer_of(&observation.object),
        _ => None,
    };
    saved.and_then(|it| it.owner_id.clone()).or_else(|| customer().map(str::to_owned))
}
