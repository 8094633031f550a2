//! The database: whether it can be reached and written to, whether its tables are of this version,
//! and of which mode it is.

use super::{Finding, mode};
use crate::config::Config;
use crate::store::{Db, StoreError, schema};

/// What the database says.
pub(super) enum Standing {
    /// There is no file yet.
    Absent,
    /// It has no tables that can be read, in its own words.
    Bare(String),
    /// It has tables.
    Stocked {
        /// Their version.
        version: i64,
        /// Its mode, once it has one.
        livemode: Option<bool>,
        /// Why it cannot be written to.
        unwritable: Option<String>,
    },
}

/// Asks the database; changes nothing in it.
pub(super) async fn ask(config: &Config) -> Result<Standing, StoreError> {
    let url = config.database_url.reveal();
    if !Db::is_there(url)? {
        return Ok(Standing::Absent);
    }
    let db = Db::connect(url).await?;
    let standing = look(&db).await;
    db.close().await;
    standing
}

async fn look(db: &Db) -> Result<Standing, StoreError> {
    let version = match schema::version(db).await {
        Err(error @ StoreError::Rejected(_)) => return Ok(Standing::Bare(error.detail())),
        version => version?,
    };
    let livemode = schema::livemode(db).await?;
    let unwritable = schema::try_writing(db).await.err().map(|it| it.detail());
    Ok(Standing::Stocked { version, livemode, unwritable })
}

/// Whether the database could not be asked, for now.
pub(super) fn is_away(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Conflict(_))
}

/// Judges it.
pub(super) fn judge(config: &Config, asked: &Result<Standing, StoreError>) -> Vec<Finding> {
    let migrate = "Start the server, or run `tollgate migrate`.";
    let standing = match asked {
        Ok(standing) => standing,
        Err(error) => {
            let says = format!("The database cannot be used: {}.", error.detail());
            let next = "Let this machine reach what DATABASE_URL names, with its user's password.";
            return vec![Finding::fail("database", says, next)];
        }
    };
    let (version, livemode, unwritable) = match standing {
        Standing::Absent => {
            let says = "The file that DATABASE_URL names is not there yet.";
            return vec![Finding::fail("database", says, migrate)];
        }
        Standing::Bare(why) => {
            let says = format!("The database has none of our tables ({why}).");
            return vec![Finding::fail("database", says, migrate)];
        }
        Standing::Stocked { version, livemode, unwritable } => (*version, *livemode, unwritable),
    };
    let newest = schema::newest();
    let finding = match (version.cmp(&newest), unwritable) {
        (_, Some(why)) => Finding::fail(
            "database",
            format!("The database cannot be written to: {why}."),
            "Look at the file's owner, the disk's space, and the rights of DATABASE_URL's user.",
        ),
        (std::cmp::Ordering::Less, None) => Finding::fail(
            "database",
            format!("The tables are of version {version}; this program needs {newest}."),
            migrate,
        ),
        (std::cmp::Ordering::Greater, None) => Finding::fail(
            "database",
            format!("The tables are of version {version}, newer than this program's {newest}."),
            "Run the newer version of Tollgate.",
        ),
        (_, None) => Finding::ok("database", "The database can be read and written to."),
    };
    vec![finding, judge_mode(config.livemode(), livemode)]
}

fn judge_mode(key: Option<bool>, database: Option<bool>) -> Finding {
    match (key, database) {
        (_, None) => {
            Finding::ok("mode", "The database has no mode yet: the server's start sets it.")
        }
        (None, Some(live)) => {
            Finding::ok("mode", format!("The database is one of {} mode.", mode(live)))
        }
        (Some(key), Some(live)) if key == live => {
            Finding::ok("mode", format!("Key and database are of {} mode.", mode(live)))
        }
        (Some(key), Some(live)) => Finding::fail(
            "mode",
            format!("The key is for {} mode, the database for {} mode.", mode(key), mode(live)),
            "Set DATABASE_URL to a database of its own for each mode, or the key of the other mode.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_database_of_the_other_mode_fails() {
        assert_eq!(judge_mode(Some(true), Some(false)).verdict, Verdict::Fail);
        assert_eq!(judge_mode(Some(true), Some(true)).verdict, Verdict::Ok);
        assert_eq!(judge_mode(Some(true), None).verdict, Verdict::Ok);
    }
}
