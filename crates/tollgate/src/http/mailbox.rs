//! The mailbox of `tollgate dev`: every mail that would have gone out, as its reader would see it, at
//! the width of a desk and of a phone. A mail is shown in a frame that runs nothing and loads nothing
//! but pictures; its links open beside it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;

use super::App;
use super::dev::{render, secured};
use super::error::Error;
use crate::deliver::mailbox::{Arrived, Mailbox};
use crate::wire::rfc3339;

/// A mail's own page: its styles are in it, images may come from where the operator keeps them.
const MAIL_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'";
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Debug, Serialize)]
struct MailView {
    number: u64,
    to: String,
    subject: String,
    text: String,
    at: String,
    day: String,
    clock: String,
}

impl MailView {
    fn new(it: Arrived) -> Self {
        let at = rfc3339(it.at);
        Self {
            number: it.number,
            to: it.mail.to,
            subject: it.mail.subject,
            text: it.mail.text,
            day: at.get(..10).unwrap_or_default().to_owned(),
            clock: at.get(11..16).unwrap_or_default().to_owned(),
            at,
        }
    }
}

#[derive(Debug, Serialize)]
struct ListView {
    mails: Vec<MailView>,
}

/// `GET /dev/mails`: all mails, the newest first.
///
/// # Errors
/// This server sends its mails.
pub async fn list(State(app): State<Arc<App>>) -> Result<Response, Error> {
    let mails = mailbox(&app)?.all().into_iter().map(MailView::new).collect();
    page(&render("mails.html", &ListView { mails })?)
}

/// `GET /dev/mails/{number}`: one mail.
///
/// # Errors
/// There is no such mail.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Response, Error> {
    let arrived = find(&app, &number)?;
    page(&render("mail.html", &MailView::new(arrived))?)
}

/// `GET /dev/mails/{number}/body`: its HTML alone.
///
/// # Errors
/// There is no such mail.
pub async fn body(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Response, Error> {
    let arrived = find(&app, &number)?;
    let mut response = secured(&arrived.mail.html, MAIL_POLICY)?;
    // Our own pages frame it.
    response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    Ok(response)
}

fn page(html: &str) -> Result<Response, Error> {
    secured(html, PAGE_POLICY)
}

fn find(app: &App, number: &str) -> Result<Arrived, Error> {
    let number = number.parse().map_err(|_| Error::NotFound)?;
    mailbox(app)?.find(number).ok_or(Error::NotFound)
}

fn mailbox(app: &App) -> Result<&Mailbox, Error> {
    app.mailbox.as_deref().ok_or(Error::NotFound)
}
