//! Whose pages and mails they are: `[brand]` in the file, and `[pages]`. Where nothing is said, the
//! app's own address says what it is called.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;

use super::ConfigError;
use super::layers::{Setting, Source};
use super::selling::{self, Selling};
use super::value::Read;

/// The keys of `[brand]`.
pub(super) const KEYS: &[&str] = &["accent", "app_url", "logo", "name", "support_email"];
/// The accent where none is set: a blue that is legible with white.
const ACCENT: &str = "#1f57c3";
/// The name where nothing tells one.
const NAMELESS: &str = "Your app";
const NAME_CHARS_MAX: usize = 80;

/// Whose pages and mails they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// What the app is called.
    pub name: String,
    /// The one colour.
    pub accent: Colour,
    /// A picture's URL.
    pub logo: Option<String>,
    /// Where customers get an answer.
    pub support_email: Option<String>,
    /// The app itself; without a final slash.
    pub app_url: String,
}

/// The keys of `[pages]`.
pub(super) const PAGES: &[&str] = &["sign_in", "templates"];

/// What of the pages is the operator's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPages {
    /// The directory with templates that win over ours.
    pub templates: Option<PathBuf>,
    /// Where somebody goes to be known; `{plan}` and `{period}` are filled in. The app unless set.
    pub sign_in: Option<String>,
}

/// A colour on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// White.
    pub const WHITE: Self = Self(255, 255, 255);
    /// Black. Any colour has 4.5 with it or with white; a softer one could not promise that.
    pub const BLACK: Self = Self(0, 0, 0);

    /// Reads `#rrggbb`.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|it| it.len() == 6 && it.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        let plain = digits.bytes().all(|it| it.is_ascii_hexdigit());
        plain.then_some(Self(part(0)?, part(2)?, part(4)?))
    }

    /// Returns how well one is told from the other: 1 is not at all, 21 is black on white (WCAG 2).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Returns the colour that text on this one has: white or black, whichever is told better.
    pub fn text_on(self) -> Self {
        match self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            true => Self::WHITE,
            false => Self::BLACK,
        }
    }

    /// Returns this colour, moved towards black or white until it is legible on a background (4.5).
    pub fn legible_on(self, background: Self) -> Self {
        let end = if background.luminance() > 0.18 { Self::BLACK } else { Self::WHITE };
        let steps = (0..=20).map(|step| self.mixed(end, step));
        let mut legible = steps.filter(|it| it.contrast(background) >= 4.5);
        legible.next().unwrap_or(end)
    }

    /// Mixes in twentieths of another colour.
    fn mixed(self, other: Self, twentieths: u16) -> Self {
        let mix = |a: u8, b: u8| {
            let sum = u16::from(a) * (20 - twentieths) + u16::from(b) * twentieths;
            u8::try_from(sum / 20).unwrap_or(u8::MAX)
        };
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Reads it.
///
/// # Errors
/// A value is none of what is allowed.
pub(super) fn brand(
    texts: &BTreeMap<String, String>,
    selling: &Selling,
    settings: &mut Vec<Setting>,
) -> Result<Brand, ConfigError> {
    let mut table = Table { prefix: "brand", texts, settings };
    let origin = selling.origins.first().map_or("", String::as_str);
    let app_url = table.read("app_url", origin, selling::base)?;
    Ok(Brand {
        name: table.read("name", &name_of(&app_url), name)?,
        accent: table.read("accent", ACCENT, accent)?,
        logo: table.read("logo", "", optional(logo))?,
        support_email: table.read("support_email", "", optional(address))?,
        app_url,
    })
}

/// Reads what of the pages is the operator's own. A directory is meant from where the file is.
///
/// # Errors
/// A value is none of what is allowed.
pub(super) fn pages(
    texts: &BTreeMap<String, String>,
    here: &Path,
    settings: &mut Vec<Setting>,
) -> Result<OwnPages, ConfigError> {
    let mut table = Table { prefix: "pages", texts, settings };
    Ok(OwnPages {
        templates: table.read("templates", "", optional(|it| Ok(here.join(it))))?,
        sign_in: table.read("sign_in", "", optional(sign_in))?,
    })
}

/// A table of the file, read key by key; what was read is noted.
struct Table<'a> {
    prefix: &'static str,
    texts: &'a BTreeMap<String, String>,
    settings: &'a mut Vec<Setting>,
}

