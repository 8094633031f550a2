// Every trigger of Stripe's own command line, against the sandbox: an exit code of zero proves
// nothing there, so the events are counted as they arrive, signed, at two endpoints of ours.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { faultsOfDelivery, receiver } from "./receiver.js";
import { startSandbox, until } from "./sandbox.js";
import { CURRENT_VERSION } from "./schema.js";
import { stripeCli, stripeJson } from "./stripe-cli.js";
import { BEYOND, TRIGGERS, compared } from "./triggers.js";

// A bank takes a moment to answer a debit.
const DEBIT_SECS = 10;
const DEBITS = /async_payment/;

const sandbox = startSandbox();

describe("stripe trigger", () => {
  let current;
  let unversioned;

  before(async () => {
    current = await (await receiver()).register(sandbox.stripe, { api_version: CURRENT_VERSION });
    unversioned = await (await receiver()).register(sandbox.stripe);
  });

  after(async () => {
    await sandbox.stripe.webhookEndpoints.del(current.id);
    await sandbox.stripe.webhookEndpoints.del(unversioned.id);
    await current.close();
    await unversioned.close();
  });

  for (const row of TRIGGERS) {
    test(`${row.trigger} brings its events and no other`, async () => {
      const newest = await newestEvent();
      current.forget();
      unversioned.forget();

      const { code, stdout, stderr } = await stripeCli(sandbox.origin, ["trigger", row.trigger]);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout + stderr, /Trigger succeeded/);
      if (DEBITS.test(row.trigger)) {
        await sandbox.advance({ seconds: DEBIT_SECS });
      }

      const happened = await delivered(newest);
      await current.has(happened.map(({ id }) => id));
      await unversioned.has(happened.map(({ id }) => id));
      sound(current, CURRENT_VERSION, happened);
      sound(unversioned, happened[0].api_version, happened);
      const types = current.events().map(({ type }) => type);
      assert.deepEqual(compared(types, row), { missing: [], unexpected: [] }, `came: ${types.join(" ")}`);
    });
  }

  // What came is what the API lists, each once, as of a call, in the version that was asked for.
  function sound(endpoint, version, happened) {
    const events = endpoint.events();
    assert.deepEqual(events.map(({ id }) => id).sort(), happened.map(({ id }) => id).sort());
    for (const event of events) {
      assert.equal(event.api_version, version);
      assert.match(event.request?.id ?? "req_", /^req_/);
    }
    sandbox.note(endpoint.deliveries.flatMap(faultsOfDelivery));
  }
});

async function newestEvent() {
  const { data } = await sandbox.stripe.events.list({ limit: 1 });
  return data[0]?.id;
}

// The events since one, once none of them waits for an endpoint any more.
async function delivered(since) {
  return until("all events are delivered", async () => {
    const { data } = await sandbox.stripe.events.list({ limit: 100, ...(since && { ending_before: since }) });
    return data.length > 0 && data.every((it) => it.pending_webhooks === 0) && data;
  });
}

test("no trigger of stripe's is left out but those of what the sandbox does not have", async () => {
  const { stdout } = await stripeCli(sandbox.origin, ["trigger", "--help"]);
  const all = [...stdout.matchAll(/^ {2}(\w+(?:\.\w+)+)$/gm)].map(([, name]) => name);
  assert.ok(all.length > TRIGGERS.length, stdout);
  const known = new Set(TRIGGERS.map(({ trigger }) => trigger));
  assert.deepEqual(all.filter((name) => !known.has(name) && !BEYOND.test(name)), []);
});

describe("stripe's resource commands", () => {
  test("get, post and delete", async () => {
    const made = await stripeJson(sandbox.origin, ["post", "/v1/customers", "-d", "name=Ada", "-d", "metadata[user]=7"]);
    assert.deepEqual([made.object, made.name, made.metadata], ["customer", "Ada", { user: "7" }]);
    const got = await stripeJson(sandbox.origin, ["get", `/v1/customers/${made.id}`]);
    assert.deepEqual(got, made);
    const gone = await stripeJson(sandbox.origin, ["delete", `/v1/customers/${made.id}`, "--confirm"]);
    assert.deepEqual(gone, { id: made.id, object: "customer", deleted: true });
  });

  test("get takes an id alone, and expands", async () => {
    const { id: customer } = await stripeJson(sandbox.origin, ["post", "/v1/customers", "-d", "email=ada@example.com"]);
    const intent = await stripeJson(sandbox.origin, ["post", "/v1/payment_intents", "-d", "amount=100", "-d", "currency=usd", "-d", `customer=${customer}`]);
    const got = await stripeJson(sandbox.origin, ["get", `/v1/payment_intents/${intent.id}`, "-e", "customer"]);
    assert.equal(got.customer.email, "ada@example.com");
  });

  test("customers create, list and a limit", async () => {
    const made = await stripeJson(sandbox.origin, ["customers", "create", "--name", "Grace", "--email", "grace@example.com"]);
    assert.deepEqual([made.name, made.email], ["Grace", "grace@example.com"]);
    const { data } = await stripeJson(sandbox.origin, ["customers", "list", "--limit", "1"]);
    assert.deepEqual(data.map(({ id }) => id), [made.id]);
  });

  test("an idempotency key makes a post once", async () => {
    const once = ["post", "/v1/customers", "-d", "name=Once", "-i", "the-key-of-once"];
    const first = await stripeJson(sandbox.origin, once);
    assert.deepEqual(await stripeJson(sandbox.origin, once), first);
  });

  test("an unknown object is told as Stripe tells it", async () => {
    const { stdout, stderr } = await stripeCli(sandbox.origin, ["get", "/v1/customers/cus_nobody"]);
    const { error } = JSON.parse((stdout + stderr).match(/\{[^]*\}/)[0]);
    assert.deepEqual([error.type, error.code, error.param], ["invalid_request_error", "resource_missing", "id"]);
  });
});
