// Stripe's library against the sandbox: what every call has in common. Pages, expansion, idempotency
// keys, versions, and errors by their class.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ids, payer, refused, subscriber } from "./fixtures.js";
import { KEY, startSandbox } from "./sandbox.js";

const sandbox = startSandbox();
const CROWD = 130;
// Without it a payment that is confirmed at once names where its buyer comes back to.
const STAYING = { automatic_payment_methods: { enabled: true, allow_redirects: "never" } };

describe("pages", () => {
  const email = "crowd@example.com";

  test("more than a hundred objects come forwards and backwards", async () => {
    const made = [];
    for (let number = 0; number < CROWD; number += 1) {
      made.push((await sandbox.stripe.customers.create({ email, name: `${number}` })).id);
    }
    const newestFirst = made.toReversed();
    const forwards = [];
    for await (const { id } of sandbox.stripe.customers.list({ email, limit: 50 })) {
      forwards.push(id);
    }
    assert.deepEqual(forwards, newestFirst);
    const all = await sandbox.stripe.customers.list({ email, limit: 100 }).autoPagingToArray({ limit: 1000 });
    assert.deepEqual(ids({ data: all }), newestFirst);
    const backwards = sandbox.stripe.customers.list({ email, limit: 50, ending_before: made[0] });
    assert.deepEqual(ids({ data: await backwards.autoPagingToArray({ limit: 1000 }) }), made.slice(1));

    const events = await sandbox.stripe.events.list({ type: "customer.created", limit: 100 }).autoPagingToArray({ limit: 1000 });
    const ofCrowd = events.map((it) => it.data.object.id).filter((id) => made.includes(id));
    assert.deepEqual(ofCrowd, newestFirst);
  });

  test("a page says whether there is more", async () => {
    const first = await sandbox.stripe.customers.list({ limit: 3 });
    assert.deepEqual([first.data.length, first.has_more, first.url], [3, true, "/v1/customers"]);
    const second = await sandbox.stripe.customers.list({ limit: 3, starting_after: first.data[2].id });
    const back = await sandbox.stripe.customers.list({ limit: 3, ending_before: second.data[0].id });
    assert.deepEqual(ids(back), ids(first));
    assert.equal((await sandbox.stripe.customers.list()).data.length, 10);
  });

  test("a page that cannot be is refused", async () => {
    for (const limit of [0, 101, -1]) {
      await refused(sandbox.stripe.customers.list({ limit }), { statusCode: 400, param: "limit" });
    }
    await refused(sandbox.stripe.customers.list({ starting_after: "cus_nobody" }), { statusCode: 400, code: "resource_missing", param: "starting_after" });
  });
});

describe("expansion", () => {
  test("goes through objects and lists", async () => {
    const { subscription } = await subscriber(sandbox.stripe);
    const expand = ["latest_invoice.payments", "customer.invoice_settings.default_payment_method", "items.data.price.product"];
    const full = await sandbox.stripe.subscriptions.retrieve(subscription.id, { expand });
    assert.equal(full.latest_invoice.payments.data[0].status, "paid");
    const invoice = await sandbox.stripe.invoices.retrieve(full.latest_invoice.id, { expand: ["payments.data.payment.payment_intent"] });
    assert.equal(invoice.payments.data[0].payment.payment_intent.status, "succeeded");
    assert.equal(full.customer.invoice_settings.default_payment_method.card.last4, "4242");
    assert.equal(full.items.data[0].price.product.name, "Pro");
    const listed = await sandbox.stripe.subscriptions.list({ customer: full.customer.id, expand: ["data.customer", "data.latest_invoice"] });
    assert.deepEqual([listed.data[0].customer.id, listed.data[0].latest_invoice.status], [full.customer.id, "paid"]);
    const made = await sandbox.stripe.paymentIntents.create({ amount: 500, currency: "usd", customer: full.customer.id, expand: ["customer"] });
    assert.equal(made.customer.id, full.customer.id);
  });

  test("is refused where there is nothing, and too deep", async () => {
    const { subscription } = await subscriber(sandbox.stripe);
    const retrieve = (path) => sandbox.stripe.subscriptions.retrieve(subscription.id, { expand: [path] });
    for (const path of ["moon", "status", "created", "customer.email.moon", "latest_invoice.payments.data.payment.payment_intent"]) {
      await assert.rejects(retrieve(path), { statusCode: 400, type: "StripeInvalidRequestError" }, path);
    }
  });
});

