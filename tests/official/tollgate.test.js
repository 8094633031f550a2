// What Tollgate makes at Stripe, as Stripe's own library reads it: after `tollgate setup`, sessions,
// customers, subscriptions, schedules, invoices, coupons and codes that its routes make in the
// sandbox; and what the sandbox's webhooks make of access.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, describe, test } from "node:test";
import { DAY, ids, payAtCheckout, refused } from "./fixtures.js";
import { KEY, PATIENCE_MS, required, startSandbox } from "./sandbox.js";
import { CURRENT_VERSION } from "./schema.js";
import { startTollgate } from "./tollgate.js";

const PLANS = `
[plans.basic]
rank = 10
prices = { monthly = "basic_monthly" }
amounts = { monthly = 900 }
currency = "usd"

[plans.pro]
title = "Pro"
rank = 20
prices = { monthly = "pro_monthly", yearly = "pro_yearly" }
amounts = { monthly = 2900, yearly = 29000 }
currency = "usd"

[plans.team]
rank = 25
prices = { monthly = "team_monthly" }
amounts = { monthly = 4900 }
currency = "usd"
trial_days = 14

[plans.lifetime]
rank = 30
prices = { once = "lifetime_once" }
amounts = { once = 49900 }
currency = "usd"
`;

const sandbox = startSandbox();
const tollgate = startTollgate(sandbox, PLANS);

async function session(id, expand = []) {
  return sandbox.stripe.checkout.sessions.retrieve(id, { expand: ["line_items", ...expand] });
}

// Opens a visit, and pays it as a person does.
async function buys(user, wanted) {
  const { id } = await tollgate.checkout(user, wanted);
  await payAtCheckout(sandbox.stripe, await session(id));
  const paid = await session(id);
  assert.equal(paid.status, "complete");
  return paid;
}

// Someone on a plan, whose webhooks have arrived.
async function subscriber(user, plan = "basic", period = "monthly") {
  const { customer, subscription } = await buys(user, { plan, period });
  await tollgate.access(user, (it) => it.plan === plan);
  return { customer, id: subscription };
}

function read(id, expand = []) {
  return sandbox.stripe.subscriptions.retrieve(id, { expand: ["latest_invoice", ...expand] });
}

function priceOf(subscription) {
  return subscription.items.data.map(({ price }) => price.id);
}

describe("tollgate setup", () => {
  test("registers the endpoint with its events and version", async () => {
    const { data } = await sandbox.stripe.webhookEndpoints.list();
    assert.equal(data.length, 1);
    const [endpoint] = data;
    assert.deepEqual([endpoint.url, endpoint.status], [`${tollgate.origin}/stripe/webhook`, "enabled"]);
    assert.equal(endpoint.api_version, CURRENT_VERSION);
    for (const type of ["checkout.session.completed", "customer.subscription.deleted", "invoice.paid"]) {
      assert.ok(endpoint.enabled_events.includes(type), type);
    }
    assert.ok(!endpoint.enabled_events.includes("*") && endpoint.secret === undefined);
  });

  test("makes prices that recur as their names say", async () => {
    const { data } = await sandbox.stripe.prices.list({ lookup_keys: Object.keys(tollgate.prices), expand: ["data.product"] });
    const terms = Object.fromEntries(data.map((it) => [it.lookup_key, [it.unit_amount, it.currency, it.recurring?.interval]]));
    assert.deepEqual(terms, {
      basic_monthly: [900, "usd", "month"],
      pro_monthly: [2900, "usd", "month"],
      pro_yearly: [29000, "usd", "year"],
      team_monthly: [4900, "usd", "month"],
      lifetime_once: [49900, "usd", undefined],
    });
    const products = data.filter((it) => it.lookup_key.startsWith("pro_")).map((it) => it.product);
    assert.deepEqual(products.map((it) => [it.id, it.name, it.active]), Array(2).fill(["tollgate_pro", "Pro", true]));
  });

  test("lets the portal offer the plans", async () => {
    const { data } = await sandbox.stripe.billingPortal.configurations.list({
      expand: ["data.features.subscription_update.products"],
    });
    const { active, features } = data.find((it) => it.metadata.made_by === "tollgate");
    const { subscription_cancel: cancel, subscription_update: update } = features;
    assert.ok(active && features.invoice_history.enabled && features.payment_method_update.enabled);
    assert.deepEqual([cancel.enabled, cancel.mode], [true, "at_period_end"]);
    assert.deepEqual([update.enabled, update.proration_behavior, update.default_allowed_updates], [true, "always_invoice", ["price"]]);
    const offered = Object.fromEntries(update.products.map((it) => [it.product, it.prices.toSorted()]));
    assert.deepEqual(offered, {
      tollgate_basic: [tollgate.prices.basic_monthly],
      tollgate_pro: [tollgate.prices.pro_monthly, tollgate.prices.pro_yearly].toSorted(),
      tollgate_team: [tollgate.prices.team_monthly],
    });
  });

  test("leaves nothing to find for doctor", () => {
    const { status, stdout } = tollgate.run("doctor", "--json");
    const { verdict, checks } = JSON.parse(stdout);
    const wrong = checks.filter((it) => it.verdict !== "ok");
    assert.deepEqual([status, verdict, wrong], [0, "ok", []]);
  });
});

