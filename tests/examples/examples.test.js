// The same app in four frameworks: what a person does in it, with Tollgate there and away.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { flow, portray, press, seen } from "../browser/browser.js";
import { startDev } from "../browser/programs.js";
import { line, startApp } from "./apps.js";

// What the gate answers without access, and without Tollgate. A page of Next's App Router has no
// status of its own. ONLY names one of them, to work on it.
const EXAMPLES = [
  { name: "express", gated: 402, away: 503 },
  { name: "nextjs", gated: 200, away: 200 },
  { name: "fastapi", gated: 402, away: 503 },
  { name: "axum", gated: 402, away: 503 },
].filter(({ name }) => !process.env.ONLY || process.env.ONLY === name);
const TEMPLATES = ["page", "sign_in", "home", "gate", "export", "welcome", "away"];
const COPIES = [
  ["express/public/style.css", "nextjs/app/style.css", "fastapi/static/style.css", "axum/static/style.css"],
  ...TEMPLATES.map((it) => [`fastapi/templates/${it}.html`, `axum/templates/${it}.html`]),
];
const LEFT_TO_PAY = /\/c\/pay\/cs_/;
const PORTAL = /\/p\/session\//;

const program = await startDev();

for (const { name, gated, away } of EXAMPLES) {
  const tollgate = await line(program.dev);
  const url = await startApp(name, tollgate.origin);

  flow(`${name}: somebody signs in, buys, exports, cancels, and loses the export when the month ends`, async (page) => {
    await arrives(page, { name, url });
    await isRefused(page, { name, url, gated });
    await turnsBack(page, url);
    await buys(page, { name, url });
    await exports(page, { name, url });
    await cancels(page, { name, url });
    await losesIt(page, url);
  });

  flow(`${name}: while Tollgate is away, its last answer counts, and without one the gate is closed`, async (page) => {
    await signsIn(page, url, `grace-${name}`);
    await press(page, "button", "Buy Pro");
    await pays(page, url);
    await exports(page, { url });
    tollgate.cut = true;
    try {
      await exports(page, { url });
      await press(page, "button", "Sign out");
      await seen(page, "button", "Sign in");
      await signsIn(page, url, `linus-${name}`);
      await seen(page, "main", "can't be looked up");
      const response = await page.goto(`${url}/export`);
      assert.equal(response.status(), away);
      await seen(page, "h1", "We can't look up your plan");
      await portray(page, `${name} away`);
    } finally {
      tollgate.cut = false;
    }
    await press(page, ".button", "Try again");
    await seen(page, "h1", "The export is part of Pro");
  }, { complaints: away >= 500 ? [/status of 503/] : [] });

  flow(`${name}: a cookie that was changed signs nobody in`, async (page) => {
    await signsIn(page, url, `mallory-${name}`);
    const context = page.context();
    const cookie = (await context.cookies(url)).find((it) => it.name === "notes");
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Lax"]);
    await context.addCookies([{ ...cookie, value: (cookie.value.startsWith("A") ? "B" : "A") + cookie.value.slice(1) }]);
    await page.goto(`${url}/export`);
    await seen(page, "button", "Sign in");
  });

  flow(`${name}: a second tab does not sell it twice`, async (page) => {
    await signsIn(page, url, `alan-${name}`);
    const second = await page.context().newPage();
    await second.goto(url);
    await press(page, "button", "Buy Pro");
    await pays(page, url);
    await press(second, "button", "Buy Pro");
    await second.waitForURL(PORTAL);
  });

  flow(`${name}: a name is a name, whatever it says`, async (page) => {
    const user = `<i>zoë; o'neil/../${name}</i>`;
    await signsIn(page, url, user);
    assert.equal(await page.locator(".who").textContent(), user);
    await seen(page, ".card", "You are on Free.");
  });
}

async function signsIn(page, url, user) {
  await page.goto(url);
  await page.fill("input[name=name]", user);
  await press(page, "button", "Sign in");
  await seen(page, ".who", user);
}

async function arrives(page, { name, url }) {
  await page.goto(`${url}/export`);
  await page.waitForURL(`${url}/`);
  await portray(page, `${name} sign in`);
  await signsIn(page, url, `ada-${name}`);
  await seen(page, ".card", "You are on Free.");
  assert.equal(await page.locator("button", { hasText: "Manage billing" }).count(), 0, "nothing to manage yet");
  await portray(page, `${name} free`);
}

async function isRefused(page, { name, url, gated }) {
  const response = await page.goto(`${url}/export`);
  assert.equal(response.status(), gated);
  await seen(page, "h1", "The export is part of Pro");
  assert.equal(await page.locator("pre").count(), 0, "nothing is given away");
  await portray(page, `${name} gate`);
}

// Whoever does not pay is back in this app, not in another one.
async function turnsBack(page, url) {
  await press(page, "button", "Buy Pro");
  await page.waitForURL(LEFT_TO_PAY);
  await press(page, "a.back");
  await page.waitForURL(`${url}/?checkout=canceled`);
  await seen(page, ".notice", "nothing was charged");
}

async function buys(page, { name, url }) {
  await press(page, "button", "Buy Pro");
  await pays(page, url);
  await portray(page, `${name} welcome`);
}

async function pays(page, url) {
  await page.waitForURL(LEFT_TO_PAY);
  await page.fill("#email", "ada@example.com");
  await press(page, ".tests button", "Succeeds");
  await press(page, "button.big", "Subscribe");
  await page.waitForURL(`${url}/welcome`);
  await seen(page, "h1", "Welcome to Pro");
}

async function exports(page, { name, url }) {
  await page.goto(`${url}/export`);
  await seen(page, "pre", "Water the fig tree");
  if (name) await portray(page, `${name} export`);
}

async function cancels(page, { name, url }) {
  await press(page, "main a", "Back to the notes");
  await press(page, "button", "Manage billing");
  await page.waitForURL(PORTAL);
  await press(page, "a.button", "Cancel plan");
  await press(page, "button.grave", "Cancel plan");
  await seen(page, ".notice", /Pro ends on/);
  await press(page, "a.back");
  await page.waitForURL(`${url}/`);
  await seen(page, ".card", /You have Pro until \d+ \w+ 20\d\d\./);
  await portray(page, `${name} ending`);
  await exports(page, { url });
}

async function losesIt(page, url) {
  const answer = await fetch(`${program.sandbox}/_sandbox/advance`, { method: "POST", body: new URLSearchParams({ seconds: `${32 * 86_400}` }) });
  assert.equal(answer.status, 200);
  await page.goto(`${url}/export`);
  await seen(page, "h1", "The export is part of Pro");
  await page.goto(url);
  await seen(page, ".card", "You are on Free.");
}

test("what several examples have in common is the same in all", async () => {
  for (const copies of COPIES) {
    const texts = await Promise.all(copies.map((it) => readFile(new URL(`../../examples/${it}`, import.meta.url), "utf8")));
    assert.equal(new Set(texts).size, 1, copies.join(", "));
  }
});
