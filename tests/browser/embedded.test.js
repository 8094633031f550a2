// Checkout inside a page of another origin, mounted by the sandbox's Stripe.js.

import assert from "node:assert/strict";
import { Account } from "./account.js";
import { startApp } from "./app.js";
import { flow, portray, press, seen } from "./browser.js";
import { startSandbox } from "./programs.js";

const PAY = "button.big";
const program = await startSandbox();
const app = await startApp(program);
const account = new Account(program, app);
await account.stock();

// Mounts the session's checkout in the app's page, and gives the frame with it.
async function mount(page, session) {
  await page.goto(`${app.origin}/embed`);
  await page.evaluate(async ({ clientSecret, redirects }) => {
    const output = document.querySelector("output");
    const onComplete = redirects ? undefined : () => { output.textContent = "The app knows"; };
    const stripe = window.Stripe("pk_test_browser");
    window.checkout = await stripe.createEmbeddedCheckoutPage({ fetchClientSecret: async () => clientSecret, onComplete });
    window.checkout.mount("#here");
  }, { clientSecret: session.client_secret, redirects: Boolean(session.return_url) });
  const frame = page.frameLocator("#here iframe");
  await seen(frame, PAY);
  return frame;
}

async function pay(frame) {
  await frame.locator("#email").fill("ada@example.com");
  await press(frame, ".tests button", "3-D Secure");
  await press(frame, PAY);
  await press(frame, "dialog button", "Complete");
}

flow("onComplete is called when the session stays in the page", async (page) => {
  const session = await account.embedded({ redirect_on_completion: "never" });
  const frame = await mount(page, session);
  await portray(page, "embedded");
  await asTallAsItsContent(page);
  await pay(frame);
  await seen(page, "output", "The app knows");
  await seen(frame, "h1", "This order is complete");
  await portray(page, "embedded complete");
  assert.equal((await account.get(`checkout/sessions/${session.id}`)).payment_status, "paid");
  await page.evaluate(() => window.checkout.destroy());
  assert.equal(await page.locator("iframe").count(), 0);
});

flow("the page goes to return_url when the session redirects", async (page) => {
  const session = await account.embedded({ return_url: `${app.origin}/back?session_id={CHECKOUT_SESSION_ID}` });
  await pay(await mount(page, session));
  await page.waitForURL(`${app.origin}/back?session_id=${session.id}`);
});

// So that neither the page nor the frame has a second scrollbar.
async function asTallAsItsContent(page) {
  const inner = page.frames().find((frame) => frame.url().includes("/c/embed/"));
  const content = await inner.evaluate(() => Math.ceil(document.body.getBoundingClientRect().height));
  await page.waitForFunction((height) => document.querySelector("iframe").clientHeight === height, content);
}

flow("wrong use is told in words", async (page) => {
  const session = await account.embedded({ redirect_on_completion: "never" });
  await page.goto(`${app.origin}/embed`);
  const told = (use) => page.evaluate(async ([code, secret]) => {
    const attempt = new Function("secret", `return (async () => { ${code} })()`);
    return attempt(secret).then(() => "nothing", (error) => `${error.name}: ${error.message}`);
  }, [use, session.client_secret]);
  const wrong = [
    [`Stripe()`, /publishable key/],
    [`Stripe("sk_test_1")`, /secret key/],
    [`Stripe("pk_live_1")`, /live key/],
    [`Stripe("pk_test_1").elements()`, /elements\(\) is not part of the sandbox/],
    [`Stripe("pk_test_1").redirectToCheckout()`, /session's url/],
    [`await Stripe("pk_test_1").createEmbeddedCheckoutPage({})`, /clientSecret or fetchClientSecret/],
    [`await Stripe("pk_test_1").createEmbeddedCheckoutPage({ clientSecret: "cs_test_1" })`, /is not a client secret/],
    [`(await Stripe("pk_test_1").createEmbeddedCheckoutPage({ clientSecret: secret })).mount("#nowhere")`, /found no element/],
    [`await Stripe("pk_test_1").createEmbeddedCheckoutPage({ clientSecret: secret })`, /one embedded checkout at a time/],
  ];
  for (const [use, words] of wrong) {
    const error = await told(use);
    assert.match(error, words, use);
    assert.match(error, /^IntegrationError: Sandbox Stripe\.js: /, use);
  }
});

flow("a session that does not exist is told in the frame and in the console", async (page) => {
  await page.goto(`${app.origin}/embed`);
  await page.evaluate(async () => {
    const checkout = await window.Stripe("pk_test_1").createEmbeddedCheckoutPage({ clientSecret: "cs_test_nobody_secret_1" });
    checkout.mount("#here");
  });
  await seen(page.frameLocator("iframe"), "h1", "There is nothing at this address");
}, { complaints: [/Sandbox Stripe\.js: checkout cs_test_nobody could not be loaded/] });
