// Stripe's library against the sandbox: money once. Setup intents, payment intents, charges, refunds
// and disputes, with the test cards that decide how each ends.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ids, payer, refused } from "./fixtures.js";
import { startSandbox, until } from "./sandbox.js";

const sandbox = startSandbox();
const NO_REDIRECT = { enabled: true, allow_redirects: "never" };

function paying(payment_method, more = {}) {
  const params = { amount: 2000, currency: "usd", confirm: true, payment_method };
  return sandbox.stripe.paymentIntents.create({ ...params, automatic_payment_methods: NO_REDIRECT, ...more });
}

describe("setup intents", () => {
  const setup = (params) => sandbox.stripe.setupIntents.create({ automatic_payment_methods: NO_REDIRECT, ...params });

  test("keep a card for a customer", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const intent = await setup({ customer, usage: "off_session" });
    assert.deepEqual([intent.status, intent.usage], ["requires_payment_method", "off_session"]);
    assert.match(intent.client_secret, new RegExp(`^${intent.id}_secret_`));
    const done = await sandbox.stripe.setupIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
    assert.equal(done.status, "succeeded");
    assert.deepEqual(ids(await sandbox.stripe.paymentMethods.list({ customer })), [done.payment_method]);
    assert.deepEqual(ids(await sandbox.stripe.setupIntents.list({ customer })), [intent.id]);
    assert.equal((await sandbox.stripe.setupIntents.update(intent.id, { metadata: { a: "1" } })).metadata.a, "1");
  });

  test("ask for what is missing, fail, and are canceled", async () => {
    const asked = await setup({ confirm: true, payment_method: "pm_card_authenticationRequired" });
    assert.equal(asked.status, "requires_action");
    assert.ok(asked.next_action.type);
    await refused(setup({ confirm: true, payment_method: "pm_card_chargeDeclined" }), {
      type: "StripeCardError",
      code: "card_declined",
      decline_code: "generic_decline",
    });
    const { id } = await setup({});
    const canceled = await sandbox.stripe.setupIntents.cancel(id, { cancellation_reason: "abandoned" });
    assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "abandoned"]);
    await refused(sandbox.stripe.setupIntents.confirm(id, { payment_method: "pm_card_visa" }), {
      statusCode: 400,
      code: "setup_intent_unexpected_state",
    });
  });
});

