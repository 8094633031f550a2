// Tollgate's own pages with an offline Stripe behind them: who visits, what was granted, and the
// webhooks, which can be held back.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

export const SECRET = "a-secret-of-at-least-thirty-two-bytes";
const KEY = "dev";
const HOURS = 3_600;
const PATIENCE_MS = 20_000;

// The settings of an operator with a brand.
export const SETTINGS = {
  env: { TOLLGATE_USER_TOKEN_SECRET: SECRET },
  files: {
    "tollgate.toml": `[brand]\nname = "Paper Press"\naccent = "#7a2e8e"\nsupport_email = "help@press.example"\n`,
  },
};

export class Seller {
  constructor(program) {
    this.program = program;
  }

  // The address with which an app sends its user to a page.
  address(path, user) {
    return `${this.program.dev}${path}${path.includes("?") ? "&" : "?"}token=${token(user)}`;
  }

  async name(user) {
    const body = JSON.stringify({ email: `${user}@example.com` });
    return this.#app("PUT", `/users/${user}`, body);
  }

  access(user) {
    return this.#app("GET", `/access/${user}`);
  }

  // From now on nothing that Stripe tells arrives, until `release`.
  hold() {
    return this.stripe("POST", "/_sandbox/faults", { delay: 1000 });
  }

  // Lets everything arrive that was held; gives how many attempts that took.
  async release() {
    await this.stripe("DELETE", "/_sandbox/faults");
    await this.advance({ seconds: 7 * HOURS });
    return this.settled();
  }

  // Waits until nothing is under way.
  async settled() {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const { open, data } = await this.stripe("GET", "/_sandbox/deliveries");
      if (open === 0) return data.length;
      assert.ok(Date.now() < until, `${open} deliveries are still under way`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  advance(how) {
    return this.stripe("POST", "/_sandbox/advance", how);
  }

  // The user's only customer at Stripe, with their newest invoice and subscription.
  async customer(user) {
    const { data } = await this.stripe("GET", "/v1/customers?limit=100");
    const theirs = data.filter((it) => it.metadata.user_id === user);
    assert.equal(theirs.length, 1, `${user} has ${theirs.length} customers`);
    const of = async (what) => (await this.stripe("GET", `/v1/${what}?customer=${theirs[0].id}&limit=1`)).data[0];
    return { id: theirs[0].id, invoice: await of("invoices"), subscription: await of("subscriptions") };
  }

  // From now on this customer pays with another test card.
  async useCard(customer, card) {
    const method = await this.stripe("POST", `/v1/payment_methods/${card}/attach`, { customer: customer.id });
    await this.stripe("POST", `/v1/customers/${customer.id}`, { "invoice_settings[default_payment_method]": method.id });
    await this.stripe("POST", `/v1/subscriptions/${customer.subscription.id}`, { default_payment_method: method.id });
  }

  async stripe(method, path, params) {
    const headers = { authorization: "Bearer sk_test_of_the_browser_tests" };
    const response = await fetch(this.program.sandbox + path, { method, headers, body: params && new URLSearchParams(params) });
    return answered(response, `${method} ${path}`);
  }

  async #app(method, path, body) {
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    return answered(await fetch(this.program.dev + path, { method, headers, body }), `${method} ${path}`);
  }
}

async function answered(response, what) {
  const text = await response.text();
  assert.equal(response.status, 200, `${what}: ${text}`);
  return JSON.parse(text);
}

function token(user) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  // Years, because these tests move the clock.
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: 4_000_000_000 })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

// "$1,234.50" as minor units.
export function cents(text) {
  const [, units, rest] = /\$([\d,]+)\.(\d\d)$/.exec(text.trim());
  return Number(units.replaceAll(",", "") + rest);
}
