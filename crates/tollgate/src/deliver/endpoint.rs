//! One notification to one endpoint of the configuration, whatever carries it.

use super::http;
#[cfg(feature = "nats")]
use super::nats;
use super::refused::Refused;
#[cfg(feature = "nats")]
use crate::config::notify::Carrier;
use crate::config::notify::Endpoint;

/// Sends to one endpoint. Cloning shares its connections.
#[derive(Clone, Debug)]
pub enum Sender {
    /// Over HTTP.
    Http(http::Sender),
    /// Into NATS JetStream.
    #[cfg(feature = "nats")]
    Nats(nats::Sender),
}

impl Sender {
    /// Makes the sender that the endpoint's URL asks for. It connects when it first sends.
    pub fn new(endpoint: &Endpoint) -> Self {
        #[cfg(feature = "nats")]
        if endpoint.carrier == Carrier::Nats {
            return Self::Nats(nats::Sender::new(endpoint));
        }
        Self::Http(http::Sender::new(endpoint))
    }

    /// Sends a body under a notification's id at `now` (Unix seconds).
    ///
    /// # Errors
    /// Why it was not taken, and what follows.
    pub async fn send(&self, id: &str, body: &str, now: i64) -> Result<(), Refused> {
        self.ask(id, body, now).await.map(drop)
    }

    /// As [`Sender::send`]; returns what the receiver answered, in a word or two.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn ask(&self, id: &str, body: &str, now: i64) -> Result<String, Refused> {
        match self {
            Self::Http(it) => it.ask(id, body, now).await.map(|status| status.to_string()),
            #[cfg(feature = "nats")]
            Self::Nats(it) => it.ask(id, body, now).await,
        }
    }
}