impl Table<'_> {
    fn read<T>(
        &mut self,
        name: &str,
        default: &str,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<T, ConfigError> {
        let set = self.texts.get(name).map(|it| it.trim()).filter(|it| !it.is_empty());
        let source = if set.is_some() { Source::File } else { Source::Default };
        let (key, value) = (format!("{}.{name}", self.prefix), set.unwrap_or(default).to_owned());
        let refuse = |allowed| ConfigError::Value {
            key: key.clone(),
            value: value.clone(),
            origin: source,
            allowed,
        };
        let found = read(&value).map_err(refuse)?;
        self.settings.push(Setting { key, value, source });
        Ok(found)
    }
}

fn optional<T>(read: impl Fn(&str) -> Read<T>) -> impl Fn(&str) -> Read<Option<T>> {
    move |text| if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// An app is called like its host, unless that is this machine.
fn name_of(app_url: &str) -> String {
    let url = Url::parse(app_url).ok();
    let host = url.as_ref().and_then(Url::domain).filter(|it| *it != "localhost");
    host.map_or(NAMELESS, |it| it.trim_start_matches("www.")).to_owned()
}

fn name(text: &str) -> Read<String> {
    let plain = !text.contains(char::is_control) && text.chars().count() <= NAME_CHARS_MAX;
    if plain { Ok(text.to_owned()) } else { Err("a name of at most 80 characters on one line") }
}

fn accent(text: &str) -> Read<Colour> {
    Colour::read(text).ok_or("a colour such as \"#1f57c3\"")
}

fn logo(text: &str) -> Read<String> {
    let url = selling::url(text).ok_or("a picture's URL such as https://example.com/logo.svg")?;
    Ok(url.into())
}

fn sign_in(text: &str) -> Read<String> {
    let filled = text.replace("{plan}", "pro").replace("{period}", "monthly");
    match selling::url(&filled).is_some() && !filled.contains(['{', '}']) {
        true => Ok(text.to_owned()),
        false => Err("a URL; {plan} and {period} are filled in"),
    }
}

pub(super) fn address(text: &str) -> Read<String> {
    let parts = text.split_once('@');
    let odd = |it: char| it.is_control() || it.is_whitespace() || "<>,;\"".contains(it);
    let right = parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && text.len() <= 254
    });
    let right = right && !text.contains(odd);
    if right { Ok(text.to_owned()) } else { Err("an address such as help@example.com") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(Colour::read("#1F57c3").map(|it| it.to_string()).as_deref(), Some("#1f57c3"));
        for text in ["1f57c3", "#1f57c", "#1f57c3f", "#+f57c3", "#äää", "red", "#1f57c3;x"] {
            assert_eq!(Colour::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_accent_is_legible_in_the_light_and_in_the_dark() {
        for text in ["#000000", "#ffffff", "#ffe600", "#777777", "#00ff00", "#1f57c3", "#0000ff"] {
            let accent = Colour::read(text).expect(text);
            assert!(accent.contrast(accent.text_on()) >= 4.5, "text on {text}");
            for background in [Colour::WHITE, Colour(18, 19, 23)] {
                let moved = accent.legible_on(background);
                assert!(moved.contrast(background) >= 4.5, "{text} on {background}: {moved}");
            }
        }
        assert!((Colour::WHITE.contrast(Colour::BLACK) - 21.0).abs() < 0.001);
    }

    #[test]
    fn an_app_is_called_like_its_host() {
        assert_eq!(name_of("https://www.example.com/app"), "example.com");
        assert_eq!(name_of("http://localhost:3000"), NAMELESS);
        assert_eq!(name_of("http://127.0.0.1:4242"), NAMELESS);
    }

    #[test]
    fn an_address_can_stand_in_a_mail() {
        assert!(address("help@example.com").is_ok());
        for text in ["help", "@example.com", "a@b", "a@b@c.de", "a b@c.de", "a@c.de\r\nBcc: x@y.z"]
        {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
