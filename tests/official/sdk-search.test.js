// Stripe's library against the sandbox: searches, whose answers page by a word of their own.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { ids, monthly, payer, refused } from "./fixtures.js";
import { startSandbox } from "./sandbox.js";

const sandbox = startSandbox();

describe("a search", () => {
  const found = {};

  before(async () => {
    const { stripe } = sandbox;
    const metadata = { order: "4711" };
    found.customer = await payer(stripe, "pm_card_visa", { name: "Ada Lovelace", metadata });
    found.other = await stripe.customers.create({ email: "grace@example.com", name: "Grace Hopper" });
    found.price = await monthly(stripe, 1000, { metadata, lookup_key: "searched" });
    found.product = await stripe.products.update(found.price.product, { metadata });
    const customer = found.customer.id;
    found.subscription = await stripe.subscriptions.create({ customer, items: [{ price: found.price.id }], metadata });
    found.invoice = await stripe.invoices.update(found.subscription.latest_invoice, { metadata });
    const staying = { enabled: true, allow_redirects: "never" };
    const paying = { amount: 700, currency: "usd", customer, payment_method: found.customer.invoice_settings.default_payment_method };
    found.intent = await stripe.paymentIntents.create({ ...paying, metadata, confirm: true, automatic_payment_methods: staying });
    found.charge = await stripe.charges.retrieve(found.intent.latest_charge);
  });

  const RESOURCES = {
    charges: "charge",
    customers: "customer",
    invoices: "invoice",
    paymentIntents: "intent",
    prices: "price",
    products: "product",
    subscriptions: "subscription",
  };

  for (const [resource, name] of Object.entries(RESOURCES)) {
    test(`finds ${resource} by their metadata`, async () => {
      const { data, ...page } = await sandbox.stripe[resource].search({ query: "metadata['order']:'4711'" });
      assert.deepEqual(data.map(({ id }) => id), [found[name].id]);
      assert.deepEqual([page.object, page.has_more, page.next_page], ["search_result", false, null]);
      assert.deepEqual((await sandbox.stripe[resource].search({ query: "metadata['order']:'0815'" })).data, []);
    });
  }

  test("joins clauses, compares, negates, and finds parts of a text", async () => {
    const customers = async (query) => ids(await sandbox.stripe.customers.search({ query }));
    const { customer, other } = found;
    assert.deepEqual(await customers("email:'grace@example.com'"), [other.id]);
    assert.deepEqual(await customers("name~'love'"), [customer.id]);
    assert.deepEqual(await customers("name:'ada lovelace' OR name:'grace hopper'"), [other.id, customer.id]);
    assert.deepEqual(await customers("name:'ada lovelace' AND name:'grace hopper'"), []);
    assert.deepEqual(await customers(`created>=${customer.created} AND -email:'grace@example.com'`), [customer.id]);
    const amounts = await sandbox.stripe.paymentIntents.search({ query: `customer:'${customer.id}' AND amount<1000` });
    assert.deepEqual(ids(amounts), [found.intent.id]);
  });

  test("goes on page after page", async () => {
    const email = "many@example.com";
    const made = [];
    for (let number = 0; number < 25; number += 1) {
      made.unshift((await sandbox.stripe.customers.create({ email })).id);
    }
    const query = `email:'${email}'`;
    const first = await sandbox.stripe.customers.search({ query, limit: 10 });
    assert.deepEqual([first.data.length, first.has_more], [10, true]);
    const second = await sandbox.stripe.customers.search({ query, limit: 10, page: first.next_page });
    assert.deepEqual(ids(second), made.slice(10, 20));
    const all = await sandbox.stripe.customers.search({ query, limit: 10 }).autoPagingToArray({ limit: 100 });
    assert.deepEqual(ids({ data: all }), made);
  });

  test("that cannot be is refused", async () => {
    for (const query of ["moon:'full'", "email", "email:'a' AND name:'b' OR name:'c'"]) {
      await refused(sandbox.stripe.customers.search({ query }), { statusCode: 400, type: "StripeInvalidRequestError" });
    }
    await refused(sandbox.stripe.customers.search({}), { statusCode: 400, code: "parameter_missing", param: "query" });
  });
});
