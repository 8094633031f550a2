//! One room per kind of object: the blank with every field that Stripe sends, and what fills it.
//! A blank is a JSON file beside the code; a field that no story changes is written only there.

pub(super) mod catalog;
pub(super) mod customer;
pub(super) mod dispute;
pub(super) mod entitlement;
pub(super) mod invoice;
pub(super) mod payment;
pub(super) mod refund;
pub(super) mod session;
pub(super) mod subscription;
