// The stand-in for a bank's 3-D Secure page, where an intent sends its customer away.

import assert from "node:assert/strict";
import { Account } from "./account.js";
import { startApp } from "./app.js";
import { flow, open, portray, press, seen } from "./browser.js";
import { startSandbox } from "./programs.js";

const program = await startSandbox();
const app = await startApp(program);
const account = new Account(program, app);

// A payment that the bank asks about; the customer is sent away to confirm it.
function asked() {
  return account.post("payment_intents", {
    amount: 3000, currency: "eur", confirm: true, payment_method: "pm_card_threeDSecure2Required",
    payment_method_types: ["card"], return_url: `${app.origin}/ok`,
  });
}

for (const [button, redirect, status] of [["Complete", "succeeded", "succeeded"], ["Fail", "failed", "requires_payment_method"]]) {
  flow(`the bank's page: ${button}`, async (page) => {
    const intent = await asked();
    await open(page, intent.next_action.redirect_to_url.url);
    await seen(page, "main", "€30.00");
    await portray(page, `bank ${button}`);
    await press(page, ".pair button", button);
    await page.waitForURL((url) => url.origin === app.origin);
    assert.equal(new URL(page.url()).searchParams.get("redirect_status"), redirect);
    assert.equal((await account.get(`payment_intents/${intent.id}`)).status, status);
  });
}
