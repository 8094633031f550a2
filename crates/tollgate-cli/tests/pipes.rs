//! Whoever reads only the beginning of what a command prints has what they want: the command ends
//! as if all of it had been read, and says nothing of it.

use std::process::Stdio;

use crate::home::Home;

/// Runs a command whose output nobody reads; returns its code and what it says on standard error.
fn unread(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = home.command(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

fn prints_to_nobody(home: &Home) {
    let serving = home.serve();
    let url = format!("http://{}/stripe/webhook", serving.address);
    let trigger = ["trigger", "subscribe_checkout", "--user", "ada", "--seed", "1", "--url", &url];
    assert_eq!(unread(home, &trigger), (Some(0), String::new()));
    serving.stop();
    for arguments in [
        &["events", "list"][..],
        &["events", "list", "--json"],
        &["events", "replay", "evt_none"],
        &["outbox", "list"],
        &["explain", "ada"],
        &["explain", "ada", "--json"],
        &["rebuild", "--check"],
        &["rebuild", "--json"],
        &["config"],
        &["config", "--json"],
        &["migrate"],
        &["trigger", "list"],
        &["openapi"],
    ] {
        let code = if arguments[1..].contains(&"evt_none") { 1 } else { 0 };
        let (found, said) = unread(home, arguments);
        assert_eq!((found, said.contains("panicked")), (Some(code), false), "{arguments:?} {said}");
    }
    let shown = home.run(&["events", "list", "--json", "--limit", "1"]).code(0).json();
    let id = shown["id"].as_str().expect("it has an id");
    let (found, said) = unread(home, &["events", "show", id]);
    assert_eq!((found, said.contains("panicked")), (Some(0), false), "{said}");
}

#[test]
fn every_command_may_be_read_in_part() {
    prints_to_nobody(&Home::sqlite());
}

#[test]
fn every_command_may_be_read_in_part_on_postgres() {
    prints_to_nobody(&Home::postgres());
}
