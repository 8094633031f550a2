//! The registry: every endpoint, and every kind of object by the prefix of its ids.

use serde_json::Value;

use crate::object::Object as _;
use crate::object::balance_transaction::BalanceTransaction;
use crate::object::charge::Charge;
use crate::object::checkout_session::CheckoutSession;
use crate::object::customer::Customer;
use crate::object::discount::Discount;
use crate::object::dispute::Dispute;
use crate::object::feature::Feature;
use crate::object::invoice::Invoice;
use crate::object::invoice_payment::InvoicePayment;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::object::portal_configuration::PortalConfiguration;
use crate::object::portal_session::PortalSession;
use crate::object::price::Price;
use crate::object::product::Product;
use crate::object::promotion_code::PromotionCode;
use crate::object::refund::Refund;
use crate::object::setup_intent::SetupIntent;
use crate::object::subscription::Subscription;
use crate::object::subscription_schedule::SubscriptionSchedule;
use crate::object::test_clock::TestClock;
use crate::version::{Facts, Payment};
use crate::world::change::shape;
use crate::world::{Route, World};
use crate::{catalog, checkout, control, delivery, invoices, payments, subscriptions};

/// Paths that need no key: those of the pages, which customers see, and the control plane.
pub(crate) const OPEN: [&str; 2] = ["/_pages/", "/_sandbox/"];

/// Returns every endpoint. Where two match, the first one does.
pub(crate) fn routes() -> impl Iterator<Item = &'static Route> {
    [
        catalog::ROUTES,
        payments::ROUTES,
        subscriptions::ROUTES,
        invoices::ROUTES,
        checkout::ROUTES,
        delivery::ROUTES,
        control::ROUTES,
    ]
    .into_iter()
    .flatten()
    .copied()
    .flatten()
}

/// Returns the object that an id names, in the current shape.
pub(crate) fn object(world: &World, id: &str) -> Option<Value> {
    let prefix = id.find('_').map_or("", |end| &id[..=end]);
    match prefix {
        Product::PREFIX => world.show::<Product>(id).ok(),
        Price::PREFIX => world.show::<Price>(id).ok(),
        PromotionCode::PREFIX => world.show::<PromotionCode>(id).ok(),
        Feature::PREFIX => world.show::<Feature>(id).ok(),
        TestClock::PREFIX => world.show::<TestClock>(id).ok(),
        Discount::PREFIX => world.show::<Discount>(id).ok(),
        Invoice::PREFIX => world.show::<Invoice>(id).ok(),
        InvoiceItem::PREFIX => world.show::<InvoiceItem>(id).ok(),
        InvoicePayment::PREFIX => world.show::<InvoicePayment>(id).ok(),
        Customer::PREFIX => payments::customers::show(world, id).ok(),
        PaymentMethod::PREFIX | payments::sources::PREFIX => world.show::<PaymentMethod>(id).ok(),
        PaymentIntent::PREFIX => world.show::<PaymentIntent>(id).ok(),
        Charge::PREFIX | "py_" => world.show::<Charge>(id).ok(),
        SetupIntent::PREFIX => world.show::<SetupIntent>(id).ok(),
        Refund::PREFIX | "pyr_" => world.show::<Refund>(id).ok(),
        Dispute::PREFIX => world.show::<Dispute>(id).ok(),
        BalanceTransaction::PREFIX => payments::balance::show(world, id).ok(),
        Subscription::PREFIX if id.starts_with(SubscriptionSchedule::PREFIX) => {
            world.show::<SubscriptionSchedule>(id).ok()
        }
        Subscription::PREFIX => world.show::<Subscription>(id).ok(),
        CheckoutSession::PREFIX => world.show::<CheckoutSession>(id).ok(),
        PortalConfiguration::PREFIX => world.show::<PortalConfiguration>(id).ok(),
        PortalSession::PREFIX => world.show::<PortalSession>(id).ok(),
        // Their ids may be of the caller's making.
        _ => catalog::coupon(world, id).or_else(|| world.show::<Product>(id).ok()),
    }
}

/// Returns a field that Stripe answers only where it is asked to expand it.
pub(crate) fn include(world: &World, object: &str, id: &str, name: &str) -> Option<Value> {
    match (object, name) {
        ("price", "tiers") => catalog::tiers(world, id),
        ("coupon", name) => catalog::include_in_coupon(world, id, name),
        ("checkout.session", "line_items") => checkout::line_items(world, id),
        ("invoice", "payments") => Some(invoices::payments(world, id)),
        ("invoice", "confirmation_secret") => Some(invoices::confirmation_secret(world, id)),
        ("charge", "refunds") => Some(payments::refunds::of_charge(world, id)),
        ("customer", name) => payments::customers::include(world, id, name),
        _ => None,
    }
}

impl Facts for World {
    fn object(&self, id: &str) -> Option<Value> {
        object(self, id)
    }

    fn invoice_of_payment(&self, payment_intent: &str) -> Option<String> {
        invoices::invoice_of(self, payment_intent).map(|id| id.to_string())
    }

    fn payment_of_invoice(&self, invoice: &str) -> Option<Payment> {
        let intent = invoices::payment_intent(self, invoice)?;
        let charge = object(self, &intent)
            .and_then(|intent| intent["latest_charge"].as_str().map(str::to_owned));
        Some(Payment { payment_intent: Some(intent.to_string()), charge })
    }

    fn charges_of_payment(&self, payment_intent: &str) -> Vec<Value> {
        self.charges.of(payment_intent).map(shape).collect()
    }

    fn refunds_of_charge(&self, charge: &str) -> Vec<Value> {
        self.refunds.of(charge).map(shape).collect()
    }
}
