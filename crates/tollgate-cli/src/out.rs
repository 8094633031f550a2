//! What commands print. Whoever reads only the beginning (`| head`) has what they want: the rest is
//! not printed, and the command goes on with whatever else it does.

use std::fmt::{Arguments, Display};
use std::io::{ErrorKind, Result, Write, stdout};

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

fn write(text: Arguments<'_>) -> Result<()> {
    let mut out = stdout().lock();
    heard(out.write_fmt(text).and_then(|()| out.flush()))
}

fn heard(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
