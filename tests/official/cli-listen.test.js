// `stripe listen` and `stripe events resend` of Stripe's own command line against the sandbox: what
// happens reaches the app that it forwards to, also while its socket is away.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import Stripe from "stripe";
import { receiver, verified } from "./receiver.js";
import { relay } from "./relay.js";
import { startSandbox, until } from "./sandbox.js";
import { listen, stripeCli } from "./stripe-cli.js";

const RECONNECT_SECS = 2;
const SPELLS = 4;
const STEP_MS = 150;

const sandbox = startSandbox();
const library = new Stripe("sk_test_none");

let app;

before(async () => {
  app = await receiver();
});

after(() => app.close());

// Runs with a listener that forwards to a clean app, and ends it whatever happens.
async function listening(args, run, origin = sandbox.origin) {
  app.forget();
  const listener = await listen(origin, ["--forward-to", app.url, ...args]);
  try {
    await run(listener);
  } finally {
    await listener.end();
  }
}

async function customer(name = "Ada") {
  const { id } = await sandbox.stripe.customers.create({ name });
  const { data } = await sandbox.stripe.events.list({ type: "customer.created", limit: 1 });
  assert.equal(data[0].data.object.id, id);
  return data[0].id;
}

describe("stripe listen", () => {
  test("forwards signed events and hears of the answer", async () => {
    await listening(["--all-snapshot"], async (listener) => {
      const id = await customer();
      await app.has([id]);
      const [event] = app.events(listener.secret);
      assert.deepEqual([event.id, event.type, event.data.object.name], [id, "customer.created", "Ada"]);
      await listener.says(new RegExp(`<--\\s+\\[200\\] POST ${app.url} \\[${id}\\]`));
      await until("it is acknowledged", async () => (await sandbox.stripe.events.retrieve(id)).pending_webhooks === 0);
    });
  });

  test("forwards only the events that were asked for", async () => {
    await listening(["--events", "product.created,customer.deleted"], async (listener) => {
      await customer();
      await sandbox.stripe.products.create({ name: "Pro" });
      await app.until("has one", ({ deliveries }) => deliveries.length === 1);
      assert.deepEqual(app.events(listener.secret).map(({ type }) => type), ["product.created"]);
    });
  });

  test("prints each event as a line of JSON", async () => {
    await listening(["--all-snapshot", "--format", "JSON"], async (listener) => {
      const ids = [await customer(), await customer("Grace")];
      await app.has(ids);
      await listener.says(new RegExp(ids[1]));
      const lines = listener.printed.split("\n").filter((line) => line.startsWith("{"));
      assert.deepEqual(lines.map((line) => JSON.parse(line).id), ids);
    });
  });

  test("prints the same secret every time", async () => {
    const printed = async () => (await stripeCli(sandbox.origin, ["listen", "--skip-update", "--print-secret"])).stdout.trim();
    const secret = await printed();
    assert.match(secret, /^whsec_\w+$/);
    assert.equal(await printed(), secret);
    await listening(["--all-snapshot"], ({ secret: signing }) => assert.equal(signing, secret));
  });

  test("forwards thin events", async () => {
    await listening(["--all-thin"], async (listener) => {
      const { id } = await sandbox.stripe.customers.create({ name: "Ada" });
      await app.until("has one", ({ deliveries }) => deliveries.length > 0);
      const [{ body, header }] = app.deliveries;
      const notification = library.parseEventNotification(body, header, listener.secret);
      assert.deepEqual([notification.type, notification.related_object.id], ["v1.customer.created", id]);
    });
  });

  test("forwards to each configured endpoint what it wants", async () => {
    const only = (events) => ({ url: "https://example.com/only", enabled_events: events });
    const { id } = await sandbox.stripe.webhookEndpoints.create(only(["product.created"]));
    try {
      await listening(["--all-snapshot", "--use-configured-webhooks"], async (listener) => {
        await customer();
        await sandbox.stripe.products.create({ name: "Pro" });
        await app.until("has one", ({ deliveries }) => deliveries.length > 0);
        assert.deepEqual(app.events(listener.secret).map(({ type }) => type), ["product.created"]);
        assert.match(app.deliveries[0].path, /\/only$/);
      });
    } finally {
      await sandbox.stripe.webhookEndpoints.del(id);
    }
  });

  test("refuses a key that is none", async () => {
    const { code } = await stripeCli(sandbox.origin, ["listen", "--all-snapshot", "--skip-update"], { key: "sk_live_not_for_a_sandbox" });
    assert.equal(code, 1);
  });
});

describe("a listener whose socket goes away", () => {
  test("loses nothing while it resets the connection, again and again", async () => {
    const line = await relay(sandbox.origin, { reconnectSecs: RECONNECT_SECS });
    try {
      await listening(["--all-snapshot"], async (listener) => {
        const made = [];
        while (line.sockets < SPELLS) {
          made.push(await customer(`number ${made.length}`));
          await pause(STEP_MS);
        }
        await app.has(made);
        app.events(listener.secret);
        assert.equal(line.sessions, 1, "one session for all sockets");
      }, line.origin);
    } finally {
      await line.close();
    }
  });

  test("gets what happened while the line was cut, and nothing twice that it had", async () => {
    const line = await relay(sandbox.origin);
    try {
      await listening(["--all-snapshot"], async (listener) => {
        const before = await customer("before");
        await listener.says(new RegExp(`<--.*${before}`));
        line.cut();
        const meanwhile = [await customer("one"), await customer("two")];
        await app.has(meanwhile);
        assert.ok(line.sockets > 1, "it came back");
        assert.equal(app.ids().filter((id) => id === before).length, 1);
        app.deliveries.forEach((it) => verified(it, listener.secret));
      }, line.origin);
    } finally {
      await line.close();
    }
  });
});

describe("stripe events resend", () => {
  test("brings an event to the listener again", async () => {
    await listening(["--all-snapshot"], async (listener) => {
      const id = await customer();
      await app.has([id]);
      const { code, stdout, stderr } = await stripeCli(sandbox.origin, ["events", "resend", id]);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).id, id);
      await app.until("has it twice", ({ deliveries }) => deliveries.length === 2);
      const [first, second] = app.events(listener.secret);
      assert.deepEqual(second, first);
    });
  });

  test("brings an event to one endpoint again", async () => {
    const wanted = await (await receiver()).register(sandbox.stripe);
    const other = await (await receiver()).register(sandbox.stripe);
    try {
      const id = await customer();
      await Promise.all([wanted.has([id]), other.has([id])]);
      const { code, stderr } = await stripeCli(sandbox.origin, ["events", "resend", id, "--webhook-endpoint", wanted.id]);
      assert.equal(code, 0, stderr);
      await wanted.until("has it twice", ({ deliveries }) => deliveries.length === 2);
      assert.deepEqual(wanted.events().map((event) => event.id), [id, id]);
      const later = await customer();
      await other.has([later]);
      assert.deepEqual(other.ids(), [id, later], "the other endpoint has it once");
    } finally {
      for (const endpoint of [wanted, other]) {
        await sandbox.stripe.webhookEndpoints.del(endpoint.id);
        await endpoint.close();
      }
    }
  });
});
