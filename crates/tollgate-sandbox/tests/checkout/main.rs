//! Checkout sessions, the billing portal and hosted invoices, as their pages use them.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod later;
mod pay;
mod portal;
mod promotion;
mod server;
mod shop;
mod stranger;
mod wrong;
mod wrong_portal;