describe("payment intents", () => {
  test("are confirmed in two steps", async () => {
    const { id: customer } = await payer(sandbox.stripe);
    const made = await sandbox.stripe.paymentIntents.create({ amount: 999, currency: "eur", customer, description: "two" });
    assert.deepEqual([made.status, made.amount_received, made.latest_charge], ["requires_payment_method", 0, null]);
    const changed = await sandbox.stripe.paymentIntents.update(made.id, { amount: 1099, metadata: { order: "1" } });
    assert.deepEqual([changed.amount, changed.metadata], [1099, { order: "1" }]);
    const done = await sandbox.stripe.paymentIntents.confirm(made.id, { payment_method: "pm_card_visa", return_url: "https://example.com" });
    assert.deepEqual([done.status, done.amount_received], ["succeeded", 1099]);
    assert.deepEqual(ids(await sandbox.stripe.paymentIntents.list({ customer })), [made.id]);
    await refused(sandbox.stripe.paymentIntents.cancel(made.id), { statusCode: 400, code: "payment_intent_unexpected_state" });
  });

  // The card, the error's code and the bank's reason.
  const DECLINES = [
    ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
    ["pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"],
    ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"],
    ["pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"],
    ["pm_card_chargeCustomerFail", "card_declined", "generic_decline"],
  ];

  for (const [card, code, decline_code] of DECLINES) {
    test(`fail as ${card} does`, async () => {
      await assert.rejects(paying(card), (error) => {
        assert.ok(error instanceof sandbox.stripe.errors.StripeCardError);
        assert.deepEqual([error.statusCode, error.code, error.decline_code], [402, code, decline_code]);
        const { payment_intent: intent } = error;
        assert.deepEqual([intent.status, intent.last_payment_error.code], ["requires_payment_method", code]);
        assert.equal(intent.latest_charge, error.charge);
        return true;
      });
    });
  }

  test("keep the charge that failed, and succeed with another card", async () => {
    const { payment_intent: failed } = await paying("pm_card_visa_chargeDeclined").catch((error) => error);
    const charge = await sandbox.stripe.charges.retrieve(failed.latest_charge);
    assert.deepEqual([charge.status, charge.paid, charge.failure_code], ["failed", false, "card_declined"]);
    const done = await sandbox.stripe.paymentIntents.confirm(failed.id, { payment_method: "pm_card_visa" });
    assert.deepEqual([done.status, done.last_payment_error], ["succeeded", null]);
    assert.equal((await sandbox.stripe.charges.list({ payment_intent: failed.id })).data.length, 2);
  });

  test("wait for authentication", async () => {
    const intent = await paying("pm_card_authenticationRequired");
    assert.deepEqual([intent.status, intent.amount_received], ["requires_action", 0]);
    assert.ok(intent.next_action.type);
    const { id: customer } = await payer(sandbox.stripe);
    const away = paying("pm_card_authenticationRequired", { customer, off_session: true });
    await refused(away, { type: "StripeCardError", code: "authentication_required", statusCode: 402 });
  });

  test("capture later, all or a part", async () => {
    for (const [amount_to_capture, received] of [[undefined, 2000], [1500, 1500]]) {
      const held = await paying("pm_card_visa", { capture_method: "manual" });
      assert.deepEqual([held.status, held.amount_capturable, held.amount_received], ["requires_capture", 2000, 0]);
      const done = await sandbox.stripe.paymentIntents.capture(held.id, amount_to_capture ? { amount_to_capture } : {});
      assert.deepEqual([done.status, done.amount_capturable, done.amount_received], ["succeeded", 0, received]);
    }
    const held = await paying("pm_card_visa", { capture_method: "manual" });
    await refused(sandbox.stripe.paymentIntents.capture(held.id, { amount_to_capture: 2001 }), { statusCode: 400 });
    const canceled = await sandbox.stripe.paymentIntents.cancel(held.id, { cancellation_reason: "requested_by_customer" });
    assert.deepEqual([canceled.status, canceled.cancellation_reason], ["canceled", "requested_by_customer"]);
  });

  test("keep the card for later", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const { payment_method } = await paying("pm_card_visa", { customer, setup_future_usage: "off_session" });
    assert.deepEqual(ids(await sandbox.stripe.paymentMethods.list({ customer })), [payment_method]);
    const again = await paying(payment_method, { customer, off_session: true });
    assert.equal(again.status, "succeeded");
  });

  test("refuse what cannot be", async () => {
    const { paymentIntents } = sandbox.stripe;
    const cases = [
      [{ currency: "usd" }, { code: "parameter_missing", param: "amount" }],
      [{ amount: 10, currency: "usd" }, { code: "amount_too_small" }],
      [{ amount: 2000, currency: "moon" }, { param: "currency" }],
      [{ amount: -1, currency: "usd" }, { code: "parameter_invalid_integer", param: "amount" }],
      [{ amount: 2000, currency: "usd", payment_method_types: ["card"] }, { code: "payment_method_types_no_longer_supported" }],
      [{ amount: 2000, currency: "usd", customer: "cus_nobody" }, { code: "resource_missing", param: "customer" }],
    ];
    for (const [params, wanted] of cases) {
      await refused(paymentIntents.create(params), { statusCode: 400, type: "StripeInvalidRequestError", ...wanted });
    }
  });
});

describe("charges", () => {
  test("have all that a receipt needs", async () => {
    const { latest_charge } = await paying("pm_card_visa", { receipt_email: "ada@example.com", statement_descriptor_suffix: "PRO" });
    const charge = await sandbox.stripe.charges.retrieve(latest_charge, { expand: ["balance_transaction", "payment_intent"] });
    assert.deepEqual([charge.status, charge.paid, charge.captured, charge.refunded], ["succeeded", true, true, false]);
    assert.deepEqual([charge.amount, charge.payment_method_details.card.last4], [2000, "4242"]);
    const { amount, fee, net } = charge.balance_transaction;
    assert.deepEqual([amount, net], [2000, amount - fee]);
    assert.equal(charge.payment_intent.status, "succeeded");
    const changed = await sandbox.stripe.charges.update(latest_charge, { description: "a book", metadata: { a: "1" } });
    assert.deepEqual([changed.description, changed.metadata], ["a book", { a: "1" }]);
  });
});

