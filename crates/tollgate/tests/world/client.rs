//! HTTP/1.1 over a bare connection: what is sent is what a test wrote, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of a test takes longer; without an end a test would hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open connection.
pub struct Connection {
    stream: TcpStream,
    /// What was read and not yet used.
    held: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Self { stream, held: Vec::new() }
    }

    /// Sends bytes; a server that has already answered may refuse them.
    pub async fn send(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes).await);
    }

    /// Reads an answer to the end of the connection.
    pub async fn reply(&mut self) -> Reply {
        reply_of(&self.rest().await)
    }

    /// Reads until the server closes; returns what came.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.held)
    }

    /// Reads up to and with this text.
    pub async fn until(&mut self, end: &str) -> String {
        loop {
            let found = self.held.windows(end.len()).position(|it| it == end.as_bytes());
            if let Some(at) = found {
                let rest = self.held.split_off(at + end.len());
                let text = std::mem::replace(&mut self.held, rest);
                return String::from_utf8(text).expect("it is text");
            }
            let text = String::from_utf8_lossy(&self.held).into_owned();
            assert!(self.more().await, "the connection ended before {end:?}: {text}");
        }
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer));
        // A reset after the answer is an end like another.
        let count = read.await.expect("the server answers in time").unwrap_or(0);
        self.held.extend_from_slice(&buffer[..count]);
        count > 0
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns the body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns a header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// Expects a refusal in the documented shape; returns its message and details.
    #[track_caller]
    pub fn refused(&self, status: u16, error: &str) -> (String, Value) {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        let keys: Vec<&String> = body.as_object().expect("it is an object").keys().collect();
        assert_eq!(keys, ["details", "error", "message"]);
        assert_eq!(body["error"], error, "{body}");
        assert!(body["details"].is_object(), "{body}");
        let message = body["message"].as_str().expect("it is text").to_owned();
        assert!(!message.is_empty());
        (message, body["details"].clone())
    }
}

fn reply_of(bytes: &[u8]) -> Reply {
    let head_end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
    let head_end =
        head_end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
    let head = std::str::from_utf8(&bytes[..head_end]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|it| it.split(' ').nth(1)).and_then(|it| it.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|it| it.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[head_end + 4..];
    let chunked =
        headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { joined(body) } else { body.to_vec() };
    Reply { status: status.expect("a head begins with a status"), headers, body }
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = chunks.windows(2).position(|it| it == b"\r\n") {
        let size = std::str::from_utf8(&chunks[..at]).expect("a size is text");
        let size = usize::from_str_radix(size, 16).expect("a size is a number");
        let chunk = chunks.get(at + 2..at + 2 + size).expect("the chunk is whole");
        body.extend_from_slice(chunk);
        chunks = chunks.get(at + 4 + size..).unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    body
}
