//! HTTP/1.1, a connection at a time. Whatever goes wrong is an answer of its own: these tests
//! kill the server.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tollgate::clock::Clock;
use tollgate_stripe::signature;

/// No answer takes longer, or the test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines of a head, and bytes of a body, beyond which it is no answer of ours.
const HEAD_LINES_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 1 << 20;

/// An open connection.
pub struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request and reads its answer; the connection stays open.
    pub fn call(&mut self, method: &str, path: &str, head: &str, body: &[u8]) -> io::Result<Reply> {
        let length = body.len();
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: tollgate.test\r\n{head}content-length: {length}\r\n\r\n"
        )
        .into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes)?;
        self.reply()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Delivers a body as Stripe does, signed now.
    pub fn deliver(&mut self, path: &str, secret: &str, body: &[u8]) -> io::Result<Reply> {
        self.call("POST", path, &signed(secret, body), body)
    }

    /// Reads one answer. A connection that ends before the first byte is [`ErrorKind::NotConnected`],
    /// one that ends within an answer is [`ErrorKind::UnexpectedEof`].
    pub fn reply(&mut self) -> io::Result<Reply> {
        let status = self.line()?.ok_or(ErrorKind::NotConnected)?;
        let status = status.split(' ').nth(1).and_then(|it| it.parse().ok());
        let mut headers = Vec::new();
        for _ in 0..HEAD_LINES_MAX {
            let line = self.line()?.ok_or(ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply =
            Reply { status: status.ok_or(ErrorKind::InvalidData)?, headers, body: Vec::new() };
        // A head without a length is that of a 100 Continue.
        let length = reply.header("content-length").parse().unwrap_or(0);
        assert!(length <= BODY_BYTES_MAX, "an answer of {length} bytes");
        reply.body.resize(length, 0);
        self.stream.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    /// One line of a head; `None` where the connection ended before it.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Ok(None),
            _ => Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned())),
        }
    }
}

/// Returns the header line that signs a body now.
pub fn signed(secret: &str, body: &[u8]) -> String {
    let header = signature::header(body, &[secret], Clock::system().now());
    format!("stripe-signature: {header}\r\n")
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns a header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
