// The webhook handler most applications write for themselves: Express, Stripe's own SDK, one
// event row that guards against duplicates, one subscription row kept up to date. It is what
// Tollgate is measured against, so it is kept as good as that shape allows: keep-alive, a
// connection pool, prepared statements, no logging and no mails.
//
//   DATABASE_URL=postgres://… STRIPE_WEBHOOK_SECRET=whsec_… PORT=4243 node server.js
import express from "express";
import pg from "pg";
import Stripe from "stripe";

const POOL_CONNECTIONS_MAX = 20;
const UNIQUE_VIOLATION = "23505";

const { DATABASE_URL, STRIPE_WEBHOOK_SECRET, PORT = "4243" } = process.env;
if (!DATABASE_URL || !STRIPE_WEBHOOK_SECRET) {
  console.error("set DATABASE_URL and STRIPE_WEBHOOK_SECRET");
  process.exit(2);
}

// No call goes to Stripe: the SDK is here for `constructEvent` alone.
const stripe = new Stripe("sk_test_unused");
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: POOL_CONNECTIONS_MAX });

const SCHEMA = `
  create table if not exists app_user (
    id text primary key,
    stripe_customer_id text unique,
    email text
  );
  create table if not exists stripe_event (
    id bigint generated always as identity primary key,
    stripe_event_id text not null unique,
    type text not null,
    status text not null,
    raw_payload text not null,
    error text,
    processed_at timestamptz,
    created_at timestamptz not null default now()
  );
  create index if not exists stripe_event_type on stripe_event (type);
  create index if not exists stripe_event_status on stripe_event (status);
  create index if not exists stripe_event_created_at on stripe_event (created_at);
  create table if not exists subscription (
    stripe_subscription_id text primary key,
    user_id text not null,
    stripe_price_id text,
    stripe_current_period_end timestamptz,
    status text not null,
    cancel_at_period_end boolean not null default false,
    canceled_at timestamptz,
    payment_failed_at timestamptz,
    payment_attempts integer not null default 0
  );
`;

// A name makes node-postgres prepare the statement once per connection.
const query = (name, text, values) => pool.query({ name, text, values });

const findEvent = (id) =>
  query("find_event", "select status from stripe_event where stripe_event_id = $1", [id]);

const insertEvent = (event) =>
  query(
    "insert_event",
    "insert into stripe_event (stripe_event_id, type, status, raw_payload) values ($1, $2, 'processing', $3)",
    [event.id, event.type, JSON.stringify(event)],
  );

const markProcessed = (id) =>
  query(
    "mark_processed",
    "update stripe_event set status = 'processed', processed_at = now() where stripe_event_id = $1",
    [id],
  );

const markFailed = (id, error) =>
  query("mark_failed", "update stripe_event set status = 'failed', error = $2 where stripe_event_id = $1", [
    id,
    error instanceof Error ? error.message : String(error),
  ]);

// The load's customers never signed up here, so an unknown one stands for its own user. A real
// handler throws instead, and answers 500.
async function userIdOf(customer) {
  const found = await query("find_user", "select id from app_user where stripe_customer_id = $1", [customer]);
  return found.rows[0]?.id ?? customer;
}

const idOf = (reference) => (typeof reference === "string" ? reference : reference?.id);
const dateOf = (seconds) => (seconds ? new Date(seconds * 1000) : null);

async function saveSubscription(subscription) {
  const item = subscription.items.data[0];
  const userId = await userIdOf(idOf(subscription.customer));
  await query(
    "save_subscription",
    `insert into subscription
       (stripe_subscription_id, user_id, stripe_price_id, stripe_current_period_end, status, cancel_at_period_end)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (stripe_subscription_id) do update set
       stripe_price_id = excluded.stripe_price_id,
       stripe_current_period_end = excluded.stripe_current_period_end,
       status = excluded.status,
       cancel_at_period_end = excluded.cancel_at_period_end`,
    [
      subscription.id,
      userId,
      item?.price.id,
      dateOf(item?.current_period_end ?? subscription.current_period_end),
      subscription.status,
      subscription.cancel_at_period_end,
    ],
  );
}

const cancelSubscription = (subscription) =>
  query(
    "cancel_subscription",
    "update subscription set status = 'canceled', canceled_at = now() where stripe_subscription_id = $1",
    [subscription.id],
  );

async function withSubscriptionOf(invoice, change) {
  const id = idOf(invoice.parent?.subscription_details?.subscription ?? invoice.subscription);
  if (!id) return;
  const found = await query("find_subscription", "select user_id from subscription where stripe_subscription_id = $1", [
    id,
  ]);
  if (found.rows.length > 0) await change(id);
}

const extendAccess = (invoice) =>
  withSubscriptionOf(invoice, (id) =>
    query(
      "extend_access",
      "update subscription set payment_failed_at = null, payment_attempts = 0 where stripe_subscription_id = $1",
      [id],
    ),
  );

const trackFailure = (invoice) =>
  withSubscriptionOf(invoice, (id) =>
    query(
      "track_failure",
      "update subscription set payment_failed_at = now(), payment_attempts = $2 where stripe_subscription_id = $1",
      [id, invoice.attempt_count],
    ),
  );

// What is not listed is acknowledged and kept as an event row only.
const HANDLERS = {
  "customer.subscription.created": saveSubscription,
  "customer.subscription.updated": saveSubscription,
  "customer.subscription.deleted": cancelSubscription,
  "customer.subscription.trial_will_end": (subscription) => userIdOf(idOf(subscription.customer)),
  "invoice.payment_succeeded": extendAccess,
  "invoice.payment_failed": trackFailure,
  "checkout.session.completed": (session) => userIdOf(idOf(session.customer)),
};

function verified(request) {
  try {
    return stripe.webhooks.constructEvent(
      request.body,
      request.headers["stripe-signature"],
      STRIPE_WEBHOOK_SECRET,
    );
  } catch {
    return null;
  }
}

async function receive(request, response) {
  const event = verified(request);
  if (!event) return response.status(400).json({ error: "Invalid signature" });
  const existing = await findEvent(event.id);
  if (existing.rows.length > 0) return response.json({ received: true, duplicate: true });
  try {
    await insertEvent(event);
  } catch (error) {
    if (error.code === UNIQUE_VIOLATION) return response.json({ received: true, duplicate: true });
    throw error;
  }
  try {
    await HANDLERS[event.type]?.(event.data.object);
    await markProcessed(event.id);
    return response.json({ received: true });
  } catch (error) {
    await markFailed(event.id, error);
    return response.status(500).json({ error: "Processing failed" });
  }
}

await pool.query(SCHEMA);
const app = express();
app.disable("x-powered-by");
app.post("/stripe/webhook", express.raw({ type: "application/json", limit: "1mb" }), receive);
app.get("/healthz", (_request, response) => response.json({ status: "ok" }));
app.listen(Number(PORT), "127.0.0.1");
