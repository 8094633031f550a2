// The hosted invoice page.

import assert from "node:assert/strict";
import { Account } from "./account.js";
import { startApp } from "./app.js";
import { flow, open, portray, press, seen } from "./browser.js";
import { startSandbox } from "./programs.js";

const program = await startSandbox();
const app = await startApp(program);
const account = new Account(program, app);

flow("an open invoice is paid on its page", async (page) => {
  const invoice = await account.openInvoice();
  await open(page, invoice.hosted_invoice_url);
  await seen(page, ".badge", "Open");
  await portray(page, "invoice open");
  await press(page, ".tests button", "No funds");
  await press(page, "button.big", "Pay €30.00");
  await seen(page, ".alert", "insufficient");
  assert.equal((await account.get(`invoices/${invoice.id}`)).status, "open");
  await press(page, ".tests button", "Succeeds");
  await press(page, "button.big");
  await seen(page, "main", "Thank you");
  await portray(page, "invoice paid");
  const { status, amount_paid } = await account.get(`invoices/${invoice.id}`);
  assert.deepEqual([status, amount_paid], ["paid", 3000]);
});
