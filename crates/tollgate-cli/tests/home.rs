//! A directory with its configuration, from which commands are run as a user runs them: nothing
//! of the environment is inherited.

use std::path::Path;
use std::process::Command;

use tollgate::store::Db;

use crate::client::Reply;
use crate::database::{Database, wait};
use crate::process::{self, Done, Serving};

pub const SECRET: &str = "whsec_the_one_of_the_tests";
pub const KEY: &str = "the-key-of-the-tests-app";

/// 32 bytes.
const HOOK_SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBhIGhvb2sgaW4gdGhlc2UgdGU=";

/// Both plans are sold by the lookup keys of the stories' prices.
const PLANS: &str = r#"
[plans.pro]
title = "Pro"
rank = 10
prices = { monthly = "pro_monthly", yearly = "pro_yearly" }
features = ["export"]
"#;

/// Where commands are run.
pub struct Home {
    database: Database,
    directory: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    /// With a SQLite file in it.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        Self::new(Database::sqlite(directory.path()), directory)
    }

    /// With a fresh Postgres database.
    pub fn postgres() -> Self {
        Self::at(Database::postgres())
    }

    /// With a database that is somewhere else.
    pub fn at(database: Database) -> Self {
        Self::new(database, tempfile::tempdir().expect("a directory can be made"))
    }

    fn new(database: Database, directory: tempfile::TempDir) -> Self {
        std::fs::write(directory.path().join("tollgate.toml"), PLANS).expect("it can be written");
        let variables = vec![
            ("TOLLGATE_LISTEN", "127.0.0.1:0".to_owned()),
            ("DATABASE_URL", database.url().to_owned()),
            ("STRIPE_WEBHOOK_SECRET", SECRET.to_owned()),
            ("TOLLGATE_API_KEY", KEY.to_owned()),
        ];
        Self { database, directory, variables }
    }

    /// Returns a directory with nothing in it, and no variable set.
    pub fn empty() -> Self {
        let mut home = Self::sqlite();
        std::fs::remove_file(home.directory().join("tollgate.toml")).expect("it is there");
        home.variables.clear();
        home
    }

    /// Sets a variable from now on.
    pub fn set(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.variables.retain(|(it, _)| *it != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Configures an endpoint that hears of all that happens from now on.
    pub fn hears(&self, name: &str) {
        let path = self.directory().join("tollgate.toml");
        let before = std::fs::read_to_string(&path).expect("it is there");
        let endpoint = format!(
            "[[notify]]\nname = {name:?}\nurl = \"https://app.example.com/hook\"\nsecret = {HOOK_SECRET:?}\n"
        );
        std::fs::write(path, before + &endpoint).expect("it can be written");
    }

    /// Returns the directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns where the database is.
    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// Returns a command that has not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_tollgate"), arguments)
    }

    /// Returns a command that runs another program with the same environment.
    pub fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory()).env_clear();
        // Sandboxes of other tests are none of this one's business.
        command.env("TOLLGATE_SANDBOX_LISTEN", "127.0.0.1:0");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command that ends by itself.
    pub fn run(&self, arguments: &[&str]) -> Done {
        process::run(self.command(arguments), b"")
    }

    /// Runs a command with this on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Done {
        process::run(self.command(arguments), input)
    }

    /// Starts the server.
    pub fn serve(&self) -> Serving {
        Serving::start(self.command(&["serve"]))
    }

    /// Starts the server with one more variable.
    pub fn serve_with(&self, name: &str, value: &str) -> Serving {
        let mut command = self.command(&["serve"]);
        command.env(name, value);
        Serving::start(command)
    }

    /// Reads the database through the library.
    pub fn read<T>(&self, read: impl AsyncFnOnce(&Db) -> T) -> T {
        wait(async {
            let db = Db::connect(self.url()).await.expect("the database opens");
            let found = read(&db).await;
            db.close().await;
            found
        })
    }
}

/// Delivers a body on a connection of its own.
pub fn deliver(serving: &Serving, body: &str) -> Reply {
    let sent = serving.connect().deliver("/stripe/webhook", SECRET, body.as_bytes());
    sent.expect("the server answers")
}
