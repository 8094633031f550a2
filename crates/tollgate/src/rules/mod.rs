//! The rules: what Stripe's objects mean. Pure functions over values; no I/O, no clock, nothing but
//! `tollgate-stripe`. Read in this order:
//!
//! - [`catalog`]: every event type we act on, and why;
//! - [`observation`] and [`merge`]: one object's state from all that was observed of it;
//! - one file per object: when it is final, how it progresses, what it claims and what it tells;
//! - [`period`] and [`reversal`]: which invoices belong together, and what went back of them;
//! - [`gaps`]: what events leave open, so that Stripe has to be asked;
//! - [`policy`] and [`access`]: what a user may use now, and the reason;
//! - [`double`]: what one user pays for twice;
//! - [`dunning`]: money that is missing, and how it goes on;
//! - [`card`]: what will be missing because a card expires;
//! - [`silence`]: for how long nothing may come from Stripe;
//! - [`effects`], [`routes`] and [`known`]: the facts that somebody has to hear of, who hears of
//!   which, and what is known around them;
//! - [`notice`]: the names under which they are told outside.

pub mod access;
pub mod card;
pub mod catalog;
pub mod charge;
pub mod checkout;
pub mod dispute;
pub mod double;
pub mod dunning;
pub mod effects;
pub mod gaps;
pub mod invoice;
pub mod known;
pub mod ledger;
pub mod merge;
pub mod notice;
pub mod observation;
pub mod payment;
pub mod period;
pub mod policy;
pub mod reversal;
pub mod routes;
pub mod silence;
pub mod subscription;
