// What an app's server does: it stocks the account, and asks the API for sessions.

import assert from "node:assert/strict";

const KEY = "sk_test_of_the_browser_tests";

export class Account {
  constructor(program, app) {
    this.program = program;
    this.app = app;
  }

  // Three plans, a coupon and the promotion code for it.
  async stock() {
    this.pro = await this.#plan("Pro", "For teams that write together", { month: 1200 });
    this.team = await this.#plan("Team", "For everybody", { month: 2900, year: 29000 });
    this.basic = await this.#plan("Basic", "To begin with", { month: 500 });
    this.coupon = await this.post("coupons", { percent_off: 20, duration: "repeating", duration_in_months: 3 });
    await this.post("promotion_codes", { promotion: { type: "coupon", coupon: this.coupon.id }, code: "WELCOME20" });
  }

  async #plan(name, description, amounts) {
    const product = await this.post("products", { name, description });
    const plan = { product: product.id };
    for (const [interval, unit_amount] of Object.entries(amounts)) {
      const price = await this.post("prices", { product: product.id, unit_amount, currency: "eur", recurring: { interval } });
      plan[interval] = price.id;
    }
    return plan;
  }

  get success() {
    return { success_url: `${this.app.origin}/ok?session_id={CHECKOUT_SESSION_ID}`, cancel_url: `${this.app.origin}/pricing` };
  }

  checkout(more = {}) {
    return this.post("checkout/sessions", { ...this.success, ...more });
  }

  subscribing(more = {}) {
    return this.checkout({ mode: "subscription", line_items: [{ price: this.pro.month, quantity: 1 }], allow_promotion_codes: true, ...more });
  }

  embedded(more) {
    return this.post("checkout/sessions", { mode: "subscription", ui_mode: "embedded_page", line_items: [{ price: this.pro.month, quantity: 1 }], ...more });
  }

  customer() {
    const method = "pm_card_visa";
    return this.post("customers", { name: "Ada Byron", email: "ada@example.com", payment_method: method, invoice_settings: { default_payment_method: method } });
  }

  // A customer who subscribes to Pro, and a portal session for her.
  async portal(more = () => ({})) {
    const { id: customer } = await this.customer();
    const subscription = await this.post("subscriptions", { customer, items: [{ price: this.pro.month }] });
    const open = () => this.post("billing_portal/sessions", { customer, return_url: `${this.app.origin}/account`, ...more(subscription) });
    return { customer, subscription, open };
  }

  async openInvoice() {
    const { id: customer } = await this.post("customers", { name: "Ada Byron", email: "ada@example.com" });
    await this.post("invoiceitems", { customer, amount: 3000, currency: "eur", description: "Repair of a press" });
    const draft = await this.post("invoices", { customer, collection_method: "send_invoice", days_until_due: 14, pending_invoice_items_behavior: "include" });
    return this.post(`invoices/${draft.id}/finalize`, {});
  }

  advance(how) {
    return this.#ask("POST", "/_sandbox/advance", how);
  }

  get(path) {
    return this.#ask("GET", `/v1/${path}`);
  }

  post(path, params) {
    return this.#ask("POST", `/v1/${path}`, params);
  }

  async #ask(method, path, params) {
    const body = params && new URLSearchParams(pairs(params));
    const headers = { authorization: `Bearer ${KEY}` };
    const response = await fetch(this.program.sandbox + path, { method, headers, body });
    const answer = await response.json();
    assert.equal(response.status, 200, `${method} ${path}: ${answer.error?.message}`);
    return answer;
  }
}

function pairs(params, prefix = "") {
  return Object.entries(params).flatMap(([key, value]) => {
    const name = prefix ? `${prefix}[${key}]` : key;
    return typeof value === "object" ? pairs(value, name) : [[name, String(value)]];
  });
}
