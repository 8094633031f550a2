// Stripe's library against the sandbox: how a subscription begins, changes, pauses and ends, in
// every payment_behavior and proration_behavior.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APRIL, DAY, JUNE, MAY, ids, monthly, payer, refused, subscriber } from "./fixtures.js";
import { startSandbox } from "./sandbox.js";

const sandbox = startSandbox();
const FAILS = "pm_card_chargeCustomerFail";
const HALF = APRIL + 15 * DAY;

const current = (id, expand = []) => sandbox.stripe.subscriptions.retrieve(id, { expand });

async function invoicesOf({ id: subscription }) {
  return (await sandbox.stripe.invoices.list({ subscription, limit: 100 })).data;
}

describe("a subscription begins", () => {
  // Behaviour, card, status; and what is refused.
  const BEGINNINGS = [
    ["allow_incomplete", "pm_card_visa", "active"],
    ["allow_incomplete", FAILS, "incomplete"],
    ["default_incomplete", "pm_card_visa", "incomplete"],
    ["error_if_incomplete", "pm_card_visa", "active"],
    ["error_if_incomplete", FAILS, { statusCode: 402, type: "StripeCardError", code: "card_declined" }],
    ["pending_if_incomplete", "pm_card_visa", { statusCode: 400, type: "StripeInvalidRequestError" }],
  ];

  for (const [payment_behavior, card, outcome] of BEGINNINGS) {
    test(`with ${payment_behavior} and ${card}`, async () => {
      const { id: customer } = await payer(sandbox.stripe, card);
      const { id: price } = await monthly(sandbox.stripe);
      const call = sandbox.stripe.subscriptions.create({ customer, items: [{ price }], payment_behavior });
      if (typeof outcome === "object") {
        await refused(call, outcome);
        assert.deepEqual(ids(await sandbox.stripe.subscriptions.list({ customer, status: "all" })), []);
        return;
      }
      const subscription = await call;
      assert.equal(subscription.status, outcome);
      const [invoice] = await invoicesOf(subscription);
      assert.deepEqual([invoice.id, invoice.billing_reason], [subscription.latest_invoice, "subscription_create"]);
      assert.equal(invoice.status, outcome === "active" ? "paid" : "open");
    });
  }

  test("is paid by the app, with what the invoice gives it", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const { id: price } = await monthly(sandbox.stripe);
    const made = await sandbox.stripe.subscriptions.create({
      customer,
      items: [{ price }],
      payment_behavior: "default_incomplete",
      payment_settings: { save_default_payment_method: "on_subscription" },
      expand: ["latest_invoice.confirmation_secret", "latest_invoice.payments"],
    });
    const { confirmation_secret, payments } = made.latest_invoice;
    const { payment_intent } = payments.data[0].payment;
    assert.match(confirmation_secret.client_secret, new RegExp(`^${payment_intent}_secret_`));
    await sandbox.stripe.paymentIntents.confirm(payment_intent, { payment_method: "pm_card_visa" });
    const { status, default_payment_method } = await current(made.id, ["default_payment_method"]);
    assert.deepEqual([status, default_payment_method.card.last4], ["active", "4242"]);
  });

  test("expires when nobody pays within 23 hours", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe, { card: FAILS });
    assert.equal(subscription.status, "incomplete");
    await sandbox.advanceClock(clock, APRIL + 22 * 3600);
    assert.equal((await current(subscription.id)).status, "incomplete");
    await sandbox.advanceClock(clock, APRIL + 24 * 3600);
    const { status, latest_invoice } = await current(subscription.id, ["latest_invoice"]);
    assert.deepEqual([status, latest_invoice.status], ["incomplete_expired", "void"]);
  });

  test("is billed by invoice", async () => {
    const { id: customer } = await sandbox.stripe.customers.create({ email: "ada@example.com" });
    const { id: price } = await monthly(sandbox.stripe);
    const bill = { collection_method: "send_invoice", days_until_due: 14 };
    const { status, latest_invoice } = await sandbox.stripe.subscriptions.create({ customer, items: [{ price }], ...bill, expand: ["latest_invoice"] });
    assert.deepEqual([status, latest_invoice.collection_method], ["active", "send_invoice"]);
    assert.equal(latest_invoice.next_payment_attempt, null);
  });

  test("with quantities, a discount and metadata, in both billing modes", async () => {
    const { id: coupon } = await sandbox.stripe.coupons.create({ percent_off: 20, duration: "forever" });
    for (const type of ["classic", "flexible"]) {
      const { id: customer } = await payer(sandbox.stripe);
      const { id: price } = await monthly(sandbox.stripe, 700);
      const params = { discounts: [{ coupon }], metadata: { user: "7" }, billing_mode: { type } };
      const made = await sandbox.stripe.subscriptions.create({ customer, items: [{ price, quantity: 3 }], ...params, expand: ["latest_invoice", "discounts"] });
      assert.deepEqual([made.billing_mode.type, made.latest_invoice.total], [type, 1680]);
      assert.equal(made.discounts[0].source.coupon, coupon);
      const without = await sandbox.stripe.subscriptions.update(made.id, { discounts: "" });
      assert.deepEqual(without.discounts, []);
    }
  });
});

