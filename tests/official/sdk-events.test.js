// Stripe's library against the sandbox: what happened is listed, and delivered to endpoints as
// snapshots or thin, signed, in the version that each asked for.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { monthly, payer, refused, subscriber, ids } from "./fixtures.js";
import { faultsOfDelivery, receiver } from "./receiver.js";
import { startSandbox, until } from "./sandbox.js";
import { CURRENT_VERSION, faultsOfAnswer } from "./schema.js";

const sandbox = startSandbox();

describe("events", () => {
  test("are listed by type, types and moment, newest first", async () => {
    const { id } = await sandbox.stripe.customers.create({ name: "Ada" });
    await sandbox.stripe.customers.update(id, { name: "Grace" });
    await sandbox.stripe.customers.del(id);
    const typesOf = async (params) => (await sandbox.stripe.events.list({ limit: 100, ...params })).data.map((it) => it.type);
    assert.deepEqual((await typesOf({})).slice(0, 3), ["customer.deleted", "customer.updated", "customer.created"]);
    assert.deepEqual(new Set(await typesOf({ type: "customer.updated" })), new Set(["customer.updated"]));
    assert.ok((await typesOf({ type: "customer.*" })).every((type) => type.startsWith("customer.")));
    const two = ["customer.deleted", "customer.created"];
    assert.deepEqual((await typesOf({ types: two })).slice(0, 2), two);
    await refused(sandbox.stripe.events.list({ type: "customer.created", types: two }), { statusCode: 400 });
    assert.deepEqual(await typesOf({ created: { lt: sandbox.now - 1 } }), []);
    assert.ok((await typesOf({ created: { gte: sandbox.now } })).length >= 3);
  });

  test("tell who asked, and what was before", async () => {
    const { id } = await sandbox.stripe.customers.create({ name: "Ada", metadata: { a: "1" } });
    const idempotencyKey = "the-key-of-an-update";
    const { lastResponse } = await sandbox.stripe.customers.update(id, { name: "Grace", metadata: { a: "2" } }, { idempotencyKey });
    const { data: [event] } = await sandbox.stripe.events.list({ type: "customer.updated", limit: 1 });
    assert.deepEqual(event.request, { id: lastResponse.requestId, idempotency_key: idempotencyKey });
    assert.deepEqual(event.data.previous_attributes, { name: "Ada", metadata: { a: "1" } });
    assert.deepEqual([event.data.object.name, event.data.object.metadata], ["Grace", { a: "2" }]);
    assert.deepEqual({ ...(await sandbox.stripe.events.retrieve(event.id)) }, event);
    await refused(sandbox.stripe.events.retrieve("evt_nobody"), { statusCode: 404, code: "resource_missing" });
  });
});

