// `tollgate dev`, whose server lives in its sandbox's time: years pass in a test.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { after } from "node:test";
import Stripe from "stripe";
import { payAtCheckout } from "./fixtures.js";
import { KEY, PATIENCE_MS, until } from "./sandbox.js";
import { Program } from "./tollgate.js";

const READY = /running\.\s+(http:\/\/127\.0\.0\.1:\d+)\/\n[^]*?(http:\/\/127\.0\.0\.1:\d+)\/shop\n/;

// Starts with these variables and ends after the tests of a file.
export async function startDev(environment, settings = "") {
  const dev = new Dev();
  await dev.start(environment, settings);
  after(() => dev.end());
  return dev;
}

class Dev extends Program {
  async start(environment, settings) {
    this.write("tollgate.toml", settings);
    Object.assign(this.environment, { TOLLGATE_LISTEN: "127.0.0.1:0", DATABASE_URL: "sqlite://tollgate-dev.db" }, environment);
    const child = this.launch(["dev", "--sandbox-listen", "127.0.0.1:0"], ["ignore", "pipe", "inherit"]);
    [, this.origin, this.sandbox] = await told(child);
    const { hostname: host, port } = new URL(this.sandbox);
    this.stripe = new Stripe(KEY, { host, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
  }

  // Somebody buys, under the name and in the language that Stripe knows of them; gives their customer.
  async buys(user, { email, name, preferred_locales = [], plan = "pro", period = "monthly" }) {
    const { id } = await this.checkout(user, { email, plan, period });
    const session = await this.stripe.checkout.sessions.retrieve(id);
    await this.stripe.customers.update(session.customer, { name, preferred_locales });
    await payAtCheckout(this.stripe, session);
    return session.customer;
  }

  // Moves time, the server's too.
  advance(to) {
    return this.#tell("advance", to);
  }

  cardsFail(fail) {
    return this.#tell("cards", { fail });
  }

  // The mails of a status, as the operator sees them.
  async outbox(status) {
    const lines = await this.read("outbox", "list", "--to", "mail", "--status", status, "--limit", "1000", "--json");
    return lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  // Waits until every event has come and every mail is on its way for good.
  async quiet() {
    await until("all events have come", async () => {
      const answer = await fetch(`${this.sandbox}/_sandbox/deliveries`);
      return (await answer.json()).open === 0;
    });
    await until("no mail waits", async () => (await this.outbox("pending")).length === 0);
  }

  async #tell(what, form) {
    const response = await fetch(`${this.sandbox}/_sandbox/${what}`, { method: "POST", body: new URLSearchParams(form) });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text);
  }
}

// Reads what the program prints until it is ready.
function told(child) {
  return new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`the program does not get ready:\n${text}`)), PATIENCE_MS);
    child.once("exit", (code) => reject(new Error(`the program ended with ${code}:\n${text}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      text += `${line}\n`;
      const found = READY.exec(text);
      if (found) {
        clearTimeout(late);
        resolve(found);
      }
    });
  });
}