describe("a trial", () => {
  test("costs nothing, and then the price", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe, { trial_period_days: 7 });
    assert.deepEqual([subscription.status, subscription.trial_end], ["trialing", APRIL + 7 * DAY]);
    assert.deepEqual((await invoicesOf(subscription)).map(({ total }) => total), [0]);
    await sandbox.advanceClock(clock, APRIL + 7 * DAY + 7200);
    assert.equal((await current(subscription.id)).status, "active");
    assert.deepEqual((await invoicesOf(subscription)).map(({ total, status }) => [total, status]), [[1000, "paid"], [0, "paid"]]);
  });

  test("ends at once", async () => {
    const { subscription } = await subscriber(sandbox.stripe, { trial_period_days: 7 });
    const ended = await sandbox.stripe.subscriptions.update(subscription.id, { trial_end: "now" });
    assert.deepEqual([ended.status, ended.billing_cycle_anchor], ["active", APRIL]);
  });

  for (const [missing_payment_method, wanted] of [["pause", "paused"], ["cancel", "canceled"]]) {
    test(`without a card ends ${wanted}`, async () => {
      const { id: test_clock } = await sandbox.stripe.testHelpers.testClocks.create({ frozen_time: APRIL });
      const { id: customer } = await sandbox.stripe.customers.create({ test_clock });
      const { id: price } = await monthly(sandbox.stripe);
      const trial = { trial_period_days: 7, trial_settings: { end_behavior: { missing_payment_method } } };
      const { id } = await sandbox.stripe.subscriptions.create({ customer, items: [{ price }], ...trial });
      await sandbox.advanceClock(test_clock, APRIL + 8 * DAY);
      assert.equal((await current(id)).status, wanted);
      if (wanted === "paused") {
        await sandbox.stripe.paymentMethods.attach("pm_card_visa", { customer });
        const { data: [card] } = await sandbox.stripe.paymentMethods.list({ customer });
        await sandbox.stripe.subscriptions.update(id, { default_payment_method: card.id });
        assert.equal((await sandbox.stripe.subscriptions.resume(id)).status, "active");
      }
    });
  }
});

