// Stripe's library against the sandbox: checkout sessions, from open to paid or expired, and the
// customer portal.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DAY, ids, monthly, oneTime, payAtCheckout, payer, refused, subscriber } from "./fixtures.js";
import { startSandbox } from "./sandbox.js";

const sandbox = startSandbox();
const SUCCESS = { success_url: "https://example.com/done?id={CHECKOUT_SESSION_ID}", cancel_url: "https://example.com/back" };
const RETURN = { ui_mode: "embedded_page", return_url: "https://example.com/return?id={CHECKOUT_SESSION_ID}" };

async function session(params, { id: price } = {}) {
  const line_items = price ? { line_items: [{ price, quantity: 1 }] } : {};
  return sandbox.stripe.checkout.sessions.create({ ...line_items, ...params });
}

describe("a session on Stripe's page", () => {
  test("sells once", async () => {
    const price = await oneTime(sandbox.stripe);
    const line_items = [{ price: price.id, quantity: 2 }];
    const open = await session({ mode: "payment", line_items, client_reference_id: "cart_7", metadata: { a: "1" }, ...SUCCESS });
    assert.deepEqual([open.status, open.payment_status, open.ui_mode], ["open", "unpaid", "hosted_page"]);
    assert.deepEqual([open.amount_total, open.currency, open.payment_intent], [3000, "usd", null]);
    assert.equal(open.expires_at - open.created, DAY);
    assert.match(open.url, /^http/);

    const items = await sandbox.stripe.checkout.sessions.listLineItems(open.id);
    assert.deepEqual(items.data.map((it) => [it.price.id, it.quantity, it.amount_total]), [[price.id, 2, 3000]]);

    await payAtCheckout(sandbox.stripe, open);
    const done = await sandbox.stripe.checkout.sessions.retrieve(open.id, { expand: ["payment_intent", "line_items"] });
    assert.deepEqual([done.status, done.payment_status, done.url], ["complete", "paid", null]);
    assert.deepEqual([done.payment_intent.status, done.payment_intent.amount], ["succeeded", 3000]);
    assert.deepEqual([done.customer_details.email, done.client_reference_id], ["ada@example.com", "cart_7"]);
    assert.equal(done.line_items.data.length, 1);
  });

  test("tells a price on the spot", async () => {
    const price_data = { currency: "eur", unit_amount: 700, product_data: { name: "Mug" } };
    const open = await session({ mode: "payment", line_items: [{ price_data, quantity: 3 }], ...SUCCESS });
    assert.equal(open.amount_total, 2100);
  });

  test("refuses a card, and takes another", async () => {
    const open = await session({ mode: "payment", ...SUCCESS }, await oneTime(sandbox.stripe));
    await refused(payAtCheckout(sandbox.stripe, open, "tok_visa_chargeDeclined"), { type: "StripeCardError", code: "card_declined" });
    assert.equal((await sandbox.stripe.checkout.sessions.retrieve(open.id)).status, "open");
    await payAtCheckout(sandbox.stripe, open);
    assert.equal((await sandbox.stripe.checkout.sessions.retrieve(open.id)).status, "complete");
  });

  test("sells a subscription, once it is paid", async () => {
    const { id: customer } = await sandbox.stripe.customers.create({ email: "ada@example.com" });
    const subscription_data = { metadata: { user: "7" }, description: "Pro" };
    const open = await session({ mode: "subscription", customer, subscription_data, ...SUCCESS }, await monthly(sandbox.stripe));
    assert.deepEqual([open.subscription, open.invoice], [null, null]);
    assert.deepEqual(ids(await sandbox.stripe.subscriptions.list({ customer })), []);
    await payAtCheckout(sandbox.stripe, open);
    const done = await sandbox.stripe.checkout.sessions.retrieve(open.id, { expand: ["subscription", "invoice"] });
    assert.deepEqual([done.status, done.payment_status], ["complete", "paid"]);
    assert.deepEqual([done.subscription.status, done.subscription.metadata], ["active", { user: "7" }]);
    assert.deepEqual([done.invoice.status, done.invoice.billing_reason], ["paid", "subscription_create"]);
    assert.ok(done.subscription.default_payment_method);
  });

  test("starts a trial without taking money", async () => {
    const subscription_data = { trial_period_days: 14 };
    const params = { mode: "subscription", subscription_data, payment_method_collection: "always", ...SUCCESS };
    const open = await session(params, await monthly(sandbox.stripe));
    assert.equal(open.amount_total, 0);
    await payAtCheckout(sandbox.stripe, open);
    const { payment_status, subscription, customer } = await sandbox.stripe.checkout.sessions.retrieve(open.id, { expand: ["subscription"] });
    assert.deepEqual([payment_status, subscription.status], ["no_payment_required", "trialing"]);
    assert.equal(subscription.customer, customer);
  });

  test("keeps a card in setup mode", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const open = await session({ mode: "setup", currency: "usd", customer, ...SUCCESS });
    assert.deepEqual([open.amount_total, open.payment_status], [null, "no_payment_required"]);
    await payAtCheckout(sandbox.stripe, open);
    const done = await sandbox.stripe.checkout.sessions.retrieve(open.id, { expand: ["setup_intent"] });
    assert.equal(done.setup_intent.status, "succeeded");
    assert.deepEqual(ids(await sandbox.stripe.paymentMethods.list({ customer })), [done.setup_intent.payment_method]);
  });

  test("takes a coupon off", async () => {
    const { id: coupon } = await sandbox.stripe.coupons.create({ percent_off: 50 });
    const open = await session({ mode: "payment", discounts: [{ coupon }], ...SUCCESS }, await oneTime(sandbox.stripe));
    assert.deepEqual([open.amount_subtotal, open.amount_total, open.total_details.amount_discount], [1500, 750, 750]);
    const both = { discounts: [{ coupon }], allow_promotion_codes: true };
    await refused(session({ mode: "payment", ...both, ...SUCCESS }, await oneTime(sandbox.stripe)), { statusCode: 400 });
  });
});