describe("a visit to Checkout", () => {
  test("sells a subscription on Stripe's page, to a customer who is the user's", async () => {
    const opened = await tollgate.checkout("ada", { email: "ada@example.com", plan: "pro", period: "yearly", quantity: 2 });
    const open = await session(opened.id, ["customer"]);
    assert.deepEqual([open.mode, open.ui_mode, open.status, open.url], ["subscription", "hosted_page", "open", opened.url]);
    assert.equal(open.client_reference_id, "ada");
    assert.deepEqual(open.metadata, { user_id: "ada", plan: "pro", period: "yearly" });
    assert.deepEqual([open.customer.email, open.customer.metadata], ["ada@example.com", { user_id: "ada" }]);
    assert.deepEqual(open.line_items.data.map((it) => [it.price.id, it.quantity, it.amount_total]), [[tollgate.prices.pro_yearly, 2, 58000]]);
    assert.equal(open.allow_promotion_codes, true);
    assert.equal(open.success_url, `${tollgate.origin}/billing/return?session_id={CHECKOUT_SESSION_ID}`);
    assert.match(open.cancel_url, /^https:\/\/app\.example\//);

    await payAtCheckout(sandbox.stripe, open);
    const done = await session(open.id, ["subscription", "invoice"]);
    const { subscription } = done;
    assert.deepEqual([done.status, done.payment_status, done.invoice.amount_paid], ["complete", "paid", 58000]);
    assert.deepEqual([subscription.status, subscription.customer], ["active", open.customer.id]);
    assert.deepEqual(subscription.metadata, { user_id: "ada", plan: "pro" });
    assert.deepEqual(subscription.items.data.map((it) => [it.price.id, it.quantity]), [[tollgate.prices.pro_yearly, 2]]);

    const access = await tollgate.access("ada", (it) => it.granted);
    assert.deepEqual([access.plan, access.status, access.customer_id], ["pro", "active", open.customer.id]);
    const again = await tollgate.post("/billing/checkout-session", { user_id: "ada", plan: "basic" }, 409);
    assert.equal(again.error, "already_subscribed");
    assert.deepEqual(ids(await sandbox.stripe.subscriptions.list({ customer: open.customer.id })), [subscription.id]);
  });

  test("sells once, embedded", async () => {
    const opened = await tollgate.checkout("bob", { plan: "lifetime", ui_mode: "embedded" });
    const open = await session(opened.id);
    assert.deepEqual([open.mode, open.ui_mode, open.url], ["payment", "embedded_page", null]);
    assert.equal(open.client_secret, opened.client_secret);
    assert.equal(opened.publishable_key, "pk_test_of_the_official_tests");
    assert.equal(open.return_url, `${tollgate.origin}/billing/return?session_id={CHECKOUT_SESSION_ID}`);
    assert.deepEqual([open.success_url, open.cancel_url, open.amount_total], [null, null, 49900]);

    await payAtCheckout(sandbox.stripe, open);
    const { payment_intent: payment, payment_status } = await session(open.id, ["payment_intent"]);
    assert.deepEqual([payment_status, payment.status, payment.amount_received], ["paid", "succeeded", 49900]);
    assert.deepEqual([payment.metadata, payment.customer], [{ user_id: "bob", plan: "lifetime" }, open.customer]);
    const access = await tollgate.access("bob", (it) => it.granted);
    assert.deepEqual([access.plan, access.reason], ["lifetime", "purchased"]);
  });

  test("starts a trial, once a customer", async () => {
    const trial = await buys("cleo", { plan: "team" });
    assert.deepEqual([trial.amount_total, trial.payment_status], [0, "no_payment_required"]);
    const subscription = await read(trial.subscription);
    assert.deepEqual([subscription.status, subscription.trial_end - subscription.trial_start], ["trialing", 14 * DAY]);
    assert.deepEqual([subscription.latest_invoice.amount_due, subscription.latest_invoice.status], [0, "paid"]);
    await tollgate.access("cleo", (it) => it.granted && it.status === "trialing");
    await tollgate.post("/billing/cancel", { user_id: "cleo", when: "now" });
    const second = await session((await tollgate.checkout("cleo", { plan: "team" })).id);
    assert.deepEqual([second.amount_total, second.customer], [4900, trial.customer]);
  });

  test("is read by stripe of Python as well", async () => {
    const { id } = await tollgate.checkout("pia", { plan: "basic" });
    const script = [
      "import stripe, sys",
      "origin, key, id = sys.argv[1:]",
      'client = stripe.StripeClient(key, base_addresses={"api": origin})',
      'it = client.v1.checkout.sessions.retrieve(id, {"expand": ["customer"]})',
      "print(it.mode, it.client_reference_id, it.metadata.user_id, it.customer.metadata.user_id, it.amount_total)",
    ];
    const options = { encoding: "utf8", timeout: PATIENCE_MS };
    const { stderr, stdout } = spawnSync(required("PYTHON"), ["-c", script.join("\n"), sandbox.origin, KEY, id], options);
    assert.equal(stdout, "subscription pia pia pia 900\n", stderr);
  });
});

describe("a discount", () => {
  const expires_at = "2036-01-01T00:00:00Z";

  before(async () => {
    const plans = ["pro", "basic"];
    await tollgate.post("/billing/coupons", { id: "launch", name: "Launch", percent_off: 50, duration: "repeating", duration_in_months: 3, plans }, 201);
    await tollgate.post("/billing/promotion-codes", { coupon: "launch", code: "LAUNCH50", max_redemptions: 2, first_time_only: true, expires_at }, 201);
  });

  test("is one rule behind a code with limits", async () => {
    const coupon = await sandbox.stripe.coupons.retrieve("launch", { expand: ["applies_to"] });
    assert.deepEqual([coupon.name, coupon.percent_off, coupon.amount_off, coupon.valid], ["Launch", 50, null, true]);
    assert.deepEqual([coupon.duration, coupon.duration_in_months], ["repeating", 3]);
    assert.deepEqual(coupon.applies_to.products.toSorted(), ["tollgate_basic", "tollgate_pro"]);
    const { data } = await sandbox.stripe.promotionCodes.list({ code: "LAUNCH50" });
    const [code] = data;
    assert.deepEqual([code.active, code.promotion, code.customer], [true, { type: "coupon", coupon: "launch" }, null]);
    assert.deepEqual([code.max_redemptions, code.restrictions.first_time_transaction], [2, true]);
    assert.equal(code.expires_at, Date.parse(expires_at) / 1000);
  });

  test("is taken off by its code, and counted", async () => {
    const { id } = await tollgate.checkout("dora", { plan: "basic", promotion_code: "LAUNCH50" });
    const open = await session(id);
    const { data } = await sandbox.stripe.promotionCodes.list({ code: "LAUNCH50" });
    assert.deepEqual(open.discounts.map((it) => [it.promotion_code, it.coupon]), [[data[0].id, null]]);
    assert.deepEqual([open.amount_subtotal, open.amount_total, open.total_details.amount_discount], [900, 450, 450]);
    assert.equal(open.allow_promotion_codes, null);
    await payAtCheckout(sandbox.stripe, open);
    const subscription = await read((await session(id)).subscription, ["discounts"]);
    assert.deepEqual(subscription.discounts.map((it) => [it.source.coupon, it.promotion_code]), [["launch", data[0].id]]);
    assert.equal(subscription.latest_invoice.amount_paid, 450);
    assert.equal((await sandbox.stripe.promotionCodes.retrieve(data[0].id)).times_redeemed, 1);
    assert.equal((await sandbox.stripe.coupons.retrieve("launch")).times_redeemed, 1);
  });

  test("is given by the app, and ends", async () => {
    const given = await session((await tollgate.checkout("emil", { plan: "pro", period: "monthly", coupon: "launch" })).id);
    assert.deepEqual([given.amount_total, given.discounts[0].coupon], [1450, "launch"]);
    const { data } = await sandbox.stripe.promotionCodes.list({ code: "LAUNCH50" });
    await tollgate.post(`/billing/promotion-codes/${data[0].id}`, { active: false });
    assert.equal((await sandbox.stripe.promotionCodes.retrieve(data[0].id)).active, false);
    await tollgate.call("DELETE", "/billing/coupons/launch", undefined, 204);
    await refused(sandbox.stripe.coupons.retrieve("launch"), { statusCode: 404, code: "resource_missing" });
  });
});

describe("a change of plan", () => {
  test("now is charged as it was shown, on an invoice of its own", async () => {
    const { id } = await subscriber("fay");
    const { shown, done } = await tollgate.change("fay", "pro", "yearly", "now");
    assert.equal(done.plan, "pro");
    const { latest_invoice: invoice, pending_update, ...subscription } = await read(id);
    assert.deepEqual([priceOf(subscription), pending_update], [[tollgate.prices.pro_yearly], null]);
    assert.deepEqual([invoice.billing_reason, invoice.status], ["subscription_update", "paid"]);
    assert.deepEqual([invoice.amount_paid, invoice.currency], [shown.amount_due, shown.currency]);
    const lines = invoice.lines.data.map((it) => [it.description, it.amount]);
    assert.deepEqual(lines, shown.lines.map((it) => [it.description, it.amount]));
  });

  test("now waits for its payment where the card is declined, and can be dropped", async () => {
    const { customer, id } = await subscriber("gus");
    const bad = await sandbox.stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer });
    await sandbox.stripe.subscriptions.update(id, { default_payment_method: bad.id });
    const { shown, done } = await tollgate.change("gus", "pro", "monthly", "now", 402);
    assert.equal(done.error, "payment_failed");
    const waiting = await read(id);
    assert.deepEqual([priceOf(waiting), waiting.status], [[tollgate.prices.basic_monthly], "active"]);
    assert.deepEqual(waiting.pending_update.subscription_items.map((it) => it.price.id), [tollgate.prices.pro_monthly]);
    const { latest_invoice: invoice } = waiting;
    assert.deepEqual([invoice.status, invoice.amount_due, invoice.hosted_invoice_url], ["open", shown.amount_due, done.details.pay_url]);
    await tollgate.post("/billing/resume", { user_id: "gus" });
    const dropped = await read(id);
    assert.deepEqual([dropped.pending_update, priceOf(dropped)], [null, [tollgate.prices.basic_monthly]]);
    assert.equal((await sandbox.stripe.invoices.retrieve(invoice.id)).status, "void");
  });

  test("with the next invoice is at once, and charged with it", async () => {
    const { customer, id } = await subscriber("hana");
    const { latest_invoice: first } = await read(id);
    await tollgate.change("hana", "pro", "monthly", "next_invoice");
    const changed = await read(id);
    assert.deepEqual([priceOf(changed), changed.latest_invoice.id], [[tollgate.prices.pro_monthly], first.id]);
    const { data } = await sandbox.stripe.invoiceItems.list({ customer, pending: true });
    assert.ok(data.length === 2 && data.every((it) => it.proration), JSON.stringify(data));
    assert.ok(data.some((it) => it.amount < 0) && data.some((it) => it.amount > 0));
  });

  test("at the period's end is a schedule of two phases, which can be released", async () => {
    const { id } = await subscriber("ida", "pro", "yearly");
    await tollgate.change("ida", "basic", "monthly", "period_end");
    const { schedule, ...subscription } = await read(id, ["schedule"]);
    const { current_period_start: start, current_period_end: end } = subscription.items.data[0];
    assert.deepEqual(priceOf(subscription), [tollgate.prices.pro_yearly]);
    assert.deepEqual([schedule.status, schedule.end_behavior, schedule.subscription], ["active", "release", id]);
    const phases = schedule.phases.map((it) => [it.start_date, it.items.map(({ price }) => price), it.proration_behavior]);
    assert.deepEqual(phases.map((it) => it.slice(0, 2)), [[start, [tollgate.prices.pro_yearly]], [end, [tollgate.prices.basic_monthly]]]);
    assert.deepEqual([schedule.phases[0].end_date, phases[1][2]], [end, "none"]);
    await tollgate.post("/billing/resume", { user_id: "ida" });
    assert.equal((await sandbox.stripe.subscriptionSchedules.retrieve(schedule.id)).status, "released");
    assert.equal((await read(id)).schedule, null);
  });
});

