//! A connection that writes prepared bytes and reads one answer: the least of HTTP/1.1 that a
//! generator needs. An answer has a `Content-Length` or no body; anything else is an error.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer that takes longer than this ends the run.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// The most bytes an answer may have, head and body together.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Where the server listens, split out of a URL such as `http://127.0.0.1:4242/stripe/webhook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `host:port`, as it stands in the `Host` header.
    pub(crate) authority: String,
    /// The path with its leading slash.
    pub(crate) path: String,
}

impl Target {
    /// Splits a plain `http` URL; there is no TLS on the way to a server on the same machine.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(authority.contains(':'), "{url} names no port");
        Ok(Self { authority: authority.to_owned(), path: format!("/{path}") })
    }
}

/// A keep-alive connection. It reconnects once a request when the server hung up while idle.
pub(crate) struct Connection {
    authority: String,
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(authority: &str) -> Result<Self> {
        let stream = connect(authority).await?;
        Ok(Self { authority: authority.to_owned(), stream, answer: Vec::with_capacity(16 << 10) })
    }

    /// Sends the request and returns the status of its answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<u16> {
        timeout(ANSWER_TIME_MAX, self.exchange_or_reconnect(request))
            .await
            .with_context(|| format!("no answer within {} s", ANSWER_TIME_MAX.as_secs()))?
    }

    async fn exchange_or_reconnect(&mut self, request: &[u8]) -> Result<u16> {
        if let Some(status) = self.exchange(request).await? {
            return Ok(status);
        }
        self.stream = connect(&self.authority).await?;
        self.exchange(request).await?.context("the server hung up without an answer")
    }

    /// `None` says that the server had closed the connection before it saw the request.
    async fn exchange(&mut self, request: &[u8]) -> Result<Option<u16>> {
        self.answer.clear();
        if self.stream.write_all(request).await.is_err() {
            return Ok(None);
        }
        loop {
            if let Some(head) = Head::parse(&self.answer)?
                && self.answer.len() >= head.bytes + head.body_bytes
            {
                return Ok(Some(head.status));
            }
            ensure!(self.answer.len() < ANSWER_BYTES_MAX, "answer over {ANSWER_BYTES_MAX} bytes");
            match self.stream.read_buf(&mut self.answer).await {
                Ok(0) | Err(_) if self.answer.is_empty() => return Ok(None),
                Ok(0) => bail!("the server hung up in the middle of an answer"),
                Ok(_) => {}
                Err(error) => return Err(error).context("read an answer"),
            }
        }
    }
}

async fn connect(authority: &str) -> Result<TcpStream> {
    let stream =
        TcpStream::connect(authority).await.with_context(|| format!("connect to {authority}"))?;
    stream.set_nodelay(true).context("set TCP_NODELAY")?;
    Ok(stream)
}

/// What is needed of an answer's head to find its end.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// `None` until the blank line has arrived.
    fn parse(answer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&answer[..end]).context("answer's head is not text")?;
        let mut lines = text.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .and_then(|status| status.parse().ok())
            .context("answer has no status")?;
        let body_bytes = body_bytes(lines)?;
        Ok(Some(Self { status, bytes: end + 4, body_bytes }))
    }
}

fn body_bytes<'a>(headers: impl Iterator<Item = &'a str>) -> Result<usize> {
    for (name, value) in headers.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            return value.trim().parse().context("Content-Length is not a number");
        }
        ensure!(
            !name.eq_ignore_ascii_case("transfer-encoding"),
            "the answer is chunked, which this client does not read"
        );
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::{Head, Target};

    #[test]
    fn a_url_splits_into_authority_and_path() {
        let target = Target::parse("http://127.0.0.1:4242/stripe/webhook").unwrap();
        assert_eq!(target.authority, "127.0.0.1:4242");
        assert_eq!(target.path, "/stripe/webhook");
        assert_eq!(Target::parse("http://localhost:1").unwrap().path, "/");
    }

    #[test]
    fn a_url_without_port_or_with_tls_is_refused() {
        assert!(Target::parse("https://localhost:1/").is_err());
        assert!(Target::parse("http://localhost/").is_err());
    }

    #[test]
    fn an_unfinished_head_is_not_an_answer_yet() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n").unwrap(), None);
    }

    #[test]
    fn the_length_is_found_whatever_the_case_of_its_name() {
        let head = Head::parse(b"HTTP/1.1 503 Busy\r\ncontent-LENGTH: 17\r\n\r\n").unwrap();
        assert_eq!(head, Some(Head { status: 503, bytes: 41, body_bytes: 17 }));
    }

    #[test]
    fn a_chunked_answer_is_an_error_not_a_guess() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
