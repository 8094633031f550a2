//! All that Tollgate holds, to be compared between runs. What may differ between two orders of the
//! same events is left out: versions, revisions and the times at which something was found out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tollgate::rules::effects::EffectKind;
use tollgate::store::access::StoredAccess;
use tollgate::store::event::{Status, Stored};
use tollgate::store::object::StoredObject;
use tollgate::store::outbox::Staged;
use tollgate::store::{self, Db};

use crate::home::Home;
use crate::process::Serving;

/// More rows than a test makes.
const ROWS_MAX: i64 = 10_000;

/// What one run ended in.
#[derive(Debug, PartialEq)]
pub struct State {
    events: BTreeMap<String, &'static str>,
    objects: Vec<StoredObject>,
    access: Vec<StoredAccess>,
    /// Keys of the facts that Stripe's events tell.
    facts: BTreeSet<String>,
    /// What the app is told of each user.
    answers: BTreeMap<String, Value>,
}

impl State {
    /// Looks at all of it, through the server and beside it.
    pub fn of(home: &Home, serving: &Serving, users: &[String]) -> Self {
        let (_, _, access, effects) = home.read(rows);
        check_announcements(&access, &effects);
        Self::of_rows_lost(home, serving, users)
    }

    /// The same where rows of access were lost: what was announced before says nothing then.
    pub fn of_rows_lost(home: &Home, serving: &Serving, users: &[String]) -> Self {
        let (events, mut objects, mut access, effects) = home.read(rows);
        objects.iter_mut().for_each(|it| it.version = 0);
        for it in &mut access {
            (it.revision, it.changed_at) = (0, 0);
        }
        Self {
            events: events.into_iter().map(|it| (it.id, it.status.as_str())).collect(),
            objects,
            access,
            facts: effects.iter().filter(|it| is_fact(it)).map(|it| it.effect.key()).collect(),
            answers: users.iter().map(|it| (it.clone(), answer(serving, it))).collect(),
        }
    }

    /// Fails unless there is something to compare.
    pub fn holds_something(&self) {
        let granted = self.answers.values().filter(|it| it["granted"] == true).count();
        assert!(granted > 0 && granted < self.answers.len(), "{:?}", self.answers);
        assert!(!self.facts.is_empty());
        assert!(self.events.values().all(|it| *it != "failed"), "{:?}", self.events);
    }

    /// Compares part by part, so that a difference can be read.
    #[track_caller]
    pub fn assert_same(&self, other: &Self, name: &str) {
        assert_eq!(self.events, other.events, "{name}: events");
        assert_eq!(self.facts, other.facts, "{name}: facts");
        assert_eq!(self.answers, other.answers, "{name}: answers");
        assert_eq!(self.access, other.access, "{name}: access");
        let ids = |it: &Self| it.objects.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(self), ids(other), "{name}: objects");
        for (one, another) in self.objects.iter().zip(&other.objects) {
            assert_eq!(one, another, "{name}");
        }
    }
}

type Rows = (Vec<Stored>, Vec<StoredObject>, Vec<StoredAccess>, Vec<Staged>);

async fn rows(db: &Db) -> Rows {
    (
        store::event::page(db, "", ROWS_MAX).await.expect("events"),
        store::object::page(db, "", ROWS_MAX).await.expect("objects"),
        store::access::page(db, "", ROWS_MAX).await.expect("access"),
        store::outbox::page(db, "", ROWS_MAX).await.expect("outbox"),
    )
}

/// Which changes of access there were, and when Stripe had to be asked, depends on the order.
fn is_fact(staged: &Staged) -> bool {
    let kind = staged.effect.kind;
    !kind.is_of_access() && kind != EffectKind::Refresh
}

/// Each revision of a user's access is announced, none of them twice; the first only where it
/// gave something.
fn check_announcements(access: &[StoredAccess], effects: &[Staged]) {
    for it in access {
        let announced: Vec<i64> = effects
            .iter()
            .filter(|staged| staged.effect.kind.is_of_access())
            .filter(|staged| staged.effect.subject == it.user_id)
            .map(|staged| staged.effect.detail.parse().expect("it is a revision"))
            .filter(|revision| *revision > 1)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let all: Vec<i64> = (2..=it.revision).collect();
        assert_eq!(announced, all, "{}", it.user_id);
    }
}

fn answer(serving: &Serving, user: &str) -> Value {
    let reply = serving.get(&format!("/access/{user}"));
    assert_eq!(reply.status, 200, "{reply:?}");
    let mut answer = reply.json();
    let fields = answer.as_object_mut().expect("it is an object");
    assert!(fields.remove("revision").is_some() && fields.remove("as_of").is_some());
    answer
}

/// Fails unless each of these events is stored and was applied or needed nothing.
pub fn assert_stored(home: &Home, taken: &BTreeSet<String>, name: &str) {
    let events = home.read(async |db| store::event::page(db, "", ROWS_MAX).await);
    let events = events.expect("the events can be read");
    let done: BTreeSet<&str> =
        events.iter().filter(|it| it.status != Status::Failed).map(|it| it.id.as_str()).collect();
    let lost: Vec<&String> = taken.iter().filter(|it| !done.contains(it.as_str())).collect();
    assert!(lost.is_empty(), "{name}: {} of {} are lost: {lost:?}", lost.len(), taken.len());
}
