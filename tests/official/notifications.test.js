// What the app is told, from outside: a receiver of a few lines as an app would have it, which
// believes what the libraries of Standard Webhooks believe. TOLLGATE names the binary and PYTHON an
// interpreter that has their library.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { PATIENCE_MS, until } from "./sandbox.js";

const STRIPE_SECRET = "whsec_of_the_notification_tests";
const API_KEY = "the-key-of-the-notification-tests";
const OLD = "whsec_dGhlIHNlY3JldCB0aGF0IGlzIGJlaW5nIHJvdGF0ZWQgb3V0";
const NEW = "whsec_dGhlIHNlY3JldCB0aGF0IGlzIHVzZWQgZnJvbSBub3cgb24u";
const FOREIGN = "whsec_dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNlIGVudGlyZWx5";

const binary = process.env.TOLLGATE;
const directory = mkdtempSync(path.join(tmpdir(), "tollgate-notifications-"));
const told = [];
let failures = 1;
let app;
let server;
let origin;

before(async () => {
  assert.ok(binary, "TOLLGATE is not set: run ./test official");
  app = createServer(async (request, response) => {
    const delivery = { body: Buffer.concat(await request.toArray()), headers: request.headers };
    new Webhook(NEW).verify(delivery.body, delivery.headers);
    // The first attempt of all fails, as an app that is just being restarted would.
    response.statusCode = failures-- > 0 ? 503 : 204;
    response.end();
    told.push({ ...delivery, taken: response.statusCode === 204 });
  });
  await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${app.address().port}/hooks/tollgate`;
  const toml = `[[notify]]\nname = "app"\nurl = "${url}"\nsecrets = ["${OLD}", "${NEW}"]\n`;
  writeFileSync(path.join(directory, "tollgate.toml"), toml);
  const env = { TOLLGATE_LISTEN: "127.0.0.1:0", STRIPE_WEBHOOK_SECRET: STRIPE_SECRET, TOLLGATE_API_KEY: API_KEY };
  server = spawn(binary, ["serve"], { cwd: directory, env, stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: server.stderr });
  origin = await new Promise((resolve, reject) => {
    server.once("exit", () => reject(new Error("the server ended")));
    lines.on("line", (line) => {
      const { address } = JSON.parse(line);
      if (address) resolve(`http://${address}`);
    });
  });
  await run(["trigger", "checkout.session.completed", "--user", "ada", "--url", `${origin}/stripe/webhook`, "--secret", STRIPE_SECRET]);
  await until("the app was told all", () => types().includes("access.granted") && types().includes("payment.succeeded"));
});

after(async () => {
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.removeAllListeners("exit").kill("SIGTERM");
  server.once("exit", () => rmSync(directory, { recursive: true }));
  app.close();
  app.closeAllConnections();
  await Promise.race([ended, new Promise((resolve) => server.once("exit", resolve))]);
});

const bodies = () => told.filter(({ taken }) => taken).map(({ body }) => JSON.parse(body));
const types = () => bodies().map(({ type }) => type);

async function run(args) {
  const child = spawn(binary, args, { cwd: directory, env: {}, stdio: ["ignore", "pipe", "inherit"], timeout: PATIENCE_MS });
  const said = child.stdout.toArray();
  const code = await new Promise((resolve) => child.once("exit", resolve));
  const text = Buffer.concat(await said).toString();
  assert.equal(code, 0, text);
  return text;
}

test("each of two secrets verifies what was told, and no other", () => {
  for (const { body, headers } of told) {
    for (const secret of [OLD, NEW]) {
      assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
    }
    assert.throws(() => new Webhook(FOREIGN).verify(body, headers), WebhookVerificationError);
  }
});

test("what was changed on its way is refused", () => {
  const [{ body, headers }] = told;
  const changes = [
    [Buffer.concat([body, Buffer.from(" ")]), headers],
    [body, { ...headers, "webhook-id": "msg_another" }],
    [body, { ...headers, "webhook-timestamp": `${headers["webhook-timestamp"] - 1}` }],
    [body, { ...headers, "webhook-signature": headers["webhook-signature"].replace(/v1,/g, "v2,") }],
  ];
  for (const [changed, with_] of changes) {
    assert.throws(() => new Webhook(NEW).verify(changed, with_), WebhookVerificationError);
  }
});

test("the library for Python says the same", () => {
  const line = ({ body, headers }, secret) => JSON.stringify({ body: body.toString("base64"), headers, secret });
  const lines = [...told.map((it) => line(it, NEW)), line(told[0], FOREIGN)];
  const script = path.join(import.meta.dirname, "notification.py");
  const options = { input: lines.join("\n"), encoding: "utf8", timeout: PATIENCE_MS };
  const { status, stdout, stderr } = spawnSync(process.env.PYTHON, [script], options);
  assert.equal(status, 0, stderr);
  const ids = told.map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual(stdout.trim().split("\n"), [...ids, "refused"]);
});

test("what failed comes again under its id, and everything once else", () => {
  const ids = told.map(({ headers }) => headers["webhook-id"]);
  const first = ids[0];
  assert.equal(told[0].taken, false);
  assert.ok(ids.indexOf(first, 1) > 0, "it came again");
  const taken = bodies().map(({ id }) => id);
  assert.equal(new Set(taken).size, taken.length);
  for (const { body, headers } of told) {
    assert.equal(JSON.parse(body).id, headers["webhook-id"]);
  }
});

test("the access that was told is what the server answers", async () => {
  const response = await fetch(`${origin}/access/ada`, { headers: { authorization: `Bearer ${API_KEY}` } });
  const { as_of, ...access } = await response.json();
  assert.ok(as_of && access.granted);
  const last = bodies().findLast(({ data }) => data.revision === access.revision);
  const { as_of: then, ...as_told } = last.data.access;
  assert.ok(then);
  assert.deepEqual(as_told, access);
  for (const { data } of bodies()) {
    assert.equal(data.user_id, "ada");
    assert.equal(data.revision, data.access.revision);
  }
});

test("a test can be sent by hand", async () => {
  const said = await run(["notify", "test"]);
  assert.match(said, /^app took it: 204 from http:\/\/127\.0\.0\.1:\d+\/hooks\/tollgate\.\n$/);
  assert.equal(types().at(-1), "tollgate.test");
});
