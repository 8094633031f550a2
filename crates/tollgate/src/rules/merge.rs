//! One object's state as a pure function of the set of its observations. Whatever the order in
//! which they arrive, and however often, the same set ends in the same standing:
//!
//! 1. the highest [`Rank`] wins: terminal, then the later second, then one-way progress;
//! 2. between equals of the same second, `previous_attributes` tell which came before, and what we
//!    fetched ourselves came in the order in which we asked;
//! 3. still equal: creations before changes, the later period, then the event id, and the object
//!    is *unsettled*: Stripe has to be asked.
//!
//! [`fold`] decides alone in nearly all cases. Where equals differ it asks for a contest, and
//! [`settle`] judges all the stored observations of that second together.

use serde_json::Value;
use tollgate_stripe::id::EventId;
use tollgate_stripe::object::Object;

use super::observation::{Observation, Origin, Rank, likely_progress};

/// More equals than this in one second are not compared by their previous attributes.
pub const CONTESTANTS_MAX: usize = 64;

/// What an object is held to be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Unix seconds of the observation that won.
    pub at: i64,
    /// The event that won.
    pub event_id: EventId,
    /// Another observation of the same rank said something else.
    pub contested: bool,
    /// The contest was decided by nothing better than an id.
    pub unsettled: bool,
    /// The state that it won with.
    pub object: Object,
}

impl Standing {
    fn rank(&self) -> Rank {
        Rank::of(&self.object, self.at)
    }
}

/// What [`fold`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The news changes nothing.
    Unchanged,
    /// This is the new standing.
    Standing(Box<Standing>),
    /// All stored observations of this second have to be judged together.
    Contest {
        /// Unix seconds.
        at: i64,
    },
}

/// Folds new observations of one object into what it stood at. `news` is never empty.
pub fn fold(standing: Option<&Standing>, news: &[&Observation]) -> Fold {
    let news_top = news.iter().map(|it| Rank::of(&it.object, it.at)).max();
    let Some(top) = news_top else { return Fold::Unchanged };
    let standing = standing.filter(|it| it.rank() >= top);
    if standing.is_some_and(|it| it.rank() > top) {
        return Fold::Unchanged;
    }
    let best = news.iter().filter(|it| Rank::of(&it.object, it.at) == top);
    let mut winner: Option<Standing> = standing.cloned();
    for observation in best {
        match &mut winner {
            None => winner = Some(alone(observation)),
            Some(it) if it.contested || it.object != observation.object => {
                return Fold::Contest { at: observation.at };
            }
            Some(it) => it.event_id = it.event_id.clone().max(observation.event_id.clone()),
        }
    }
    match winner {
        Some(it) if Some(&it) != standing => Fold::Standing(Box::new(it)),
        _ => Fold::Unchanged,
    }
}

fn alone(observation: &Observation) -> Standing {
    Standing {
        at: observation.at,
        event_id: observation.event_id.clone(),
        contested: false,
        unsettled: false,
        object: observation.object.clone(),
    }
}

/// An observation with the raw JSON that its siblings' previous attributes are compared with.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// What was observed.
    pub observation: Observation,
    /// The raw object.
    pub raw: Value,
    /// What the event says the object was before, in part.
    pub previous: Option<Value>,
}

/// Judges all observations of one object in one second. Returns `None` where there are none.
pub fn settle(contestants: &[Contestant]) -> Option<Standing> {
    let rank = |it: &Contestant| Rank::of(&it.observation.object, it.observation.at);
    let top = contestants.iter().map(rank).max()?;
    let equals: Vec<&Contestant> = contestants.iter().filter(|it| rank(it) == top).collect();
    let latest = latest_of(&equals);
    let winner = latest.iter().copied().max_by(|a, b| tie_break(a).cmp(&tie_break(b)))?;
    let says_same = |it: &&&Contestant| it.observation.object == winner.observation.object;
    let rivals = latest.iter().filter(|it| !says_same(it));
    let unsettled = rivals.map(|it| evidence(it)).any(|it| it == evidence(winner));
    let event_id = equals.iter().filter(says_same).map(|it| &it.observation.event_id).max()?;
    Some(Standing {
        event_id: event_id.clone(),
        contested: !equals.iter().all(|it| says_same(&it)),
        unsettled,
        ..alone(&winner.observation)
    })
}

/// What still speaks for a contestant once its previous attributes do not decide.
fn evidence(it: &Contestant) -> (i64, bool) {
    (likely_progress(&it.observation.object), it.observation.origin != Origin::Creation)
}

fn tie_break(it: &Contestant) -> ((i64, bool), &EventId) {
    (evidence(it), &it.observation.event_id)
}

/// Drops every contestant that came before another, as their previous attributes tell. Where
/// they go in a circle (cancelled and un-cancelled within one second) nobody is dropped for it.
fn latest_of<'a>(equals: &[&'a Contestant]) -> Vec<&'a Contestant> {
    if equals.len() > CONTESTANTS_MAX {
        return equals.to_vec();
    }
    let before = reachable(equals);
    let is_last = |i: usize| (0..equals.len()).all(|j| !before[i][j] || before[j][i]);
    equals.iter().enumerate().filter(|(i, _)| is_last(*i)).map(|(_, it)| *it).collect()
}

/// `[i][j]`: contestant `i` came before `j`, directly or through others.
fn reachable(equals: &[&Contestant]) -> Vec<Vec<bool>> {
    let n = equals.len();
    let came_before = |a: &Contestant, b: &Contestant| {
        let told = b.previous.as_ref().is_some_and(|previous| was(previous, &a.raw));
        (told || fetched_before(&a.observation, &b.observation))
            && a.observation.object != b.observation.object
    };
    let mut before: Vec<Vec<bool>> =
        equals.iter().map(|a| equals.iter().map(|b| came_before(a, b)).collect()).collect();
    for via in 0..n {
        for from in 0..n {
            for to in 0..n {
                before[from][to] |= before[from][via] && before[via][to];
            }
        }
    }
    before
}

/// What we asked for ourselves we know the order of.
fn fetched_before(a: &Observation, b: &Observation) -> bool {
    let fetched = |it: &Observation| it.origin == Origin::Fetched;
    fetched(a) && fetched(b) && a.event_id < b.event_id
}

/// Whether `object` agrees with everything that `previous` says it was. Stripe names only what
/// changed, and repeats an array whole if any of its elements changed.
fn was(previous: &Value, object: &Value) -> bool {
    match (previous, object) {
        (Value::Object(previous), Value::Object(object)) => {
            !previous.is_empty()
                && previous.iter().all(|(key, value)| match object.get(key) {
                    Some(it) => was_value(value, it),
                    None => value.is_null(),
                })
        }
        _ => false,
    }
}

fn was_value(previous: &Value, value: &Value) -> bool {
    match (previous, value) {
        (Value::Object(_), Value::Object(_)) => was(previous, value),
        _ => previous == value,
    }
}