describe("a subscription changes", () => {
  // A hundred a month becomes two hundred half-way: Stripe's own example. What is invoiced at once,
  // what waits, and the next invoice.
  const CHANGES = [
    ["create_prorations", [], [-5000, 10000], 25000],
    ["always_invoice", [5000], [], 20000],
    ["none", [], [], 20000],
  ];

  for (const [proration_behavior, invoiced, waiting, next] of CHANGES) {
    test(`with ${proration_behavior}`, async () => {
      const { clock, customer, subscription } = await subscriber(sandbox.stripe, { amount: 10000 });
      await sandbox.advanceClock(clock, HALF);
      const { id: price } = await monthly(sandbox.stripe, 20000);
      const items = [{ id: subscription.items.data[0].id, price }];
      const changed = await sandbox.stripe.subscriptions.update(subscription.id, { items, proration_behavior });
      assert.equal(changed.items.data[0].price.id, price);
      const atOnce = (await invoicesOf(subscription)).filter((it) => it.billing_reason === "subscription_update");
      assert.deepEqual(atOnce.map(({ total, status }) => [total, status]), invoiced.map((total) => [total, "paid"]));
      const pending = await sandbox.stripe.invoiceItems.list({ customer: customer.id, pending: true });
      assert.deepEqual(pending.data.map(({ amount }) => amount).sort((a, b) => a - b), waiting);
      await sandbox.advanceClock(clock, MAY + 7200);
      const [renewal] = await invoicesOf(subscription);
      assert.deepEqual([renewal.billing_reason, renewal.total, renewal.status], ["subscription_cycle", next, "paid"]);
    });
  }

  test("only when the difference is paid, with pending_if_incomplete", async () => {
    const { clock, customer, price, subscription } = await subscriber(sandbox.stripe);
    await sandbox.advanceClock(clock, HALF);
    const { id: bad } = await sandbox.stripe.paymentMethods.attach(FAILS, { customer: customer.id });
    await sandbox.stripe.subscriptions.update(subscription.id, { default_payment_method: bad });
    const dearer = await monthly(sandbox.stripe, 5000);
    const change = {
      items: [{ id: subscription.items.data[0].id, price: dearer.id }],
      payment_behavior: "pending_if_incomplete",
      proration_behavior: "always_invoice",
    };
    const waits = await sandbox.stripe.subscriptions.update(subscription.id, change);
    assert.equal(waits.items.data[0].price.id, price.id);
    assert.equal(waits.pending_update.subscription_items[0].price.id, dearer.id);
    const { id: good } = await sandbox.stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    await sandbox.stripe.invoices.pay(waits.latest_invoice, { payment_method: good });
    const applied = await current(subscription.id);
    assert.deepEqual([applied.pending_update, applied.items.data[0].price.id], [null, dearer.id]);
  });

  test("not at all, with error_if_incomplete and a card that fails", async () => {
    const { clock, customer, price, subscription } = await subscriber(sandbox.stripe);
    await sandbox.advanceClock(clock, HALF);
    const { id: bad } = await sandbox.stripe.paymentMethods.attach(FAILS, { customer: customer.id });
    const dearer = await monthly(sandbox.stripe, 5000);
    const items = [{ id: subscription.items.data[0].id, price: dearer.id }];
    const change = { items, default_payment_method: bad, payment_behavior: "error_if_incomplete", proration_behavior: "always_invoice" };
    await refused(sandbox.stripe.subscriptions.update(subscription.id, change), { statusCode: 402, type: "StripeCardError" });
    assert.equal((await current(subscription.id)).items.data[0].price.id, price.id);
  });

  test("becomes past due when the difference is not paid, with allow_incomplete", async () => {
    const { clock, customer, subscription } = await subscriber(sandbox.stripe);
    await sandbox.advanceClock(clock, HALF);
    const { id: bad } = await sandbox.stripe.paymentMethods.attach(FAILS, { customer: customer.id });
    const items = [{ id: subscription.items.data[0].id, price: (await monthly(sandbox.stripe, 5000)).id }];
    const change = { items, default_payment_method: bad, payment_behavior: "allow_incomplete", proration_behavior: "always_invoice" };
    assert.equal((await sandbox.stripe.subscriptions.update(subscription.id, change)).status, "past_due");
  });

  test("begins a new period now", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe);
    await sandbox.advanceClock(clock, HALF);
    const anew = await sandbox.stripe.subscriptions.update(subscription.id, { billing_cycle_anchor: { type: "now" } });
    assert.deepEqual([anew.billing_cycle_anchor, anew.items.data[0].current_period_start], [HALF, HALF]);
  });

  test("item by item", async () => {
    const { customer, subscription } = await subscriber(sandbox.stripe);
    const { id: price } = await monthly(sandbox.stripe, 300);
    const { subscriptionItems } = sandbox.stripe;
    const item = await subscriptionItems.create({ subscription: subscription.id, price, quantity: 2, metadata: { a: "1" } });
    assert.deepEqual([item.quantity, item.price.id], [2, price]);
    const more = await subscriptionItems.update(item.id, { quantity: 5, proration_behavior: "none" });
    assert.deepEqual(await subscriptionItems.retrieve(item.id), more);
    assert.equal((await subscriptionItems.list({ subscription: subscription.id })).data.length, 2);
    await refused(subscriptionItems.create({ subscription: subscription.id, price }), { statusCode: 400 });
    const gone = await subscriptionItems.del(item.id, { proration_behavior: "none" });
    assert.deepEqual([gone.deleted, (await subscriptionItems.list({ subscription: subscription.id })).data.length], [true, 1]);
    await refused(subscriptionItems.del(subscription.items.data[0].id), { statusCode: 400 });
    assert.deepEqual(ids(await sandbox.stripe.subscriptions.list({ customer: customer.id, status: "active" })), [subscription.id]);
  });
});

