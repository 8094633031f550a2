// The account on pages of ours: upgrades with their preview, downgrades at the period's end, what
// was not paid, cancelling in the portal, and going on.

import assert from "node:assert/strict";
import { flow, open, portray, press, seen } from "./browser.js";
import { startDev } from "./programs.js";
import { cents, Seller, SETTINGS } from "./selling.js";

const DAY = 86_400;
const program = await startDev(SETTINGS);
const seller = new Seller(program);

const offer = (page, title) => page.getByRole("region", { name: title, exact: true });

// Somebody who pays for a plan, looking at their account.
async function subscriber(page, user, title = "Starter") {
  await seller.name(user);
  await open(page, seller.address("/pricing", user));
  await offer(page, title).getByRole("button").first().click();
  await press(page, ".tests button", "Succeeds");
  await press(page, "button.big");
  await seen(page, "h1", "Thank you.");
  await open(page, `${program.dev}/account`);
  await seen(page, "h1", `You are on ${title}.`);
}

// The sandbox's clock moves, and so the session would end: the app sends its user anew.
async function later(page, user, how) {
  await seller.advance(how);
  await seller.settled();
  await open(page, seller.address("/account", user));
}

flow("an account says what there is, and an upgrade charges what it showed", async (page) => {
  await open(page, seller.address("/account", "ada"));
  await seen(page, "h1", "You have no plan yet.");
  await portray(page, "account empty");
  await subscriber(page, "ada");
  await portray(page, "account");
  await later(page, "ada", { seconds: 10 * DAY });
  await press(page, "a.button", "Change plan");
  await seen(offer(page, "Starter"), ".mark", "Your plan");
  await portray(page, "pricing subscriber");
  await offer(page, "Pro").getByRole("link", { name: "Upgrade to Pro" }).click();
  await seen(page, "h1", "Change to Pro?");
  const shown = cents(await page.locator("[data-due]").innerText());
  const lines = await page.locator("tbody td:last-child").allInnerTexts();
  assert.equal(lines.map(signed).reduce((sum, it) => sum + it), shown, "the lines add up");
  await portray(page, "change upgrade");
  await press(page, "button.main", /^Pay \$.* and change$/);
  await seen(page, ".notice", "Done: you are on Pro now.");
  await seen(page, "h1", "You are on Pro.");
  await portray(page, "changed");
  const { invoice } = await seller.customer("ada");
  assert.deepEqual([invoice.billing_reason, invoice.status, invoice.amount_paid], ["subscription_update", "paid", shown]);
  assert.equal((await seller.access("ada")).plan, "pro");
});

const signed = (text) => (text.startsWith("\u2212") ? -cents(text) : cents(text));

flow("a downgrade waits for the period's end, and can be dropped before", async (page) => {
  await subscriber(page, "bea", "Pro");
  await downgrade(page);
  await seen(page, ".pending", /Changes to Starter, Monthly on /);
  await seen(page, ".notice", "at the end of the period");
  await portray(page, "change planned");
  assert.equal((await seller.access("bea")).plan, "pro");
  await press(page, ".pending button", "Drop this change");
  await seen(page, ".notice", "The planned change is dropped.");
  assert.equal(await page.locator(".pending").count(), 0);
  await downgrade(page);
  await later(page, "bea", { months: 1 });
  await later(page, "bea", { seconds: DAY });
  await seen(page, "h1", "You are on Starter.");
  assert.equal((await seller.access("bea")).plan, "starter");
  const { invoice } = await seller.customer("bea");
  assert.deepEqual([invoice.status, invoice.amount_paid], ["paid", 900]);
});

async function downgrade(page) {
  await open(page, `${program.dev}/pricing`);
  await offer(page, "Starter").getByRole("link", { name: "Change to Starter" }).click();
  await seen(page, "h1", "Change to Starter?");
  await seen(page, ".receipt", "Nothing is charged now.");
  await portray(page, "change downgrade");
  await press(page, "button.main", /^Change on /);
  await seen(page, "h1", "You are on Pro.");
}

flow("an upgrade that is declined changes nothing and says what to do", async (page) => {
  await subscriber(page, "cleo");
  await seller.useCard(await seller.customer("cleo"), "pm_card_chargeCustomerFail");
  await upgrade(page);
  await seen(page, "h1", "The payment did not go through.");
  await seen(page, ".lead", "You keep Starter");
  await portray(page, "change declined");
  assert.equal((await seller.access("cleo")).plan, "starter");
  await press(page, "a.button", "Go to your plan");
  await seen(page, ".pending", /Pro, Monthly waits for your payment of \$20\.00/);
  await portray(page, "account waiting");
  await press(page, ".pending button", "Drop this change");
  await seen(page, ".notice", "The planned change is dropped.");
  await seen(page, "h1", "You are on Starter.");
});

