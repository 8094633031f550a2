// What most tests of billing start from: something that is sold, someone who pays, a clock, and a
// way to pay at the hosted checkout.

import assert from "node:assert/strict";

export const DAY = 86_400;
// 2027-04-01: April has thirty days, so half of it is a whole number of days.
export const APRIL = Date.UTC(2027, 3, 1) / 1000;
export const MAY = Date.UTC(2027, 4, 1) / 1000;
export const JUNE = Date.UTC(2027, 5, 1) / 1000;
export const JULY = Date.UTC(2027, 6, 1) / 1000;

export function monthly(stripe, unit_amount = 1000, more = {}) {
  const recurring = { interval: "month" };
  return stripe.prices.create({ currency: "usd", unit_amount, recurring, product_data: { name: "Pro" }, ...more });
}

export function oneTime(stripe, unit_amount = 1500) {
  return stripe.prices.create({ currency: "usd", unit_amount, product_data: { name: "Book" } });
}

// A customer whose default card is the given one.
export async function payer(stripe, card = "pm_card_visa", more = {}) {
  const customer = await stripe.customers.create({ email: "ada@example.com", ...more });
  const { id } = await stripe.paymentMethods.attach(card, { customer: customer.id });
  return stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: id } });
}

export async function clock(stripe, frozen_time = APRIL) {
  return stripe.testHelpers.testClocks.create({ frozen_time, name: "of a test" });
}

// A subscriber on a clock of their own: `{clock, customer, price, subscription}`.
export async function subscriber(stripe, { amount = 1000, card, frozen_time = APRIL, price, ...more } = {}) {
  const { id: test_clock } = await clock(stripe, frozen_time);
  const customer = await payer(stripe, card, { test_clock });
  price ??= await monthly(stripe, amount);
  const items = [{ price: price.id }];
  const subscription = await stripe.subscriptions.create({ customer: customer.id, items, ...more });
  return { clock: test_clock, customer, price, subscription };
}

// The page behind the hosted checkout pays with a card, as a browser would.
export async function payAtCheckout(stripe, session, token = "tok_visa") {
  const details = { email: "ada@example.com", name: "Ada" };
  const method = await stripe.paymentMethods.create({ type: "card", card: { token }, billing_details: details });
  const page = `/v1/payment_pages/${session.id}`;
  await stripe.rawRequest("GET", page);
  const expected = session.amount_total === null ? {} : { expected_amount: session.amount_total };
  return stripe.rawRequest("POST", `${page}/confirm`, { payment_method: method.id, ...expected });
}

// Asserts that a call is refused with these fields of the error, and gives the error.
export async function refused(call, wanted) {
  const error = await call.then(() => assert.fail("it is not refused"), (refusal) => refusal);
  const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, error[name]]));
  assert.deepEqual(got, wanted, error.message);
  assert.ok(error.message.length > 0);
  return error;
}

export function ids({ data }) {
  return data.map(({ id }) => id);
}
