// Stripe's library against the sandbox: invoices from draft to their end, previews, renewals over
// months on a test clock, and what happens when the card fails.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APRIL, DAY, JULY, JUNE, MAY, ids, monthly, payer, refused, subscriber } from "./fixtures.js";
import { startSandbox } from "./sandbox.js";

const sandbox = startSandbox();

async function draft(card = "pm_card_visa", amount = 2000, more = {}) {
  const { id: customer } = await payer(sandbox.stripe, card);
  await sandbox.stripe.invoiceItems.create({ customer, amount, currency: "usd", description: "work" });
  return sandbox.stripe.invoices.create({ customer, pending_invoice_items_behavior: "include", ...more });
}

const invoicesOf = async (subscription) => (await sandbox.stripe.invoices.list({ subscription, limit: 100 })).data;

describe("an invoice", () => {
  test("goes from draft to paid", async () => {
    const made = await draft();
    assert.deepEqual([made.status, made.total, made.billing_reason, made.number], ["draft", 2000, "manual", null]);
    assert.deepEqual([made.lines.data[0].description, made.lines.data[0].amount], ["work", 2000]);
    const open = await sandbox.stripe.invoices.finalizeInvoice(made.id);
    assert.deepEqual([open.status, open.amount_due, open.amount_remaining], ["open", 2000, 2000]);
    assert.ok(open.number && open.hosted_invoice_url);
    await refused(sandbox.stripe.invoices.finalizeInvoice(made.id), { statusCode: 400 });
    const paid = await sandbox.stripe.invoices.pay(made.id, { expand: ["payments"] });
    assert.deepEqual([paid.status, paid.amount_paid, paid.amount_remaining, paid.attempt_count], ["paid", 2000, 0, 1]);
    const [payment] = paid.payments.data;
    assert.deepEqual([payment.status, payment.amount_paid, payment.is_default], ["paid", 2000, true]);
    await refused(sandbox.stripe.invoices.pay(made.id), { statusCode: 400, type: "StripeInvalidRequestError" });

    const { invoicePayments } = sandbox.stripe;
    assert.deepEqual(ids(await invoicePayments.list({ invoice: made.id })), [payment.id]);
    const full = await invoicePayments.retrieve(payment.id, { expand: ["payment.payment_intent"] });
    assert.deepEqual([full.payment.type, full.payment.payment_intent.amount_received], ["payment_intent", 2000]);
    const back = await invoicePayments.list({ payment: { type: "payment_intent", payment_intent: full.payment.payment_intent.id } });
    assert.deepEqual(ids(back), [payment.id]);
  });

  test("is refused by the bank", async () => {
    const made = await draft("pm_card_chargeCustomerFail");
    await refused(sandbox.stripe.invoices.pay(made.id), { statusCode: 402, type: "StripeCardError", code: "card_declined" });
    const open = await sandbox.stripe.invoices.retrieve(made.id);
    assert.deepEqual([open.status, open.attempted, open.attempt_count], ["open", true, 1]);
  });

  test("needs authentication", async () => {
    const made = await draft("pm_card_threeDSecure2Required");
    await refused(sandbox.stripe.invoices.pay(made.id), { statusCode: 402, code: "invoice_payment_intent_requires_action" });
  });

  test("is paid elsewhere, voided, written off, sent or thrown away", async () => {
    const { invoices } = sandbox.stripe;
    const open = async (more) => invoices.finalizeInvoice((await draft("pm_card_visa", 2000, more)).id);
    const elsewhere = await invoices.pay((await open()).id, { paid_out_of_band: true });
    assert.deepEqual([elsewhere.status, elsewhere.amount_remaining], ["paid", 0]);
    const voided = await invoices.voidInvoice((await open()).id);
    assert.equal(voided.status, "void");
    await refused(invoices.pay(voided.id), { statusCode: 400 });
    const lost = await invoices.markUncollectible((await open()).id);
    assert.equal(lost.status, "uncollectible");
    assert.equal((await invoices.pay(lost.id)).status, "paid");
    const sent = await invoices.sendInvoice((await open({ collection_method: "send_invoice", days_until_due: 7 })).id);
    assert.deepEqual([sent.status, sent.due_date - sent.created], ["open", 7 * DAY]);
    const { id } = await draft();
    assert.equal((await invoices.del(id)).deleted, true);
    await refused(invoices.retrieve(id), { statusCode: 404, code: "resource_missing" });
    await refused(invoices.del(sent.id), { statusCode: 400 });
    await refused(invoices.voidInvoice((await draft()).id), { statusCode: 400 });
  });

  test("takes a payment that was made beside it", async () => {
    const { invoices, paymentIntents } = sandbox.stripe;
    const { id, customer } = await invoices.finalizeInvoice((await draft()).id);
    const staying = { enabled: true, allow_redirects: "never" };
    const paying = { currency: "usd", customer, automatic_payment_methods: staying };
    const paid = await paymentIntents.create({ ...paying, amount: 1500, payment_method: "pm_card_visa", confirm: true });
    const part = await invoices.attachPayment(id, { payment_intent: paid.id });
    assert.deepEqual([part.status, part.amount_paid, part.amount_remaining], ["open", 1500, 500]);
    const waiting = await paymentIntents.create({ ...paying, amount: 500 });
    assert.equal((await invoices.attachPayment(id, { payment_intent: waiting.id })).status, "open");
    await paymentIntents.confirm(waiting.id, { payment_method: "pm_card_visa" });
    const full = await invoices.retrieve(id, { expand: ["payments"] });
    assert.deepEqual([full.status, full.amount_paid, full.amount_remaining], ["paid", 2000, 0]);
    const taken = full.payments.data.filter(({ status }) => status === "paid").map((it) => it.payment.payment_intent);
    assert.deepEqual(new Set(taken), new Set([paid.id, waiting.id]));
    const late = await paymentIntents.create({ ...paying, amount: 500 });
    await refused(invoices.attachPayment(id, { payment_intent: late.id }), { statusCode: 400, type: "StripeInvalidRequestError" });
  });

  test("has lines that change while it is a draft", async () => {
    const { invoices } = sandbox.stripe;
    const made = await draft();
    const more = await invoices.addLines(made.id, { lines: [{ amount: 500, description: "more" }, { amount: 300, description: "much" }] });
    assert.equal(more.total, 2800);
    const { data } = await invoices.listLineItems(made.id, { limit: 100 });
    assert.deepEqual(data.map(({ amount }) => amount).sort((a, b) => a - b), [300, 500, 2000]);
    const line = data.find(({ amount }) => amount === 500);
    assert.equal((await invoices.updateLineItem(made.id, line.id, { amount: 700 })).amount, 700);
    const less = await invoices.removeLines(made.id, { lines: [{ id: line.id, behavior: "delete" }] });
    assert.equal(less.total, 2300);
    const noted = await invoices.update(made.id, { description: "April", metadata: { a: "1" }, footer: "thanks" });
    assert.deepEqual([noted.description, noted.metadata, noted.footer], ["April", { a: "1" }, "thanks"]);
  });

  test("takes items that wait, and items of its own", async () => {
    const { id: customer } = await payer(sandbox.stripe);
    const { invoiceItems } = sandbox.stripe;
    const { id: price } = await sandbox.stripe.prices.create({ currency: "usd", unit_amount: 250, product_data: { name: "Hour" } });
    const item = await invoiceItems.create({ customer, pricing: { price }, quantity: 4 });
    assert.deepEqual([item.amount, item.quantity, item.pricing.price_details.price], [1000, 4, price]);
    const changed = await invoiceItems.update(item.id, { quantity: 6, description: "hours" });
    assert.deepEqual([changed.amount, changed.description], [1500, "hours"]);
    assert.deepEqual(ids(await invoiceItems.list({ customer, pending: true })), [item.id]);
    const other = await invoiceItems.create({ customer, amount: -100, currency: "usd" });
    assert.equal((await invoiceItems.del(other.id)).deleted, true);
    const empty = await sandbox.stripe.invoices.create({ customer, pending_invoice_items_behavior: "exclude" });
    assert.equal(empty.total, 0);
    await invoiceItems.create({ customer, invoice: empty.id, amount: 50, currency: "usd" });
    assert.equal((await sandbox.stripe.invoices.retrieve(empty.id)).total, 50);
    const full = await sandbox.stripe.invoices.create({ customer, pending_invoice_items_behavior: "include" });
    assert.equal(full.total, 1500);
    assert.equal((await invoiceItems.retrieve(item.id)).invoice, full.id);
  });

  test("is finalized by time, an hour after it was made", async () => {
    const { id: test_clock } = await sandbox.stripe.testHelpers.testClocks.create({ frozen_time: APRIL });
    const { id: customer } = await payer(sandbox.stripe, "pm_card_visa", { test_clock });
    await sandbox.stripe.invoiceItems.create({ customer, amount: 900, currency: "usd" });
    const made = await sandbox.stripe.invoices.create({ customer, auto_advance: true, pending_invoice_items_behavior: "include" });
    await sandbox.advanceClock(test_clock, APRIL + 2 * 3600);
    const { status, amount_paid } = await sandbox.stripe.invoices.retrieve(made.id);
    assert.deepEqual([status, amount_paid], ["paid", 900]);
  });
});

