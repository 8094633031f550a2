//! The operator's choices: which plans exist, and what each status or reversal does to access.

use std::collections::BTreeMap;

use tollgate_stripe::object::{SubscriptionItem, SubscriptionStatus};

use super::routes::Routes;

/// The name of having no plan.
pub const FREE: &str = "free";

/// What a status or a reversal does to access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Keeps access.
    Keep,
    /// Keeps access for so many seconds.
    Grace(i64),
    /// Ends access at once.
    Revoke,
}

/// One plan; clients name plans and periods, never prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How clients name it.
    pub name: String,
    /// How people read it.
    pub title: String,
    /// The best of all wins.
    pub rank: i64,
    /// Period (`monthly`, `yearly`, `once`, …) to price id or lookup key.
    pub prices: BTreeMap<String, String>,
    /// What it gives.
    pub features: Vec<String>,
}

/// The period name of a price that is paid once.
pub const ONCE: &str = "once";

/// What each status and reversal does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A renewal failed; Stripe still tries.
    pub past_due: Rule,
    /// Stripe gave up on an invoice.
    pub unpaid: Rule,
    /// A trial ended without a card.
    pub paused: Rule,
    /// The first payment is missing.
    pub incomplete: Rule,
    /// The present period was given back whole.
    pub full_refund: Rule,
    /// A part of it was given back.
    pub partial_refund: Rule,
    /// The bank took the money; nobody decided yet.
    pub dispute_open: Rule,
    /// The customer keeps the money.
    pub dispute_lost: Rule,
}

const DAY: i64 = 86_400;

impl Default for Policy {
    fn default() -> Self {
        Self {
            past_due: Rule::Grace(7 * DAY),
            unpaid: Rule::Revoke,
            paused: Rule::Revoke,
            incomplete: Rule::Revoke,
            full_refund: Rule::Revoke,
            partial_refund: Rule::Keep,
            dispute_open: Rule::Keep,
            dispute_lost: Rule::Revoke,
        }
    }
}

impl Policy {
    /// Returns what `status` does to access.
    pub fn rule(&self, status: &SubscriptionStatus) -> Rule {
        match status {
            SubscriptionStatus::Active | SubscriptionStatus::Trialing => Rule::Keep,
            SubscriptionStatus::PastDue => self.past_due,
            SubscriptionStatus::Unpaid => self.unpaid,
            SubscriptionStatus::Paused => self.paused,
            SubscriptionStatus::Incomplete => self.incomplete,
            SubscriptionStatus::Canceled
            | SubscriptionStatus::IncompleteExpired
            | SubscriptionStatus::Unknown(_) => Rule::Revoke,
        }
    }
}

/// Plans and policy together: all that the rules need to know besides Stripe's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// At least one.
    pub plans: Vec<Plan>,
    /// The plan that any price buys; set only where no plan names a price.
    pub any_price: Option<String>,
    /// What each status and reversal does.
    pub policy: Policy,
    /// Connected accounts whose objects count for access. Empty: only our own account's do,
    /// because a connected account writes its own objects and so could claim any user.
    pub accounts: Vec<String>,
    /// Who hears of which facts.
    pub routes: Routes,
}

impl Default for Rulebook {
    fn default() -> Self {
        let pro = Plan {
            name: "pro".to_owned(),
            title: "Pro".to_owned(),
            rank: 10,
            prices: BTreeMap::new(),
            features: Vec::new(),
        };
        Self {
            any_price: Some(pro.name.clone()),
            plans: vec![pro],
            policy: Policy::default(),
            accounts: Vec::new(),
            routes: Routes::default(),
        }
    }
}

impl Rulebook {
    /// Whether objects of this account count; `None` is our own.
    pub fn counts(&self, account: Option<&str>) -> bool {
        account.is_none_or(|it| self.accounts.iter().any(|known| known == it || known == "all"))
    }

    /// Returns the plan of this name.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|it| it.name == name)
    }

    /// Returns the best plan that these items buy, else the plan that `metadata.plan` names.
    pub fn plan_of_items(&self, items: &[SubscriptionItem], named: Option<&str>) -> Option<&Plan> {
        let refs = items.iter().flat_map(|it| {
            [it.price.as_ref().map(AsRef::as_ref), it.lookup_key.as_deref()].into_iter().flatten()
        });
        self.plan_of_prices(refs).or_else(|| named.and_then(|it| self.plan(it))).or_else(|| {
            let name = self.any_price.as_deref()?;
            (!items.is_empty()).then(|| self.plan(name)).flatten()
        })
    }

    /// Returns the plan that a one-time purchase buys: by its prices, or by the name it carries.
    /// That only one plan is sold once says nothing of what else is sold.
    pub fn plan_of_purchase<'a>(
        &self,
        prices: impl Iterator<Item = &'a str>,
        named: Option<&str>,
    ) -> Option<&Plan> {
        self.plan_of_prices(prices)
            .or_else(|| named.and_then(|it| self.plan(it)))
            .or_else(|| self.any_price.as_deref().and_then(|it| self.plan(it)))
    }

    /// Whether any plan is sold once.
    pub fn sells_once(&self) -> bool {
        self.plans.iter().any(|it| it.prices.contains_key(ONCE))
    }

    /// Returns the best plan that one of these prices buys, by its id or its lookup key.
    pub fn plan_of_prices<'a>(&self, refs: impl Iterator<Item = &'a str>) -> Option<&Plan> {
        refs.filter_map(|price| self.plans.iter().find(|it| it.prices.values().any(|p| p == price)))
            .max_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)))
    }
}