describe("endpoints", () => {
  test("are made, changed, listed and removed", async () => {
    const { webhookEndpoints } = sandbox.stripe;
    const wanted = ["customer.created", "invoice.paid"];
    const made = await webhookEndpoints.create({ url: "https://example.com/hook", enabled_events: wanted, description: "mine", metadata: { a: "1" } });
    assert.match(made.secret, /^whsec_/);
    assert.deepEqual([made.status, made.enabled_events, made.api_version], ["enabled", wanted, null]);
    const { secret, ...rest } = made;
    assert.deepEqual(await webhookEndpoints.retrieve(made.id), rest);
    const off = await webhookEndpoints.update(made.id, { disabled: true, enabled_events: ["*"] });
    assert.deepEqual([off.status, off.enabled_events], ["disabled", ["*"]]);
    assert.ok(ids(await webhookEndpoints.list()).includes(made.id));
    assert.equal((await webhookEndpoints.del(made.id)).deleted, true);
    await refused(webhookEndpoints.retrieve(made.id), { statusCode: 404, code: "resource_missing" });
    await refused(webhookEndpoints.create({ url: "here", enabled_events: ["*"] }), { statusCode: 400 });
    await refused(webhookEndpoints.create({ url: "https://example.com", enabled_events: ["moon.full"] }), { statusCode: 400 });
  });

  test("get what they want, and nothing when switched off", async () => {
    const all = await (await receiver()).register(sandbox.stripe);
    const some = await (await receiver()).register(sandbox.stripe, { enabled_events: ["customer.created"] });
    const none = await (await receiver()).register(sandbox.stripe);
    await sandbox.stripe.webhookEndpoints.update(none.id, { disabled: true });
    const { id } = await sandbox.stripe.customers.create({ name: "Ada" });
    await sandbox.stripe.customers.update(id, { name: "Grace" });
    await all.until("has both", ({ deliveries }) => deliveries.length === 2);
    await some.until("has one", ({ deliveries }) => deliveries.length === 1);
    assert.deepEqual(all.events().map(({ type }) => type).sort(), ["customer.created", "customer.updated"]);
    assert.deepEqual(some.events().map(({ type }) => type), ["customer.created"]);
    assert.throws(() => some.events(all.secret), { type: "StripeSignatureVerificationError" });
    assert.equal(none.deliveries.length, 0);
    await forget(all, some, none);
  });

  // A version protects what was removed since; what was added shows in every one.
  const VERSIONS = [
    ["2020-08-27", ({ current_period_end, items }) => current_period_end === items.data[0].current_period_end],
    ["2024-06-20", ({ current_period_end, items }) => current_period_end === items.data[0].current_period_end],
    [CURRENT_VERSION, (subscription) => !("current_period_end" in subscription)],
  ];

  test("get events in their version", async () => {
    const endpoints = [];
    for (const [api_version] of VERSIONS) {
      const enabled_events = ["customer.subscription.created", "invoice.paid"];
      endpoints.push(await (await receiver()).register(sandbox.stripe, { api_version, enabled_events }));
    }
    const { subscription } = await subscriber(sandbox.stripe);
    for (const [at, endpoint] of endpoints.entries()) {
      const [version, fits] = VERSIONS[at];
      await endpoint.until("has both", ({ deliveries }) => deliveries.length === 2);
      const [made, paid] = endpoint.events().sort((one, other) => (one.type < other.type ? -1 : 1));
      assert.deepEqual([made.api_version, paid.api_version], [version, version]);
      assert.ok(fits(made.data.object), version);
      const { object: invoice } = paid.data;
      assert.equal(invoice.subscription ?? invoice.parent.subscription_details.subscription, subscription.id);
      assert.equal("payment_intent" in invoice, version !== CURRENT_VERSION);
      sandbox.note(endpoint.deliveries.flatMap(faultsOfDelivery));
    }
    await forget(...endpoints);
  });

  test("are tried again when they fail", async () => {
    const answers = [500, 503, 200];
    const endpoint = await (await receiver({ answers: () => answers.shift() ?? 200 })).register(sandbox.stripe);
    const { id } = await sandbox.stripe.customers.create();
    await endpoint.until("has one", ({ deliveries }) => deliveries.length === 1);
    const { data: [event] } = await sandbox.stripe.events.list({ delivery_success: false, limit: 1 });
    assert.deepEqual([event.data.object.id, event.pending_webhooks], [id, 1]);
    await until("it is tried three times", async () => {
      await sandbox.advance({ seconds: 3600 });
      return endpoint.deliveries.length >= 3;
    });
    await until("it is delivered", async () => (await sandbox.stripe.events.retrieve(event.id)).pending_webhooks === 0);
    assert.deepEqual(new Set(endpoint.ids()), new Set([event.id]));
    assert.equal(endpoint.deliveries.length, 3);
    await forget(endpoint);
  });
});

async function forget(...endpoints) {
  for (const endpoint of endpoints) {
    await sandbox.stripe.webhookEndpoints.del(endpoint.id);
    await endpoint.close();
  }
}

