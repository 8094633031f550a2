//! Stripe's API versions: a date, and since 2024-09-30 the name of the release it belongs to.
//! Shapes depend on them; the views in `object` read them all, so little here needs to know one.

use std::fmt;
use std::str::FromStr;

/// The version that Tollgate asks Stripe for.
pub const PINNED: &str = "2026-10-28.endive";

/// The oldest version whose shapes are read.
pub const OLDEST: &str = "2020-08-27";

/// The length of the date at the start of every version, in bytes.
const DATE_LEN: usize = 10;

/// The longest release name taken, in bytes.
const RELEASE_LEN_MAX: usize = 32;

/// A version such as `2026-10-28.endive`. Versions order by date, then by release name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion(String);

/// A text is not `YYYY-MM-DD` with, perhaps, a dot and a release name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("api version is not a date with an optional release name")]
pub struct VersionError;

impl ApiVersion {
    /// Returns the version that Tollgate asks Stripe for.
    pub fn pinned() -> Self {
        Self(PINNED.to_owned())
    }

    /// Returns the version as Stripe writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns its date, `YYYY-MM-DD`.
    pub fn date(&self) -> &str {
        &self.0[..DATE_LEN]
    }

    /// Returns its release name, which versions before 2024-09-30 lack.
    pub fn release(&self) -> Option<&str> {
        self.0.get(DATE_LEN + 1..)
    }

    /// Says whether its date is one whose shapes are read: [`OLDEST`] or later.
    pub fn is_supported(&self) -> bool {
        self.date() >= OLDEST
    }
}

impl FromStr for ApiVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (date, release) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
        let named = |name: &str| {
            (1..=RELEASE_LEN_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        if is_date(date) && release.is_none_or(named) {
            Ok(Self(text.to_owned()))
        } else {
            Err(VersionError)
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == DATE_LEN
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && ("01"..="12").contains(&&text[5..7])
        && ("01"..="31").contains(&&text[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_by_date_whatever_their_release() {
        let mut versions: Vec<ApiVersion> = [
            PINNED,
            "2025-03-31.basil",
            "2024-06-20",
            OLDEST,
            "2025-09-30.clover",
            "2026-03-25.dahlia",
            "2022-11-15",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        versions.sort();
        let sorted: Vec<&str> = versions.iter().map(ApiVersion::as_str).collect();
        assert_eq!(
            sorted,
            [
                OLDEST,
                "2022-11-15",
                "2024-06-20",
                "2025-03-31.basil",
                "2025-09-30.clover",
                "2026-03-25.dahlia",
                PINNED
            ]
        );
    }

    #[test]
    fn date_and_release_are_told_apart() {
        let pinned = ApiVersion::pinned();
        assert_eq!((pinned.date(), pinned.release()), ("2026-10-28", Some("endive")));
        let oldest: ApiVersion = OLDEST.parse().unwrap();
        assert_eq!((oldest.date(), oldest.release()), (OLDEST, None));
        assert!(pinned.is_supported() && oldest.is_supported());
        assert!(!"2019-12-03".parse::<ApiVersion>().unwrap().is_supported());
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13-28",
            "2026-10-00",
            "2026-10-28.",
            "2026-10-28.Endive",
            "2026-10-28; x=v1",
            "2026/10/28",
            "２０26-10-28",
        ] {
            assert_eq!(text.parse::<ApiVersion>(), Err(VersionError), "{text}");
        }
    }
}
