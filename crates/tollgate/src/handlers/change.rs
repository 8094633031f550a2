//! What a handler is told.

use tollgate_stripe::object::Object;

use crate::rules::access::Access;
use crate::rules::effects::{Effect, EffectKind};

/// What a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What a user may use is another than before, in whatever respect: each new revision.
    Access,
    /// A fact became known. Each is told once, however often and in whatever order events come.
    Fact(EffectKind),
}

impl Kind {
    /// Returns the kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Fact(it) => it.as_str(),
        }
    }
}

impl From<EffectKind> for Kind {
    fn from(it: EffectKind) -> Self {
        Self::Fact(it)
    }
}

/// One change, for one user. Handlers of a fact that concerns several users run for each of them,
/// and once without a user where nobody is known.
#[derive(Clone, Debug)]
pub struct Change {
    /// What kind of change.
    pub kind: Kind,
    /// The app's id of the user.
    pub user_id: Option<String>,
    /// What the user could use before; of a fact, the same as `access`. `None` for who was unknown.
    pub before: Option<Access>,
    /// What the user may use now, in this transaction.
    pub access: Option<Access>,
    /// Counts the changes of this user's access; 0 before the first.
    pub revision: i64,
    /// The subscription or Checkout session that decides about access, where access changed.
    pub decided_by: Option<String>,
    /// Stripe's event that told of it; `None` where time brought it, or the app by naming the user.
    pub event_id: Option<String>,
    /// The fact, with the object that it is about; `None` for [`Kind::Access`].
    pub fact: Option<Effect>,
    /// The object of a fact as its event shows it; what is stored may be newer.
    pub object: Option<Object>,
    /// The time of the transaction, in Unix seconds.
    pub at: i64,
}