describe("an idempotency key", () => {
  test("gives the same answer to the same call", async () => {
    const idempotencyKey = "the-key-of-one-customer";
    const create = () => sandbox.stripe.customers.create({ name: "Once" }, { idempotencyKey });
    const first = await create();
    const again = await create();
    assert.deepEqual(again, first);
    assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
    assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(again.lastResponse.headers["original-request"], first.lastResponse.requestId);
    assert.equal(again.lastResponse.idempotencyKey, idempotencyKey);
    assert.equal((await sandbox.stripe.events.list({ type: "customer.created", limit: 100 })).data.filter((it) => it.data.object.id === first.id).length, 1);
  });

  test("is for one call only", async () => {
    const idempotencyKey = "the-key-of-two-customers";
    await sandbox.stripe.customers.create({ name: "One" }, { idempotencyKey });
    const other = sandbox.stripe.customers.create({ name: "Two" }, { idempotencyKey });
    await refused(other, { type: "StripeIdempotencyError", statusCode: 400, rawType: "idempotency_error" });
    await refused(sandbox.stripe.products.create({ name: "One" }, { idempotencyKey }), { type: "StripeIdempotencyError" });
  });

  test("keeps a decline, and forgets a wrong call", async () => {
    const paying = { ...STAYING, amount: 100, currency: "usd", confirm: true, payment_method: "pm_card_visa_chargeDeclined" };
    const pay = () => sandbox.stripe.paymentIntents.create(paying, { idempotencyKey: "the-key-of-a-decline" }).catch((error) => error);
    const [first, again] = [await pay(), await pay()];
    assert.deepEqual([again.code, again.payment_intent.id], ["card_declined", first.payment_intent.id]);
    const idempotencyKey = "the-key-of-a-wrong-call";
    await refused(sandbox.stripe.customers.create({ moon: "full" }, { idempotencyKey }), { code: "parameter_unknown" });
    const right = await sandbox.stripe.customers.create({ name: "Right" }, { idempotencyKey });
    assert.equal(right.name, "Right");
  });

  test("is not too long", async () => {
    await refused(sandbox.stripe.customers.create({}, { idempotencyKey: "k".repeat(256) }), { statusCode: 400 });
  });
});

describe("errors", () => {
  test("of each class", async () => {
    const { errors } = sandbox.stripe;
    const customer = await payer(sandbox.stripe, "pm_card_chargeCustomerFail");
    const card = customer.invoice_settings.default_payment_method;
    const unknown = sandbox.client({ key: "sk_live_not_for_a_sandbox" });
    const paying = { ...STAYING, amount: 100, currency: "usd", customer: customer.id, payment_method: card, confirm: true, off_session: true };
    const cases = [
      [() => unknown.customers.list(), errors.StripeAuthenticationError, { statusCode: 401 }],
      [() => sandbox.stripe.customers.retrieve("cus_nobody"), errors.StripeInvalidRequestError, { statusCode: 404, code: "resource_missing", param: "id" }],
      [() => sandbox.stripe.customers.create({ moon: "full" }), errors.StripeInvalidRequestError, { statusCode: 400, code: "parameter_unknown", param: "moon" }],
      [() => sandbox.stripe.customers.create({ shipping: { moon: "full" } }), errors.StripeInvalidRequestError, { statusCode: 400, param: "shipping[moon]" }],
      [() => sandbox.stripe.prices.create({ unit_amount: 5 }), errors.StripeInvalidRequestError, { code: "parameter_missing", param: "currency" }],
      [() => sandbox.stripe.prices.create({ currency: "usd", unit_amount: "much", product_data: { name: "x" } }), errors.StripeInvalidRequestError, { code: "parameter_invalid_integer", param: "unit_amount" }],
      [() => sandbox.stripe.products.create({ name: "" }), errors.StripeInvalidRequestError, { code: "parameter_invalid_empty", param: "name" }],
      [() => sandbox.stripe.rawRequest("GET", "/v1/moons"), errors.StripeInvalidRequestError, { statusCode: 404 }],
      [() => sandbox.stripe.paymentIntents.create(paying), errors.StripeCardError, { statusCode: 402, code: "card_declined" }],
    ];
    for (const [call, type, wanted] of cases) {
      const error = await refused(call(), wanted);
      assert.ok(error instanceof type, error.message);
      assert.match(error.requestId, /^req_/);
    }
  });

  test("name what is not there", async () => {
    await assert.rejects(sandbox.stripe.customers.retrieve("cus_nobody"), /No such customer: 'cus_nobody'/);
    const { id: customer } = await sandbox.stripe.customers.create();
    const items = [{ price: "price_nothing" }];
    await assert.rejects(sandbox.stripe.subscriptions.create({ customer, items }), { code: "resource_missing", param: "items[0][price]" });
  });

  test("of a rate limit come when they are asked for, and end", async () => {
    await sandbox.switchFaults({ rate_limit: 2 });
    for (let time = 0; time < 2; time += 1) {
      await assert.rejects(sandbox.stripe.customers.list(), (error) => {
        assert.ok(error instanceof sandbox.stripe.errors.StripeRateLimitError);
        assert.deepEqual([error.statusCode, error.code], [429, "rate_limit"]);
        assert.ok(error.headers["stripe-rate-limited-reason"]);
        return true;
      });
    }
    assert.equal((await sandbox.stripe.customers.list({ limit: 1 })).data.length, 1);
  });

  test("of the key say what a key looks like", async () => {
    const ask = (authorization) => fetch(`${sandbox.origin}/v1/customers`, { headers: authorization ? { authorization } : {} });
    for (const authorization of [undefined, "Bearer ", "Bearer nonsense", "Bearer pk_test_of_the_official_tests"]) {
      const response = await ask(authorization);
      const { error } = await response.json();
      assert.deepEqual([response.status, error.type], [401, "invalid_request_error"], authorization);
    }
    const basic = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;
    assert.equal((await ask(basic)).status, 200);
  });
});

test("a body in JSON is refused", async () => {
  const response = await fetch(`${sandbox.origin}/v1/customers`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Ada" }),
  });
  const { error } = await response.json();
  assert.deepEqual([response.status, error.type], [400, "invalid_request_error"]);
});