test("a subscription of the classic kind migrates to flexible billing, once", async () => {
  const { subscription } = await subscriber(sandbox.stripe, { billing_mode: { type: "classic" } });
  assert.equal(subscription.billing_mode.type, "classic");
  const migrated = await sandbox.stripe.subscriptions.migrate(subscription.id, { billing_mode: { type: "flexible" } });
  assert.deepEqual([migrated.billing_mode.type, migrated.billing_mode.updated_at, migrated.status], ["flexible", APRIL, "active"]);
  assert.deepEqual((await current(subscription.id)).billing_mode, migrated.billing_mode);
  const again = sandbox.stripe.subscriptions.migrate(subscription.id, { billing_mode: { type: "flexible" } });
  await refused(again, { statusCode: 400, type: "StripeInvalidRequestError" });
});

describe("a subscription pauses", () => {
  test("and resumes", async () => {
    const { subscription } = await subscriber(sandbox.stripe);
    const paused = await sandbox.stripe.subscriptions.pause(subscription.id);
    assert.equal(paused.status, "paused");
    const resumed = await sandbox.stripe.subscriptions.resume(subscription.id, { billing_cycle_anchor: { type: "unchanged" }, proration_behavior: "none" });
    assert.equal(resumed.status, "active");
    await refused(sandbox.stripe.subscriptions.resume(subscription.id), { statusCode: 400 });
  });

  for (const [behavior, status] of [["void", "void"], ["mark_uncollectible", "uncollectible"], ["keep_as_draft", "draft"]]) {
    test(`its collection with ${behavior}`, async () => {
      const { clock, subscription } = await subscriber(sandbox.stripe);
      const paused = await sandbox.stripe.subscriptions.update(subscription.id, { pause_collection: { behavior } });
      assert.deepEqual([paused.status, paused.pause_collection], ["active", { behavior, resumes_at: null }]);
      await sandbox.advanceClock(clock, MAY + 7200);
      const [renewal] = await invoicesOf(subscription);
      assert.deepEqual([renewal.billing_reason, renewal.status], ["subscription_cycle", status]);
      const goesOn = await sandbox.stripe.subscriptions.update(subscription.id, { pause_collection: "" });
      assert.equal(goesOn.pause_collection, null);
    });
  }
});

