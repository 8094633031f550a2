//! The binary as a child process. It is ended by its id when its test ends, however it ends; then
//! a test that failed shows what it wrote.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Line, Reply};

/// No command takes longer; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Lines of a start within which the server says where it listens.
const START_LINES_MAX: usize = 50;

/// A server that runs.
pub struct Serving {
    child: Mutex<Child>,
    pub id: u32,
    pub address: SocketAddr,
    lines: Mutex<Receiver<String>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    /// Starts a server and waits until it says where it listens.
    ///
    /// It says so in a line of JSON on standard error (`serve`) or in text on standard output (`dev`).
    pub fn start(command: Command) -> Self {
        let mut serving = Self::begin(command);
        serving.address = serving.listening();
        serving
    }

    /// Starts what listens nowhere.
    pub fn begin(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let (told, lines) = mpsc::channel();
        let said = Arc::new(Mutex::new(Vec::new()));
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|it| Box::new(it) as _),
            child.stderr.take().map(|it| Box::new(it) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let (told, said) = (told.clone(), Arc::clone(&said));
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    said.lock().expect("no writer panics").push(line.clone());
                    // Nobody may be listening any more.
                    drop(told.send(line));
                }
            });
        }
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let id = child.id();
        Self { child: Mutex::new(child), id, address: unknown, lines: Mutex::new(lines), said }
    }

    fn listening(&self) -> SocketAddr {
        for _ in 0..START_LINES_MAX {
            let line = self.line().unwrap_or_else(|| panic!("it ended: {:?}", self.said()));
            let address = match serde_json::from_str::<Value>(&line) {
                Ok(it) => it["address"].as_str().map(str::to_owned),
                Err(_) => line.split_once("http://").map(|(_, it)| it.trim_matches('/').to_owned()),
            };
            if let Some(address) = address.and_then(|it| it.parse().ok()) {
                return address;
            }
        }
        panic!("it does not say where it listens: {:?}", self.said())
    }

    /// The next line that it writes; `None` once it has ended.
    fn line(&self) -> Option<String> {
        match self.lines.lock().expect("no reader panics").recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it neither ends nor speaks"),
        }
    }

    /// Waits for a line that holds this text, and returns what follows it there.
    pub fn line_after(&self, text: &str) -> String {
        for _ in 0..START_LINES_MAX {
            let line = self.line().unwrap_or_else(|| panic!("it ended: {:?}", self.said()));
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim().to_owned();
            }
        }
        panic!("it does not say {text:?}: {:?}", self.said())
    }

    /// Returns all lines that it has written.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().expect("no writer panics").clone()
    }

    /// Opens a connection.
    pub fn connect(&self) -> Line {
        Line::open(self.address).expect("the server listens")
    }

    /// Asks on a connection of its own, as the app.
    pub fn get(&self, path: &str) -> Reply {
        self.get_as(crate::home::KEY, path)
    }

    /// Asks on a connection of its own with another key.
    pub fn get_as(&self, key: &str, path: &str) -> Reply {
        let key = format!("authorization: Bearer {key}\r\n");
        self.connect().call("GET", path, &key, b"").expect("the server answers")
    }

    /// Tells it something on a connection of its own, as who has this key.
    pub fn post_as(&self, key: &str, path: &str, json: &str) -> Reply {
        let head = format!("authorization: Bearer {key}\r\ncontent-type: application/json\r\n");
        self.connect().call("POST", path, &head, json.as_bytes()).expect("the server answers")
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        // It may have ended on its own.
        drop(self.child.lock().expect("no holder panics").kill());
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        signal(self.id, "TERM");
    }

    /// Waits until it has ended.
    pub fn ended(&self) -> ExitStatus {
        while self.line().is_some() {}
        self.child.lock().expect("no holder panics").wait().expect("it is our child")
    }

    /// Stops it gracefully and expects that to succeed.
    pub fn stop(self) {
        self.terminate();
        let status = self.ended();
        assert_eq!(status.code(), Some(0), "{:?}", self.said());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            // Both fail where it has been waited for, and then there is nothing to do.
            drop(child.kill());
            drop(child.wait());
        }
        if thread::panicking() {
            eprintln!("the server wrote:\n{}", self.said().join("\n"));
        }
    }
}

/// Sends a signal to a process that we started.
fn signal(id: u32, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status();
    assert!(status.expect("there is a shell").success(), "signal {name} to {id}");
}

/// What a command that ends came to.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
    /// Standard output as it is.
    pub bytes: Vec<u8>,
}

impl Done {
    /// Returns standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Expects this exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Runs a command that ends by itself, with this on standard input.
pub fn run(mut command: Command, input: &[u8]) -> Done {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Ended(command.spawn().expect("the command starts"));
    let mut stdin = child.0.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // A command that does not read closes its end.
    thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, &input)));
    let out = read(child.0.stdout.take().expect("it is piped"));
    let err = read(child.0.stderr.take().expect("it is piped"));
    let bytes = out.recv_timeout(PATIENCE).expect("the command ends in time");
    let err = err.recv_timeout(PATIENCE).expect("the command ends in time");
    let status = child.0.wait().expect("it is our child");
    Done {
        code: status.code().expect("no signal ended it"),
        out: String::from_utf8_lossy(&bytes).into_owned(),
        err: String::from_utf8_lossy(&err).into_owned(),
        bytes,
    }
}

fn read(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (told, bytes) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        if output.read_to_end(&mut all).is_ok() {
            // Nobody may be waiting any more.
            drop(told.send(all));
        }
    });
    bytes
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail where it has been waited for, and then there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
