// Stripe's library against the sandbox: who buys and what is sold. Customers, products, prices,
// coupons, promotion codes, features, cards and tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ids, monthly, payer, refused } from "./fixtures.js";
import { startSandbox } from "./sandbox.js";

const sandbox = startSandbox();
const NUMBER = { number: "4242424242424242", exp_month: 12, exp_year: 2034, cvc: "123" };
const ADDRESS = { line1: "1 Main St", line2: null, city: "Town", country: "US", postal_code: "12345", state: "CA" };

describe("customers", () => {
  test("are created with all that is known of them", async () => {
    const { address, ...rest } = { address: ADDRESS, name: "Ada", phone: "+15550100" };
    const customer = await sandbox.stripe.customers.create({
      ...rest,
      address: { ...address, line2: "" },
      description: "first",
      email: "ada@example.com",
      metadata: { user: "7" },
      preferred_locales: ["de", "en"],
      shipping: { name: "Ada", address: { line1: "2 Main St" } },
      tax_exempt: "none",
    });
    assert.match(customer.id, /^cus_/);
    assert.deepEqual([customer.name, customer.email, customer.balance], ["Ada", "ada@example.com", 0]);
    assert.deepEqual([customer.preferred_locales, customer.metadata], [["de", "en"], { user: "7" }]);
    assert.deepEqual([customer.address.city, customer.shipping.address.line1], ["Town", "2 Main St"]);
    assert.deepEqual(await sandbox.stripe.customers.retrieve(customer.id), customer);
  });

  test("keep, change and lose metadata and fields", async () => {
    const { id } = await sandbox.stripe.customers.create({ name: "Ada", metadata: { a: "1", b: "2" } });
    const merged = await sandbox.stripe.customers.update(id, { metadata: { b: "", c: "3" }, name: "" });
    assert.deepEqual([merged.metadata, merged.name], [{ a: "1", c: "3" }, null]);
    const emptied = await sandbox.stripe.customers.update(id, { metadata: "" });
    assert.deepEqual(emptied.metadata, {});
  });

  test("are found by e-mail, newest first", async () => {
    const email = "twice@example.com";
    const one = await sandbox.stripe.customers.create({ email });
    const two = await sandbox.stripe.customers.create({ email });
    await sandbox.stripe.customers.create({ email: "other@example.com" });
    assert.deepEqual(ids(await sandbox.stripe.customers.list({ email })), [two.id, one.id]);
  });

  test("come with a source, as old tools make them", async () => {
    const { id: token } = await sandbox.stripe.tokens.create({ card: NUMBER });
    const customer = await sandbox.stripe.customers.create({ source: token, expand: ["sources"] });
    const { default_source: card, sources } = customer;
    assert.match(card, /^card_/);
    assert.deepEqual(sources.data.map((it) => [it.id, it.last4, it.customer]), [[card, "4242", customer.id]]);
    assert.equal((await sandbox.stripe.customers.retrieve(customer.id, { expand: ["default_source"] })).default_source.brand, "Visa");
    assert.deepEqual(ids(await sandbox.stripe.paymentMethods.list({ customer: customer.id })), [card]);
    const { id: price } = await monthly(sandbox.stripe);
    const subscription = await sandbox.stripe.subscriptions.create({ customer: customer.id, items: [{ price }] });
    assert.equal(subscription.status, "active");
    await refused(sandbox.stripe.customers.create({ source: token }), { statusCode: 400, code: "token_already_used" });
    const fails = sandbox.stripe.customers.create({ source: "tok_chargeDeclined" });
    await refused(fails, { statusCode: 402, code: "card_declined" });
    await sandbox.stripe.paymentMethods.detach(card);
    assert.equal((await sandbox.stripe.customers.retrieve(customer.id)).default_source, null);
  });

  test("are gone when deleted, but known", async () => {
    const { id } = await payer(sandbox.stripe);
    const gone = { id, object: "customer", deleted: true };
    assert.deepEqual({ ...(await sandbox.stripe.customers.del(id)) }, gone);
    assert.deepEqual({ ...(await sandbox.stripe.customers.retrieve(id)) }, gone);
    await refused(sandbox.stripe.customers.update(id, { name: "Ada" }), { statusCode: 404, code: "resource_missing" });
    assert.ok(!ids(await sandbox.stripe.customers.list({ limit: 100 })).includes(id));
  });
});

