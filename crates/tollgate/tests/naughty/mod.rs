//! A server that answers as it was told, however wrong that is, and remembers what it was asked.

mod asked;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asked::request;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What it does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers with these bytes.
    Say(String),
    /// Answers with these bytes and closes the connection in the middle of them.
    Tear(String),
    /// Closes the connection.
    Hang,
    /// Says nothing for a long time.
    Sleep,
    /// Answers with these bytes once it is told to.
    Await(Arc<Notify>, String),
}

/// An answer with a status, headers and a body.
pub fn say(status: u16, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Say(format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nrequest-id: req_1\r\n\
         date: Sun, 22 Nov 2026 12:00:00 GMT\r\n{headers}\r\n{body}"
    ))
}

/// The server.
pub struct Naughty {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Naughty {
    /// Starts it; the last act is done again for whatever comes after.
    pub async fn start(acts: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let acts = Arc::new(Mutex::new(acts.iter().cloned().collect::<VecDeque<_>>()));
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&acts), Arc::clone(&heard)));
            }
        });
        Self { url, asked }
    }

    /// Returns every request so far, as it came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

async fn converse(
    mut stream: TcpStream,
    acts: Arc<Mutex<VecDeque<Act>>>,
    heard: Arc<Mutex<Vec<String>>>,
) {
    while let Some(request) = request(&mut stream).await {
        heard.lock().expect("nobody panicked").push(request);
        let act = {
            let mut acts = acts.lock().expect("nobody panicked");
            let last = acts.len() == 1;
            if last { acts[0].clone() } else { acts.pop_front().expect("there is one") }
        };
        match act {
            Act::Say(text) => stream.write_all(text.as_bytes()).await.expect("it is heard"),
            Act::Tear(text) => {
                let half = text.len() - 5;
                stream.write_all(&text.as_bytes()[..half]).await.expect("it is heard");
                return;
            }
            Act::Hang => return,
            Act::Await(told, text) => {
                told.notified().await;
                stream.write_all(text.as_bytes()).await.expect("it is heard");
            }
            Act::Sleep => tokio::time::sleep(Duration::from_secs(60)).await,
        }
    }
}
