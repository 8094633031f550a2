//! What is for sale: products, prices and the plans they once were, coupons, promotion codes.

use crate::dice::{Dice, hash};
use crate::story::calendar::add_months;
use crate::story::cast::Cast;
use crate::story::json::{Blank, Json};
use crate::story::people::shop;
use crate::story::teller::Teller;

static PRODUCT: Blank = Blank::new(include_str!("product.json"));
static PRICE: Blank = Blank::new(include_str!("price.json"));
static PLAN: Blank = Blank::new(include_str!("plan.json"));
static COUPON: Blank = Blank::new(include_str!("coupon.json"));
static PROMOTION_CODE: Blank = Blank::new(include_str!("promotion_code.json"));
static DISCOUNT: Blank = Blank::new(include_str!("discount.json"));

/// Prices are made this long before the story begins.
const SHELF_SECONDS: i64 = 200 * 86_400;

const AMOUNTS: [i64; 10] = [500, 800, 900, 1_200, 1_500, 1_900, 2_000, 2_900, 3_900, 4_900];
const TIERS: [&str; 6] = ["Starter", "Plus", "Pro", "Team", "Studio", "Scale"];

/// A price and what follows from it.
#[derive(Debug, Clone)]
pub(in crate::story) struct Tariff {
    pub price: String,
    pub product: String,
    /// In minor units of the currency.
    pub amount: i64,
    pub currency: &'static str,
    pub yearly: bool,
    pub recurring: bool,
    pub lookup_key: Option<String>,
    pub plan: Option<String>,
    pub tier: &'static str,
    pub created: i64,
    pub livemode: bool,
}

impl Tariff {
    /// Returns the price of the cast.
    pub(in crate::story) fn of(cast: &Cast) -> Self {
        let mut dice = Dice::new(hash(&cast.price), "tariff");
        let key = cast.lookup_key.as_deref().unwrap_or_default();
        let yearly = key.contains("year") || key.contains("annual");
        let monthly = dice.pick(&AMOUNTS);
        Self {
            price: cast.price.clone(),
            product: cast.product.clone(),
            amount: if yearly { monthly * 10 } else { monthly },
            currency: Dice::new(hash(&cast.product), "currency")
                .pick(&["usd", "usd", "eur", "gbp"]),
            yearly,
            recurring: true,
            lookup_key: cast.lookup_key.clone(),
            plan: cast.plan.clone(),
            tier: dice.pick(&TIERS),
            created: cast.start - SHELF_SECONDS,
            livemode: cast.livemode,
        }
    }

    /// Returns the dearer price of the same product, [`Cast::other_price`].
    pub(in crate::story) fn dearer(cast: &Cast) -> Self {
        let base = Self::of(cast);
        let amount = base.amount * 5 / 2;
        Self {
            price: cast.other_price(),
            amount,
            lookup_key: None,
            plan: None,
            tier: "Max",
            ..base
        }
    }

    /// Returns the cast's price as a one-time price.
    pub(in crate::story) fn once(cast: &Cast) -> Self {
        let base = Self::of(cast);
        Self { recurring: false, yearly: false, amount: base.amount * 8, ..base }
    }

    /// Returns when a period that begins at a moment ends.
    pub(in crate::story) fn period_end(&self, start: i64) -> i64 {
        add_months(start, if self.yearly { 12 } else { 1 })
    }

    /// Returns the product's name, as on a line of an invoice.
    pub(in crate::story) fn name(&self) -> String {
        format!("{} {}", shop(&self.product), self.tier)
    }

    /// Returns an amount in words: `$20.00`.
    pub(in crate::story) fn money(&self, amount: i64) -> String {
        let sign = match self.currency {
            "eur" => "€",
            "gbp" => "£",
            _ => "$",
        };
        format!("{sign}{}.{:02}", amount / 100, amount % 100)
    }

    /// Returns `metadata` with the plan's name, if it has one.
    pub(in crate::story) fn metadata(&self) -> Json {
        Json::Object(self.plan.iter().map(|plan| ("plan", plan.into())).collect())
    }

