//! The offline Stripe. A [`World`] answers the calls of Stripe's API and moves time, without a
//! clock, a file or the network: the same seed and the same calls give the same bytes.
//!
//! # Layout, in reading order
//!
//! - [`object`]: one file a Stripe object; the struct *is* the shape on the wire.
//! - [`money`]: what a period, a discount and a proration cost; integers only.
//! - [`params`]: what may be sent to each endpoint, and how a wrong call is refused.
//! - [`world`]: tables of objects, clocks, events, and the way of one call.
//! - [`api`]: the registry of endpoints. What they do stands in a room for each part of the
//!   business: [`catalog`], [`payments`], [`invoices`], [`subscriptions`], [`checkout`].
//! - [`life`]: what time does: it wakes objects, and their room does what is due.
//! - [`control`]: what no Stripe has: move time, let cards fail, drop deliveries.
//! - [`delivery`]: events on their way to endpoints: signatures, retries, faults.
//! - [`version`]: the same object in the shapes of older API versions.
//! - [`server`]: the one place that does I/O: HTTP, pages, real time, deliveries, the journal.
//! - [`story`]: told histories of events, for where no sandbox runs.
//!
//! # In tests of an app
//!
//! Nothing has to run: a test moves the world and carries its deliveries to the app by hand.
//! [`World::take_due`] gives what is due, [`World::answered`] says how it ended; what failed is
//! due again later, at [`World::next_delivery`].
//!
//! ```
//! use tollgate_sandbox::{Method, Request, World};
//! use tollgate_stripe::signature;
//!
//! let mut world = World::new(1, 1_798_761_600);
//! let mut call = |path: &str, form: &str| {
//!     let answer = world.call(&Request::new(Method::Post, path, form));
//!     assert_eq!(answer.status, 200, "{}", answer.body);
//!     serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()
//! };
//! let hook = "url=https://app.test/hook&enabled_events[]=customer.created";
//! let endpoint = call("/v1/webhook_endpoints", hook);
//! let customer = call("/v1/customers", "name=Ada");
//!
//! let post = world.take_due(1).remove(0);
//! let (_, header) = post.headers.iter().find(|(name, _)| *name == "Stripe-Signature").unwrap();
//! let secret = endpoint["secret"].as_str().unwrap();
//! signature::verify(post.body.as_bytes(), Some(header), &[secret], world.now(), 300).unwrap();
//!
//! let event: serde_json::Value = serde_json::from_str(&post.body).unwrap();
//! assert_eq!(event["data"]["object"]["id"], customer["id"]);
//!
//! // The app was down: the event comes again a minute later.
//! world.answered(post.id, None);
//! world.advance(world.next_delivery().unwrap());
//! let again = world.take_due(1).remove(0);
//! assert_eq!(again.body, post.body);
//! world.answered(again.id, Some(200));
//! assert_eq!(world.next_delivery(), None);
//! ```

mod api;
mod catalog;
mod checkout;
mod control;
mod delivery;
mod dice;
mod error;
mod invoices;
mod life;
mod money;
mod object;
mod params;
mod payments;
pub mod server;
pub mod story;
mod subscriptions;
mod version;
mod world;

pub use control::triggers;
pub use delivery::Post;
pub use error::StripeError;
pub use world::{AfterLastRetry, Answer, Method, Request, Settings, World};
