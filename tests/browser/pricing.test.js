// From Tollgate's own pricing page through Checkout to access, before any webhook comes.

import assert from "node:assert/strict";
import { flow, open, portray, press, seen } from "./browser.js";
import { startDev } from "./programs.js";
import { Seller, SETTINGS } from "./selling.js";

const PAY = "button.big";
const program = await startDev(SETTINGS);
const seller = new Seller(program);

// What is to be seen of a plan's price.
const price = async (page, title) => (await offer(page, title).locator(".price:visible p").first().innerText()).replace(/\s/g, " ");

const offer = (page, title) => page.getByRole("region", { name: title, exact: true });

async function choose(page, user, title = "Pro") {
  await seller.name(user);
  await open(page, seller.address("/pricing", user));
  assert.equal(page.url(), `${program.dev}/pricing`, "the token is not in the address");
  await seen(page, ".who", `${user}@example.com`);
  await offer(page, title).getByRole("button").first().click();
  await page.waitForURL(/\/c\/pay\/cs_/);
  await seen(page, PAY);
}

async function pay(scope, card = "Succeeds") {
  await press(scope, ".tests button", card);
  await press(scope, PAY);
}

// What follows from Stripe says nothing new.
async function nothingNewCame(user) {
  const before = await seller.access(user);
  assert.deepEqual([before.granted, before.plan], [true, "pro"]);
  assert.ok(await seller.release() > 0, "webhooks came");
  const after = await seller.access(user);
  assert.deepEqual([after.granted, after.plan, after.revision], [true, "pro", before.revision]);
}

flow("a visitor sees the prices and where to sign in", async (page) => {
  await open(page, `${program.dev}/pricing`);
  await seen(page, "h1", "Choose your plan");
  assert.deepEqual(await page.locator(".offer h2").allInnerTexts(), ["Starter", "Pro", "Lifetime"]);
  assert.equal(await price(page, "Pro"), "$29 per month");
  await portray(page, "pricing visitor");
  await page.getByText("Yearly").click();
  assert.equal(await price(page, "Pro"), "$290 per year");
  assert.equal(await price(page, "Lifetime"), "$499 paid once");
  assert.equal(await page.locator("form button:visible").count(), 0, "nobody buys without an account");
});

flow("the keyboard reaches everything in the order in which it is read", async (page) => {
  await seller.name("tab");
  await open(page, seller.address("/pricing", "tab"));
  const names = [];
  for (let step = 0; step < 8; step += 1) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => {
      const { id, textContent, value } = document.activeElement;
      return id.startsWith("period") ? value : textContent.trim();
    }));
  }
  assert.deepEqual(names.slice(0, 6), ["Skip to content", "Paper Press", "Your plan", "monthly", "Choose Starter", "Choose Pro"]);
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(ring, "solid", "the focus can be seen");
  await page.locator("#period-0").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await price(page, "Pro"), "$290 per year");
});

flow("in German, prices are written the German way", async (page) => {
  await open(page, `${program.dev}/pricing?locale=de`);
  await seen(page, "h1", "Wählen Sie Ihren Tarif");
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  assert.equal(await price(page, "Pro"), "29 $ pro Monat");
  await portray(page, "pricing german");
  // The choice is remembered.
  await open(page, `${program.dev}/pricing`);
  await seen(page, "h1", "Wählen Sie Ihren Tarif");
});

flow("prices, Checkout with a promotion code, back, and access, before any webhook", async (page) => {
  await seller.hold();
  await choose(page, "ada");
  await page.fill("#code", "LAUNCH20");
  await press(page, ".enter button");
  await seen(page, ".total", "23.20");
  await pay(page);
  await page.waitForURL(/\/billing\/return\?session_id=cs_/);
  await seen(page, "h1", "Thank you. Pro is yours.");
  await seen(page, ".ticks li", "The API");
  await portray(page, "paid");
  await nothingNewCame("ada");
  assert.equal((await seller.customer("ada")).invoice.amount_paid, 2_320);
});

