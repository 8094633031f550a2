//! The sandbox as a server: the one place of this crate that does I/O.
//!
//! - [`keeper`]: the world behind its lock, with real time and the journal.
//! - [`http`]: calls and pages. [`listen`]: the sockets of the official command line.
//! - [`neighbour`]: which other pages may steer the sandbox.
//! - [`deliver`]: posts what is due. [`journal`]: a world in a file.
//! - [`clock`]: real time.

mod clock;
mod deliver;
mod http;
mod journal;
mod keeper;
mod listen;
mod neighbour;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::Settings;
pub use journal::JournalError;
use keeper::Keeper;

/// How a sandbox is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What all ids and faults follow from.
    pub seed: u64,
    /// Where the main clock begins, in Unix seconds; real time if `None`. It goes on from there.
    pub now: Option<i64>,
    /// The file that keeps the world; in memory if `None`.
    pub file: Option<PathBuf>,
    /// The account's settings where a file does not tell them.
    pub settings: Settings,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4243)),
            seed: 1,
            now: None,
            file: None,
            settings: Settings::default(),
        }
    }
}

/// A sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("listen on {address}")]
    Listen {
        /// The wanted address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be read, written or understood.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A running sandbox. Dropping it does not stop it; [`Sandbox::stop`] does.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    keeper: Arc<Keeper>,
    stopping: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox.
    ///
    /// # Errors
    ///
    /// If it cannot listen, or its file cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = options.listen;
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let keeper = Arc::new(Keeper::open(options, address)?);
        let (stopping, stopped) = watch::channel(false);
        let serving = http::serve(listener, keeper.clone(), stopped.clone());
        let tasks = vec![
            tokio::spawn(serving),
            tokio::spawn(keeper::tick(keeper.clone(), stopped.clone())),
            tokio::spawn(deliver::run(keeper.clone(), stopped)),
        ];
        Ok(Self { address, keeper, stopping, tasks })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base of its API and pages.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns by how many seconds its main clock is ahead of real time. The number follows when
    /// the clock is moved, so that whoever shares it lives in the sandbox's time.
    pub fn ahead(&self) -> Arc<AtomicI64> {
        self.keeper.ahead()
    }

    /// Answers one call, as its HTTP API does.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written.
    pub fn call(&self, request: &crate::Request) -> Result<crate::Answer, JournalError> {
        self.keeper.call(request)
    }

    /// Stops it and waits until everything in flight is done.
    pub async fn stop(self) {
        // Whoever listens may be gone already.
        self.stopping.send(true).ok();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the sandbox ended badly");
            }
        }
    }
}