describe("products and prices", () => {
  test("a product comes with its first price", async () => {
    const product = await sandbox.stripe.products.create({
      name: "Pro",
      description: "the best",
      default_price_data: { currency: "eur", unit_amount: 900, recurring: { interval: "year" } },
      marketing_features: [{ name: "fast" }],
      metadata: { tier: "1" },
      url: "https://example.com/pro",
      expand: ["default_price"],
    });
    const { default_price: price } = product;
    assert.deepEqual([price.unit_amount, price.unit_amount_decimal.toString(), price.currency], [900, "900", "eur"]);
    assert.deepEqual([price.product, price.type, price.recurring.interval], [product.id, "recurring", "year"]);
    assert.deepEqual(product.marketing_features, [{ name: "fast" }]);
  });

  test("a product changes, is switched off, and goes when it has no price", async () => {
    const { id } = await sandbox.stripe.products.create({ name: "Free" });
    const changed = await sandbox.stripe.products.update(id, { name: "Freer", active: false });
    assert.deepEqual([changed.name, changed.active], ["Freer", false]);
    assert.ok(ids(await sandbox.stripe.products.list({ active: false })).includes(id));
    assert.equal((await sandbox.stripe.products.del(id)).deleted, true);
    await refused(sandbox.stripe.products.retrieve(id), { statusCode: 404, code: "resource_missing", param: "id" });
  });

  test("a product that has prices cannot go", async () => {
    const { product } = await monthly(sandbox.stripe);
    await refused(sandbox.stripe.products.del(product), { statusCode: 400, type: "StripeInvalidRequestError" });
  });

  test("prices of each kind", async () => {
    const { id: product } = await sandbox.stripe.products.create({ name: "Pro" });
    const cases = [
      [{ unit_amount: 500 }, { type: "one_time", recurring: null, billing_scheme: "per_unit" }],
      [{ unit_amount: 500, recurring: { interval: "month", interval_count: 3 } }, { type: "recurring" }],
      [{ unit_amount_decimal: "12.5" }, { unit_amount: null }],
      [{ unit_amount: 0, recurring: { interval: "week" }, nickname: "nothing" }, { unit_amount: 0, nickname: "nothing" }],
    ];
    for (const [params, wanted] of cases) {
      const price = await sandbox.stripe.prices.create({ currency: "usd", product, ...params });
      const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, price[name]]));
      assert.deepEqual(got, wanted);
      assert.deepEqual(await sandbox.stripe.prices.retrieve(price.id), price);
    }
    assert.equal((await sandbox.stripe.prices.list({ product })).data.length, cases.length);
    assert.equal((await sandbox.stripe.prices.list({ product, type: "one_time" })).data.length, 2);
  });

  test("a lookup key moves to the newer price", async () => {
    const lookup_key = "pro_monthly";
    const old = await monthly(sandbox.stripe, 1000, { lookup_key });
    await refused(monthly(sandbox.stripe, 1200, { lookup_key }), { statusCode: 400, param: "lookup_key" });
    const recent = await monthly(sandbox.stripe, 1200, { lookup_key, transfer_lookup_key: true });
    assert.deepEqual(ids(await sandbox.stripe.prices.list({ lookup_keys: [lookup_key] })), [recent.id]);
    assert.equal((await sandbox.stripe.prices.retrieve(old.id)).lookup_key, null);
    const off = await sandbox.stripe.prices.update(recent.id, { active: false, nickname: "old", metadata: { a: "1" } });
    assert.deepEqual([off.active, off.nickname, off.metadata], [false, "old", { a: "1" }]);
  });
});

