// Hosted Checkout, from the session's address to the app's.

import assert from "node:assert/strict";
import { Account } from "./account.js";
import { startApp } from "./app.js";
import { flow, gone, open, portray, press, seen } from "./browser.js";
import { startSandbox } from "./programs.js";

const PAY = "button.big";
const program = await startSandbox();
const app = await startApp(program);
const account = new Account(program, app);
await account.stock();

// The session's own id stands where the app left room for it.
async function arrives(page, session) {
  await page.waitForURL(`${app.origin}/ok?session_id=${session.id}`);
}

async function begin(page, session) {
  await open(page, session.url);
  await seen(page, PAY);
}

const status = async (session) => {
  const { status, payment_status } = await account.get(`checkout/sessions/${session.id}`);
  return [status, payment_status];
};

flow("an empty form says what is missing and leads there", async (page) => {
  await begin(page, await account.subscribing());
  await portray(page, "checkout subscription");
  await press(page, PAY);
  await seen(page, "#email-fault", "e-mail address");
  assert.equal(await page.evaluate(() => document.activeElement.id), "email");
  assert.equal(await page.locator(".back").getAttribute("href"), `${app.origin}/pricing`);
});

flow("a promotion code: wrong, right, removed, and paid with", async (page) => {
  const session = await account.subscribing();
  await begin(page, session);
  await page.fill("#code", "nope");
  await press(page, ".enter button");
  await seen(page, "#code-fault", "NOPE");
  await page.fill("#code", "welcome20");
  await press(page, ".enter button");
  await seen(page, ".ticket", "WELCOME20");
  await seen(page, ".total", "9.60");
  await seen(page, ".price", "9.60");
  await portray(page, "checkout promotion code");
  await press(page, "[data-remove]");
  await seen(page, ".total", "12.00");
  await page.fill("#code", "WELCOME20");
  await press(page, ".enter button");
  await seen(page, ".total", "9.60");
  await page.fill("#email", "ada@example.com");
  await press(page, ".tests button", "Succeeds");
  await press(page, PAY);
  await arrives(page, session);
  assert.equal((await account.get(`checkout/sessions/${session.id}`)).amount_total, 960);
});

flow("a declined card, and then one that pays", async (page) => {
  const session = await account.subscribing();
  await begin(page, session);
  await page.fill("#email", "ada@example.com");
  await press(page, ".tests button", "Declined");
  await press(page, PAY);
  await seen(page, ".alert", /declined.*generic_decline/s);
  await portray(page, "checkout declined");
  assert.deepEqual(await status(session), ["open", "unpaid"]);
  await press(page, ".tests button", "Succeeds");
  await press(page, PAY);
  await arrives(page, session);
  assert.deepEqual(await status(session), ["complete", "paid"]);
});

flow("a wrong security code is told at its field", async (page) => {
  await begin(page, await account.subscribing());
  await page.fill("#email", "ada@example.com");
  for (const [id, text] of [["number", "4000000000000127"], ["expiry", "1235"], ["cvc", "123"]]) await page.fill(`#${id}`, text);
  await press(page, PAY);
  await seen(page, "#cvc-fault", /security code/i);
  assert.equal(await page.evaluate(() => document.activeElement.id), "cvc");
});

flow("3-D Secure that fails, and then is completed", async (page) => {
  const session = await account.subscribing();
  await begin(page, session);
  await page.fill("#email", "ada@example.com");
  await press(page, ".tests button", "3-D Secure");
  await press(page, PAY);
  await seen(page, "dialog[open]", "€12.00");
  await portray(page, "checkout 3-d secure");
  await press(page, "dialog button", "Fail");
  await seen(page, ".alert", /authentic/i);
  assert.deepEqual(await status(session), ["open", "unpaid"]);
  await press(page, PAY);
  await press(page, "dialog button", "Complete");
  await arrives(page, session);
  assert.deepEqual(await status(session), ["complete", "paid"]);
  await open(page, session.url);
  await seen(page, "h1", "This order is complete");
  await portray(page, "checkout complete");
});