flow("the same, with Checkout embedded in a page of ours", async (page) => {
  await seller.hold();
  await seller.name("bea");
  await open(page, seller.address("/checkout?plan=pro&period=monthly", "bea"));
  const frame = page.frameLocator("#checkout iframe");
  await seen(frame, PAY);
  assert.equal(await page.locator("[data-loading], [data-broken]:visible").count(), 0);
  await portray(page, "checkout embedded");
  await frame.locator("#code").fill("LAUNCH20");
  await press(frame, ".enter button");
  await seen(frame, ".total", "23.20");
  await pay(frame);
  await page.waitForURL(/\/billing\/return\?session_id=cs_/);
  await seen(page, "h1", "Thank you. Pro is yours.");
  await nothingNewCame("bea");
});

flow("a declined card grants nothing, another one does", async (page) => {
  await choose(page, "cleo");
  await pay(page, "Declined");
  await seen(page, ".alert", /declined/);
  assert.equal((await seller.access("cleo")).granted, false);
  await pay(page);
  await seen(page, "h1", "Thank you. Pro is yours.");
  assert.equal((await seller.access("cleo")).plan, "pro");
});

flow("3-D Secure grants once it is completed", async (page) => {
  await choose(page, "dora");
  await pay(page, "3-D Secure");
  await press(page, "dialog button", "Fail");
  await seen(page, ".alert", /authentic/i);
  assert.equal((await seller.access("dora")).granted, false);
  await press(page, PAY);
  await press(page, "dialog button", "Complete");
  await seen(page, "h1", "Thank you. Pro is yours.");
  assert.equal((await seller.access("dora")).plan, "pro");
});

flow("whoever closes the tab before the way back has access by the webhook alone", async (page) => {
  await choose(page, "eve");
  // The way back never happens.
  await page.route("**/billing/return**", (route) => route.abort());
  const left = page.waitForRequest(/\/billing\/return/);
  await pay(page);
  await left;
  await page.close();
  await seller.settled();
  const { granted, plan } = await seller.access("eve");
  assert.deepEqual([granted, plan], [true, "pro"]);
});

flow("who turns back is at the prices again, and can go on", async (page) => {
  await choose(page, "fay");
  const session = /cs_[A-Za-z0-9_]+/.exec(page.url())[0];
  await press(page, ".back");
  await page.waitForURL(`${program.dev}/pricing`);
  await open(page, `${program.dev}/billing/return?session_id=${session}`);
  await seen(page, "h1", "This checkout is not finished.");
  await portray(page, "unfinished");
  await press(page, ".button", "Go on paying");
  await page.waitForURL(/\/c\/pay\/cs_/);
});

flow("a return that names nothing is told in words", async (page) => {
  await page.goto(`${program.dev}/billing/return?session_id=cs_test_nobody`);
  await seen(page, "h1", "There is nothing here.");
  await portray(page, "unknown return");
  const json = await fetch(`${program.dev}/billing/return?session_id=cs_test_nobody`);
  assert.deepEqual([json.status, (await json.json()).error], [404, "not_found"]);
});

flow("another account's checkout is not shown", async (page) => {
  await choose(page, "gil");
  const session = /cs_[A-Za-z0-9_]+/.exec(page.url())[0];
  await page.goto(seller.address("/pricing", "hal"));
  await page.goto(`${program.dev}/billing/return?session_id=${session}`);
  await seen(page, "h1", "This checkout is another account's.");
});

flow("a session that ended leads back to the app", async (page) => {
  await page.goto(`${program.dev}/account`);
  await seen(page, "h1", "Please sign in first.");
  await portray(page, "sign in");
  await page.goto(`${program.dev}/pricing?token=a.b.c`);
  await seen(page, "h1", "Please sign in first.");
});
