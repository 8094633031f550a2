//! Recipes: for each event type the ordinary calls that bring it. A step's parameters are a form
//! with gaps: `{customer}` is the id of what the step of that name brought, `{session:amount_total}`
//! a field of it, `{user}` whom it is for, `{now:31d}` a moment of the main clock. A step whose
//! name is known already is left out: a user who has a customer keeps it.

mod catalog;
mod checkout;
mod invoices;
mod money;
mod people;
mod subscriptions;

use crate::world::Method;

/// The calls that bring an event.
pub(super) struct Recipe {
    pub(super) event: &'static str,
    pub(super) steps: &'static [Step],
}

/// One call.
pub(super) struct Step {
    /// What later steps know its answer by.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) form: &'static str,
    /// Whether the card is to be refused.
    pub(super) refused: bool,
    /// Whether the call names no version, so that parameters are taken that are gone by now.
    pub(super) old: bool,
    /// Taken only where the price repeats, or only where it does not.
    pub(super) only: Option<bool>,
}

/// Returns every recipe.
pub(super) fn all() -> impl Iterator<Item = &'static Recipe> {
    let rooms = [
        people::RECIPES,
        catalog::RECIPES,
        money::RECIPES,
        invoices::RECIPES,
        subscriptions::RECIPES,
        checkout::RECIPES,
    ];
    rooms.into_iter().flatten()
}

/// Returns the recipe for an event type.
pub(super) fn find(event: &str) -> Option<&'static Recipe> {
    all().find(|recipe| recipe.event == event)
}

const fn recipe(event: &'static str, steps: &'static [Step]) -> Recipe {
    Recipe { event, steps }
}

const fn post(name: &'static str, path: &'static str, form: &'static str) -> Step {
    Step { name, method: Method::Post, path, form, refused: false, old: false, only: None }
}

const fn get(name: &'static str, path: &'static str, form: &'static str) -> Step {
    Step { name, method: Method::Get, path, form, refused: false, old: false, only: None }
}

const fn delete(name: &'static str, path: &'static str) -> Step {
    Step { name, method: Method::Delete, path, form: "", refused: false, old: false, only: None }
}

impl Step {
    const fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    const fn old(mut self) -> Self {
        self.old = true;
        self
    }

    const fn only(mut self, repeats: bool) -> Self {
        self.only = Some(repeats);
        self
    }
}

/// A customer of the user's with a card that works.
const CUSTOMER: Step = post(
    "customer",
    "/v1/customers",
    "name=Sandbox Customer&email=customer@example.com&metadata[user_id]={user}\
     &payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa",
);
/// A customer of the user's who gave no card.
const NO_CARD: Step = post(
    "new",
    "/v1/customers",
    "name=Sandbox Customer&email=customer@example.com&metadata[user_id]={user}",
);
const PRODUCT: Step = post("product", "/v1/products", "name=Sandbox Plan");
const PRICE: Step = post(
    "price",
    "/v1/prices",
    "product={product}&unit_amount=1500&currency=usd&recurring[interval]=month",
);
const SUBSCRIPTION: Step = post(
    "subscription",
    "/v1/subscriptions",
    "customer={customer}&items[0][price]={price}&metadata[user_id]={user}",
);
/// A clock of its own, so that the main one stays where it is.
const CLOCK: Step =
    post("clock", "/v1/test_helpers/test_clocks", "frozen_time={now}&name=Sandbox trigger");
/// A customer of the user's on that clock, with a card that works.
const CLOCKED: Step = post(
    "clocked",
    "/v1/customers",
    "name=Sandbox Customer&email=customer@example.com&metadata[user_id]={user}&test_clock={clock}\
     &payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa",
);
/// The subscription of the customer on that clock.
const CLOCKED_SUBSCRIPTION: Step = post(
    "clocked_subscription",
    "/v1/subscriptions",
    "customer={clocked}&items[0][price]={price}&metadata[user_id]={user}",
);

const fn advance(form: &'static str) -> Step {
    post("advanced", "/v1/test_helpers/test_clocks/{clock}/advance", form)
}
