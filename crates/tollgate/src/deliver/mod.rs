//! Telling: what is in the outbox goes out.
//!
//! - [`endpoint`]: one notification to one endpoint of the configuration, whatever carries it;
//! - [`http`]: over HTTP, to strangers who may be anything;
//! - [`nats`](mod@self): into NATS JetStream, with the feature `nats`;
//! - [`address`]: which addresses an endpoint may stand at;
//! - [`refused`]: why something was not taken, and what follows.

pub mod address;
pub mod endpoint;
pub mod http;
#[cfg(feature = "nats")]
pub mod nats;
pub mod refused;
