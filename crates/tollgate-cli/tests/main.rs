//! Tollgate from outside: the binary as its users run it, with signals, other processes and
//! databases that go away. What can be shown at a lower level is tested there.
//!
//! - [`process`]: the binary as a child, ended whatever becomes of its test;
//! - [`database`]: a database of its own for each test;
//! - [`home`]: a directory with its configuration, from which commands are run;
//! - [`client`]: HTTP/1.1, a connection at a time;
//! - [`stream`]: events of many customers, poured in over many connections;
//! - [`state`]: all that Tollgate holds, to compare;
//! - the others are the tests.

mod client;
mod commands;
mod crash;
mod database;
mod discounts;
mod doctor;
mod home;
mod notify;
mod outage;
mod pipes;
mod process;
mod rebuild;
mod sandboxes;
mod sending;
mod shutdown;
mod state;
mod stream;
mod telling;
