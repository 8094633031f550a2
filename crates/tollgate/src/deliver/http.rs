//! One signed notification to one receiver over HTTP. The receiver may be slow, broken or hostile,
//! and its name may lead anywhere: the address is judged after it was looked up and is the one that
//! is called, nothing is followed, and time and what is read have limits.

use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect, retry};

use super::address::Reach;
pub use super::refused::{Refused, Retry};
use crate::config::notify::{Endpoint, SigningKey};
use crate::notify;

/// How much of an answer is read, in bytes, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// How long that may take: the status has been read, and nothing else counts.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// The longest time that a receiver can ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a connection is kept for the next notification.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Sends to one endpoint. Cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Sender {
    http: Client,
    url: Url,
    keys: Vec<SigningKey>,
    timeout: Duration,
    /// The URL's host is an address that may not be called.
    forbidden: Option<Forbidden>,
}

impl Sender {
    /// Makes a sender that looks names up as the system does.
    ///
    /// # Panics
    /// Never: what could fail is checked where the configuration is read.
    pub fn new(endpoint: &Endpoint) -> Self {
        Self::with_names(endpoint, Arc::new(System))
    }

    /// As [`Sender::new`], with another way of looking names up.
    ///
    /// # Panics
    /// As [`Sender::new`].
    pub fn with_names(endpoint: &Endpoint, names: Arc<dyn Resolve>) -> Self {
        let url = Url::parse(endpoint.url.reveal()).expect("the configuration has read it");
        let reach = Reach::of(endpoint, &url);
        // Whoever came first provides; a second provider is refused and not needed.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder()
            .dns_resolver(Arc::new(Guarded { reach, names }))
            .https_only(url.scheme() == "https")
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .referer(false)
            .timeout(endpoint.timeout)
            .connect_timeout(endpoint.timeout)
            .pool_idle_timeout(IDLE_MAX)
            .pool_max_idle_per_host(endpoint.concurrency)
            .user_agent(concat!("tollgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client without files of its own can be built");
        let forbidden = literal(&url).and_then(|it| {
            let kind = reach.judge(it).err()?;
            Some(Forbidden { host: it.to_string(), address: it, kind })
        });
        Self { http, url, keys: endpoint.keys.clone(), timeout: endpoint.timeout, forbidden }
    }

    /// Sends a body under a notification's id at `now` (Unix seconds). It was taken if the
    /// receiver answers 2xx in time.
    ///
    /// # Errors
    /// Why it was not taken, and what follows.
    pub async fn send(&self, id: &str, body: &str, now: i64) -> Result<(), Refused> {
        self.ask(id, body, now).await.map(drop)
    }

    /// As [`Sender::send`]; returns the status with which it was taken.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn ask(&self, id: &str, body: &str, now: i64) -> Result<u16, Refused> {
        if let Some(it) = &self.forbidden {
            return Err(Refused::later(it.to_string()));
        }
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", notify::signature(&self.keys, id, now, body))
            .body(body.to_owned());
        let response = request.send().await.map_err(|it| self.unanswered(&it))?;
        let judged = judge(response.status(), response.headers(), now);
        // What it says beside the status interests nobody, be it nothing or without end.
        drop(tokio::time::timeout(ANSWER_TIME_MAX, drain(response)).await);
        judged
    }

    /// Neither the URL, which may hold a secret, nor anything that came is repeated.
    fn unanswered(&self, error: &reqwest::Error) -> Refused {
        if let Some(it) = cause::<Forbidden>(error) {
            return Refused::later(it.to_string());
        }
        let system = cause::<std::io::Error>(error).map(|it| format!(": {}", it.kind()));
        let system = system.unwrap_or_default();
        Refused::later(match error {
            _ if error.is_timeout() => format!("no answer within {:?}", self.timeout),
            _ if error.is_connect() && cause::<rustls::Error>(error).is_some() => {
                "no connection: TLS failed".to_owned()
            }
            _ if error.is_connect() => format!("no connection{system}"),
            _ => format!("the connection ended without an answer{system}"),
        })
    }
}

/// Returns the address that a URL names instead of a host.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let first: &(dyn std::error::Error + 'static) = error;
    let mut chain = std::iter::successors(Some(first), |it| it.source());
    chain.find_map(|it| it.downcast_ref())
}

fn judge(status: StatusCode, headers: &HeaderMap, now: i64) -> Result<u16, Refused> {
    let code = status.as_u16();
    if status.is_success() {
        return Ok(code);
    }
    let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let retry = if status == StatusCode::GONE { Retry::GiveUp } else { Retry::Later };
    let why = match status {
        StatusCode::GONE => "answered 410: gone for good".to_owned(),
        _ if status.is_redirection() => format!("answered {code}: redirects are not followed"),
        _ => format!("answered {code}"),
    };
    let retry_after = waits.then(|| retry_after(headers, now)).flatten();
    Err(Refused { why, retry, retry_after })
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let date = || jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp().as_second() - now);
    let secs = text.parse::<i64>().ok().or_else(date)?;
    let asked = Duration::from_secs(u64::try_from(secs).ok()?);
    Some(asked.min(RETRY_AFTER_MAX))
}

async fn drain(mut response: Response) {
    let mut left = ANSWER_BYTES_MAX;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// An address that may not be called.
#[derive(Clone, Debug)]
struct Forbidden {
    host: String,
    address: IpAddr,
    kind: &'static str,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, kind } = self;
        match *host == address.to_string() {
            true => write!(f, "{address} may not be called: {kind}"),
            false => write!(f, "{host} is at {address}, which may not be called: {kind}"),
        }
    }
}

impl std::error::Error for Forbidden {}

/// Looks names up and lets through only what may be called.
struct Guarded {
    reach: Reach,
    names: Arc<dyn Resolve>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, reach) = (name.as_str().to_owned(), self.reach);
        let found = self.names.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            let judged =
                found.iter().map(|it| reach.judge(it.ip()).map_err(|kind| (it.ip(), kind)));
            let wrong = judged.clone().find_map(Result::err);
            let right: Vec<SocketAddr> =
                found.iter().zip(judged).filter(|(_, it)| it.is_ok()).map(|(it, _)| *it).collect();
            match (right.is_empty(), wrong) {
                (true, Some((address, kind))) => Err(Forbidden { host, address, kind }.into()),
                _ => Ok(Box::new(right.into_iter()) as Addrs),
            }
        })
    }
}

/// Looks names up as the system does.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().expect("it is a header"));
        retry_after(&headers, 784_111_777).map(|it| it.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_a_limit() {
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(asked("99999999"), Some(86_400));
        for nothing in ["", "soon", "-5", "Sun, 06 Nov 1994 08:00:00 GMT", "1e3"] {
            assert_eq!(asked(nothing), None, "{nothing}");
        }
    }
}
