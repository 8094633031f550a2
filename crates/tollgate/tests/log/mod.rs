//! What the server logs, kept for a test to read.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("it is text")
    }

    pub fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|it| serde_json::from_str::<Value>(it).expect("it is JSON"));
        lines.filter(|it| it["fields"]["message"] == message).collect()
    }
}

/// Logs of this thread, on which the whole server runs.
pub fn listen() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE);
    let subscriber = subscriber.with_writer(log.clone()).finish();
    (log, tracing::subscriber::set_default(subscriber))
}

/// Logs of every thread of this process, the writer's too. A test looks for what is its own: under
/// a runner of one process for all tests, they share it.
pub fn listen_everywhere() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    let listen = || {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::INFO);
        let subscriber = subscriber.with_writer(log.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody listens yet");
        log
    };
    LOG.get_or_init(listen).clone()
}
