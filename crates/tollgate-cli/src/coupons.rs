//! `tollgate coupons list|create|deactivate`: the rules of discounts, at Stripe.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate::billing::discounts::NewCoupon;

use crate::dev::beside::Beside;
use crate::discounts::{self, Desk};
use crate::out;

/// List, make or end coupons: the rules of discounts.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List all coupons, the newest first.
    List {
        /// Print JSON, one coupon a line.
        #[arg(long)]
        json: bool,
    },
    /// Make a coupon.
    Create(Create),
    /// End a coupon: nobody can use it any more, who has it keeps it.
    Deactivate {
        /// The coupon's id.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Make a coupon.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("off").required(true))]
pub struct Create {
    /// Its id [default: one of Stripe's].
    #[arg(long)]
    id: Option<String>,
    /// What customers read.
    #[arg(long)]
    name: Option<String>,
    /// What it takes off, in percent.
    #[arg(long, group = "off", value_name = "PERCENT")]
    percent_off: Option<serde_json::Number>,
    /// What it takes off, in minor units of the currency.
    #[arg(long, group = "off", requires = "currency", value_name = "AMOUNT")]
    amount_off: Option<i64>,
    /// The currency of the amount, such as `usd`.
    #[arg(long)]
    currency: Option<String>,
    /// How long it lasts on a subscription: once, repeating or forever.
    #[arg(long, default_value = "once")]
    duration: String,
    /// How many months a repeating one lasts.
    #[arg(long, value_name = "MONTHS")]
    duration_in_months: Option<i64>,
    /// How often it may be used in all.
    #[arg(long, value_name = "TIMES")]
    max_redemptions: Option<i64>,
    /// Until when it may be used, such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    redeem_by: Option<String>,
    /// A plan that it is for; all unless named. May be given again.
    #[arg(long = "plan", value_name = "PLAN")]
    plans: Vec<String>,
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
        Command::List { json } => list(&desk, json).await,
        Command::Create(it) => create(&desk, &it).await,
        Command::Deactivate { id, json } => deactivate(&desk, &id, json).await,
    };
    desk.close().await;
    done
}

async fn list(desk: &Desk, json: bool) -> anyhow::Result<ExitCode> {
    let page = async |after: Option<String>| {
        let page = desk.billing.coupons(after.as_deref()).await.map_err(discounts::failed)?;
        discounts::turn(&page)
    };
    discounts::list(json, line, page).await
}

async fn create(desk: &Desk, it: &Create) -> anyhow::Result<ExitCode> {
    let new: NewCoupon = discounts::form(json!({
        "id": it.id, "name": it.name, "percent_off": it.percent_off,
        "amount_off": it.amount_off, "currency": it.currency, "duration": it.duration,
        "duration_in_months": it.duration_in_months, "max_redemptions": it.max_redemptions,
        "redeem_by": it.redeem_by, "plans": it.plans,
    }))?;
    match desk.billing.make_coupon(&new, None).await {
        Ok(made) => discounts::show(&serde_json::to_value(made)?, it.json, line)?,
        Err(error) => return discounts::refused(error),
    }
    Ok(ExitCode::SUCCESS)
}

async fn deactivate(desk: &Desk, id: &str, json: bool) -> anyhow::Result<ExitCode> {
    if let Err(error) = desk.billing.end_coupon(id).await {
        return discounts::refused(error);
    }
    if json {
        out::line(json!({ "id": id, "valid": false }))?;
    } else {
        out::line(format_args!("{id}  ended"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(it: &Value) -> String {
    let off = match &it["percent_off"] {
        Value::Null => format!("{} {} off", it["amount_off"], discounts::text(&it["currency"])),
        percent => format!("{percent}% off"),
    };
    let lasts = match it["duration_in_months"].as_i64() {
        Some(months) => format!("for {months} months"),
        None => discounts::text(&it["duration"]),
    };
    let valid = if it["valid"] == true { "valid" } else { "ended" };
    format!("{:<24} {off}, {lasts}  {}  {valid}", discounts::text(&it["id"]), discounts::uses(it))
}