describe("coupons and promotion codes", () => {
  test("coupons of each kind", async () => {
    const cases = [
      { percent_off: 12.5, duration: "once" },
      { amount_off: 500, currency: "usd", duration: "forever", name: "Five off" },
      { percent_off: 50, duration: "repeating", duration_in_months: 3, max_redemptions: 2 },
      { percent_off: 10, id: "TEN", redeem_by: sandbox.now + 1_000_000, metadata: { a: "1" } },
    ];
    for (const params of cases) {
      const coupon = await sandbox.stripe.coupons.create(params);
      const got = Object.fromEntries(Object.keys(params).map((name) => [name, coupon[name]]));
      assert.deepEqual(got, params);
      assert.deepEqual([coupon.valid, coupon.times_redeemed], [true, 0]);
      assert.deepEqual(await sandbox.stripe.coupons.retrieve(coupon.id), coupon);
    }
    assert.equal((await sandbox.stripe.coupons.retrieve("TEN")).duration, "once");
    assert.equal((await sandbox.stripe.coupons.update("TEN", { name: "Ten" })).name, "Ten");
    assert.equal((await sandbox.stripe.coupons.list()).data.length, cases.length);
    assert.equal((await sandbox.stripe.coupons.del("TEN")).deleted, true);
    await refused(sandbox.stripe.coupons.retrieve("TEN"), { statusCode: 404, code: "resource_missing" });
  });

  test("a coupon for some products only", async () => {
    const { product } = await monthly(sandbox.stripe);
    const coupon = await sandbox.stripe.coupons.create({ percent_off: 10, applies_to: { products: [product] }, expand: ["applies_to"] });
    assert.deepEqual(coupon.applies_to, { products: [product] });
  });

  test("coupons that are none are refused", async () => {
    const cases = [{}, { percent_off: 101 }, { amount_off: 100 }, { percent_off: 10, duration: "repeating" }];
    for (const params of cases) {
      await refused(sandbox.stripe.coupons.create(params), { statusCode: 400, type: "StripeInvalidRequestError" });
    }
  });

  test("promotion codes", async () => {
    const coupon = await sandbox.stripe.coupons.create({ percent_off: 25 });
    const promotion = { type: "coupon", coupon: coupon.id };
    const restrictions = { first_time_transaction: true, minimum_amount: 500, minimum_amount_currency: "usd" };
    const made = await sandbox.stripe.promotionCodes.create({ promotion, code: "SPRING", max_redemptions: 5, restrictions });
    assert.deepEqual([made.code, made.promotion, made.active], ["SPRING", promotion, true]);
    assert.equal(made.restrictions.minimum_amount, 500);
    const { code } = await sandbox.stripe.promotionCodes.create({ promotion });
    assert.match(code, /^[A-Z0-9]{8}$/);
    assert.deepEqual(ids(await sandbox.stripe.promotionCodes.list({ code: "SPRING" })), [made.id]);
    const expanded = await sandbox.stripe.promotionCodes.retrieve(made.id, { expand: ["promotion.coupon"] });
    assert.equal(expanded.promotion.coupon.percent_off, 25);
    await refused(sandbox.stripe.promotionCodes.create({ promotion, code: "spring" }), { statusCode: 400 });
    assert.equal((await sandbox.stripe.promotionCodes.update(made.id, { active: false })).active, false);
    assert.deepEqual((await sandbox.stripe.promotionCodes.list({ active: false, coupon: coupon.id })).data.length, 1);
  });
});

describe("features", () => {
  test("belong to products", async () => {
    const { features } = sandbox.stripe.entitlements;
    const feature = await features.create({ name: "Export", lookup_key: "export", metadata: { a: "1" } });
    assert.deepEqual(await features.retrieve(feature.id), feature);
    await refused(features.create({ name: "Again", lookup_key: "export" }), { statusCode: 400 });
    assert.equal((await features.update(feature.id, { name: "Exports" })).name, "Exports");
    assert.deepEqual(ids(await features.list({ lookup_key: "export" })), [feature.id]);

    const { id: product } = await sandbox.stripe.products.create({ name: "Pro" });
    const given = await sandbox.stripe.products.createFeature(product, { entitlement_feature: feature.id });
    assert.equal(given.entitlement_feature.lookup_key, "export");
    assert.deepEqual(ids(await sandbox.stripe.products.listFeatures(product)), [given.id]);
    assert.deepEqual(await sandbox.stripe.products.retrieveFeature(product, given.id), given);
    assert.equal((await sandbox.stripe.products.deleteFeature(product, given.id)).deleted, true);
    assert.deepEqual(ids(await sandbox.stripe.products.listFeatures(product)), []);
  });
});