describe("a session in the app's page", () => {
  test("has a secret for the page and no address", async () => {
    const open = await session({ mode: "subscription", ...RETURN }, await monthly(sandbox.stripe));
    assert.deepEqual([open.ui_mode, open.url, open.redirect_on_completion], ["embedded_page", null, "always"]);
    assert.match(open.client_secret, new RegExp(`^${open.id}_secret_`));
    await payAtCheckout(sandbox.stripe, open);
    assert.equal((await sandbox.stripe.checkout.sessions.retrieve(open.id)).status, "complete");
  });

  test("is made of elements, too", async () => {
    const open = await session({ mode: "payment", ...RETURN, ui_mode: "elements" }, await oneTime(sandbox.stripe));
    assert.deepEqual([open.ui_mode, open.url], ["elements", null]);
    const noted = await sandbox.stripe.checkout.sessions.update(open.id, { metadata: { a: "1" } });
    assert.deepEqual(noted.metadata, { a: "1" });
  });
});

describe("a session that nobody pays", () => {
  test("is expired by a call", async () => {
    const open = await session({ mode: "payment", ...SUCCESS }, await oneTime(sandbox.stripe));
    const expired = await sandbox.stripe.checkout.sessions.expire(open.id);
    assert.deepEqual([expired.status, expired.url], ["expired", null]);
    await refused(sandbox.stripe.checkout.sessions.expire(open.id), { statusCode: 400 });
    await refused(payAtCheckout(sandbox.stripe, open), { statusCode: 400 });
  });

  test("is expired by time", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const { data: [newest] } = await sandbox.stripe.events.list({ limit: 1 });
    const expires_at = newest.created + DAY / 2;
    const open = await session({ mode: "payment", customer, expires_at, ...SUCCESS }, await oneTime(sandbox.stripe));
    await sandbox.advance({ to: expires_at - 60 });
    assert.equal((await sandbox.stripe.checkout.sessions.retrieve(open.id)).status, "open");
    await sandbox.advance({ seconds: 120 });
    assert.equal((await sandbox.stripe.checkout.sessions.retrieve(open.id)).status, "expired");
    assert.deepEqual(ids(await sandbox.stripe.checkout.sessions.list({ customer, status: "expired" })), [open.id]);
    assert.deepEqual(ids(await sandbox.stripe.checkout.sessions.list({ customer, status: "complete" })), []);
  });
});

