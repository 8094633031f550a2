// A server of ours that takes webhooks: it keeps each delivery as it came and verifies it with
// Stripe's library when it is read.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import Stripe from "stripe";
import { PATIENCE_MS } from "./sandbox.js";
import { faultsOfObject } from "./schema.js";

const LIBRARY = new Stripe("sk_test_none");

export async function receiver({ answers = () => 200 } = {}) {
  const taker = new Receiver(answers);
  await taker.listen();
  return taker;
}

class Receiver {
  deliveries = [];
  #server;
  #waiting = new Set();

  constructor(answers) {
    this.#server = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      const delivery = { body, header: request.headers["stripe-signature"], headers: request.headers, path: request.url };
      response.statusCode = answers(delivery);
      response.end();
      this.deliveries.push(delivery);
      this.#waiting.forEach((look) => look());
    });
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    // A test that fails leaves it open: the file ends all the same.
    this.#server.unref();
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
    this.url = `${this.origin}/hook`;
  }

  // Registers itself with a sandbox.
  async register(stripe, params = {}) {
    const endpoint = await stripe.webhookEndpoints.create({ url: this.url, enabled_events: ["*"], ...params });
    this.id = endpoint.id;
    this.secret = endpoint.secret;
    return this;
  }

  // What has come, verified, in order. A forged or torn delivery fails here.
  events(secret = this.secret) {
    return this.deliveries.map((it) => verified(it, secret));
  }

  ids() {
    return this.deliveries.map(({ body }) => JSON.parse(body).id);
  }

  // Waits until every one of these events has come at least once.
  async has(ids) {
    await this.until(`has ${ids.length} events`, () => {
      const come = new Set(this.ids());
      return ids.every((id) => come.has(id));
    });
  }

  until(what, holds) {
    return new Promise((resolve, reject) => {
      const done = (settle) => (value) => {
        clearTimeout(late);
        this.#waiting.delete(look);
        settle(value);
      };
      const come = () => this.deliveries.map(({ body }) => JSON.parse(body).type).join();
      const late = setTimeout(() => done(reject)(new Error(`waited too long until it ${what}; came: ${come()}`)), PATIENCE_MS);
      const look = () => holds(this) && done(resolve)();
      this.#waiting.add(look);
      look();
    });
  }

  forget() {
    this.deliveries = [];
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function verified({ body, header, headers }, secret) {
  assert.equal(headers["content-type"], "application/json; charset=utf-8");
  assert.match(headers["user-agent"], /^Stripe\/1\.0 /);
  return LIBRARY.webhooks.constructEvent(body, header, secret);
}

export function faultsOfDelivery({ body }) {
  return faultsOfObject(JSON.parse(body), "a delivery");
}
