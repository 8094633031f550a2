//! Subscriptions through the API: how they begin, change, pause and end, and what that costs. The
//! sums are those of `docs/proration.md`.

#![expect(clippy::unwrap_used, reason = "what fails here has failed its test")]

#[path = "../schema/mod.rs"]
mod schema;
#[path = "../world/mod.rs"]
mod world;

mod behaviors;
mod changes;
mod laws;
mod life;
mod market;
mod pauses;
mod previews;
mod schedules;
mod told;
mod trials;
mod wrong;