test("sessions that cannot be are refused", async () => {
  const once = await oneTime(sandbox.stripe);
  const recurring = await monthly(sandbox.stripe);
  const cases = [
    ["an old name of a mode", { mode: "payment", ui_mode: "hosted", ...SUCCESS }, once],
    ["success_url in the app's page", { mode: "payment", ...RETURN, ...SUCCESS }, once],
    ["return_url on Stripe's page", { mode: "payment", return_url: "https://example.com", ...SUCCESS }, once],
    ["nowhere to go", { mode: "payment", ui_mode: "embedded_page" }, once],
    ["a subscription to a book", { mode: "subscription", ...SUCCESS }, once],
    ["a recurring price once", { mode: "payment", ...SUCCESS }, recurring],
    ["nothing to sell", { mode: "payment", ...SUCCESS }],
    ["types of methods", { mode: "payment", payment_method_types: ["card"], ...SUCCESS }, once],
    ["an hour too far away", { mode: "payment", expires_at: sandbox.now + 30 * DAY, ...SUCCESS }, once],
  ];
  for (const [what, params, price] of cases) {
    const call = session(params, price);
    await assert.rejects(call, { type: "StripeInvalidRequestError", statusCode: 400 }, what);
  }
});

describe("the portal", () => {
  const FEATURES = {
    customer_update: { enabled: true, allowed_updates: ["email", "address"] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: "immediately" },
  };

  test("is configured", async () => {
    const { configurations } = sandbox.stripe.billingPortal;
    const made = await configurations.create({ features: FEATURES, default_return_url: "https://example.com", metadata: { a: "1" } });
    assert.equal(made.features.subscription_cancel.mode, "immediately");
    assert.deepEqual(made.features.customer_update.allowed_updates, ["email", "address"]);
    const changed = await configurations.update(made.id, { business_profile: { headline: "Ours" }, active: false });
    assert.deepEqual([changed.business_profile.headline, changed.active], ["Ours", false]);
    assert.deepEqual(await configurations.retrieve(made.id), changed);
    assert.deepEqual(ids(await configurations.list({ active: false })), [made.id]);
  });

  test("opens for a customer", async () => {
    const { id: customer } = await payer(sandbox.stripe);
    const open = await sandbox.stripe.billingPortal.sessions.create({ customer, return_url: "https://example.com/account", locale: "de" });
    assert.deepEqual([open.customer, open.return_url, open.locale], [customer, "https://example.com/account", "de"]);
    assert.match(open.url, /^http/);
    assert.match(open.configuration, /^bpc_/);
  });

  test("opens where a subscription is canceled", async () => {
    const { customer, subscription } = await subscriber(sandbox.stripe);
    const flow_data = { type: "subscription_cancel", subscription_cancel: { subscription: subscription.id } };
    const params = { customer: customer.id, return_url: "https://example.com" };
    const open = await sandbox.stripe.billingPortal.sessions.create({ ...params, flow_data });
    assert.deepEqual([open.flow.type, open.flow.subscription_cancel.subscription], ["subscription_cancel", subscription.id]);
    const wrong = { type: "subscription_cancel", subscription_cancel: { subscription: "sub_nobody" } };
    await refused(sandbox.stripe.billingPortal.sessions.create({ ...params, flow_data: wrong }), { statusCode: 400, code: "resource_missing" });
  });
});
