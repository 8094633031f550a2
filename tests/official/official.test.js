// Stripe's own libraries against Tollgate, in both directions: what they sign is taken, and what
// `tollgate trigger` signs they believe. `./test official` runs this; TOLLGATE names the binary and
// PYTHON an interpreter that has Stripe's library.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import Stripe from "stripe";
import Stripe14 from "stripe-14";

const SECRET = "whsec_of_the_official_tests";
const OLD_SECRET = "whsec_that_is_being_rotated_out";
const PATHS = ["/stripe/webhook", "/api/stripe/webhook", "/api/webhooks/stripe", "/webhook"];
const LIBRARIES = { "stripe 23": new Stripe("sk_test_none"), "stripe 14": new Stripe14("sk_test_none") };
const PATIENCE_MS = 60_000;

const binary = required("TOLLGATE");
const directory = mkdtempSync(path.join(tmpdir(), "tollgate-official-"));
const environment = {
  TOLLGATE_LISTEN: "127.0.0.1:0",
  STRIPE_WEBHOOK_SECRET: `${OLD_SECRET},${SECRET}`,
  TOLLGATE_API_KEY: "the-key-of-the-official-tests",
  // Nothing but tests knows this: a server that is no test's lives on. A binary that was built for
  // the tests, as `cargo nextest` leaves one, dies here; `cargo build -p tollgate-cli` makes another.
  TOLLGATE_CRASH_AT: "begun:1",
};

let server;
let origin;

before(async () => {
  server = spawn(binary, ["serve"], { cwd: directory, env: environment, stdio: ["ignore", "ignore", "pipe"] });
  origin = await listening(server);
});

after(async () => {
  assert.equal(server.exitCode ?? server.signalCode, null, "the server lives to the end");
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  const code = await ended;
  rmSync(directory, { recursive: true });
  assert.equal(code, 0, "the server ends well");
});

function required(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run ./test official`);
  return value;
}

function listening(child) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the server does not start")), PATIENCE_MS);
    child.once("exit", () => reject(new Error("the server ended")));
    createInterface({ input: child.stderr }).on("line", (line) => {
      const { address } = JSON.parse(line);
      if (address) {
        clearTimeout(late);
        resolve(`http://${address}`);
      }
    });
  });
}

let events = 0;

function event() {
  events += 1;
  const customer = { id: `cus_official${events}`, object: "customer", created: 1780000000, metadata: { user_id: `user_${events}` } };
  return JSON.stringify({
    id: `evt_official${events}`,
    object: "event",
    api_version: "2026-10-28.endive",
    type: "customer.created",
    created: 1780000000,
    livemode: false,
    data: { object: customer },
  });
}

async function post(where, payload, header) {
  const headers = { "content-type": "application/json; charset=utf-8", "stripe-signature": header };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(origin + where, { method: "POST", body: payload, headers, signal });
  return { status: response.status, body: await response.json() };
}

for (const [name, stripe] of Object.entries(LIBRARIES)) {
  const sign = (payload, more = {}) => stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, ...more });

  describe(`what ${name} signs`, () => {
    for (const where of PATHS.flatMap((it) => [it, `${it}/`])) {
      test(`is taken at ${where}`, async () => {
        const payload = event();
        const first = await post(where, payload, sign(payload));
        assert.deepEqual(first, { status: 200, body: { received: true } });
        const again = await post(where, payload, sign(payload));
        assert.deepEqual(again, { status: 200, body: { received: true, duplicate: true } });
      });
    }

    test("is taken with each of two secrets", async () => {
      const payload = event();
      assert.equal((await post(PATHS[0], payload, sign(payload, { secret: OLD_SECRET }))).status, 200);
    });

    test("is refused with another secret, a changed body or an old time", async () => {
      const payload = event();
      const old = Math.floor(Date.now() / 1000) - 301;
      const cases = [
        [payload, sign(payload, { secret: "whsec_another" }), "no_matching_signature"],
        [`${payload} `, sign(payload), "no_matching_signature"],
        [payload, sign(payload, { timestamp: old }), "timestamp_too_old"],
        [payload, sign(payload, { scheme: "v0" }), "malformed_header"],
      ];
      for (const [body, header, reason] of cases) {
        const { status, body: answer } = await post(PATHS[0], body, header);
        assert.deepEqual([status, answer.error, answer.details.reason], [400, "validation_error", reason]);
      }
    });
  });
}

describe("what tollgate trigger sends", () => {
  let deliveries;
  let thin;

  before(async () => {
    deliveries = await triggered("checkout.session.completed");
    thin = await triggered("v1.invoice.paid");
    assert.ok(deliveries.length > 5 && thin.length > 5);
  });

  for (const [name, stripe] of Object.entries(LIBRARIES)) {
    test(`is believed by ${name}`, () => {
      const types = deliveries.map(({ body, header }) => {
        const { id, object, type } = stripe.webhooks.constructEvent(body, header, SECRET);
        assert.match(id, /^evt_/);
        assert.equal(object, "event");
        return type;
      });
      assert.ok(types.includes("checkout.session.completed"), types.join());
      const [{ body, header }] = deliveries;
      const refused = { type: "StripeSignatureVerificationError" };
      assert.throws(() => stripe.webhooks.constructEvent(body, header, "whsec_another"), refused);
    });
  }

  test("is believed by stripe 23 as thin events", () => {
    const types = thin.map(({ body, header }) => {
      return LIBRARIES["stripe 23"].parseEventNotification(body, header, SECRET).type;
    });
    assert.ok(types.includes("v1.invoice.paid"), types.join());
  });

  test("is believed by stripe of Python", () => {
    const lines = deliveries.map((it) => line(it, SECRET));
    lines.push(line(deliveries[0], "whsec_another"));
    const script = path.join(import.meta.dirname, "verify.py");
    const options = { input: lines.join("\n"), encoding: "utf8", timeout: PATIENCE_MS };
    const { status, stdout, stderr } = spawnSync(required("PYTHON"), [script], options);
    assert.equal(status, 0, stderr);
    const ids = deliveries.map(({ body }) => JSON.parse(body).id);
    assert.deepEqual(stdout.trim().split("\n"), [...ids, "refused"]);
  });
});

function line({ body, header }, secret) {
  return JSON.stringify({ body: body.toString("base64"), header, secret });
}

// What `tollgate trigger` posts to a server of ours.
async function triggered(type) {
  const deliveries = [];
  const receiver = createServer(async (request, response) => {
    const chunks = await request.toArray();
    deliveries.push({ body: Buffer.concat(chunks), header: request.headers["stripe-signature"] });
    response.end();
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${receiver.address().port}/any/path`;
  const child = spawn(binary, ["trigger", type, "--user", "ada", "--url", url, "--secret", SECRET], {
    cwd: directory,
    env: {},
    stdio: "ignore",
    timeout: PATIENCE_MS,
  });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  receiver.close();
  assert.equal(code, 0, "the trigger ends well");
  return deliveries;
}
