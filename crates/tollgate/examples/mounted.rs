//! A small axum app that mounts Tollgate below `/billing` and keeps a table of its own in step with
//! it: the app's row is written in the transaction that changes what a user may use.
//!
//! `STRIPE_WEBHOOK_SECRET=whsec_… cargo run -p tollgate --example mounted`, then send Stripe's
//! events to `/billing/stripe/webhook` and ask `/users/ada`.

use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tollgate::rules::effects::EffectKind;
use tollgate::sqlx::{self, SqlitePool};
use tollgate::{Change, Config, HandlerError, Kind, Tollgate, Tx};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_environment(None)?;
    let listener = tokio::net::TcpListener::bind(config.server.listen).await?;
    let (tollgate, users) = open(&config).await?;

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let background = tokio::spawn(tollgate.clone().run(async { drop(stopped.await) }));
    let app = app(tollgate, users).into_make_service_with_connect_info::<SocketAddr>();
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await?;
    // Nobody calls any more: what was accepted is written, then the database is closed.
    drop(stop);
    background.await?;
    Ok(())
}

/// Opens the app's own database, in which Tollgate has its tables as well.
pub async fn open(config: &Config) -> Result<(Tollgate, SqlitePool), Box<dyn std::error::Error>> {
    let tollgate = Tollgate::builder(config)
        .on(Kind::Access, follow)
        .on(EffectKind::PaymentFailed, async |change: &Change, tx: &mut Tx<'_>| {
            remember(change, tx, "a payment failed").await
        })
        .build()
        .await?;
    let users = SqlitePool::connect(config.database_url.reveal()).await?;
    sqlx::query("create table if not exists users (id text primary key, plan text, note text)")
        .execute(&users)
        .await?;
    Ok((tollgate, users))
}

/// The app's routes, and Tollgate's below `/billing`.
pub fn app(tollgate: Tollgate, users: SqlitePool) -> Router {
    let billing = tollgate.router();
    Router::new()
        .route("/users/{id}", get(show))
        .with_state((tollgate, users))
        .nest("/billing", billing)
}

/// Each change of access: the row of the user follows, or the change does not happen.
async fn follow(change: &Change, tx: &mut Tx<'_>) -> Result<(), HandlerError> {
    let plan = change.access.as_ref().map_or("free", |it| it.plan.as_str());
    let connection = tx.sqlite().ok_or("this app is for SQLite")?;
    sqlx::query(
        "insert into users (id, plan) values ($1, $2)
         on conflict (id) do update set plan = excluded.plan",
    )
    .bind(change.user_id.as_deref())
    .bind(plan)
    .execute(connection)
    .await?;
    Ok(())
}

async fn remember(change: &Change, tx: &mut Tx<'_>, note: &str) -> Result<(), HandlerError> {
    let connection = tx.sqlite().ok_or("this app is for SQLite")?;
    sqlx::query("update users set note = $2 where id = $1")
        .bind(change.user_id.as_deref())
        .bind(note)
        .execute(connection)
        .await?;
    Ok(())
}

/// What the app's own table says, and what Tollgate says: they never disagree.
async fn show(
    State((tollgate, users)): State<(Tollgate, SqlitePool)>,
    Path(id): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let away = |_| StatusCode::SERVICE_UNAVAILABLE;
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("select plan, note from users where id = $1")
            .bind(&id)
            .fetch_optional(&users)
            .await
            .map_err(away)?;
    let (plan, note) = row.unwrap_or_else(|| ("free".to_owned(), None));
    let access = tollgate.access(&id).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(json!({ "plan": plan, "note": note, "granted": access.access.granted })))
}