flow("an upgrade that the bank wants confirmed leads there, and is made once it is", async (page) => {
  await subscriber(page, "dora");
  await seller.useCard(await seller.customer("dora"), "pm_card_authenticationRequired");
  await upgrade(page);
  await seen(page, "h1", "Your bank wants you to confirm this payment.");
  await portray(page, "change to confirm");
  assert.equal((await seller.access("dora")).plan, "starter");
  await press(page, "a.button", "Confirm the payment");
  await page.waitForURL(/\/i\//);
  await press(page, ".tests button", "3-D Secure");
  await press(page, "button.big");
  await press(page, "dialog button", "Complete");
  await seen(page, "main", "Thank you");
  await seller.settled();
  await open(page, `${program.dev}/account`);
  await seen(page, "h1", "You are on Pro.");
  assert.equal((await seller.access("dora")).plan, "pro");
});

async function upgrade(page) {
  await open(page, `${program.dev}/account/change?plan=pro&period=monthly`);
  await press(page, "button.main", /^Pay \$/);
}

flow("a preview that no longer holds is shown anew, and nothing is charged", async (page) => {
  await subscriber(page, "fay");
  await open(page, `${program.dev}/account/change?plan=pro&period=monthly`);
  const { invoice: before } = await seller.customer("fay");
  await seller.advance({ seconds: 1_000 });
  await press(page, "button.main", /^Pay \$/);
  await seen(page, "[role=alert]", "nothing was charged");
  await portray(page, "change anew");
  assert.equal((await seller.customer("fay")).invoice.id, before.id);
  await press(page, "button.main", /^Pay \$/);
  await seen(page, "h1", "You are on Pro.");
});

flow("a plan is cancelled in the portal, shown here, and kept after all", async (page) => {
  await subscriber(page, "gwen");
  await press(page, "form button", "Invoices and billing details");
  await page.waitForURL(/\/p\/session\//);
  await press(page, "a.button", "Cancel plan");
  await press(page, "button.grave", "Cancel plan");
  await seen(page, ".notice", "ends on");
  await seller.settled();
  await page.goto(`${program.dev}/account`);
  await seen(page, "h1", /Starter ends on /);
  await portray(page, "account ending");
  // Nobody thinks again within the second, and Stripe's times have no finer grain: until Stripe's own
  // word arrives, two changes of one second cannot be told apart.
  await seller.advance({ seconds: 3 });
  await press(page, "button", "Keep Starter");
  await seen(page, ".notice", "Good: Starter goes on.");
  await seen(page, "h1", "You are on Starter.");
  const { subscription } = await seller.customer("gwen");
  assert.deepEqual([subscription.status, subscription.cancel_at_period_end], ["active", false]);
});

flow("a plan is cancelled here, and ends when it said", async (page) => {
  await subscriber(page, "ida");
  await press(page, "a.quiet", "Cancel plan");
  await seen(page, "h1", "Cancel Starter at the end of the period?");
  await portray(page, "cancel");
  await press(page, "button.grave", /^Yes, cancel on /);
  await seen(page, ".notice", /Cancelled. You keep Starter until /);
  await later(page, "ida", { months: 1 });
  await later(page, "ida", { seconds: DAY });
  await seen(page, "h1", "You have no plan yet.");
  assert.equal((await seller.access("ida")).granted, false);
});

flow("a renewal that fails is told first, with the way to mend it", async (page) => {
  await subscriber(page, "june");
  await seller.useCard(await seller.customer("june"), "pm_card_chargeCustomerFail");
  await later(page, "june", { months: 1 });
  await later(page, "june", { seconds: 2 * 3600 });
  await seen(page, "h1", "Your last payment failed.");
  await seen(page, "button.main", "Update payment method");
  await portray(page, "account past due");
});

flow("a change stays what it is in another language", async (page) => {
  await subscriber(page, "kim");
  await open(page, `${program.dev}/account/change?plan=pro&period=monthly&when=next_invoice`);
  await seen(page, "h1", "Change to Pro?");
  await press(page, ".languages a", "Deutsch");
  await seen(page, "h1", "Zu Pro wechseln?");
  await seen(page, "[aria-current]", "Jetzt, mit der nächsten Rechnung zahlen");
  await seen(page, ".lead", "29\u00a0$ pro Monat");
  await portray(page, "change german");
});
