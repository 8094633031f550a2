//! Whether a card can pay for a renewal that is announced. It is looked at where Stripe announces
//! one, and once more where a card came because it was asked for: nothing was known of it then. A
//! batch with neither costs no statement.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_stripe::object::{Object, PaymentMethod};

use super::super::Purpose;
use super::News;
use super::facts::fact;
use crate::rules::card::{self, Payer};
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::policy::Rulebook;
use crate::store::object::StoredObject;
use crate::store::outbox::NewFact;
use crate::store::{self, StoreError, Tx};
use crate::webhook::{FETCHED, Reading};

/// A card that was asked for is told of if it expires within so long; of any other the next
/// announcement tells.
const SOON_SECS: i64 = 45 * 86_400;

/// Why a customer's cards are looked at.
struct Occasion<'a> {
    event_id: &'a str,
    created: i64,
    what: What<'a>,
}

enum What<'a> {
    /// A renewal of this subscription (or, of old, of something of this customer's) is announced.
    Renewal(&'a str),
    /// This card was asked for.
    Card(&'a str),
}

impl What<'_> {
    fn subject(&self) -> &str {
        match self {
            Self::Renewal(id) | Self::Card(id) => id,
        }
    }
}

/// Returns the facts of the cards that these renewals depend on, and asks for the cards that
/// nobody knows.
pub(super) async fn facts(
    tx: &mut Tx<'_>,
    rulebook: &Rulebook,
    news: &[News<'_>],
    now: i64,
) -> Result<Vec<NewFact>, StoreError> {
    let heard = news.iter().filter(|it| {
        let counts = rulebook.counts(it.event.incoming.account.as_deref());
        counts && it.event.purpose != Purpose::Rebuild
    });
    let occasions: Vec<Occasion<'_>> = heard.flat_map(occasions).collect();
    if occasions.is_empty() {
        return Ok(Vec::new());
    }
    let subjects = store::object::touched(tx, occasions.iter().map(|it| it.what.subject())).await?;
    let owners: BTreeSet<&str> = subjects.iter().filter_map(|it| it.owner_id.as_deref()).collect();
    let owners: Vec<&str> = owners.into_iter().collect();
    store::user::hold(tx, &owners).await?;
    let objects = store::object::payers(tx, &owners).await?;
    let payers = Payer::all(objects.iter().map(|it| &it.standing.object));
    let methods: BTreeSet<&str> = payers.values().flat_map(|it| it.methods(None)).collect();
    let stored = store::object::touched(tx, methods.into_iter()).await?;
    let cards = stored.iter().filter_map(|it| match &it.standing.object {
        Object::PaymentMethod(card) => Some((it.id.as_str(), card)),
        _ => None,
    });
    let known = KnownNow { subjects: &subjects, payers, cards: cards.collect() };
    Ok(occasions.iter().flat_map(|it| known.facts(it, now)).collect())
}

fn occasions<'a>(news: &'a News<'_>) -> Vec<Occasion<'a>> {
    let incoming = &news.event.incoming;
    let of = |what| Occasion { event_id: incoming.id.as_str(), created: incoming.created, what };
    match &incoming.reading {
        Reading::Noted { effects, .. } => {
            let renewals = effects.iter().filter(|it| it.kind == EffectKind::RenewalUpcoming);
            renewals.map(|it| of(What::Renewal(&it.subject))).collect()
        }
        Reading::Observed { key, observation, .. } if incoming.event_type == FETCHED => {
            let is_card = matches!(observation.object, Object::PaymentMethod(_));
            is_card.then(|| of(What::Card(key))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What is known of the customers concerned.
struct KnownNow<'a> {
    subjects: &'a [StoredObject],
    payers: BTreeMap<&'a str, Payer<'a>>,
    cards: BTreeMap<&'a str, &'a PaymentMethod>,
}

impl KnownNow<'_> {
    fn facts(&self, occasion: &Occasion<'_>, now: i64) -> Vec<NewFact> {
        let subject = occasion.what.subject();
        let owner = self.subjects.iter().find(|it| it.id == subject);
        let owner = owner.and_then(|it| it.owner_id.as_deref());
        let Some((owner, payer)) = owner.and_then(|it| self.payers.get_key_value(it)) else {
            return Vec::new();
        };
        let methods: BTreeSet<&str> = match &occasion.what {
            What::Renewal(id) => payer.methods(id.starts_with("sub_").then_some(id)).collect(),
            What::Card(id) => payer.methods(None).filter(|it| it == id).collect(),
        };
        let effect = |id: &str| match (self.cards.get(id), &occasion.what) {
            (Some(card), What::Renewal(_)) => payer.fact(card),
            (Some(card), What::Card(_)) if expires_soon(card, now) => payer.fact(card),
            // A source of old cannot be asked for.
            (None, What::Renewal(_)) if id.starts_with("pm_") => {
                Some(Effect::new(EffectKind::Refresh, id, occasion.created))
            }
            _ => None,
        };
        let effects = methods.into_iter().filter_map(effect);
        let of_owner = |it| fact(it, Some(occasion.event_id.to_owned()), Some((*owner).to_owned()));
        effects.map(of_owner).collect()
    }
}

fn expires_soon(card: &PaymentMethod, now: i64) -> bool {
    let ends_at = card::expiry(card).map(|it| it.next().begins_at());
    ends_at.is_some_and(|it| it <= now.saturating_add(SOON_SECS))
}
