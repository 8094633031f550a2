//! What is for sale, and what it costs, as Stripe has it: for a page that shows it.

use futures_util::future::join_all;

use super::prices::Price;
use super::{Billing, BillingError};
use crate::rules::policy::Plan;

pub use super::prices::Tag;

/// A plan with its prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// How clients name it.
    pub plan: String,
    /// How people read it.
    pub title: String,
    /// The best of all wins.
    pub rank: i64,
    /// What Stripe says of it.
    pub description: Option<String>,
    /// What it gives: in Stripe's words, else by the names of its features.
    pub features: Vec<String>,
    /// How many days it may be tried.
    pub trial_days: Option<u32>,
    /// A customer may try once only, whatever the plan.
    pub trial_once: bool,
    /// Period and price, the cheapest period first.
    pub prices: Vec<(String, Tag)>,
}

impl Billing {
    /// Returns all plans with prices, the lowest rank first. A price that is not there is left
    /// out; while Stripe is away, those that were seen before are shown.
    ///
    /// # Errors
    /// Stripe did not answer, or nothing at all is for sale.
    pub async fn offers(&self) -> Result<Vec<Offer>, BillingError> {
        let sold = self.rulebook.plans.iter().filter(|it| !it.prices.is_empty());
        let found = join_all(sold.map(|plan| self.offer(plan))).await;
        let mut offers = Vec::new();
        for offer in found {
            offers.extend(offer?);
        }
        if offers.is_empty() {
            return Err(BillingError::NotConfigured(
                "No plan of tollgate.toml has a price that is for sale.",
            ));
        }
        offers.sort_by_key(|it| it.rank);
        Ok(offers)
    }

    /// Returns what a plan gives, as people read it; nothing of a plan that is none of ours.
    pub fn features_of(&self, plan: &str) -> Vec<String> {
        let plan = self.rulebook.plans.iter().find(|it| it.name == plan);
        plan.map_or_else(Vec::new, |plan| {
            let price = plan.prices.values().find_map(|it| self.prices.find_old(it));
            features(plan, price.as_ref())
        })
    }

    /// Returns what a caller chose, with the name of its period and what it costs.
    ///
    /// # Errors
    /// It is not for sale, or Stripe did not say.
    pub async fn named(
        &self,
        plan: Option<&str>,
        period: Option<&str>,
    ) -> Result<(&Plan, String, Tag), BillingError> {
        let choice = self.choose(plan, period).await?;
        Ok((choice.plan, choice.period.to_owned(), choice.price.tag))
    }

    async fn offer(&self, plan: &Plan) -> Result<Option<Offer>, BillingError> {
        let asked = plan.prices.iter().map(|(period, reference)| async move {
            (period.clone(), self.price_to_show(reference).await)
        });
        let mut prices: Vec<(String, Price)> = Vec::new();
        for (period, price) in join_all(asked).await {
            match price {
                Ok(price) => prices.push((period, price)),
                Err(BillingError::NotConfigured(_)) => {}
                Err(error) => return Err(error),
            }
        }
        prices.sort_by_key(|(_, it)| (days(&it.tag), it.tag.amount));
        let Some((_, first)) = prices.first() else { return Ok(None) };
        let trial = self.trial_of(&plan.name).filter(|_| first.recurring);
        Ok(Some(Offer {
            plan: plan.name.clone(),
            title: plan.title.clone(),
            rank: plan.rank,
            description: first.description.clone(),
            features: features(plan, Some(first)),
            trial_days: trial.map(|it| it.days),
            trial_once: trial.is_some_and(|it| it.once),
            prices: prices.into_iter().map(|(period, it)| (period, it.tag)).collect(),
        }))
    }
}

/// What a plan gives: in Stripe's words, else by the names of its features.
fn features(plan: &Plan, price: Option<&Price>) -> Vec<String> {
    match price.filter(|it| !it.praise.is_empty()) {
        Some(price) => price.praise.clone(),
        None => plan.features.iter().map(|it| worded(it)).collect(),
    }
}

/// About how long a price's period is, in days; what is paid once comes last.
fn days(tag: &Tag) -> i64 {
    let Some((interval, count)) = &tag.interval else { return i64::MAX };
    let one = match interval.as_str() {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        _ => 365,
    };
    count.saturating_mul(one)
}

/// `api_access` is shown as "Api access".
fn worded(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    first + &chars.as_str().replace(['_', '-'], " ")
}
