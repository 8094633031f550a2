// One Chromium for a file of tests. Every flow gets a page of its own that may not complain:
// an error in the console, a breach of the page's content policy or an exception fails the flow.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { chromium } from "playwright-core";
import { required } from "./programs.js";

const PATIENCE_MS = 20_000;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 780 };
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
// A refusal is an answer; the browser notes it, and the page shows it.
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d/;

await mkdir(required("PICTURES"), { recursive: true });
const browser = await chromium.launch({ executablePath: required("CHROMIUM"), args: ARGUMENTS });
after(() => browser.close());

// A test with a page. `complaints` are what the page is allowed to say in the console.
export function flow(name, run, { complaints = [] } = {}) {
  test(name, async () => {
    const context = await browser.newContext({ viewport: DESKTOP, locale: "en-GB", reducedMotion: "reduce" });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const heard = listen(page);
    await page.addInitScript(tellBreaches);
    try {
      await run(page);
      assert.deepEqual(heard.filter((line) => !complaints.some((known) => known.test(line))), [], "the page complained");
      for (const known of complaints) assert.ok(heard.some((line) => known.test(line)), `nothing said ${known}`);
    } catch (error) {
      await page.screenshot({ path: picture(`failed ${name}`), fullPage: true });
      // The stack is what is printed; the message was copied into it when it was made.
      error.stack += `\nat ${page.url()}\n${heard.join("\n")}`;
      throw error;
    } finally {
      await context.close();
    }
  });
}

// Opens one of our pages. All of them have a content policy.
export async function open(page, url) {
  const response = await page.goto(url);
  assert.match(response.headers()["content-security-policy"] ?? "", /^default-src 'none'/, `the content policy of ${url}`);
}

// Takes the page's picture on a desktop and on a phone, light and dark. No phone scrolls sideways.
export async function portray(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(PHONE);
    await fitsPhone(page, name);
    await page.screenshot({ path: picture(`${name} phone ${colorScheme}`), fullPage: true });
    await page.setViewportSize(DESKTOP);
    await page.screenshot({ path: picture(`${name} desktop ${colorScheme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  // A click that comes while the page finds its old size again may miss what it aims at.
  await page.evaluate(() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled))));
}

async function fitsPhone(page, name) {
  for (const frame of page.frames()) {
    const [width, room] = await frame.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(width <= room, `${name} is ${width} pixels wide on a phone with ${room}`);
  }
}

// Waits until an element with that text is to be seen, and gives it.
export async function seen(scope, selector, text) {
  const found = scope.locator(selector).filter(text === undefined ? {} : { hasText: text }).first();
  await found.waitFor();
  return found;
}

export async function press(scope, selector, text) {
  await scope.locator(selector).filter(text === undefined ? {} : { hasText: text }).first().click();
}

export async function gone(scope, selector) {
  await scope.locator(selector).first().waitFor({ state: "hidden" });
}

function listen(page) {
  const heard = [];
  page.on("pageerror", (error) => heard.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !REFUSED.test(text)) heard.push(`${message.type()}: ${text}`);
  });
  return heard;
}

function tellBreaches() {
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`content policy: ${event.violatedDirective} forbids ${event.blockedURI}`);
  });
}

function picture(name) {
  return join(required("PICTURES"), `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.png`);
}
