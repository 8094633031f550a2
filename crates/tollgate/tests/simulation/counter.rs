//! The market's API over HTTP, for as long as something else is waited for.

use std::pin::pin;

use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tollgate_sandbox::{Method, Request, World};

/// Where the market is asked.
pub struct Counter {
    pub url: String,
    listener: TcpListener,
}

impl Counter {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        Self { url, listener }
    }

    /// Answers whoever asks until this work is done.
    pub async fn serve<T>(&self, world: &mut World, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                came = self.listener.accept() => {
                    let (stream, _) = came.expect("somebody came");
                    answer(stream, world).await;
                }
            }
        }
    }
}

async fn answer(mut stream: TcpStream, world: &mut World) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 2_048];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => heard.extend_from_slice(&piece[..count]),
        }
    }
    let heard = String::from_utf8(heard).expect("requests are text");
    let target = heard.strip_prefix("GET ").and_then(|it| it.split(' ').next());
    let target = target.expect("Tollgate only reads here");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request::new(Method::Get, path, "");
    query.clone_into(&mut request.query);
    let answer = world.call(&request);
    let now = jiff::Timestamp::from_second(world.now()).expect("it is a time");
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).expect("it has a date");
    let (status, body) = (answer.status, answer.body);
    let text = format!(
        "HTTP/1.1 {status} x\r\ndate: {date}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.expect("somebody listens");
}
