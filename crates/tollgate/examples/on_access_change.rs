//! The app's `users` table follows by SQL alone, written in `on_access_change.toml`: no handler and
//! no call. The app itself may be in any language; it reads its own table.
//!
//! `STRIPE_WEBHOOK_SECRET=whsec_… cargo run -p tollgate --example on_access_change`

use std::path::Path;

use tollgate::sqlx::{self, SqlitePool};
use tollgate::{Config, Tollgate};

/// The settings beside this file.
pub const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/on_access_change.toml");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_environment(Some(Path::new(SETTINGS)))?;
    make_table(&config).await?;
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    Tollgate::builder(&config).serve(interrupted).await?;
    Ok(())
}

/// The app's own migration: Tollgate does not start before its statements fit.
pub async fn make_table(config: &Config) -> Result<(), sqlx::Error> {
    let url = format!("{}?mode=rwc", config.database_url.reveal());
    let users = SqlitePool::connect(&url).await?;
    sqlx::query(
        "create table if not exists users (
            id text primary key,
            plan text not null default 'free',
            stripe_customer_id text,
            stripe_subscription_status text,
            updated_at bigint
        )",
    )
    .execute(&users)
    .await?;
    users.close().await;
    Ok(())
}
