// Tollgate beside the sandbox of a file of tests: set up there as an operator does it, then served,
// and called as an app calls it.

import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { PATIENCE_MS, required, until } from "./sandbox.js";

const APP_KEY = "the-key-of-the-official-tests";

// Starts before the tests of a file, after their sandbox, and ends after them. Node runs what stands
// before all tests at once, so that each waits for what it needs.
export function startTollgate(sandbox, plans) {
  const tollgate = new Tollgate();
  before(() => tollgate.start(sandbox, plans));
  after(() => tollgate.end());
  return tollgate;
}

// A server in a directory of its own, and an app's way to call it.
export class Program {
  #child;
  #directory = mkdtempSync(path.join(tmpdir(), "tollgate-official-"));
  // What all its commands find in theirs.
  environment = { TOLLGATE_API_KEY: APP_KEY };

  write(name, text) {
    writeFileSync(path.join(this.#directory, name), text);
  }

  // Starts the server; gives its process.
  launch(command, stdio) {
    const options = { cwd: this.#directory, env: this.environment, stdio };
    this.#child = spawn(required("TOLLGATE"), command, options);
    return this.#child;
  }

  // A command that ends by itself.
  run(...words) {
    const options = { cwd: this.#directory, env: this.environment, encoding: "utf8", timeout: PATIENCE_MS };
    return spawnSync(required("TOLLGATE"), words, options);
  }

  // One that has to end well, while this process goes on; gives what it prints.
  async read(...words) {
    const options = { cwd: this.#directory, env: this.environment, timeout: PATIENCE_MS };
    return (await promisify(execFile)(required("TOLLGATE"), words, options)).stdout;
  }

  // Calls as the app; every answer but the wanted status fails the test.
  async call(method, where, body, wanted = 200) {
    const headers = { authorization: `Bearer ${APP_KEY}`, "content-type": "application/json" };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const options = { method, headers, signal, redirect: "manual", ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(this.origin + where, options);
    const text = await response.text();
    assert.equal(response.status, wanted, `${method} ${where}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }

  post(where, body, wanted) {
    return this.call("POST", where, body, wanted);
  }

  // Opens a visit to Checkout; gives what the app gets.
  checkout(user_id, wanted) {
    return this.post("/billing/checkout-session", { user_id, ...wanted });
  }

  // Shows what a change comes to, and commits it; gives what was shown.
  async change(user_id, plan, period, when, wanted) {
    const shown = await this.post("/billing/plan-change/preview", { user_id, plan, period, when });
    const { preview } = shown;
    return { shown, done: await this.post("/billing/plan-change", { user_id, preview }, wanted) };
  }

  // Waits until webhooks have made a user's access so.
  access(user, holds) {
    return until(`the access of ${user} is as it should be`, async () => {
      const access = await this.call("GET", `/access/${user}`);
      return holds(access) && access;
    });
  }

  async end() {
    assert.equal(this.#child.exitCode ?? this.#child.signalCode, null, "the server lives to the end");
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    const code = await ended;
    rmSync(this.#directory, { recursive: true });
    assert.equal(code, 0, "the server ends well");
  }
}

class Tollgate extends Program {
  prices = {};

  async start(sandbox, plans) {
    await until("the sandbox runs", () => sandbox.stripe);
    this.write("tollgate.toml", plans);
    this.origin = `http://127.0.0.1:${await freePort()}`;
    Object.assign(this.environment, {
      STRIPE_API_BASE: sandbox.origin,
      STRIPE_SECRET_KEY: "sk_test_of_the_official_tests",
      STRIPE_PUBLISHABLE_KEY: "pk_test_of_the_official_tests",
      TOLLGATE_LISTEN: new URL(this.origin).host,
      TOLLGATE_PUBLIC_URL: this.origin,
      TOLLGATE_ORIGINS: "https://app.example",
    });
    const made = this.run("setup");
    assert.equal(made.status, 0, made.stderr);
    [, this.environment.STRIPE_WEBHOOK_SECRET] = /STRIPE_WEBHOOK_SECRET=(whsec_\w+)/.exec(made.stdout);
    await listening(this.launch(["serve"], ["ignore", "ignore", "pipe"]));
    this.prices = await pricesOf(sandbox.stripe);
  }
}

// Ids by lookup keys.
async function pricesOf(stripe) {
  const { data } = await stripe.prices.list();
  return Object.fromEntries(data.map(({ id, lookup_key }) => [lookup_key, id]));
}

// The webhook's URL is registered before the server listens, so that its port is chosen here.
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listening(child) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the server does not start")), PATIENCE_MS);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (JSON.parse(line).address) {
        clearTimeout(late);
        resolve();
      }
    });
  });
}
