//! What customers see: checkout sessions, the customer portal, hosted invoices, and their pages.
//!
//! - [`sessions`]: the endpoints of checkout sessions. [`create`], [`rules`], [`build`],
//!   [`lines`], [`sums`], [`coupon`]: what a session is made of.
//! - [`confirm`]: the customer pays. [`finish`]: what follows. [`given`]: what they typed.
//! - [`page`], [`view`]: the calls of the checkout page. [`hosted`]: the two endpoints behind
//!   hosted Checkout that the official command line pays through.
//! - [`portal`]: the billing portal. [`invoice`]: an invoice by itself.
//! - [`pages`]: the files of the pages.
//!
//! The pages ask for a name, an e-mail address and a payment method. Addresses, phone numbers and
//! tax ids stay null, also where a session asks for them to be collected.

mod bank;
mod build;
mod confirm;
mod coupon;
mod create;
mod finish;
mod given;
mod hosted;
mod invoice;
mod lines;
mod page;
pub(crate) mod pages;
mod portal;
pub(crate) mod rules;
mod sessions;
mod sums;
mod view;

use crate::object::Id;
use crate::world::{Route, World};

/// The endpoints of this room.
pub(crate) const ROUTES: &[&[Route]] = &[
    sessions::ROUTES,
    hosted::ROUTES,
    portal::CONFIGURATION_ROUTES,
    portal::SESSION_ROUTES,
    page::ROUTES,
    portal::PAGE_ROUTES,
    invoice::ROUTES,
    bank::ROUTES,
];

pub(crate) use finish::{payment_failed, payment_succeeded, wake};
pub(crate) use sessions::line_items;

/// Says whether a payment is the one of a session that is not complete yet.
pub(crate) fn is_being_paid(world: &World, intent: &Id) -> bool {
    confirm::is_being_paid(world, intent)
}

/// Returns the payment that a session's customer made before there was an invoice.
pub(crate) fn payment_of(world: &World, session: &Id) -> Option<Id> {
    confirm::payment_of(world, session)
}
