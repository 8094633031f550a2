//! Whoever reads only the beginning of what a command prints has what they want: the command ends
//! as if all of it had been read, and says nothing of it. Only what is told once must be heard.

use std::process::Stdio;

use tollgate_sandbox::server::{Options, Sandbox};

use crate::home::Home;

/// Which of a command's outputs nobody reads.
#[derive(Clone, Copy, PartialEq)]
enum Unread {
    Out,
    Err,
}

/// Runs a command of whose outputs nobody reads this one; returns its code and the other.
fn half_read(home: &Home, arguments: &[&str], unread: Unread) -> (Option<i32>, String) {
    let mut command = home.command(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    match unread {
        Unread::Out => drop(child.stdout.take()),
        Unread::Err => drop(child.stderr.take()),
    }
    let done = child.wait_with_output().expect("it ends");
    let read = if unread == Unread::Out { done.stderr } else { done.stdout };
    (done.status.code(), String::from_utf8_lossy(&read).into_owned())
}

/// Runs a command whose output nobody reads; returns its code and what it says on standard error.
fn unread(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    half_read(home, arguments, Unread::Out)
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

#[test]
fn what_is_remarked_may_be_heard_by_nobody() {
    let home = Home::sqlite();
    let remarks = |arguments: &[&str]| half_read(&home, arguments, Unread::Err).0;
    assert_eq!(remarks(&["events", "show", "evt_none"]), Some(1));
    assert_eq!(remarks(&["outbox", "retry", "invoice_paid:in_none", "--to", "mail"]), Some(1));
    assert_eq!(remarks(&["events", "replay"]), Some(2));
    assert_eq!(remarks(&["mails", "show", "nothing"]), Some(2));
}

/// Stripe tells it once, and the next run finds the endpoint and has nothing to do.
#[test]
fn a_secret_that_nobody_reads_is_not_passed_over() {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    let mut home = Home::sqlite();
    home.set("STRIPE_SECRET_KEY", "sk_test_0123456789");
    home.set("STRIPE_API_BASE", &sandbox.url());
    home.set("TOLLGATE_PUBLIC_URL", "https://billing.example");
    let (code, said) = unread(&home, &["setup"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("roll it") && !said.contains("whsec_"), "{said}");
    runtime.block_on(sandbox.stop());
}
