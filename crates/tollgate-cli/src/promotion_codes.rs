//! `tollgate promotion-codes list|create|deactivate`: what customers type to get a coupon's
//! discount, at Stripe.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::billing::discounts::NewCode;

use crate::dev::beside::Beside;
use crate::discounts::{self, Desk};

/// List, make or end promotion codes: what customers type.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List all promotion codes, the newest first.
    List {
        /// Only those of this coupon.
        #[arg(long, value_name = "ID")]
        coupon: Option<String>,
        /// Print JSON, one code a line.
        #[arg(long)]
        json: bool,
    },
    /// Make a promotion code of a coupon.
    Create(Create),
    /// End a promotion code: nobody can use it any more.
    Deactivate {
        /// The code's id, `promo_…`.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Make a promotion code of a coupon.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The coupon's id.
    coupon: String,
    /// What customers type [default: one of Stripe's].
    #[arg(long)]
    code: Option<String>,
    /// The only user who may use it.
    #[arg(long)]
    user: Option<String>,
    /// Until when it may be used, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// How often it may be used in all.
    #[arg(long, value_name = "TIMES")]
    max_redemptions: Option<i64>,
    /// Only for who never bought anything.
    #[arg(long)]
    first_time_only: bool,
    /// The least that has to be bought for it, in minor units.
    #[arg(long, requires = "minimum_amount_currency", value_name = "AMOUNT")]
    minimum_amount: Option<i64>,
    /// The currency of that amount, such as `usd`.
    #[arg(long, value_name = "CURRENCY")]
    minimum_amount_currency: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(
    file: Option<&Path>,
    beside: &Beside,
    command: Command,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file, beside).await?;
    let done = match command {
        Command::List { coupon, json } => list(&desk, coupon.as_deref(), json).await,
        Command::Create(it) => create(&desk, &it).await,
        Command::Deactivate { id, json } => deactivate(&desk, &id, json).await,
    };
    desk.close().await;
    done
}

async fn list(desk: &Desk, coupon: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let page = async |after: Option<String>| {
        let page = desk.billing.codes(coupon, after.as_deref()).await;
        discounts::turn(&page.map_err(discounts::failed)?)
    };
    discounts::list(json, line, page).await
}

async fn create(desk: &Desk, it: &Create) -> anyhow::Result<ExitCode> {
    let new: NewCode = discounts::form(json!({
        "coupon": it.coupon, "code": it.code, "user_id": it.user, "expires_at": it.expires_at,
        "max_redemptions": it.max_redemptions, "first_time_only": it.first_time_only,
        "minimum_amount": it.minimum_amount,
        "minimum_amount_currency": it.minimum_amount_currency,
    }))?;
    match desk.billing.make_code(&new, None).await {
        Ok(made) => discounts::show(&serde_json::to_value(made)?, it.json, line)?,
        Err(error) => return discounts::refused(error),
    }
    Ok(ExitCode::SUCCESS)
}

async fn deactivate(desk: &Desk, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    match desk.billing.set_code(id, false).await {
        Ok(ended) => discounts::show(&serde_json::to_value(ended)?, json, line)?,
        Err(error) => return discounts::refused(error),
    }
    Ok(ExitCode::SUCCESS)
}

fn line(it: &Value) -> String {
    let active = if it["active"] == true { "active" } else { "ended" };
    let [id, code, coupon] = ["id", "code", "coupon"].map(|name| discounts::text(&it[name]));
    format!("{code:<16} of {coupon:<24} {}  {active}  {id}", discounts::uses(it))
}