describe("refunds", () => {
  test("give back in parts, and never more than was paid", async () => {
    const { id: payment_intent, latest_charge } = await paying("pm_card_visa");
    const part = await sandbox.stripe.refunds.create({ payment_intent, amount: 500, reason: "requested_by_customer" });
    assert.deepEqual([part.status, part.amount, part.charge], ["succeeded", 500, latest_charge]);
    const half = await sandbox.stripe.charges.retrieve(latest_charge);
    assert.deepEqual([half.amount_refunded, half.refunded], [500, false]);
    await refused(sandbox.stripe.refunds.create({ payment_intent, amount: 1501 }), { statusCode: 400 });
    const rest = await sandbox.stripe.refunds.create({ charge: latest_charge });
    assert.equal(rest.amount, 1500);
    assert.equal((await sandbox.stripe.charges.retrieve(latest_charge)).refunded, true);
    await refused(sandbox.stripe.refunds.create({ payment_intent }), { statusCode: 400, code: "charge_already_refunded" });
    assert.deepEqual(ids(await sandbox.stripe.refunds.list({ payment_intent })), [rest.id, part.id]);
    const noted = await sandbox.stripe.refunds.update(part.id, { metadata: { order: "1" } });
    assert.deepEqual(await sandbox.stripe.refunds.retrieve(part.id), noted);
  });
});

describe("disputes", () => {
  const disputed = async (card = "pm_card_createDispute") => {
    const { id: payment_intent } = await paying(card);
    return until("there is a dispute", async () => (await sandbox.stripe.disputes.list({ payment_intent })).data[0]);
  };

  test("take the money, and ask for evidence", async () => {
    const dispute = await disputed();
    assert.deepEqual([dispute.status, dispute.amount, dispute.reason], ["needs_response", 2000, "fraudulent"]);
    assert.ok(dispute.evidence_details.due_by > sandbox.now);
    assert.equal((await sandbox.stripe.charges.retrieve(dispute.charge)).disputed, true);
    assert.ok(dispute.balance_transactions.some(({ amount }) => amount === -2000));
  });

  // What the evidence says decides in the sandbox how the bank decides.
  for (const [evidence, outcome] of [["winning_evidence", "won"], ["losing_evidence", "lost"]]) {
    test(`with ${evidence} are ${outcome}`, async () => {
      const { id } = await disputed();
      const kept = await sandbox.stripe.disputes.update(id, { evidence: { uncategorized_text: "wait" }, submit: false });
      assert.deepEqual([kept.status, kept.evidence.uncategorized_text], ["needs_response", "wait"]);
      await sandbox.stripe.disputes.update(id, { evidence: { uncategorized_text: evidence }, submit: true });
      const decided = await until("it is decided", async () => {
        const dispute = await sandbox.stripe.disputes.retrieve(id);
        return dispute.status === outcome && dispute;
      });
      assert.equal(decided.evidence_details.has_evidence, true);
      assert.equal(decided.evidence_details.submission_count, 1);
    });
  }

  test("are lost when closed", async () => {
    const { id } = await disputed();
    assert.equal((await sandbox.stripe.disputes.close(id)).status, "lost");
    await refused(sandbox.stripe.disputes.close(id), { statusCode: 400, type: "StripeInvalidRequestError" });
  });

  test("that only inquire take nothing", async () => {
    const dispute = await disputed("pm_card_createDisputeInquiry");
    assert.deepEqual([dispute.status, dispute.balance_transactions], ["warning_needs_response", []]);
    assert.equal((await sandbox.stripe.disputes.close(dispute.id)).status, "warning_closed");
  });
});