describe("a preview", () => {
  test("says what a renewal costs", async () => {
    const { subscription } = await subscriber(sandbox.stripe, { amount: 10000 });
    const preview = await sandbox.stripe.invoices.createPreview({ subscription: subscription.id });
    assert.match(preview.id, /^upcoming_in_/);
    assert.deepEqual([preview.status, preview.billing_reason, preview.total], ["draft", "upcoming", 10000]);
  });

  test("says what a change costs, and the change costs that", async () => {
    const { clock, subscription } = await subscriber(sandbox.stripe, { amount: 10000 });
    const proration_date = APRIL + 15 * DAY;
    await sandbox.advanceClock(clock, proration_date + 60);
    const { id: price } = await monthly(sandbox.stripe, 20000);
    const change = { items: [{ id: subscription.items.data[0].id, price }], proration_date };
    const preview = await sandbox.stripe.invoices.createPreview({ subscription: subscription.id, subscription_details: change });
    assert.equal(preview.total, 25000);
    const prorated = preview.lines.data.filter((it) => it.parent.subscription_item_details?.proration ?? it.parent.invoice_item_details?.proration);
    assert.deepEqual(prorated.map(({ amount }) => amount).sort((a, b) => a - b), [-5000, 10000]);
    assert.equal((await invoicesOf(subscription.id)).length, 1, "a preview changes nothing");
    await sandbox.stripe.subscriptions.update(subscription.id, change);
    await sandbox.advanceClock(clock, MAY + 7200);
    assert.equal((await invoicesOf(subscription.id))[0].total, 25000);
  });

  test("says what a subscription will cost that is none yet", async () => {
    const { id: customer } = await payer(sandbox.stripe);
    const { id: price } = await monthly(sandbox.stripe, 1200);
    const items = [{ price, quantity: 2 }];
    const preview = await sandbox.stripe.invoices.createPreview({ customer, subscription_details: { items } });
    assert.equal(preview.total, 2400);
    const { id: coupon } = await sandbox.stripe.coupons.create({ amount_off: 400, currency: "usd" });
    const less = await sandbox.stripe.invoices.createPreview({ customer, subscription_details: { items }, discounts: [{ coupon }] });
    assert.deepEqual([less.total, less.total_discount_amounts[0].amount], [2000, 400]);
  });
});

