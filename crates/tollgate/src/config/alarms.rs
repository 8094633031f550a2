//! When the operator is warned: `[alarms]` in the file, or variables that begin with
//! `TOLLGATE_ALARMS_`.

use super::ConfigError;
use super::layers::Layers;
use super::value::{self, Read};
use crate::rules::silence::Patience;

/// The keys of `[alarms]`.
pub(super) const KEYS: &[&str] = &["silence"];
/// The shortest silence: Stripe itself may take a while.
const SILENCE_SECS_MIN: i64 = 60;

/// The variable that says the same as a key of `[alarms]`.
pub(super) fn variable_of(key: &str) -> String {
    format!("TOLLGATE_ALARMS_{}", key.to_ascii_uppercase())
}

/// Reads for how long Stripe may be silent.
///
/// # Errors
/// It is none of what is allowed.
pub(super) fn silence(layers: &mut Layers) -> Result<Patience, ConfigError> {
    let default = match Patience::DEFAULT.secs(true) {
        Some(secs) => value::show_duration(secs),
        None => "off".to_owned(),
    };
    let patience = layers.read("TOLLGATE_ALARMS_SILENCE", &default, patience)?;
    Ok(if layers.is_set() { patience } else { Patience::DEFAULT })
}

fn patience(text: &str) -> Read<Patience> {
    const ALLOWED: &str = "\"off\", or a duration of at least a minute such as \"24h\" or \"7d\"";
    if text == "off" {
        return Ok(Patience::Endless);
    }
    let secs = value::duration(text).map_err(|_| ALLOWED)?;
    if secs < SILENCE_SECS_MIN { Err(ALLOWED) } else { Ok(Patience::Always(secs)) }
}
