//! Stripe's words without Stripe: ids, signatures, event envelopes, tolerant views of its objects,
//! API versions and form encoding. Nothing here does I/O or reads a clock; the time is a parameter.
//! Read `signature`, then `event`, then `object`: that is the way a webhook takes.

#![forbid(unsafe_code)]

pub mod currency;
pub mod event;
pub mod form;
pub mod id;
pub mod object;
mod read;
mod rfc3339;
pub mod signature;
pub mod version;
