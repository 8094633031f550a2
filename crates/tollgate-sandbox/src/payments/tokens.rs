//! `/v1/tokens`.

use super::numbers;
use crate::error::StripeError;
use crate::object::Object as _;
use crate::object::token::Token;
use crate::world::{Call, Outcome, Route, World};

pub(super) const ROUTES: &[Route] = &[
    Route::post("/v1/tokens", create),
    Route::get("/v1/tokens/{id}", |world, call| world.show::<Token>(call.id())),
];

fn create(world: &mut World, call: &Call) -> Outcome {
    let params = &call.params;
    let (means, name, prefix) = if let Some(card) = params.sub("card") {
        (numbers::card(world, &card)?, card.text("name").map(str::to_owned), "card_")
    } else if let Some(account) = params.sub("bank_account") {
        let holder = account.text("account_holder_name").map(str::to_owned);
        (numbers::us_bank_account(&account)?, holder, "ba_")
    } else {
        return Err(StripeError::invalid(
            "Give `card` or `bank_account`; other tokens are not part of the sandbox.",
        ));
    };
    let (id, part) = (world.new_id(Token::PREFIX), world.new_id(prefix));
    let token = Token { id: id.clone(), created: world.now(), used: false, means, name, part };
    world.add(token);
    world.show::<Token>(&id)
}
