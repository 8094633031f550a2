// `tollgate dev`: from the pricing page to access and to its end, and the sandbox's own pages.

import assert from "node:assert/strict";
import { flow, open, portray, press, seen } from "./browser.js";
import { startDev } from "./programs.js";

const DAY_MS = 86_400_000;
const program = await startDev();

flow("somebody buys, renews, stops paying and loses access", async (page) => {
  await open(page, `${program.sandbox}/`);
  await seen(page, "[data-customers]", "Nobody yet");
  await portray(page, "desk start");
  await open(page, program.dev);
  await seen(page, ".mode", "Test mode");
  await open(page, `${program.dev}/account`);
  await seen(page, ".lead", "?user=ada in the address will do");
  await open(page, program.dev);
  await seen(page, "[data-connection]", "Live");
  await portray(page, "dev start");
  await buys(page);
  // From here on the page follows by itself: it is not loaded again.
  await page.evaluate(() => { window.same = true; });
  await renews(page);
  await stopsPaying(page);
  assert.equal(await page.evaluate(() => window.same), true, "the page was loaded again");
  await looksAtThePortal(page);
  await looksAtTheDesk(page);
});

async function buys(page) {
  await press(page, ".sandbox a", "Shop");
  await seen(page, "[data-known]", "a new customer");
  await portray(page, "shop");
  await page.getByRole("article", { name: "Pro", exact: true }).getByRole("button").click();
  await page.waitForURL(/\/c\/pay\/cs_/);
  await seen(page, "#email[readonly]");
  await press(page, ".tests button", "Succeeds");
  await press(page, "button.big", "Subscribe");
  await page.waitForURL(`${program.dev}/**`);
  await seen(page, ".row", /ada[^]*has access/);
  await seen(page, ".row", "invoice.paid");
  const doors = page.locator(".doors").first().locator(":scope > *");
  const tops = await doors.evaluateAll((all) => all.map((it) => it.getBoundingClientRect().top));
  assert.deepEqual(tops, Array(3).fill(tops[0]), "what leads on stands on one line");
  await seen(page, ".steps code", `curl -H "Authorization: Bearer dev" ${program.dev}/access/ada`);
  await seen(page, ".steps code", "tollgate explain ada --dev");
  await portray(page, "dev granted");
}

async function renews(page) {
  const paid = page.locator(".row").filter({ hasText: "invoice.paid" });
  const clock = async () => Date.parse(await page.locator("[data-now]").getAttribute("datetime"));
  const [before, known] = [await clock(), await paid.count()];
  await press(page, "button", "+1 month");
  await paid.nth(known).waitFor();
  await settled(page);
  await seen(page, ".row", /ada[^]*has access/);
  const days = (await clock() - before) / DAY_MS;
  assert.ok(days > 27 && days < 32, `a month, but the clock moved ${days} days`);
}

async function stopsPaying(page) {
  await press(page, ".switch", "Cards fail from now on");
  await settled(page);
  assert.equal(await page.locator("[data-fail]").isChecked(), true);
  await press(page, "button", "To the next renewal");
  await seen(page, ".row", /ada[^]*grace[^]*has access/i);
  await settled(page);
  await portray(page, "dev grace");
  await press(page, "button", "+1 week");
  await seen(page, ".row", /ada[^]*no access/);
  await settled(page);
  await portray(page, "dev ended");
}

// The bar with the clock does one thing at a time.
async function settled(page) {
  await page.waitForFunction(() => !document.querySelector("[data-sandbox][aria-busy]"));
}

async function looksAtThePortal(page) {
  await press(page, "button", "Portal");
  await page.waitForURL(/\/p\/session\//);
  await seen(page, "main", "A payment is missing");
  await portray(page, "portal unpaid");
  await press(page, "a.back");
  await page.waitForURL(`${program.dev}/**`);
}

async function looksAtTheDesk(page) {
  await press(page, ".sandbox a", "Sandbox");
  await seen(page, "[data-customers] li", "ada");
  await seen(page, "[data-endpoints] li", `${program.dev}/stripe/webhook`);
  const row = await seen(page, "[data-events] li", "invoice.payment_failed");
  await seen(row, ".badge.good", "200");
  await portray(page, "desk");
  await press(page, "button.event");
  await seen(page, "dialog[open] pre", '"object": "event"');
  await portray(page, "desk event");
  await press(page, "dialog button", "Close");
  const before = await page.locator("[data-moment]").getAttribute("datetime");
  await press(page, "button", "+1 day");
  await page.waitForFunction((old) => Date.parse(document.querySelector("[data-moment]").dateTime) - Date.parse(old) >= 86_400_000, before);
  await open(page, `${program.sandbox}/shop?user=ada`);
  await seen(page, "[data-known]", "a customer already");
}

flow("the sandbox's page with an embedded checkout sells as well", async (page) => {
  const answer = await fetch(`${program.sandbox}/_sandbox/cards`, { method: "POST", body: new URLSearchParams({ fail: "false" }) });
  assert.equal(answer.status, 200);
  await open(page, `${program.sandbox}/shop/embedded`);
  await page.waitForFunction(() => document.querySelectorAll("#price option").length > 1);
  await page.fill("#user", "linus");
  await press(page, "form button", "Begin");
  const frame = page.frameLocator("iframe");
  await seen(frame, "button.big");
  await portray(page, "shop embedded");
  await press(frame, ".tests button", "Succeeds");
  await press(frame, "button.big");
  await page.waitForURL(`${program.dev}/**`);
  await seen(page, ".row", /linus[^]*has access/);
});
