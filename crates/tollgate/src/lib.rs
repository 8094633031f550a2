//! Tollgate stands between Stripe and an app. Stripe's webhooks go in; one durable answer comes
//! out: who has paid, and what may they use?
//!
//! # Layout
//! In the order of an event's way through:
//!
//! - [`webhook`]: bytes and a signature become an observation; no I/O;
//! - [`rules`]: what it means: pure;
//! - [`receive`]: one transaction for all that waits; the one door to the state;
//! - [`handlers`]: what the app itself does in the transaction of a change;
//! - [`store`]: the only room with SQL, for SQLite and Postgres;
//! - [`answer`]: what a user may use, and why;
//! - [`reconcile`]: replay and rebuild;
//! - [`stripe_api`]: calls of Stripe's API;
//! - [`setup`]: what Stripe has to know before anything is sold;
//! - [`billing`]: Checkout, the way back from it, the portal;
//! - [`notify`]: what the app is told: pure;
//! - [`mail`]: what the mails say and look like; pure;
//! - [`deliver`]: tells what happened: mails, notifications, questions to Stripe;
//! - [`doctor`]: whether all is well between server, database and Stripe;
//! - [`http`]: routes and pages;
//! - [`wire`]: what a caller reads, wherever they read it;
//! - [`config`], [`clock`]: the only rooms that read the environment and the time.

pub mod answer;
pub mod billing;
pub mod clock;
pub mod config;
pub mod crash;
pub mod deliver;
pub mod doctor;
pub mod handlers;
pub mod http;
pub mod mail;
pub mod metrics;
pub mod notify;
pub mod receive;
pub mod reconcile;
pub mod rules;
pub mod serve;
pub mod setup;
pub mod store;
pub mod stripe_api;
pub mod webhook;
pub mod wire;

pub use config::Config;
pub use handlers::{Change, HandlerError, Kind};
pub use serve::{Builder, Tollgate};
/// The connections that [`Tx`] gives are of this version of sqlx.
pub use sqlx;
pub use store::Tx;