describe("a subscription ends", () => {
  test("at once", async () => {
    const { customer, subscription } = await subscriber(sandbox.stripe);
    const details = { cancellation_details: { comment: "bye", feedback: "unused" } };
    const ended = await sandbox.stripe.subscriptions.cancel(subscription.id, details);
    assert.deepEqual([ended.status, ended.ended_at, ended.canceled_at], ["canceled", APRIL, APRIL]);
    assert.deepEqual([ended.cancellation_details.comment, ended.cancellation_details.reason], ["bye", "cancellation_requested"]);
    await refused(sandbox.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true }), { statusCode: 400 });
    const list = (status) => sandbox.stripe.subscriptions.list({ customer: customer.id, ...(status && { status }) });
    assert.deepEqual(ids(await list()), []);
    assert.deepEqual(ids(await list("canceled")), [subscription.id]);
    assert.deepEqual(ids(await list("all")), [subscription.id]);
  });

  test("at once, with the rest given back", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe, { amount: 10000 });
    await sandbox.advanceClock(clock, HALF);
    const ended = await sandbox.stripe.subscriptions.cancel(subscription.id, { invoice_now: true, prorate: true, expand: ["latest_invoice"] });
    assert.deepEqual([ended.status, ended.latest_invoice.total], ["canceled", -5000]);
  });

  test("with its period, unless it is kept", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe);
    const asked = await sandbox.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    assert.deepEqual([asked.status, asked.cancel_at_period_end, asked.cancel_at], ["active", true, MAY]);
    const kept = await sandbox.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
    assert.deepEqual([kept.cancel_at_period_end, kept.cancel_at], [false, null]);
    await sandbox.stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    await sandbox.advanceClock(clock, MAY + 3600);
    const ended = await current(subscription.id);
    assert.deepEqual([ended.status, ended.ended_at], ["canceled", MAY]);
    assert.equal((await invoicesOf(subscription)).length, 1);
  });

  test("at a moment", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe);
    await sandbox.stripe.subscriptions.update(subscription.id, { cancel_at: HALF, proration_behavior: "none" });
    await sandbox.advanceClock(clock, HALF + 3600);
    assert.deepEqual([(await current(subscription.id)).status, (await current(subscription.id)).ended_at], ["canceled", HALF]);
  });
});

describe("a schedule", () => {
  test("changes the price with the period", async () => {
    const { clock, price, subscription } = await subscriber(sandbox.stripe);
    const { id: dearer } = await monthly(sandbox.stripe, 2500);
    const { subscriptionSchedules } = sandbox.stripe;
    const schedule = await subscriptionSchedules.create({ from_subscription: subscription.id });
    assert.deepEqual([schedule.status, schedule.phases[0].end_date], ["active", MAY]);
    const { start_date, end_date } = schedule.phases[0];
    const changed = await subscriptionSchedules.update(schedule.id, {
      end_behavior: "release",
      phases: [
        { items: [{ price: price.id, quantity: 1 }], start_date, end_date },
        { items: [{ price: dearer, quantity: 1 }], duration: { interval: "month", interval_count: 1 } },
      ],
    });
    assert.equal(changed.phases.length, 2);
    assert.equal((await current(subscription.id)).schedule, schedule.id);
    await sandbox.advanceClock(clock, MAY + 7200);
    const after = await current(subscription.id);
    assert.equal(after.items.data[0].price.id, dearer);
    const [renewal] = await invoicesOf(subscription);
    assert.deepEqual([renewal.total, renewal.billing_reason], [2500, "subscription_cycle"]);
    await sandbox.advanceClock(clock, JUNE + 7200);
    assert.equal((await subscriptionSchedules.retrieve(schedule.id)).status, "released");
    assert.equal((await current(subscription.id)).status, "active");
  });

  test("is released or canceled", async () => {
    const { subscriptionSchedules } = sandbox.stripe;
    for (const [call, status, left] of [["release", "released", "active"], ["cancel", "canceled", "canceled"]]) {
      const { customer, subscription } = await subscriber(sandbox.stripe);
      const { id } = await subscriptionSchedules.create({ from_subscription: subscription.id });
      assert.deepEqual(ids(await subscriptionSchedules.list({ customer: customer.id })), [id]);
      assert.equal((await subscriptionSchedules[call](id)).status, status);
      assert.equal((await current(subscription.id)).status, left);
    }
  });
});