describe("on a test clock", () => {
  test("a subscription renews for three months", async () => {
    const { clock, customer, subscription } = await subscriber(sandbox.stripe);
    for (const [moment, start, end] of [[MAY, MAY, JUNE], [JUNE, JUNE, JULY]]) {
      await sandbox.advanceClock(clock, moment + 2 * 3600);
      const { items } = await sandbox.stripe.subscriptions.retrieve(subscription.id);
      const { current_period_start, current_period_end } = items.data[0];
      assert.deepEqual([current_period_start, current_period_end], [start, end]);
    }
    await sandbox.advanceClock(clock, JULY + 2 * 3600);
    const invoices = await invoicesOf(subscription.id);
    assert.deepEqual(invoices.map(({ status, total }) => [status, total]), Array(4).fill(["paid", 1000]));
    assert.deepEqual(invoices.map((it) => it.billing_reason), [...Array(3).fill("subscription_cycle"), "subscription_create"]);
    assert.deepEqual(invoices.map((it) => it.lines.data[0].period.start), [JULY, JUNE, MAY, APRIL]);
    assert.ok(invoices.every((it) => it.parent.subscription_details.subscription === subscription.id));
    assert.equal((await sandbox.stripe.paymentIntents.list({ customer: customer.id })).data.length, 4);
    const { data } = await sandbox.stripe.events.list({ type: "invoice.paid", limit: 3 });
    assert.ok(data.every(({ request }) => request.id === null), "nobody asked for a renewal");
  });

  test("a month may jump from its last day to a shorter one and back", async () => {
    const january = Date.UTC(2027, 0, 31) / 1000;
    const { clock, subscription } = await subscriber(sandbox.stripe, { frozen_time: january });
    // A clock moves by two periods at most.
    const april = Date.UTC(2027, 3, 1) / 1000;
    await refused(sandbox.stripe.testHelpers.testClocks.advance(clock, { frozen_time: april }), { statusCode: 400, param: "frozen_time" });
    await sandbox.advanceClock(clock, Date.UTC(2027, 2, 1) / 1000);
    await sandbox.advanceClock(clock, april);
    const starts = (await invoicesOf(subscription.id)).map((it) => new Date(it.lines.data[0].period.start * 1000).toISOString().slice(0, 10));
    assert.deepEqual(starts, ["2027-03-31", "2027-02-28", "2027-01-31"]);
  });

  test("a failed renewal is tried again, and heals with a better card", async () => {
    const { clock, customer, subscription } = await subscriber(sandbox.stripe);
    const { id: bad } = await sandbox.stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer: customer.id });
    await sandbox.stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: bad } });
    await sandbox.advanceClock(clock, MAY + 2 * 3600);
    const [unpaid] = await invoicesOf(subscription.id);
    assert.deepEqual([unpaid.status, unpaid.attempt_count], ["open", 1]);
    assert.ok(unpaid.next_payment_attempt > MAY + 3600);
    const status = async () => (await sandbox.stripe.subscriptions.retrieve(subscription.id)).status;
    assert.equal(await status(), "past_due");
    await sandbox.advanceClock(clock, unpaid.next_payment_attempt + 60);
    assert.equal((await sandbox.stripe.invoices.retrieve(unpaid.id)).attempt_count, 2);
    const { id: good } = await sandbox.stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    await sandbox.stripe.invoices.pay(unpaid.id, { payment_method: good });
    assert.equal(await status(), "active");
  });

  test("a clock is listed, moves forward only, and goes with its customers", async () => {
    const { testClocks } = sandbox.stripe.testHelpers;
    const { id } = await testClocks.create({ frozen_time: APRIL, name: "mine" });
    const customer = await sandbox.stripe.customers.create({ test_clock: id });
    assert.deepEqual([customer.test_clock, customer.created], [id, APRIL]);
    await refused(testClocks.advance(id, { frozen_time: APRIL - 1 }), { statusCode: 400 });
    assert.equal((await sandbox.advanceClock(id, MAY)).frozen_time, MAY);
    assert.ok(ids(await testClocks.list({ limit: 100 })).includes(id));
    assert.ok(!ids(await sandbox.stripe.customers.list({ limit: 100 })).includes(customer.id), "clocks' customers are listed by clock");
    assert.deepEqual(ids(await sandbox.stripe.customers.list({ test_clock: id })), [customer.id]);
    assert.equal((await testClocks.del(id)).deleted, true);
    await refused(testClocks.retrieve(id), { statusCode: 404, code: "resource_missing" });
    assert.equal((await sandbox.stripe.customers.retrieve(customer.id)).deleted, true);
  });
});

describe("entitlements", () => {
  test("are active while the subscription is", async () => {
    const price = await monthly(sandbox.stripe);
    const feature = await sandbox.stripe.entitlements.features.create({ name: "Seats", lookup_key: "seats" });
    await sandbox.stripe.products.createFeature(price.product, { entitlement_feature: feature.id });
    const { customer, subscription } = await subscriber(sandbox.stripe, { price });
    const { activeEntitlements } = sandbox.stripe.entitlements;
    const { data } = await activeEntitlements.list({ customer: customer.id });
    assert.deepEqual(data.map((it) => [it.lookup_key, it.feature]), [["seats", feature.id]]);
    const full = await activeEntitlements.retrieve(data[0].id, { expand: ["feature"] });
    assert.equal(full.feature.name, "Seats");
    await sandbox.stripe.subscriptions.cancel(subscription.id);
    assert.deepEqual(ids(await activeEntitlements.list({ customer: customer.id })), []);
  });
});
