//! `tollgate mails`: which mails there are, and how each looks, with sample facts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;
use tollgate::config::Config;
use tollgate::mail::{self, Audience, Letters, Sample};

use crate::exit::WrongUsage;
use crate::out;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every letter: to whom, when, and whether it is sent.
    List {
        /// Print JSON, one letter a line.
        #[arg(long)]
        json: bool,
    },
    /// Print one letter, written with sample facts.
    Show(Show),
    /// Write every letter in every language into a directory, as .html and .txt.
    Preview(Preview),
}

/// Which letter, and how.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The letter, or one of its samples, such as `receipt` or `refund-partial`.
    name: String,
    /// The language, such as `de`.
    #[arg(long, value_name = "LANGUAGE")]
    locale: Option<String>,
    /// Print the HTML instead of the text.
    #[arg(long, conflicts_with = "text")]
    html: bool,
    /// Print the text, as without any option.
    #[arg(long)]
    text: bool,
    /// How urgent a payment that failed is.
    #[arg(long, value_parser = ["first", "further", "last"])]
    level: Option<String>,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub struct Preview {
    /// The directory; made where it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(file: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let letters = Letters::of(&Config::from_environment(file)?).context("load the letters")?;
    match command {
        Command::List { json } => list(&letters, *json)?,
        Command::Show(it) => show(&letters, it)?,
        Command::Preview(it) => preview(&letters, &it.out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(letters: &Letters, json: bool) -> std::io::Result<()> {
    let languages: Vec<&str> = letters.languages().collect();
    if !json {
        out::line(format_args!("{:<24} {:<9} {:<4} when", "letter", "to", "sent"))?;
    }
    for it in mail::all() {
        let to = match it.audience {
            Audience::Customer => "customer",
            Audience::Operator => "operator",
        };
        let is_on = letters.is_on(it);
        if json {
            let line = json!({
                "letter": it.name, "to": to, "sent": is_on, "when": it.when, "languages": languages,
            });
            out::line(line)?;
            continue;
        }
        let sent = if is_on { "yes" } else { "no" };
        out::line(format_args!("{:<24} {to:<9} {sent:<4} {}", it.name, it.when))?;
    }
    match json {
        true => Ok(()),
        false => out::line(format_args!("\nLanguages: {}", languages.join(", "))),
    }
}

fn show(letters: &Letters, wanted: &Show) -> anyhow::Result<()> {
    let sample = find(wanted)?;
    if let Some(it) =
        wanted.locale.as_deref().filter(|it| !letters.languages().any(|tag| tag == *it))
    {
        let known: Vec<&str> = letters.languages().collect();
        let why = format!("there are no words in {it}: there are in {}", known.join(", "));
        return Err(WrongUsage(why).into());
    }
    let mail = letters.preview(&sample, wanted.locale.as_deref())?;
    match wanted.html {
        true => out::line(&mail.html)?,
        false => out::text(format_args!("Subject: {}\n\n{}", mail.subject, mail.text))?,
    }
    Ok(())
}

/// The sample of this name, else the first of the letter of this name.
fn find(wanted: &Show) -> Result<Sample, WrongUsage> {
    let name = match &wanted.level {
        Some(level) => format!("{}-{level}", wanted.name),
        None => wanted.name.clone(),
    };
    let samples = mail::samples();
    let exact = samples.iter().find(|it| it.name == name);
    let found = exact.or_else(|| samples.iter().find(|it| it.letter().name == name));
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = samples.iter().map(|it| it.name).collect();
        WrongUsage(format!("there is no letter {name}: there are {}", known.join(", ")))
    })
}

fn preview(letters: &Letters, directory: &Path) -> anyhow::Result<()> {
    let at = |path: &Path| format!("write {}", path.display());
    fs::create_dir_all(directory).with_context(|| at(directory))?;
    let mut written = 0;
    for sample in mail::samples() {
        for language in letters.languages() {
            let mail = letters.preview(&sample, Some(language))?;
            for (ending, text) in [("html", &mail.html), ("txt", &mail.text)] {
                let path = directory.join(format!("{}.{language}.{ending}", sample.name));
                fs::write(&path, text).with_context(|| at(&path))?;
                written += 1;
            }
        }
    }
    out::line(format_args!("{written} files in {}", directory.display()))?;
    Ok(())
}