flow("a trial begins without a payment", async (page) => {
  const { id: customer } = await account.customer();
  const session = await account.subscribing({ customer, subscription_data: { trial_period_days: 7 } });
  await begin(page, session);
  await seen(page, ".price", "7 days free");
  await portray(page, "checkout trial");
  await press(page, ".tests button", "Succeeds");
  await press(page, PAY, "Start trial");
  await arrives(page, session);
  const [subscription] = (await account.get(`subscriptions?customer=${customer}`)).data;
  assert.equal(subscription.status, "trialing");
});

flow("a trial that needs no card asks for none", async (page) => {
  const session = await account.subscribing({ subscription_data: { trial_period_days: 14 }, payment_method_collection: "if_required" });
  await begin(page, session);
  assert.equal(await page.locator("#number").count(), 0);
  await page.fill("#email", "ada@example.com");
  await portray(page, "checkout without a card");
  await press(page, PAY, "Start trial");
  await arrives(page, session);
  assert.deepEqual(await status(session), ["complete", "no_payment_required"]);
});

flow("setup mode saves a card for later", async (page) => {
  const { id: customer } = await account.customer();
  const session = await account.checkout({ mode: "setup", currency: "eur", customer });
  await begin(page, session);
  await portray(page, "checkout setup");
  await press(page, ".tests button", "3-D Secure");
  await press(page, PAY, "Save");
  await press(page, "dialog button", "Complete");
  await arrives(page, session);
  const cards = await account.get(`customers/${customer}/payment_methods`);
  assert.deepEqual(cards.data.map(({ card }) => card.last4).sort(), ["3155", "4242"]);
});

flow("a SEPA debit is under way first and settles days later", async (page) => {
  const session = await account.subscribing();
  await begin(page, session);
  await page.fill("#email", "ada@example.com");
  await page.check("input[value=sepa_debit]");
  await press(page, ".tests button", "Succeeds later");
  await portray(page, "checkout sepa");
  await press(page, PAY);
  await arrives(page, session);
  assert.deepEqual(await status(session), ["complete", "unpaid"]);
  await account.advance({ seconds: 14 * 86_400 });
  assert.deepEqual(await status(session), ["complete", "paid"]);
});

flow("a quantity changes the sum", async (page) => {
  const line = { price: account.pro.month, quantity: 2, adjustable_quantity: { enabled: true, minimum: 1, maximum: 3 } };
  await begin(page, await account.subscribing({ line_items: [line] }));
  await seen(page, ".total", "24.00");
  await press(page, ".stepper button", "+");
  await seen(page, ".total", "36.00");
  await seen(page, ".stepper button[aria-disabled=true]", "+");
  await portray(page, "checkout quantity");
});

flow("an expired session says so and offers a new start", async (page) => {
  const session = await account.subscribing({ after_expiration: { recovery: { enabled: true } } });
  await begin(page, session);
  await account.post(`checkout/sessions/${session.id}/expire`, {});
  await open(page, session.url);
  await seen(page, "h1", "This checkout has expired");
  await portray(page, "checkout expired");
  await press(page, "a.button", "Start again");
  await seen(page, "h1", "Subscribe to Pro");
});

flow("an address of no session says so", async (page) => {
  await open(page, `${program.sandbox}/c/pay/cs_test_nobody`);
  await seen(page, "h1", "There is nothing at this address");
  await portray(page, "checkout unknown");
});

flow("the keyboard is enough, from the first field to paid", async (page) => {
  const session = await account.subscribing({ allow_promotion_codes: false });
  await begin(page, session);
  const type = async (id, text) => {
    await tabTo(page, id);
    await page.keyboard.type(text);
  };
  await type("email", "ada@example.com");
  await type("number", "4000002500003155");
  await type("expiry", "1235");
  await type("cvc", "123");
  await page.keyboard.press("Enter");
  await seen(page, "dialog[open]");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Complete");
  await page.keyboard.press("Enter");
  await gone(page, "dialog");
  await arrives(page, session);
});

// Tabs on until the field has the focus, and sees that the focus shows.
async function tabTo(page, id) {
  const most = 20;
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press("Tab");
    const [focused, outline] = await page.evaluate(() => {
      const { activeElement } = document;
      // A choice shows the focus of the button in it.
      return [activeElement.id, getComputedStyle(activeElement.closest(".choice") ?? activeElement).outlineStyle];
    });
    assert.notEqual(outline, "none", `the focus before ${id} is invisible`);
    if (focused === id) return;
  }
  assert.fail(`${id} is not among the next ${most} stops of the Tab key`);
}
