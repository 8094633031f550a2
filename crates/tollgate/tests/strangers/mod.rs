//! Receivers of every kind on this machine, and endpoints that lead to them.

#[path = "../naughty/asked.rs"]
mod asked;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asked::request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tollgate::config::Config;
use tollgate::config::notify::Endpoint;

/// 32 bytes, and another 32.
pub const SECRET: &str = "whsec_dGhlIGZpcnN0IHNlY3JldCBvZiB0aGVzZSB0ZXN0cyE=";
pub const OTHER: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlc2UgdGVzdHMuLi4=";
/// What a receiver without end would send.
pub const GIGABYTE: usize = 1 << 30;

/// Reads an endpoint as the file would say it.
pub fn endpoint(url: &str, more: &str) -> Endpoint {
    let secret =
        if more.contains("secret") { String::new() } else { format!("secret = {SECRET:?}") };
    let toml = format!("[[notify]]\nurl = {url:?}\n{secret}\n{more}");
    let dir = tempfile::tempdir().expect("a directory can be made");
    std::fs::write(dir.path().join("tollgate.toml"), toml).expect("the file can be written");
    let config = Config::load(None, dir.path(), &BTreeMap::new()).expect("the settings are right");
    config.notify.into_iter().next().expect("there is one")
}

/// What a receiver does once it has the request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes these bytes and listens on.
    Say(String),
    /// Closes the connection before anything was said.
    Slam,
    /// Writes these bytes and closes the connection.
    Leave(String),
    /// Writes these bytes and nothing more, for as long as it is listened to.
    Freeze(String),
    /// Writes these bytes, and then pieces without end, as fast as they are taken.
    Flood(String, &'static str),
    /// The same, a piece at a time.
    Drip(String, &'static str),
}

/// A receiver.
pub struct Stranger {
    /// Where it is: `127.0.0.1:port`.
    pub address: String,
    heard: Arc<Mutex<Vec<String>>>,
    written: Arc<Mutex<usize>>,
    came: Arc<Mutex<usize>>,
}

impl Stranger {
    /// Starts one that does the same with everybody.
    pub async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens").to_string();
        let stranger =
            Self { address, heard: Arc::default(), written: Arc::default(), came: Arc::default() };
        let (heard, written) = (Arc::clone(&stranger.heard), Arc::clone(&stranger.written));
        let came = Arc::clone(&stranger.came);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *came.lock().expect("nobody panicked") += 1;
                let (act, heard, written) = (act.clone(), Arc::clone(&heard), Arc::clone(&written));
                tokio::spawn(converse(stream, act, heard, written));
            }
        });
        stranger
    }

    /// Returns every request so far, as it came.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("nobody panicked").clone()
    }

    /// Returns how many bytes it could write.
    pub fn written(&self) -> usize {
        *self.written.lock().expect("nobody panicked")
    }

    /// Returns how many connections there were.
    pub fn came(&self) -> usize {
        *self.came.lock().expect("nobody panicked")
    }
}

/// An answer with a status, headers (each with its end of line) and a body.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn converse(
    mut stream: TcpStream,
    act: Act,
    heard: Arc<Mutex<Vec<String>>>,
    written: Arc<Mutex<usize>>,
) {
    if matches!(act, Act::Slam) {
        return;
    }
    while let Some(request) = request(&mut stream).await {
        heard.lock().expect("nobody panicked").push(request);
        let (start, piece, pause) = match &act {
            Act::Say(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
                continue;
            }
            Act::Slam => return,
            Act::Leave(text) => {
                drop(stream.write_all(text.as_bytes()).await);
                return;
            }
            Act::Freeze(text) => (text, "", None),
            Act::Flood(text, piece) => (text, *piece, None),
            Act::Drip(text, piece) => (text, *piece, Some(Duration::from_millis(10))),
        };
        drop(stream.write_all(start.as_bytes()).await);
        pour(&mut stream, piece, pause, &written).await;
        return;
    }
}

/// Writes until a gigabyte is out or nobody listens any more.
async fn pour(
    stream: &mut TcpStream,
    piece: &str,
    pause: Option<Duration>,
    written: &Mutex<usize>,
) {
    if piece.is_empty() {
        let mut nothing = [0; 64];
        while stream.read(&mut nothing).await.is_ok_and(|it| it > 0) {}
        return;
    }
    let times = if pause.is_some() { 1 } else { (64 << 10) / piece.len() };
    let pieces = piece.repeat(times);
    while *written.lock().expect("nobody panicked") < GIGABYTE {
        if stream.write_all(pieces.as_bytes()).await.is_err() {
            return;
        }
        *written.lock().expect("nobody panicked") += pieces.len();
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
}
