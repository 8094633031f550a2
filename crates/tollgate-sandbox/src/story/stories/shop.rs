//! What happens outside subscriptions: the catalog, the customer's data, the customer's cards.

use super::life::{Life, attach_card, meet};
use crate::story::calendar::{DAY, HOUR};
use crate::story::json::Json;
use crate::story::objects::catalog::{Tariff, coupon, promotion_code};
use crate::story::objects::customer::write_card;
use crate::story::people::Card;
use crate::story::teller::Teller;

/// Products, prices, coupons and codes come, change and go; the cast's own stay.
pub(in crate::story) fn catalog(teller: &mut Teller<'_>) {
    let tariff = Tariff::of(teller.cast);
    teller.by_request();
    let mut product =
        tariff.product_object().with("created", teller.now).with("updated", teller.now);
    product.set("default_price", Json::Null);
    teller.tell("product.created", &product);
    teller.wait(2);
    let mut price = tariff.price_object().with("created", teller.now);
    teller.tell("price.created", &price);
    let (id, now) = (price.id(), teller.now);
    teller.change("product.updated", &mut product, |product| {
        product.set("default_price", id);
        product.set("updated", now);
    });
    teller.wait(HOUR);
    teller.by_request();
    teller.change("price.updated", &mut price, |price| {
        price.set("nickname", "Standard");
    });
    codes(teller);
    withdrawn(teller);
}

/// A coupon and its code, which ends before the coupon does.
fn codes(teller: &mut Teller<'_>) {
    teller.wait(DAY);
    teller.by_request();
    let id = teller.ids.plain("", 8);
    let mut coupon = coupon(teller, &id);
    teller.tell("coupon.created", &coupon);
    teller.wait(60);
    let mut code = promotion_code(teller, &coupon);
    teller.tell("promotion_code.created", &code);
    teller.wait(5 * DAY);
    teller.by_request();
    teller.change("promotion_code.updated", &mut code, |code| code.set("active", false));
    teller.wait(DAY);
    teller.by_request();
    teller.change("coupon.updated", &mut coupon, |coupon| coupon.set("name", "Retired offer"));
    teller.wait(40);
    teller.tell("coupon.deleted", &coupon.with("valid", false));
}

/// A product with a price that is deleted before anyone buys it.
fn withdrawn(teller: &mut Teller<'_>) {
    teller.wait(DAY);
    teller.by_request();
    let (product, price) = (teller.ids.short("prod_", teller.now), teller.id("price_1"));
    let tariff = Tariff { price, product, ..Tariff::dearer(teller.cast) };
    let (product, price) = (
        tariff.product_object().with("created", teller.now).with("default_price", Json::Null),
        tariff.price_object().with("created", teller.now),
    );
    teller.tell("product.created", &product);
    teller.tell("price.created", &price);
    teller.wait(HOUR);
    teller.by_request();
    teller.tell("price.deleted", &price.with("active", false));
    teller.tell("product.deleted", &product.with("active", false));
}

/// The customer's name and address change.
pub(in crate::story) fn customer(teller: &mut Teller<'_>) {
    let mut customer = meet(teller);
    teller.wait(3 * DAY);
    teller.by_request();
    let number = teller.ids.dice().decimals(5);
    let address = teller.person.address.clone();
    teller.change("customer.updated", &mut customer, |customer| {
        customer.set("address", address);
        customer.set("email", format!("new.address{number}@example.com"));
    });
}

/// A card is attached, edited, renewed by its bank, and taken away.
pub(in crate::story) fn payment_method(teller: &mut Teller<'_>) {
    let mut life = Life::new(meet(teller), Tariff::of(teller.cast));
    teller.wait(15);
    teller.by_request();
    life.card = attach_card(teller, &mut life.customer);
    teller.wait(30 * DAY);
    teller.by_request();
    let postal_code = teller.ids.dice().decimals(5);
    teller.change("payment_method.updated", &mut life.card, |card| {
        card.set("billing_details.address.postal_code", postal_code);
    });
    teller.wait(60 * DAY);
    teller.by_itself();
    let country = teller.person.country;
    let renewed = Card::new(teller.ids.dice(), country);
    teller.change("payment_method.automatically_updated", &mut life.card, |card| {
        write_card(card, &renewed);
    });
    teller.wait(20 * DAY);
    teller.by_request();
    teller.change("payment_method.detached", &mut life.card, |card| {
        card.set("customer", Json::Null);
    });
    teller.change("customer.updated", &mut life.customer, |customer| {
        customer.set("invoice_settings.default_payment_method", Json::Null);
    });
}
