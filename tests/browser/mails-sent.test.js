// Mails from their sending to their reader: bought on the pricing page, sent by SMTP, parsed by a
// library that is not ours and shown; or kept in the mailbox of `tollgate dev`.

import assert from "node:assert/strict";
import { startDev as startSendingDev } from "../official/dev.js";
import { startMailServer } from "../official/mailserver.js";
import { flow, open, portray, press, seen } from "./browser.js";
import { looksRight } from "./letter.js";
import { startDev } from "./programs.js";

const server = await startMailServer({ hideSTARTTLS: true });
const sending = await startSendingDev(
  { TOLLGATE_SMTP_URL: server.url(), TOLLGATE_MAIL_FROM: "billing@northwind.example" },
  '[brand]\nname = "Northwind"\naccent = "#0f766e"\n',
);
const dev = await startDev();

flow("what arrived by SMTP looks right", async (page) => {
  await sending.buys("anne", { email: "anne@example.com", name: "Änne Müßig", preferred_locales: ["de"] });
  await sending.buys("bob", { email: "bob@example.com", name: "Bob <script>alert(1)</script>", plan: "lifetime", period: "once" });
  await sending.quiet();
  const [receipt, ...more] = server.of("bob@example.com");
  assert.deepEqual([receipt.mail.subject, more], ["Your receipt from Northwind: $499.00", []]);
  assert.equal(server.of("anne@example.com").length, 2);
  for (const [index, { mail }] of server.arrived.entries()) {
    await page.setContent(mail.html);
    assert.equal((await page.title()).replaceAll("\u00a0", " "), mail.subject);
    await looksRight(page, `received ${index + 1} ${mail.to.value[0].address.split("@")[0]}`);
  }
});

flow("the mailbox has what would have gone out", async (page) => {
  await open(page, `${dev.dev}/dev/mails`);
  await seen(page, "h1", "No mail went out yet");
  await portray(page, "mailbox empty");
  await buys(page);
  await open(page, dev.dev);
  await press(page, ".sandbox a", "Mailbox");
  await page.waitForURL(`${dev.dev}/dev/mails`);
  // The page does not follow by itself.
  await page.waitForFunction(() => document.querySelectorAll(".row").length === 2 || location.reload());
  await seen(page, "h1", "2 mails went out");
  await seen(page, ".row", "to ada@example.com");
  await portray(page, "mailbox");
  await press(page, ".row a", "Your receipt");
  await reads(page);
  await press(page, ".back a");
  await press(page, ".row a", "Welcome to Pro");
  await seen(page, "h1", "Welcome to Pro");
  await seen(page, ".plain-text", "Pro");
});

async function buys(page) {
  await open(page, `${dev.dev}/pricing?user=ada`);
  await page.getByRole("region", { name: "Pro", exact: true }).getByRole("button").first().click();
  await page.waitForURL(/\/c\/pay\/cs_/);
  await page.fill("#email", "ada@example.com");
  await press(page, ".tests button", "Succeeds");
  await press(page, "button.big");
  await page.waitForURL(`${dev.dev}/billing/return**`);
}

// The letter is in the frame for a desk and in that for a phone, and its button opens beside it.
async function reads(page) {
  await seen(page, "h1", "Your receipt");
  await seen(page, ".lead", "To ada@example.com");
  await seen(page, ".plain-text", "$29.00");
  for (const where of [".desk", ".phone"]) {
    const letter = page.frameLocator(`${where} iframe`);
    await seen(letter, "h1, p, div", "Thank you for your payment");
    await seen(letter, "a", "View invoice");
  }
  await portray(page, "mailbox letter");
  const [invoice] = await Promise.all([
    page.waitForEvent("popup"),
    press(page.frameLocator(".desk iframe"), "a", "View invoice"),
  ]);
  await invoice.waitForURL(`${dev.sandbox}/i/in_*`);
  await invoice.close();
}
