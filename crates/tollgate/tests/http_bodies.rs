//! Bodies of strangers: how much memory they take before anybody knows whose they are.

#[expect(dead_code, reason = "other files need more of it")]
mod world;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tollgate::config::Config;
use world::{World, request};

/// Begins a body of 64 KiB from an address of this machine, and ends it only if asked to.
async fn begin(world: &World, host: u8, is_whole: bool) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.bind(([127, 0, 0, host], 0).into()).expect("the address is this machine's");
    let mut stream = socket.connect(world.server.address()).await.expect("the server listens");
    let sent = if is_whole { 64 << 10 } else { 60 << 10 };
    let asked = request("POST", "/webhook", &[("content-length", "65536")], &vec![b' '; sent]);
    stream.write_all(&asked).await.expect("it is read");
    stream
}

/// Sends a whole body and returns what is answered.
async fn answered(world: &World, host: u8) -> String {
    let mut text = String::new();
    // A reset after the answer is an end like another.
    drop(begin(world, host, true).await.read_to_string(&mut text).await);
    text
}

/// Begins bodies until a whole one is not taken any more.
async fn fill(world: &World, host: u8) -> (Vec<TcpStream>, String) {
    let mut stalled = Vec::new();
    for _ in 0..100 {
        stalled.push(begin(world, host, false).await);
        let text = answered(world, host).await;
        if text.starts_with("HTTP/1.1 503") {
            return (stalled, text);
        }
    }
    panic!("there is room for all");
}

/// Nobody knows yet whose they are, and each would be held for half a minute.
#[tokio::test]
async fn bodies_that_do_not_end_take_no_more_than_their_room() {
    let adjust = |it: &mut Config| it.server.bodies_bytes_max = 256 << 10;
    let world = World::with(&[("TOLLGATE_RATE_LIMIT", "off")], adjust).await;
    let (first, refused) = fill(&world, 2).await;
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains(r#""error":"unavailable""#), "{refused}");
    // One address has half of the room; what another sends is read, and is no event.
    let read = answered(&world, 3).await;
    assert!(read.starts_with("HTTP/1.1 400"), "{read}");
    let (second, _) = fill(&world, 3).await;
    let refused = answered(&world, 4).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    drop((first, second));
    let mut last = refused;
    for _ in 0..100 {
        last = answered(&world, 4).await;
        if last.starts_with("HTTP/1.1 400") {
            break;
        }
    }
    assert!(last.starts_with("HTTP/1.1 400"), "{last}");
    world.end().await;
}
