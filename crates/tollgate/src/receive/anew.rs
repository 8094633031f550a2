//! Another rulebook than before: what users may use was derived by the plans, the policy, the
//! accounts and the rules of their day, and most of them have no event for a month. So at every
//! start it is looked whether all is derived by the rulebook of now, and if not, it is derived anew
//! for everybody. In steps, so that what comes in meanwhile is not held up.

use sha2::{Digest, Sha256};

use super::retry::{StepError, submit_all};
use super::{BATCH_MAX, Input, Receiver};
use crate::rules::policy::Rulebook;
use crate::store::schema::RulebookMark;
use crate::store::{self, Db};

/// Users of one step.
const PAGE: i64 = 256;
/// How far apart the clocks of nodes may be, in seconds.
const CLOCKS_DIFFER_SECS: i64 = 300;

/// Whose access is derived anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The rulebook is another one: everybody's.
    Everybody,
    /// It is the same. While nodes were exchanged one by one, those before may have gone on by
    /// theirs: whose access changed since then, Unix seconds.
    ChangedSince(i64),
}

/// One walk over the users.
pub struct Anew {
    mark: RulebookMark,
    whose: Option<Whose>,
    after: String,
    users: u64,
}

impl Anew {
    /// Begins at `now`, Unix seconds.
    pub fn new(rulebook: &Rulebook, now: i64) -> Self {
        let mark = RulebookMark { digest: digest(rulebook), at: now };
        Self { mark, whose: None, after: String::new(), users: 0 }
    }

    /// Derives the access of the next users anew; returns how many it were in all once nobody is
    /// left, which is noted, so that the next start finds it done.
    ///
    /// # Errors
    /// The database is away, or too much is waiting; the next step does the same again.
    pub async fn step(&mut self, db: &Db, receiver: &Receiver) -> Result<Option<u64>, StepError> {
        let whose = match self.whose {
            Some(whose) => whose,
            None => self.find_out(db).await?,
        };
        let users = match whose {
            Whose::Everybody => store::user::everybody(db, &self.after, PAGE).await?,
            Whose::ChangedSince(at) => {
                store::access::changed_since(db, at, &self.after, PAGE).await?
            }
        };
        let Some(last) = users.last().cloned() else {
            store::schema::mark_rulebook(db, &self.mark).await?;
            return Ok(Some(self.users));
        };
        for some in users.chunks(BATCH_MAX) {
            submit_all(receiver, some.iter().cloned().map(Input::Due).collect()).await?;
        }
        self.users = self.users.saturating_add(users.len() as u64);
        self.after = last;
        Ok(None)
    }

    async fn find_out(&mut self, db: &Db) -> Result<Whose, StepError> {
        let before = store::schema::rulebook_mark(db).await?;
        let same = before.filter(|it| it.digest == self.mark.digest);
        let whose = same.map_or(Whose::Everybody, |it| {
            Whose::ChangedSince(it.at.saturating_sub(CLOCKS_DIFFER_SECS))
        });
        self.whose = Some(whose);
        Ok(whose)
    }
}

/// Names all that access is derived by besides Stripe's objects and time. The rules themselves may
/// be others in another version.
fn digest(rulebook: &Rulebook) -> String {
    let Rulebook { plans, any_price, policy, accounts, routes: _ } = rulebook;
    let version = env!("CARGO_PKG_VERSION");
    let text = format!("{version} {plans:?} {any_price:?} {policy:?} {accounts:?}");
    let digest = Sha256::digest(text);
    digest.iter().take(16).map(|it| format!("{it:02x}")).collect()
}