describe("event destinations", () => {
  const params = (url, more = {}) => ({
    name: "mine",
    type: "webhook_endpoint",
    event_payload: "thin",
    enabled_events: ["*"],
    webhook_endpoint: { url },
    include: ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
    ...more,
  });

  test("are made, changed, listed and removed", async () => {
    const { eventDestinations } = sandbox.stripe.v2.core;
    const made = await eventDestinations.create(params("https://example.com/thin", { enabled_events: ["v1.customer.created"], metadata: { a: "1" } }));
    assert.match(made.id, /^ed_/);
    assert.deepEqual([made.status, made.event_payload, made.webhook_endpoint.url], ["enabled", "thin", "https://example.com/thin"]);
    assert.match(made.webhook_endpoint.signing_secret, /^whsec_/);
    const changed = await eventDestinations.update(made.id, { name: "ours", description: "of us" });
    assert.deepEqual([changed.name, changed.description, changed.metadata], ["ours", "of us", { a: "1" }]);
    const off = await eventDestinations.disable(made.id);
    assert.deepEqual([off.status, off.status_details.disabled.reason], ["disabled", "user"]);
    assert.equal((await eventDestinations.enable(made.id)).status, "enabled");
    assert.equal((await eventDestinations.retrieve(made.id, { include: ["webhook_endpoint.url"] })).webhook_endpoint.url, "https://example.com/thin");
    assert.ok(ids(await eventDestinations.list()).includes(made.id));
    assert.equal((await eventDestinations.del(made.id)).id, made.id);
    await assert.rejects(eventDestinations.retrieve(made.id), { statusCode: 404 });
  });

  describe("that take thin events", () => {
    let endpoint;
    let destination;

    before(async () => {
      endpoint = await receiver();
      destination = await sandbox.stripe.v2.core.eventDestinations.create(params(endpoint.url));
      endpoint.secret = destination.webhook_endpoint.signing_secret;
    });

    after(async () => {
      await sandbox.stripe.v2.core.eventDestinations.del(destination.id);
      await endpoint.close();
    });

    const notifications = () =>
      endpoint.deliveries.map(({ body, header }) => sandbox.stripe.parseEventNotification(body, header, endpoint.secret));

    async function notified(type) {
      const has = () => notifications().find((it) => it.type === type);
      await endpoint.until(`has ${type}`, has);
      return has();
    }

    test("hear of an object and fetch it", async () => {
      const customer = await payer(sandbox.stripe);
      const notification = await notified("v1.customer.created");
      assert.deepEqual(
        [notification.related_object.id, notification.related_object.type, notification.related_object.url],
        [customer.id, "customer", `/v1/customers/${customer.id}`],
      );
      const { lastResponse: _, ...fetched } = await notification.fetchRelatedObject();
      assert.equal(fetched.email, "ada@example.com");
      const event = await notification.fetchEvent();
      assert.deepEqual([event.id, event.type], [notification.id, "v1.customer.created"]);
      const twin = await sandbox.stripe.events.retrieve(event.snapshot_event);
      assert.deepEqual([twin.type, twin.data.object.id], ["customer.created", customer.id]);
      const { data } = await sandbox.stripe.v2.core.events.list({ object_id: customer.id });
      assert.ok(ids({ data }).includes(notification.id));
      assert.deepEqual({ ...(await sandbox.stripe.v2.core.events.retrieve(notification.id)) }.id, notification.id);
    });

    test("hear of the life of a subscription", async () => {
      const { subscription } = await subscriber(sandbox.stripe);
      const { id: price } = await monthly(sandbox.stripe, 3000);
      await sandbox.stripe.subscriptions.update(subscription.id, { items: [{ id: subscription.items.data[0].id, price }] });
      await sandbox.stripe.subscriptions.cancel(subscription.id);
      for (const type of ["created", "updated", "deleted"]) {
        const { related_object } = await notified(`v1.customer.subscription.${type}`);
        assert.equal(related_object.id, subscription.id);
      }
      await notified("v1.invoice.paid");
      sandbox.note(endpoint.deliveries.flatMap(({ body }) => faultsOfAnswer(JSON.parse(body), "POST", "/hook")));
    });

    test("are pinged", async () => {
      const ping = await sandbox.stripe.v2.core.eventDestinations.ping(destination.id);
      assert.equal(ping.type, "v2.core.event_destination.ping");
      assert.equal((await notified("v2.core.event_destination.ping")).id, ping.id);
    });

    test("are not taken for snapshots, nor snapshots for them", async () => {
      const snapshots = await (await receiver()).register(sandbox.stripe);
      await sandbox.stripe.customers.create();
      await snapshots.until("has one", ({ deliveries }) => deliveries.length > 0);
      const [{ body, header }] = snapshots.deliveries;
      assert.throws(() => sandbox.stripe.parseEventNotification(body, header, snapshots.secret));
      const [thin] = endpoint.deliveries;
      assert.throws(() => sandbox.stripe.webhooks.constructEvent(thin.body, thin.header, endpoint.secret));
      await forget(snapshots);
    });
  });
});
