//! A way to the offline Stripe that loses some answers: what was asked for is done, and nobody
//! hears of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The way.
pub struct Relay {
    pub url: String,
}

impl Relay {
    /// Opens a way on which the answers to requests that begin like this are lost.
    pub async fn losing(stripe: std::net::SocketAddr, lost: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, stripe, lost));
            }
        });
        Self { url }
    }
}

/// One request a connection: an answer says that it is the last.
async fn pass(mut stream: TcpStream, stripe: std::net::SocketAddr, lost: &str) -> Option<()> {
    let mut request = String::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|it| *it > 0)?;
        request.push_str(std::str::from_utf8(&piece[..count]).expect("it is text"));
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |it| it.parse().expect("it is a number")) {
            break;
        }
    }
    let is_lost = request.starts_with(lost);
    let mut onward = TcpStream::connect(stripe).await.ok()?;
    let last = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    onward.write_all(last.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    onward.read_to_end(&mut answer).await.ok()?;
    if !is_lost {
        stream.write_all(&answer).await.ok()?;
    }
    Some(())
}
