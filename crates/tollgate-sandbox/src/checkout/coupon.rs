//! The coupon or promotion code of a session: found, judged and told in words.
//!
//! <https://docs.stripe.com/payments/checkout/discounts> (2026-11)

use crate::catalog::discounts;
use crate::error::StripeError;
use crate::money::currency::Currency;
use crate::money::discount::{Discount, Duration, Off};
use crate::object::Id;
use crate::object::checkout_session::{CheckoutSession, SessionDiscount};
use crate::object::coupon::Coupon;
use crate::object::discount::Discount as Given;
use crate::object::promotion_code::PromotionCode;
use crate::world::World;

/// What a session's coupon takes off.
#[derive(Debug, Clone)]
pub(super) struct Reduction {
    /// What the page calls it: the code, or the coupon's name.
    pub(super) name: String,
    pub(super) discount: Discount,
    pub(super) lasts: Duration,
    currency: Currency,
}

/// Reads the discount of a session; `None` where there is none.
pub(super) fn of(world: &World, session: &CheckoutSession) -> Option<Reduction> {
    let discount = session.discounts.as_ref()?.first()?;
    let code = discount.promotion_code.as_ref();
    let code = code.and_then(|id| world.get::<PromotionCode>(id).ok());
    let id = code.map(|code| &code.promotion.coupon).or(discount.coupon.as_ref())?;
    let coupon = world.get::<Coupon>(id).ok()?;
    reduction(coupon, code.map(|code| code.code.as_str()), session.currency?)
}

fn reduction(coupon: &Coupon, code: Option<&str>, currency: Currency) -> Option<Reduction> {
    let name = code.or(coupon.name.as_deref()).unwrap_or(&coupon.id);
    let products = coupon.products.clone();
    Some(Reduction {
        name: name.to_owned(),
        discount: Discount { id: coupon.id.clone(), off: coupon.off(currency)?, products },
        lasts: coupon.lasts(),
        currency,
    })
}

/// Says what a coupon takes off a subscription: `20% off for 3 months`.
pub(super) fn offer(world: &World, coupon: &str, currency: Currency) -> Option<String> {
    let coupon = world.get::<Coupon>(coupon).ok()?;
    Some(reduction(coupon, None, currency)?.words(true))
}

/// Says what a discount that was given takes off: `WELCOME20: 20% off`.
pub(super) fn taken(world: &World, row: &Given, currency: Currency) -> Option<String> {
    let code = row.promotion_code.as_ref().and_then(|id| world.get::<PromotionCode>(id).ok());
    let reduction = reduction(&row.coupon, code.map(|code| code.code.as_str()), currency)?;
    Some(format!("{}: {}", reduction.name, reduction.words(false)))
}

impl Reduction {
    /// Says what it takes off, and for how long: `20% off for 3 months`.
    pub(super) fn words(&self, recurring: bool) -> String {
        let off = match self.discount.off {
            Off::Percent(hundredths) => format!("{}% off", percent(hundredths)),
            Off::Amount(amount) => {
                let word = self.currency.as_str().to_uppercase();
                format!("{} {word} off", self.currency.write(amount))
            }
        };
        match self.lasts {
            Duration::Repeating { months: 1 } if recurring => format!("{off} for a month"),
            Duration::Repeating { months } if recurring => format!("{off} for {months} months"),
            Duration::Once if recurring => format!("{off} once"),
            _ => off,
        }
    }
}

fn percent(hundredths: u16) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => whole.to_string(),
        rest => format!("{whole}.{rest:02}").trim_end_matches('0').to_owned(),
    }
}

/// Finds a discount that a call names, and says why it cannot be used.
pub(super) fn named(
    world: &World,
    session: &CheckoutSession,
    coupon: Option<&str>,
    code: Option<&str>,
) -> Result<SessionDiscount, StripeError> {
    let refuse = |what: &str, why: &str| {
        StripeError::param("discounts", format!("This {what} {why}.")).code("coupon_expired")
    };
    if let Some(id) = code {
        let found = world.need::<PromotionCode>(id, "discounts")?;
        judge_code(world, session, found).map_err(|why| refuse("promotion code", &why))?;
        return Ok(SessionDiscount { coupon: None, promotion_code: Some(found.id.clone()) });
    }
    let found = world.need::<Coupon>(coupon.unwrap_or_default(), "discounts")?;
    judge_coupon(world, session, found).map_err(|why| refuse("coupon", why))?;
    Ok(SessionDiscount { coupon: Some(found.id.clone()), promotion_code: None })
}

