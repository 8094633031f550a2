// The customer portal: what it shows is what happens.

import assert from "node:assert/strict";
import { Account } from "./account.js";
import { startApp } from "./app.js";
import { flow, open, portray, press, seen } from "./browser.js";
import { startSandbox } from "./programs.js";

const DAY = 86_400;
const program = await startSandbox();
const app = await startApp(program);
const account = new Account(program, app);
await account.stock();

const subscriptionOf = ({ subscription }) => account.get(`subscriptions/${subscription.id}`);

async function enter(page, customer) {
  await open(page, (await customer.open()).url);
}

// "Due now €17.00" as minor units.
async function dueNow(page) {
  const text = await (await seen(page, ".total", "Due now")).innerText();
  const [, units, cents] = /€([\d,]+)\.(\d\d)$/.exec(text);
  return Number(units.replaceAll(",", "") + cents);
}

flow("its home shows plan, card and invoices, and leads back", async (page) => {
  await enter(page, await account.portal());
  await seen(page, ".ticket", /Renews on .* for €12\.00 with Visa/);
  await seen(page, "main", "•••• 4242");
  await seen(page, "[aria-labelledby=invoices] li", "€12.00");
  await portray(page, "portal home");
  await press(page, "a.back");
  await page.waitForURL(`${app.origin}/account`);
});

flow("the prorated amount that is shown is the amount that is billed", async (page) => {
  const customer = await account.portal();
  await account.advance({ seconds: 10 * DAY });
  await enter(page, customer);
  await press(page, "a.button", "Change plan");
  await seen(page, "main", "Choose another plan");
  await press(page, ".choice", "€29.00");
  const shown = await dueNow(page);
  // Two thirds of what both cost: 19.33 less 8.00.
  assert.equal(shown, 1_133);
  await portray(page, "portal change plan");
  await press(page, "button.big", /^Pay €.* and change$/);
  await seen(page, ".notice", "changed");
  await seen(page, ".ticket", "Team");
  const [invoice] = (await account.get(`invoices?customer=${customer.customer}&limit=1`)).data;
  assert.deepEqual([invoice.billing_reason, invoice.status, invoice.amount_paid], ["subscription_update", "paid", shown]);
  const [item] = (await subscriptionOf(customer)).items.data;
  assert.equal(item.price.id, account.team.month);
  await portray(page, "portal changed");
});

flow("the price of a choice follows the choice", async (page) => {
  await enter(page, await account.portal());
  await press(page, "a.button", "Change plan");
  await press(page, ".choice", "€290.00");
  await seen(page, "button.big", /Pay €27[78]\.\d\d/);
  await press(page, ".choice", "€29.00");
  await seen(page, "button.big", /Pay €(17\.00|16\.99)/);
  await press(page, ".choice", "your plan");
  await seen(page, "main", "Choose another plan");
  assert.equal(await page.locator("button.big").isVisible(), false);
});

flow("a plan is cancelled at the end of its period, and not cancelled after all", async (page) => {
  const customer = await account.portal();
  await enter(page, customer);
  await press(page, "a.button", "Cancel plan");
  await seen(page, "main", /You keep Pro until/);
  await portray(page, "portal cancel");
  await press(page, ".choice", "I don't use it");
  await press(page, "button.grave", "Cancel plan");
  await seen(page, ".notice", /Pro ends on/);
  const cancelled = await subscriptionOf(customer);
  assert.deepEqual([cancelled.status, cancelled.cancel_at_period_end, cancelled.cancellation_details.feedback], ["active", false, "unused"]);
  assert.equal(cancelled.cancel_at, cancelled.items.data[0].current_period_end);
  await portray(page, "portal cancelled");
  await press(page, "button", "Don't cancel");
  await seen(page, ".notice", "goes on");
  assert.equal((await subscriptionOf(customer)).cancel_at, null);
});

flow("a card is added and becomes the default, and the first one again", async (page) => {
  const { customer, open: session } = await account.portal();
  const defaults = async () => (await account.get(`customers/${customer}`)).invoice_settings.default_payment_method;
  const before = await defaults();
  await open(page, (await session()).url);
  await press(page, "[aria-labelledby=methods] a", "Add");
  await press(page, ".tests button", "Fails later");
  await portray(page, "portal add card");
  await press(page, "button.big", "Save payment method");
  await seen(page, ".notice", "saved");
  await seen(page, "[aria-labelledby=methods] li", /0341[^]*Default/);
  assert.notEqual(await defaults(), before);
  await press(page, "button", "Make default");
  await seen(page, ".notice", /4242 pays from now on/);
  assert.equal(await defaults(), before);
  await press(page, "button", "Remove");
  await seen(page, ".notice", /0341 is removed/);
});

flow("billing information is edited", async (page) => {
  const { customer, open: session } = await account.portal();
  await open(page, (await session()).url);
  await press(page, "[aria-labelledby=details] a", "Edit");
  await page.fill("#name", "Grace Hopper");
  await portray(page, "portal details");
  await press(page, "button.big", "Save");
  await seen(page, "[aria-labelledby=details]", "Grace Hopper");
  assert.equal((await account.get(`customers/${customer}`)).name, "Grace Hopper");
});

flow("a deep link confirms one change and redirects", async (page) => {
  const customer = await account.portal((subscription) => ({
    flow_data: {
      type: "subscription_update_confirm",
      subscription_update_confirm: { subscription: subscription.id, items: [{ id: subscription.items.data[0].id, price: account.team.month, quantity: 1 }] },
      after_completion: { type: "redirect", redirect: { return_url: `${app.origin}/thanks` } },
    },
  }));
  await enter(page, customer);
  await seen(page, "h1", "Change to Team?");
  await portray(page, "portal deep link");
  await press(page, "button.big", /Pay €/);
  await page.waitForURL(`${app.origin}/thanks`);
  assert.equal((await subscriptionOf(customer)).items.data[0].price.id, account.team.month);
});

flow("a deep link cancels after an offer, and says goodbye", async (page) => {
  const customer = await account.portal((subscription) => ({
    flow_data: {
      type: "subscription_cancel",
      subscription_cancel: { subscription: subscription.id, retention: { type: "coupon_offer", coupon_offer: { coupon: account.coupon.id } } },
      after_completion: { type: "hosted_confirmation", hosted_confirmation: { custom_message: "See you soon." } },
    },
  }));
  await enter(page, customer);
  await seen(page, ".notice", "Before you go");
  await portray(page, "portal offer");
  await press(page, "button.grave");
  await seen(page, "main", "See you soon.");
  const { cancel_at, cancel_at_period_end, items } = await subscriptionOf(customer);
  assert.deepEqual([cancel_at, cancel_at_period_end], [items.data[0].current_period_end, false]);
});
