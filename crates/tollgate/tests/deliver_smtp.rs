//! Mails to servers that refuse: only what a server says of one mail is about that mail.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tollgate::config::{Mailbox, Secret};
use tollgate::deliver::refused::Retry::{self, GiveUp, Later};
use tollgate::deliver::smtp::Mailer;
use tollgate::mail::Mail;

/// What is refused, with which answer, and what follows.
const REFUSALS: [(&str, &str, Retry); 22] = [
    // Before anything of a mail was said, it is about us.
    ("CONNECT", "554 no service for 192.0.2.1", Later),
    ("EHLO", "550 5.7.1 not for you", Later),
    ("AUTH", "535 5.7.8 unknown", Later),
    ("AUTH", "550 the account is suspended", Later),
    ("MAIL", "550 the sender is not verified", Later),
    ("MAIL", "553 5.1.8 unknown sender", Later),
    ("MAIL", "552 5.2.2 too much today", Later),
    // Of a recipient: their address, or they take nothing.
    ("RCPT", "550 no such user", GiveUp),
    ("RCPT", "550-5.1.1 no such user,\r\n550 5.1.1 look it up", GiveUp),
    ("RCPT", "552 5.2.2 the mailbox is full", GiveUp),
    ("RCPT", "556 5.1.10 takes no mail", GiveUp),
    // Many servers keep back until here what they have against whoever sends.
    ("RCPT", "554 5.7.1 192.0.2.1 is on a list", Later),
    ("RCPT", "550 5.1.8 the sender's domain is unknown", Later),
    ("RCPT", "554 relaying denied", Later),
    ("RCPT", "530 5.7.0 log in first", Later),
    ("RCPT", "451 4.7.1 in a while", Later),
    ("DATA", "554 no valid recipients", Later),
    ("END", "552 too large", GiveUp),
    ("END", "554 5.6.0 malformed", GiveUp),
    ("END", "552 5.3.4 too large", GiveUp),
    // As of a provider that has not verified the sender.
    ("END", "554 Message rejected: sending is paused", Later),
    ("END", "550 5.7.26 the domain is not signed", Later),
];

/// Serves one connection, and refuses what begins so; `END` is the end of a mail.
async fn refuse(stream: TcpStream, at: &str, answer: &str) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let greeting = if at == "CONNECT" { answer } else { "220 test" };
    writing.write_all(format!("{greeting}\r\n").as_bytes()).await?;
    let mut in_mail = false;
    while let Some(line) = lines.next_line().await? {
        if in_mail && line != "." {
            continue;
        }
        let command = if in_mail { "END" } else { line.get(..4).unwrap_or_default() };
        in_mail = command == "DATA" && at != "DATA";
        let said = match command {
            _ if command == at => answer,
            "EHLO" => "250-test\r\n250 AUTH PLAIN",
            "DATA" => "354 go on",
            _ => "250 ok",
        };
        writing.write_all(format!("{said}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn mail() -> Mail {
    Mail {
        to: "ada@example.com".to_owned(),
        to_name: None,
        subject: "Your receipt".to_owned(),
        html: "<p>Thanks.</p>".to_owned(),
        text: "Thanks.".to_owned(),
        message_id: "<abc@example.com>".to_owned(),
        headers: Vec::new(),
    }
}

#[tokio::test]
async fn only_what_is_about_the_mail_gives_it_up() {
    let from = Mailbox { name: None, address: "billing@example.com".to_owned() };
    for (at, answer, retry) in REFUSALS {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("somebody comes");
            refuse(stream, at, answer).await
        });
        let url = Secret::new(format!("smtp://billing:password@{address}"));
        let mailer = Mailer::new(&url, &from, None, 1).expect("it is all right");
        let refused = mailer.send(&mail()).await.expect_err("it is refused");
        assert_eq!(refused.retry, retry, "{at}: {answer}: {refused}");
        let code = &answer[..3];
        assert!(refused.why.starts_with(&format!("the mail server answered {code}")), "{refused}");
        assert!(!refused.why.contains("192.0.2.1"), "{refused}");
    }
}
