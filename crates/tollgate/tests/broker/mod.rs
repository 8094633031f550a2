//! A NATS server with JetStream, ended whatever becomes of its test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The server. What it keeps is gone with it.
pub struct Broker {
    child: Child,
    port: String,
    _kept: tempfile::TempDir,
}

impl Broker {
    /// Starts it on this machine, at any port unless `arguments` name one.
    pub fn start(arguments: &[&str]) -> Self {
        let kept = tempfile::tempdir().expect("a directory can be made");
        #[expect(clippy::disallowed_methods, reason = "the tests have no configuration")]
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let mut child = Command::new(&program)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", "-1", "--store_dir"])
            .arg(kept.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server has to be there, or NATS_SERVER to say where it is");
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let mut port = None;
        let mut lines = lines.map_while(Result::ok);
        for line in lines.by_ref() {
            if let Some((_, it)) = line.split_once("client connections on 127.0.0.1:") {
                port = Some(it.to_owned());
            }
            if line.ends_with("Server is ready") {
                break;
            }
        }
        // Whoever writes into a pipe that nobody empties is stopped at some time.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port: port.expect("it says where it listens"), _kept: kept }
    }

    /// Returns where it listens.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
