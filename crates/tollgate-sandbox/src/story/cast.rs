//! Who takes part in a story: the customer, the user behind it, and what is for sale.

use super::versions::ApiVersionShape;
use crate::dice::{Dice, hash};

/// Who takes part in a story, and when it begins.
///
/// Two casts with the same seed, start and names tell the same story byte for byte. Prices keep
/// their amount across casts: the amount, the currency and the name follow from the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// The application's user: `metadata.user_id` on the customer and the subscription, and the
    /// session's `client_reference_id`. None leaves both out.
    pub user: Option<String>,
    /// Stripe's customer, `cus_…`.
    pub customer: String,
    /// Decides every id, name, address, card and amount that is not given here.
    pub seed: u64,
    /// When the story begins, in Unix seconds.
    pub start: i64,
    /// The price that is bought, `price_…`.
    pub price: String,
    /// The product of that price, `prod_…`.
    pub product: String,
    /// The price's lookup key; one that holds `year` or `annual` makes the price yearly.
    pub lookup_key: Option<String>,
    /// The plan's name: `metadata.plan` on the price, the session and a one-time payment.
    pub plan: Option<String>,
    /// The API version whose shapes the bodies have.
    pub api_version: ApiVersionShape,
    /// Live mode or test mode.
    pub livemode: bool,
    /// The connected account, `acct_…`, which every body then names.
    pub account: Option<String>,
}

impl Cast {
    /// Returns a cast in which everything but the start follows from the seed.
    pub fn new(seed: u64, start: i64) -> Self {
        let mut dice = Dice::new(seed, "cast");
        Self {
            user: Some(format!("user_{}", dice.decimals(9))),
            customer: format!("cus_{}", dice.word(14)),
            seed,
            start,
            price: format!("price_1{}", dice.word(23)),
            product: format!("prod_{}", dice.word(14)),
            lookup_key: Some("pro_monthly".to_owned()),
            plan: Some("pro".to_owned()),
            api_version: ApiVersionShape::Endive,
            livemode: false,
            account: None,
        }
    }

    /// Returns the other price of the same product: dearer, bought by `upgrade` and left by
    /// `downgrade_at_period_end`. It follows from [`Cast::price`].
    pub fn other_price(&self) -> String {
        format!("price_1{}", Dice::new(hash(&self.price), "other price").word(23))
    }
}