describe("cards", () => {
  test("a token is used once", async () => {
    const token = await sandbox.stripe.tokens.create({ card: NUMBER });
    assert.deepEqual([token.type, token.used, token.card.last4], ["card", false, "4242"]);
    const method = await sandbox.stripe.paymentMethods.create({ type: "card", card: { token: token.id } });
    assert.deepEqual([method.card.brand, method.card.exp_year, method.customer], ["visa", 2034, null]);
    assert.equal((await sandbox.stripe.tokens.retrieve(token.id)).used, true);
    await refused(sandbox.stripe.paymentMethods.create({ type: "card", card: { token: token.id } }), { statusCode: 400, code: "token_already_used" });
  });

  test("each test card is of its brand", async () => {
    const brands = {
      4242424242424242: "visa",
      5555555555554444: "mastercard",
      378282246310005: "amex",
      6011111111111117: "discover",
    };
    for (const [number, brand] of Object.entries(brands)) {
      const { card } = await sandbox.stripe.paymentMethods.create({ type: "card", card: { ...NUMBER, number } });
      assert.deepEqual([card.brand, card.last4], [brand, number.slice(-4)]);
    }
  });

  test("a card that is none is refused", async () => {
    const cases = [
      [{ number: "4242424242424241" }, "incorrect_number"],
      [{ exp_year: 2001 }, "invalid_expiry_year"],
      [{ exp_month: 13 }, "invalid_expiry_month"],
      [{ cvc: "1" }, "invalid_cvc"],
    ];
    for (const [wrong, code] of cases) {
      const card = { ...NUMBER, ...wrong };
      await refused(sandbox.stripe.paymentMethods.create({ type: "card", card }), { statusCode: 402, type: "StripeCardError", code });
    }
  });

  test("a card is attached, listed, changed and detached", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const method = await sandbox.stripe.paymentMethods.attach("pm_card_mastercard", { customer });
    assert.match(method.id, /^pm_(?!card_)/);
    assert.equal(method.customer, customer);
    for (const list of [
      sandbox.stripe.paymentMethods.list({ customer, type: "card" }),
      sandbox.stripe.customers.listPaymentMethods(customer),
    ]) {
      assert.deepEqual(ids(await list), [method.id]);
    }
    const changed = await sandbox.stripe.paymentMethods.update(method.id, { billing_details: { name: "Ada" }, metadata: { a: "1" } });
    assert.deepEqual([changed.billing_details.name, changed.metadata], ["Ada", { a: "1" }]);
    assert.deepEqual(await sandbox.stripe.customers.retrievePaymentMethod(customer, method.id), changed);
    assert.equal((await sandbox.stripe.paymentMethods.detach(method.id)).customer, null);
    assert.deepEqual(ids(await sandbox.stripe.paymentMethods.list({ customer })), []);
    await refused(sandbox.stripe.paymentMethods.attach(method.id, { customer }), { statusCode: 400, type: "StripeInvalidRequestError" });
  });

  test("a card that its bank refuses is not attached", async () => {
    const { id: customer } = await sandbox.stripe.customers.create();
    const attached = sandbox.stripe.paymentMethods.attach("pm_card_chargeDeclined", { customer });
    await refused(attached, { statusCode: 402, type: "StripeCardError", code: "card_declined", decline_code: "generic_decline" });
  });

  test("the default card is the customer's own, and expands", async () => {
    const { id } = await payer(sandbox.stripe);
    const customer = await sandbox.stripe.customers.retrieve(id, { expand: ["invoice_settings.default_payment_method"] });
    assert.equal(customer.invoice_settings.default_payment_method.card.last4, "4242");
    const foreign = await sandbox.stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
    const wrong = sandbox.stripe.customers.update(id, { invoice_settings: { default_payment_method: foreign.id } });
    await refused(wrong, { statusCode: 400, type: "StripeInvalidRequestError" });
  });
});
