//! What a user has, as they see it: from what we hold, without asking Stripe, so that it can be
//! shown at any time.

use tollgate_stripe::object::{Object, Subscription, SubscriptionStatus};

use super::offers::Tag;
use super::{Billing, BillingError};
use crate::answer;
use crate::rules::access::Access;
use crate::rules::policy::Plan;
use crate::rules::subscription;
use crate::store;

/// What a user has.
#[derive(Clone, Debug)]
pub struct Account {
    /// What they may use.
    pub access: Access,
    /// How people read the plan that they may use; none where nothing is granted.
    pub title: Option<String>,
    /// The subscription that goes on, the best one of several.
    pub running: Option<Running>,
    /// How many go on.
    pub running_count: usize,
    /// The plans that they bought once and for good.
    pub owned: Vec<String>,
    /// They had a trial at any time.
    pub had_trial: bool,
    /// Stripe knows them as a customer.
    pub is_customer: bool,
}

/// A subscription that goes on.
#[derive(Clone, Debug)]
pub struct Running {
    /// The plan's name.
    pub plan: String,
    /// How people read it.
    pub title: String,
    /// The plan's rank.
    pub rank: i64,
    /// The name of its period; none where the price is no longer one of the plan's.
    pub period: Option<String>,
    /// What one costs; none where that is not known right now.
    pub tag: Option<Tag>,
    /// How many.
    pub quantity: Option<i64>,
    /// Where it stands.
    pub status: SubscriptionStatus,
    /// Unix seconds at which what is paid for is over.
    pub period_end: Option<i64>,
    /// Unix seconds at which it ends; none while it goes on.
    pub ends_at: Option<i64>,
    /// Unix seconds at which its trial ends.
    pub trial_end: Option<i64>,
}

impl Billing {
    /// Returns what a user has.
    ///
    /// # Errors
    /// As the database says.
    pub async fn account(&self, user_id: &str) -> Result<Account, BillingError> {
        let now = self.clock.now();
        let access = answer::access(&self.db, &self.rulebook, user_id, now).await?.access;
        let counts = |account: Option<&str>| self.rulebook.counts(account);
        let parties = store::user::parties_of(&self.db, user_id, counts).await?;
        let owners: Vec<&str> = parties.iter().map(|it| it.owner_id.as_str()).collect();
        let objects = store::object::read_of_owners(&self.db, &owners).await?;
        let subscriptions: Vec<&Subscription> = objects
            .iter()
            .filter(|it| counts(it.account.as_deref()))
            .filter_map(|it| match &it.standing.object {
                Object::Subscription(it) => Some(it),
                _ => None,
            })
            .collect();
        let live = || subscriptions.iter().filter(|it| subscription::goes_on(it));
        let mut running: Vec<Running> = Vec::new();
        for subscription in live() {
            running.extend(self.running(subscription).await);
        }
        running.sort_by_key(|it| std::cmp::Reverse((it.plan == access.plan, it.rank)));
        let title = self.rulebook.plans.iter().find(|it| access.granted && it.name == access.plan);
        Ok(Account {
            title: title.map(|it| it.title.clone()),
            running_count: running.len(),
            running: running.into_iter().next(),
            owned: self.owned(user_id, now).await?,
            had_trial: subscriptions.iter().any(|it| it.trial_start.is_some()),
            is_customer: self.known_customer(user_id).await?.is_some(),
            access,
        })
    }

    async fn owned(&self, user_id: &str, now: i64) -> Result<Vec<String>, BillingError> {
        let claims = answer::claims_of(&self.db, &self.rulebook, user_id, now).await?;
        let owned = claims.into_iter().filter(|it| it.granted && it.is_purchase());
        Ok(owned.filter_map(|it| it.plan).collect())
    }

    /// Returns by what a user knows themself: their address, where the app told it, else their id.
    pub async fn label(&self, user_id: &str) -> String {
        let said = store::user::find(&self.db, user_id).await.ok().flatten();
        said.and_then(|it| it.email).unwrap_or_else(|| user_id.to_owned())
    }

    async fn running(&self, it: &Subscription) -> Option<Running> {
        let plan = self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref())?;
        let found = period_of(plan, it);
        let tag = match found {
            Some((_, reference)) => self.price_to_show(reference).await.ok().map(|it| it.tag),
            None => None,
        };
        Some(Running {
            plan: plan.name.clone(),
            title: plan.title.clone(),
            rank: plan.rank,
            period: found.map(|(period, _)| period.to_owned()),
            tag,
            quantity: it.items.first().and_then(|it| it.quantity),
            status: it.status.clone(),
            period_end: it.current_period_end,
            ends_at: it.ends_at(),
            trial_end: it.trial_end,
        })
    }
}

/// Which of a plan's periods a subscription has, and the price's id or lookup key.
fn period_of<'a>(plan: &'a Plan, it: &Subscription) -> Option<(&'a str, &'a str)> {
    let is_its = |reference: &str| {
        it.items.iter().any(|item| {
            item.price.as_ref().is_some_and(|it| it.as_str() == reference)
                || item.lookup_key.as_deref() == Some(reference)
        })
    };
    let found = plan.prices.iter().find(|(_, reference)| is_its(reference));
    found.map(|(period, reference)| (period.as_str(), reference.as_str()))
}
