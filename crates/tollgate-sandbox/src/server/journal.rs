//! A world in a file: a line for how it began, then one for each thing that changed it. Since a
//! world follows from its seed and its calls, doing them again brings it back.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::world::{Request, Settings, World};

/// The form of the file. A file of another form is refused.
const FORMAT: u32 = 1;

/// A file cannot be used as a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("use the sandbox's file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line is not one of ours.
    #[error("read line {line} of the sandbox's file {path}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file is of another form.
    #[error("the sandbox's file {path} has form {found}, not {FORMAT}: begin with a new file")]
    Form {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u32,
    },
}

/// How a world began.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Beginning {
    format: u32,
    pub(super) seed: u64,
    pub(super) now: i64,
    pub(super) settings: Settings,
}

impl Beginning {
    pub(super) fn new(seed: u64, now: i64, settings: Settings) -> Self {
        Self { format: FORMAT, seed, now, settings }
    }

    pub(super) fn world(&self) -> World {
        World::with(self.seed, self.now, self.settings.clone())
    }
}

/// What changed a world, and when by its main clock.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: i64,
    pub(super) did: Did,
}

/// One thing that changes a world.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Did {
    Call(Box<Request>),
    Answered { attempt: u64, status: Option<u16> },
    Opened { websocket: String },
    Heard { websocket: String, message: String },
    Closed { websocket: String, opening: u64 },
}

impl Did {
    fn again(&self, world: &mut World) {
        match self {
            Self::Call(request) => {
                // It was answered when it was first made.
                world.call(request);
            }
            Self::Answered { attempt, status } => world.answered(*attempt, *status),
            Self::Opened { websocket } => {
                // The socket that it opened is gone with its process.
                world.listener_opened(websocket);
            }
            Self::Closed { websocket, opening } => world.listener_closed(websocket, *opening),
            Self::Heard { websocket, message } => world.listener_said(websocket, message),
        }
    }
}

/// The open file of a world.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens a file and brings its world back; a new file begins with `beginning`.
    pub(super) fn open(path: &Path, beginning: &Beginning) -> Result<(Self, World), JournalError> {
        let failed = |source| JournalError::File { path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file };
        let world = match journal.read()? {
            Some(world) => world,
            None => {
                journal.write(beginning)?;
                beginning.world()
            }
        };
        Ok((journal, world))
    }

    /// Reads the whole file. A last line without an end was cut off by a crash and is dropped.
    fn read(&mut self) -> Result<Option<World>, JournalError> {
        let mut reader = BufReader::new(self.file.try_clone().map_err(|e| self.failed(e))?);
        let mut world = None;
        let (mut text, mut whole, mut number) = (String::new(), 0, 0);
        loop {
            text.clear();
            let length = reader.read_line(&mut text).map_err(|error| self.failed(error))?;
            if !text.ends_with('\n') {
                break;
            }
            number += 1;
            whole += length as u64;
            self.take(&text, number, &mut world)?;
        }
        self.file.set_len(whole).map_err(|error| self.failed(error))?;
        self.file.seek(std::io::SeekFrom::End(0)).map_err(|error| self.failed(error))?;
        Ok(world)
    }

    fn take(&self, text: &str, line: usize, world: &mut Option<World>) -> Result<(), JournalError> {
        let wrong = |source| JournalError::Line { path: self.path.clone(), line, source };
        match world {
            None => {
                let beginning: Beginning = serde_json::from_str(text).map_err(wrong)?;
                if beginning.format != FORMAT {
                    let (path, found) = (self.path.clone(), beginning.format);
                    return Err(JournalError::Form { path, found });
                }
                *world = Some(beginning.world());
            }
            Some(world) => {
                let entry: Entry = serde_json::from_str(text).map_err(wrong)?;
                world.advance(entry.at);
                entry.did.again(world);
            }
        }
        Ok(())
    }

    /// Adds an entry, before it is done.
    pub(super) fn note(&mut self, at: i64, did: Did) -> Result<(), JournalError> {
        self.write(&Entry { at, did })
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let mut text = serde_json::to_string(line).expect("entries are plain");
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: std::io::Error) -> JournalError {
        JournalError::File { path: self.path.clone(), source }
    }
}
