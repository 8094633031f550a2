// A sandbox for a file of tests, and Stripe's library as its client. Every answer that the client
// reads is held against the schemas on its way in, and the test that got a wrong one fails.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, afterEach, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import Stripe from "stripe";
import Stripe14 from "stripe-14";
import { CURRENT_VERSION, faultsOfAnswer } from "./schema.js";

export const KEY = "sk_test_of_the_official_tests";
export const PATIENCE_MS = 60_000;

const POLL_MS = 20;

// Starts before the tests of a file and ends after them. `stripe` and `old` are there in tests.
export function startSandbox({ seed = 1 } = {}) {
  const sandbox = new Sandbox();
  before(() => sandbox.start(seed));
  afterEach(() => sandbox.answersWereSound());
  after(() => sandbox.end());
  return sandbox;
}

class Sandbox {
  #child;
  #faults = [];

  async start(seed) {
    // The real time: a signature carries it, and what verifies one refuses an old one.
    const now = Math.floor(Date.now() / 1000);
    const options = ["--listen", "127.0.0.1:0", "--seed", `${seed}`, "--now", `${now}`];
    this.now = now;
    this.#child = spawn(required("TOLLGATE"), ["sandbox", ...options], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
    this.origin = await ready(this.#child);
    this.stripe = this.client();
    this.old = new Stripe14(KEY, this.#reach());
  }

  // Stripe's library, watched. It gives up at once, so that a test sees the first answer.
  client({ key = KEY, ...options } = {}) {
    const httpClient = watched(Stripe.createNodeHttpClient(), (found) => this.#faults.push(...found));
    return new Stripe(key, { ...this.#reach(), httpClient, apiVersion: CURRENT_VERSION, ...options });
  }

  #reach() {
    const { hostname: host, port } = new URL(this.origin);
    return { host, port, protocol: "http", maxNetworkRetries: 0, telemetry: false };
  }

  // Moves the clock of everything that has no clock of its own.
  async advance(to) {
    const body = new URLSearchParams(to);
    const response = await fetch(`${this.origin}/_sandbox/advance`, { method: "POST", body });
    assert.equal(response.status, 200, await response.text());
  }

  async switchFaults(faults) {
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, body: JSON.stringify(faults) };
    const response = await fetch(`${this.origin}/_sandbox/faults`, options);
    assert.equal(response.status, 200, await response.text());
  }

  // Moves a test clock and waits until all that had to happen has happened.
  async advanceClock(id, frozen_time) {
    const clocks = this.stripe.testHelpers.testClocks;
    await clocks.advance(id, { frozen_time });
    return until(`the clock ${id} is ready`, async () => {
      const clock = await clocks.retrieve(id);
      return clock.status === "ready" && clock;
    });
  }

  answersWereSound() {
    const found = [...new Set(this.#faults.splice(0))];
    // A test that has failed already would hide them.
    found.forEach((fault) => console.error(fault));
    assert.deepEqual(found, [], "answers that have not Stripe's shape");
  }

  // For what arrives by another way than the library.
  note(found) {
    this.#faults.push(...found);
  }

  async end() {
    assert.equal(this.#child.exitCode ?? this.#child.signalCode, null, "the sandbox lives to the end");
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    assert.equal(await ended, 0, "the sandbox ends well");
  }
}

export function required(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run ./test official`);
  return value;
}

// Asks again until the answer is not falsy, and gives it.
export async function until(what, ask) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    assert.ok(Date.now() < deadline, `waited too long until ${what}`);
    await pause(POLL_MS);
  }
}

function ready(child) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("the sandbox does not start")), PATIENCE_MS);
    child.once("exit", (code) => reject(new Error(`the sandbox ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, origin] = /^sandbox ready at (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
      if (origin) {
        clearTimeout(late);
        resolve(origin);
      }
    });
  });
}

// Between the library and the network, so that no answer escapes.
function watched(inner, tell) {
  const makeRequest = async (host, port, path, method, headers, ...rest) => {
    const response = await inner.makeRequest(host, port, path, method, headers, ...rest);
    const toJSON = response.toJSON.bind(response);
    response.toJSON = async () => {
      const body = await toJSON();
      tell([...faultsOfAnswer(body, method, path), ...faultsOfHeaders(response, method, path, headers)]);
      return body;
    };
    return response;
  };
  return { getClientName: () => inner.getClientName(), makeRequest };
}

function faultsOfHeaders(response, method, path, asked) {
  const headers = response.getHeaders();
  const version = Object.entries(asked).find(([name]) => name.toLowerCase() === "stripe-version")?.[1];
  const wanted = [
    [/^req_/.test(headers["request-id"]), "no Request-Id"],
    [/^application\/json/.test(headers["content-type"]), `Content-Type ${headers["content-type"]}`],
    [headers["stripe-version"] === version, `Stripe-Version ${headers["stripe-version"]} for ${version}`],
  ];
  return wanted.filter(([holds]) => !holds).map(([, fault]) => `${method} ${path}: ${fault}`);
}
