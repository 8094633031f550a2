// Libraries of other ages and languages against the sandbox: an old stripe for Node still finds the
// old shapes, and Python's drives the same resources as Node's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";
import { monthly, payer } from "./fixtures.js";
import { receiver } from "./receiver.js";
import { KEY, PATIENCE_MS, required, startSandbox } from "./sandbox.js";

const sandbox = startSandbox();
const VERSION_OF_14 = "2023-10-16";

describe("stripe 14", () => {
  test("subscribes, and finds the old fields", async () => {
    const { old } = sandbox;
    const customer = await payer(old);
    const { id: price } = await monthly(old);
    const subscription = await old.subscriptions.create({
      customer: customer.id,
      items: [{ price }],
      expand: ["latest_invoice.payment_intent"],
    });
    const { current_period_start, current_period_end, latest_invoice: invoice } = subscription;
    assert.equal(subscription.status, "active");
    assert.ok(current_period_end > current_period_start && current_period_start >= sandbox.now);
    // What was added since shows in every version.
    assert.equal(subscription.items.data[0].current_period_end, current_period_end);
    assert.deepEqual([invoice.paid, invoice.status, invoice.payment_intent.status], [true, "paid", "succeeded"]);
    assert.equal(invoice.payment_intent.invoice, invoice.id);
    assert.equal(subscription.lastResponse.apiVersion, VERSION_OF_14);

    const bare = await old.invoices.retrieve(invoice.id);
    assert.deepEqual([bare.subscription, bare.payment_intent], [subscription.id, invoice.payment_intent.id]);
    assert.match(bare.charge, /^ch_/);
    const [line] = bare.lines.data;
    assert.deepEqual([line.price.id, line.proration, line.type, line.subscription], [price, false, "subscription", subscription.id]);
  });

  test("pays an incomplete subscription by its intent", async () => {
    const { old } = sandbox;
    const { id: customer } = await old.customers.create({ email: "ada@example.com" });
    const { id: price } = await monthly(old);
    const params = { customer, items: [{ price }], payment_behavior: "default_incomplete", expand: ["latest_invoice.payment_intent"] };
    const { id, status, latest_invoice } = await old.subscriptions.create(params);
    assert.equal(status, "incomplete");
    assert.match(latest_invoice.payment_intent.client_secret, /_secret_/);
    await old.paymentIntents.confirm(latest_invoice.payment_intent.id, { payment_method: "pm_card_visa", return_url: "https://example.com" });
    assert.equal((await old.subscriptions.retrieve(id)).status, "active");
  });

  test("sends what has another place by now", async () => {
    const { old } = sandbox;
    const coupon = await old.coupons.create({ percent_off: 50, duration: "forever" });
    const code = await old.promotionCodes.create({ coupon: coupon.id });
    assert.deepEqual([code.coupon.id, code.coupon.percent_off], [coupon.id, 50]);
    const customer = await payer(old, "pm_card_visa", { coupon: coupon.id });
    assert.equal(customer.discount.coupon.id, coupon.id);
    const { id: price } = await monthly(old);
    const items = [{ price }];
    const subscription = await old.subscriptions.create({ customer: customer.id, items, promotion_code: code.id });
    assert.equal(subscription.discount.promotion_code, code.id);
    const moved = await old.subscriptions.update(subscription.id, { billing_cycle_anchor: "now", proration_behavior: "none" });
    assert.equal(moved.status, "active");
    const upcoming = await old.invoices.retrieveUpcoming({ subscription: subscription.id });
    assert.deepEqual([upcoming.object, upcoming.total, upcoming.subscription], ["invoice", 500, subscription.id]);
    assert.ok(!("id" in upcoming));
    const twice = [{ id: subscription.items.data[0].id, quantity: 2 }];
    const foreseen = { subscription: subscription.id, subscription_items: twice, subscription_proration_behavior: "none" };
    assert.equal((await old.invoices.retrieveUpcoming(foreseen)).total, 1000);
    const intent = await old.paymentIntents.create({ amount: 700, currency: "usd", payment_method_types: ["card"] });
    assert.deepEqual(intent.payment_method_types, ["card"]);
  });

  test("sells at checkout by the old names", async () => {
    const { old } = sandbox;
    const { id: price } = await monthly(old);
    const line_items = [{ price, quantity: 1 }];
    const hosted = await old.checkout.sessions.create({ mode: "subscription", line_items, success_url: "https://example.com" });
    assert.equal(hosted.ui_mode, "hosted");
    const within = { ui_mode: "embedded", return_url: "https://example.com" };
    const embedded = await old.checkout.sessions.create({ mode: "subscription", line_items, ...within });
    assert.deepEqual([embedded.ui_mode, embedded.url], ["embedded", null]);
    assert.equal((await old.checkout.sessions.expire(hosted.id)).status, "expired");
  });

  test("pages, repeats and fails as ever", async () => {
    const { old } = sandbox;
    const idempotencyKey = "the-key-of-an-old-library";
    const first = await old.customers.create({ name: "Once" }, { idempotencyKey });
    assert.equal((await old.customers.create({ name: "Once" }, { idempotencyKey })).id, first.id);
    await assert.rejects(old.customers.create({ name: "Two" }, { idempotencyKey }), { type: "StripeIdempotencyError" });
    await assert.rejects(old.customers.retrieve("cus_nobody"), { type: "StripeInvalidRequestError", code: "resource_missing" });
    const declined = { amount: 100, currency: "usd", confirm: true, payment_method: "pm_card_visa_chargeDeclined", payment_method_types: ["card"] };
    await assert.rejects(old.paymentIntents.create(declined), { type: "StripeCardError", decline_code: "generic_decline" });
    const all = await old.customers.list({ limit: 2 }).autoPagingToArray({ limit: 100 });
    assert.ok(all.length > 2);
  });

  test("hears of it in its version", async () => {
    const endpoint = await (await receiver()).register(sandbox.old, { api_version: VERSION_OF_14, enabled_events: ["invoice.paid"] });
    const customer = await payer(sandbox.old);
    const { id: price } = await monthly(sandbox.old);
    const { id } = await sandbox.old.subscriptions.create({ customer: customer.id, items: [{ price }] });
    await endpoint.until("has the invoice", ({ deliveries }) => deliveries.length === 1);
    const [{ body, header }] = endpoint.deliveries;
    const event = sandbox.old.webhooks.constructEvent(body, header, endpoint.secret);
    assert.deepEqual([event.api_version, event.data.object.subscription, event.data.object.paid], [VERSION_OF_14, id, true]);
    await sandbox.old.webhookEndpoints.del(endpoint.id);
    await endpoint.close();
  });
});

test("stripe of Python drives the sandbox", async () => {
  const script = path.join(import.meta.dirname, "sdk.py");
  const child = spawn(required("PYTHON"), [script, sandbox.origin, KEY], { timeout: PATIENCE_MS, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
  const said = Buffer.concat(stdout).toString();
  assert.equal(await ended, 0, said + Buffer.concat(stderr).toString());
  assert.match(said, /^\d+ facts held$/m);
});