    /// Returns the price.
    pub(in crate::story) fn price_object(&self) -> Json {
        let mut price = PRICE
            .copy()
            .with("id", &self.price)
            .with("created", self.created)
            .with("currency", self.currency)
            .with("livemode", self.livemode)
            .with("lookup_key", self.lookup_key.as_ref())
            .with("metadata", self.metadata())
            .with("nickname", self.tier)
            .with("product", &self.product)
            .with("unit_amount", self.amount)
            .with("unit_amount_decimal", self.amount.to_string());
        if self.yearly {
            price.set("recurring.interval", "year");
        }
        if !self.recurring {
            price.set("recurring", Json::Null);
            price.set("type", "one_time");
        }
        price
    }

    /// Returns the product.
    pub(in crate::story) fn product_object(&self) -> Json {
        let slug = shop(&self.product).to_lowercase().replace(' ', "-");
        let words = format!("{}, billed through {}", self.tier, shop(&self.product));
        PRODUCT
            .copy()
            .with("id", &self.product)
            .with("created", self.created)
            .with("default_price", &self.price)
            .with("description", words)
            .with("livemode", self.livemode)
            .with("marketing_features", Json::List(vec![Json::object([("name", "Export".into())])]))
            .with("metadata", self.metadata())
            .with("name", self.name())
            .with("updated", self.created)
            .with("url", format!("https://{slug}.example.com"))
    }
}

/// Returns the plan that a recurring price is to older versions, and on subscription items.
pub(in crate::story) fn plan_of(price: &Json) -> Json {
    let mut plan = PLAN.copy();
    for key in ["id", "created", "currency", "livemode", "metadata", "nickname", "product"] {
        plan.set(key, price.get(key));
    }
    plan.with("amount", price.get("unit_amount"))
        .with("amount_decimal", price.get("unit_amount_decimal"))
        .with("interval", price.get("recurring.interval"))
}

/// Returns a coupon; its terms follow from its id.
pub(in crate::story) fn coupon(teller: &Teller<'_>, id: &str) -> Json {
    let mut dice = Dice::new(hash(id), "coupon");
    let percent: i64 = dice.pick(&[10, 15, 20, 25, 30, 50]);
    COUPON
        .copy()
        .with("id", id.to_owned())
        .with("created", teller.now)
        .with("duration_in_months", dice.between(2, 12))
        .with("livemode", teller.cast.livemode)
        .with("max_redemptions", dice.between(1, 20) * 50)
        .with("name", format!("{percent}% off"))
        .with("percent_off", percent)
}

/// Returns a promotion code for a coupon.
pub(in crate::story) fn promotion_code(teller: &mut Teller<'_>, coupon: &Json) -> Json {
    let id = teller.id("promo_1");
    let dice = teller.ids.dice();
    let code =
        format!("{}{}", dice.pick(&["LAUNCH", "WELCOME", "SPRING", "FRIEND"]), dice.capitals(4));
    PROMOTION_CODE
        .copy()
        .with("id", id)
        .with("code", code)
        .with("created", teller.now)
        .with("livemode", teller.cast.livemode)
        .with("max_redemptions", 100)
        .with("promotion.coupon", coupon)
        .with("restrictions.first_time_transaction", true)
}

/// Returns the discount that a coupon gives a subscription.
pub(in crate::story) fn discount(
    teller: &mut Teller<'_>,
    code: &Json,
    session: &str,
    subscription: &str,
) -> Json {
    let id = teller.id("di_1");
    let coupon = code.get("promotion.coupon");
    DISCOUNT
        .copy()
        .with("id", id)
        .with("checkout_session", session.to_owned())
        .with("customer", &teller.cast.customer)
        .with("end", add_months(teller.now, coupon.int("duration_in_months")))
        .with("promotion_code", code.id())
        .with("source.coupon", coupon)
        .with("start", teller.now)
        .with("subscription", subscription.to_owned())
}