describe("a cancellation", () => {
  test("is at the period's end, withdrawn, or at once", async () => {
    const { id } = await subscriber("jo");
    await tollgate.post("/billing/cancel", { user_id: "jo", when: "period_end" });
    const ending = await read(id);
    const end = ending.items.data[0].current_period_end;
    assert.deepEqual([ending.status, ending.cancel_at_period_end, ending.cancel_at], ["active", true, end]);
    await tollgate.access("jo", (it) => it.granted && it.cancel_at !== null);
    await tollgate.post("/billing/resume", { user_id: "jo" });
    const going = await read(id);
    assert.deepEqual([going.cancel_at_period_end, going.cancel_at], [false, null]);
    await tollgate.post("/billing/cancel", { user_id: "jo", when: "now" });
    const ended = await read(id);
    assert.deepEqual([ended.status, ended.cancellation_details.reason], ["canceled", "cancellation_requested"]);
    await tollgate.access("jo", (it) => !it.granted);
  });

  test("at Stripe ends access by its webhook alone", async () => {
    const { id } = await subscriber("kim");
    await sandbox.stripe.subscriptions.cancel(id);
    const access = await tollgate.access("kim", (it) => !it.granted);
    assert.deepEqual([access.plan, access.status], ["free", "canceled"]);
  });
});