/// Finds the promotion code that a customer typed; the refusal is for them to read.
pub(super) fn typed(
    world: &World,
    session: &CheckoutSession,
    code: &str,
) -> Result<SessionDiscount, StripeError> {
    let wrong = |why: &str| {
        let message = format!("The code {} {why}.", code.to_uppercase());
        StripeError::param("code", message).code("promotion_code_invalid")
    };
    let named = || {
        let rows = world.promotion_codes.newest();
        rows.filter(|row| row.code.eq_ignore_ascii_case(code))
    };
    // A code may be given out again once the older one is inactive; the active one counts.
    let found = named().find(|row| row.active).or_else(|| named().next());
    let found = found.ok_or_else(|| wrong("is not known"))?;
    judge_code(world, session, found).map_err(|why| wrong(&why))?;
    Ok(SessionDiscount { coupon: None, promotion_code: Some(found.id.clone()) })
}

/// Refuses a session whose discount ended while it was open.
pub(super) fn check_still(world: &World, session: &CheckoutSession) -> Result<(), StripeError> {
    let Some(discount) = session.discounts.as_ref().and_then(|all| all.first()) else {
        return Ok(());
    };
    let (coupon, code) = (discount.coupon.as_deref(), discount.promotion_code.as_deref());
    named(world, session, coupon, code).map(|_| ())
}

/// Says why a promotion code cannot be used, as the end of a sentence about it.
fn judge_code(
    world: &World,
    session: &CheckoutSession,
    code: &PromotionCode,
) -> Result<(), String> {
    let now = world.now_of(session.customer.as_ref());
    if code.expires_at.is_some_and(|at| at <= now) {
        return Err("has expired".to_owned());
    }
    if code.max_redemptions.is_some_and(|most| code.times_redeemed >= most) {
        return Err("was used as often as it may be".to_owned());
    }
    if !code.active {
        return Err("is no longer valid".to_owned());
    }
    if code.customer.is_some() && code.customer != session.customer {
        return Err("is for another customer".to_owned());
    }
    judge_restrictions(world, session, code)?;
    match world.get::<Coupon>(&code.promotion.coupon) {
        Ok(coupon) => judge_coupon(world, session, coupon).map_err(str::to_owned),
        Err(_) => Err("is no longer valid".to_owned()),
    }
}

fn judge_restrictions(
    world: &World,
    session: &CheckoutSession,
    code: &PromotionCode,
) -> Result<(), String> {
    if code.restrictions.first_time_transaction {
        // Whoever gets no customer cannot be told from somebody who bought before.
        let guest = session.customer.is_none() && session.customer_creation == Some("if_required");
        let known = session.customer.as_ref();
        if guest || known.is_some_and(|customer| discounts::has_bought(world, customer)) {
            return Err("is for the first purchase only".to_owned());
        }
    }
    let Some(currency) = session.currency else { return Ok(()) };
    let least = code.restrictions.least(currency);
    let least = least.map_err(|()| "cannot be used with this currency".to_owned())?;
    let full: i64 = session.hidden.lines.iter().map(|line| line.price.amount(line.count())).sum();
    match least {
        Some(least) if full < least => {
            let (sum, word) = (currency.write(least), currency.as_str().to_uppercase());
            Err(format!("is for purchases of at least {sum} {word}"))
        }
        _ => Ok(()),
    }
}

/// Says why a coupon cannot be used, as the end of a sentence about it.
fn judge_coupon(
    world: &World,
    session: &CheckoutSession,
    coupon: &Coupon,
) -> Result<(), &'static str> {
    if !coupon.valid || !coupon.is_valid(world.now_of(session.customer.as_ref())) {
        return Err("is no longer valid");
    }
    if session.currency.is_some_and(|currency| coupon.off(currency).is_none()) {
        return Err("cannot be used with this currency");
    }
    let covers =
        |product: &Id| coupon.products.as_ref().is_none_or(|products| products.contains(product));
    if !session.hidden.lines.iter().any(|line| covers(&line.price.product)) {
        return Err("does not apply to anything here");
    }
    Ok(())
}
