//! What commands print and what they remark. Whoever reads only the beginning (`| head`) has what they
//! want: the rest is not printed, and the command goes on with whatever else it does.

use std::fmt::{Arguments, Display};
use std::io::{ErrorKind, Result, Write, stderr, stdout};

/// Prints a line.
///
/// # Errors
/// It could not be written, though somebody reads.
pub fn line(text: impl Display) -> Result<()> {
    write(format_args!("{text}\n"))
}

/// Prints a text as it is.
///
/// # Errors
/// As [`line`].
pub fn text(text: impl Display) -> Result<()> {
    write(format_args!("{text}"))
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line`].
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    heard(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Prints a line that is lost for ever where nobody reads it.
///
/// # Errors
/// It could not be written, or nobody reads.
pub fn only_now(text: impl Display) -> Result<()> {
    write_all(format_args!("{text}\n"))
}

/// Remarks something on standard error. Nobody could be told that this did not work.
pub fn note(text: impl Display) {
    note_text(format_args!("{text}\n"));
}

/// Remarks a text as it is.
pub fn note_text(text: impl Display) {
    let mut out = stderr().lock();
    drop(write!(out, "{text}").and_then(|()| out.flush()));
}

fn write(text: Arguments<'_>) -> Result<()> {
    heard(write_all(text))
}

fn write_all(text: Arguments<'_>) -> Result<()> {
    let mut out = stdout().lock();
    out.write_fmt(text).and_then(|()| out.flush())
}

fn heard(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
