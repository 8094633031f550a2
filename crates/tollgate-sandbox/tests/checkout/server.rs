//! The pages over HTTP: who may load, frame and call them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tollgate_sandbox::server::{Options, Sandbox};

/// An answer: its status, its headers by lower-case name, its body.
type Answer = (u16, BTreeMap<String, String>, String);

async fn ask(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_lowercase(), value.trim().to_owned())
    };
    (status, lines.map(header).collect(), body.to_owned())
}

async fn start() -> Sandbox {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Sandbox::start(Options { listen, ..Options::default() }).await.unwrap()
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_only_embedded_ones_are_framed() {
    let sandbox = start().await;
    for (path, framed) in [
        ("/c/pay/cs_1", false),
        ("/c/embed/cs_1?parent=x", true),
        ("/p/session/x", false),
        ("/i/in_1", false),
        ("/authenticate/pi_1", false),
    ] {
        let (status, headers, body) =
            ask(sandbox.address(), &format!("GET {path} HTTP/1.1"), "").await;
        assert_eq!(
            (status, headers["content-type"].as_str()),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = &headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(policy.contains("frame-ancestors 'none'"), !framed, "{path}");
        assert_eq!(
            (headers["cache-control"].as_str(), headers["x-content-type-options"].as_str()),
            ("no-store", "nosniff")
        );
        assert!(body.contains("<html") && body.contains("SANDBOX"), "{path}");
    }
    for path in ["/v3/", "/dahlia/stripe.js"] {
        let (status, headers, _) =
            ask(sandbox.address(), &format!("GET {path} HTTP/1.1"), "").await;
        assert_eq!((status, headers["access-control-allow-origin"].as_str()), (200, "*"), "{path}");
    }
    let (status, headers, _) = ask(sandbox.address(), "GET /_pages/page.css HTTP/1.1", "").await;
    assert_eq!((status, headers["content-type"].as_str()), (200, "text/css; charset=utf-8"));
    sandbox.stop().await;
}

/// A form on a foreign site can be sent to a server on this machine; it must not pay anything.
#[tokio::test]
async fn a_page_is_called_by_itself_only() {
    let sandbox = start().await;
    let form = "POST /_pages/checkout/cs_1/pay HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let (status, headers, _) = ask(sandbox.address(), form, "email=a").await;
    assert_eq!((status, headers.contains_key("access-control-allow-origin")), (415, false));
    let json = "POST /_pages/checkout/cs_1/pay HTTP/1.1\r\nContent-Type: application/json";
    let (status, headers, body) = ask(sandbox.address(), json, "{}").await;
    assert_eq!(
        (status, headers.contains_key("access-control-allow-origin")),
        (404, false),
        "{body}"
    );
    let (status, _, _) =
        ask(sandbox.address(), "OPTIONS /_pages/checkout/cs_1/pay HTTP/1.1", "").await;
    assert_eq!(status, 404, "a browser that asks first is told no");
    sandbox.stop().await;
}
